/* What a machine does for those inside: RAM, time, interrupt lines, the end of the run. */
#ifndef VISA_SERVICES_H
#define VISA_SERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct machine;

/* Physical memory as devices and loaders see it: only RAM. False if any byte is outside. */
bool machine_read(struct machine *m, uint64_t pa, void *to, size_t n);
bool machine_write(struct machine *m, uint64_t pa, const void *from, size_t n);
/* Host address of RAM [pa, pa+n), NULL if any byte is outside. Do not write code through it. */
uint8_t *machine_ram(struct machine *m, uint64_t pa, size_t n);

/* Virtual time of the platform: ticks of `time`. Devices use it. */
uint64_t machine_time(const struct machine *m);
/* A device wants its `poll` op called when `time` reaches t; the earliest wins. */
void machine_wake_at(struct machine *m, uint64_t t);
/* Interrupt lines into a hart's mip, level-triggered: ISA_IRQ_MSI, MTI, SEI and MEI. */
void machine_set_irq(struct machine *m, unsigned hart, unsigned irq, bool level);

unsigned machine_harts(const struct machine *m);

/* Ends the run with this exit code (a device or a guest asks for it). */
void machine_exit(struct machine *m, int code);

#ifdef __cplusplus
}
#endif

#endif
