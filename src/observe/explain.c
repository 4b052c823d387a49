/* The story of an exit, and drawings of walks (explain.h). */
#define _DEFAULT_SOURCE /* strsep */
#include "explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "cpu/cpu.h"
#include "mmu/mmu.h"
#include "mmu/walk.h"
#include "trace.h"

/* OPEN_MOST: a hypervisor chooses how many VMs it leaves; so many of their exits are followed. */
enum { ANY_CAUSE = -1, OPEN_MOST = 1024 };

/* The story of one exit, from the exit to the next entry of its VM. */
struct story {
    struct story *next;
    FILE *out; /* to text */
    char *text;
    size_t length;
    uint64_t others;       /* entries into other VMs on its hart meanwhile */
    uint64_t before[512];  /* the context as the exit left it */
    struct world_event at; /* the exit itself */
};

struct explain {
    struct observer observer;
    struct machine *machine;
    const struct image *image;
    FILE *out;
    struct explain_which which;
    uint64_t seen, told;
    struct story *open; /* those whose VM was not entered again, the last one first */
    unsigned nopen;
    bool incomplete;
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

/* What the walk could not accept, a list. */
static const char *why_not(const struct walk *w, char *text, size_t n)
{
    static const char *const reasons[] = {
#define REASON(name, what) what,
        WALK_REASONS(REASON)};
    size_t used = 0;

    text[0] = 0;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0] && used < n; i++)
        if (w->why >> i & 1)
            used += (size_t)snprintf(text + used, n - used, "%s%s", used ? ", " : "", reasons[i]);
    return text;
}

static const char *access_name(enum access access)
{
    return access == ACCESS_FETCH ? "fetch" : access == ACCESS_LOAD ? "load" : "store";
}

/* The way to where the access goes, if PMP lets it. */
static void draw_target(FILE *out, const struct walk *w, uint64_t va)
{
    bool by_tables = w->iov.kind != IOV_FORWARDS;
    uint64_t bits = 0; /* that are due */

    fprintf(out, "    -> ");
    if (w->ctx->v && (w->gpa != va || !w->ctx->bare))
        fprintf(out, "GPA 0x%" PRIx64 " -> ", w->gpa);
    if (!by_tables)
        fprintf(out, "MMIO range %d forwards: ", w->iov.range);
    else if (w->ctx->bare)
        fprintf(out, "no translation: ");
    fprintf(out, "HPA 0x%" PRIx64, w->hpa);
    if (by_tables && !w->ctx->bare)
        fprintf(out, ", a %spage of %s", w->ctx->v ? "combined " : "", page_size(w->entry.level));
    for (unsigned i = 0; i < w->ndue; i++)
        bits |= w->due[i].bits;
    if (bits)
        fprintf(out, ", writes %s%s%s", bits & PTE_A ? "A" : "",
                (bits & PTE_A) && (bits & PTE_D) ? " and " : "", bits & PTE_D ? "D" : "");
    if (!pmp_allows(w->h, w->hpa, w->size, w->access, w->ctx->ring))
        fprintf(out, ": PMP does not allow this %s: %s", access_name(w->access),
                w->ctx->v ? "HOSTFAULT" : "access fault");
    putc('\n', out);
}

