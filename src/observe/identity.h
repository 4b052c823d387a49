/* What a run was, as its results tell it: the object "run" of visa-sim --stats, whose keys are in
 * visa-sim(1). It is made once (run_identity.h); JSON has it as it is, everything else as words.
 *
 * The same image and options give the same bytes: there are no paths in it, no dates, and no
 * options that only ask for results. A run that does not say what it was is NULL, or is told as far
 * as it can be read. */
#ifndef VISA_IDENTITY_H
#define VISA_IDENTITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* A text of any bytes, as JSON, which is UTF-8; NULL if memory ran out. */
json_t *identity_string(const char *text);

/* Name and hash of the image, "tour.elf (sha256 0123456789ab)"; "" if it is not told. */
const char *identity_image(const json_t *run, char *text, size_t n);

/* Lines of a comment that begin with the prefix: all that is known of the run, and which part of it
 * the file shows (NULL: all). False if memory ran out. */
bool identity_head(FILE *out, const json_t *run, const json_t *shown, const char *prefix);

/* The same as members of a JSON object: "run" and, if there is something in it, "shown".
 * False if memory ran out. */
bool identity_json(FILE *out, const json_t *run, const json_t *shown);

/* The run as an object of texts by name, in order: image, model, ..., settings. NULL if memory ran
 * out. */
json_t *identity_table(const json_t *run);

/* What differs between two runs, a line each: "tlb.l2: 128 -> 64". False if memory ran out. */
bool identity_compare(FILE *out, const json_t *before, const json_t *after);

#endif
