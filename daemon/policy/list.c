/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See list.h. A file holds an item a line; # begins a comment at the start of a line or behind a space; a line may end in CR LF. What
 * is no item is an error with its place, and a list without items is one too: a download that failed leaves such a file, and a list of
 * what is to be blocked would quietly block nothing.
 */
#include "list.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "chars.h"
#include "hash.h"
#include "loader.h"
#include "nameset.h"
#include "netset.h"
#include "spoken.h"

enum {
	ERRORS_MAX = 20, /* of one file; then it is not read on */
	ITEM_MAX = 256,	 /* bytes that an item may have, and one */
	PATH_LEN_MAX = 1023,
};

struct list {
	_Atomic unsigned refs; /* two policies may be loaded by two threads */
	enum list_kind kind;
	char *name;
	struct hash_key key; /* random: nobody can write another list that looks the same */
	uint64_t hash;
	size_t len, n, twice;
	uint32_t twice_line;
	struct nameset *names;
	struct netset *nets;
	bool broken; /* its errors are told */
};

/* While a file is read. */
struct reading {
	struct loader *l;
	struct list *list;
	const struct bundle_list *file;
	size_t room;
	struct netset_item *nets;
	unsigned line, errors;
};

/* One item and where it stands. */
struct token {
	const char *text;
	size_t len;
	unsigned col;
};

void
list_unref(struct list *list)
{
	if (!list || --list->refs)
		return;
	nameset_free(list->names);
	netset_free(list->nets);
	free(list->name);
	free(list);
}

bool
list_has_addr(const struct list *list, const struct addr *a, uint32_t *ret_line)
{
	return list->nets && netset_find(list->nets, a, ret_line);
}

bool
list_has_name(const struct list *list, const char *name, uint32_t *ret_line)
{
	return list->names && nameset_find(list->names, name, ret_line);
}

const char *
list_name(const struct list *list)
{
	return list->name;
}

static unsigned
chars_of(const char *text, size_t len)
{
	unsigned n = 0;
	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

static struct diag *
complain(struct reading *r, const struct token *t, const char *code, const char *what)
{
	unsigned width = chars_of(t->text, t->len);
	struct place_in_file at = {r->list->name, r->line, t->col, t->col + (width ? width : 1)};
	r->errors++;
	return diag_add(r->l->diags, DIAG_ERROR, code, &at, r->file->text, "%s", what);
}

/* What is in the way of reading it as text at all; NULL: nothing. */
static const char *
unreadable(const struct token *t)
{
	struct cursor c = cursor_of(t->text, t->len);
	const char *what = NULL;
	while (!what && cursor_left(&c) > 0)
		what = char_complaint(utf8_next(&c));
	return what;
}

static void
bad_item(struct reading *r, const struct token *t, const char *code, const char *what, const char *hint)
{
	const char *bytes = unreadable(t);
	char text[160];
	struct diag *g;
	if (bytes) {
		complain(r, t, "E109", bytes);
		return;
	}
	if (memchr(t->text, ' ', t->len) || memchr(t->text, '\t', t->len))
		hint = "a list has one item a line";
	snprintf(text, sizeof(text), "\"%.*s\" %s", (int)(t->len < 64 ? t->len : 64), t->text, what);
	g = complain(r, t, code, text);
	if (hint)
		diag_hint(g, "%s", hint);
}

static void
take_name(struct reading *r, const struct token *t)
{
	char text[ITEM_MAX];
	enum nameset_kind kind = NAMESET_EXACT;
	size_t len = t->len < sizeof(text) ? t->len : sizeof(text) - 1;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)tolower((unsigned char)t->text[i]);
	text[len] = 0;
	const char *rest = text, *wrong = t->len >= sizeof(text) ? "a name has at most 253 characters" : NULL;
	if (strcmp(text, "*") == 0)
		kind = NAMESET_ANY;
	else if (strncmp(text, "*.", 2) == 0) {
		kind = NAMESET_UNDER;
		rest = text + 2;
	}
	if (!wrong && kind != NAMESET_ANY)
		wrong = strlen(text) == len ? name_wrong(rest) : "it holds a NUL";
	if (wrong) {
		bad_item(r, t, "E145", "is not a name", wrong);
		return;
	}
	if (!nameset_add(r->list->names, rest, strlen(rest), kind, r->line)) {
		r->list->twice_line = r->list->twice++ ? r->list->twice_line : r->line;
		return;
	}
	r->list->n++;
}

