/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose cameras are sold under which brand. People write brands in many ways, so only letters and digits are compared. */
#include <stdlib.h>
#include <string.h>

#include "catalogue_private.h"

enum { BRAND_BRAND, BRAND_MAKER, BRAND_CONFIDENCE, BRAND_SOURCE, BRAND_NOTE };
enum { KEY_MAX = 128 };

/* Letters and digits in lower case; bytes of other alphabets as they are. False: nothing is left, or it is too long. */
static bool
key_of(const char *brand, char out[KEY_MAX])
{
	size_t n = 0;
	for (; *brand; brand++) {
		unsigned char c = (unsigned char)*brand;
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (c < 0x80 && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			continue;
		if (n == KEY_MAX - 1)
			return false;
		out[n++] = (char)c;
	}
	out[n] = 0;
	return n > 0;
}

void
brands_read(struct row *r)
{
	static const char *const words[] = {"low", "medium", "high"};
	const char *maker = r->cells[BRAND_MAKER].text;
	char key[KEY_MAX];
	bool named = key_of(r->cells[BRAND_BRAND].text, key), nobody = strcmp(maker, "-") == 0;
	if (!named)
		row_error(r, BRAND_BRAND, "E164", "\"%.64s\" is not a brand: no letter, no digit, or too long", r->cells[BRAND_BRAND].text);
	int confidence = row_word(r, BRAND_CONFIDENCE, "confidence", words, 3);
	uint16_t index = nobody ? MAKER_UNKNOWN : row_maker(r, BRAND_MAKER);
	if (!named || confidence < 0 || (index == MAKER_UNKNOWN && !nobody))
		return;
	struct brand_row *row = build_push(r->b, sizeof(*row));
	if (row)
		*row = (struct brand_row){.brand = r->cells[BRAND_BRAND].text,
					  .maker = index,
					  .confidence = (enum confidence)confidence,
					  .source = row_text(r, BRAND_SOURCE),
					  .note = row_text(r, BRAND_NOTE),
					  .key = region_text(&r->b->c->region, key),
					  .spot = r->spot};
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct brand_row *)a)->key, ((const struct brand_row *)b)->key);
}

static int
by_key_and_maker(const void *a, const void *b)
{
	const struct brand_row *x = a, *y = b;
	int order = by_key(a, b);
	return order ? order : (x->maker > y->maker) - (x->maker < y->maker);
}

void
brands_finish(struct build *b)
{
	struct catalogue *c = b->c;
	c->brands = b->rows.items;
	c->n_brands = build_tidy(b, c->brands, b->rows.n, sizeof(*c->brands), by_key_and_maker, offsetof(struct brand_row, spot));
}

size_t
catalogue_brand(const struct catalogue *c, const char *brand, const struct brand_row **ret)
{
	char key[KEY_MAX];
	struct brand_row wanted = {.key = key};
	if (!c->n_brands || !key_of(brand, key))
		return 0;
	const struct brand_row *hit = bsearch(&wanted, c->brands, c->n_brands, sizeof(*hit), by_key), *end = c->brands + c->n_brands;
	if (!hit)
		return 0;
	while (hit > c->brands && by_key(hit - 1, &wanted) == 0)
		hit--;
	size_t n = 1;
	while (hit + n < end && by_key(hit + n, &wanted) == 0)
		n++;
	*ret = hit;
	return n;
}

size_t
catalogue_brands(const struct catalogue *c, const struct brand_row **ret)
{
	*ret = c->brands;
	return c->n_brands;
}

bool
catalogue_brand_is(const struct catalogue *c, const char *brand, uint16_t maker)
{
	const struct brand_row *rows;
	size_t n = catalogue_brand(c, brand, &rows);
	if (maker >= c->n_makers)
		return false;
	for (size_t i = 0; i < n; i++)
		if (rows[i].maker < c->n_makers && c->makers[rows[i].maker].owner == c->makers[maker].owner)
			return true;
	return false;
}
