/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a tar file (POSIX.1-1988 ustar) of plain files that are in memory. */
#ifndef LENSCAP_TAR_H
#define LENSCAP_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct tar;

/* fd becomes the tar's. now: the time that every file gets. NULL when memory is short; then fd is closed. */
struct tar *tar_new(int fd, time_t now);
/* name: below 100 bytes, relative. */
void tar_add(struct tar *t, const char *name, const void *data, size_t len);
/* Writes the end and frees. False: something could not be written, errno says what. */
bool tar_end(struct tar *t);

#endif
