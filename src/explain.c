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
    uint32_t hart;
    uint64_t others;       /* entries into other VMs on its hart meanwhile */
    uint64_t before[512];  /* the context as the exit left it */
    struct world_event at; /* the exit itself */
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

/* A drawing, and the last entry in it: the one that fails, if one does. */
struct drawing {
    FILE *out;
    bool any, host;
    unsigned level;
    uint64_t pte;
};

static void draw_entry(void *user, bool host, unsigned level, uint64_t gpa, uint64_t hpa,
                       uint64_t pte)
{
    struct drawing *d = user;
    FILE *out = d->out;
    bool leaf = pte & (PTE_R | PTE_X);
    char text[9];

    *d = (struct drawing){out, true, host, level, pte};
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

/* Puts what holds into a list of reasons. */
static void reason(char *text, size_t n, bool holds, const char *what)
{
    size_t used = strlen(text);

    if (holds)
        snprintf(text + used, n - used, "%s%s", used ? ", " : "", what);
}

/* Why an entry that is no leaf, or none that may be, ends a walk. */
static void why_not_table(const struct drawing *d, char *text, size_t n)
{
    bool writable = (d->pte & (PTE_R | PTE_W)) == PTE_W;

    reason(text, n, !(d->pte & PTE_V), "V is clear");
    if (!(d->pte & PTE_V))
        return;
    reason(text, n, writable, "W is set without R, which is reserved");
    reason(text, n, d->pte >> 54, "bits 63 to 54 are not zero");
    if (writable || d->pte & (PTE_R | PTE_X))
        return;
    reason(text, n, d->pte & (PTE_A | PTE_D | PTE_U), "it is a table's and has A, D or U");
    reason(text, n, d->level == 0, "a table at level 0");
}

static void why_not_leaf(const struct drawing *d, const struct walk *w, enum access access,
                         char *text, size_t n)
{
    uint64_t low = ((1ull << 9 * d->level) - 1) << 10;
    bool mxr = !d->host && w->ctx->mxr, user = d->pte & PTE_U, ring3 = w->ctx->ring == RING_3;

    reason(text, n, d->pte & low, "its page is not aligned to its size");
    reason(text, n, !(d->pte & PTE_A), "A is clear");
    reason(text, n, access == ACCESS_FETCH && !(d->pte & PTE_X), "X is clear");
    reason(text, n, access == ACCESS_LOAD && !(d->pte & PTE_R) && !(mxr && d->pte & PTE_X),
           "R is clear");
    reason(text, n, access == ACCESS_STORE && !(d->pte & PTE_W), "W is clear");
    reason(text, n, access == ACCESS_STORE && !(d->pte & PTE_D), "D is clear");
    reason(text, n, !user && (d->host || ring3), d->host ? "U is clear" : "U is clear, in Ring 3");
    if (d->host || ring3 || !user)
        return;
    reason(text, n, access == ACCESS_FETCH, "U is set, for a fetch of Ring 0");
    reason(text, n, access != ACCESS_FETCH && !w->ctx->sum, "U is set and SUM clear, in Ring 0");
}

/* What of the last entry failed; of none, what of the address did. */
static const char *why_not(const struct drawing *d, const struct walk *w, enum walk_result r,
                           char *text, size_t n)
{
    text[0] = 0;
    if (r == WALK_HOST && (!d->any || !d->host))
        return "the address is wider than the table's";
    if (!d->any)
        return "the address is not the sign extension of what the table translates";
    why_not_table(d, text, n);
    if (!text[0]) /* reading a table's entry is a load */
        why_not_leaf(d, w, r == WALK_HOST && w->in_table ? ACCESS_LOAD : w->access, text, n);
    return text;
}

static const char *access_name(enum access access)
{
    return access == ACCESS_FETCH ? "fetch" : access == ACCESS_LOAD ? "load" : "store";
}

static void draw_result(const struct drawing *d, const struct walk *w, uint64_t va,
                        enum walk_result r)
{
    uint64_t offset = va & ((1ull << (12 + 9 * w->entry.level)) - 1);
    FILE *out = d->out;
    char text[256];

    switch (r) {
    case WALK_OK:
        fprintf(out, "    -> ");
        if (w->ctx->v)
            fprintf(out, "GPA 0x%" PRIx64 " -> ", w->gpa);
        fprintf(out, "HPA 0x%" PRIx64 ", a %spage of %s\n", (w->entry.ppn << 12) + offset,
                w->ctx->v ? "combined " : "", page_size(w->entry.level));
        break;
    case WALK_PAGE:
        fprintf(out, "    -> %s: the %s table does not allow this %s: page fault\n",
                why_not(d, w, r, text, sizeof text), w->ctx->v ? "guest's" : "page",
                access_name(w->access));
        break;
    case WALK_HOST:
        fprintf(out, "    -> %s: the host's table does not allow %s GPA 0x%" PRIx64 ": HOSTFAULT\n",
                why_not(d, w, r, text, sizeof text),
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
    struct drawing d = {.out = out};
    struct walk w = {.h = h,
                     .ctx = ctx,
                     .satp = h->s.satp,
                     .hptbr = hptbr,
                     .access = access,
                     .visit = draw_entry,
                     .user = &d};
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
    draw_result(&d, &w, va, r);
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
    struct retire r = {.v = true,
                       .vmid = e->vmid,
                       .pc = e->pc,
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
    if (e->pc_hpa && e->pc_hpa != e->pc)
        fprintf(x->out, "  it is at GPA 0x%" PRIx64 ", HPA 0x%" PRIx64 "\n", e->pc_gpa, e->pc_hpa);
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

static void say_walk(const struct explain *x, struct hart *h)
{
    const struct world_event *e = &x->at;
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
    const struct place on = {.pc = h->host_pc};
    char place[NAME_ROOM];

    if (++x->seen != x->number)
        return;
    x->told = x->waiting = true;
    x->vmcs = e->vmcs;
    x->instret = e->instret;
    x->ticks = e->ticks;
    x->hart = e->hart;
    x->at = *e;
    memcpy(x->before, h->live->f, sizeof x->before);
    say_why(x, e, &t);
    say_fields(x, e);
    say_walk(x, h);
    image_name_text(x->image, &on, place, sizeof place);
    fprintf(x->out, "  Ring -1 goes on at 0x%" PRIx64 "%s%s%s\n", h->host_pc, place[0] ? " <" : "",
            place, place[0] ? ">" : "");
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

static void say_cost(const struct explain *x, const struct world_event *e)
{
    fprintf(x->out, "  entered again at 0x%" PRIx64 "%s, ", e->pc,
            e->advance ? " (VMRESUME.ADV)" : "");
    if (e->hart != x->hart) /* each hart has its own counters */
        fprintf(x->out, "on hart %u\n", e->hart);
    else
        fprintf(x->out, "after %" PRIu64 " instructions and %" PRIu64 " ticks\n",
                e->instret - x->instret, e->ticks - x->ticks);
    if (x->others)
        fprintf(x->out, "  other VMs were entered %" PRIu64 " times meanwhile\n", x->others);
}

static void on_entry(struct explain *x, const struct world_event *e)
{
    struct hart *h = machine_hart(x->machine, e->hart);

    if (!x->waiting)
        return;
    if (e->vmcs != x->vmcs) {
        x->others += e->hart == x->hart;
        return;
    }
    x->waiting = false;
    say_changes(x, h->live->f);
    say_cost(x, e);
    say_walk(x, h);
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

bool explain_finish(struct explain *x)
{
    if (x->waiting)
        fputs("  the VM was not entered again\n", x->out);
    x->waiting = false;
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
