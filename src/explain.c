/* The story of an exit, and drawings of walks (explain.h). */
#include "explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "mmu/mmu.h"
#include "mmu/walk.h"
#include "trace.h"

struct explain {
    struct machine *machine;
    const struct image *image;
    FILE *out;
    uint64_t number, seen;
    bool told, waiting; /* waiting: for the entry after it */
    uint64_t vmcs, instret, ticks;
    uint64_t before[512]; /* the context as the exit left it */
};

/* Walks -------------------------------------------------------------------------- */

static const char *page_size(unsigned level)
{
    static const char *const names[] = {"4 KiB", "2 MiB", "1 GiB", "512 GiB"};

    return level < 4 ? names[level] : "?";
}

/* "V R W X U G A D" with a dot for what is clear. */
static void rights_text(uint64_t pte, char text[9])
{
    static const char letters[] = "VRWXUGAD";

    for (unsigned i = 0; i < 8; i++)
        text[i] = pte >> i & 1 ? letters[i] : '.';
    text[8] = 0;
}

static void draw_entry(void *user, bool host, unsigned level, uint64_t gpa, uint64_t hpa,
                       uint64_t pte)
{
    FILE *out = user;
    bool leaf = pte & (PTE_R | PTE_X);
    char text[9];

    rights_text(pte, text);
    fprintf(out, "    %s level %u  entry at ", host ? "  host" : "guest", level);
    if (!host && gpa != hpa)
        fprintf(out, "GPA 0x%" PRIx64 " = ", gpa);
    fprintf(out, "HPA 0x%" PRIx64 "  0x%016" PRIx64 "  %s  -> 0x%" PRIx64 "%s%s\n", hpa, pte, text,
            (uint64_t)((pte >> 10 & ((1ull << 44) - 1)) << 12),
            leaf          ? ", a page of "
            : pte & PTE_V ? ", a table"
                          : "",
            leaf ? page_size(level) : "");
}

static const char *access_name(enum access access)
{
    return access == ACCESS_FETCH ? "fetch" : access == ACCESS_LOAD ? "load" : "store";
}

static void draw_result(FILE *out, const struct walk *w, uint64_t va, enum walk_result r)
{
    uint64_t offset = va & ((1ull << (12 + 9 * w->entry.level)) - 1);

    switch (r) {
    case WALK_OK:
        fprintf(out, "    -> GPA 0x%" PRIx64 " -> HPA 0x%" PRIx64 ", combined page of %s\n", w->gpa,
                (w->entry.ppn << 12) + offset, page_size(w->entry.level));
        break;
    case WALK_PAGE:
        fprintf(out, "    -> the guest's table does not allow this %s: page fault\n",
                access_name(w->access));
        break;
    case WALK_HOST:
        fprintf(out, "    -> the host's table does not allow %s GPA 0x%" PRIx64 ": HOSTFAULT\n",
                w->in_table ? "reading the guest table entry at" : "this access to", w->gpa);
        break;
    case WALK_DENIED:
        fprintf(out, "    -> the entry at GPA 0x%" PRIx64 " is in no memory that may be read\n",
                w->gpa);
        break;
    }
}

static void draw_walk(FILE *out, struct hart *h, const struct xlate_ctx *ctx, uint64_t va,
                      enum access access)
{
    uint64_t hptbr = h->v ? h->live->f[ISA_VMCS_HPTBR] : 0;
    struct walk w = {.h = h,
                     .ctx = ctx,
                     .satp = h->s.satp,
                     .hptbr = hptbr,
                     .access = access,
                     .visit = draw_entry,
                     .user = out};
    enum walk_result r;

    fprintf(out, "  walk of 0x%" PRIx64 " for a %s, %s 0x%" PRIx64, va, access_name(access),
            h->v ? "GPTBR" : "satp", h->s.satp);
    if (h->v)
        fprintf(out, ", HPTBR 0x%" PRIx64, hptbr);
    fprintf(out, "\n");
    if (ctx->bare) {
        fprintf(out, "    -> no translation: HPA 0x%" PRIx64 "\n", va);
        return;
    }
    r = walk_guest(&w, va);
    if (r == WALK_OK)
        r = walk_host(&w, va);
    draw_result(out, &w, va, r);
}

void explain_walk(FILE *out, struct machine *m, unsigned hart, uint64_t va, char access)
{
    struct hart *h = machine_hart(m, hart);

    if (h)
        draw_walk(out, h, access == 'x' ? &h->code : &h->data, va,
                  access == 'x'   ? ACCESS_FETCH
                  : access == 'w' ? ACCESS_STORE
                                  : ACCESS_LOAD);
}

/* The story ---------------------------------------------------------------------- */

