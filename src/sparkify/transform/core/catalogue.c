/* Records of song files, and their rows for etl.catalogue_records (docs/rules.md, Catalogue). */
#include "catalogue.h"

#include "ids.h"

static uint8_t *copy_number_or_null(uint8_t *at, bool is_there, double value) {
    return is_there ? copy_double(at, value) : copy_null(at);
}

bool catalogue_add(Catalogue *catalogue, const CatalogueRecord *record, uint32_t slice, int64_t line) {
    Slice *of_slice = &catalogue->lines.slices[slice];
    uint8_t id[16];
    heard_song_id(record->title, record->artist_name, record->duration, id);
    uint8_t *at = copy_row(&catalogue->rows, 12,
                           record->song_id.size + record->title.size + record->artist_id.size
                               + record->artist_name.size + record->artist_location.size);
    if (!at) return false;
    at = copy_integer(at, of_slice->file_id);
    at = copy_bigint(at, line);
    at = copy_text(at, record->song_id);
    at = copy_text(at, record->title);
    at = copy_text(at, record->artist_id);
    at = copy_text(at, record->artist_name);
    at = copy_text(at, record->artist_location);
    at = copy_number_or_null(at, record->has_latitude, record->latitude);
    at = copy_number_or_null(at, record->has_longitude, record->longitude);
    at = record->year ? copy_integer(at, record->year) : copy_null(at);
    at = copy_double(at, record->duration);
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

LinesRead catalogue_read(Catalogue *catalogue) {
    if (!copy_begin(&catalogue->rows)) return LINES_SHORT_OF_MEMORY;
    return lines_read(&catalogue->lines, read_line, catalogue);
}

void catalogue_free(Catalogue *catalogue) {
    scratch_free(&catalogue->scratch);
    lines_free(&catalogue->lines);
    copy_free(&catalogue->rows);
}
