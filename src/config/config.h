/* Names of all that a user may choose about a model: sizes, ways, latencies, the predictor.
 *
 * One table of settings (config.c) serves files, command lines and the checks of
 * machine_new and pipeline_new. To add one: a field in struct machine_config or
 * pipeline_config with its default, a row in the table. Manual page: visa-config(5). */
#ifndef VISA_CONFIG_H
#define VISA_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isa.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sizes that a user may choose; machine_defaults() fills in the reference machine. */
struct machine_config {
    uint64_t ram_bytes; /* from RAM_BASE up */
    unsigned harts;     /* 1 to MACHINE_MAX_HARTS */
    unsigned pool;      /* contexts per hart's state pool */
    unsigned tlb_l1, tlb_l2, tlb_l2_ways, walk_cache;
    unsigned pmp_granule; /* bytes of the smallest PMP region: a power of two, 4 to 4096 */
    bool svadu;           /* walks can write A and D: menvcfg.ADUE exists, and is 1 after reset */
    uint64_t ticks_per_time; /* retired instructions per tick of `time` */
    uint64_t quantum;        /* instructions a hart runs before the next hart's turn */
};

enum { MACHINE_MAX_HARTS = 64 };
#define RAM_BASE 0x80000000ull

enum pipeline_predictor {
    PREDICT_NONE,   /* the next instruction */
    PREDICT_STATIC, /* in decode: jal, and branches backwards */
    PREDICT_BTB,    /* and before that, in fetch, the branch target buffer */
};

struct pipeline_config {
    unsigned cycles[ISA_LATS]; /* by enum isa_latency */
    unsigned icache_bytes, icache_ways, dcache_bytes, dcache_ways;
    unsigned btb; /* entries, a power of two */
    enum pipeline_predictor predictor;
    uint64_t quantum; /* cycles that harts run ahead of SystemC's kernel at most, 0: to its
                       * next event. Results do not depend on it. */
    bool own_time;    /* false: `time` is the functional model's (--time instret) */
};

/* The reference machine, and its pipeline. */
void machine_defaults(struct machine_config *c);
void pipeline_defaults(struct pipeline_config *c);

enum setting_kind {
    SETTING_NUMBER,
    SETTING_SIZE, /* bytes, as text with K, M or G behind the number */
    SETTING_WORD, /* one of `words`; its number is the value */
};

/* "group.name" */
struct setting {
    const char *group, *name, *help;
    enum setting_kind kind;
    bool pipeline; /* a field of struct pipeline_config, else of struct machine_config */
    uint8_t width; /* bytes of the field */
    size_t offset;
    uint64_t least, most;
    const char *const *words;
};

/* What settings are read from and written to. */
struct config {
    struct machine_config *machine;
    struct pipeline_config *pipeline;
};

enum { SETTING_NAME = 64, SETTING_TEXT = 96 }; /* room for these texts */

/* All settings, group by group; i < settings_count(). */
unsigned settings_count(void);
struct setting settings_row(unsigned i);

/* By full name; false with the nearest name in err. */
bool setting_find(const char *name, struct setting *s, char *err, size_t n);
/* What it may be, for people: "1 to 512", "none, static or btb". */
void setting_range(const struct setting *s, char *text, size_t n);
/* A value as text that config_set reads back. */
void setting_text(const struct setting *s, uint64_t value, char *text, size_t n);

/* Each false with the reason in err if the value is none for that setting. */
bool config_set(const struct config *c, const char *name, const char *value, char *err, size_t n);
bool config_put(const struct config *c, const struct setting *s, uint64_t value, char *err,
                size_t n);
bool config_put_text(const struct config *c, const struct setting *s, const char *value, char *err,
                     size_t n);
uint64_t config_get(const struct config *c, const struct setting *s);

/* Whether a machine, a pipeline of this configuration can be built; the reason in err if not. */
bool config_check_machine(const struct machine_config *c, char *err, size_t n);
bool config_check_pipeline(const struct pipeline_config *c, char *err, size_t n);

/* Numbers as command lines have them: decimal, or hexadecimal behind 0x; a size may have K, M
 * or G behind it. */
bool config_number(const char *text, uint64_t *value, char *err, size_t n);
bool config_size(const char *text, uint64_t *value, char *err, size_t n);

#ifdef __cplusplus
}
#endif

#endif
