/* Files that appear complete or not at all. */
#define _POSIX_C_SOURCE 200809L

#include "as.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool outfile_open(struct as *as, struct outfile *f, const char *name)
{
    struct stat st;

    f->name = name;
    f->direct = stat(name, &st) == 0 && !S_ISREG(st.st_mode);
    if (f->direct && S_ISDIR(st.st_mode)) {
        error_at(as, (struct loc){0}, "cannot write '%s': %s", SHOWN_NAME(name), strerror(EISDIR));
        return false;
    }
    if (f->direct) {
        /* A device or a pipe cannot be replaced: the file is made elsewhere and copied. */
        FILE *unnamed = tmpfile();

        f->temporary = NULL;
        f->fd = unnamed ? dup(fileno(unnamed)) : -1;
        if (unnamed)
            fclose(unnamed);
    } else {
        f->fd = files_temporary(name, &f->temporary);
    }
    if (f->fd >= 0)
        return true;
    error_at(as, (struct loc){0}, "cannot write '%s': %s", SHOWN_NAME(name), strerror(errno));
    return false;
}

static bool copy_into(int from, const char *name)
{
    char block[65536];
    int to = open(name, O_WRONLY);
    ssize_t n = -1;

    if (to < 0 || lseek(from, 0, SEEK_SET) != 0)
        return false;
    while ((n = read(from, block, sizeof block)) > 0)
        if (write(to, block, (size_t)n) != n) {
            n = -1;
            break;
        }
    return close(to) == 0 && n == 0;
}

static void finish(struct outfile *f, bool committed)
{
    close(f->fd);
    if (!f->temporary)
        return;
    if (!committed)
        unlink(f->temporary);
    files_settled(f->temporary);
    free(f->temporary);
    f->temporary = NULL;
}

bool outfile_commit(struct as *as, struct outfile *f, bool executable)
{
    mode_t mask = umask(0);
    bool ok;

    umask(mask);
    if (f->direct)
        ok = copy_into(f->fd, f->name);
    else
        ok = fchmod(f->fd, (executable ? 0777 : 0666) & ~mask) == 0 &&
             rename(f->temporary, f->name) == 0;
    if (!ok)
        error_at(as, (struct loc){0}, "cannot write '%s': %s", SHOWN_NAME(f->name),
                 strerror(errno));
    finish(f, ok);
    return ok;
}

void outfile_drop(struct outfile *f)
{
    finish(f, false);
}
