// What the toolchain's Glibc module leaves out: getopt_long, three newer attributes of posix_spawn, pseudo-terminals.
#ifndef HEADWAY_CGLIBC_H
#define HEADWAY_CGLIBC_H

#include <getopt.h>
#include <spawn.h>
#include <stddef.h>

// Visible only with _GNU_SOURCE, which a module cannot define for the C library's own headers.
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);

extern int posix_openpt(int);
extern int grantpt(int);
extern int unlockpt(int);
extern int ptsname_r(int, char *, size_t);

static const short spawn_setsid = 0x80; // POSIX_SPAWN_SETSID

// getopt keeps its place in global variables, which Swift may not touch by name.
static inline void getopt_start_over(void) {
    optind = 0;
    opterr = 0;
}
static inline const char *getopt_value(void) { return optarg; }
static inline int getopt_place(void) { return optind; }
static inline int getopt_offender(void) { return optopt; }

#endif
