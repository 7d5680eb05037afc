#ifndef CDASHBOARD_H
#define CDASHBOARD_H

#include <stddef.h>

/// A file that is part of the program; its bytes live as long as the process.
struct CDashboardFile {
    /// As in Sources/Dashboard/Assets, NUL-terminated.
    const char *name;
    const unsigned char *bytes;
    size_t count;
};

/// The table of all files; how many there are is stored in `count`.
const struct CDashboardFile *cdashboard_files(size_t *count);

#endif
