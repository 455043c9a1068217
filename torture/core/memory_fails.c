/* Memory that fails when wanted. */
#include "memory_fails.h"

static unsigned left;
static int failed;

void fail_allocation(unsigned number) {
    left = number;
    failed = 0;
}

int allocation_failed(void) { return failed; }

static int fails(void) {
    if (!left || --left) return 0;
    failed = 1;
    return 1;
}

void *failing_malloc(size_t size);
void *failing_calloc(size_t count, size_t size);
void *failing_realloc(void *data, size_t size);

void *failing_malloc(size_t size) { return fails() ? NULL : malloc(size); }
void *failing_calloc(size_t count, size_t size) { return fails() ? NULL : calloc(count, size); }
void *failing_realloc(void *data, size_t size) { return fails() ? NULL : realloc(data, size); }
