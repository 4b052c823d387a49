/* The statistics of a run as one HTML document: pictures, and every number in tables.
 *
 * It needs nothing beside itself: no font, no network. Pictures and tables are complete without
 * its script, which adds what the reader can do with them. The same statistics give the same
 * bytes. */
#ifndef VISA_HTML_H
#define VISA_HTML_H

#include "figures.h"
#include "report.h"
#include "observe/timeline.h"

/* False if memory ran out. */
bool html_report(FILE *out, const struct report *r);

/* Its parts (html_charts.c, html_run.c, html_tables.c). */
struct html {
    FILE *out;
    const struct report *r;
    struct causes causes;
    const struct report_row **costly; /* sites, those that took most of Ring -1 first */
};

enum { HTML_ROWS = 64, HTML_PLACES = 12, HTML_CLASS = 32 };

/* Its style and script, made of html.css and html.js. */
extern const char html_css[], html_js[];

/* "VM 3", and with its VMCS if another VM has the same VMID */
const char *html_vm_name(const struct html *h, const struct report_vm *v, char *text, size_t n);
/* "vm v3": an element has the colour of the third VM, and is of it; v0 is Ring -1 (vmcs NULL). */
const char *html_vm_class(const struct html *h, const char *vmcs, char text[HTML_CLASS]);
void html_legend_begin(const struct html *h, const char *class);
void html_legend(const struct html *h, const char *class, size_t pattern, const char *text);
void html_legend_end(const struct html *h);

void html_title(const struct html *h);
bool html_run(const struct html *h); /* false if memory ran out */
void html_time(const struct html *h);
void html_timeline(const struct html *h);
void html_cycles(const struct html *h);
void html_latency(const struct html *h);
void html_exits(const struct html *h);
void html_sites(const struct html *h);
void html_walks(const struct html *h);
void html_tables(const struct html *h);

#endif
