/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy's files as they were at one moment; see bundle.h. */
#include "bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"

static const char magic[] = "lenscap-bundle 2\n";
static const char *const mode_lines[] = {"", "mode monitor\n", "mode enforce\n"};

static void
files_free(struct bundle_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(files[i].name);
		free(files[i].text);
	}
	free(files);
}

void
bundle_free(struct bundle *b)
{
	if (!b)
		return;
	files_free(b->files, b->n);
	files_free(b->data, b->n_data);
	for (size_t i = 0; i < b->n_lists; i++) {
		free(b->lists[i].name);
		free(b->lists[i].text);
	}
	free(b->lists);
	free(b);
}

/* Names and bytes under a fixed key: the id names a text, it does not protect it. */
static void
bundle_name(struct bundle *b)
{
	static const struct hash_key key = {0x6c656e73636170u, 0x706f6c696379u};
	uint64_t h = 0;
	for (size_t i = 0; i < b->n; i++) {
		const struct bundle_file *f = &b->files[i];
		uint64_t part[4] = {h, hash_bytes(&key, f->name, strlen(f->name)), hash_bytes(&key, f->text, f->len), i};
		h = hash_bytes(&key, part, sizeof part);
	}
	/* What is shipped changes with the program, as its code does. */
	for (size_t i = b->n_shipped; i < b->n_data; i++) {
		const struct bundle_file *f = &b->data[i];
		uint64_t part[3] = {h, hash_bytes(&key, f->name, strlen(f->name)), hash_bytes(&key, f->text, f->len)};
		h = hash_bytes(&key, part, sizeof part);
	}
	for (size_t i = 0; i < b->n_lists; i++) {
		const struct bundle_list *f = &b->lists[i];
		uint64_t part[3] = {h, hash_bytes(&key, f->name, strlen(f->name)), hash_bytes(&key, f->text ? f->text : "", f->len)};
		h = hash_bytes(&key, part, sizeof part);
	}
	snprintf(b->id, sizeof b->id, "%012llx", (unsigned long long)(h >> 16));
}

/* Takes ownership of name and text, also when it fails. */
static bool
bundle_add(struct bundle *b, bool data, char *name, char *text, size_t len)
{
	struct bundle_file **list = data ? &b->data : &b->files, *files = NULL;
	size_t *n = data ? &b->n_data : &b->n;
	bool room = b->n + b->n_data < BUNDLE_FILES_MAX;
	if (name && text && room)
		files = realloc(*list, (*n + 1) * sizeof *files);
	if (!files) {
		free(name);
		free(text);
		errno = room ? ENOMEM : EFBIG;
		return false;
	}
	*list = files;
	files[(*n)++] = (struct bundle_file){name, text, len};
	return true;
}

/* A copy with a NUL behind it; NULL when memory is short. */
static char *
text_copy(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = 0;
	return copy;
}

bool
bundle_add_data(struct bundle *b, const char *name, const char *text, size_t len)
{
	if (!bundle_add(b, true, strdup(name), text_copy(text, len), len))
		return false;
	bundle_name(b);
	return true;
}

