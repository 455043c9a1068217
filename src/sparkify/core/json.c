/* One object without objects or arrays inside (docs/rules.md, "Lines"), every byte checked in one pass. */
#include <stdlib.h>

#include "json.h"
#include "memory.h"

/* More other keys than this are left to the judge: each is compared with all before it. */
enum { MOST_OTHER_KEYS = 32 };

void scratch_free(Scratch *scratch) {
    free(scratch->data);
    *scratch = (Scratch){0};
}

void scratch_shrink(Scratch *scratch) {
    if (scratch->room > 1 << 20) scratch_free(scratch);
}

static inline const uint8_t *skip_space(const uint8_t *at, const uint8_t *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

/* A blank line may have vertical tabs and form feeds, too, which JSON does not have. */
static bool is_blank(const uint8_t *at, const uint8_t *end) {
    while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r'))) at++;
    return at == end;
}

static inline bool begins_with(const uint8_t *at, const Name *name) {
    if (name->size < 8) return (load(at) ^ load(name->text)) << (64 - 8 * name->size) == 0;
    size_t last = name->size - 8u;
    return load(at) == load(name->text) && load(at + last) == load(name->text + last);
}

static bool is_name(const Text *key, const Name *name) {
    return key->size == name->size && memcmp(key->data, name->text, key->size) == 0;
}

/* What is known of an object so far. */
typedef struct {
    const Name *names;
    size_t count;
    Value *values; /* of the names */
    size_t next;   /* name, most likely: writers keep to one order, and the names are in the usual one */
    Text others[MOST_OTHER_KEYS];
    size_t other_keys;
    Value other; /* what nobody reads */
} Object;

static bool add_other_key(Object *object, Text key) {
    if (object->other_keys == MOST_OTHER_KEYS) return false;
    for (size_t at = 0; at < object->other_keys; at++) {
        const Text *other = &object->others[at];
        if (key.size == other->size && memcmp(key.data, other->data, key.size) == 0) return false;
    }
    object->others[object->other_keys++] = key;
    return true;
}

/* Read a key from behind its quotation mark, and tell where the value goes. A key that occurs twice is
 * left to the judge. */
static inline const uint8_t *read_key(const uint8_t *at, const uint8_t *end, uint8_t **to, Object *object,
                                      Value **value) {
    size_t name = object->next;
    size_t size = object->names[name].size;
    if (end - at > 16 && begins_with(at, &object->names[name]) && at[size] == '"') {
        at += size + 1;
    } else {
        Text key;
        at = read_string(at, end, to, &key);
        if (!at) return NULL;
        for (name = 0; name < object->count && !is_name(&key, &object->names[name]); name++) {}
        if (name == object->count) {
            *value = &object->other;
            return add_other_key(object, key) ? at : NULL;
        }
    }
    *value = &object->values[name];
    object->next = name + 1 < object->count ? name + 1 : 0;
    return (*value)->type == MISSING ? at : NULL;
}

static inline const uint8_t *read_word(const uint8_t *at, const uint8_t *end, const char *word, size_t size) {
    return (size_t)(end - at) >= size && memcmp(at, word, size) == 0 ? at + size : NULL;
}

static inline const uint8_t *read_value(const uint8_t *at, const uint8_t *end, uint8_t **to, Value *value) {
    if (at == end) return NULL;
    const uint8_t *next;
    switch (*at) {
    case '"':
        value->type = STRING;
        return read_string(at + 1, end, to, &value->text);
    case 'n':
        value->type = NONE;
        return read_word(at, end, "null", 4);
    case 't':
        value->type = BOOLEAN;
        return read_word(at, end, "true", 4);
    case 'f':
        value->type = BOOLEAN;
        return read_word(at, end, "false", 5);
    default:
        next = read_number(at, end);
        if (next) *value = (Value){NUMBER, {at, (size_t)(next - at)}};
        return next;
    }
}

Verdict read_object(const uint8_t *line, size_t size, const Name *names, size_t count, Scratch *scratch,
                    Value *values) {
    const uint8_t *at = line, *end = line + size;
    if (size >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) at += 3;
    at = skip_space(at, end);
    if (at == end || *at != '{') return is_blank(at, end) ? BLANK : ASK_THE_JUDGE;
    scratch->size = 0;
    /* Decoded, the strings of a line are never longer than the line. */
    if (!make_room(&scratch->data, &scratch->room, size, 1)) return NO_MEMORY;

    memset(values, 0, count * sizeof *values);
    Object object = {.names = names, .count = count, .values = values};
    uint8_t *to = scratch->data;
    do {
        at = skip_space(at + 1, end);
        if (at == end || *at != '"') return ASK_THE_JUDGE;
        Value *value;
        at = read_key(at + 1, end, &to, &object, &value);
        if (!at) return ASK_THE_JUDGE;
        at = skip_space(at, end);
        if (at == end || *at != ':') return ASK_THE_JUDGE;
        at = read_value(skip_space(at + 1, end), end, &to, value);
        if (!at) return ASK_THE_JUDGE;
        at = skip_space(at, end);
    } while (at < end && *at == ',');
    if (at == end || *at != '}' || skip_space(at + 1, end) != end) return ASK_THE_JUDGE;
    scratch->size = (size_t)(to - scratch->data);
    return ACCEPTED;
}
