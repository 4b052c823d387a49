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

static bool power_of_two(unsigned n)
{
    return n && (n & (n - 1)) == 0;
}

static bool cache_possible(unsigned bytes, unsigned ways)
{
    return ways >= 1 && ways <= 64 && bytes <= 16u << 20 && bytes % (ways * ISA_LINE_BYTES) == 0 &&
           power_of_two(bytes / ways / ISA_LINE_BYTES);
}

const char *pipeline_config_fault(const struct pipeline_config *c)
{
    for (unsigned i = 0; i < ISA_LATS; i++)
        if (c->cycles[i] < 1 || c->cycles[i] > 100000)
            return "a latency must be 1 to 100000 cycles";
    if (!cache_possible(c->icache_bytes, c->icache_ways) ||
        !cache_possible(c->dcache_bytes, c->dcache_ways))
        return "a cache must have 1 to 64 ways and a power of two of sets, at most 16 MiB";
    if (!power_of_two(c->btb) || c->btb > 65536)
        return "the branch target buffer must have a power of two of entries, at most 65536";
    return NULL;
}
