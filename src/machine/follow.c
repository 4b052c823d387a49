/* Following another model (follow.h). */
#include "follow.h"

static uint64_t ticks(void *user, unsigned hart)
{
    const struct follower *f = user;

    (void)hart;
    return f->ticks;
}

static bool interrupt(void *user, unsigned hart)
{
    const struct follower *f = user;

    (void)hart;
    return f->interrupted;
}

static bool same(const struct device_access *a, const struct device_access *b)
{
    return a->write == b->write && a->pa == b->pa && a->width == b->width &&
           (!a->write || a->value == b->value);
}

static bool device(void *user, unsigned hart, bool write, uint64_t pa, unsigned width,
                   uint64_t *value)
{
    struct follower *f = user;
    const struct device_access wanted = {write, pa, width, write ? *value : 0, false};

    (void)hart;
    if (!f->accessed || !same(&wanted, &f->access)) {
        f->differs = true;
        f->wanted = wanted;
        return false;
    }
    if (!write)
        *value = f->access.value;
    return !f->access.refused;
}

void follow(struct machine *m, struct follower *f)
{
    machine_drive(m, &(struct driver){f, ticks, interrupt, device});
}
