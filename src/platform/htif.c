/* HTIF (htif.h).
 *
 * Manual: chapter "The platform". tohost holds device[63:56], command[55:48] and
 * payload[47:0]. Device 0 is the system-call proxy: an odd payload ends the run with
 * exit code payload >> 1, an even one is the address of eight doublewords, number and
 * arguments, the first of which takes the result. Device 1 is the console: command 0
 * asks for a character, 1 puts one. Nothing polls: the machine tells of stores. */
#include "htif.h"

#include <stdlib.h>
#include <string.h>

#include "devices/bus.h"
#include "machine/machine.h"

enum { DEV_PROXY = 0, DEV_CONSOLE = 1, CMD_READ = 0, CMD_WRITE = 1, CHAR_VALID = 0x100 };
enum { SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT = 93, SYS_EXIT_GROUP = 94, SYS_GETMAINVARS = 2011 };
enum { TRANSFER_MOST = 1 << 20 }; /* of one read or write, so that none takes for ever */
enum { ERR_BADF = -9, ERR_NOMEM = -12, ERR_FAULT = -14, ERR_NOSYS = -38 };
#define PAYLOAD_MASK ((1ull << 48) - 1)

struct htif {
    struct machine *machine;
    struct console console;
    uint64_t tohost, fromhost;
    int argc;
    char *const *argv;
    struct observer requests, answers; /* stores into the two words */
    bool reading;                      /* the guest waits for a character */
    uint64_t answer; /* for fromhost, once the guest has taken the last one; 0 none */
};

/* The addresses in a request are what they are to the hart that made it. */
struct request {
    struct htif *htif;
    unsigned hart;
};

static uint64_t load(const struct htif *h, uint64_t pa)
{
    uint64_t value = 0;

    (void)machine_read(h->machine, pa, &value, sizeof value);
    return value;
}

static void store(struct htif *h, uint64_t pa, uint64_t value)
{
    (void)machine_write(h->machine, pa, &value, sizeof value);
}

/* Hands over the answer that waits, and finds one for a waiting read. */
static void respond(struct htif *h)
{
    if (!h->fromhost)
        return;
    if (h->reading && !h->answer) {
        int c = console_get(&h->console);

        if (c >= 0) {
            h->answer = (uint64_t)DEV_CONSOLE << 56 | CHAR_VALID | (unsigned)c;
            h->reading = false;
        }
    }
    if (h->answer && load(h, h->fromhost) == 0) {
        store(h, h->fromhost, h->answer);
        h->answer = 0;
    }
}

/* May the hart that asks touch all of [addr, addr+n)? */
static bool may(const struct request *q, uint64_t addr, uint64_t n, bool write)
{
    uint64_t pa;
    size_t step;

    for (; n; addr += step, n -= step)
        if (step = n, !machine_reach(q->htif->machine, q->hart, addr, write, &step, &pa))
            return false;
    return true;
}

/* The same of what one call transfers: all of it, or as much as it can. */
static bool may_transfer(const struct request *q, uint64_t addr, uint64_t *n, bool write)
{
    if (addr + *n < addr)
        return false;
    *n = *n < TRANSFER_MOST ? *n : TRANSFER_MOST;
    return may(q, addr, *n, write);
}

/* Copies as that hart would, if it may. */
static void take(const struct request *q, uint64_t addr, void *to, uint64_t n)
{
    uint64_t pa;

    for (size_t step; n; addr += step, to = (char *)to + step, n -= step)
        if (step = n, !machine_reach(q->htif->machine, q->hart, addr, false, &step, &pa) ||
                          !machine_read(q->htif->machine, pa, to, step))
            return;
}

static void give(const struct request *q, uint64_t addr, const void *from, uint64_t n)
{
    uint64_t pa;

    for (size_t step; n; addr += step, from = (const char *)from + step, n -= step)
        if (step = n, !machine_reach(q->htif->machine, q->hart, addr, true, &step, &pa) ||
                          !machine_write(q->htif->machine, pa, from, step))
            return;
}

static int64_t sys_write(const struct request *q, uint64_t fd, uint64_t from, uint64_t n)
{
    uint8_t byte = 0;

    if (fd != 1 && fd != 2)
        return ERR_BADF;
    if (!may_transfer(q, from, &n, false))
        return ERR_FAULT;
    for (uint64_t i = 0; i < n; i++) {
        take(q, from + i, &byte, 1);
        console_put(&q->htif->console, byte);
    }
    return (int64_t)n;
}

