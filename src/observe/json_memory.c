/* Memory of jansson (json_memory.h). It has one allocator for the whole process, so this has one
 * memory of what became of it. */
#include "json_memory.h"

#include <jansson.h>
#include <stdlib.h>

static bool lost;

static void *get(size_t n)
{
    void *p = malloc(n);

    lost |= !p;
    return p;
}

void json_memory_begin(void)
{
    lost = false;
    json_set_alloc_funcs(get, free);
}

bool json_memory_lost(void)
{
    return lost;
}
