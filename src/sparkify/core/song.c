/* Decide on a song record (docs/rules.md, "The judge on a song record"). */
#include "field.h"

#define AS_NAME(name, key) NAME(key),
static const Name NAMES[] = {EACH_RECORD_FIELD(AS_NAME)};
enum { EACH_RECORD_FIELD(AS_ENUMERATOR) RECORD_FIELDS };

Verdict read_song(const uint8_t *line, size_t size, Scratch *scratch, CatalogueRecord *song) {
    Value record[RECORD_FIELDS];
    Verdict verdict = read_object(line, size, NAMES, RECORD_FIELDS, scratch, record);
    if (verdict != ACCEPTED) return verdict;

#define AND_COLUMN(name, read) && read(&record[RECORD_##name], &song->columns[name])
    bool sure = true EACH_RECORD_COLUMN(AND_COLUMN);
    return sure ? ACCEPTED : ASK_THE_JUDGE;
}
