/* The run over time, for Perfetto and other readers of Chrome's trace event format: a process
 * for each hart, in it a lane for each VM and one for everything outside of VMs.
 *
 * A slice is a stay in one ring of one VM. It begins where the one before it ends: an exit with
 * the cycle of the event, everything else behind its instruction. An arrow is a virtual
 * interrupt, from VINT_SEND to the guest that takes it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "observe/identity.h"
#include "impl.h"
#include "observe/trace.h"

struct stay {
    uint64_t from, to, insns;
    uint64_t exits;     /* of the hart, with this one */
    size_t lane;        /* 0: outside of VMs, else 1 + number of the VM */
    struct retire last; /* its last record */
    bool cut;           /* the run ended in it */
};

struct end {
    uint64_t cycle;
    uint32_t hart;
    size_t lane;
};

struct arrow {
    uint64_t vmcs;
    unsigned vector;
    bool polled; /* no interrupt was taken: VINT_ACK found it */
    struct end from, to;
};

struct track { /* a hart */
    struct stay now;
    bool open;
    struct keep stays;
};

/* A guest chooses how many interrupts wait: so many are followed. */
enum { FOLLOWED = 4096 };

struct perfetto {
    struct machine *machine;
    const struct image *image;
    const struct json_t *run, *shown; /* identity.h */
    uint64_t from, to;
    struct track *harts;
    unsigned nharts;
    struct keep vms;     /* of struct exit_count's vmcs and vmid, by number */
    struct keep pending; /* arrows that have no end yet */
    uint64_t unfollowed;
    struct keep arrows;
    struct keep ended; /* of struct arrow, which end where VINT_ACK.EOI was */
    bool incomplete;
};

struct vm {
    uint64_t vmcs;
    uint16_t vmid;
};

struct perfetto *perfetto_new(const struct view_options *o, struct machine *m,
                              const struct image *im)
{
    struct perfetto *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    *p = (struct perfetto){.machine = m,
                           .image = im,
                           .run = o->run,
                           .shown = o->shown,
                           .from = o->from,
                           .to = o->to,
                           .nharts = machine_config(m)->harts,
                           .vms.size = sizeof(struct vm),
                           .pending.size = sizeof(struct arrow),
                           .arrows.size = sizeof(struct arrow),
                           .arrows.most = o->last,
                           .ended.size = sizeof(struct arrow),
                           .ended.most = o->last};
    p->harts = calloc(p->nharts, sizeof *p->harts);
    if (!p->harts) {
        free(p);
        return NULL;
    }
    for (unsigned h = 0; h < p->nharts; h++)
        p->harts[h].stays = (struct keep){.size = sizeof(struct stay), .most = o->last};
    return p;
}

void perfetto_free(struct perfetto *p)
{
    if (!p)
        return;
    for (unsigned h = 0; h < p->nharts; h++)
        free(p->harts[h].stays.items);
    free(p->harts);
    free(p->vms.items);
    free(p->pending.items);
    free(p->arrows.items);
    free(p->ended.items);
    free(p);
}

/* Listening -------------------------------------------------------------------------------- */

/* The lane of a VM, made if need be: of the last one all that have none of their own. */
static size_t lane_of(struct perfetto *p, uint64_t vmcs, uint16_t vmid)
{
    struct vm *vm;

    for (size_t i = 0; i < p->vms.n; i++) {
        vm = keep_at(&p->vms, i);
        if (vm->vmcs != vmcs)
            continue;
        vm->vmid = vmid;
        return 1 + i;
    }
    if (p->vms.n > MACHINE_VMS)
        return p->vms.n;
    if (p->vms.n == MACHINE_VMS)
        vmcs = MACHINE_OTHER_VMS;
    if (!(vm = keep_add(&p->vms))) {
        p->incomplete = true;
        return 0;
    }
    *vm = (struct vm){vmcs, vmid};
    return p->vms.n;
}

