/* Files of a command: which are the same, and new ones that are whole or not there at all. */
#ifndef ASM_FILES_H
#define ASM_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Standard input, output and error are there from now on: what was closed gives errors, and no
 * file that is opened later gets its number. A write over the limit of files' size fails and does not
 * kill. First of all in main. */
void files_reserve(void);

/* Do both names mean one file, which then cannot have two contents? Also of files that are yet to
 * be made. Devices such as a terminal or /dev/null can be named twice. */
bool files_same(const char *a, const char *b);
/* Does the name mean the file that standard output goes to? */
bool files_same_as_stdout(const char *path);

/* A name for a message: the end of a long one, so that the reason behind it is not cut off. */
struct shown_name {
    char text[256];
};
const char *files_shown(const char *name, struct shown_name *room);
#define SHOWN_NAME(name) files_shown(name, &(struct shown_name){""})

/* What was printed reached standard output and error; if not, it is said as far as it can be. */
bool files_printed(const char *program);

/* A new file beside `target`, open and empty, to be renamed to it: its descriptor, and its name in
 * *name (to be freed). -1 with errno if there can be none. The name is removed by files_abandon
 * until files_settled says that it is done with. */
int files_temporary(const char *target, char **name);
void files_settled(const char *name);

/* A file that is written under another name until it is whole. What is no ordinary file, and
 * standard output ("-"), is written where it is. */
struct output {
    const char *path; /* as named */
    char *target;     /* what is replaced: behind links, too */
    char *temporary;  /* NULL: none */
    FILE *out;        /* NULL: not open */
    int lost;         /* errno of a write that failed, if somebody looked; 0 */
};

/* False with the reason in err, behind the name. */
bool output_open(struct output *o, const char *path, char *err, size_t n);
/* Renames it to what it is, if it is `whole` and could be written; else the old file stays. */
bool output_close(struct output *o, bool whole, char *err, size_t n);
/* As if it had never been; nothing happens if it is not open. */
void output_drop(struct output *o);

/* Removes what is not whole. May be called by a signal's handler. */
void files_abandon(void);
/* For commands without signals of their own: dies of them, but leaves nothing behind. */
void files_abandon_on_signals(void);

#endif
