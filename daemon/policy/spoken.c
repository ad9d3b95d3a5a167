/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a flow speaks and whom it names.
 *
 * A name holds only when it is proved: the device was given this address for it in a DNS answer that we saw. So a flow to an address
 * with no fitting binding is a "no" at its first packet, whatever it may say of itself later (unless trust-sni).
 */
#include "spoken.h"

#include <ctype.h>
#include <string.h>

#include "loader.h"
#include "probe.h"

enum { PROTOCOLS_MAX = 128 };

/* Every name that a probe can answer with, and "unknown". */
static size_t
protocol_names(const char *names[PROTOCOLS_MAX])
{
	size_t n_probes, n = 0;
	const struct probe *const *probes = probe_list(&n_probes);

	for (size_t i = 0; i < n_probes && n < PROTOCOLS_MAX - 1; i++) {
		bool twice = false;
		for (size_t k = 0; k < n && !twice; k++)
			twice = strcmp(names[k], probes[i]->name) == 0;
		if (!twice)
			names[n++] = probes[i]->name;
	}
	names[n++] = "unknown";
	return n;
}

const char *
protocol_find(const char *name)
{
	const char *names[PROTOCOLS_MAX];
	size_t n = protocol_names(names);

	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return names[i];
	return NULL;
}

uint8_t
protocol_transport(const char *name)
{
	size_t n;
	const struct probe *const *probes = probe_list(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(probes[i]->name, name) == 0)
			return probes[i]->l4;
	return 0;
}

void
parse_protocol(struct loader *l, const struct node *value, struct vec *items)
{
	const char *text, *names[PROTOCOLS_MAX];
	if (!read_text(l, value, &text))
		return;
	if (!protocol_find(text)) {
		struct diag *g = load_error(l, value, "E143", "no protocol is called \"%.64s\"", text);
		hint_closest(g, text, names, protocol_names(names));
		return;
	}
	struct protocol_item *item = vec_push(&l->p->region, items, sizeof(*item));
	if (item)
		strncpy(item->name, text, sizeof(item->name) - 1);
}

/* Labels of letters, digits, - and _, 1 to 63 long; NULL when it is one, else what is wrong. */
const char *
name_wrong(const char *s)
{
	size_t label = 0;
	if (strlen(s) > 253)
		return "a name has at most 253 characters";
	for (;; s++) {
		if (*s == '.' || *s == 0) {
			if (label == 0 || label > 63)
				return "between two dots stand 1 to 63 characters";
			if (*s == 0)
				return NULL;
			label = 0;
			continue;
		}
		if (*s == '*')
			return "a star stands alone at the beginning: *.example.com";
		if (!isalnum((unsigned char)*s) && *s != '-' && *s != '_')
			return "names are letters, digits and -; write other alphabets as xn--…";
		label++;
	}
}

void
parse_pattern(struct loader *l, const struct node *value, struct vec *items)
{
	const char *text;
	if (!read_text(l, value, &text))
		return;
	bool any = strcmp(text, "*") == 0, under = strncmp(text, "*.", 2) == 0;
	const char *rest = any ? "" : under ? text + 2 : text;
	const char *wrong = any ? NULL : name_wrong(rest);
	if (wrong) {
		diag_hint(load_error(l, value, "E145", "\"%.64s\" is not a name", text), "%s", wrong);
		return;
	}
	struct name_pattern *p = vec_push(&l->p->region, items, sizeof(*p));
	if (!p)
		return;
	p->under = under;
	p->any = any;
	for (size_t i = 0; rest[i]; i++)
		p->text[i] = (char)tolower((unsigned char)rest[i]);
}

int
order_pattern(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct name_pattern));
}

int
order_protocol(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct protocol_item));
}

bool
match_protocol(const struct condition *c, const struct facts *f)
{
	const struct protocol_item *list = c->items;
	for (size_t i = 0; f->protocol && i < c->n; i++)
		if (strcmp(list[i].name, f->protocol) == 0)
			return true;
	return false;
}

static bool
fits(const struct name_pattern *p, const char *name, size_t len)
{
	size_t n = strlen(p->text);
	if (p->any)
		return true;
	if (!p->under)
		return len == n && memcmp(name, p->text, n) == 0;
	return len > n + 1 && name[len - n - 1] == '.' && memcmp(name + len - n, p->text, n) == 0;
}

static bool
any_fits(const struct condition *c, const char *name)
{
	const struct name_pattern *list = c->items;
	size_t len = strlen(name);
	bool hit = c->patterns && list_has_name(c->patterns, name, NULL);
	for (size_t i = 0; !c->patterns && !hit && i < c->n; i++)
		hit = fits(&list[i], name, len);
	for (size_t i = 0; !hit && i < c->n_lists; i++)
		hit = list_has_name(c->lists[i], name, NULL);
	return hit;
}

static bool
a_binding_fits(const struct condition *c, const struct facts *f)
{
	for (size_t i = 0; i < f->n_bound; i++)
		if (any_fits(c, f->bound[i]))
			return true;
	return false;
}

static bool
is_bound(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_bound; i++)
		if (strcmp(f->bound[i], name) == 0)
			return true;
	return false;
}

bool
never_name(const struct condition *c, const struct facts *f)
{
	return !c->trusts && !a_binding_fits(c, f);
}

/* Where the client names nobody in clear, the binding speaks alone. */
bool
match_name(const struct condition *c, const struct facts *f)
{
	if (!f->name || f->ech)
		return a_binding_fits(c, f);
	return any_fits(c, f->name) && (c->trusts || is_bound(f, f->name));
}

bool
match_query(const struct condition *c, const struct facts *f)
{
	return f->query && any_fits(c, f->query);
}

bool
match_ech(const struct condition *c, const struct facts *f)
{
	return f->ech == *(const uint8_t *)c->items;
}
