/* visa-sim: runs an image on a model. Manual page: visa-sim(1). */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "built-with.h"
#include "config_file.h"
#include "platform/devicetree.h"
#include "platform/board.h"
#include "observe/exits.h"
#include "observe/explain.h"
#include "platform/htif.h"
#include "observe/identity.h"
#include "images.h"
#include "platform/loader.h"
#include "machine/machine.h"
#include "model.h"
#include "observe/address_names.h"
#include "options.h"
#include "run_identity.h"
#include "signals.h"
#include "signature.h"
#include "observe/stuck.h"
#include "report/registers.h"
#include "report/stats.h"
#include "terminal.h"
#include "observe/trace.h"
#include "views/views.h"
#include "observe/window.h"

enum { STALE_SHOWN = 20 };

struct sim {
    struct options options;
    struct machine *machine;
    const struct model_ops *ops;
    void *model;
    struct window window; /* of the trace */
    struct terminal *terminal;
    struct board *board;
    struct image image;
    struct run_identity identity;
    struct exits *exits;                     /* while statistics are wanted */
    struct explain *explain;                 /* while an exit is to be explained */
    struct views *views;                     /* while the run is to be drawn */
    struct stuck stuck;                      /* where a hart is stuck */
    struct observer watcher, tracer, viewer; /* --check-stale and --stuck, --trace, --perfetto */
    FILE *console;
    struct output trace, stats, report, signature, view[VIEW_KINDS];
    struct signature signature_at;
    uint64_t stale; /* uses of stale translations */
    bool output_lost;
};

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    va_list args;

    fflush(NULL); /* what the guest printed comes first */
    fputs("visa-sim: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* Building -------------------------------------------------------------------------------- */

static bool write_dtb(const char *path, const void *tree, size_t size)
{
    struct output f;
    char err[256];

    if (!output_open(&f, path, err, sizeof err) ||
        (fwrite(tree, 1, size, f.out), !output_close(&f, true, err, sizeof err))) {
        complain("%s: the device tree %s", strcmp(path, "-") ? SHOWN_NAME(path) : "standard output",
                 err);
        return false;
    }
    return true;
}

/* Puts the tree at the top of RAM, on a page of its own; 0 if something is there. */
static uint64_t place_tree(struct sim *s, const void *tree, size_t size)
{
    uint64_t end = RAM_BASE + s->options.config.ram_bytes;
    uint64_t at = (end - size) & ~(uint64_t)0xfff;

    if (size > s->options.config.ram_bytes || at < image_end(&s->image)) {
        complain("%s: no room for the device tree: the images end at 0x%" PRIx64
                 ", RAM at 0x%" PRIx64 "; give it more with --ram",
                 s->options.image, image_end(&s->image), end);
        return 0;
    }
    (void)machine_write(s->machine, at, tree, size);
    return at;
}

/* Status 0 with the tree's address in *at; *at is 0 if there is no image to run. */
static int make_tree(struct sim *s, uint64_t *at)
{
    size_t size;
    void *tree;
    int status = 0;

    *at = 0;
    errno = 0;
    tree = devicetree_make(s->machine, s->options.bootargs, &size);
    if (!tree) {
        complain(errno == ENOMEM ? "out of memory for a device tree"
                                 : "--bootargs: too long for a device tree");
        return STATUS_USAGE;
    }
    if (s->options.dump_dtb && !write_dtb(s->options.dump_dtb, tree, size))
        status = STATUS_OUTPUT;
    else if (s->options.image && !(*at = place_tree(s, tree, size)))
        status = STATUS_IMAGE;
    free(tree);
    return status;
}

/* The words that HTIF watches, if the image has them. */
static bool attach_htif(struct sim *s)
{
    struct console console = terminal_console(s->terminal);
    uint64_t tohost, fromhost;

    if (!image_symbol(&s->image, "tohost", &tohost) || !tohost)
        return true;
    (void)image_symbol(&s->image, "fromhost", &fromhost);
    return htif_attach(s->machine, tohost, fromhost, &console, s->options.argc, s->options.argv);
}

static bool open_output(struct output *f, const char *path)
{
    char err[256];

    if (output_open(f, path, err, sizeof err))
        return true;
    complain("%s: %s", SHOWN_NAME(path), err);
    return false;
}

/* A missing flush, told once for each page and instruction would still be many: the
 * first ones say it. */
static void tell_stale(void *user, const struct stale_use *u)
{
    struct sim *s = user;
    const char *what = u->access == 'x' ? "fetch" : u->access == 'r' ? "load" : "store";
    const struct place at = {u->v, u->vmid, u->pc, u->pc_hpa};
    char place[NAME_ROOM];

    if (s->stale++ >= STALE_SHOWN)
        return;
    fflush(s->console);
    image_name_text(&s->image, &at, place, sizeof place);
    fprintf(stderr, "visa-sim: stale translation: hart %u, %s of 0x%" PRIx64 " at pc 0x%" PRIx64,
            u->hart, what, u->va, u->pc);
    if (place[0])
        fprintf(stderr, " <%s>", place);
    if (u->v)
        fprintf(stderr, " in VM %u", u->vmid);
    fprintf(stderr, " goes to 0x%" PRIx64 ", but the tables now ", u->cached_hpa);
    if (u->mapped)
        fprintf(stderr, "say 0x%" PRIx64 "\n", u->now_hpa);
    else
        fprintf(stderr, "do not allow it\n");
}

/* A stuck_fn: true if the run is to end. */
static bool on_stuck(void *user, unsigned hart)
{
    struct sim *s = user;

    if (s->options.stuck == STUCK_OFF)
        return false;
    stuck_note(&s->stuck, &s->image, s->machine, hart);
    if (s->options.stuck == STUCK_STOP)
        return true;
    complain("%s", machine_message(s->machine));
    stuck_tell(&s->stuck, stderr);
    return false;
}

/* The consumers that look at the run from beside it. */
static bool attach_observers(struct sim *s)
{
    const struct options *o = &s->options;

    if ((o->stats || o->report || o->summary) && !(s->exits = exits_new(s->machine)))
        return false;
    if (o->explain && !(s->explain = explain_new(s->machine, &s->image, &o->explain_exit, stderr)))
        return false;
    s->watcher = (struct observer){
        .user = s, .stale = o->check_stale ? tell_stale : NULL, .stuck = on_stuck};
    machine_observe(s->machine, &s->watcher);
    return true;
}

/* A run whose trace is lost ends: nobody will read the rest. */
static void look_at_trace(struct sim *s)
{
    if (!ferror(s->options.trace.out) || machine_stopping(s->machine))
        return;
    s->trace.lost = errno;
    machine_stop(s->machine);
}

/* A retire_fn. */
static void tell_record(void *user, const struct retire *r)
{
    struct sim *s = user;

    trace_record(&s->options.trace, r);
    look_at_trace(s);
}

/* A world_fn: of a trace of entries and exits only. */
static void tell_world(void *user, const struct world_event *e)
{
    struct sim *s = user;

    trace_world(&s->options.trace, e);
    look_at_trace(s);
}

/* What the trace wants is told, as long as it wants that. */
static void listen(struct sim *s)
{
    const struct options *o = &s->options;
    bool traced = o->trace_on && !o->trace.closed, exits = o->trace.events == TRACE_EXITS;

    machine_unobserve(s->machine, &s->tracer);
    s->tracer = (struct observer){.user = s, .part = trace_part(&o->trace)};
    if (traced && exits)
        s->tracer.world = s->tracer.refusal = tell_world;
    else if (traced)
        s->tracer.retire = tell_record;
    if (traced)
        machine_observe(s->machine, &s->tracer);
}

static bool open_views(struct sim *s)
{
    struct view_options *o = &s->options.views;
    const char *const paths[VIEW_KINDS] = {
        [VIEW_KANATA] = o->kanata,
        [VIEW_O3PIPEVIEW] = o->o3pipeview,
        [VIEW_VCD] = o->vcd,
        [VIEW_PERFETTO] = o->perfetto,
    };

    o->run = s->identity.run;
    o->shown = s->identity.views_shown;
    if (!views_wanted(o))
        return true;
    s->views = views_new(o, s->machine, &s->image);
    if (!s->views) {
        complain("out of memory");
        return false;
    }
    for (int i = 0; i < VIEW_KINDS; i++)
        if (paths[i] && !open_output(&s->view[i], paths[i]))
            return false;
    if (o->perfetto) {
        s->viewer = (struct observer){.user = s->views, .retire = views_record, .part = WHOLE_RUN};
        machine_observe(s->machine, &s->viewer);
    }
    if (views_of_pipeline(o))
        s->ops->attach(s->model, views_insn, s->views);
    return true;
}

/* What was traced stands before what happened. */
static bool open_trace(struct sim *s)
{
    struct options *o = &s->options;
    bool told;

    if (!o->trace_on)
        return true;
    if (o->trace_file && !open_output(&s->trace, o->trace_file))
        return false;
    o->trace.out = o->trace_file ? s->trace.out : stderr;
    o->trace.image = &s->image;
    if (o->trace.json) {
        putc('{', o->trace.out);
        told = identity_json(o->trace.out, s->identity.run, s->identity.trace_shown);
        fputs("}\n", o->trace.out);
    } else {
        told = identity_head(o->trace.out, s->identity.run, s->identity.trace_shown, "# ");
    }
    if (!told)
        complain("out of memory");
    if (told)
        listen(s);
    return told;
}

static bool open_outputs(struct sim *s)
{
    struct options *o = &s->options;

    if (!attach_observers(s) ||
        (run_identity_wanted(o) && !run_identity_make(&s->identity, o, &s->image))) {
        complain("out of memory");
        return false;
    }
    return open_views(s) && (!o->stats || open_output(&s->stats, o->stats)) &&
           (!o->report || open_output(&s->report, o->report)) &&
           (!o->signature || open_output(&s->signature, o->signature)) && open_trace(s);
}

/* What the guest prints goes to standard output, unless that belongs to a result: then to
 * standard error, through a buffer of its own. */
static bool open_console(struct sim *s)
{
    const struct options *o = &s->options;
    int fd;

    if (o->uart_out && strcmp(o->uart_out, "-") != 0) {
        if ((s->console = fopen(o->uart_out, "w")))
            return true;
        complain("%s: cannot be written: %s", SHOWN_NAME(o->uart_out), strerror(errno));
        return false;
    }
    if (o->uart_out || !o->stdout_owner) {
        s->console = stdout;
        return true;
    }
    fd = dup(STDERR_FILENO);
    if (fd >= 0 && (s->console = fdopen(fd, "w")))
        return true;
    complain("standard error: cannot be written: %s", strerror(errno));
    return false;
}

static bool make_board(struct sim *s)
{
    char err[256];
    struct console console;

    s->terminal = terminal_open(s->options.uart_in, s->console, err, sizeof err);
    if (!s->terminal) {
        complain("--uart-in: %s: %s", SHOWN_NAME(s->options.uart_in ? s->options.uart_in : "-"),
                 err);
        return false;
    }
    terminal_controls(s->terminal, s->machine);
    console = terminal_console(s->terminal);
    s->board = board_new(s->machine, &console);
    if (!s->board || !attach_htif(s)) {
        complain("out of memory");
        return false;
    }
    return true;
}

/* Places that symbols name are known as soon as the images are. */
static bool arrange_places(struct sim *s)
{
    struct options *o = &s->options;
    struct explain_walk walk;
    char err[256];

    if (o->walk && !explain_walk_parse(&walk, s->machine, &s->image, o->walk, err, sizeof err)) {
        complain("--walk: %s", err);
        return false;
    }
    if (!o->trace_on || window_begin(&s->window, s->machine, &o->trace, &s->image, o->trace_from,
                                     o->trace_to, err, sizeof err))
        return true;
    complain("%s", err);
    return false;
}

static bool make_model(struct sim *s)
{
    const struct model_setup setup = {s->machine, &s->image, &s->options};
    char err[1024];

    if ((s->model = s->ops->create(&setup, err, sizeof err)))
        return true;
    complain("%s", err);
    return false;
}

/* 0, or the status to exit with; the reason is printed. */
static int build(struct sim *s)
{
    char err[1024];
    uint64_t tree;
    int status;

    s->machine = machine_new(&s->options.config, err, sizeof err);
    if (!s->machine) {
        complain("%s", err);
        return STATUS_USAGE;
    }
    if (s->options.image && !images_load(&s->image, s->machine, &s->options, err, sizeof err)) {
        complain("%s", err);
        return STATUS_IMAGE;
    }
    if ((status = make_tree(s, &tree)) || !s->options.image)
        return status;
    if (s->options.signature &&
        !signature_find(&s->signature_at, &s->image, s->machine, err, sizeof err)) {
        complain("--signature: %s", err);
        return STATUS_IMAGE;
    }
    if (!open_console(s))
        return STATUS_OUTPUT;
    if (!make_board(s))
        return STATUS_USAGE;
    machine_reset(s->machine, s->image.entry, tree);
    if (!make_model(s) || !arrange_places(s))
        return STATUS_USAGE;
    return open_outputs(s) ? 0 : STATUS_OUTPUT;
}

/* Running --------------------------------------------------------------------------------- */

/* A guest that waits for nothing but somebody at the terminal is no deadlock. */
static void wait_for_input(struct sim *s)
{
    while (!machine_stopping(s->machine) && terminal_live(s->terminal) &&
           !terminal_wait(s->terminal, 100))
        ;
    bus_poll(machine_bus(s->machine), machine_time(s->machine));
}

/* On, wherever a trace begins or ends, and whenever there may be input. */
static enum stop run(struct sim *s)
{
    uint64_t limit = s->options.max_insns, before, now;
    enum stop stop;

    for (;;) {
        before = machine_progress(s->machine);
        stop = s->ops->run(s->model, limit);
        now = machine_progress(s->machine);
        if (stop == STOP_BREAK && window_turn(&s->window))
            listen(s);
        else if (stop == STOP_DEADLOCK && terminal_live(s->terminal))
            wait_for_input(s);
        else
            return stop;
        if (limit && now - before >= limit)
            return STOP_LIMIT;
        limit -= limit ? now - before : 0;
    }
}

static const struct {
    const char *reason;
    int status;
} ends[] = {
    [STOP_EXIT] = {"exit", 0},
    [STOP_LIMIT] = {"limit", STATUS_LIMIT},
    [STOP_DEADLOCK] = {"deadlock", STATUS_DEADLOCK},
    [STOP_TRAP_LOOP] = {"trap-loop", STATUS_TRAP_LOOP},
    [STOP_REQUEST] = {"stopped", STATUS_STOPPED},
};

/* Traps that got nowhere count against the limit, so that no guest runs for ever; they are no
 * instructions. */
static void say_limit(struct sim *s)
{
    uint64_t retired = machine_stats(s->machine)->instret;
    uint64_t vain = machine_progress(s->machine) - retired;

    if (vain)
        complain("stopped after %" PRIu64 " instructions and %" PRIu64
                 " traps of a trap handler's first instruction (--max-insns)",
                 retired, vain);
    else
        complain("stopped after %" PRIu64 " instructions (--max-insns)", retired);
}

static void say_why(struct sim *s, enum stop stop)
{
    const char *message = machine_message(s->machine);

    if (signals_timed_out() && stop == STOP_REQUEST)
        complain("stopped after %" PRIu64 " seconds (--timeout)", s->options.timeout);
    else if (stop == STOP_REQUEST)
        complain("stopped");
    else if (stop == STOP_LIMIT)
        say_limit(s);
    else
        complain("%s", message[0] ? message : ends[stop].reason);
    if (stop == STOP_TRAP_LOOP)
        stuck_tell(&s->stuck, stderr);
    for (unsigned i = 0; i < s->options.config.harts; i++)
        stuck_place(stderr, &s->image, s->machine, i);
}

/* A guest's exit code as a status: success stays success, failure failure. It is said, as some
 * codes could be ours, too. */
static int guest_status(struct sim *s)
{
    int code = machine_exit_code(s->machine);
    bool fits = code >= 0 && code <= 255;

    if (code && !s->options.quiet)
        complain("the guest ended the run with exit code %d%s", code,
                 fits ? "" : ", which does not fit in an exit status");
    return fits ? code : STATUS_LARGE;
}

static struct stats_end finish(struct sim *s, enum stop stop)
{
    struct stats_end end = {ends[stop].reason, ends[stop].status};

    if (stop == STOP_REQUEST && signals_timed_out())
        end = (struct stats_end){"timeout", STATUS_TIMEOUT};
    if (stop == STOP_EXIT) {
        end.status = guest_status(s);
        if (board_reset_requested(s->board) && !s->options.quiet)
            complain("the guest asked for a reset: a run is one boot, it ends here");
    } else if (!s->options.quiet) {
        say_why(s, stop);
    }
    return end;
}

static void close_output(struct sim *s, struct output *f, bool whole)
{
    const char *path = f->path;
    char err[256];

    if (!f->out || output_close(f, whole, err, sizeof err))
        return;
    complain("%s: %s", strcmp(path, "-") ? SHOWN_NAME(path) : "standard output", err);
    s->output_lost = true;
}

static void write_views(struct sim *s)
{
    if (!s->views)
        return;
    for (int i = 0; i < VIEW_KINDS; i++)
        if (s->view[i].out)
            close_output(s, &s->view[i], views_write(s->views, (enum view)i, s->view[i].out));
    if (!s->output_lost && views_left_out(s->views) && s->options.views.last == VIEW_LAST)
        complain("of the pipeline and the guests' stays the last %d are shown (--last 0: all)",
                 VIEW_LAST);
    if (!s->output_lost && views_unfollowed(s->views))
        complain("--perfetto: %" PRIu64 " virtual interrupts have no arrow: too many were waiting",
                 views_unfollowed(s->views));
}

/* What a symbol means depends on who runs now. */
static void tell_walk(struct sim *s)
{
    struct explain_walk walk;
    char err[256];

    if (!s->options.walk)
        return;
    errno = 0;
    if (!explain_walk_parse(&walk, s->machine, &s->image, s->options.walk, err, sizeof err)) {
        complain("--walk: %s", err);
        s->output_lost |= errno == ENOMEM;
    } else if (!explain_walk(stderr, s->machine, &walk))
        complain("--walk: no VM %u was entered", walk.at.vmid);
}

/* What was asked for and is known only now. */
static void tell_results(struct sim *s, const struct stats_source *source)
{
    const struct options *o = &s->options;

    fflush(s->console);
    if (o->explain && !explain_finish(s->explain))
        complain("--explain-exit: no such exit: there were %" PRIu64, explain_seen(s->explain));
    if (o->explain && !explain_complete(s->explain)) {
        complain("--explain-exit: out of memory: some stories are missing");
        s->output_lost = true;
    }
    tell_walk(s);
    if (o->registers)
        registers_table(stderr, s->machine);
    if (o->trace_on && !s->window.opened)
        complain("--trace-from %s: the run ended before", o->trace_from);
    if (o->switch_at && !source->switched_at)
        complain("--switch-at %s: the run ended before", o->switch_at);
    if (s->stale > STALE_SHOWN)
        complain("%" PRIu64 " uses of stale translations in all", s->stale);
}

static void write_statistics(struct sim *s, const struct stats_source *source,
                             const struct stats_end *end)
{
    const struct options *o = &s->options;

    if (s->stats.out)
        close_output(s, &s->stats, stats_json(s->stats.out, source, end));
    if (s->report.out)
        close_output(s, &s->report, stats_html(s->report.out, source, end));
    if (!o->summary)
        return;
    fflush(s->console);
    if (!stats_table(stderr, source, end)) {
        complain("--summary: out of memory");
        s->output_lost = true;
    }
    if (source->switched_at)
        fprintf(stderr, "%-40s %16" PRIu64 "\n", "instructions before the pipeline model",
                *source->switched_at);
    if (source->sampling)
        sampling_table(stderr, source->sampling, machine_stats(s->machine)->instret);
}

static void write_signature(struct sim *s)
{
    const struct options *o = &s->options;

    if (!s->signature.out)
        return;
    signature_write(s->signature.out, &s->signature_at, s->machine, (unsigned)o->signature_bytes);
    close_output(s, &s->signature, true);
}

/* The streams that are not ours stay open. */
static void close_console(struct sim *s)
{
    const struct options *o = &s->options;
    bool standard = s->console == stdout;
    const char *lost = terminal_lost(s->terminal), *unread = terminal_trouble(s->terminal);

    if (!standard && fclose(s->console) && !lost)
        lost = strerror(errno);
    if (lost)
        complain("%s could not be written completely: %s",
                 standard      ? "standard output"
                 : o->uart_out ? SHOWN_NAME(o->uart_out)
                               : "standard error",
                 lost);
    if (unread)
        complain("%s cannot be read: %s",
                 o->uart_in && strcmp(o->uart_in, "-") ? SHOWN_NAME(o->uart_in) : "standard input",
                 unread);
    s->output_lost |= lost || unread;
}

static int simulate(struct sim *s)
{
    struct stats_source source = {
        .machine = s->machine, .image = &s->image, .run = s->identity.run};
    struct stats_end end;

    signals_stop(s->machine, s->options.timeout);
    end = finish(s, run(s));
    signals_stop(NULL, 0);
    s->ops->statistics(s->model, &source);
    source.exits = s->exits;
    source.registers = s->options.registers;
    tell_results(s, &source);
    write_statistics(s, &source, &end);
    write_signature(s);
    write_views(s);
    close_output(s, &s->trace, true);
    close_console(s);
    if (fflush(stderr) || ferror(stderr))
        s->output_lost = true; /* and there is nowhere to say it */
    return s->output_lost ? STATUS_OUTPUT : end.status;
}

static void clean_up(struct sim *s)
{
    if (s->model)
        s->ops->destroy(s->model);
    terminal_close(s->terminal);
    for (int i = 0; i < VIEW_KINDS; i++)
        output_drop(&s->view[i]);
    output_drop(&s->stats);
    output_drop(&s->report);
    output_drop(&s->signature);
    output_drop(&s->trace);
    board_free(s->board);
    exits_free(s->exits);
    explain_free(s->explain);
    views_free(s->views);
    stuck_free(&s->stuck);
    run_identity_free(&s->identity);
    machine_free(s->machine);
    image_free(&s->image);
    options_free(&s->options);
}

static int print_config(struct options *o)
{
    const struct config c = {&o->config, &o->pipeline};

    config_file_print(&c, stdout);
    return 0;
}

/* A model apart is a program of its own, this command with the model in it: in a build tree and in
 * one that was moved it is found from here, else where it was to be installed. Comes back if it
 * cannot run. */
static int become(const char *program, char **argv)
{
    static const char *const places[] = {"", "../libexec/visa/", PKGLIBEXECDIR "/"};
    char self[4096], path[sizeof self + 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    const char *slash;

    /* SystemC's own pool takes malloc's memory for granted; it looks here before main. */
    setenv("SYSTEMC_MEMPOOL_DONT_USE", "1", 1);
    self[n > 0 ? n : 0] = 0;
    slash = strrchr(self, '/');
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        bool absolute = places[i][0] == '/';

        snprintf(path, sizeof path, "%.*s%s%s", absolute || !slash ? 0 : (int)(slash + 1 - self),
                 self, places[i], program);
        execv(path, argv);
    }
    complain("%s: the model cannot be run: %s", path, strerror(errno));
    return STATUS_USAGE;
}

static int build_and_run(struct sim *s, char **argv)
{
    int status;

    s->ops = model_of(&s->options);
    if (s->ops->program)
        return become(s->ops->program, argv);
    signals_catch();
    if (s->ops->on_no_memory)
        s->ops->on_no_memory(signals_no_memory);
    status = build(s);
    return status || !s->options.image ? status : simulate(s);
}

int main(int argc, char **argv)
{
    struct sim s = {0};
    char err[512];
    int status = 0;

    files_reserve();
    if (!options_parse(&s.options, argc, argv, err, sizeof err)) {
        complain("%s", err);
        status = STATUS_USAGE;
    } else if (s.options.help) {
        options_help();
    } else if (s.options.version) {
        puts("visa-sim " PACKAGE_VERSION);
    } else if (s.options.print_config) {
        status = print_config(&s.options);
    } else {
        status = build_and_run(&s, argv);
    }
    clean_up(&s);
    if (!s.output_lost && !files_printed("visa-sim") && !status)
        status = STATUS_OUTPUT;
    return status;
}
