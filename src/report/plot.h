/* The statistics of a run as a picture. */
#ifndef VISA_PLOT_H
#define VISA_PLOT_H

#include "report.h"

/* One SVG document that refers to nothing outside it; the same report gives the same bytes.
 * False if memory ran out. */
bool plot_svg(FILE *out, const struct report *r);

#endif
