/* Memory that fails when wanted. The core is compiled with its allocations renamed to these. */
#ifndef MEMORY_FAILS_H
#define MEMORY_FAILS_H

#undef malloc
#undef calloc
#undef realloc

#include <stdlib.h>

/* Let the nth allocation from now on fail, and only that; 0 for none. */
void fail_allocation(unsigned number);

/* Whether it was reached. */
int allocation_failed(void);

#define HOLD(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

#endif