static void close_stay(struct perfetto *p, struct track *t)
{
    struct stay *kept;

    t->open = false;
    t->now.exits += t->now.last.event == RETIRE_EXIT;
    if (t->now.to < p->from || t->now.from > p->to)
        return;
    if ((kept = keep_add(&t->stays)))
        *kept = t->now;
    else
        p->incomplete = true;
}

static bool goes_on(const struct stay *s, const struct retire *r)
{
    return s->last.event != RETIRE_EXIT && s->last.v == r->v && s->last.vmcs == r->vmcs &&
           s->last.ring == r->ring;
}

static void stay(struct perfetto *p, const struct retire *r)
{
    struct track *t = &p->harts[r->hart];
    uint64_t begin = t->open ? t->now.to : r->cycle;

    if (t->open && !goes_on(&t->now, r))
        close_stay(p, t);
    if (!t->open)
        t->now = (struct stay){
            .from = begin, .exits = t->now.exits, .lane = r->v ? lane_of(p, r->vmcs, r->vmid) : 0};
    t->open = true;
    t->now.insns += r->retired;
    t->now.to = r->cycle + r->retired;
    t->now.last = *r;
}

static struct end here(const struct perfetto *p, const struct retire *r)
{
    return (struct end){r->cycle, r->hart, p->harts[r->hart].now.lane};
}

static struct arrow *pending(struct perfetto *p, uint64_t vmcs, unsigned vector)
{
    for (size_t i = 0; i < p->pending.n; i++) {
        struct arrow *a = keep_at(&p->pending, i);

        if (a->vmcs == vmcs && a->vector == vector)
            return a;
    }
    return NULL;
}

/* A vector that is pending already interrupts once: the arrow is the last sender's. */
static void sent(struct perfetto *p, const struct retire *r)
{
    unsigned vector = (unsigned)r->qual;
    struct arrow *a = pending(p, r->val, vector);

    if (!a && p->pending.n == FOLLOWED) {
        p->unfollowed++;
        return;
    }
    if (!a && !(a = keep_add(&p->pending))) {
        p->incomplete = true;
        return;
    }
    *a = (struct arrow){.vmcs = r->val, .vector = vector, .from = here(p, r)};
}

static void arrived(struct perfetto *p, const struct retire *r, bool polled)
{
    struct arrow *a = pending(p, r->vmcs, (unsigned)r->qual), *kept;

    if (!a)
        return;
    a->polled = polled;
    a->to = here(p, r);
    if ((kept = keep_add(&p->arrows)))
        *kept = *a;
    else
        p->incomplete = true;
    *a = *(struct arrow *)keep_at(&p->pending, p->pending.n - 1);
    p->pending.n--;
}

static void ended(struct perfetto *p, const struct retire *r)
{
    struct arrow *kept = keep_add(&p->ended);

    if (kept)
        *kept = (struct arrow){.vmcs = r->vmcs, .vector = (unsigned)r->qual, .to = here(p, r)};
    else
        p->incomplete = true;
}

void perfetto_record(struct perfetto *p, const struct retire *r)
{
    stay(p, r);
    switch (r->event) {
    case RETIRE_VINT_SENT: sent(p, r); break;
    case RETIRE_VINT_ACKNOWLEDGED: arrived(p, r, true); break;
    case RETIRE_VINT_ENDED: ended(p, r); break;
    case RETIRE_INTERRUPT:
        if (trace_has_vector(r))
            arrived(p, r, false);
        break;
    default: break;
    }
}

/* Writing ---------------------------------------------------------------------------------- */

static void where(FILE *out, const char *type, const struct end *e)
{
    fprintf(out, "{\"ph\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":%zu,\"ts\":%" PRIu64, type, e->hart,
            e->lane, e->cycle);
}

static void argument(FILE *out, const char *key, const char *value)
{
    fprintf(out, ",\"%s\":", key);
    trace_json_string(out, value);
}

static void address(FILE *out, const char *key, uint64_t value)
{
    fprintf(out, ",\"%s\":\"0x%" PRIx64 "\"", key, value);
}

