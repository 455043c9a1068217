/* SHA-256 (FIPS 180-4), with the processor's instructions for it where it has them. */
#ifndef SPARKIFY_SHA256_H
#define SPARKIFY_SHA256_H

#include "core.h"

typedef struct {
    uint32_t state[8];
    uint64_t size;
    uint8_t block[64];
} Sha256;

/* Find out what the processor can do. Call it once, before everything else. */
void sha256_prepare(void);

void sha256_begin(Sha256 *hash);
void sha256_add(Sha256 *hash, const void *data, size_t size);
void sha256_end(Sha256 *hash, uint8_t digest[32]);

/* sha256_x86.c */
extern const uint32_t SHA256_ROUND[64];
bool sha256_has_instructions(void);
void sha256_with_instructions(uint32_t state[8], const uint8_t block[64]);

#endif
