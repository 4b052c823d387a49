/* A machine that follows another model, instruction by instruction: that one says when it was, whether
 * it took an interrupt, and what its devices did. What the two must agree on besides, records and
 * registers tell. */
#ifndef VISA_FOLLOW_H
#define VISA_FOLLOW_H

#include "machine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An instruction makes one access of a device, or none. */
struct device_access {
    bool port, write;
    uint64_t pa;    /* or the number of the port */
    unsigned width; /* bytes */
    uint64_t value; /* read, or written */
    bool refused;   /* nothing is there */
};

struct follower {
    /* Before each machine_step: what the other model did. */
    uint64_t ticks;
    bool interrupted; /* before the instruction, an interrupt that is pending */
    bool accessed;    /* a device ... */
    struct device_access access;
    /* After it: what this one wanted of a device, if that is not the same; the machine goes on as if
     * nothing were there. */
    bool differs;
    struct device_access wanted;
};

/* m follows from now on; f stays as long. machine_drive(m, NULL) ends that. */
void follow(struct machine *m, struct follower *f);

#ifdef __cplusplus
}
#endif

#endif
