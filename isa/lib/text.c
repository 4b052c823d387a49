/* Escaping (text.h). */
#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Bytes that the first one announces, and the least code point that needs so many. */
static size_t announced(unsigned char first, uint32_t *least)
{
    *least = first < 0x80 ? 0 : first < 0xe0 ? 0x80 : first < 0xf0 ? 0x800 : 0x10000;
    return first < 0x80   ? 1
           : first < 0xc0 ? 0
           : first < 0xe0 ? 2
           : first < 0xf0 ? 3
           : first < 0xf8 ? 4
                          : 0;
}

static int is_shown(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
        return 0;
    if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)) /* they turn lines round */
        return 0;
    return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

size_t text_character(const char *p)
{
    uint32_t least, c;
    size_t n = announced((unsigned char)*p, &least);

    c = (unsigned char)*p & (n > 1 ? 0x7fu >> n : 0x7fu);
    for (size_t i = 1; i < n; i++) { /* stops at the end of the text */
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | ((unsigned char)p[i] & 0x3f);
    }
    return n && c >= least && is_shown(c) ? n : 0;
}

size_t text_escape(char *to, size_t n, const char *from, const char *also)
{
    size_t used = 0;

    while (*from) {
        size_t bytes = text_character(from), room = n - used;

        if (bytes == 1 && strchr(also, *from))
            bytes = 0;
        if (room <= (bytes ? bytes : 4))
            break;
        if (bytes)
            memcpy(to + used, from, bytes);
        else
            snprintf(to + used, room, "\\x%02x", (unsigned char)*from);
        used += bytes ? bytes : 4;
        from += bytes ? bytes : 1;
    }
    if (n)
        to[used] = 0;
    return used;
}
