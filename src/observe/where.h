/* Places of a run that the command line names: where to switch models, where a trace begins, what
 * is walked. Syntax: visa-sim(1), section "Places". */
#ifndef VISA_WHERE_H
#define VISA_WHERE_H

#include "machine/machine.h"
#include "address_names.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An address: "0x80001000", "main+8", "start_kernel@3". */
struct where_address {
    uint64_t addr;                  /* as its symbol has it */
    uint64_t pa;                    /* of a symbol that was loaded; 0: it was not */
    const struct image *image;      /* whose names ... */
    const struct image_file *guest; /* ... of guests it is one of; NULL: it is none */
    bool one_vm;
    uint16_t vmid;
};

enum where_kind { WHERE_COUNT, WHERE_BREAK };

struct where {
    enum where_kind kind;
    uint64_t count; /* instructions */
    struct where_address at;
    struct machine_break what;
};

/* Each false with the reason in err (of size n) if there is no such place. Symbols of the VM `vmid`
 * come first, if it is not NULL. */
bool where_address(struct where_address *a, const struct image *im, const uint16_t *vmid,
                   const char *text, char *err, size_t n);
bool where_parse(struct where *w, const struct image *im, const char *text, char *err, size_t n);

/* Runs stop there until machine_break_clear(m, &w->what); w must stay as it is until then. */
void where_break(struct where *w, struct machine *m);

#ifdef __cplusplus
}
#endif

#endif
