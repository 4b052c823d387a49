/* The pipeline model for programs in C (pipeline.h). */
#include "timing/pipeline.h"

#include <cstdio>
#include <cstdlib>
#include <new>

#include "config/config.h"
#include "soc.h"

struct pipeline {
    std::unique_ptr<visa::soc> top;
};

/* SystemC's library has a main of its own that calls this; programs that have one come first. */
__attribute__((weak)) int sc_main(int, char *[])
{
    return 0;
}

extern "C" {

struct pipeline *pipeline_new(struct machine *m, const struct pipeline_config *c, char *err,
                              size_t n)
{
    if (!config_check_pipeline(c, err, n))
        return nullptr;
    setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    try {
        pipeline *p = new pipeline();

        p->top = std::make_unique<visa::soc>("soc", m, *c);
        return p;
    } catch (const std::exception &e) {
        snprintf(err, n, "SystemC: %s", e.what());
        return nullptr;
    }
}

void pipeline_on_no_memory(void (*fn)(void))
{
    std::set_new_handler(fn);
}

void pipeline_free(struct pipeline *p)
{
    delete p;
}

void pipeline_attach(struct pipeline *p, bool on)
{
    p->top->attach(on);
}

enum stop pipeline_run(struct pipeline *p, uint64_t limit)
{
    return p->top->run(limit);
}

void pipeline_listen(struct pipeline *p, pipeline_fn *fn, void *user)
{
    p->top->listen(fn, user);
}

const struct pipeline_stats *pipeline_stats(struct pipeline *p)
{
    return &p->top->stats();
}
}
