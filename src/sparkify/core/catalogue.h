/* Records of song files, and their rows for etl.catalogue_records (docs/rules.md, Catalogue). */
#ifndef SPARKIFY_CATALOGUE_H
#define SPARKIFY_CATALOGUE_H

#include "copy.h"
#include "lines.h"

typedef struct {
    Scratch scratch;
    Lines lines;
    Buffer rows;
} Catalogue;

Outcome catalogue_read(Catalogue *catalogue);
bool catalogue_add(Catalogue *catalogue, const CatalogueRecord *record, uint32_t slice, int64_t line);
void catalogue_free(Catalogue *catalogue);

#endif
