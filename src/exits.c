/* Exits by VM, cause and guest pc (exits.h). */
#include "exits.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/hart.h"
#include "timeline.h"

/* An exit that waits for an entry: when it was, and the row that it counts into. */
struct open_exit {
    bool open;
    uint32_t hart;
    uint64_t instret, ticks;
    size_t row;
};

struct vm {
    uint64_t vmcs;
    struct open_exit exit; /* waits for the entry of this VM */
    bool inside;           /* its guest runs, on this hart since then */
    uint32_t hart;
    uint64_t instret, ticks;
};

struct exits {
    struct machine *machine;
    struct exit_row *rows; /* the first one is of all that are not kept */
    size_t nrows, rows_room;
    uint64_t folded;
    size_t *slots; /* hash of (vmcs, cause, pc) to row + 1; a power of two of them */
    size_t nslots;
    struct vm_share *shares; /* parallel to vms */
    struct vm *vms;
    struct open_exit *harts; /* of each hart the exit that waits for its next entry */
    size_t nvms, vms_room;
    struct exit_row *sorted;
    struct timeline timeline;
    bool incomplete;
};

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

static void fill_slots(const struct exits *x, size_t *slots, size_t n)
{
    memset(slots, 0, n * sizeof *slots);
    for (size_t i = 1; i < x->nrows; i++) {
        size_t at = hash(x->rows[i].vmcs, x->rows[i].cause, x->rows[i].pc) & (n - 1);

        while (slots[at])
            at = (at + 1) & (n - 1);
        slots[at] = i + 1;
    }
}

static bool grow_slots(struct exits *x)
{
    size_t n = x->nslots ? 2 * x->nslots : 256;
    size_t *slots = calloc(n, sizeof *slots);

    if (!slots)
        return false;
    fill_slots(x, slots, n);
    free(x->slots);
    x->slots = slots;
    x->nslots = n;
    return true;
}

static bool grow(void **array, size_t *room, size_t used, size_t size)
{
    size_t n = *room ? 2 * *room : 64;
    void *more;

    if (used < *room)
        return true;
    more = realloc(*array, n * size);
    if (!more)
        return false;
    *array = more;
    *room = n;
    return true;
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
        if (x->vms[i].exit.open)
            x->vms[i].exit.row = x->slots[x->vms[i].exit.row];
    for (unsigned h = 0; h < machine_config(x->machine)->harts; h++)
        if (x->harts[h].open)
            x->harts[h].row = x->slots[x->harts[h].row];
    x->nrows = kept;
    fill_slots(x, x->slots, x->nslots);
}

/* Index of the event's row, made if need be; SIZE_MAX if memory ran out. */
static size_t find_row(struct exits *x, const struct world_event *e)
{
    size_t at;

    if (2 * x->nrows >= x->nslots && !grow_slots(x))
        return SIZE_MAX;
    at = hash(e->vmcs, e->cause, e->pc) & (x->nslots - 1);
    for (; x->slots[at]; at = (at + 1) & (x->nslots - 1))
        if (is_row(&x->rows[x->slots[at] - 1], e))
            return x->slots[at] - 1;
    if (x->nrows > EXIT_SITES) {
        fold(x);
        return find_row(x, e);
    }
    if (!grow((void **)&x->rows, &x->rows_room, x->nrows, sizeof *x->rows))
        return SIZE_MAX;
    x->rows[x->nrows] = (struct exit_row){
        .vmcs = e->vmcs, .vmid = e->vmid, .cause = (uint8_t)e->cause, .pc = e->pc};
    x->slots[at] = ++x->nrows;
    return x->nrows - 1;
}

static struct vm *find_vm(struct exits *x, const struct world_event *e, size_t *index)
{
    size_t room = x->vms_room;

