/* Traces as text (trace.h); the format is in the manual page visa-sim(1).
 *
 * A line is the record's position, the instruction, and then what it did, each part
 * behind a bar: register, memory access, event. */
#include "trace.h"

#include <inttypes.h>

static bool is_world_switch(const struct retire *r)
{
    return r->event == RETIRE_EXIT || r->event == RETIRE_ENTRY || r->event == RETIRE_ENTRYFAIL;
}

struct retire_part trace_part(const struct trace *t)
{
    return (struct retire_part){.from = t->from,
                                .to = t->to,
                                .events = t->events != TRACE_ALL,
                                .one_vm = t->one_vm,
                                .vm = t->vm};
}

static bool wanted(const struct trace *t, const struct retire *r)
{
    if (t->closed || r->instret < t->from || r->instret > t->to)
        return false;
    if (t->one_vm && !(r->v && r->vmid == t->vm) && !(r->event == RETIRE_ENTRY && r->qual == t->vm))
        return false;
    switch (t->events) {
    case TRACE_EVENTS: return r->event != RETIRE_NONE;
    case TRACE_EXITS: return is_world_switch(r);
    default: return true;
    }
}

/* An address at each level of translation: three in a guest, two where only one stage
 * of translation changes it, none that is not known (0). */
static void print_address(FILE *out, const struct retire *r, uint64_t gva, uint64_t gpa,
                          uint64_t hpa)
{
    fprintf(out, "0x%" PRIx64, gva);
    if (r->v && gpa)
        fprintf(out, "->0x%" PRIx64, gpa);
    if (hpa && (r->v || hpa != gva))
        fprintf(out, "->0x%" PRIx64, hpa);
}

static void print_place(const struct trace *t, const struct retire *r)
{
    char symbol[NAME_ROOM + 2];
    static const char *const rings[] = {"R-1", "R0", "?", "?", "R3"};

    fprintf(t->out, "%10" PRIu64 " h%" PRIu32 " %-3s ", r->instret, r->hart, rings[r->ring + 1]);
    if (r->v)
        fprintf(t->out, "V vm=%u ", r->vmid);
    print_address(t->out, r, r->pc, r->pc_gpa, r->pc_hpa);
    trace_symbol(t, r, symbol, sizeof symbol);
    fprintf(t->out, "%s%s: ", symbol[0] ? " " : "", symbol);
}

static void print_insn(FILE *out, const struct retire *r)
{
    char words[128];

    if (r->length == 0)
        fputs("-", out);
    else
        fprintf(out, "%0*" PRIx32 " %s", 2 * r->length, r->insn,
                trace_disassemble(r, words, sizeof words));
}

static void print_memory(FILE *out, const struct retire *r)
{
    if (r->mem == MEM_NONE)
        return;
    fprintf(out, " | %s%u ", trace_memory(r), 8u * r->mem_size);
    print_address(out, r, r->mem_gva, r->mem_gpa, r->mem_hpa);
    if (r->mem == MEM_AMO)
        fprintf(out, " 0x%" PRIx64 " ->", r->mem_old);
    fprintf(out, " 0x%" PRIx64, r->mem_value);
}

/* Which rule let the event exit: the filter's bit, or none. */
static void print_filter(FILE *out, const struct retire *r)
{
    int bit = trace_filter(r->cause, r->qual);

    if (bit >= 0)
        fprintf(out, " (VMTRAPCFG b%d %s)", bit, isa_trap_names[bit]);
    else
        fputs(trace_by_range(r->cause, r->qual) ? " (IOVMAP)" : " (always)", out);
}

static void print_qual(FILE *out, const struct retire *r)
{
    char word[32];

    for (unsigned i = 0; i < isa_qual_count; i++) {
        const struct isa_qual *q = &isa_quals[i];

        if (q->cause == r->cause)
            fprintf(out, " %s=%s", q->name, trace_qual(q, r->qual, word, sizeof word));
    }
}

