/* Exits by VM, cause and guest pc (exits.h). */
#include "exits.h"

#include <stdlib.h>
#include <string.h>

#include "timeline.h"

/* An exit that waits for an entry: when it was, and the row that it counts into. */
struct open_exit {
    bool open;
    uint32_t hart;
    uint64_t instret, ticks;
    size_t row;
};

/* A hart, and the VM that it runs. */
struct on_hart {
    struct open_exit exit; /* waits for the hart's next entry */
    bool inside;           /* it runs this VM, up to here */
    size_t vm;
    uint64_t instret, ticks;
};

/* All of it is there from the beginning, so that no exit is lost for lack of memory; what is not
 * used is not touched. */
struct exits {
    struct observer observer;
    struct machine *machine;
    struct exit_row *rows; /* the first one is of all that are not kept */
    size_t nrows;
    uint64_t folded;
    size_t *slots;           /* hash of (vmcs, cause, pc) to row + 1 */
    struct vm_share *shares; /* by number of the VM */
    struct open_exit *vms;   /* parallel: waits for the next entry of this VM */
    struct on_hart *harts;
    size_t nvms;
    struct exit_row *sorted;
    struct timeline timeline;
    bool incomplete; /* memory for the results ran out */
};

/* A power of two of them, twice as many as rows. */
enum { SLOTS = 2 * EXIT_SITES };

static uint64_t hash(uint64_t vmcs, uint64_t cause, uint64_t pc)
{
    uint64_t h = (vmcs ^ cause << 56) * 0x9e3779b97f4a7c15ull;

    h = (h ^ h >> 32 ^ pc) * 0xd6e8feb86659fd93ull;
    return h ^ h >> 29;
}

static bool is_row(const struct exit_row *r, const struct world_event *e)
{
    return r->vmcs == e->vmcs && r->cause == e->cause && r->pc == e->pc;
}

static void fill_slots(struct exits *x)
{
    memset(x->slots, 0, SLOTS * sizeof *x->slots);
    for (size_t i = 1; i < x->nrows; i++) {
        size_t at = hash(x->rows[i].vmcs, x->rows[i].cause, x->rows[i].pc) & (SLOTS - 1);

        while (x->slots[at])
            at = (at + 1) & (SLOTS - 1);
        x->slots[at] = i + 1;
    }
}

static int falling(const void *pa, const void *pb)
{
    size_t a = *(const size_t *)pa, b = *(const size_t *)pb;

    return a < b ? 1 : -(a > b);
}

static void fold_cost(struct exit_cost *to, const struct exit_cost *from)
{
    if (from->n && (!to->n || from->min < to->min))
        to->min = from->min;
    if (from->max > to->max)
        to->max = from->max;
    to->n += from->n;
    to->sum += from->sum;
}

static void fold_row(struct exit_row *to, const struct exit_row *from)
{
    to->count += from->count;
    to->moved += from->moved;
    to->emulated += from->emulated;
    fold_cost(&to->handling_insns, &from->handling_insns);
    fold_cost(&to->handling_ticks, &from->handling_ticks);
    fold_cost(&to->return_insns, &from->return_insns);
    fold_cost(&to->return_ticks, &from->return_ticks);
    for (unsigned i = 0; i < EXIT_BUCKETS; i++)
        to->buckets[i] += from->buckets[i];
}

/* Keeps the half of the rows that exited most, of equals the older ones. There are twice as many
 * slots as rows: until they are filled anew they have the counts, then each row's new number. */
