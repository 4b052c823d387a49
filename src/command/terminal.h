/* The console of the command line: output to a stream, and input from the terminal, a
 * file or nowhere. */
#ifndef VISA_TERMINAL_H
#define VISA_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "devices/console.h"

struct machine;
struct terminal;

/* input: a file's name, "-" for standard input, NULL for standard input if that is a
 * terminal and nothing if not. A terminal is put into raw mode until terminal_close:
 * Ctrl-A x stops the machine, Ctrl-A Ctrl-A is one Ctrl-A. In the background it is left as it
 * is, and there is no input. A file or pipe is read as the guest asks for it and waited for, so
 * that runs repeat. What the guest prints goes to output, which stays the caller's. NULL with the
 * reason in err. */
struct terminal *terminal_open(const char *input, FILE *output, char *err, size_t n);
void terminal_close(struct terminal *t);
/* Undoes the raw mode that any terminal is in. May be called by a signal's handler. */
void terminal_restore(void);
/* What went wrong with the input, NULL: nothing; and with the output, which is flushed. */
const char *terminal_trouble(const struct terminal *t);
const char *terminal_lost(struct terminal *t);

struct console terminal_console(struct terminal *t);

/* Whom Ctrl-A x stops. */
void terminal_controls(struct terminal *t, struct machine *m);

/* Is it a terminal that somebody may still type at? Then waits up to ms milliseconds
 * for that and tells whether to go on. */
bool terminal_live(const struct terminal *t);
bool terminal_wait(struct terminal *t, int ms);

#endif
