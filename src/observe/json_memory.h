/* Has jansson been refused memory? What it then makes lacks something, and not every call that
 * makes it says so: whoever builds a document asks once, at its end. */
#ifndef VISA_JSON_MEMORY_H
#define VISA_JSON_MEMORY_H

#include <stdbool.h>

/* From now on: before the first object of a document. */
void json_memory_begin(void);
bool json_memory_lost(void);

#endif
