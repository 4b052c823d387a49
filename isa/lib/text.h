/* Text that others wrote, such as names in a file, for terminals and files of lines. */
#ifndef VISA_TEXT_H
#define VISA_TEXT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the character of UTF-8 at p; 0 if there is none, or one that controls a terminal
 * or ends a line. */
size_t text_character(const char *p);

/* As much of `from` as fits into n bytes, characters whole: bytes that are of no such character,
 * and those in `also`, become \xNN. Returns its length. */
size_t text_escape(char *to, size_t n, const char *from, const char *also);

#ifdef __cplusplus
}
#endif

#endif