static void draw_result(FILE *out, const struct walk *w, uint64_t va, enum walk_result r)
{
    char text[256];

    switch (r) {
    case WALK_OK:
        if (w->iov.kind == IOV_EXITS)
            fprintf(out, "    -> GPA 0x%" PRIx64 " -> MMIO range %d exits: IO\n", w->gpa,
                    w->iov.range);
        else if (w->iov.kind == IOV_NO_FETCH)
            fprintf(out,
                    "    -> GPA 0x%" PRIx64 ": an MMIO range is in its page, from which nothing is "
                    "fetched: HOSTFAULT\n",
                    w->gpa);
        else
            draw_target(out, w, va);
        break;
    case WALK_PAGE:
        fprintf(out, "    -> %s: the %s table does not allow this %s: page fault\n",
                why_not(w, text, sizeof text), w->ctx->v ? "guest's" : "page",
                access_name(w->access));
        break;
    case WALK_HOST:
        fprintf(out, "    -> %s: the host's table does not allow %s GPA 0x%" PRIx64 ": HOSTFAULT\n",
                why_not(w, text, sizeof text),
                w->in_write   ? "writing A or D of the guest table entry at"
                : w->in_table ? "reading the guest table entry at"
                              : "this access to",
                w->gpa);
        break;
    case WALK_DENIED:
        fprintf(out, "    -> the entry at %s 0x%" PRIx64 " is in no memory that may be %s\n",
                w->ctx->v ? "GPA" : "HPA", w->gpa, w->in_write ? "written" : "read");
        break;
    }
}

/* Whose tables an access goes by. */
struct tables {
    struct hart *h;                /* and its PMP */
    const struct context *context; /* NULL: V=0 */
    struct xlate_ctx ctx;
    uint64_t satp;
};

static struct tables tables_of_hart(struct hart *h, enum access access)
{
    return (struct tables){h, h->v ? h->live : NULL, access == ACCESS_FETCH ? h->code : h->data,
                           h->s.satp};
}

static void draw_walk(FILE *out, const struct tables *t, uint64_t va, enum access access,
                      unsigned size)
{
    uint64_t hptbr = t->context ? t->context->f[ISA_VMCS_HPTBR] : 0;
    struct walk w = {.h = t->h,
                     .ctx = &t->ctx,
                     .satp = t->ctx.bare ? 0 : t->satp,
                     .hptbr = hptbr,
                     .access = access,
                     .context = t->context,
                     .size = size,
                     .adue = t->h->menvcfg & MENVCFG_ADUE,
                     .visit = draw_entry,
                     .user = out};

    fprintf(out, "  walk of 0x%" PRIx64 " for a %s, %s 0x%" PRIx64, va, access_name(access),
            t->context ? "GPTBR" : "satp", t->satp);
    if (t->context)
        fprintf(out, ", HPTBR 0x%" PRIx64, hptbr);
    fprintf(out, "\n");
    draw_result(out, &w, va, walk_resolve(&w, va));
}

/* Walks that are asked for ------------------------------------------------------- */

/* What stands behind an address: ":w", ",hart=2". */
static bool read_suffixes(char *text, struct explain_walk *w, unsigned harts, char *err, size_t n)
{
    static const char option[] = ",hart=";
    char *hart = strstr(text, option), why[160];
    size_t length;

    if (hart) {
        *hart = 0;
        if (!config_number(hart + strlen(option), &w->hart, why, sizeof why) || w->hart >= harts) {
            snprintf(err, n, "'%s' is no hart: there are %u", hart + strlen(option), harts);
            return false;
        }
    }
    length = strlen(text);
    w->access = ACCESS_LOAD;
    if (length < 2 || text[length - 2] != ':')
        return true;
    switch (text[length - 1]) {
    case 'r': break;
    case 'w': w->access = ACCESS_STORE; break;
    case 'x': w->access = ACCESS_FETCH; break;
    default:
        snprintf(err, n, "':%c' is no access: expected :r, :w or :x", text[length - 1]);
        return false;
    }
    text[length - 2] = 0;
    return true;
}

bool explain_walk_parse(struct explain_walk *w, struct machine *m, const struct image *im,
                        const char *text, char *err, size_t n)
{
    char *copy = strdup(text);
    const struct hart *h;
    bool ok = copy;
    uint16_t vmid;

    *w = (struct explain_walk){0};
    if (!ok)
        snprintf(err, n, "out of memory");
    ok = ok && read_suffixes(copy, w, machine_config(m)->harts, err, n);
    if (ok) {
        h = machine_hart(m, (unsigned)w->hart);
        vmid = (uint16_t)h->vmid;
        ok = where_address(&w->at, im, h->v ? &vmid : NULL, copy, err, n);
    }
    free(copy);
    return ok;
}

