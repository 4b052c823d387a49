/* The program on the machine that measures: what its checksum should be. */
#include <inttypes.h>
#include <stdio.h>

#include "bench.h"

int main(void)
{
    printf("%" PRIu64 "\n", work());
    return 0;
}
