/* Strict JSON, as far as lines need it: one object without objects or arrays inside. The rules are in
 * docs/rules.md, "Lines", and in extract/strict_json.py; what goes beyond this is left to the judge.
 *
 * A function that reads returns the place behind what it read, or NULL if it is not sure of it.
 */
#ifndef SPARKIFY_JSON_H
#define SPARKIFY_JSON_H

#include <string.h>

#include "core.h"

typedef enum { MISSING, NONE, STRING, NUMBER, BOOLEAN } Type;

/* A member's value: a string as it reads decoded, or a number as it is written. */
typedef struct {
    Type type;
    Text text;
} Value;

/* A key: at most 16 bytes, padded with zeros so that two words hold any. */
typedef struct {
    char text[17];
    uint8_t size;
} Name;

#define NAME(text) {text, sizeof(text) - 1}

/* Read the object on a line: ACCEPTED with a value for each of the `count` names, BLANK, or no verdict. */
Verdict read_object(const uint8_t *line, size_t size, const Name *names, size_t count, Scratch *scratch,
                    Value *values);

/* Read a string from behind its quotation mark. Decode it to `*to`, which has room for what is left of the
 * line, and move `*to` behind it. */
const uint8_t *read_string(const uint8_t *at, const uint8_t *end, uint8_t **to, Text *text);

/* Read a number. */
const uint8_t *read_number(const uint8_t *at, const uint8_t *end);

/* Eight bytes as a number, the first one lowest. Compilers make one load of it. */
static inline uint64_t load(const void *from) {
    const uint8_t *bytes = from;
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16
        | (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40
        | (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

#endif