/* The context of a VMCS: a hart's, or what stands in memory, read into *image. */
static struct tables tables_of_vmcs(struct machine *m, const struct explain_walk *w, uint64_t vmcs,
                                    struct context *image)
{
    struct hart *own = machine_hart(m, (unsigned)w->hart);
    struct tables t = {.h = own, .context = image};

    for (unsigned i = 0; i < machine_config(m)->harts; i++) {
        struct hart *h = machine_hart(m, i);
        const struct context *c = pool_find(h, vmcs);

        if (h->v && h->live == c && c) {
            t = tables_of_hart(h, w->access);
            t.h = own;
            return t;
        }
        t.context = c ? c : t.context;
    }
    image->vmcs = vmcs;
    if (t.context == image && !machine_read(m, vmcs, image->f, sizeof image->f))
        memset(image->f, 0, sizeof image->f);
    t.ctx = mmu_guest_ctx(t.context);
    t.satp = t.context->f[ISA_VMCS_GPTBR];
    return t;
}

/* Draws the walk in every VM of this VMID that was entered; how many there are. */
static unsigned walk_of_vm(FILE *out, struct machine *m, const struct explain_walk *w)
{
    const struct machine_stats *s = machine_stats(m);
    struct context image;
    unsigned drawn = 0;

    for (unsigned i = 0; i < s->nvms; i++) {
        struct tables t;
        uint64_t hptbr;

        if (s->vms[i].vmcs == MACHINE_OTHER_VMS)
            continue;
        t = tables_of_vmcs(m, w, s->vms[i].vmcs, &image);
        hptbr = t.context->f[ISA_VMCS_HPTBR];
        if ((hptbr >> 44 & ((1u << ISA_VMID_BITS) - 1)) != w->at.vmid)
            continue;
        fprintf(out, "VM %u (VMCS 0x%" PRIx64 ")\n", w->at.vmid, s->vms[i].vmcs);
        draw_walk(out, &t, w->at.addr, w->access, 1);
        drawn++;
    }
    return drawn;
}

bool explain_walk(FILE *out, struct machine *m, const struct explain_walk *w)
{
    struct tables t = tables_of_hart(machine_hart(m, (unsigned)w->hart), w->access);

    if (w->at.one_vm)
        return walk_of_vm(out, m, w) > 0;
    draw_walk(out, &t, w->at.addr, w->access, 1);
    return true;
}

/* The story ---------------------------------------------------------------------- */

static void say_why(const struct explain *x, const struct story *y, const struct world_event *e)
{
    struct retire r = {.v = true,
                       .vmid = e->vmid,
                       .pc = e->pc,
                       .pc_hpa = e->pc_hpa,
                       .insn = (uint32_t)e->insn,
                       .length = (uint8_t)e->len,
                       .event = RETIRE_EXIT,
                       .cause = (uint8_t)e->cause};
    const struct trace t = {.image = x->image};
    int filter = trace_filter(e->cause, e->qual);
    char text[NAME_ROOM + 2];

    fprintf(y->out,
            "exit %" PRIu64 ": %s of VM %u (VMCS 0x%" PRIx64 ") in Ring %d at 0x%" PRIx64 " %s\n",
            x->seen, trace_cause(&r), e->vmid, e->vmcs, e->ring, e->pc,
            trace_symbol(&t, &r, text, sizeof text));
    if (trace_by_range(e->cause, e->qual))
        fprintf(y->out, "  it exits always: an MMIO range says so, and no filter bit\n");
    else if (filter < 0)
        fprintf(y->out, "  it exits always: no filter bit decides\n");
    else if (y->before[ISA_VMCS_VMTRAPCFG] >> filter & 1)
        fprintf(y->out, "  it exits because VMTRAPCFG bit %d (%s) is set\n", filter,
                isa_trap_names[filter]);
    else
        fprintf(y->out, "  it exits whatever VMTRAPCFG bit %d (%s) says\n", filter,
                isa_trap_names[filter]);
    if (e->len)
        fprintf(y->out, "  instruction %0*x  %s\n", (int)e->len * 2, r.insn,
                trace_disassemble(&r, text, sizeof text));
    if (e->pc_hpa && e->pc_hpa != e->pc)
        fprintf(y->out, "  it is at GPA 0x%" PRIx64 ", HPA 0x%" PRIx64 "\n", e->pc_gpa, e->pc_hpa);
}

