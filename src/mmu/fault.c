/* Causes of failed accesses (fault.h). Manual: rules PR-7 to PR-12, TR-5, MM-6. */
#include "fault.h"

#include "state/machine_state.h"
#include "state/raise.h"

enum { HOSTFAULT = 0xff }; /* that exit */

/* [failure], then by whom: with V=0; with V=1; VMLD, VMST and their kin, whose faults are Ring -1's own.
 * Fetches, loads, stores. */
static const uint8_t causes[][3][3] = {
    [FAIL_MISALIGNED] = {{ISA_EXC_INSN_MISALIGNED, ISA_EXC_LOAD_MISALIGNED,
                          ISA_EXC_STORE_MISALIGNED},
                         {ISA_EXC_INSN_MISALIGNED, ISA_EXC_LOAD_MISALIGNED,
                          ISA_EXC_STORE_MISALIGNED},
                         {0, ISA_EXC_LOAD_MISALIGNED, ISA_EXC_STORE_MISALIGNED}},
    [FAIL_PAGE] = {{ISA_EXC_INSN_PAGE, ISA_EXC_LOAD_PAGE, ISA_EXC_STORE_PAGE},
                   {ISA_EXC_INSN_PAGE, ISA_EXC_LOAD_PAGE, ISA_EXC_STORE_PAGE},
                   {0, ISA_EXC_LOAD_PAGE, ISA_EXC_STORE_PAGE}},
    [FAIL_HOST] = {{0},
                   {HOSTFAULT, HOSTFAULT, HOSTFAULT},
                   {0, ISA_EXC_LOAD_GUEST_PAGE, ISA_EXC_STORE_GUEST_PAGE}},
    [FAIL_PHYSICAL] = {{ISA_EXC_INSN_ACCESS, ISA_EXC_LOAD_ACCESS, ISA_EXC_STORE_ACCESS},
                       {HOSTFAULT, HOSTFAULT, HOSTFAULT},
                       {0, ISA_EXC_LOAD_GUEST_PAGE, ISA_EXC_STORE_GUEST_PAGE}},
};

static unsigned log2_bytes(unsigned size)
{
    return (unsigned)__builtin_ctz(size);
}

static uint64_t stored(const struct xlate *q)
{
    return q->access == ACCESS_STORE ? q->value : 0;
}

static visa_result exit_host(struct hart *h, const struct xlate *q, bool walk, bool denied)
{
    uint64_t qual = QUAL(HOSTFAULT, ACCESS, q->access) | QUAL(HOSTFAULT, WALK, walk) |
                    QUAL(HOSTFAULT, DENIED, denied);

    if (q->access != ACCESS_FETCH)
        qual |= QUAL(HOSTFAULT, WIDTH, log2_bytes(q->width)) | qual_operand(h, ISA_EXIT_HOSTFAULT);
    return raise_exit(h, ISA_EXIT_HOSTFAULT, qual, q->va, q->gpa, stored(q));
}

visa_result mmu_fail(struct hart *h, const struct xlate *q, enum failure f, bool walk)
{
    unsigned cause = causes[f][q->as_guest ? 2 : q->ctx->v][q->access];

    if (cause == HOSTFAULT)
        return exit_host(h, q, walk, f == FAIL_PHYSICAL);
    if (f == FAIL_PAGE && h->v && trapcfg(h, ISA_TRAP_PF))
        return raise_exit(h, ISA_EXIT_PAGEFAULT,
                          QUAL(PAGEFAULT, ACCESS, q->access) | QUAL(PAGEFAULT, EXCEPTION, cause),
                          q->va, 0, stored(q));
    return raise_exception(h, cause,
                           q->as_guest && (f == FAIL_HOST || f == FAIL_PHYSICAL) ? q->gpa : q->va);
}

visa_result mmu_fail_io(struct hart *h, const struct xlate *q, int range)
{
    struct xlate whole = *q;

    if (q->as_guest)
        return mmu_fail(h, q, FAIL_HOST, false);
    if (q->size != q->width) { /* nobody can emulate half an access, which starts here or before */
        whole.va = q->va & 0xfff ? q->va : q->va - (q->width - q->size);
        return mmu_fail(h, &whole, FAIL_MISALIGNED, false);
    }
    return raise_exit(h, ISA_EXIT_IO,
                      QUAL(IO, MMIO, 1) | QUAL(IO, PORT, (unsigned)range) |
                          QUAL(IO, WRITE, q->access == ACCESS_STORE) |
                          QUAL(IO, WIDTH, log2_bytes(q->size)) | qual_operand(h, ISA_EXIT_IO),
                      q->va, q->gpa, stored(q));
}
