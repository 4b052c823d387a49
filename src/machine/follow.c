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
    return a->port == b->port && a->write == b->write && a->pa == b->pa && a->width == b->width &&
           (!a->write || a->value == b->value);
}

static bool answer(struct follower *f, const struct device_access *wanted, uint64_t *value)
{
    if (!f->accessed || !same(wanted, &f->access)) {
        f->differs = true;
        f->wanted = *wanted;
        return false;
    }
    if (!wanted->write)
        *value = f->access.value;
    return !f->access.refused;
}

static bool device(void *user, unsigned hart, bool write, uint64_t pa, unsigned width,
                   uint64_t *value)
{
    (void)hart;
    return answer(user,
                  &(struct device_access){
                      .write = write, .pa = pa, .width = width, .value = write ? *value : 0},
                  value);
}

static bool port(void *user, unsigned hart, bool write, uint64_t pa, unsigned width,
                 uint64_t *value)
{
    (void)hart;
    return answer(
        user,
        &(struct device_access){
            .port = true, .write = write, .pa = pa, .width = width, .value = write ? *value : 0},
        value);
}

void follow(struct machine *m, struct follower *f)
{
    machine_drive(m, &(struct driver){f, ticks, interrupt, device, port});
}