static void say_fields(const struct story *y, const struct world_event *e)
{
    char text[80];

    fprintf(y->out, "  VMQUAL 0x%" PRIx64 ":", e->qual);
    for (unsigned i = 0; i < isa_qual_count; i++)
        if (isa_quals[i].cause == e->cause)
            fprintf(y->out, " %s=%s", isa_quals[i].name,
                    trace_qual(&isa_quals[i], e->qual, text, sizeof text));
    fprintf(y->out, "\n  VMADDR 0x%" PRIx64 ", VMGPA 0x%" PRIx64 ", VMVAL 0x%" PRIx64 "\n", e->addr,
            e->gpa, e->val);
}

/* The access that exited; false if it was no access to memory. */
static bool exit_access(const struct world_event *e, enum access *access, unsigned *size)
{
    _Static_assert(ISA_QUAL_PAGEFAULT_ACCESS_LO == ISA_QUAL_HOSTFAULT_ACCESS_LO,
                   "one place for both");

    *size = 1; /* which is as good as all, where it is not known */
    *access = (enum access)(e->qual >> ISA_QUAL_PAGEFAULT_ACCESS_LO & 3);
    if (e->cause == ISA_EXIT_HOSTFAULT && *access != ACCESS_FETCH)
        *size = 1u << (e->qual >> ISA_QUAL_HOSTFAULT_WIDTH_LO & 3);
    if (e->cause == ISA_EXIT_PAGEFAULT || e->cause == ISA_EXIT_HOSTFAULT)
        return true;
    *access = e->qual >> ISA_QUAL_IO_WRITE_LO & 1 ? ACCESS_STORE : ACCESS_LOAD;
    *size = 1u << (e->qual >> ISA_QUAL_IO_WIDTH_LO & 3);
    return trace_by_range(e->cause, e->qual);
}

static void say_walk(const struct story *y, struct hart *h)
{
    enum access access;
    struct tables t;
    unsigned size;

    if (!exit_access(&y->at, &access, &size))
        return;
    t = tables_of_hart(h, access);
    draw_walk(y->out, &t, y->at.addr, access, size);
}

/* The access that an exception is of; false if that is of none. */
static bool exception_access(unsigned cause, enum access *access)
{
    switch (cause) {
    case ISA_EXC_INSN_ACCESS:
    case ISA_EXC_INSN_PAGE: *access = ACCESS_FETCH; return true;
    case ISA_EXC_LOAD_ACCESS:
    case ISA_EXC_LOAD_PAGE: *access = ACCESS_LOAD; return true;
    case ISA_EXC_STORE_ACCESS:
    case ISA_EXC_STORE_PAGE: *access = ACCESS_STORE; return true;
    default: return false;
    }
}

void explain_trap(FILE *out, struct machine *m, unsigned hart)
{
    struct hart *h = machine_hart(m, hart);
    const struct trap *t = &h->trap;
    const struct world_event e = {.cause = t->cause, .qual = t->qual};
    bool exits = t->event == RETIRE_EXIT;
    enum access access;
    struct tables tables;
    unsigned size = 1;

    if (exits ? !exit_access(&e, &access, &size) : !exception_access(t->cause, &access))
        return;
    tables = tables_of_hart(h, access);
    if (exits || !tables.ctx.bare)
        draw_walk(out, &tables, exits ? t->addr : t->tval, access, size);
}

