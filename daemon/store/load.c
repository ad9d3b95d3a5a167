/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inventory as the engine gets it back: each device, the newest of its evidence behind it, those seen last first. */
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

struct load {
	sqlite3_stmt *devices, *evidence;
	struct store_key key; /* of the device in hand */
	bool inside;	      /* its evidence is being read */
};

static const char devices_sql[] =
	"SELECT id, mac, addr, by_address, zone, device, label, maker, score, covered, unmasked, in_policy, model, firmware, serial, uid,"
	" brand, host, first, last, flows, blocked FROM devices ORDER BY last DESC";
static const char evidence_sql[] = "SELECT channel, maker, pattern, excerpt, weight, weak, answered, times, first, last, flow FROM evidence"
				   " WHERE device=?1 ORDER BY last DESC, id DESC LIMIT ?2";

struct load *
load_new(struct database *d)
{
	struct load *l = d->reader ? calloc(1, sizeof *l) : NULL;

	if (l && sqlite3_prepare_v2(d->reader, devices_sql, -1, &l->devices, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(d->reader, evidence_sql, -1, &l->evidence, NULL) == SQLITE_OK)
		return l;
	load_free(l);
	return NULL;
}

void
load_free(struct load *l)
{
	if (l) {
		sqlite3_finalize(l->devices);
		sqlite3_finalize(l->evidence);
	}
	free(l);
}

static void
take_text(sqlite3_stmt *s, int i, char *out, size_t cap)
{
	const char *v = (const char *)sqlite3_column_text(s, i);
	size_t len = v ? strnlen(v, cap - 1) : 0;

	memcpy(out, v ? v : "", len);
	memset(out + len, 0, cap - len);
}

/* False: no device can be made of this row. */
static bool
take_key(sqlite3_stmt *s, struct store_key *k)
{
	char text[64];

	memset(k, 0, sizeof *k);
	k->by_address = sqlite3_column_int(s, 3) != 0;
	take_text(s, 4, k->zone, sizeof k->zone);
	take_text(s, 2, text, sizeof text);
	if (!addr_parse(text, &k->addr))
		return false;
	take_text(s, 1, text, sizeof text);
	return k->by_address || mac_parse(text, &k->mac);
}

static size_t
put_device(struct load *l, void *buf, size_t cap)
{
	struct store_device v = {.head = {.type = ST_DEVICE}, .key = l->key};
	sqlite3_stmt *s = l->devices;
	char *const texts[] = {v.name, v.label, v.maker};
	uint8_t *const small[] = {&v.score, &v.covered, &v.unmasked, &v.in_policy};

	for (int i = 0; i < 3; i++)
		take_text(s, 5 + i, texts[i], STORE_NAME);
	for (int i = 0; i < 4; i++)
		*small[i] = (uint8_t)(sqlite3_column_int(s, 8 + i) & 0x7f);
	for (int i = 0; i < STORE_FACTS; i++)
		take_text(s, 12 + i, v.fact[i], STORE_FACT);
	v.first_us = sqlite3_column_int64(s, 18);
	v.last_us = sqlite3_column_int64(s, 19);
	v.flows_seen = (uint64_t)sqlite3_column_int64(s, 20);
	v.flows_blocked = (uint64_t)sqlite3_column_int64(s, 21);
	return store_put(buf, cap, &v, sizeof v, NULL, 0);
}

static size_t
put_evidence(struct load *l, void *buf, size_t cap)
{
	struct store_evidence v = {.head = {.type = ST_EVIDENCE}, .key = l->key};
	sqlite3_stmt *s = l->evidence;

	take_text(s, 0, v.channel, sizeof v.channel);
	take_text(s, 1, v.maker, sizeof v.maker);
	take_text(s, 2, v.pattern, sizeof v.pattern);
	take_text(s, 3, v.excerpt, sizeof v.excerpt);
	v.weight = (uint8_t)sqlite3_column_int(s, 4);
	v.weak = sqlite3_column_int(s, 5) != 0;
	v.answered = sqlite3_column_int(s, 6) != 0;
	int64_t times = sqlite3_column_int64(s, 7);
	v.times = times < 0 || times > UINT32_MAX ? UINT32_MAX : (uint32_t)times;
	v.first_us = sqlite3_column_int64(s, 8);
	v.last_us = sqlite3_column_int64(s, 9);
	v.flow = (uint64_t)sqlite3_column_int64(s, 10);
	return store_put(buf, cap, &v, sizeof v, NULL, 0);
}

/* Damage ends the load early; what was read stays good. */
static bool
next_device(struct load *l)
{
	while (sqlite3_step(l->devices) == SQLITE_ROW)
		if (take_key(l->devices, &l->key)) {
			sqlite3_reset(l->evidence);
			sqlite3_bind_int64(l->evidence, 1, sqlite3_column_int64(l->devices, 0));
			sqlite3_bind_int(l->evidence, 2, STORE_EVIDENCE_LOAD);
			return true;
		}
	return false;
}

size_t
load_fill(struct load *l, void *buf, size_t cap, bool *ret_end)
{
	size_t len = 0, most = sizeof(struct store_device);

	*ret_end = false;
	while (cap - len >= most) {
		uint8_t *at = (uint8_t *)buf + len;
		if (l->inside && sqlite3_step(l->evidence) == SQLITE_ROW) {
			len += put_evidence(l, at, cap - len);
			continue;
		}
		l->inside = next_device(l);
		if (!l->inside) {
			*ret_end = true;
			return len;
		}
		len += put_device(l, at, cap - len);
	}
	return len;
}
