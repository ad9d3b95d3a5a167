/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processor time, memory and descriptors of this process; see usage.h. */
#include "usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ROUNDS = 4096 }; /* of 4 KiB of names each: more than a process may have open */

void
usage_open(struct usage *u)
{
	u->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	u->fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
usage_close(struct usage *u)
{
	if (u->statm >= 0)
		close(u->statm);
	if (u->fds >= 0)
		close(u->fds);
	u->statm = u->fds = -1;
}

uint64_t
usage_cpu_us(void)
{
	struct rusage r;

	if (getrusage(RUSAGE_SELF, &r) < 0)
		return 0;
	return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 + (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* proc(5): pages, of the whole and of what is resident. */
uint64_t
usage_rss_bytes(const struct usage *u)
{
	char text[128];
	unsigned long long size, resident;
	ssize_t n = u->statm < 0 ? -1 : pread(u->statm, text, sizeof text - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = 0;
	return sscanf(text, "%llu %llu", &size, &resident) == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint32_t
names_in(const char *buf, ssize_t len)
{
	uint32_t names = 0;

	for (ssize_t at = 0; at < len;) {
		const struct dirent64 *d = (const struct dirent64 *)(buf + at); /* aligned and whole: the kernel wrote it */
		names += d->d_name[0] != '.';
		at += d->d_reclen;
	}
	return names;
}

uint32_t
usage_fds(const struct usage *u)
{
	_Alignas(struct dirent64) char buf[4096];
	uint32_t names = 0;

	if (u->fds < 0 || lseek(u->fds, 0, SEEK_SET) < 0)
		return 0;
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = getdents64(u->fds, buf, sizeof buf);
		if (n <= 0)
			break;
		names += names_in(buf, n);
	}
	return names;
}
