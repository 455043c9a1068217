/* JSON numbers, and what an integer and a double are (docs/rules.md, "The judge on a log line"). */
#include <float.h>

#include "field.h"
#include "json.h"

/* More digits might not fit 64 bits. */
enum { MOST_DIGITS = 18 };

static inline bool is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }

static inline const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end) {
    while (at < end && is_digit(*at)) at++;
    return at;
}

const uint8_t *read_number(const uint8_t *at, const uint8_t *end) {
    if (at < end && *at == '-') at++;
    const uint8_t *digits = at;
    at = skip_digits(at, end);
    if (at == digits || (*digits == '0' && at - digits > 1)) return NULL;
    if (at < end && *at == '.') {
        digits = ++at;
        at = skip_digits(at, end);
        if (at == digits) return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        digits = at;
        at = skip_digits(at, end);
        if (at == digits) return NULL;
    }
    return at;
}

bool digits_of(const Text *text, int64_t *value) {
    if (text->size < 1 || text->size > MOST_DIGITS) return false;
    int64_t sum = 0;
    for (size_t at = 0; at < text->size; at++) {
        if (!is_digit(text->data[at])) return false;
        sum = sum * 10 + (text->data[at] - '0');
    }
    *value = sum;
    return true;
}

bool integer_of(const Value *field, int64_t *value) {
    if (field->type != NUMBER) return false;
    Text digits = field->text;
    bool negative = *digits.data == '-';
    digits.data += negative;
    digits.size -= negative;
    /* Programs that hold it as a double write 15.0. */
    if (digits.size > 2 && memcmp(digits.data + digits.size - 2, ".0", 2) == 0) digits.size -= 2;
    if (!digits_of(&digits, value)) return false;
    if (negative) *value = -*value;
    return true;
}

/* A double holds each of these exactly, and the integers up to 2^53. So the quotient of two is the double
 * nearest to it: division rounds once. */
static const double POWERS_OF_TEN[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { MOST_DECIMALS = sizeof POWERS_OF_TEN / sizeof *POWERS_OF_TEN - 1 };
static const int64_t EXACT = INT64_C(1) << 53;
_Static_assert(FLT_EVAL_METHOD == 0, "a wider quotient would be rounded twice");

bool double_of(const Value *field, double *value) {
    if (field->type != NUMBER) return false;
    const uint8_t *at = field->text.data, *end = at + field->text.size;
    bool negative = *at == '-';
    int64_t digits = 0;
    const uint8_t *point = NULL;
    for (at += negative; at < end; at++) {
        if (is_digit(*at)) {
            digits = digits * 10 + (*at - '0');
            if (digits > EXACT) return false;
        } else if (*at == '.') {
            point = at;
        } else {
            return false;  /* an exponent */
        }
    }
    size_t decimals = point ? (size_t)(end - point) - 1 : 0;
    if (decimals > MOST_DECIMALS) return false;
    /* As an integer, so that -0.0 becomes 0.0. */
    *value = (double)(negative ? -digits : digits) / POWERS_OF_TEN[decimals];
    return true;
}

bool seconds_of(const Value *field, double *value) { return double_of(field, value) && *value > 0; }
