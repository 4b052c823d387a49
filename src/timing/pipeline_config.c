/* What the pipeline model is made of (pipeline.h). In C, so that programs without SystemC
 * know its configuration too. */
#include "pipeline.h"

const char *const pipeline_category_names[PIPELINE_CATEGORIES] = {
    "retired", "frontend", "mispredict", "icache", "dcache", "tlb",   "walk_guest", "walk_host",
    "hazard",  "execute",  "world",      "pool",   "trap",   "flush", "device",     "wait"};

void pipeline_defaults(struct pipeline_config *c)
{
    *c = (struct pipeline_config){0};
    for (unsigned i = 0; i < ISA_LATS; i++)
        c->cycles[i] = isa_latencies[i].cycles;
    c->icache_bytes = c->dcache_bytes = ISA_CACHE_BYTES;
    c->icache_ways = c->dcache_ways = ISA_CACHE_WAYS;
    c->btb = ISA_BTB;
    c->predictor = PREDICT_BTB;
    c->own_time = true;
}
