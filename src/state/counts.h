/* Architectural events, counted while running. */
#ifndef VISA_COUNTS_H
#define VISA_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The one list of counters: structs, statistics, reports and their readers come from it. The keys of
 * JSON are these names; visa-sim(1) has a paragraph for each, and testsuite/sim/test_stats.py its own
 * list.
 *
 * Of a VM: X(name, required): results of older versions lack what is not required. */
#define VM_WORLD_COUNTERS(X)                                                                       \
    X(entries, true)                                                                               \
    X(instret, true)                                                                               \
    X(exits, true)                                                                                 \
    X(emu, true)
#define VM_MEMORY_COUNTERS(X)                                                                      \
    X(tlbmiss, true)                                                                               \
    X(walk_reads_guest, true)                                                                      \
    X(walk_reads_host, true)                                                                       \
    X(walk_writes_guest, false)                                                                    \
    X(walk_writes_host, false)
#define VM_VINT_COUNTERS(X)                                                                        \
    X(vint_sent, false)         /* VINT_SEND */                                                    \
    X(vint_taken, false)        /* the guest's external interrupt */                               \
    X(vint_acknowledged, false) /* VINT_ACK with a vector */                                       \
    X(vint_ended, false)        /* VINT_ACK.EOI of one */                                          \
    X(vint_pending, false)      /* are now, by machine_stats(); not of other VMs */
#define VM_COUNTERS(X) VM_WORLD_COUNTERS(X) VM_MEMORY_COUNTERS(X) VM_VINT_COUNTERS(X)

/* Of the machine, over all harts: X(name, title) */
#define MACHINE_COUNTERS(X)                                                                        \
    X(instret, "instructions retired")                                                             \
    X(cycles, "cycles")                                                                            \
    X(exceptions, "exceptions")                                                                    \
    X(interrupts, "interrupts")                                                                    \
    X(entries, "VM entries")                                                                       \
    X(entry_failures, "VM entries refused")                                                        \
    X(exits, "VM exits (VMCOUNT_EXIT)")                                                            \
    X(emu, "emulated (VMCOUNT_EMU)")                                                               \
    X(tlbmiss, "TLB misses in VMs (VMCOUNT_TLBMISS)")                                              \
    X(tlbmiss_host, "TLB misses outside VMs")                                                      \
    X(walk_reads_guest, "page-table entries read, guest stage")                                    \
    X(walk_reads_host, "page-table entries read, host stage")                                      \
    X(walk_writes_guest, "page-table A, D written, guest stage")                                   \
    X(walk_writes_host, "page-table A, D written, host stage")                                     \
    X(pool_refills, "contexts loaded into the pool")                                               \
    X(pool_spills, "contexts spilled from the pool")                                               \
    X(vint_sent, "virtual interrupts sent")                                                        \
    X(vint_taken, "virtual interrupts taken")                                                      \
    X(vint_acknowledged, "virtual interrupts acknowledged")                                        \
    X(vint_ended, "virtual interrupts ended")                                                      \
    X(vint_pending, "virtual interrupts never taken")

/* A hypervisor chooses how many VMs it has. So many are counted each, of all that come later
 * together: the one behind them. Its VMCS, which is none's: */
enum { MACHINE_VMS = 1024 };
#define MACHINE_OTHER_VMS UINT64_MAX
#define OTHER_VMS_NAME "others" /* which stands for its VMCS in statistics */

#define COUNTER_FIELD(name, what) uint64_t name;
struct exit_count {
    uint64_t vmcs;
    uint16_t vmid;           /* at its last exit */
    uint64_t by_cause[0x20]; /* exits */
    VM_COUNTERS(COUNTER_FIELD)
};

/* Fields of the VMCS by number, and behind them the pointer to it. */
enum { MACHINE_REFUSALS = 512 + 1 };

/* Those of virtual interrupts, instret and cycles by machine_stats(). */
struct machine_stats {
    MACHINE_COUNTERS(COUNTER_FIELD)
    uint64_t refused_by[MACHINE_REFUSALS]; /* entry_failures by the field that is wrong */
    unsigned nvms;
    struct exit_count *vms; /* in the order of their first entry; behind them those that were only
                             * sent interrupts, and behind MACHINE_VMS all others */
};
#undef COUNTER_FIELD

#ifdef __cplusplus
}
#endif

#endif
