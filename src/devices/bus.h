/* The bus: physical addresses and ports that are not RAM.
 *
 * A device is one ops struct in one file, and a row of the board's table (board.c) that says where it
 * is. */
#ifndef VISA_BUS_H
#define VISA_BUS_H

#include <stdbool.h>
#include <stddef.h>
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

struct console;
struct tree;

/* Where a device is. */
struct device_place {
    uint64_t base, bytes;
    unsigned source;               /* of the PLIC, 0: it has none */
    uint64_t window, window_bytes; /* its second range of addresses, 0: it has none */
};

/* What a device is made of. */
struct device_env {
    struct machine *machine;
    const struct console *console;
    struct device_place at;
    /* Level of its interrupt line, source at.source. */
    void (*set_line)(void *user, unsigned source, bool level);
    void *user;
};

struct device_ops {
    const char *name;
    /* NULL if memory ran out. env is copied. Of a device with several ops the first one's. */
    void *(*make)(const struct device_env *env);
    /* Its node of the device tree; NULL: it has none. */
    void (*describe)(struct tree *t, const struct device_place *at);
    /* All that it keeps from access to access, *bytes long and without pointers; NULL: nothing.
     * A reset brings it back to what it was when it was made. */
    void *(*state)(void *dev, size_t *bytes);
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

/* Every device as it was when it was attached. */
void bus_reset(struct bus *b);

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
