/* The files of visa-sim's command line: the image, what is loaded beside it, symbols of guests. */
#ifndef VISA_IMAGES_H
#define VISA_IMAGES_H

#include <stdbool.h>
#include <stddef.h>

struct image;
struct machine;
struct options;

/* Loads all of them in their order. False with the reason in err. */
bool images_load(struct image *im, struct machine *m, const struct options *o, char *err, size_t n);

#endif
