/* The ids that sparkify computes (docs/rules.md, Identity of a play; Heard songs and matching). */
#include "ids.h"

#include <string.h>

#include "sha256.h"

static uint64_t first_bytes(const uint8_t digest[32]) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | digest[i];
    return value;
}

/* The first 63 bits of the digest. */
static int64_t id_of(Sha256 *hash) {
    uint8_t digest[32];
    sha256_end(hash, digest);
    return (int64_t)(first_bytes(digest) >> 1);
}

/* Write a decimal number; returns the position behind it. */
static char *put_decimal(char *at, int64_t number) {
    char digits[20];
    int count = 0;
    uint64_t value = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    if (number < 0) *at++ = '-';
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count) *at++ = digits[--count];
    return at;
}

/* The id of an event whose user is in `text`, up to `at`; there must be room for the rest. */
static int64_t event_id(char *text, char *at, int64_t session_id, int64_t item_in_session, int64_t ts) {
    *at++ = ',';
    at = put_decimal(at, session_id);
    *at++ = ',';
    at = put_decimal(at, item_in_session);
    *at++ = ',';
    at = put_decimal(at, ts);
    Sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, text, (size_t)(at - text));
    return id_of(&hash);
}

int64_t songplay_id(int64_t user_id, int64_t session_id, int64_t item_in_session, int64_t ts) {
    char text[4 * 21];
    return event_id(text, put_decimal(text, user_id), session_id, item_in_session, ts);
}

int64_t page_view_id(const PageView *view) {
    char text[4 * 21];
    const Datum *user = &view->columns[VIEW_USER_ID];
    char *at = user->type == BIGINT ? put_decimal(text, user->bigint) : text;
    return event_id(text, at, view->session_id, view->item_in_session, view->ts);
}

static void add_title_and_artist(Sha256 *hash, Text title, Text artist) {
    sha256_begin(hash);
    sha256_add(hash, title.data, title.size);
    sha256_add(hash, "", 1);
    sha256_add(hash, artist.data, artist.size);
}

void heard_song_id(Text title, Text artist, double length, uint8_t id[16]) {
    uint64_t bits;
    memcpy(&bits, &length, sizeof bits);
    uint8_t bytes[9] = {0}, digest[32];
    for (int i = 0; i < 8; i++) bytes[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
    Sha256 hash;
    add_title_and_artist(&hash, title, artist);
    sha256_add(&hash, bytes, sizeof bytes);
    sha256_end(&hash, digest);
    memcpy(id, digest, 16);
}

int64_t track_id(Text title, Text artist) {
    Sha256 hash;
    add_title_and_artist(&hash, title, artist);
    return id_of(&hash);
}

int64_t text_id(Text text) {
    Sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, text.data, text.size);
    return id_of(&hash);
}
