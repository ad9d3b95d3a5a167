/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory in memory for the files that a target's code reads and writes; it goes with the process. */
#ifndef LENSCAP_FUZZ_SCRATCH_H
#define LENSCAP_FUZZ_SCRATCH_H

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[] = "/dev/shm/lenscap-fuzz-XXXXXX";

static int
scratch_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void
scratch_remove(void)
{
	(void)nftw(scratch_dir, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Its descriptor; made once. */
static inline int
scratch_open(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	if (access("/dev/shm", W_OK) < 0)
		memcpy(scratch_dir, "/var/tmp", 8);
	assert(mkdtemp(scratch_dir));
	atexit(scratch_remove);
	fd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(fd >= 0);
	return fd;
}

static inline void
scratch_write(int dir, const char *name, const void *data, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

/* The file's bytes, to free; NULL: there is none. */
static inline char *
scratch_read(int dir, const char *name, size_t *ret_len)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char *data = NULL;

	*ret_len = 0;
	if (fd < 0)
		return NULL;
	assert(fstat(fd, &st) == 0 && (data = calloc(1, (size_t)st.st_size + 1)) && read(fd, data, (size_t)st.st_size) == st.st_size);
	*ret_len = (size_t)st.st_size;
	close(fd);
	return data;
}

static inline int
scratch_memory(const void *data, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert(fd >= 0 && (len == 0 || write(fd, data, len) == (ssize_t)len) && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

#endif
