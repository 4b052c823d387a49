/* The bus: finds the device behind a physical address or a port.
 *
 * Manual: chapter "The platform". Ranges stand in one sorted array each for memory
 * and ports; an access looks at the range that the last one hit, then searches. */
#include "bus.h"

#include "isa.h"

#include <stdlib.h>
#include <string.h>

struct range {
    uint64_t base, size;
    const struct device_ops *ops;
    void *dev;
};

/* Ranges by ascending base, none overlapping another. */
struct space {
    struct range *ranges;
    size_t n, room, last;
};

/* A device once, however often it is mapped. */
struct attached {
    const struct device_ops *ops;
    void *dev;
    void *fresh; /* its state as it was made, NULL: it has none */
};

struct bus {
    struct space memory, ports;
    struct attached *devices;
    size_t n, room;
};

struct bus *bus_new(void)
{
    return calloc(1, sizeof(struct bus));
}

void bus_free(struct bus *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n; i++) {
        if (b->devices[i].ops->free)
            b->devices[i].ops->free(b->devices[i].dev);
        free(b->devices[i].fresh);
    }
    free(b->devices);
    free(b->memory.ranges);
    free(b->ports.ranges);
    free(b);
}

/* Makes room for one more element; false if memory ran out. */
static bool grow(void **array, size_t n, size_t *room, size_t element)
{
    if (n < *room)
        return true;
    size_t more = *room ? 2 * *room : 8;
    void *p = realloc(*array, more * element);
    if (!p)
        return false;
    *array = p;
    *room = more;
    return true;
}

/* A copy of the state of dev, NULL in *copy if it has none; false if memory ran out. */
static bool copy_state(const struct device_ops *ops, void *dev, void **copy)
{
    size_t n = 0;
    void *state = ops->state ? ops->state(dev, &n) : NULL;

    *copy = n ? malloc(n) : NULL;
    if (*copy)
        memcpy(*copy, state, n);
    return *copy || !n;
}

void bus_reset(struct bus *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct attached *a = &b->devices[i];
        size_t n;
        void *state = a->fresh ? a->ops->state(a->dev, &n) : NULL;

        if (state)
            memcpy(state, a->fresh, n);
    }
}

bool bus_attach(struct bus *b, const struct device_ops *ops, void *dev)
{
    void *fresh;

    for (size_t i = 0; i < b->n; i++)
        if (b->devices[i].dev == dev)
            return true;
    void *devices = b->devices;
    if (!grow(&devices, b->n, &b->room, sizeof b->devices[0]))
        return false;
    b->devices = devices;
    if (!copy_state(ops, dev, &fresh))
        return false;
    b->devices[b->n++] = (struct attached){ops, dev, fresh};
    return true;
}

/* Number of ranges that begin at or below addr. */
static size_t ranges_upto(const struct space *s, uint64_t addr)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->ranges[mid].base <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool space_map(struct space *s, const struct range *r)
{
    uint64_t last = r->base + (r->size - 1);
    if (r->size == 0 || last < r->base)
        return false;
    size_t at = ranges_upto(s, last);
    if (at > 0 && s->ranges[at - 1].base + (s->ranges[at - 1].size - 1) >= r->base)
        return false;
    void *ranges = s->ranges;
    if (!grow(&ranges, s->n, &s->room, sizeof s->ranges[0]))
        return false;
    s->ranges = ranges;
    memmove(s->ranges + at + 1, s->ranges + at, (s->n - at) * sizeof s->ranges[0]);
    s->ranges[at] = *r;
    s->n++;
    s->last = 0;
    return true;
}

/* The range that holds all of [addr, addr+width), NULL if none does. */
static const struct range *space_find(struct space *s, uint64_t addr, unsigned width)
{
    if (s->n == 0)
        return NULL;
    const struct range *r = &s->ranges[s->last];
    if (addr < r->base || addr - r->base >= r->size) {
        size_t at = ranges_upto(s, addr);
        if (at == 0)
            return NULL;
        r = &s->ranges[at - 1];
    }
    uint64_t offset = addr - r->base;
    if (offset >= r->size || width > r->size - offset)
        return NULL;
    s->last = (size_t)(r - s->ranges);
    return r;
}

bool bus_map(struct bus *b, uint64_t base, uint64_t size, const struct device_ops *ops, void *dev)
{
    return space_map(&b->memory, &(struct range){base, size, ops, dev}) && bus_attach(b, ops, dev);
}

bool bus_map_ports(struct bus *b, uint16_t first, unsigned count, const struct device_ops *ops,
                   void *dev)
{
    if (count > (unsigned)ISA_PORTS - first)
        return false;
    return space_map(&b->ports, &(struct range){first, count, ops, dev}) && bus_attach(b, ops, dev);
}

/* Does the table of a device have accesses of this width at this offset? */
static bool takes(const struct device_ops *ops, uint64_t offset, unsigned width, bool write)
{
    if ((width & (width - 1)) || (offset & (width - 1)))
        return false;
    for (const struct device_reg *r = ops->regs; r < ops->regs + DEVICE_REGS && r->step; r++)
        if (offset >= r->first && offset <= r->last && (offset - r->first) % r->step == 0)
            return (write ? r->stores : r->loads) & width;
    return false;
}

static uint64_t low_bytes(uint64_t value, unsigned width)
{
    return width >= 8 ? value : value & ((1ull << 8 * width) - 1);
}

static bool range_read(const struct range *r, uint64_t addr, unsigned width, uint64_t *value)
{
    uint64_t got = 0;
    if (!r || !r->ops->read || !takes(r->ops, addr - r->base, width, false) ||
        !r->ops->read(r->dev, addr - r->base, width, &got))
        return false;
    *value = low_bytes(got, width);
    return true;
}

static bool range_write(const struct range *r, uint64_t addr, unsigned width, uint64_t value)
{
    return r && r->ops->write && takes(r->ops, addr - r->base, width, true) &&
           r->ops->write(r->dev, addr - r->base, width, low_bytes(value, width));
}

bool bus_read(struct bus *b, uint64_t pa, unsigned width, uint64_t *value)
{
    return range_read(space_find(&b->memory, pa, width), pa, width, value);
}

bool bus_write(struct bus *b, uint64_t pa, unsigned width, uint64_t value)
{
    return range_write(space_find(&b->memory, pa, width), pa, width, value);
}

uint64_t bus_in(struct bus *b, uint16_t port, unsigned width)
{
    uint64_t value = 0;
    if (range_read(space_find(&b->ports, port, width), port, width, &value))
        return value;
    if (width == 1)
        return 0xff;
    for (unsigned i = 0; i < width; i++)
        value |= bus_in(b, (uint16_t)(port + i), 1) << 8 * i;
    return value;
}

void bus_out(struct bus *b, uint16_t port, unsigned width, uint64_t value)
{
    if (range_write(space_find(&b->ports, port, width), port, width, value) || width == 1)
        return;
    for (unsigned i = 0; i < width; i++)
        bus_out(b, (uint16_t)(port + i), 1, value >> 8 * i & 0xff);
}

void bus_poll(struct bus *b, uint64_t time)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->devices[i].ops->poll)
            b->devices[i].ops->poll(b->devices[i].dev, time);
}
