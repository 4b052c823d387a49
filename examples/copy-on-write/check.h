/* What the guest has to come to, under any hypervisor. */
#ifndef CHECK_H
#define CHECK_H

#include "console.h"
#include "cow.h"

static inline void check_result(uint64_t told)
{
    const uint64_t sum = SHARED_PAGES * (SHARED_PAGES + 1) / 2;

    expect("what the parent sees", told & 0xffff, sum);
    expect("what the child sees", told >> 16 & 0xffff,
           sum - WRITTEN * (WRITTEN + 1) / 2 + WRITTEN * VALUE);
    expect("pages copied", told >> 32, WRITTEN);
}

#endif