/* What ended the stay: "exit IO", "exception ECALL_U", "sret". */
static void why_ended(const struct stay *s, char *text, size_t n)
{
    const struct retire *r = &s->last;
    char words[128];

    switch (s->cut ? RETIRE_NONE : r->event) {
    case RETIRE_EXIT: snprintf(text, n, "exit %s", trace_cause(r)); break;
    case RETIRE_EXCEPTION: snprintf(text, n, "exception %s", trace_cause(r)); break;
    case RETIRE_INTERRUPT: snprintf(text, n, "interrupt %s", trace_cause(r)); break;
    case RETIRE_ENTRY: snprintf(text, n, "entry of VM %" PRIu64, r->qual); break;
    default:
        snprintf(text, n, "%s",
                 s->cut ? "end of the run" : trace_disassemble(r, words, sizeof words));
    }
}

static void exit_arguments(FILE *out, const struct retire *r)
{
    char word[64];

    for (unsigned i = 0; i < isa_qual_count; i++)
        if (isa_quals[i].cause == r->cause)
            argument(out, isa_quals[i].name, trace_qual(&isa_quals[i], r->qual, word, sizeof word));
    address(out, "VMQUAL", r->qual);
    address(out, "VMADDR", r->addr);
    address(out, "VMGPA", r->gpa);
    address(out, "VMVAL", r->val);
}

static void print_stay(FILE *out, const struct perfetto *p, uint32_t hart, const struct stay *s)
{
    const struct retire *r = &s->last;
    const struct place place = trace_place(r);
    struct end at = {s->from, hart, s->lane};
    char text[NAME_ROOM];

    where(out, "X", &at);
    fprintf(out, ",\"dur\":%" PRIu64, s->to - s->from);
    if (r->v)
        snprintf(text, sizeof text, "VM %u Ring %d", r->vmid, r->ring);
    else
        snprintf(text, sizeof text, "Ring %d", r->ring);
    argument(out, "name", text);
    argument(out, "cat", r->v ? "guest" : "host");
    fprintf(out, ",\"args\":{\"instructions\":%" PRIu64, s->insns);
    why_ended(s, text, sizeof text);
    argument(out, "ends", text);
    address(out, "pc", r->pc);
    if (*image_name_text(p->image, &place, text, sizeof text))
        argument(out, "symbol", text);
    if (r->length)
        argument(out, "instruction", trace_disassemble(r, text, sizeof text));
    if (r->event == RETIRE_EXIT)
        exit_arguments(out, r);
    fputs("}},\n", out);
}

/* All exits of the hart so far, as a curve. */
static void print_exits(FILE *out, uint32_t hart, const struct stay *s)
{
    fprintf(out,
            "{\"ph\":\"C\",\"pid\":%" PRIu32 ",\"ts\":%" PRIu64
            ",\"name\":\"VM exits\",\"args\":{\"exits\":%" PRIu64 "}},\n",
            hart, s->to, s->exits);
}

static void print_mark(FILE *out, const struct end *e, const char *what, unsigned vector,
                       const char *more)
{
    where(out, "i", e);
    fprintf(out, ",\"s\":\"t\",\"cat\":\"vint\",\"name\":\"%s vector %u%s\"},\n", what, vector,
            more);
}

static void print_arrow_end(FILE *out, const struct arrow *a, const struct end *e, bool begin,
                            size_t id)
{
    print_mark(out, e, begin ? "VINT_SEND" : a->polled ? "VINT_ACK" : "SEI", a->vector, "");
    where(out, begin ? "s" : "f", e);
    fprintf(out, ",\"id\":%zu,\"cat\":\"vint\",\"name\":\"vector %u\"%s},\n", id, a->vector,
            begin ? "" : ",\"bp\":\"e\"");
}

/* Is there a slice at which the arrow can end? */
static bool is_shown(const struct perfetto *p, const struct end *e)
{
    const struct keep *stays = &p->harts[e->hart].stays;
    const struct stay *first = stays->n ? keep_at(stays, 0) : NULL;

    return first && e->cycle >= first->from && e->cycle >= p->from && e->cycle <= p->to;
}