static bool is_wanted(const struct explain_which *w, uint64_t number, const struct world_event *e)
{
    return number >= w->first && number <= w->last &&
           (w->cause == ANY_CAUSE || (uint64_t)w->cause == e->cause) &&
           (!w->one_vm || w->vmid == e->vmid);
}

static struct story *new_story(struct explain *x)
{
    struct story *y = calloc(1, sizeof *y);

    if (y && !(y->out = open_memstream(&y->text, &y->length))) {
        free(y);
        y = NULL;
    }
    if (!y) {
        x->incomplete = true;
        return NULL;
    }
    y->next = x->open;
    x->open = y;
    x->nopen++;
    return y;
}

static void end_story(struct explain *x, struct story **at)
{
    struct story *y = *at;
    bool whole = !fflush(y->out) && !ferror(y->out); /* it grows in memory */

    if (fclose(y->out) == 0 && whole && y->text) /* glibc says nothing of what it cannot copy */
        fwrite(y->text, 1, y->length, x->out);
    else
        x->incomplete = true;
    *at = y->next;
    x->nopen--;
    free(y->text);
    free(y);
}

static void end_oldest(struct explain *x, const char *why)
{
    struct story **at = &x->open;

    while ((*at)->next)
        at = &(*at)->next;
    fprintf((*at)->out, "  %s\n", why);
    end_story(x, at);
}

static void on_exit_event(struct explain *x, const struct world_event *e)
{
    struct hart *h = machine_hart(x->machine, e->hart);
    const struct place on = {.pc = h->host_pc};
    char place[NAME_ROOM];
    struct story *y;

    if (!is_wanted(&x->which, ++x->seen, e))
        return;
    if (x->nopen == OPEN_MOST)
        end_oldest(x, "what comes is not followed: too many other VMs were left since");
    if (!(y = new_story(x)))
        return;
    x->told++;
    y->at = *e;
    memcpy(y->before, h->live->f, sizeof y->before);
    say_why(x, y, e);
    say_fields(y, e);
    say_walk(y, h);
    image_name_text(x->image, &on, place, sizeof place);
    fprintf(y->out, "  Ring -1 goes on at 0x%" PRIx64 "%s%s%s\n", h->host_pc, place[0] ? " <" : "",
            place, place[0] ? ">" : "");
}

/* What the hypervisor changed, field by field. */
static void say_changes(const struct story *y, const uint64_t *after)
{
    unsigned changed = 0;
    char name[40];

    for (unsigned i = 0; i < 512; i++) {
        const struct isa_vmcs_field *f = isa_vmcs_field_at(i);
        bool book = f && f->first >= ISA_VMCS_EXIT_CAUSE && f->first <= ISA_VMCS_COUNT_INSTRET;

        if (!f || book || y->before[i] == after[i])
            continue;
        changed++;
        fprintf(y->out, "  changed: %s 0x%" PRIx64 " -> 0x%" PRIx64 "\n",
                trace_field(i, name, sizeof name), y->before[i], after[i]);
    }
    if (changed == 0)
        fprintf(y->out, "  the context is as the exit left it\n");
}

static void say_cost(const struct story *y, const struct world_event *e)
{
    fprintf(y->out, "  entered again at 0x%" PRIx64 "%s, ", e->pc,
            e->advance ? " (VMRESUME.ADV)" : "");
    if (e->hart != y->at.hart) /* each hart has its own counters */
        fprintf(y->out, "on hart %u\n", e->hart);
    else
        fprintf(y->out, "after %" PRIu64 " instructions and %" PRIu64 " ticks\n",
                e->instret - y->at.instret, e->ticks - y->at.ticks);
    if (y->others)
        fprintf(y->out, "  other VMs were entered %" PRIu64 " times meanwhile\n", y->others);
}

