/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See versions.h. A file is one line, "lenscap-version 1 SEQ ID TIME UID BYTES CHECK\n", and the bundle's
 * bytes. CHECK tells damage, not forgery: who can write here is the daemon's own user.
 */
#include "versions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle.h"
#include "hash.h"
#include "log.h"
#include "place.h"

#define DIRECTORY "policies"
#define HEADER	  "lenscap-version 1 %" PRIu32 " %12[0-9a-f] %" PRId64 " %" PRIu32 " %zu %16[0-9a-f]%n"

enum {
	HEADER_MAX = 160,
	NAME = 16,
	FILE_MAX = 2 * BUNDLE_BYTES_MAX + BUNDLE_LISTS_BYTES_MAX, /* a bundle, its lists and the names in it */
	ENTRIES_MAX = 256,		 /* looked at in the directory */
};

/* ---- the order of things ---- */

bool
history_valid(const struct history *h)
{
	if (h->n > VERSIONS_MAX || (h->n ? h->at >= h->n : h->at != 0))
		return false;
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].seq == 0 || (i && h->v[i].seq <= h->v[i - 1].seq) ||
		    strnlen(h->v[i].id, VERSION_ID) != 12)
			return false;
	return true;
}

void
history_settle(struct history *h)
{
	if (h->n)
		h->n = h->at + 1;
}

void
history_drop(struct history *h, size_t i)
{
	memmove(&h->v[i], &h->v[i + 1], (--h->n - i) * sizeof h->v[0]);
	h->at -= i < h->at;
}

void
history_push(struct history *h, const struct version *v)
{
	history_settle(h);
	if (h->n == VERSIONS_MAX)
		history_drop(h, 0);
	h->at = h->n;
	h->v[h->n++] = *v;
}

bool
history_undone(const struct history *h, const char *id)
{
	if (h->n == 0 || strcmp(h->v[h->at].id, id) == 0)
		return false;
	for (size_t i = h->at + 1; i < h->n; i++)
		if (strcmp(h->v[i].id, id) == 0)
			return true;
	return false;
}

uint32_t
history_next(const struct history *h)
{
	return h->n ? h->v[h->n - 1].seq + 1 : 1;
}

/* ---- the files ---- */

