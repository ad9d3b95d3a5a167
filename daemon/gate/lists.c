/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See lists.h. What a file looked like is noted before it is read, so that a change during the reading is not missed. A name that the policy
 * before did not have could not be noted then: if it was written since reading began, that counts as a change.
 */
#include "lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle.h"

enum {
	NAME_BYTES = 4096,
	HEADER_BYTES = 64, /* "l NAMELEN TEXTLEN\n" */
	ID_BYTES = 16,
	TIMES_NS = 10000000, /* times of files are those of the last tick of the kernel's clock */
};

struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified, changed;
	bool there;
};

struct watched {
	char *name;
	struct stamp seen;
};

struct lists {
	struct watched *list;
	unsigned n;
	char id[ID_BYTES];
	int64_t begun_ns;
	bool dirty;
	uint64_t moved_ns, looked_ns; /* the last change, the last look */
};

struct lists *
lists_new(void)
{
	return calloc(1, sizeof(struct lists));
}

static void
forget(struct watched *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(list[i].name);
	free(list);
}

void
lists_free(struct lists *l)
{
	if (!l)
		return;
	forget(l->list, l->n);
	free(l);
}

unsigned
lists_count(const struct lists *l)
{
	return l->n;
}

/* A file that cannot be looked at is one that is not there. */
static struct stamp
look_at(const char *name)
{
	struct stat st;
	if (stat(name, &st) < 0)
		return (struct stamp){.there = false};
	return (struct stamp){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim, true};
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
same(const struct stamp *a, const struct stamp *b)
{
	return a->there == b->there && a->dev == b->dev && a->ino == b->ino && a->size == b->size && same_time(&a->modified, &b->modified) &&
	       same_time(&a->changed, &b->changed);
}

void
lists_begin(struct lists *l, int64_t wall_ns)
{
	for (unsigned i = 0; i < l->n; i++)
		l->list[i].seen = look_at(l->list[i].name);
	l->dirty = false;
	l->begun_ns = wall_ns - TIMES_NS;
}

static const struct watched *
find(const struct lists *l, const char *name)
{
	for (unsigned i = 0; i < l->n; i++)
		if (strcmp(l->list[i].name, name) == 0)
			return &l->list[i];
	return NULL;
}

static void
take(struct lists *l, struct watched *ret, char *name)
{
	const struct watched *known = find(l, name);
	*ret = (struct watched){name, known ? known->seen : look_at(name)};
	if (!known && (int64_t)ret->seen.changed.tv_sec * 1000000000 + ret->seen.changed.tv_nsec >= l->begun_ns)
		l->dirty = true;
}

/* The header of the file at this place; *at moves to its name. False: there is none, or it makes no sense. */
static bool
read_header(int fd, off_t *at, char *ret_kind, size_t *ret_name, size_t *ret_text)
{
	char text[HEADER_BYTES + 1];
	int used = 0;
	ssize_t n = pread(fd, text, HEADER_BYTES, *at);
	if (n <= 0)
		return false;
	text[n] = 0;
	if (sscanf(text, "%c %6zu %10zu%n", ret_kind, ret_name, ret_text, &used) != 3 || used == 0 || text[used] != '\n' ||
	    *ret_name > NAME_BYTES || *ret_text > BUNDLE_LISTS_BYTES_MAX)
		return false;
	*at += used + 1;
	return true;
}

/* Where the first file's header begins: behind the bundle's own lines. */
static off_t
first_header(int fd)
{
	char text[HEADER_BYTES + 1];
	ssize_t n = pread(fd, text, HEADER_BYTES, 0);
	text[n > 0 ? n : 0] = 0;
	char *end = strchr(text, '\n');
	if (end && strncmp(end + 1, "mode ", 5) == 0)
		end = strchr(end + 1, '\n');
	return end ? end + 1 - text : 0;
}

static char *
read_name(int fd, off_t at, size_t len)
{
	char *name = calloc(1, len + 1);
	if (name && (pread(fd, name, len, at) != (ssize_t)len || strlen(name) != len)) {
		free(name);
		name = NULL;
	}
	return name;
}

void
lists_adopt(struct lists *l, const char *policy_id, int bundle_fd)
{
	struct watched *list = calloc(BUNDLE_LISTS_MAX, sizeof(*list));
	size_t name_len, text_len;
	unsigned n = 0;
	char kind;

	if (!list || strncmp(l->id, policy_id, sizeof(l->id)) == 0) {
		free(list);
		return;
	}
	off_t at = first_header(bundle_fd);
	while (n < BUNDLE_LISTS_MAX && read_header(bundle_fd, &at, &kind, &name_len, &text_len)) {
		char *name = kind == 'l' ? read_name(bundle_fd, at, name_len) : NULL;
		if (name)
			take(l, &list[n++], name);
		at += (off_t)(name_len + text_len);
	}
	forget(l->list, l->n);
	l->list = list;
	l->n = n;
	snprintf(l->id, sizeof(l->id), "%s", policy_id);
}

static void
look(struct lists *l, uint64_t now_ns)
{
	for (unsigned i = 0; i < l->n; i++) {
		struct stamp is = look_at(l->list[i].name);
		if (same(&is, &l->list[i].seen))
			continue;
		l->list[i].seen = is;
		l->dirty = true;
		l->moved_ns = now_ns;
	}
}

bool
lists_changed(struct lists *l, uint64_t now_ns, uint32_t settle_s)
{
	if (l->n == 0 || settle_s == 0 || now_ns - l->looked_ns < (uint64_t)LISTS_LOOK_MS * 1000000)
		return false;
	l->looked_ns = now_ns;
	look(l, now_ns);
	if (!l->dirty || now_ns - l->moved_ns < (uint64_t)settle_s * 1000000000)
		return false;
	l->dirty = false;
	return true;
}