static int64_t sys_read(const struct request *q, uint64_t fd, uint64_t to, uint64_t n)
{
    uint64_t got = 0;
    int c;

    if (fd != 0)
        return ERR_BADF;
    if (!may_transfer(q, to, &n, true))
        return ERR_FAULT;
    while (got < n && (c = console_get(&q->htif->console)) >= 0) {
        uint8_t byte = (uint8_t)c;

        give(q, to + got++, &byte, 1);
    }
    return (int64_t)got;
}

/* argc, the argv pointers, two null pointers (the end, and an empty environment), then
 * the strings, all at `at`. */
static int64_t sys_getmainvars(const struct request *q, uint64_t at, uint64_t limit)
{
    const struct htif *h = q->htif;
    uint64_t head = ((uint64_t)h->argc + 3) * sizeof(uint64_t), end = head, word = 0;

    for (int i = 0; i < h->argc; i++)
        end += strlen(h->argv[i]) + 1;
    if (end > limit)
        return ERR_NOMEM;
    if (!may(q, at, end, true))
        return ERR_FAULT;
    give(q, at + head - 16, &word, sizeof word);
    give(q, at + head - 8, &word, sizeof word);
    word = (uint64_t)h->argc;
    give(q, at, &word, sizeof word);
    end = head;
    for (int i = 0; i < h->argc; i++) {
        size_t n = strlen(h->argv[i]) + 1;

        word = at + end;
        give(q, at + 8 * ((uint64_t)i + 1), &word, sizeof word);
        give(q, at + end, h->argv[i], n);
        end += n;
    }
    return 0;
}

static void system_call(const struct request *q, uint64_t block)
{
    struct machine *m = q->htif->machine;
    uint64_t call[8];
    int64_t result;

    if (!may(q, block, sizeof call, false) || !may(q, block, sizeof result, true))
        return;
    take(q, block, call, sizeof call);
    switch (call[0]) {
    case SYS_READ: result = sys_read(q, call[1], call[2], call[3]); break;
    case SYS_WRITE: result = sys_write(q, call[1], call[2], call[3]); break;
    case SYS_GETMAINVARS: result = sys_getmainvars(q, call[1], call[2]); break;
    case SYS_EXIT:
    case SYS_EXIT_GROUP: machine_exit(m, (int)(uint32_t)call[1]); return;
    default: result = ERR_NOSYS; break;
    }
    give(q, block, &result, sizeof result);
    q->htif->answer = 1;
}

/* What the guest has just stored to tohost or fromhost. */
static void to_host(void *user, const struct memory_access *a)
{
    struct htif *h = user;
    const struct request q = {h, a->hart};
    uint64_t value = load(h, h->tohost);
    uint64_t device = value >> 56, command = value >> 48 & 0xff, payload = value & PAYLOAD_MASK;

    if (value) {
        store(h, h->tohost, 0);
        if (device == DEV_PROXY && command == 0 && payload & 1)
            machine_exit(h->machine, (int)(uint32_t)(payload >> 1));
        else if (device == DEV_PROXY && command == 0)
            system_call(&q, payload);
        else if (device == DEV_CONSOLE && command == CMD_WRITE)
            console_put(&h->console, (uint8_t)payload);
        else if (device == DEV_CONSOLE && command == CMD_READ)
            h->reading = true;
    }
    respond(h);
}

/* The guest has taken the last answer, it may be. */
static void from_host(void *user, const struct memory_access *a)
{
    (void)a;
    respond(user);
}

static void poll(void *dev, uint64_t time)
{
    struct htif *h = dev;

    (void)time;
    console_flush(&h->console);
    respond(h);
}

static void *state(void *dev, size_t *bytes)
{
    struct htif *h = dev;

    *bytes = sizeof *h - offsetof(struct htif, reading);
    return &h->reading;
}

static const struct device_ops htif_ops = {
    .name = "htif", .state = state, .poll = poll, .free = free};

bool htif_attach(struct machine *m, uint64_t tohost, uint64_t fromhost,
                 const struct console *console, int argc, char *const *argv)
{
    struct htif *h = calloc(1, sizeof *h);

    if (!h)
        return false;
    *h = (struct htif){.machine = m,
                       .console = *console,
                       .tohost = tohost,
                       .fromhost = fromhost,
                       .argc = argc,
                       .argv = argv};
    if (!bus_attach(machine_bus(m), &htif_ops, h)) {
        free(h);
        return false;
    }
    h->requests = (struct observer){h, .store = to_host, .first = tohost, .last = tohost + 7};
    h->answers = (struct observer){h, .store = from_host, .first = fromhost, .last = fromhost + 7};
    if (fromhost)
        machine_observe(m, &h->answers);
    machine_observe(m, &h->requests);
    return true;
}