int
versions_open(int state_fd, const char *state_dir)
{
	(void)mkdirat(state_fd, DIRECTORY, 0700);
	int fd = openat(state_fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		log_warn("%s/" DIRECTORY ": cannot be used; policies are not kept and cannot be undone", state_dir);
	return fd;
}

static void
name_of(uint32_t seq, char out[NAME])
{
	snprintf(out, NAME, "%" PRIu32, seq);
}

static uint64_t
check_of(const char *data, size_t len)
{
	static const struct hash_key key = {0x706f6c6963696573u, 0x76657273696f6e73u};
	return hash_bytes(&key, data, len);
}

/* The whole of a descriptor, from its start, wherever its position is. NULL: logged. */
static char *
read_whole(int fd, const char *what, size_t *ret_len)
{
	struct stat st;
	size_t len = 0;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 0 || st.st_size > FILE_MAX) {
		log_warnx("%s: no file of a sensible size", what);
		return NULL;
	}
	char *data = malloc((size_t)st.st_size + 1);
	while (data && len < (size_t)st.st_size) {
		ssize_t n = pread(fd, data + len, (size_t)st.st_size - len, (off_t)len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (!data || len != (size_t)st.st_size) {
		log_warn("%s: cannot be read", what);
		free(data);
		return NULL;
	}
	data[len] = '\0';
	*ret_len = len;
	return data;
}

int
versions_save(int dir, const struct version *v, int bundle_fd)
{
	char name[NAME], header[HEADER_MAX];
	size_t len;
	char *data = dir >= 0 ? read_whole(bundle_fd, "the policy in force", &len) : NULL;

	if (!data)
		return -1;
	name_of(v->seq, name);
	int n = snprintf(header, sizeof header,
			 "lenscap-version 1 %" PRIu32 " %s %" PRId64 " %" PRIu32 " %zu %016" PRIx64 "\n", v->seq,
			 v->id, v->time_s, v->uid, len, check_of(data, len));
	struct place_part parts[] = {{header, (size_t)n}, {data, len}};
	int rc = place_write(dir, name, parts, 2);
	if (rc < 0)
		log_warn(DIRECTORY "/%s: cannot keep policy %s", name, v->id);
	free(data);
	return rc;
}

/* The file's bytes, checked; *ret_at is where the bundle begins. NULL: logged, unless there is no such file. */
static char *
read_version(int dir, uint32_t seq, struct version *ret, size_t *ret_at, size_t *ret_len)
{
	char name[NAME], what[NAME + sizeof DIRECTORY + 1], check[17], right[17];
	struct version v = {0};
	size_t len, bytes;
	int at = 0;

	name_of(seq, name);
	snprintf(what, sizeof what, DIRECTORY "/%s", name);
	int fd = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		if (dir >= 0 && errno != ENOENT)
			log_warn("%s: cannot be opened", what);
		return NULL;
	}
	char *data = read_whole(fd, what, &len);
	close(fd);
	if (!data)
		return NULL;
	bool ok = sscanf(data, HEADER, &v.seq, v.id, &v.time_s, &v.uid, &bytes, check, &at) == 6 && data[at] == '\n' &&
		  at < HEADER_MAX && v.seq == seq && strlen(v.id) == 12 && bytes == len - (size_t)at - 1;
	if (ok)
		snprintf(right, sizeof right, "%016" PRIx64, check_of(data + at + 1, bytes));
	if (!ok || strcmp(check, right) != 0) {
		log_warnx("%s: damaged; left out", what);
		free(data);
		return NULL;
	}
	*ret = v;
	*ret_at = (size_t)at + 1;
	*ret_len = bytes;
	return data;
}

static int
memory_file(const char *data, size_t len)
{
	int fd = memfd_create("policy", MFD_CLOEXEC);

	for (size_t off = 0; fd >= 0 && off < len;) {
		ssize_t n = write(fd, data + off, len - off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return -1;
		}
		off += (size_t)n;
	}
	return fd;
}

int
versions_load(int dir, const struct version *v)
{
	struct version found;
	size_t at, len;
	char *data = read_version(dir, v->seq, &found, &at, &len);
	int fd = -1;

	if (!data) {
		log_warnx(DIRECTORY "/%" PRIu32 ": policy %s cannot be read", v->seq, v->id);
		return -1;
	}
	if (strcmp(found.id, v->id) != 0)
		log_warnx(DIRECTORY "/%" PRIu32 ": holds policy %s and not %s; left out", v->seq, found.id, v->id);
	else if ((fd = memory_file(data + at, len)) < 0)
		log_warn("policy %s: no memory file", v->id);
	free(data);
	return fd;
}

bool
versions_describe(int dir, uint32_t seq, struct version *ret)
{
	size_t at, len;
	char *data = read_version(dir, seq, ret, &at, &len);

	free(data);
	return data != NULL;
}

/* A file's number; 0: no name of ours. */
static uint32_t
seq_of(const char *name)
{
	char *end, again[NAME];
	unsigned long n = name[0] >= '1' && name[0] <= '9' ? strtoul(name, &end, 10) : 0;

	if (n == 0 || *end || n >= UINT32_MAX)
		return 0;
	name_of((uint32_t)n, again);
	return strcmp(again, name) == 0 ? (uint32_t)n : 0;
}

static int
descending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x < y) - (x > y);
}

/* Numbers of the files, the highest first. */
static size_t
list(int dir, uint32_t seqs[ENTRIES_MAX])
{
	int fd = dir < 0 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (struct dirent *e; n < ENTRIES_MAX && (e = readdir(d));)
		if ((seqs[n] = seq_of(e->d_name)) != 0)
			n++;
	closedir(d);
	qsort(seqs, n, sizeof *seqs, descending);
	return n;
}

void
versions_scan(int dir, struct history *ret)
{
	uint32_t seqs[ENTRIES_MAX];
	size_t n = list(dir, seqs);
	struct history h = {0};

	for (size_t i = 0; i < n && h.n < VERSIONS_MAX; i++)
		h.n += versions_describe(dir, seqs[i], &h.v[VERSIONS_MAX - 1 - h.n]);
	memmove(h.v, h.v + VERSIONS_MAX - h.n, h.n * sizeof h.v[0]);
	h.at = h.n ? h.n - 1 : 0;
	*ret = h;
}

void
versions_keep(int dir, const struct history *h)
{
	uint32_t seqs[ENTRIES_MAX];
	char name[NAME];
	size_t n = list(dir, seqs);

	for (size_t i = 0; i < n; i++) {
		bool wanted = false;
		for (size_t k = 0; k < h->n; k++)
			wanted |= h->v[k].seq == seqs[i];
		name_of(seqs[i], name);
		if (!wanted && unlinkat(dir, name, 0) < 0)
			log_warn(DIRECTORY "/%s: cannot be removed", name);
	}
}

int
versions_copy(int fd)
{
	size_t len;
	char *data = read_whole(fd, "the policy in force", &len);
	int copy = data ? memory_file(data, len) : -1;

	free(data);
	return copy;
}