    for (*index = 0; *index < x->nvms; ++*index)
        if (x->vms[*index].vmcs == e->vmcs)
            return &x->vms[*index];
    if (!grow((void **)&x->vms, &x->vms_room, x->nvms, sizeof *x->vms) ||
        !grow((void **)&x->shares, &room, x->nvms, sizeof *x->shares) ||
        !timeline_add_vm(&x->timeline))
        return NULL;
    x->vms[x->nvms] = (struct vm){.vmcs = e->vmcs};
    x->shares[x->nvms] = (struct vm_share){.vmcs = e->vmcs, .vmid = e->vmid};
    return &x->vms[x->nvms++];
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

static void on_entry(struct exits *x, struct vm *vm, const struct world_event *e)
{
    struct open_exit *last = &x->harts[e->hart];

    vm->instret = e->instret;
    vm->ticks = e->ticks;
    vm->hart = e->hart;
    vm->inside = true;
    if (vm->exit.open)
        on_return(&x->rows[vm->exit.row], &vm->exit, e);
    if (last->open) {
        add_cost(&x->rows[last->row].handling_insns, e->instret - last->instret);
        add_cost(&x->rows[last->row].handling_ticks, e->ticks - last->ticks);
    }
    vm->exit.open = last->open = false;
}

/* VM number `index` has run up to here. */
static void count_run(struct exits *x, size_t index, uint64_t instret, uint64_t ticks)
{
    struct vm *vm = &x->vms[index];

    x->shares[index].insns += instret - vm->instret;
    x->shares[index].ticks += ticks - vm->ticks;
    timeline_ran(&x->timeline, index, vm->ticks, ticks);
    vm->instret = instret;
    vm->ticks = ticks;
}

static void on_exit_event(struct exits *x, struct vm *vm, size_t index, const struct world_event *e)
{
    count_run(x, index, e->instret, e->ticks);
    x->shares[index].vmid = e->vmid;
    timeline_exit(&x->timeline, e->ticks);
    vm->inside = false;
    vm->exit = (struct open_exit){
        .hart = e->hart, .instret = e->instret, .ticks = e->ticks, .row = find_row(x, e)};
    vm->exit.open = vm->exit.row != SIZE_MAX;
    x->harts[e->hart] = vm->exit;
    if (!vm->exit.open) {
        x->incomplete = true;
        return;
    }
    x->rows[vm->exit.row].count++;
    if (e->pc_hpa)
        x->rows[vm->exit.row].pc_hpa = e->pc_hpa;
}

static void on_world(void *user, const struct world_event *e)
{
    struct exits *x = user;
    size_t index;
    struct vm *vm = find_vm(x, e, &index);

    if (!vm)
        x->incomplete = true;
    else if (e->entry)
        on_entry(x, vm, e);
    else
        on_exit_event(x, vm, index, e);
}

struct exits *exits_new(struct machine *m)
{
    struct exits *x = calloc(1, sizeof *x);

    if (!x)
        return NULL;
    x->machine = m;
    timeline_init(&x->timeline);
    x->harts = calloc(machine_config(m)->harts, sizeof *x->harts);
    if (grow((void **)&x->rows, &x->rows_room, 0, sizeof *x->rows)) {
        x->rows[0] = (struct exit_row){0};
        x->nrows = 1;
    }
    if (x->harts && x->nrows && machine_on_world(m, on_world, x))
        return x;
    free(x->rows);
    free(x->harts);
    free(x);
    return NULL;
}

void exits_free(struct exits *x)
{
    if (!x)
        return;
    machine_off_world(x->machine, on_world, x);
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

static uint64_t ticks_of(const struct hart *h)
{
    return h->instret + h->waited;
}

uint64_t exits_hart_time(const struct exits *x, unsigned hart)
{
    return ticks_of(machine_hart(x->machine, hart));
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
    for (size_t i = 0; i < x->nvms; i++) { /* of guests that run, what they have run */
        const struct vm *vm = &x->vms[i];
        const struct hart *h = vm->inside ? machine_hart(x->machine, vm->hart) : NULL;

        if (h)
            count_run(x, i, h->instret, ticks_of(h));
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
