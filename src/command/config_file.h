/* Configuration files: visa-config(5). Read by libconfig, where it is found (HAVE_LIBCONFIG). */
#ifndef VISA_CONFIG_FILE_H
#define VISA_CONFIG_FILE_H

#include <stdio.h>

#include "config/config.h"

/* Sets what the file says. False with the reason and its place in err. */
bool config_file_read(const struct config *c, const char *path, char *err, size_t n);
/* Writes all settings as a file that config_file_read reads back. */
void config_file_print(const struct config *c, FILE *out);

#endif
