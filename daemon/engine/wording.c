/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the owner wrote; see wording.h. */
#include "wording.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"

struct wording {
	unsigned refs;
	enum bundle_mode mode;
	char id[13];
	size_t n, n_policy, n_whole;
	struct bundle_file *files;
};

static bool
copy_file(struct bundle_file *ret, const struct bundle_file *f)
{
	ret->name = strdup(f->name);
	ret->text = malloc(f->len + 1);
	ret->len = f->len;
	if (!ret->name || !ret->text)
		return false;
	memcpy(ret->text, f->text, f->len);
	ret->text[f->len] = 0;
	return true;
}

/* Lists are large, and who asks can read them where they lie: only what tells them apart is kept. */
static bool
note_list(struct bundle_file *ret, const struct bundle_list *list)
{
	int n = asprintf(&ret->text, "%zu %016" PRIx64, list->len, bundle_list_sum(list));
	ret->name = strdup(list->name);
	if (n < 0)
		ret->text = NULL;
	ret->len = n < 0 ? 0 : (size_t)n;
	return ret->name && ret->text;
}

struct wording *
wording_new(const struct bundle *b)
{
	struct wording *w = calloc(1, sizeof *w);
	bool ok = w && (w->files = calloc(b->n + b->n_data - b->n_shipped + b->n_lists + 1, sizeof *w->files));

	if (!ok) {
		free(w);
		return NULL;
	}
	w->refs = 1;
	w->mode = b->mode;
	memcpy(w->id, b->id, sizeof w->id);
	w->n_policy = b->n;
	for (size_t i = 0; ok && i < b->n; i++)
		ok = copy_file(&w->files[w->n++], &b->files[i]);
	for (size_t i = b->n_shipped; ok && i < b->n_data; i++)
		ok = copy_file(&w->files[w->n++], &b->data[i]);
	w->n_whole = w->n;
	for (size_t i = 0; ok && i < b->n_lists; i++)
		ok = note_list(&w->files[w->n++], &b->lists[i]);
	if (ok)
		return w;
	wording_unref(w);
	return NULL;
}

struct wording *
wording_ref(struct wording *w)
{
	if (w)
		w->refs++;
	return w;
}

void
wording_unref(struct wording *w)
{
	if (!w || --w->refs)
		return;
	for (size_t i = 0; i < w->n; i++) {
		free(w->files[i].name);
		free(w->files[i].text);
	}
	free(w->files);
	free(w);
}

size_t
wording_files(const struct wording *w, const struct bundle_file **ret)
{
	*ret = w->files;
	return w->n;
}

const char *
wording_kind(const struct wording *w, size_t file)
{
	return file < w->n_policy ? "policy" : file < w->n_whole ? "catalogue" : "list";
}

const char *
wording_mode(const struct wording *w)
{
	static const char *const words[] = {
		[BUNDLE_MODE_OWN] = "policy", [BUNDLE_MODE_MONITOR] = "monitor", [BUNDLE_MODE_ENFORCE] = "enforce"};
	return words[w->mode];
}

const char *
wording_id(const struct wording *w)
{
	return w->id;
}
