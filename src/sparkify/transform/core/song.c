/* Decide on a song record (docs/rules.md, "The judge on a song record"). */
#include "field.h"

/* In the order in which the files have them. Nobody reads num_songs. */
static const Name NAMES[] = {
    NAME("num_songs"), NAME("artist_id"), NAME("artist_latitude"), NAME("artist_longitude"),
    NAME("artist_location"), NAME("artist_name"), NAME("song_id"), NAME("title"), NAME("duration"),
    NAME("year"),
};
enum {
    NUM_SONGS, ARTIST_ID, ARTIST_LATITUDE, ARTIST_LONGITUDE, ARTIST_LOCATION, ARTIST_NAME, SONG_ID, TITLE,
    DURATION, YEAR, FIELDS
};
_Static_assert(sizeof NAMES / sizeof *NAMES == FIELDS, "each field has a name");

/* judge.MAX_ID_BYTES */
enum { MAX_ID_BYTES = 1000 };

static bool identifier_of(const Value *field, Text *value) {
    return filled_text(field, value) && value->size <= MAX_ID_BYTES;
}

static bool optional_double(const Value *field, bool *has, double *value) {
    *has = !is_none(field);
    *value = 0;
    return !*has || double_of(field, value);
}

static bool year_of(const Value *field, int32_t *value) {
    int64_t number = 0;
    if (!is_none(field) && !integer_of(field, &number)) return false;
    *value = (int32_t)number;
    return number >= 0 && number < 10000;
}

Verdict read_song(const uint8_t *line, size_t size, Scratch *scratch, CatalogueRecord *song) {
    Value record[FIELDS];
    Verdict verdict = read_object(line, size, NAMES, FIELDS, scratch, record);
    if (verdict != ACCEPTED) return verdict;

    bool sure = identifier_of(&record[SONG_ID], &song->song_id)
        && text_of(&record[TITLE], &song->title)
        && identifier_of(&record[ARTIST_ID], &song->artist_id)
        && text_of(&record[ARTIST_NAME], &song->artist_name)
        && optional_place(&record[ARTIST_LOCATION], &song->artist_location)
        && optional_double(&record[ARTIST_LATITUDE], &song->has_latitude, &song->latitude)
        && optional_double(&record[ARTIST_LONGITUDE], &song->has_longitude, &song->longitude)
        && year_of(&record[YEAR], &song->year)
        && seconds_of(&record[DURATION], &song->duration);
    return sure ? ACCEPTED : ASK_THE_JUDGE;
}
