/* HTIF: the words `tohost` and `fromhost` of an image, by which Berkeley's test
 * programs, pk-less C programs and OpenSBI talk to their simulator. */
#ifndef VISA_HTIF_H
#define VISA_HTIF_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/console.h"

#ifdef __cplusplus
extern "C" {
#endif

struct htif;
struct machine;

/* Watches the words at these physical addresses (fromhost 0: the image has none).
 * argv, of argc strings that stay with the caller, is what the guest may ask for as
 * its command line. The machine's bus owns the result; false if memory ran out. */
bool htif_attach(struct machine *m, uint64_t tohost, uint64_t fromhost,
                 const struct console *console, int argc, char *const *argv);

#ifdef __cplusplus
}
#endif

#endif
