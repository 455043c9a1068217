/* JSON strings: valid UTF-8 (docs/rules.md, "Lines"), escapes decoded, eight bytes at a time. */
#include "json.h"

static const uint64_t ONES = 0x0101010101010101;

/* The high bit of the first byte that is not plain: a quotation mark, a backslash, control, or not ASCII.
 * The bits of the bytes behind it mean nothing. */
static inline uint64_t not_plain(uint64_t bytes) {
    uint64_t quotes = (bytes ^ ONES * '"') - ONES;
    uint64_t backslashes = (bytes ^ ONES * '\\') - ONES;
    uint64_t control = bytes - ONES * ' ';
    return (quotes | backslashes | control | bytes) & ONES * 0x80;
}

static inline bool continues(uint8_t byte) { return (byte & 0xC0) == 0x80; }

/* The size of the character that begins here, which is not ASCII; 0 if it is not UTF-8. */
static size_t character(const uint8_t *at, size_t left) {
    uint8_t first = at[0];
    if (first < 0xC2 || left < 2 || !continues(at[1])) return 0;
    if (first < 0xE0) return 2;
    if (left < 3 || !continues(at[2])) return 0;
    if (first < 0xF0) {
        bool overlong = first == 0xE0 && at[1] < 0xA0;
        bool surrogate = first == 0xED && at[1] >= 0xA0;
        return overlong || surrogate ? 0 : 3;
    }
    if (left < 4 || !continues(at[3]) || first > 0xF4) return 0;
    bool overlong = first == 0xF0 && at[1] < 0x90;
    bool too_large = first == 0xF4 && at[1] >= 0x90;
    return overlong || too_large ? 0 : 4;
}

/* Four hexadecimal digits; -1 if they are not. */
static int32_t hexadecimal(const uint8_t *at, const uint8_t *end) {
    if (end - at < 4) return -1;
    int32_t code = 0;
    for (int digit = 0; digit < 4; digit++) {
        uint8_t byte = at[digit], letter = byte | 0x20;
        if (byte >= '0' && byte <= '9') code = code << 4 | (byte - '0');
        else if (letter >= 'a' && letter <= 'f') code = code << 4 | (letter - 'a' + 10);
        else return -1;
    }
    return code;
}

static uint8_t *encode(int32_t code, uint8_t *to) {
    if (code < 0x80) {
        *to++ = (uint8_t)code;
    } else if (code < 0x800) {
        *to++ = (uint8_t)(0xC0 | code >> 6);
        *to++ = (uint8_t)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *to++ = (uint8_t)(0xE0 | code >> 12);
        *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        *to++ = (uint8_t)(0x80 | (code & 0x3F));
    } else {
        *to++ = (uint8_t)(0xF0 | code >> 18);
        *to++ = (uint8_t)(0x80 | (code >> 12 & 0x3F));
        *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        *to++ = (uint8_t)(0x80 | (code & 0x3F));
    }
    return to;
}

/* Read \u and what follows. PostgreSQL has no \u0000, and half a surrogate pair is no character. */
static const uint8_t *read_unicode(const uint8_t *at, const uint8_t *end, uint8_t **to) {
    int32_t code = hexadecimal(at, end);
    if (code <= 0 || (code >= 0xDC00 && code <= 0xDFFF)) return NULL;
    at += 4;
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (end - at < 2 || at[0] != '\\' || at[1] != 'u') return NULL;
        int32_t low = hexadecimal(at + 2, end);
        if (low < 0xDC00 || low > 0xDFFF) return NULL;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        at += 6;
    }
    *to = encode(code, *to);
    return at;
}

/* Read what follows a backslash. What an escape decodes to is shorter than the escape. */
static const uint8_t *read_escape(const uint8_t *at, const uint8_t *end, uint8_t **to) {
    if (at == end) return NULL;
    uint8_t byte = *at++;
    switch (byte) {
    case '"': case '\\': case '/': break;
    case 'b': byte = '\b'; break;
    case 'f': byte = '\f'; break;
    case 'n': byte = '\n'; break;
    case 'r': byte = '\r'; break;
    case 't': byte = '\t'; break;
    case 'u': return read_unicode(at, end, to);
    default: return NULL;
    }
    *(*to)++ = byte;
    return at;
}

const uint8_t *read_string(const uint8_t *at, const uint8_t *end, uint8_t **next, Text *text) {
    uint8_t *to = *next;
    text->data = to;
    for (;;) {
        if (end - at >= 8) {
            uint64_t special = not_plain(load(at));
            memcpy(to, at, 8);
            if (!special) {
                at += 8;
                to += 8;
                continue;
            }
            at += __builtin_ctzll(special) / 8;
            to += __builtin_ctzll(special) / 8;
        }
        if (at == end) return NULL;
        if (*at == '"') break;
        if (*at == '\\') {
            at = read_escape(at + 1, end, &to);
            if (!at) return NULL;
        } else if (*at >= 0x80) {
            size_t size = character(at, (size_t)(end - at));
            if (!size) return NULL;
            memcpy(to, at, size);
            at += size;
            to += size;
        } else if (*at >= ' ') {
            *to++ = *at++;  /* among the last bytes of the line */
        } else {
            return NULL;
        }
    }
    text->size = (size_t)(to - text->data);
    *next = to;
    return at + 1;
}
