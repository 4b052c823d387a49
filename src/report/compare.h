/* What changed between the statistics of two runs. */
#ifndef VISA_COMPARE_H
#define VISA_COMPARE_H

#include "report.h"

/* Totals, and the rows that differ, the greatest change of Ring -1's time first. Rows are the
 * same if VMID, cause and symbol (without one: pc) are: addresses may have moved. False if
 * memory ran out. */
bool compare_runs(FILE *out, const struct report *before, const struct report *after,
                  enum report_by by, size_t top, bool csv);

#endif
