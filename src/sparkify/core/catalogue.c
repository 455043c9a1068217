/* Records of song files, and their rows for etl.catalogue_records (docs/rules.md, Catalogue). */
#include "catalogue.h"

#include "ids.h"

bool catalogue_add(Catalogue *catalogue, const CatalogueRecord *record, uint32_t slice, int64_t line) {
    Slice *of_slice = &catalogue->lines.slices[slice];
    uint8_t id[16];
    const Datum *columns = record->columns;
    heard_song_id(columns[TITLE].text, columns[ARTIST_NAME].text, columns[DURATION].real, id);
    uint8_t *at = copy_row(&catalogue->rows, 3 + RECORD_COLUMNS, text_bytes_of(columns, RECORD_COLUMNS));
    if (!at) return false;
    at = copy_integer(at, of_slice->file_id);
    at = copy_bigint(at, line);
    at = copy_datums(at, columns, RECORD_COLUMNS);
    at = copy_uuid(at, id);
    copy_row_end(&catalogue->rows, at);
    of_slice->loaded++;
    return true;
}

static Verdict read_line(void *keeper, const uint8_t *line, size_t size, uint32_t slice, int64_t number) {
    Catalogue *catalogue = keeper;
    CatalogueRecord record;
    Verdict verdict = read_song(line, size, &catalogue->scratch, &record);
    if (verdict == ACCEPTED && !catalogue_add(catalogue, &record, slice, number)) return NO_MEMORY;
    return verdict;
}

Outcome catalogue_read(Catalogue *catalogue) {
    if (!copy_begin(&catalogue->rows)) return SHORT_OF_MEMORY;
    Outcome done = lines_read(&catalogue->lines, read_line, catalogue);
    scratch_shrink(&catalogue->scratch);
    return done;
}

void catalogue_free(Catalogue *catalogue) {
    scratch_free(&catalogue->scratch);
    lines_free(&catalogue->lines);
    buffer_free(&catalogue->rows);
}
