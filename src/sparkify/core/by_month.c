/* The numbers of items, by month. */
#include "by_month.h"

#include <stdlib.h>

#include "memory.h"

bool by_month_add(ByMonth *list, int32_t month, size_t number) {
    if (!make_room(&list->items, &list->room, list->count + 1, sizeof *list->items)) return false;
    if (list->count && list->items[list->count - 1].month > month) list->is_unsorted = true;
    list->items[list->count++] = (InMonth){month, (uint32_t)number};
    return true;
}

static int by_month_and_number(const void *one, const void *other) {
    const InMonth *a = one, *b = other;
    if (a->month != b->month) return a->month < b->month ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

void by_month_sort(ByMonth *list) {
    if (list->is_unsorted) qsort(list->items, list->count, sizeof *list->items, by_month_and_number);
    list->is_unsorted = false;
}

void by_month_clear(ByMonth *list) {
    list->count = 0;
    list->is_unsorted = false;
}

void by_month_free(ByMonth *list) {
    free(list->items);
    *list = (ByMonth){0};
}

/* The place of the first item of a month, or of a later one. */
static size_t place_of(const ByMonth *list, int64_t month) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].month < month) low = middle + 1;
        else high = middle;
    }
    return low;
}

Walk by_month_find(const ByMonth *list, int32_t month) {
    if (!list->count) return (Walk){NULL, NULL};
    return (Walk){list->items + place_of(list, month), list->items + place_of(list, (int64_t)month + 1)};
}
