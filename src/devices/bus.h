/* The bus: physical addresses and ports that are not RAM.
 *
 * A device is one ops struct in one file; the board (board.c) maps it. To add
 * one: write devices/NAME.c with a `NAME_new` that returns its ops and state, and
 * a table of the widths that its registers take; map it in board.c, give it a node in devicetree.c, test it in testsuite/sim. */
#ifndef VISA_BUS_H
#define VISA_BUS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct machine;

/* Where accesses may begin and how wide they are there: offsets first to last, every step bytes
 * from the first on. Widths are ORed, 0 for none. Manual: the table of rule PL-15. */
struct device_reg {
    uint64_t first, last;
    unsigned step;
    unsigned loads, stores;
};

enum { DEVICE_REGS = 4 };

struct device_ops {
    const char *name;
    /* The first row that has an offset counts; what none has is an access fault. The rest is 0. */
    struct device_reg regs[DEVICE_REGS];
    /* offset < size of the mapping and aligned to width, which is one that regs has there.
     * False: there is nothing now (access fault). */
    bool (*read)(void *dev, uint64_t offset, unsigned width, uint64_t *value);
    bool (*write)(void *dev, uint64_t offset, unsigned width, uint64_t value);
    /* Called when virtual time reaches what machine_wake_at asked for, and now and
     * then in between; may be NULL. */
    void (*poll)(void *dev, uint64_t time);
    void (*free)(void *dev);
};

struct bus;

struct bus *bus_new(void);
void bus_free(struct bus *b);

/* False if the range is empty, wraps or overlaps another. The bus frees dev once,
 * however often it is mapped. */
bool bus_map(struct bus *b, uint64_t base, uint64_t size, const struct device_ops *ops, void *dev);
bool bus_map_ports(struct bus *b, uint16_t first, unsigned count, const struct device_ops *ops,
                   void *dev);
/* A device that has no addresses: it is polled and freed with the others. */
bool bus_attach(struct bus *b, const struct device_ops *ops, void *dev);

/* An access by physical address; false is an access fault. */
bool bus_read(struct bus *b, uint64_t pa, unsigned width, uint64_t *value);
bool bus_write(struct bus *b, uint64_t pa, unsigned width, uint64_t value);

/* Ports port .. port+width-1, width 1, 2 or 4, wrapping round after the last one. A
 * device that has no such width, or is not there for all of them, is accessed byte
 * by byte; where nothing is mapped reads give all ones and writes are dropped. */
uint64_t bus_in(struct bus *b, uint16_t port, unsigned width);
void bus_out(struct bus *b, uint16_t port, unsigned width, uint64_t value);

void bus_poll(struct bus *b, uint64_t time);

#ifdef __cplusplus
}
#endif

#endif
