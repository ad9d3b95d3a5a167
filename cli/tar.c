/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of 512 bytes: a header in octal text, then the file, filled up with zeros; two empty blocks end it (POSIX.1-1988, ustar). */
#include "tar.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 512 };

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

struct tar {
	int fd, error;
	time_t now;
};

struct tar *
tar_new(int fd, time_t now)
{
	struct tar *t = malloc(sizeof *t);

	if (!t) {
		close(fd);
		return NULL;
	}
	*t = (struct tar){.fd = fd, .now = now};
	return t;
}

static void
put(struct tar *t, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0 && !t->error) {
		ssize_t n = write(t->fd, p, len);
		if (n < 0 && errno != EINTR)
			t->error = errno;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

static void
fill_up(struct tar *t, size_t len)
{
	static const char zeros[BLOCK];
	if (len % BLOCK)
		put(t, zeros, BLOCK - len % BLOCK);
}

static void
octal(char *out, size_t cap, uint64_t v)
{
	out[cap - 1] = 0;
	for (size_t i = cap - 1; i-- > 0; v >>= 3)
		out[i] = (char)('0' + (v & 7));
}

void
tar_add(struct tar *t, const char *name, const void *data, size_t len)
{
	struct header h = {.type = '0'};
	unsigned sum = 0;

	memcpy(h.name, name, strnlen(name, sizeof h.name - 1));
	octal(h.mode, sizeof h.mode, 0600);
	octal(h.uid, sizeof h.uid, 0);
	octal(h.gid, sizeof h.gid, 0);
	octal(h.size, sizeof h.size, len);
	octal(h.mtime, sizeof h.mtime, (uint64_t)t->now);
	memcpy(h.magic, "ustar", sizeof h.magic);
	memset(h.version, '0', sizeof h.version);
	memset(h.checksum, ' ', sizeof h.checksum); /* counts as blanks */
	for (size_t i = 0; i < sizeof h; i++)
		sum += ((const unsigned char *)&h)[i];
	octal(h.checksum, sizeof h.checksum - 1, sum);
	put(t, &h, sizeof h);
	put(t, data, len);
	fill_up(t, len);
}

bool
tar_end(struct tar *t)
{
	static const char end[2 * BLOCK];

	put(t, end, sizeof end);
	if (close(t->fd) < 0 && !t->error)
		t->error = errno;
	int error = t->error;
	free(t);
	errno = error;
	return error == 0;
}