static void fold(struct exits *x)
{
    size_t n = x->nrows, keep = EXIT_SITES / 2, equal = 0, kept = 1, least;

    for (size_t i = 1; i < n; i++)
        x->slots[i - 1] = x->rows[i].count;
    qsort(x->slots, n - 1, sizeof *x->slots, falling);
    least = x->slots[keep - 1];
    for (size_t i = 0; i < keep; i++)
        equal += x->slots[i] == least;
    x->slots[0] = 0;
    for (size_t i = 1; i < n; i++) {
        bool stays = x->rows[i].count > least || (x->rows[i].count == least && equal && equal--);

        x->slots[i] = stays ? kept : 0;
        if (stays) {
            x->rows[kept++] = x->rows[i];
        } else {
            fold_row(&x->rows[0], &x->rows[i]);
            x->folded++;
        }
    }
    for (size_t i = 0; i < x->nvms; i++)
        if (x->vms[i].open)
            x->vms[i].row = x->slots[x->vms[i].row];
    for (unsigned h = 0; h < machine_config(x->machine)->harts; h++)
        if (x->harts[h].exit.open)
            x->harts[h].exit.row = x->slots[x->harts[h].exit.row];
    x->nrows = kept;
    fill_slots(x);
}

/* Index of the event's row, made if need be. */
static size_t find_row(struct exits *x, const struct world_event *e)
{
    size_t at = hash(e->vmcs, e->cause, e->pc) & (SLOTS - 1);

    for (; x->slots[at]; at = (at + 1) & (SLOTS - 1))
        if (is_row(&x->rows[x->slots[at] - 1], e))
            return x->slots[at] - 1;
    if (x->nrows > EXIT_SITES) {
        fold(x);
        return find_row(x, e);
    }
    x->rows[x->nrows] = (struct exit_row){
        .vmcs = e->vmcs, .vmid = e->vmid, .cause = (uint8_t)e->cause, .pc = e->pc};
    x->slots[at] = ++x->nrows;
    return x->nrows - 1;
}

static void add_cost(struct exit_cost *c, uint64_t value)
{
    c->min = c->n == 0 || value < c->min ? value : c->min;
    c->max = c->n == 0 || value > c->max ? value : c->max;
    c->sum += value;
    c->n++;
}

static unsigned bits_of(uint64_t value)
{
    return value ? 64u - (unsigned)__builtin_clzll(value) : 0;
}

static void on_return(struct exit_row *r, const struct open_exit *from, const struct world_event *e)
{
    r->emulated += e->advance;
    if (from->hart != e->hart) { /* each hart has its own counters */
        r->moved++;
        return;
    }
    add_cost(&r->return_insns, e->instret - from->instret);
    add_cost(&r->return_ticks, e->ticks - from->ticks);
    r->buckets[bits_of(e->ticks - from->ticks)]++;
}

static void on_entry(struct exits *x, const struct world_event *e)
{
    struct on_hart *on = &x->harts[e->hart];
    struct open_exit *away = &x->vms[e->vm];

    if (away->open)
        on_return(&x->rows[away->row], away, e);
    if (on->exit.open) {
        add_cost(&x->rows[on->exit.row].handling_insns, e->instret - on->exit.instret);
        add_cost(&x->rows[on->exit.row].handling_ticks, e->ticks - on->exit.ticks);
    }
    away->open = false;
    *on = (struct on_hart){.inside = true, .vm = e->vm, .instret = e->instret, .ticks = e->ticks};
}

/* The hart's VM has run up to here. */
static void count_run(struct exits *x, struct on_hart *on, uint64_t instret, uint64_t ticks)
{
    x->shares[on->vm].insns += instret - on->instret;
    x->shares[on->vm].ticks += ticks - on->ticks;
    timeline_ran(&x->timeline, on->vm, on->ticks, ticks);
    on->instret = instret;
    on->ticks = ticks;
}

static void on_exit_event(struct exits *x, const struct world_event *e)
{
    struct on_hart *on = &x->harts[e->hart];
    struct exit_row *row;

    if (on->inside)
        count_run(x, on, e->instret, e->ticks);
    timeline_exit(&x->timeline, e->ticks);
    on->inside = false;
    on->exit = (struct open_exit){true, e->hart, e->instret, e->ticks, find_row(x, e)};
    if (e->vm < MACHINE_VMS) /* of the others nobody knows which one is entered again */
        x->vms[e->vm] = on->exit;
    row = &x->rows[on->exit.row];
    row->count++;
    if (e->pc_hpa)
        row->pc_hpa = e->pc_hpa;
}

