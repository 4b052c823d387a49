/* The identity of a run (run_identity.h). */
#define _POSIX_C_SOURCE 200809L

#include "run_identity.h"

#include <inttypes.h>
#include <sha2.h>
#include <string.h>
#include <sys/stat.h>

#include "built-with.h"
#include "config/config.h"
#include "observe/identity.h"

bool run_identity_wanted(const struct options *o)
{
    return o->stats || o->report || o->trace_on || views_wanted(&o->views);
}

static bool put(json_t *o, const char *key, json_t *value)
{
    return !json_object_set_new(o, key, value);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* address: of a flat file, else NULL. */
static bool add_file(json_t *files, const char *as, const char *path, uint64_t size,
                     const char *hash, const uint64_t *address)
{
    json_t *o = json_object();
    char text[24];
    bool ok = !json_array_append_new(files, o) && put(o, "as", json_string(as)) &&
              put(o, "name", identity_string(base_name(path))) &&
              put(o, "bytes", json_integer((json_int_t)size)) &&
              put(o, "sha256", json_string(hash));

    if (!ok || !address)
        return ok;
    snprintf(text, sizeof text, "0x%" PRIx64, *address);
    return put(o, "address", json_string(text));
}

/* The files are read in the order of the options: IMAGE is the first. */
static bool add_images(json_t *files, const struct options *o, const struct image *im)
{
    bool ok = true;

    for (size_t i = 0; ok && i < im->nfiles; i++) {
        const struct image_file *f = &im->files[i];
        const struct load_option *l = i ? &o->loads[i - 1] : NULL;
        bool raw = l ? l->raw : o->raw;

        ok = add_file(files, l ? "load" : "image", f->path, f->size, f->sha256,
                      !raw ? NULL
                      : l  ? &l->addr
                           : &o->raw_addr);
    }
    return ok;
}

/* What comes through a pipe or from a terminal is not known beforehand. */
static bool add_input(json_t *files, const char *path)
{
    char hash[65];
    struct stat st;

    if (!path || strcmp(path, "-") == 0 || stat(path, &st) || !S_ISREG(st.st_mode) ||
        !SHA256File(path, hash))
        return true;
    return add_file(files, "input", path, (uint64_t)st.st_size, hash, NULL);
}

static json_t *texts(char *const *words, size_t n)
{
    json_t *a = json_array();

    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(a, identity_string(words[i]))) {
            json_decref(a);
            return NULL;
        }
    return a;
}

static json_t *settings(const struct options *o)
{
    struct machine_config machine = o->config;
    struct pipeline_config pipeline = o->pipeline;
    const struct config c = {&machine, &pipeline};
    json_t *all = json_object();

    for (unsigned i = 0; i < settings_count(); i++) {
        const struct setting s = settings_row(i);
        char name[SETTING_NAME], value[SETTING_TEXT];

        snprintf(name, sizeof name, "%s.%s", s.group, s.name);
        setting_text(&s, config_get(&c, &s), value, sizeof value);
        if (!put(all, name, json_string(value))) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

/* Of the options that bound something, those of traces or those of views. */
static json_t *bounds(const struct options *o, bool of_trace)
{
    static const char prefix[] = "--trace-";
    json_t *a = json_array();

    for (size_t i = 0; i < o->bounds.n; i++) {
        const char *text = o->bounds.texts[i];

        if ((strncmp(text, prefix, sizeof prefix - 1) == 0) == of_trace &&
            json_array_append_new(a, identity_string(text))) {
            json_decref(a);
            return NULL;
        }
    }
    return a;
}

bool run_identity_make(struct run_identity *id, const struct options *o, const struct image *im)
{
    json_t *files = json_array();

    id->run = json_object();
    id->trace_shown = bounds(o, true);
    id->views_shown = bounds(o, false);
    return put(id->run, "version", json_string(PACKAGE_VERSION)) &&
           put(id->run, "model", json_string(model_names[o->model])) &&
           put(id->run, "files", files) && add_images(files, o, im) &&
           add_input(files, o->uart_in) &&
           put(id->run, "arguments", texts(o->argv + 1, o->argc > 0 ? (size_t)o->argc - 1 : 0)) &&
           put(id->run, "options", texts(o->changes_run.texts, o->changes_run.n)) &&
           put(id->run, "settings", settings(o)) && id->trace_shown && id->views_shown;
}

void run_identity_free(struct run_identity *id)
{
    json_decref(id->run);
    json_decref(id->trace_shown);
    json_decref(id->views_shown);
}
