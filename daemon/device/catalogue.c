/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The catalogue as a whole: its kinds of files, its life, and its makers, to whom all other rows refer. */
#include <stdlib.h>
#include <string.h>

#include "catalogue_private.h"
#include "catalogue_rows.h"
#include "hash.h"

/* clang-format off */
/* In the order in which they are read: everything refers to makers. */
static const struct kind kinds[] = {
	{"makers", "id\tname\towner\tkind\tcovered\tsource", CATALOGUE_MAKERS_MAX, makers_read, makers_finish},
	{"oui", "prefix\tmaker\torganisation\tweak\tsource", CATALOGUE_OUI_MAX, oui_read, oui_finish},
	{"brands", "brand\tmaker\tconfidence\tsource\tnote", CATALOGUE_BRANDS_MAX, brands_read, brands_finish},
	{"fingerprints", "maker\tchannel\tmatch\tpattern\tweight\tweak\tsource\tnote", CATALOGUE_FINGERPRINTS_MAX,
	 fingerprints_read, fingerprints_finish},
	{"clouds", "cloud\tkind\tvalue\tweak\tsource", CATALOGUE_CLOUD_ROWS_MAX, clouds_read, clouds_finish},
};
/* clang-format on */

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Two keys make 128 bits: nobody who writes these files has a use for a collision. */
static void
digest_of(const struct bundle *b, uint64_t ret[2])
{
	static const struct hash_key keys[2] = {{0x636174616c6f67u, 1}, {0x636174616c6f67u, 2}};
	for (int k = 0; k < 2; k++) {
		ret[k] = 0;
		for (size_t i = 0; i < b->n_data; i++) {
			const struct bundle_file *f = &b->data[i];
			uint64_t part[3] = {ret[k], hash_bytes(&keys[k], f->name, strlen(f->name)),
					    hash_bytes(&keys[k], f->text, f->len)};
			ret[k] = hash_bytes(&keys[k], part, sizeof(part));
		}
	}
}

bool
catalogue_is_of(const struct catalogue *c, const struct bundle *b)
{
	uint64_t digest[2];
	digest_of(b, digest);
	return memcmp(digest, c->digest, sizeof(digest)) == 0;
}

struct catalogue *
catalogue_new(const struct bundle *b, struct diags *diags)
{
	struct catalogue *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	struct build build = {.c = c, .diags = diags, .bundle = b};
	c->refs = 1;
	digest_of(b, c->digest);
	rows_read(&build, kinds, N_KINDS);
	if (!c->region.failed)
		return c;
	catalogue_unref(c);
	return NULL;
}

struct catalogue *
catalogue_ref(struct catalogue *c)
{
	if (c)
		c->refs++;
	return c;
}

void
catalogue_unref(struct catalogue *c)
{
	if (!c || --c->refs)
		return;
	for (size_t i = 0; i < c->n_regexes; i++)
		regfree(&c->regexes[i]);
	region_free(&c->region);
	free(c);
}

size_t
catalogue_rows(const struct catalogue *c)
{
	return c->n_makers + c->n_ouis + c->n_brands + c->n_fingerprints + c->n_cloud_rows;
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct maker *)a)->id, ((const struct maker *)b)->id);
}

enum { MAKER_ID, MAKER_NAME, MAKER_OWNER, MAKER_KIND, MAKER_COVERED, MAKER_SOURCE };

/* An id stands in policies and records. */
static bool
is_id(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return n > 0 && n < 64 && !text[n] && text[0] != '-';
}

/* While makers are read, an owner is still a text. */
struct maker_draft {
	struct maker maker;
	struct row row;
};

void
makers_read(struct row *r)
{
	static const char *const made[] = {"maker", "platform", "label"}, *const yes[] = {"no", "yes"};
	int kind = row_word(r, MAKER_KIND, "kind", made, 3), covered = row_word(r, MAKER_COVERED, "answer", yes, 2);
	if (!is_id(r->cells[MAKER_ID].text)) {
		row_error(r, MAKER_ID, "E164", "\"%.64s\" is not an id: small letters, digits and -", r->cells[MAKER_ID].text);
		return;
	}
	if (kind < 0 || covered < 0)
		return;
	struct maker_draft *d = build_push(r->b, sizeof(*d));
	if (d)
		*d = (struct maker_draft){{.id = r->cells[MAKER_ID].text,
					   .name = r->cells[MAKER_NAME].text,
					   .covered = covered,
					   .platform = kind == 1,
					   .label = kind == 2,
					   .source = row_text(r, MAKER_SOURCE),
					   .spot = r->spot},
					  *r};
}

void
makers_finish(struct build *b)
{
	struct catalogue *c = b->c;
	struct maker_draft *drafts = b->rows.items;
	size_t n = build_tidy(b, drafts, b->rows.n, sizeof(*drafts), by_id, offsetof(struct maker_draft, maker.spot));
	c->makers = region_alloc(&c->region, (n + 1) * sizeof(*c->makers));
	if (!c->makers)
		return;
	for (size_t i = 0; i < n; i++)
		c->makers[i] = drafts[i].maker;
	c->n_makers = n;
	for (size_t i = 0; i < n; i++) {
		bool own = strcmp(drafts[i].row.cells[MAKER_OWNER].text, "-") == 0;
		uint16_t owner = own ? (uint16_t)i : row_maker(&drafts[i].row, MAKER_OWNER);
		c->makers[i].owner = owner == MAKER_UNKNOWN ? (uint16_t)i : owner;
	}
}

size_t
catalogue_makers(const struct catalogue *c, const struct maker **ret)
{
	*ret = c->makers;
	return c->n_makers;
}

uint16_t
catalogue_maker(const struct catalogue *c, const char *id)
{
	struct maker key = {.id = id};
	const struct maker *m = c->n_makers ? bsearch(&key, c->makers, c->n_makers, sizeof(*m), by_id) : NULL;
	return m ? (uint16_t)(m - c->makers) : MAKER_UNKNOWN;
}

bool
catalogue_maker_is(const struct catalogue *c, uint16_t maker, uint16_t wanted)
{
	return maker < c->n_makers && (maker == wanted || c->makers[maker].owner == wanted);
}
