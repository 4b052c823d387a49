/* Views: what is kept of a run, and the files (views.h). */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "impl.h"

enum { KANATA, O3PIPEVIEW, VCD, PERFETTO, FILES };

/* A file is written under another name, which it loses when it is whole. */
struct file {
    const char *path; /* NULL: not wanted */
    char *part;       /* NULL: it is written where it is, being no ordinary file */
    FILE *out;
};

struct views {
    struct file files[FILES];
    struct view_insns insns;
    struct perfetto *perfetto;
    bool incomplete; /* memory ran out */
};

/* Files ------------------------------------------------------------------------------------ */

static bool open_file(struct file *f, char *err, size_t n)
{
    static const char suffix[] = ".part";
    struct stat st;
    size_t size;

    if (!f->path)
        return true;
    if (strcmp(f->path, "-") == 0) {
        f->out = stdout;
        return true;
    }
    if (stat(f->path, &st) == 0 && !S_ISREG(st.st_mode)) {
        f->out = fopen(f->path, "w");
    } else {
        size = strlen(f->path) + sizeof suffix;
        f->part = malloc(size);
        if (f->part)
            snprintf(f->part, size, "%s%s", f->path, suffix);
        f->out = f->part ? fopen(f->part, "w") : NULL;
    }
    if (!f->out)
        snprintf(err, n, "%s: cannot be written: %s", f->path, strerror(errno));
    return f->out != NULL;
}

/* Whole, or not at all. */
static bool close_file(struct file *f, bool whole, char *err, size_t n)
{
    const char *why = "out of memory";

    bool sound = fflush(f->out) == 0 && !ferror(f->out);

    if (whole && !sound)
        why = errno ? strerror(errno) : "it is full";
    if (f->out != stdout)
        fclose(f->out);
    f->out = NULL;
    whole = whole && sound;
    if (whole && f->part && rename(f->part, f->path)) {
        why = strerror(errno);
        whole = false;
    }
    if (!whole && f->part)
        unlink(f->part);
    if (!whole)
        snprintf(err, n, "%s: could not be written: %s", f->path, why);
    return whole;
}

static void forget_file(struct file *f)
{
    if (f->out && f->out != stdout)
        fclose(f->out);
    if (f->out && f->part)
        unlink(f->part);
    free(f->part);
}

/* ------------------------------------------------------------------------------------------- */

static bool make_room(struct views *v, const struct view_options *o, struct machine *m,
                      const struct image *im)
{
    unsigned harts = machine_config(m)->harts;

    v->insns = (struct view_insns){.image = im,
                                   .nharts = harts,
                                   .from = o->from,
                                   .to = o->to,
                                   .run = o->run,
                                   .shown = o->shown};
    v->insns.harts = calloc(harts, sizeof *v->insns.harts);
    if (!v->insns.harts)
        return false;
    for (unsigned h = 0; h < harts; h++)
        v->insns.harts[h] = (struct keep){.size = sizeof(struct pipeline_insn), .most = o->last};
    return !o->perfetto || (v->perfetto = perfetto_new(o, m, im));
}

struct views *views_new(const struct view_options *o, struct machine *m, const struct image *im,
                        char *err, size_t n)
{
    struct views *v = calloc(1, sizeof *v);

    if (!v || !make_room(v, o, m, im)) {
        snprintf(err, n, "out of memory");
        views_free(v);
        return NULL;
    }
    v->files[KANATA].path = o->kanata;
    v->files[O3PIPEVIEW].path = o->o3pipeview;
    v->files[VCD].path = o->vcd;
    v->files[PERFETTO].path = o->perfetto;
    for (int i = 0; i < FILES; i++) {
        if (open_file(&v->files[i], err, n))
            continue;
        views_free(v);
        return NULL;
    }
    return v;
}

void views_free(struct views *v)
{
    if (!v)
        return;
    for (int i = 0; i < FILES; i++)
        forget_file(&v->files[i]);
    for (unsigned h = 0; v->insns.harts && h < v->insns.nharts; h++)
        free(v->insns.harts[h].items);
    free(v->insns.harts);
    perfetto_free(v->perfetto);
    free(v);
}

void views_insn(void *views, const struct pipeline_insn *i)
{
    struct views *v = views;
    struct pipeline_insn *kept;

    if (i->fetch > v->insns.to || i->write < v->insns.from)
        return;
    kept = keep_add(&v->insns.harts[i->hart]);
    if (kept)
        *kept = *i;
    else
        v->incomplete = true;
}

void views_record(void *views, const struct retire *r)
{
    perfetto_record(((struct views *)views)->perfetto, r);
}

static bool write_view(struct views *v, int which)
{
    FILE *out = v->files[which].out;

    switch (which) {
    case KANATA: return kanata_write(out, &v->insns);
    case O3PIPEVIEW: return o3pipeview_write(out, &v->insns);
    case VCD: return vcd_write(out, &v->insns);
    default: return perfetto_write(out, v->perfetto);
    }
}

bool views_write(struct views *v, char *err, size_t n)
{
    bool all = true;

    for (int i = 0; i < FILES; i++) {
        struct file *f = &v->files[i];
        bool whole;

        if (!f->out)
            continue;
        whole = !v->incomplete && write_view(v, i);
        all = close_file(f, whole, err, n) && all;
    }
    return all;
}

uint64_t views_left_out(const struct views *v)
{
    uint64_t n = v->perfetto ? perfetto_left_out(v->perfetto) : 0;

    for (unsigned h = 0; h < v->insns.nharts; h++)
        n += v->insns.harts[h].left_out;
    return n;
}