static void
take_net(struct reading *r, const struct token *t)
{
	char text[PREFIX_TEXT + 1], clean[PREFIX_TEXT], hint[80];
	struct prefix p;
	int rc = -1;
	if (t->len < sizeof(text)) {
		memcpy(text, t->text, t->len);
		text[t->len] = 0;
		rc = strlen(text) == t->len ? prefix_parse(text, &p) : -1;
	}
	if (rc == 0) {
		r->nets[r->list->n++] = (struct netset_item){p.addr, p.len, r->line};
		return;
	}
	if (rc > 0)
		snprintf(hint, sizeof(hint), "the network is %s", prefix_print(&p, clean));
	bad_item(r, t, "E123", rc > 0 ? "has bits set behind its length" : "is not an address or a network",
		 rc > 0 ? hint : NULL);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The line without its comment and the blanks around it. */
static struct token
token_of(const char *line, size_t len)
{
	size_t from = 0, end = len;
	const char *hash = memchr(line, '#', len);
	while (hash && hash > line && !is_blank(hash[-1]))
		hash = memchr(hash + 1, '#', len - (size_t)(hash + 1 - line));
	if (hash)
		end = (size_t)(hash - line);
	while (from < end && is_blank(line[from]))
		from++;
	while (end > from && is_blank(line[end - 1]))
		end--;
	return (struct token){line + from, end - from, chars_of(line, from) + 1};
}

static void
read_lines(struct reading *r)
{
	const char *p = r->file->text, *stop = p + r->file->len;
	if (r->file->len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < stop && r->errors < ERRORS_MAX) {
		const char *end = memchr(p, '\n', (size_t)(stop - p));
		struct token t = token_of(p, (size_t)((end ? end : stop) - p));
		r->line++;
		if (t.len > 0 && (r->list->n == r->room || r->line == NAMESET_LINE_MAX)) {
			diag_hint(complain(r, &t, "E115", "too many items in the lists of this policy"), "options: list-items bounds them");
			return;
		}
		if (t.len > 0)
			(r->list->kind == LIST_NAMES ? take_name : take_net)(r, &t);
		p = end ? end + 1 : stop;
	}
}

static size_t
lines_of(const struct bundle_list *f)
{
	size_t n = 1;
	for (const char *p = f->text, *stop = p + f->len; (p = memchr(p, '\n', (size_t)(stop - p))); p++)
		n++;
	return n;
}

/* False: memory is short. */
static bool
read_items(struct reading *r)
{
	struct list *list = r->list;
	size_t lines = lines_of(r->file), n = lines < r->room ? lines : r->room;
	if (list->kind == LIST_NAMES)
		list->names = nameset_new(n, r->file->len);
	else
		r->nets = malloc((n + 1) * sizeof(*r->nets));
	if (!list->names && !r->nets)
		return false;
	read_lines(r);
	if (r->nets)
		list->nets = netset_new(r->nets, list->n, &list->twice, &list->twice_line);
	return list->names || list->nets;
}

/* An empty file, or one line of comments that a failed download left. */
static void
check_empty(struct reading *r)
{
	struct place_in_file at = {r->list->name, 1, 1, 0};
	if (r->list->n == 0 && r->errors++ == 0)
		diag_hint(diag_add(r->l->diags, DIAG_ERROR, "E114", &at, r->file->text, "the list is empty"),
			  "was it cut off? take it out of the policy if nothing shall stand in it");
}

static void
warn_twice(struct reading *r)
{
	struct place_in_file at = {r->list->name, r->list->twice_line, 1, 0};
	if (r->list->twice && r->errors == 0)
		diag_add(r->l->diags, DIAG_WARNING, "W322", &at, r->file->text, "%zu item%s of this list stand%s in it already",
			 r->list->twice, r->list->twice == 1 ? "" : "s", r->list->twice == 1 ? "s" : "");
}

/* Before it is read: a list without items. */
static struct list *
list_new(struct loader *l, const char *name, enum list_kind kind)
{
	struct list *list = calloc(1, sizeof(*list));
	struct list **slot = list ? vec_push(&l->p->region, &l->p->lists, sizeof(*slot)) : NULL;
	if (!slot) {
		l->p->region.failed = true;
		free(list);
		return NULL;
	}
	*slot = list;
	list->refs = 1;
	list->kind = kind;
	list->name = name ? strdup(name) : NULL;
	l->p->region.failed |= name && !list->name;
	return list;
}

static struct list *
find(const struct policy *p, const char *name, enum list_kind kind)
{
	struct list *const *lists = p->lists.items;
	for (size_t i = 0; i < p->lists.n; i++)
		if (lists[i]->kind == kind && lists[i]->name && strcmp(lists[i]->name, name) == 0)
			return lists[i];
	return NULL;
}

/* The list of the policy before, where it holds the same bytes. */
static struct list *
share(struct loader *l, const struct bundle_list *f, enum list_kind kind)
{
	struct list *old = l->previous ? find(l->previous, f->name, kind) : NULL;
	if (!old || old->broken || old->len != f->len || old->hash != hash_bytes(&old->key, f->text, f->len))
		return NULL;
	struct list **slot = vec_push(&l->p->region, &l->p->lists, sizeof(*slot));
	if (!slot)
		return NULL;
	*slot = old;
	old->refs++;
	return old;
}

static struct list *
read_list(struct loader *l, const struct bundle_list *f, enum list_kind kind)
{
	struct list *list = share(l, f, kind);
	struct reading r = {.l = l, .file = f};
	if (list) {
		l->p->list_items += list->n;
		r.list = list;
		warn_twice(&r);
		return list;
	}
	list = list_new(l, f->name, kind);
	if (!list || !list->name)
		return list;
	hash_key_random(&list->key);
	list->hash = hash_bytes(&list->key, f->text, f->len);
	list->len = f->len;
	r.list = list;
	r.room = l->p->options.list_items > l->p->list_items ? l->p->options.list_items - l->p->list_items : 0;
	if (!read_items(&r))
		l->p->region.failed = true;
	check_empty(&r);
	warn_twice(&r);
	list->broken = r.errors > 0;
	l->p->list_items += list->n;
	return list;
}

static char *
list_path(const struct bundle *b, const char *written)
{
	char *path = NULL;
	const char *main_file = b->n ? b->files[0].name : "", *slash = strrchr(main_file, '/');
	if (written[0] == '/' || !slash)
		return strdup(written);
	return asprintf(&path, "%.*s%s", (int)(slash - main_file) + 1, main_file, written) < 0 ? NULL : path;
}

static const char *
why(int error)
{
	return error == EFBIG ? "the lists of this policy are too large" : error == EINVAL ? "this is no regular file" : strerror(error);
}

/* Of a path that is written in the policy; NULL: there was an error. */
static const struct list *
list_at(struct loader *l, const struct node *at, const char *written, enum list_kind kind)
{
	char *path = list_path(l->bundle, written);
	if (!path) {
		l->p->region.failed = true;
		return NULL;
	}
	struct list *list = find(l->p, path, kind);
	const struct bundle_list *f = list ? NULL : bundle_list_find(l->bundle, path);
	if (f && f->text)
		list = read_list(l, f, kind);
	else if (!list)
		load_error(l, at, "E191", "%.300s: %s", path,
			   !f ? "this list was not read" : why(f->error));
	free(path);
	return list && !list->broken ? list : NULL;
}

/* {file: PATH}. */
static void
load_file(struct loader *l, const struct node *value, void *into)
{
	const char **path = into, *text;
	if (!read_text(l, value, &text))
		return;
	if (text[0] && strlen(text) <= PATH_LEN_MAX)
		*path = text;
	else
		diag_hint(load_error(l, value, "E129", "\"%.64s\" is not a path", text), "a path has 1 to %d bytes", PATH_LEN_MAX);
}

static const struct field list_fields[] = {{"file", load_file, FIELD_REQUIRED}};

const struct schema list_schema = {"a list", list_fields, 1, 0};

const struct list *
list_load(struct loader *l, const struct node *map, enum list_kind kind)
{
	const char *path = NULL;
	load_map(l, map, &list_schema, &path);
	return path ? list_at(l, node_get(map, "file"), path, kind) : NULL;
}

const struct list *
list_of_patterns(struct loader *l, const struct name_pattern *patterns, size_t n)
{
	struct list *list = list_new(l, NULL, LIST_NAMES);
	size_t bytes = 0;
	for (size_t i = 0; i < n; i++)
		bytes += strlen(patterns[i].text);
	if (!list || !(list->names = nameset_new(n, bytes))) {
		l->p->region.failed = true;
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		const struct name_pattern *p = &patterns[i];
		(void)nameset_add(list->names, p->text, strlen(p->text), p->any ? NAMESET_ANY : p->under ? NAMESET_UNDER : NAMESET_EXACT, 0);
	}
	list->n = n;
	return list;
}

/* Every {file: PATH} below this node, wherever it stands: what stands at the wrong place is told by the loader. */
static bool
gather(struct bundle *b, const struct node *n)
{
	const struct node *file = node_get(n, "file");
	char *path = file && file->kind == NODE_TEXT && file->text[0] && strlen(file->text) <= PATH_LEN_MAX ? list_path(b, file->text) : NULL;
	bool ok = !path || bundle_add_list(b, path);
	free(path);
	for (const struct node *child = n->kind == NODE_TEXT ? NULL : n->first; ok && child; child = child->next) {
		ok = gather(b, child);
		if (ok && child->value)
			ok = gather(b, child->value);
	}
	return ok;
}

static bool
gather_lists(struct bundle *b)
{
	struct region scratch = {0};
	struct diags unread = {0};
	size_t nodes_left = NODES_MAX;
	bool cut, ok = true;
	for (size_t i = 0; ok && i < b->n; i++) {
		const struct source s = {b->files[i].name, b->files[i].text, b->files[i].len};
		if (!memmem(s.text, s.len, "file", 4))
			continue;
		const struct node *root = yaml_read(&scratch, &s, &nodes_left, &unread, &cut);
		ok = !root || gather(b, root);
	}
	region_free(&scratch);
	diags_free(&unread);
	bundle_name_anew(b);
	return ok;
}

struct bundle *
policy_read(const char *path, char **ret_file)
{
	struct bundle *b = bundle_read(path, ret_file);
	if (!b || gather_lists(b))
		return b;
	int saved = errno;
	*ret_file = strdup(b->files[0].name);
	bundle_free(b);
	errno = saved;
	return NULL;
}
