/* The numbers of items, by month: a table's rows of a month are found without a look at the other months. */
#ifndef SPARKIFY_BY_MONTH_H
#define SPARKIFY_BY_MONTH_H

#include "core.h"

typedef struct {
    int32_t month;
    uint32_t number;
} InMonth;

typedef struct {
    InMonth *items;
    size_t count, room;
    bool is_unsorted;
} ByMonth;

bool by_month_add(ByMonth *list, int32_t month, size_t number); /* false if memory is short */
void by_month_sort(ByMonth *list);
void by_month_clear(ByMonth *list);
void by_month_free(ByMonth *list);

/* Walk through the items of a month in a sorted list. */
typedef struct {
    const InMonth *at, *end;
} Walk;

Walk by_month_find(const ByMonth *list, int32_t month);

static inline bool walk_next(Walk *walk, uint32_t *number) {
    if (walk->at == walk->end) return false;
    *number = walk->at++->number;
    return true;
}

#endif
