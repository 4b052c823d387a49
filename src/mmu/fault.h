/* What an access that fails comes to: an exception, or an exit. */
#ifndef VISA_FAULT_H
#define VISA_FAULT_H

#include "mmu.h"

enum failure {
    FAIL_MISALIGNED,
    FAIL_PAGE,     /* the guest stage, or satp's table, does not allow it */
    FAIL_HOST,     /* the host stage does not */
    FAIL_PHYSICAL, /* the PMP does not, or nothing there takes it */
};

/* Raises it, by q->va and q->gpa. walk: it is the access of a guest's table entry, at q->gpa. */
CHECKED visa_result mmu_fail(struct hart *h, const struct xlate *q, enum failure f, bool walk);

/* The access is in an MMIO range that exits. */
CHECKED visa_result mmu_fail_io(struct hart *h, const struct xlate *q, int range);

#endif
