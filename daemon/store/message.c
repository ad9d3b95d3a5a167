/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records between engine and store: how long each type is, and that nothing in it runs past its end. See store.h. */
#include <stdio.h>
#include <string.h>

#include "store.h"

enum { TEXT_MAX = 255, FIELDS = 10 };

/* A char array in the fixed part. */
struct field {
	uint16_t at, size;
};

#define FIELD(type, member)                                                       \
	{                                                                         \
		offsetof(struct type, member), sizeof((struct type *)0)->member \
	}
#define ZONE(type)                                                                              \
	{                                                                                       \
		offsetof(struct type, key) + offsetof(struct store_key, zone), STORE_NAME \
	}

static const struct shape {
	uint16_t fixed, texts;
	struct field field[FIELDS];
} shapes[ST_TYPES] = {
	[ST_HELLO] = {sizeof(struct store_hello), 2, {{0}}},
	[ST_DEVICE] = {sizeof(struct store_device),
		       0,
		       {ZONE(store_device), FIELD(store_device, name), FIELD(store_device, label), FIELD(store_device, maker),
			FIELD(store_device, fact[0]), FIELD(store_device, fact[1]), FIELD(store_device, fact[2]),
			FIELD(store_device, fact[3]), FIELD(store_device, fact[4]), FIELD(store_device, fact[5])}},
	[ST_EVIDENCE] = {sizeof(struct store_evidence),
			 0,
			 {ZONE(store_evidence), FIELD(store_evidence, channel), FIELD(store_evidence, maker),
			  FIELD(store_evidence, pattern), FIELD(store_evidence, excerpt)}},
	[ST_FLOW] = {sizeof(struct store_flow), FLOW_TEXTS, {ZONE(store_flow)}},
	[ST_EVENT] = {sizeof(struct store_event), 3, {{0}}},
	[ST_FORGET] = {sizeof(struct store_forget), 0, {ZONE(store_forget)}},
	[ST_QUERY] = {sizeof(struct store_query), 0, {FIELD(store_query, kind), FIELD(store_query, device)}},
	[ST_NEXT] = {sizeof(struct store_head), 0, {{0}}},
	[ST_CANCEL] = {sizeof(struct store_head), 0, {{0}}},
	[ST_LOADED] = {sizeof(struct store_head), 0, {{0}}},
	[ST_STATE] = {sizeof(struct store_state), 0, {FIELD(store_state, text)}},
	[ST_ROW] = {sizeof(struct store_head), 1, {{0}}},
	[ST_PAUSE] = {sizeof(struct store_head), 0, {{0}}},
	[ST_DONE] = {sizeof(struct store_done), 0, {FIELD(store_done, text)}},
};

_Static_assert(sizeof(struct store_hello) % 8 == 0 && sizeof(struct store_device) % 8 == 0 && sizeof(struct store_evidence) % 8 == 0 &&
		       sizeof(struct store_flow) % 8 == 0 && sizeof(struct store_forget) % 8 == 0 && sizeof(struct store_query) % 8 == 0 &&
		       sizeof(struct store_state) % 8 == 0 && sizeof(struct store_done) % 8 == 0,
	       "records are multiples of 8, so that the next one is aligned");

void
store_walk(struct store_walk *w, const void *datagram, size_t len)
{
	w->at = datagram;
	w->left = len;
	w->refused = 0;
	w->n_texts = 0;
}

static bool
ends_inside(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

/* Finds the texts behind the fixed part; there must be as many as the type has, and then only padding. */
static bool
take_texts(struct store_walk *w, const struct shape *s, size_t len)
{
	const char *at = (const char *)&w->record + s->fixed, *end = (const char *)&w->record + len;

	for (w->n_texts = 0; w->n_texts < s->texts; w->n_texts++) {
		const char *nul = memchr(at, 0, (size_t)(end - at));
		if (!nul)
			return false;
		w->text[w->n_texts] = at;
		at = nul + 1;
	}
	return end - at < 8;
}

static bool
makes_sense(struct store_walk *w, const struct shape *s, size_t len)
{
	if (s->fixed == 0 || len < s->fixed || len > sizeof w->record)
		return false;
	memcpy(&w->record, w->at, len);
	for (size_t i = 0; i < FIELDS && s->field[i].size; i++)
		if (!ends_inside((const char *)&w->record + s->field[i].at, s->field[i].size))
			return false;
	return take_texts(w, s, len);
}

const struct store_head *
store_next(struct store_walk *w)
{
	struct store_head head;

	while (w->left) {
		if (w->left >= sizeof head)
			memcpy(&head, w->at, sizeof head);
		if (w->left < sizeof head || head.len < sizeof head || head.len % 8 || head.len > w->left) {
			w->refused++; /* nobody knows where the next one begins */
			w->left = 0;
			return NULL;
		}
		bool good = head.type < ST_TYPES && makes_sense(w, &shapes[head.type], head.len);
		w->at += head.len;
		w->left -= head.len;
		if (good)
			return &w->record.head;
		w->refused++;
	}
	return NULL;
}

size_t
store_put(void *buf, size_t cap, const void *fixed, size_t fixed_len, const char *const *texts, size_t n_texts)
{
	uint8_t *out = buf;
	struct store_head head;
	size_t len = fixed_len;

	if (fixed_len > cap)
		return 0;
	memcpy(out, fixed, fixed_len);
	memcpy(&head, fixed, sizeof head);
	for (size_t i = 0; i < n_texts; i++) {
		size_t n = strnlen(texts[i], head.type == ST_ROW ? STORE_ROW_BYTES : TEXT_MAX);
		if (len + n + 1 > cap)
			return 0;
		memcpy(out + len, texts[i], n);
		out[len + n] = 0;
		len += n + 1;
	}
	size_t padded = (len + 7) / 8 * 8;
	if (padded > cap || padded > UINT16_MAX)
		return 0;
	memset(out + len, 0, padded - len);
	head.len = (uint16_t)padded;
	memcpy(out, &head, sizeof head);
	return padded;
}

const char *
store_key_text(const struct store_key *k, char out[STORE_KEY_TEXT])
{
	char who[ADDR_TEXT];

	if (k->by_address)
		addr_print(&k->addr, who);
	else
		mac_print(&k->mac, who);
	snprintf(out, STORE_KEY_TEXT, "%s/%s", who, k->zone);
	return out;
}
