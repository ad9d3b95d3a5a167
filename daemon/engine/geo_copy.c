/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The private copy of a database file.
 *
 * Both libraries map the file, and a mapped file that somebody truncates or overwrites in place kills us with SIGBUS or
 * changes between a check and its use. So what they get is a file without a name that only we hold: in copy_dir, or in memory,
 * then sealed.
 */
#include "geo_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_CHUNK = 64 * 1024 };

static const uint64_t copy_max = (uint64_t)2 << 30; /* libmaxminddb counts a file in 32 bits; the largest on sale is 1 GB */

/* O_NONBLOCK: a fifo must not hang us before we see what it is. */
static int
open_source(const char *path, struct stat *ret_stat, char *problem)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *what = NULL;

	if (fd < 0 || fstat(fd, ret_stat) != 0) {
		int error = errno;
		snprintf(problem, GEO_PROBLEM_TEXT, "cannot be opened: %s", strerror(error));
		if (fd >= 0)
			close(fd);
		errno = error;
		return -1;
	}
	if (!S_ISREG(ret_stat->st_mode))
		what = "is not a regular file";
	else if (ret_stat->st_size == 0)
		what = "is empty";
	else if ((uint64_t)ret_stat->st_size > copy_max)
		what = "is larger than 2 GiB";
	if (!what)
		return fd;
	snprintf(problem, GEO_PROBLEM_TEXT, "%s", what);
	close(fd);
	errno = EINVAL;
	return -1;
}

/* *ret_memory: it can be sealed. Not every file system has files without names; where it has not, memory will do. */
static int
open_target(const char *copy_dir, bool *ret_memory)
{
	*ret_memory = false;
	if (copy_dir) {
		/* O_EXCL: nobody can give it a name later. */
		int fd = open(copy_dir, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
		if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
			return fd;
	}
	*ret_memory = true;
	return memfd_create("lenscap-geo", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

static int
write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Returns the bytes copied, which are fewer than size when the source has become shorter; -1 with errno. */
static int64_t
copy_bytes(int from, int to, uint64_t size)
{
	uint8_t chunk[COPY_CHUNK];
	uint64_t done = 0;
	ssize_t n;

	/* On one file system the kernel may share the blocks. Where it cannot copy at all it says so before the first byte. */
	while (done < size && (n = copy_file_range(from, NULL, to, NULL, size - done, 0)) > 0)
		done += (uint64_t)n;
	while (done < size) {
		n = read(from, chunk, size - done < sizeof chunk ? size - done : sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (n > 0 && write_all(to, chunk, (size_t)n) != 0))
			return -1;
		if (n == 0)
			break;
		done += (uint64_t)n;
	}
	return (int64_t)done;
}

static struct geo_identity
identity_of(const struct stat *st)
{
	return (struct geo_identity){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.changed_s = st->st_ctim.tv_sec,
		.changed_ns = st->st_ctim.tv_nsec,
	};
}

bool
geo_identify(const char *path, struct geo_identity *ret_identity)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	*ret_identity = identity_of(&st);
	return true;
}

/* Somebody wrote to it while we read: what we have is a mixture. */
static bool
changed(int fd, const struct stat *before)
{
	struct stat now;

	return fstat(fd, &now) != 0 || now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

int
geo_copy(const char *path, const char *copy_dir, struct geo_identity *ret_identity, char *problem)
{
	struct stat st;
	int from = open_source(path, &st, problem);

	if (from < 0)
		return -1;
	bool memory;
	int to = open_target(copy_dir, &memory);
	if (to < 0) {
		snprintf(problem, GEO_PROBLEM_TEXT, "cannot be copied to %.100s: %s", copy_dir ? copy_dir : "memory", strerror(errno));
		goto close_source;
	}
	int64_t n = copy_bytes(from, to, (uint64_t)st.st_size);
	if (n < 0) {
		snprintf(problem, GEO_PROBLEM_TEXT, "cannot be copied: %s", strerror(errno));
		goto close_target;
	}
	if (n != st.st_size || changed(from, &st)) {
		snprintf(problem, GEO_PROBLEM_TEXT, "changed while it was read; replace it by rename, then reload");
		goto close_target;
	}
	if (memory && fcntl(to, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
		snprintf(problem, GEO_PROBLEM_TEXT, "its copy in memory cannot be sealed: %s", strerror(errno));
		goto close_target;
	}
	close(from);
	*ret_identity = identity_of(&st);
	return to;

close_target:
	close(to);
close_source:
	close(from);
	errno = EIO;
	return -1;
}
