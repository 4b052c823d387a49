/* Signals of visa-sim (signals.h). */
#define _POSIX_C_SOURCE 200809L

#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "files.h"
#include "machine/machine.h"
#include "options.h"
#include "terminal.h"

static struct machine *volatile machine;
static volatile sig_atomic_t timed_out, interrupted;

static void leave_nothing(void)
{
    terminal_restore();
    files_abandon();
}

/* Another process's SIGALRM is no timeout. */
static void on_end(int number, siginfo_t *info, void *context)
{
    bool ours = number == SIGALRM && info->si_code != SI_USER && info->si_code != SI_QUEUE;

    (void)context;
    if (ours) {
        timed_out = 1;
    } else if (interrupted) {
        leave_nothing();
        _exit(STATUS_STOPPED);
    } else {
        interrupted = 1;
    }
    if (machine)
        machine_stop(machine);
}

static void on_crash(int number)
{
    leave_nothing();
    raise(number); /* its handler is the default one again */
}

void signals_no_memory(void)
{
    fflush(NULL); /* what the guest printed comes first */
    leave_nothing();
    fputs("visa-sim: out of memory\n", stderr);
    _exit(STATUS_USAGE);
}

void signals_catch(void)
{
    static const int ends[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,   SIGALRM,
                               SIGUSR1, SIGUSR2, SIGXCPU, SIGVTALRM, SIGPROF};
    static const int crashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS};
    struct sigaction now, end = {.sa_sigaction = on_end, .sa_flags = SA_SIGINFO | SA_RESTART},
                          crash = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND},
                          ignore = {.sa_handler = SIG_IGN};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends[i] != SIGHUP || (sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler != SIG_IGN))
            sigaction(ends[i], &end, NULL); /* nohup means it */
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        if (sigaction(crashes[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            sigaction(crashes[i], &crash, NULL); /* a sanitizer has one of its own */
    sigaction(SIGPIPE, &ignore, NULL);           /* a write that fails */
}

void signals_stop(struct machine *m, uint64_t timeout)
{
    machine = m;
    if (m && timeout)
        alarm(timeout > 1000000000 ? 1000000000u : (unsigned)timeout);
    if (m && interrupted)
        machine_stop(m);
}

bool signals_interrupted(void)
{
    return interrupted;
}

bool signals_timed_out(void)
{
    return timed_out;
}
