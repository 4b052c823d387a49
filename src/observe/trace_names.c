/* Names of what a trace shows (trace.h). */
#include "trace.h"

#include <inttypes.h>
#include <string.h>

#include "disasm.h"
#include "names.h"

const char *trace_register(unsigned number)
{
    return number < REGISTERS ? reg_name(number, false) : "?";
}

static const char *name_of(const char *const *names, uint64_t number)
{
    return number < ISA_NAMES && names[number] ? names[number] : "?";
}

const char *trace_cause(const struct retire *r)
{
    switch (r->event) {
    case RETIRE_EXCEPTION: return name_of(isa_exc_names, r->cause);
    case RETIRE_INTERRUPT: return name_of(isa_irq_names, r->cause);
    case RETIRE_EXIT:
    case RETIRE_ENTRYFAIL: return name_of(isa_exit_names, r->cause);
    case RETIRE_VINT_SENT: return "sent";
    case RETIRE_VINT_ACKNOWLEDGED: return "acknowledged";
    case RETIRE_VINT_ENDED: return "ended";
    default: return "?";
    }
}

bool trace_has_vector(const struct retire *r)
{
    return r->event == RETIRE_INTERRUPT && r->v && r->cause == ISA_IRQ_SEI;
}

const char *trace_memory(const struct retire *r)
{
    return r->mem == MEM_LOAD ? "load" : r->mem == MEM_STORE ? "store" : "amo";
}

struct place trace_place(const struct retire *r)
{
    return (struct place){r->v, r->vmid, r->pc, r->pc_hpa};
}

const char *trace_symbol(const struct trace *t, const struct retire *r, char *text, size_t n)
{
    const struct place at = trace_place(r);
    char name[NAME_ROOM];

    image_name_text(t->image, &at, name, sizeof name);
    snprintf(text, n, name[0] ? "<%s>" : "%s", name);
    return text;
}

const char *trace_disassemble(const struct retire *r, char *text, size_t n)
{
    char *tab;

    visa_disasm(r->insn, r->pc, NULL, text, n);
    tab = strchr(text, '\t');
    if (tab)
        *tab = ' ';
    return text;
}

static const char *insn_by_op(uint64_t op)
{
    for (unsigned i = 0; i < ISA_OPS; i++)
        if (isa_insns[i].op == op && isa_insns[i].op)
            return isa_insns[i].name;
    return NULL;
}

bool trace_by_range(unsigned cause, uint64_t qual)
{
    return cause == ISA_EXIT_IO && qual >> ISA_QUAL_IO_MMIO_LO & 1;
}

int trace_filter(unsigned cause, uint64_t qual)
{
    return cause < ISA_NAMES && !trace_by_range(cause, qual) ? isa_exit_filter[cause] : -1;
}

const char *trace_field(uint64_t number, char *text, size_t n)
{
    const struct isa_vmcs_field *f = isa_vmcs_field_at((unsigned)number);

    if (number == ISA_VMCS_NONE)
        return "pointer";
    if (!f || f->n == 1)
        return f ? f->name : NULL;
    if (f->first == ISA_VMCS_X)
        return reg_name((unsigned)number - f->first, false);
    if (f->first == ISA_VMCS_F)
        return freg_name((unsigned)number - f->first, false);
    snprintf(text, n, "%s[%u]", f->name, (unsigned)number - f->first);
    return text;
}

uint64_t trace_qual_value(const struct isa_qual *q, uint64_t qual)
{
    return qual >> q->lo & (q->width >= 64 ? UINT64_MAX : (1ull << q->width) - 1);
}

/* The word that stands for a field's value; NULL if it is just a number. */
static const char *qual_word(const struct isa_qual *q, uint64_t value, char *text, size_t n)
{
    static const char *const accesses[] = {"fetch", "load", "store"};
    const char *f = q->name;
    const struct isa_csr *csr;

    if (!strcmp(f, "rd") || !strcmp(f, "rs1") || !strcmp(f, "rs2") || !strcmp(f, "reg"))
        return trace_register((unsigned)value);
    if (!strcmp(f, "csr"))
        return (csr = isa_csr_by_number((unsigned)value)) ? csr->name : NULL;
    if (!strcmp(f, "access"))
        return value < 3 ? accesses[value] : NULL;
    if (!strcmp(f, "exception"))
        return name_of(isa_exc_names, value);
    if (!strcmp(f, "irq"))
        return name_of(isa_irq_names, value);
    if (!strcmp(f, "field"))
        return trace_field(value, text, n);
    if (!strcmp(f, "op") && (q->cause == ISA_EXIT_VIRT || q->cause == ISA_EXIT_TLBFLUSH))
        return insn_by_op(value);
    return NULL;
}

const char *trace_qual(const struct isa_qual *q, uint64_t qual, char *text, size_t n)
{
    uint64_t value = trace_qual_value(q, qual);
    const char *word = qual_word(q, value, text, n);

    if (word)
        return word;
    if (!strcmp(q->name, "width"))
        snprintf(text, n, "%u", 1u << value);
    else if (value < 10)
        snprintf(text, n, "%" PRIu64, value);
    else
        snprintf(text, n, "0x%" PRIx64, value);
    return text;
}