static void on_world(void *user, const struct world_event *e)
{
    struct exits *x = user;
    struct world_event other = *e;

    if (e->vm == MACHINE_VMS) { /* their places are counted together, too */
        other.vmcs = MACHINE_OTHER_VMS;
        other.vmid = 0;
        e = &other;
    }
    if (x->nvms <= e->vm)
        x->nvms = e->vm + 1;
    if (e->entry)
        on_entry(x, e);
    else
        on_exit_event(x, e);
}

struct exits *exits_new(struct machine *m)
{
    struct exits *x = calloc(1, sizeof *x);
    bool ok = x;

    if (ok) {
        x->machine = m;
        x->nrows = 1;
        x->rows = calloc(EXIT_SITES + 1, sizeof *x->rows);
        x->slots = calloc(SLOTS, sizeof *x->slots);
        x->shares = calloc(MACHINE_VMS + 1, sizeof *x->shares);
        x->vms = calloc(MACHINE_VMS + 1, sizeof *x->vms);
        x->harts = calloc(machine_config(m)->harts, sizeof *x->harts);
        ok = timeline_init(&x->timeline, MACHINE_VMS + 1) && x->rows && x->slots && x->shares &&
             x->vms && x->harts;
    }
    if (ok) {
        x->observer = (struct observer){.user = x, .world = on_world, .part = WHOLE_RUN};
        machine_observe(m, &x->observer);
        return x;
    }
    exits_free(x);
    return NULL;
}

void exits_free(struct exits *x)
{
    if (!x)
        return;
    machine_unobserve(x->machine, &x->observer);
    free(x->rows);
    free(x->slots);
    free(x->shares);
    free(x->vms);
    free(x->harts);
    free(x->sorted);
    timeline_free(&x->timeline);
    free(x);
}

static int compare(const void *pa, const void *pb)
{
    const struct exit_row *a = pa, *b = pb;

    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    if (a->vmcs != b->vmcs)
        return a->vmcs < b->vmcs ? -1 : 1;
    if (a->cause != b->cause)
        return a->cause < b->cause ? -1 : 1;
    return a->pc < b->pc ? -1 : a->pc > b->pc;
}

uint64_t exits_hart_time(const struct exits *x, unsigned hart)
{
    struct hart_at at;

    machine_hart_at(x->machine, hart, &at);
    return at.ticks;
}

uint64_t exits_time(const struct exits *x)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < machine_config(x->machine)->harts; i++)
        n += exits_hart_time(x, i);
    return n;
}

const struct exit_row *exits_rows(struct exits *x, size_t *n)
{
    free(x->sorted);
    x->sorted = malloc(x->nrows * sizeof *x->sorted);
    *n = x->sorted ? x->nrows - 1 : 0;
    x->incomplete |= !x->sorted;
    if (*n) {
        memcpy(x->sorted, x->rows + 1, *n * sizeof *x->sorted);
        qsort(x->sorted, *n, sizeof *x->sorted, compare);
    }
    return x->sorted;
}

const struct exit_row *exits_others(const struct exits *x, uint64_t *rows)
{
    *rows = x->folded;
    return &x->rows[0];
}

const struct vm_share *exits_shares(struct exits *x, size_t *n)
{
    *n = x->nvms;
    for (unsigned i = 0; i < machine_config(x->machine)->harts; i++) {
        struct hart_at at;

        machine_hart_at(x->machine, i, &at);
        if (x->harts[i].inside) /* what the guest has run that runs yet */
            count_run(x, &x->harts[i], at.instret, at.ticks);
    }
    return x->shares;
}

const struct timeline *exits_timeline(struct exits *x)
{
    size_t n;

    exits_shares(x, &n);
    for (unsigned i = 0; i < machine_config(x->machine)->harts; i++) {
        uint64_t ticks = exits_hart_time(x, i);

        timeline_reach(&x->timeline, ticks ? ticks - 1 : 0);
    }
    return &x->timeline;
}

bool exits_complete(const struct exits *x)
{
    return !x->incomplete;
}
