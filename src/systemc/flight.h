/* An instruction in the pipeline: its operands and the cycles in which it entered each stage. */
#ifndef VISA_SYSTEMC_FLIGHT_H
#define VISA_SYSTEMC_FLIGHT_H

#include "accounts.h"

extern "C" {
#include "state/timing.h"
}

namespace visa
{

struct flight {
    timing_insn insn;     /* length 0: its fetch faults */
    const isa_insn *kind; /* its row of the instruction tables */
    pipeline_row *row;
    uint64_t vmcs; /* 0: no guest's */
    uint16_t vmid;
    uint64_t pa, pa2; /* host physical: of its first half, of its second */
    uint64_t world;   /* for the predictor */
    bool trapped, entered;

    /* The first cycle in each stage. */
    uint64_t fetch, decode, execute, memory, write;
    uint64_t earliest; /* as execute, if neither registers nor order had been in the way */
    uint64_t occupies; /* cycles in execute ... */
    uint64_t pooled;   /* ... and those for contexts */
    uint64_t cursor;   /* cycle up to which the accesses are charged */
    bool in_memory;    /* cursor is there */

    uint64_t predicted;            /* address that fetch goes on with */
    uint64_t redirect;             /* cycle from which decode redirects fetch; 0: no redirect */
    costs fetch_costs, data_costs; /* stalls in fetch; in execute and memory */

    bool jumps() const
    {
        return kind->klass == ISA_CLASS_BRANCH || kind->klass == ISA_CLASS_JUMP ||
               kind->klass == ISA_CLASS_JUMPR;
    }
    /* Does the instruction flush (PI-10)? */
    bool flushes() const
    {
        return kind->flushes == ISA_FLUSHES ||
               (kind->flushes == ISA_FLUSHES_IF_SOURCE && (insn.rs1 || insn.imm));
    }
    /* The first cycle after execute. */
    uint64_t out() const
    {
        return execute + occupies + pooled;
    }
};

} // namespace visa
#endif