/* Reads a whole descriptor of at most max bytes; NUL behind the last. The file's size is a hint and no promise: it may grow. */
static char *
read_all(int fd, size_t max, size_t *ret_len)
{
	struct stat st;
	size_t cap = 16384, len = 0;
	if (fstat(fd, &st) == 0 && st.st_size > 0 && (size_t)st.st_size <= max)
		cap = (size_t)st.st_size + 1;
	char *text = malloc(cap + 1);

	while (text) {
		ssize_t n = read(fd, text + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (n == 0) {
			text[len] = 0;
			*ret_len = len;
			return text;
		}
		len += (size_t)n;
		if (len > max) {
			errno = EFBIG;
			break;
		}
		if (len == cap) {
			char *more = realloc(text, cap * 2 + 1);
			if (!more)
				break;
			text = more;
			cap *= 2;
		}
	}
	int saved = errno;
	free(text);
	errno = saved;
	return NULL;
}

static size_t
bundle_bytes(const struct bundle *b)
{
	size_t n = 0;
	for (size_t i = 0; i < b->n; i++)
		n += b->files[i].len;
	for (size_t i = 0; i < b->n_data; i++)
		n += b->data[i].len;
	return n;
}

/* O_NONBLOCK: a FIFO in policy.d must not hang the reload. NULL with errno. */
static char *
read_path(const char *path, size_t max, size_t *ret_len)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	char *text = NULL;
	if (fstat(fd, &st) == 0) {
		if (S_ISREG(st.st_mode))
			text = read_all(fd, max, ret_len);
		else
			errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return text;
}

static bool
bundle_add_path(struct bundle *b, bool data, const char *path)
{
	size_t len = 0;
	char *text = read_path(path, BUNDLE_BYTES_MAX - bundle_bytes(b), &len);
	return text && bundle_add(b, data, strdup(path), text, len);
}

static size_t
lists_bytes(const struct bundle *b)
{
	size_t n = 0;
	for (size_t i = 0; i < b->n_lists; i++)
		n += b->lists[i].len;
	return n;
}

/* Takes ownership of name and text, also when it fails. text NULL: error says why. */
static bool
list_add(struct bundle *b, char *name, char *text, size_t len, int error)
{
	bool room = b->n_lists < BUNDLE_LISTS_MAX && lists_bytes(b) + len <= BUNDLE_LISTS_BYTES_MAX;
	struct bundle_list *lists = name && room ? realloc(b->lists, (b->n_lists + 1) * sizeof *lists) : NULL;
	if (!lists) {
		free(name);
		free(text);
		errno = room ? ENOMEM : EFBIG;
		return false;
	}
	b->lists = lists;
	lists[b->n_lists++] = (struct bundle_list){name, text, len, error};
	return true;
}

const struct bundle_list *
bundle_list_find(const struct bundle *b, const char *name)
{
	for (size_t i = 0; i < b->n_lists; i++)
		if (strcmp(b->lists[i].name, name) == 0)
			return &b->lists[i];
	return NULL;
}

bool
bundle_add_list(struct bundle *b, const char *path)
{
	size_t len = 0;
	if (bundle_list_find(b, path))
		return true;
	char *text = read_path(path, BUNDLE_LISTS_BYTES_MAX - lists_bytes(b), &len);
	int error = text ? 0 : errno;
	return list_add(b, strdup(path), text, len, error);
}

bool
bundle_add_list_text(struct bundle *b, const char *name, const char *text, size_t len)
{
	char *copy = text_copy(text, len);
	bool ok = copy && list_add(b, strdup(name), copy, len, 0);
	bundle_name(b);
	return ok;
}

uint64_t
bundle_list_sum(const struct bundle_list *list)
{
	static const struct hash_key key = {0x6c656e73636170u, 0x6c69737473u};
	return hash_bytes(&key, list->text ? list->text : "", list->len);
}

void
bundle_name_anew(struct bundle *b)
{
	bundle_name(b);
}

static bool
ends(const struct dirent *d, const char *with)
{
	size_t n = strlen(d->d_name), m = strlen(with);
	return d->d_name[0] != '.' && n > m && strcmp(d->d_name + n - m, with) == 0;
}

static int
is_drop_in(const struct dirent *d)
{
	return ends(d, ".yaml");
}

static int
is_data(const struct dirent *d)
{
	return ends(d, ".tsv");
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The policy's or the catalogue's files in dir. False: *ret_path is the one that could not be read. No directory at all is fine. */
static bool
add_directory(struct bundle *b, bool data, const char *dir, char **ret_path)
{
	struct dirent **list;
	int n = scandir(dir, &list, data ? is_data : is_drop_in, by_name);
	if (n < 0 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (n < 0) {
		*ret_path = strdup(dir);
		return false;
	}
	bool ok = true;
	int saved = 0;
	for (int i = 0; i < n; i++) {
		char *path = NULL;
		if (ok && (asprintf(&path, "%s/%s", dir, list[i]->d_name) < 0 || !bundle_add_path(b, data, path))) {
			ok = false;
			saved = errno;
			*ret_path = path;
			path = NULL;
		}
		free(path);
		free(list[i]);
	}
	free(list);
	errno = saved;
	return ok;
}

bool
bundle_add_data_from(struct bundle *b, const char *dir, char **ret_file)
{
	bool ok = add_directory(b, true, dir, ret_file);
	bundle_name(b);
	return ok;
}

static bool
add_shipped(struct bundle *b, const char *dir, char **ret_file)
{
	size_t before = b->n_data;
	if (!bundle_add_data_from(b, dir, ret_file))
		return false;
	b->n_shipped = before == b->n_shipped ? b->n_data : b->n_shipped;
	bundle_name(b);
	return true;
}

bool
bundle_add_catalogue(struct bundle *b, char **ret_file)
{
	static const char installed[] = LENSCAP_DATADIR "/catalogue";
	char exe[PATH_MAX], path[PATH_MAX + 32];
	struct stat st;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	exe[n > 0 ? n : 0] = 0;
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(exe, '/');
		if (!slash)
			break;
		*slash = 0;
		snprintf(path, sizeof path, "%s/catalogue", exe);
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			return add_shipped(b, path, ret_file);
	}
	b->no_catalogue = stat(installed, &st) < 0;
	return b->no_catalogue || add_shipped(b, installed, ret_file);
}

struct bundle *
bundle_read(const char *path, char **ret_file)
{
	struct bundle *b = calloc(1, sizeof *b);
	char *file = NULL, *dir = NULL, *own = NULL, *failed = NULL;
	struct stat st;
	bool ok = false;

	if (!b)
		return NULL;
	bool is_dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	if (asprintf(&file, is_dir ? "%s/lenscap.yaml" : "%s", path) < 0)
		goto out;
	const char *slash = strrchr(file, '/');
	if (asprintf(&dir, "%.*spolicy.d", slash ? (int)(slash - file) + 1 : 0, file) < 0)
		goto out;
	if (asprintf(&own, "%.*scatalogue.d", slash ? (int)(slash - file) + 1 : 0, file) < 0)
		goto out;
	if (!bundle_add_path(b, false, file))
		failed = strdup(file);
	else
		ok = add_directory(b, false, dir, &failed) && bundle_add_catalogue(b, &failed) && add_directory(b, true, own, &failed);
out:;
	int saved = errno;
	free(file);
	free(dir);
	free(own);
	if (ok) {
		bundle_name(b);
		return b;
	}
	bundle_free(b);
	*ret_file = failed;
	errno = saved;
	return NULL;
}

struct bundle *
bundle_from_text(const char *name, const char *text, size_t len)
{
	struct bundle *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	if (!bundle_add(b, false, strdup(name), text_copy(text, len), len)) {
		free(b);
		return NULL;
	}
	bundle_name(b);
	return b;
}

/* A decimal number ended by `end`, at most max; moves *p past it. */
static bool
read_number(const char **p, const char *stop, char end, size_t max, size_t *ret_n)
{
	size_t n = 0;
	const char *q = *p;
	for (; q < stop && *q >= '0' && *q <= '9'; q++) {
		n = n * 10 + (size_t)(*q - '0');
		if (n > max)
			return false;
	}
	if (q == *p || q == stop || *q != end)
		return false;
	*p = q + 1;
	*ret_n = n;
	return true;
}

/* Moves past the line that overrides the mode, if there is one. */
static const char *
parse_mode(struct bundle *b, const char *p, const char *stop)
{
	for (unsigned m = BUNDLE_MODE_MONITOR; m <= BUNDLE_MODE_ENFORCE; m++) {
		size_t len = strlen(mode_lines[m]);
		if ((size_t)(stop - p) >= len && memcmp(p, mode_lines[m], len) == 0) {
			b->mode = (enum bundle_mode)m;
			return p + len;
		}
	}
	return p;
}

static bool
bundle_parse(struct bundle *b, const char *p, const char *stop)
{
	size_t name_len, len;

	if ((size_t)(stop - p) < sizeof magic - 1 || memcmp(p, magic, sizeof magic - 1) != 0)
		return false;
	for (p = parse_mode(b, p + sizeof magic - 1, stop); p < stop;) {
		bool shipped = *p == 'c', data = shipped || *p == 'd', list = *p == 'l';
		if ((!data && !list && *p != 'p') || stop - p < 2 || p[1] != ' ' || (shipped && b->n_shipped < b->n_data))
			return false;
		b->n_shipped += shipped;
		p += 2;
		if (!read_number(&p, stop, ' ', 4096, &name_len) || !read_number(&p, stop, '\n', list ? BUNDLE_LISTS_BYTES_MAX : BUNDLE_BYTES_MAX, &len) ||
		    (size_t)(stop - p) < name_len + len)
			return false;
		char *text = list ? text_copy(p + name_len, len) : NULL;
		if (list && (!text || !list_add(b, strndup(p, name_len), text, len, 0)))
			return false;
		if (!list && !bundle_add(b, data, strndup(p, name_len), text_copy(p + name_len, len), len))
			return false;
		p += name_len + len;
	}
	return b->n > 0;
}

struct bundle *
bundle_load(int fd)
{
	size_t len;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return NULL;
	char *text = read_all(fd, BUNDLE_BYTES_MAX + BUNDLE_LISTS_BYTES_MAX + (BUNDLE_FILES_MAX + BUNDLE_LISTS_MAX) * 4200, &len);
	struct bundle *b = text ? calloc(1, sizeof *b) : NULL;
	if (b && !bundle_parse(b, text, text + len)) {
		bundle_free(b);
		b = NULL;
		errno = EBADMSG;
	}
	free(text);
	if (b)
		bundle_name(b);
	return b;
}

static bool
save_file(int fd, char kind, const char *name, const char *text, size_t len)
{
	bool ok = dprintf(fd, "%c %zu %zu\n%s", kind, strlen(name), len, name) > 0;
	for (size_t off = 0; ok && off < len;) {
		ssize_t n = write(fd, text + off, len - off);
		if (n < 0 && errno == EINTR)
			continue;
		ok = n > 0;
		off += ok ? (size_t)n : 0;
	}
	return ok;
}

int
bundle_save(const struct bundle *b, int fd)
{
	bool ok = dprintf(fd, "%s%s", magic, mode_lines[b->mode]) > 0;
	for (size_t i = 0; ok && i < b->n; i++)
		ok = save_file(fd, 'p', b->files[i].name, b->files[i].text, b->files[i].len);
	for (size_t i = 0; ok && i < b->n_data; i++)
		ok = save_file(fd, i < b->n_shipped ? 'c' : 'd', b->data[i].name, b->data[i].text, b->data[i].len);
	for (size_t i = 0; ok && i < b->n_lists; i++)
		ok = b->lists[i].text && save_file(fd, 'l', b->lists[i].name, b->lists[i].text, b->lists[i].len);
	return ok ? 0 : -1;
}
