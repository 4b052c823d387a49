/* Who drives the harts of a machine: what time it is for them, whether an interrupt may come, and what
 * devices answer. The machine does so itself (all NULL), by the ticks of its instructions; the pipeline
 * model by its cycles, with devices behind its bus; and a machine may follow another model (follow.h). */
#ifndef VISA_DRIVER_H
#define VISA_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An access of a device by a hart: as bus_read and bus_write (bus.h). Of a port pa is its number. */
typedef bool transport_fn(void *user, unsigned hart, bool write, uint64_t pa, unsigned width,
                          uint64_t *value);

struct driver {
    void *user;
    /* The ticks in which a hart's next instruction executes; a hart does not go back. */
    uint64_t (*ticks)(void *user, unsigned hart);
    /* May one that is pending be taken before the next instruction? What a VM's own settings
     * bring about, its preemption timer and its interrupt window, does not ask. */
    bool (*interrupt)(void *user, unsigned hart);
    transport_fn *device, *port;
};

#ifdef __cplusplus
}
#endif

#endif