static void print_name(FILE *out, uint32_t hart, const char *what, size_t lane, const char *name)
{
    fprintf(out,
            "{\"ph\":\"M\",\"pid\":%" PRIu32 ",\"tid\":%zu,\"name\":\"%s\",\"args\":{\"name\":",
            hart, lane, what);
    trace_json_string(out, name);
    fputs("}},\n", out);
}

static void print_names(FILE *out, const struct perfetto *p, uint32_t hart)
{
    char text[80];

    snprintf(text, sizeof text, "hart %" PRIu32, hart);
    print_name(out, hart, "process_name", 0, text);
    print_name(out, hart, "thread_name", 0, "Ring -1");
    for (size_t i = 0; i < p->vms.n; i++) {
        const struct vm *vm = keep_at(&p->vms, i);

        if (vm->vmcs == MACHINE_OTHER_VMS)
            snprintf(text, sizeof text, "other VMs");
        else
            snprintf(text, sizeof text, "VM %u (VMCS 0x%" PRIx64 ")", vm->vmid, vm->vmcs);
        print_name(out, hart, "thread_name", 1 + i, text);
    }
}

static void print_hart(FILE *out, struct perfetto *p, uint32_t hart)
{
    struct track *t = &p->harts[hart];

    if (t->open) {
        t->now.cut = t->now.last.event != RETIRE_EXIT;
        close_stay(p, t);
    }
    print_names(out, p, hart);
    for (size_t i = 0; i < t->stays.n; i++) {
        const struct stay *s = keep_at(&t->stays, i);

        print_stay(out, p, hart, s);
        if (s->last.event == RETIRE_EXIT)
            print_exits(out, hart, s);
    }
}

/* What has no arrow: interrupts that were ended, and those that no guest has taken. */
static void print_marks(FILE *out, const struct perfetto *p)
{
    for (size_t i = 0; i < p->ended.n; i++) {
        const struct arrow *a = keep_at(&p->ended, i);

        if (is_shown(p, &a->to))
            print_mark(out, &a->to, "VINT_ACK.EOI", a->vector, "");
    }
    for (size_t i = 0; i < p->pending.n; i++) {
        const struct arrow *a = keep_at(&p->pending, i);

        if (is_shown(p, &a->from))
            print_mark(out, &a->from, "VINT_SEND", a->vector, ", never taken");
    }
}

bool perfetto_write(FILE *out, struct perfetto *p)
{
    bool ok;

    fputs("{\"displayTimeUnit\":\"ms\",\n"
          "\"otherData\":{\"time\":\"a cycle of the machine is shown as a microsecond\",\n",
          out);
    ok = identity_json(out, p->run, p->shown);
    fputs("},\n\"traceEvents\":[\n", out);
    for (uint32_t h = 0; h < p->nharts; h++)
        print_hart(out, p, h);
    for (size_t i = 0; i < p->arrows.n; i++) {
        const struct arrow *a = keep_at(&p->arrows, i);

        if (!is_shown(p, &a->from) || !is_shown(p, &a->to))
            continue;
        print_arrow_end(out, a, &a->from, true, i + 1);
        print_arrow_end(out, a, &a->to, false, i + 1);
    }
    print_marks(out, p);
    /* A comma is behind every event but the last, which names the file's maker. */
    fputs("{\"ph\":\"M\",\"pid\":0,\"tid\":0,\"name\":\"process_labels\","
          "\"args\":{\"labels\":\"visa-sim\"}}\n]}\n",
          out);
    return ok && !p->incomplete;
}

uint64_t perfetto_left_out(const struct perfetto *p)
{
    uint64_t n = 0;

    for (unsigned h = 0; h < p->nharts; h++)
        n += p->harts[h].stays.left_out;
    return n;
}

uint64_t perfetto_unfollowed(const struct perfetto *p)
{
    return p->unfollowed;
}
