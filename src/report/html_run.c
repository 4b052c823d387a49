/* What the run of an HTML document was: its title, and all that tells it from other runs (html.h,
 * identity.h). */
#include "html.h"
#include "observe/identity.h"

static const json_t *run_of(const struct html *h)
{
    return json_object_get(h->r->root, "run");
}

void html_title(const struct html *h)
{
    char image[256];

    fputs("<title>", h->out);
    if (identity_image(run_of(h), image, sizeof image)[0]) {
        figures_escaped(h->out, image);
        fputs(", ", h->out);
    }
    figures_escaped(h->out, h->r->model);
    fputs(" model: V-ISA run</title>\n", h->out);
}

/* Closed: what one wants of it at once, the image, is its summary. */
bool html_run(const struct html *h)
{
    json_t *table = run_of(h) ? identity_table(run_of(h)) : NULL, *value;
    const char *key;
    char image[256];

    if (!table)
        return !run_of(h);
    fputs("<details><summary>What ran: ", h->out);
    figures_escaped(h->out, identity_image(run_of(h), image, sizeof image));
    fputs("</summary>\n<div class=\"tbl\" role=\"region\" tabindex=\"0\" "
          "aria-label=\"What ran\"><table><caption>What ran</caption>\n<thead><tr>"
          "<th scope=\"col\">What</th><th scope=\"col\">value</th></tr></thead>\n<tbody>\n",
          h->out);
    json_object_foreach(table, key, value)
    {
        fputs("<tr><th scope=\"row\">", h->out);
        figures_escaped(h->out, key);
        fputs("</th><td>", h->out);
        figures_escaped(h->out, json_string_value(value));
        fputs("</td></tr>\n", h->out);
    }
    fputs("</tbody></table></div></details>\n", h->out);
    json_decref(table);
    return true;
}
