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

static inline bool optional_text(const Value *field, Text *value) {
    *value = (Text){0};
    return is_none(field) || text_of(field, value);
}

/* Empty text is none. */
static inline bool optional_place(const Value *field, Text *value) {
    if (!optional_text(field, value)) return false;
    if (!value->size) *value = (Text){0};
    return true;
}

#endif