static void print_exit(FILE *out, const struct retire *r)
{
    fprintf(out, " | exit 0x%02x %s", r->cause, trace_cause(r));
    print_filter(out, r);
    fprintf(out, ":");
    print_qual(out, r);
    fprintf(out, " VMQUAL=0x%" PRIx64 " VMADDR=0x%" PRIx64 " VMGPA=0x%" PRIx64 " VMVAL=0x%" PRIx64,
            r->qual, r->addr, r->gpa, r->val);
}

static void print_event(FILE *out, const struct retire *r)
{
    switch (r->event) {
    case RETIRE_EXCEPTION:
        fprintf(out, " | exception %u %s tval=0x%" PRIx64, r->cause, trace_cause(r), r->tval);
        break;
    case RETIRE_INTERRUPT:
        fprintf(out, " | interrupt %u %s", r->cause, trace_cause(r));
        if (trace_has_vector(r))
            fprintf(out, " vector=%" PRIu64, r->qual);
        break;
    case RETIRE_VINT_SENT:
    case RETIRE_VINT_ACKNOWLEDGED:
    case RETIRE_VINT_ENDED:
        fprintf(out, " | virtual interrupt %s: vector=%" PRIu64 " VMCS=0x%" PRIx64, trace_cause(r),
                r->qual, r->val);
        break;
    case RETIRE_EXIT: print_exit(out, r); break;
    case RETIRE_ENTRY:
        fprintf(out, " | entry vm=%" PRIu64 " VMCS=0x%" PRIx64, r->qual, r->val);
        break;
    case RETIRE_ENTRYFAIL:
        fputs(" | entry refused:", out);
        print_qual(out, r);
        fprintf(out, " VMADDR=0x%" PRIx64, r->addr);
        break;
    default: return;
    }
    if (r->next_pc)
        fprintf(out, " -> 0x%" PRIx64, r->next_pc);
}

static void trace_text(FILE *out, const struct trace *t, const struct retire *r)
{
    print_place(t, r);
    print_insn(out, r);
    if (r->rd)
        fprintf(out, " | %s=0x%" PRIx64, trace_register(r->rd), r->rd_value);
    print_memory(out, r);
    print_event(out, r);
    putc('\n', out);
}

static void trace_refusal(void *trace, const struct world_event *e)
{
    struct retire r = {.instret = e->instret,
                       .cycle = e->ticks,
                       .hart = e->hart,
                       .ring = e->ring,
                       .pc = e->pc,
                       .pc_hpa = e->pc_hpa,
                       .event = RETIRE_ENTRYFAIL,
                       .cause = (uint8_t)e->cause,
                       .insn = (uint32_t)e->insn,
                       .length = (uint8_t)e->len,
                       .retired = true,
                       .qual = e->qual,
                       .addr = e->addr};

    trace_record(trace, &r);
}

void trace_world(void *trace, const struct world_event *e)
{
    struct retire r = {
        .instret = e->instret,
        .cycle = e->ticks,
        .hart = e->hart,
        .ring = e->ring,
        .v = true,
        .vmid = e->vmid,
        .vmcs = e->vmcs,
        .pc = e->pc,
        .pc_gpa = e->pc_gpa,
        .pc_hpa = e->pc_hpa,
        .event = e->entry ? RETIRE_ENTRY : RETIRE_EXIT,
        .cause = (uint8_t)e->cause,
        .insn = (uint32_t)e->insn,
        .length = (uint8_t)e->len,
        .qual = e->entry ? e->vmid : e->qual,
        .addr = e->addr,
        .gpa = e->gpa,
        .val = e->entry ? e->vmcs : e->val,
    };

    if (e->refused)
        trace_refusal(trace, e);
    else
        trace_record(trace, &r);
}

void trace_record(void *trace, const struct retire *r)
{
    const struct trace *t = trace;

    if (!wanted(t, r))
        return;
    if (t->json)
        trace_json(t->out, t, r);
    else
        trace_text(t->out, t, r);
}