static void on_entry(struct explain *x, const struct world_event *e)
{
    struct hart *h = machine_hart(x->machine, e->hart);
    struct story **own = NULL;

    for (struct story **at = &x->open; *at; at = &(*at)->next) {
        if ((*at)->at.vmcs == e->vmcs)
            own = at;
        else
            (*at)->others += e->hart == (*at)->at.hart;
    }
    if (!own)
        return;
    say_changes(*own, h->live->f);
    say_cost(*own, e);
    say_walk(*own, h);
    end_story(x, own);
}

static void on_world(void *user, const struct world_event *e)
{
    if (e->entry)
        on_entry(user, e);
    else
        on_exit_event(user, e);
}

/* Which exits -------------------------------------------------------------------- */

/* "5", "5-9" or "5-" */
static bool read_numbers(struct explain_which *w, char *text, char *err, size_t n)
{
    char *dash = strchr(text, '-');

    if (dash)
        *dash = 0;
    if (!config_number(text, &w->first, err, n))
        return false;
    w->last = dash ? UINT64_MAX : w->first;
    if (dash && dash[1] && !config_number(dash + 1, &w->last, err, n))
        return false;
    if (w->first && w->first <= w->last)
        return true;
    snprintf(err, n, w->first ? "the last exit is before the first" : "the first exit is number 1");
    return false;
}

static bool read_cause(struct explain_which *w, const char *text, char *err, size_t n)
{
    for (int c = 0; c < ISA_NAMES; c++)
        if (isa_exit_names[c] && strcasecmp(isa_exit_names[c], text) == 0) {
            w->cause = c;
            return true;
        }
    snprintf(err, n, "'%s' is no number, cause of an exit or vm=VMID", text);
    return false;
}

static bool read_vm(struct explain_which *w, const char *text, char *err, size_t n)
{
    uint64_t vmid;

    if (!config_number(text, &vmid, err, n))
        return false;
    w->one_vm = true;
    w->vmid = (uint16_t)vmid;
    if (vmid >> ISA_VMID_BITS == 0)
        return true;
    snprintf(err, n, "%s is not a VMID: it has %d bits", text, ISA_VMID_BITS);
    return false;
}

bool explain_which_parse(struct explain_which *w, const char *text, char *err, size_t n)
{
    char *copy = strdup(text), *rest = copy, *part;
    bool ok = copy;

    *w = (struct explain_which){.first = 1, .last = UINT64_MAX, .cause = ANY_CAUSE};
    if (!ok)
        snprintf(err, n, "out of memory");
    while (ok && (part = strsep(&rest, ",")))
        ok = part[0] >= '0' && part[0] <= '9'   ? read_numbers(w, part, err, n)
             : strncasecmp(part, "vm=", 3) == 0 ? read_vm(w, part + 3, err, n)
                                                : read_cause(w, part, err, n);
    free(copy);
    return ok;
}

/* --------------------------------------------------------------------------------- */

struct explain *explain_new(struct machine *m, const struct image *im,
                            const struct explain_which *which, FILE *out)
{
    struct explain *x = calloc(1, sizeof *x);

    if (!x)
        return NULL;
    x->machine = m;
    x->image = im;
    x->which = *which;
    x->out = out;
    x->observer = (struct observer){.user = x, .world = on_world, .part = WHOLE_RUN};
    machine_observe(m, &x->observer);
    return x;
}

static void end_all(struct explain *x)
{
    while (x->open)
        end_oldest(x, "the VM was not entered again");
}

bool explain_finish(struct explain *x)
{
    end_all(x);
    return x->told;
}

bool explain_complete(const struct explain *x)
{
    return !x->incomplete;
}

uint64_t explain_seen(const struct explain *x)
{
    return x->seen;
}

void explain_free(struct explain *x)
{
    if (!x)
        return;
    while (x->open) {
        struct story *y = x->open;

        x->open = y->next;
        fclose(y->out);
        free(y->text);
        free(y);
    }
    machine_unobserve(x->machine, &x->observer);
    free(x);
}
