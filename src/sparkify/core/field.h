/* What the fields of log lines and song records may be (docs/rules.md, "The judge on a log line").
 *
 * Each function returns true with the field's value, or false if the judge must look at it.
 */
#ifndef SPARKIFY_FIELD_H
#define SPARKIFY_FIELD_H

#include "json.h"

bool integer_of(const Value *field, int64_t *value);
bool double_of(const Value *field, double *value);
bool seconds_of(const Value *field, double *value);

/* Not negative, and leading zeros do not count. */
bool digits_of(const Text *text, int64_t *value);

static inline bool is_none(const Value *field) { return field->type == MISSING || field->type == NONE; }

static inline bool text_of(const Value *field, Text *value) {
    *value = field->text;
    return field->type == STRING;
}

static inline bool filled_text(const Value *field, Text *value) {
    return text_of(field, value) && value->size > 0;
}

/* The readers that columns.h names. */

static inline bool required_text(const Value *field, Datum *datum) {
    *datum = (Datum){TEXT, {field->text}};
    return field->type == STRING;
}

static inline bool identifier(const Value *field, Datum *datum) {
    return required_text(field, datum) && field->text.size > 0 && field->text.size <= MAX_ID_BYTES;
}

static inline bool optional_text(const Value *field, Datum *datum) {
    if (!is_none(field)) return required_text(field, datum);
    *datum = (Datum){0};
    return true;
}

/* Empty text is none. */
static inline bool optional_place(const Value *field, Datum *datum) {
    if (!optional_text(field, datum)) return false;
    if (!datum->text.size) *datum = (Datum){0};
    return true;
}

static inline bool optional_bigint(const Value *field, Datum *datum) {
    *datum = (Datum){0};
    if (is_none(field)) return true;
    datum->type = BIGINT;
    return integer_of(field, &datum->bigint);
}

/* Year 0 is none. */
static inline bool optional_year(const Value *field, Datum *datum) {
    if (!optional_bigint(field, datum)) return false;
    if (!datum->bigint) *datum = (Datum){0};
    return datum->bigint >= 0 && datum->bigint < 10000;
}

static inline bool optional_double(const Value *field, Datum *datum) {
    *datum = (Datum){0};
    if (is_none(field)) return true;
    datum->type = DOUBLE;
    return double_of(field, &datum->real);
}

static inline bool seconds(const Value *field, Datum *datum) {
    datum->type = DOUBLE;
    return seconds_of(field, &datum->real);
}

static inline bool user_id_of(const Value *field, int64_t *value) {
    return field->type == STRING ? digits_of(&field->text, value) : integer_of(field, value);
}

/* The readers of page views, in which what is odd is none. */

static inline bool user_if_any(const Value *field, Datum *datum) {
    bool is_empty = field->type == STRING && !field->text.size;
    *datum = (Datum){0};
    if (is_none(field) || is_empty || field->type == BOOLEAN) return true;
    datum->type = BIGINT;
    return user_id_of(field, &datum->bigint);
}

static inline bool text_if_any(const Value *field, Datum *datum) {
    *datum = (Datum){0};
    if (field->type == STRING) *datum = (Datum){TEXT, {field->text}};
    return true;
}

static inline bool small_integer_if_any(const Value *field, Datum *datum) {
    *datum = (Datum){0};
    if (field->type != NUMBER) return true;
    datum->type = BIGINT;
    if (!integer_of(field, &datum->bigint)) return false;
    if (datum->bigint < INT32_MIN || datum->bigint > INT32_MAX) *datum = (Datum){0};
    return true;
}

#endif
