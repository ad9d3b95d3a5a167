/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The EVE file: appended to, rotated by rename, never truncated. Log shippers tell files apart by their first bytes, so a new
 * one starts with a record that no other file has. A FIFO or a device in its place works too.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sink_kind.h"

enum {
	FILE_MODE = 0640,
	/* Not waiting for a FIFO's reader, never a controlling terminal. Regular files ignore O_NONBLOCK. */
	OPEN_FLAGS = O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
};

/* Only a file that we make gets our mode: an umask must not hide it from the group that reads it. */
static int
open_path(const char *path)
{
	int fd = open(path, OPEN_FLAGS | O_CREAT | O_EXCL, FILE_MODE);

	if (fd < 0)
		return errno == EEXIST ? open(path, OPEN_FLAGS) : -1;
	(void)fchmod(fd, FILE_MODE); /* our own file: only a file system without modes refuses */
	return fd;
}

/* False when the last byte is known and is not '\n': a full disk or a crash has left a torn line. */
static bool
ends_whole(const char *path, const struct stat *st)
{
	struct stat same;
	char last = '\n';
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return true;
	if (fstat(fd, &same) == 0 && same.st_dev == st->st_dev && same.st_ino == st->st_ino &&
	    pread(fd, &last, 1, st->st_size - 1) != 1)
		last = '\n';
	close(fd);
	return last == '\n';
}

static void
prepare_preface(struct sink *s, const struct stat *st)
{
	s->preface_state = PREFACE_NONE;
	s->preface_len = s->preface_sent = 0;
	if (!S_ISREG(st->st_mode))
		return;
	if (st->st_size == 0 && s->wants_first)
		s->preface_state = PREFACE_WANTED;
	if (st->st_size > 0 && !ends_whole(s->path, st)) {
		s->preface[0] = '\n';
		s->preface_len = 1;
	}
}

static int
eve_open(struct sink *s)
{
	struct stat st;
	int fd = open_path(s->path);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0) {
		close(fd);
		return -1;
	}
	s->fd = fd;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->mode = st.st_mode;
	prepare_preface(s, &st);
	return 0;
}

static ssize_t
write_file(const struct sink *s, struct iovec *iov, int n)
{
	return writev(s->fd, iov, n);
}

static ssize_t
eve_push(struct sink *s)
{
	return stream_push(s, write_file);
}

static bool
eve_moved(const struct sink *s)
{
	struct stat st;

	if (stat(s->path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	return st.st_dev != s->dev || st.st_ino != s->ino;
}

static void
eve_close(struct sink *s)
{
	stream_finish(s, write_file);
	lane_restart(s->lane);
	close(s->fd);
	s->fd = -1;
}

const struct sink_kind sink_eve = {
	.name = "eve",
	.default_path = "",
	.pollable = true,
	.open = eve_open,
	.push = eve_push,
	.moved = eve_moved,
	.close = eve_close,
};
