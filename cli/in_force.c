/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy in force, put together from what the daemon tells; see in_force.h. */
#include "in_force.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bundle.h"
#include "cli.h"
#include "client.h"
#include "diag.h"
#include "policy.h"

enum { TIMEOUT_S = 20 };

struct collecting {
	struct bundle *b;    /* only a list of files */
	struct bundle_file *lists; /* their texts: length and sum */
	size_t n_lists;
	long long file;	     /* that grows */
	bool failed;
	size_t bytes;
};

static struct bundle_file *
add_file(struct bundle_file **list, size_t *n, const char *name)
{
	struct bundle_file *more = realloc(*list, (*n + 1) * sizeof *more);

	if (!more)
		return NULL;
	*list = more;
	more[*n] = (struct bundle_file){.name = strdup(name), .text = calloc(1, 1)};
	return &more[(*n)++];
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
append_hex(struct bundle_file *f, const char *hex)
{
	size_t n = strlen(hex) / 2;

	if (!f->name || !f->text || strlen(hex) % 2)
		return false;
	char *more = realloc(f->text, f->len + n + 1);
	if (!more)
		return false;
	f->text = more;
	for (size_t i = 0; i < n; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		f->text[f->len++] = (char)(high << 4 | low);
	}
	f->text[f->len] = 0;
	return true;
}

static bool
each(void *arg, struct json_object *event)
{
	struct collecting *c = arg;
	struct bundle *b = c->b;
	long long file = client_number(event, "file");
	const char *kind = client_text(event, "kind");
	bool policy = strcmp(kind, "policy") == 0, is_list = strcmp(kind, "list") == 0;
	const char *hex = client_text(event, "hex");

	c->bytes += strlen(hex) / 2;
	c->failed |= c->bytes > BUNDLE_BYTES_MAX || b->n + b->n_data > BUNDLE_FILES_MAX || c->n_lists > BUNDLE_LISTS_MAX;
	if (c->failed)
		return false;
	struct bundle_file **list = is_list ? &c->lists : policy ? &b->files : &b->data;
	size_t *n = is_list ? &c->n_lists : policy ? &b->n : &b->n_data;
	if (file != c->file)
		c->failed |= !add_file(list, n, client_text(event, "name"));
	c->file = file;
	c->failed |= *n == 0 || !append_hex(&(*list)[*n - 1], hex);
	return !c->failed;
}

/* Lists are read where they lie, if they are still what the daemon has. */
static bool
read_lists(struct collecting *c)
{
	char is[64];

	for (size_t i = 0; i < c->n_lists; i++) {
		const struct bundle_file *f = &c->lists[i];
		bool room = bundle_add_list(c->b, f->name);
		const struct bundle_list *list = bundle_list_find(c->b, f->name);
		snprintf(is, sizeof is, "%zu %016" PRIx64, list ? list->len : 0, list ? bundle_list_sum(list) : 0);
		if (room && list && list->text && strcmp(is, f->text) == 0)
			continue;
		fprintf(stderr, "lenscap: %s: %s\n", f->name,
			!list ? "too many or too long lists" : list->text ? "this list is not what the policy in force was built with" : strerror(list->error));
		return false;
	}
	return true;
}

static void
free_lists(struct collecting *c)
{
	for (size_t i = 0; i < c->n_lists; i++) {
		free(c->lists[i].name);
		free(c->lists[i].text);
	}
	free(c->lists);
}

static bool
copy_shipped(struct bundle *b, const struct bundle *from)
{
	bool ok = true;

	for (size_t i = 0; ok && i < from->n_shipped; i++) {
		struct bundle_file *f = add_file(&b->data, &b->n_data, from->data[i].name);
		char *text = f ? malloc(from->data[i].len + 1) : NULL;
		ok = f && f->name && text;
		if (!ok) {
			free(text);
			break;
		}
		free(f->text);
		memcpy(text, from->data[i].text, from->data[i].len);
		text[from->data[i].len] = 0;
		f->text = text;
		f->len = from->data[i].len;
	}
	b->n_shipped = b->n_data;
	b->no_catalogue = from->no_catalogue;
	return ok;
}

/* Through the serialised form, so that the id and all else come from where they always come from. */
static struct policy *
load(const struct bundle *list, bool no_catalogue)
{
	int fd = memfd_create("lenscap-policy", MFD_CLOEXEC);
	struct diags diags = {0};
	struct bundle *b = fd >= 0 && bundle_save(list, fd) == 0 ? bundle_load(fd) : NULL;

	if (fd >= 0)
		close(fd);
	if (!b)
		return NULL;
	b->no_catalogue = no_catalogue;
	struct policy *p = policy_load(b, &diags);
	if (!p)
		diags_print(&diags, stderr, false);
	diags_free(&diags);
	bundle_free(b);
	return p;
}

static enum bundle_mode
mode_of(const char *word)
{
	return strcmp(word, "monitor") == 0 ? BUNDLE_MODE_MONITOR : strcmp(word, "enforce") == 0 ? BUNDLE_MODE_ENFORCE : BUNDLE_MODE_OWN;
}

struct policy *
policy_in_force(const struct cli *cli, const struct bundle *shipped, int *ret_exit)
{
	struct collecting c = {.b = calloc(1, sizeof *c.b), .file = -1};
	struct bundle *own = shipped ? NULL : bundle_from_text("none", "", 0);
	struct policy *p = NULL;
	char *failed = NULL;

	*ret_exit = EXIT_UNREACHABLE;
	if (own)
		(void)bundle_add_catalogue(own, &failed);
	free(failed);
	if (!c.b || (!shipped && !own) || !copy_shipped(c.b, shipped ? shipped : own)) {
		fprintf(stderr, "lenscap: not enough memory\n");
		goto free_bundles;
	}
	struct json_object *answer = client_stream(cli, "policy", NULL, false, each, &c, TIMEOUT_S, ret_exit);
	if (answer)
		*ret_exit = client_verdict(answer, EXIT_UNREACHABLE);
	if (*ret_exit == EXIT_OK && (c.failed || !answer || c.b->n == 0)) {
		fprintf(stderr, "lenscap: the daemon's policy could not be read\n");
		*ret_exit = EXIT_UNREACHABLE;
	} else if (*ret_exit == EXIT_OK && !read_lists(&c)) {
		*ret_exit = EXIT_UNREACHABLE;
	} else if (*ret_exit == EXIT_OK) {
		c.b->mode = mode_of(client_text(answer, "data.mode_by_hand"));
		p = load(c.b, c.b->no_catalogue);
		if (!p) {
			fprintf(stderr, "lenscap: the policy in force does not load here: lenscap and the daemon are of different releases?\n");
			*ret_exit = EXIT_UNREACHABLE;
		}
	}
	json_object_put(answer);
free_bundles:
	free_lists(&c);
	bundle_free(c.b);
	bundle_free(own);
	return p;
}

static bool
first_name(void *arg, struct json_object *event)
{
	char **ret = arg;

	*ret = strdup(client_text(event, "name"));
	return false;
}

char *
policy_path(const struct cli *cli, int *ret_exit)
{
	char *path = NULL;
	struct json_object *answer = client_stream(cli, "policy", NULL, false, first_name, &path, TIMEOUT_S, ret_exit);

	if (answer)
		*ret_exit = client_verdict(answer, EXIT_UNREACHABLE);
	json_object_put(answer);
	return path;
}