static void say_why(const struct explain *x, const struct world_event *e, const struct trace *t)
{
    struct retire r = {.pc = e->pc,
                       .pc_hpa = e->pc_hpa,
                       .insn = (uint32_t)e->insn,
                       .length = (uint8_t)e->len,
                       .event = RETIRE_EXIT,
                       .cause = (uint8_t)e->cause};
    int filter = isa_exit_filter[e->cause & (ISA_NAMES - 1)];
    char text[160];

    fprintf(x->out,
            "exit %" PRIu64 ": %s of VM %u (VMCS 0x%" PRIx64 ") in Ring %d at 0x%" PRIx64 " %s\n",
            x->seen, trace_cause(&r), e->vmid, e->vmcs, e->ring, e->pc,
            trace_symbol(t, &r, text, sizeof text));
    if (filter < 0)
        fprintf(x->out, "  it exits always: no filter bit decides\n");
    else if (x->before[ISA_VMCS_VMTRAPCFG] >> filter & 1)
        fprintf(x->out, "  it exits because VMTRAPCFG bit %d (%s) is set\n", filter,
                isa_trap_names[filter]);
    else
        fprintf(x->out, "  it exits whatever VMTRAPCFG bit %d (%s) says\n", filter,
                isa_trap_names[filter]);
    if (e->len)
        fprintf(x->out, "  instruction %0*x  %s\n", (int)e->len * 2, r.insn,
                trace_disassemble(&r, text, sizeof text));
}

static void say_fields(const struct explain *x, const struct world_event *e)
{
    char text[80];

    fprintf(x->out, "  VMQUAL 0x%" PRIx64 ":", e->qual);
    for (unsigned i = 0; i < isa_qual_count; i++)
        if (isa_quals[i].cause == e->cause)
            fprintf(x->out, " %s=%s", isa_quals[i].name,
                    trace_qual(&isa_quals[i], e->qual, text, sizeof text));
    fprintf(x->out, "\n  VMADDR 0x%" PRIx64 ", VMGPA 0x%" PRIx64 ", VMVAL 0x%" PRIx64 "\n", e->addr,
            e->gpa, e->val);
}

static void say_walk(const struct explain *x, struct hart *h, const struct world_event *e)
{
    /* Both causes keep the kind of access in the same two bits (vmqual.isa). */
    enum access access = (enum access)(e->qual >> ISA_QUAL_PAGEFAULT_ACCESS_LO & 3);

    _Static_assert(ISA_QUAL_PAGEFAULT_ACCESS_LO == ISA_QUAL_HOSTFAULT_ACCESS_LO,
                   "one place for both");
    if (e->cause == ISA_EXIT_PAGEFAULT || e->cause == ISA_EXIT_HOSTFAULT)
        draw_walk(x->out, h, access == ACCESS_FETCH ? &h->code : &h->data, e->addr, access);
}

static void on_exit_event(struct explain *x, const struct world_event *e)
{
    struct trace t = {.image = x->image};
    struct hart *h = machine_hart(x->machine, e->hart);

    if (++x->seen != x->number)
        return;
    x->told = x->waiting = true;
    x->vmcs = e->vmcs;
    x->instret = e->instret;
    x->ticks = e->ticks;
    memcpy(x->before, h->live->f, sizeof x->before);
    say_why(x, e, &t);
    say_fields(x, e);
    say_walk(x, h, e);
}

/* What the hypervisor changed, field by field. */
static void say_changes(const struct explain *x, const uint64_t *after)
{
    unsigned changed = 0;

    for (unsigned i = 0; i < 512; i++) {
        const struct isa_vmcs_field *f = isa_vmcs_field_at(i);
        bool book = f && f->first >= ISA_VMCS_EXIT_CAUSE && f->first <= ISA_VMCS_COUNT_INSTRET;

        if (!f || book || x->before[i] == after[i])
            continue;
        changed++;
        fprintf(x->out, "  changed: %s", f->name);
        if (f->n > 1)
            fprintf(x->out, "[%u]", i - f->first);
        fprintf(x->out, " 0x%" PRIx64 " -> 0x%" PRIx64 "\n", x->before[i], after[i]);
    }
    if (changed == 0)
        fprintf(x->out, "  the context is as the exit left it\n");
}

static void on_entry(struct explain *x, const struct world_event *e)
{
    if (!x->waiting || e->vmcs != x->vmcs)
        return;
    x->waiting = false;
    say_changes(x, machine_hart(x->machine, e->hart)->live->f);
    fprintf(x->out,
            "  entered again at 0x%" PRIx64 "%s, after %" PRIu64 " instructions and %" PRIu64
            " ticks\n",
            e->pc, e->advance ? " (VMRESUME.ADV)" : "", e->instret - x->instret,
            e->ticks - x->ticks);
}

static void on_world(void *user, const struct world_event *e)
{
    if (e->entry)
        on_entry(user, e);
    else
        on_exit_event(user, e);
}

struct explain *explain_new(struct machine *m, const struct image *im, uint64_t number, FILE *out)
{
    struct explain *x = calloc(1, sizeof *x);

    if (!x)
        return NULL;
    x->machine = m;
    x->image = im;
    x->number = number;
    x->out = out;
    if (machine_on_world(m, on_world, x))
        return x;
    free(x);
    return NULL;
}

bool explain_told(const struct explain *x)
{
    return x->told;
}

uint64_t explain_seen(const struct explain *x)
{
    return x->seen;
}

void explain_free(struct explain *x)
{
    if (!x)
        return;
    machine_off_world(x->machine, on_world, x);
    free(x);
}
