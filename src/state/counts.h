/* Architectural events, counted while running. */
#ifndef VISA_COUNTS_H
#define VISA_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Virtual interrupts of a VM. */
struct vint_count {
    uint64_t sent;         /* VINT_SEND */
    uint64_t taken;        /* the guest's external interrupt */
    uint64_t acknowledged; /* VINT_ACK with a vector */
    uint64_t ended;        /* VINT_ACK.EOI of one */
};

/* A hypervisor chooses how many VMs it has. So many are counted each, of all that come later
 * together: the one behind them. Its VMCS, which is none's: */
enum { MACHINE_VMS = 1024 };
#define MACHINE_OTHER_VMS UINT64_MAX
#define OTHER_VMS_NAME "others" /* which stands for its VMCS in statistics */

struct exit_count {
    uint64_t vmcs;
    uint16_t vmid;           /* at its last exit */
    uint64_t by_cause[0x20]; /* exits */
    uint64_t entries, exits, emu, tlbmiss, instret;
    uint64_t walk_reads_guest, walk_reads_host;   /* page-table entries read */
    uint64_t walk_writes_guest, walk_writes_host; /* and written: A and D */
    struct vint_count vint;
    uint64_t vint_pending; /* vectors that are pending now, by machine_stats(); not of other VMs */
};

/* Fields of the VMCS by number, and behind them the pointer to it. */
enum { MACHINE_REFUSALS = 512 + 1 };

/* Architectural events, counted while running. */
struct machine_stats {
    uint64_t instret, ticks;
    uint64_t exits, emu, tlbmiss; /* VMCOUNT_* in total over all harts */
    uint64_t tlbmiss_host;        /* walks with V=0 */
    uint64_t entry_failures, entries;
    uint64_t refused_by[MACHINE_REFUSALS]; /* entry_failures by the field that is wrong */
    uint64_t pool_spills, pool_refills;
    uint64_t walk_reads_guest, walk_reads_host;   /* page-table entries read */
    uint64_t walk_writes_guest, walk_writes_host; /* and written: A and D */
    uint64_t exceptions, interrupts;
    struct vint_count vint; /* of all VMs, as vint_pending by machine_stats() */
    uint64_t vint_pending;
    unsigned nvms;
    struct exit_count *vms; /* in the order of their first entry; behind them those that were only
                             * sent interrupts, and behind MACHINE_VMS all others */
};

#ifdef __cplusplus
}
#endif

#endif
