/* The statistics of a run as one HTML document: pictures, and every number in tables.
 *
 * It needs nothing beside itself: no script, no font, no network. The same statistics give
 * the same bytes. */
#ifndef VISA_HTML_H
#define VISA_HTML_H

#include "figures.h"
#include "report.h"

/* False if memory ran out. */
bool html_report(FILE *out, const struct report *r);

/* Its parts (html_charts.c, html_run.c, html_tables.c). */
struct html {
    FILE *out;
    const struct report *r;
    struct causes causes;
    const struct report_row **costly; /* sites, those that took most of Ring -1 first */
};

enum { HTML_ROWS = 32, HTML_PLACES = 12, HTML_VM_COLOURS = 8 };

/* "VM 3", and with its VMCS if another VM has the same VMID */
const char *html_vm_name(const struct html *h, const struct report_vm *v, char *text, size_t n);
void html_legend_begin(const struct html *h);
void html_legend(const struct html *h, const char *class, const char *text);
void html_legend_end(const struct html *h);

void html_title(const struct html *h);
void html_run(const struct html *h);
void html_time(const struct html *h);
void html_timeline(const struct html *h);
void html_cycles(const struct html *h);
void html_latency(const struct html *h);
void html_exits(const struct html *h);
void html_sites(const struct html *h);
void html_walks(const struct html *h);
void html_tables(const struct html *h);

#endif
