/* What the pipeline model counted, for the statistics of a run. */
#ifndef VISA_PIPELINE_STATS_H
#define VISA_PIPELINE_STATS_H

#include <jansson.h>

#include "pipeline.h"

/* The object "pipeline" of visa-sim's statistics; its keys are in visa-sim(1). */
json_t *pipeline_stats_json(const struct pipeline_stats *s);

/* Cycles of all harts in all rings of the VM at this VMCS (0: the host), and of all VMs. */
uint64_t pipeline_cycles_of(const struct pipeline_stats *s, uint64_t vmcs);
uint64_t pipeline_cycles(const struct pipeline_stats *s);

#endif
