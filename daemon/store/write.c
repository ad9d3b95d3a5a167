/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One record into the database. A type is a row of writers[]; what a flow's row holds is told by one table, in the order of the schema.
 */
#include <string.h>

#include "record.h"
#include "store_private.h"

enum { HOUR_S = 3600, UPPER = 16 };

static void
bind_text(sqlite3_stmt *s, int i, const char *text)
{
	sqlite3_bind_text(s, i, text, -1, SQLITE_TRANSIENT);
}

static void
bind_mac(sqlite3_stmt *s, int i, const struct store_key *k)
{
	char text[MAC_TEXT];
	bind_text(s, i, k->by_address || mac_is_zero(&k->mac) ? "" : mac_print(&k->mac, text));
}

static void
bind_addr(sqlite3_stmt *s, int i, const struct addr *a)
{
	char text[ADDR_TEXT];
	bind_text(s, i, addr_print(a, text));
}

static void
bind_proto(sqlite3_stmt *s, int i, uint8_t proto)
{
	char text[UPPER] = "";
	const char *name = proto_name(proto);

	if (!name) {
		sqlite3_bind_int(s, i, proto);
		return;
	}
	for (size_t k = 0; k < sizeof text - 1 && name[k]; k++)
		text[k] = (char)(name[k] >= 'a' && name[k] <= 'z' ? name[k] - 'a' + 'A' : name[k]);
	bind_text(s, i, text);
}

static int
run(struct database *d, enum statement s)
{
	int rc = database_step(d, s);

	if (rc == SQLITE_ROW)
		sqlite3_reset(d->statement[s]);
	return rc == SQLITE_ROW ? SQLITE_DONE : rc;
}

/* ---- devices ---- */

static int
delete_device(struct database *d, int64_t id)
{
	static const enum statement all[] = {S_EVIDENCE_DELETE, S_DESTINATION_DELETE, S_DEVICE_DELETE};
	int rc = SQLITE_DONE;

	for (size_t i = 0; i < sizeof all / sizeof *all && rc == SQLITE_DONE; i++) {
		sqlite3_bind_int64(d->statement[all[i]], 1, id);
		rc = run(d, all[i]);
	}
	d->devices -= rc == SQLITE_DONE && d->devices > 0;
	return rc;
}

/* The longest silent one makes room. */
static int
keep_bound(struct database *d)
{
	int rc = SQLITE_DONE;

	while (d->devices > (int64_t)d->limits.devices && rc == SQLITE_DONE) {
		int64_t id = database_number(d, S_DEVICE_OLDEST);
		if (id < 0)
			break;
		rc = delete_device(d, id);
	}
	return rc;
}

/* 0: none, or *ret_rc says why. */
static int64_t
find_device(struct database *d, const struct store_key *k, int *ret_rc)
{
	char identity[STORE_KEY_TEXT];
	sqlite3_stmt *s = d->statement[S_DEVICE_FIND];

	bind_text(s, 1, store_key_text(k, identity));
	*ret_rc = database_step(d, S_DEVICE_FIND);
	int64_t id = *ret_rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return id;
}

/* Something is told of a device before the device itself was. */
static int64_t
need_device(struct database *d, const struct store_key *k, const char *name, int64_t time_us, int *ret_rc)
{
	int64_t id = find_device(d, k, ret_rc);
	sqlite3_stmt *s = d->statement[S_DEVICE_MAKE];
	char identity[STORE_KEY_TEXT];

	if (id || (*ret_rc != SQLITE_DONE && *ret_rc != SQLITE_ROW))
		return id;
	bind_text(s, 1, store_key_text(k, identity));
	bind_mac(s, 2, k);
	bind_addr(s, 3, &k->addr);
	sqlite3_bind_int(s, 4, k->by_address != 0);
	bind_text(s, 5, k->zone);
	bind_text(s, 6, name);
	sqlite3_bind_int64(s, 7, time_us);
	*ret_rc = run(d, S_DEVICE_MAKE);
	if (*ret_rc != SQLITE_DONE)
		return 0;
	id = sqlite3_last_insert_rowid(d->writer);
	d->devices++;
	*ret_rc = keep_bound(d);
	return id;
}

static int
write_device(struct database *d, const struct store_walk *w)
{
	const struct store_device *v = (const void *)&w->record;
	sqlite3_stmt *s = d->statement[S_DEVICE_PUT];
	char identity[STORE_KEY_TEXT];
	int rc;

	bool known = find_device(d, &v->key, &rc) != 0;
	bind_text(s, 1, store_key_text(&v->key, identity));
	bind_mac(s, 2, &v->key);
	bind_addr(s, 3, &v->key.addr);
	sqlite3_bind_int(s, 4, v->key.by_address != 0);
	const char *const texts[] = {v->key.zone, v->name, v->label, v->maker};
	for (int i = 0; i < 4; i++)
		bind_text(s, 5 + i, texts[i]);
	const uint8_t numbers[] = {v->score, v->covered != 0, v->unmasked != 0, v->in_policy != 0};
	for (int i = 0; i < 4; i++)
		sqlite3_bind_int(s, 9 + i, numbers[i]);
	for (int i = 0; i < STORE_FACTS; i++)
		bind_text(s, 13 + i, v->fact[i]);
	const int64_t counts[] = {v->first_us, v->last_us, (int64_t)v->flows_seen, (int64_t)v->flows_blocked};
	for (int i = 0; i < 4; i++)
		sqlite3_bind_int64(s, 19 + i, counts[i]);
	rc = run(d, S_DEVICE_PUT);
	if (rc != SQLITE_DONE || known)
		return rc;
	d->devices++;
	return keep_bound(d);
}

static int
write_forget(struct database *d, const struct store_walk *w)
{
	const struct store_forget *v = (const void *)&w->record;
	int rc;
	int64_t id = find_device(d, &v->key, &rc);

	if (id)
		return delete_device(d, id);
	return rc;
}

/* ---- what belongs to a device: updated where it is, else made and the oldest beyond the bound removed ---- */

static int
see_or_make(struct database *d, enum statement seen, enum statement make, enum statement crop, int64_t device, int most)
{
	int rc = run(d, seen);

	if (rc != SQLITE_DONE || sqlite3_changes(d->writer))
		return rc;
	rc = run(d, make);
	if (rc != SQLITE_DONE)
		return rc;
	sqlite3_bind_int64(d->statement[crop], 1, device);
	sqlite3_bind_int(d->statement[crop], 2, most);
	return run(d, crop);
}

static int
write_evidence(struct database *d, const struct store_walk *w)
{
	static const enum statement both[] = {S_EVIDENCE_SEEN, S_EVIDENCE_MAKE};
	const struct store_evidence *v = (const void *)&w->record;
	char who[STORE_KEY_TEXT];
	int rc;

	int64_t id = need_device(d, &v->key, store_key_text(&v->key, who), v->last_us, &rc);
	if (!id)
		return rc;
	for (size_t k = 0; k < 2; k++) {
		sqlite3_stmt *s = d->statement[both[k]];
		const char *const texts[] = {v->channel, v->maker, v->pattern, v->excerpt};
		const int64_t numbers[] = {v->weight, v->weak != 0, v->answered != 0, v->times, v->first_us, v->last_us, (int64_t)v->flow};
		sqlite3_bind_int64(s, 1, id);
		for (int i = 0; i < 4; i++)
			bind_text(s, 2 + i, texts[i]);
		for (int i = 0; i < 7; i++)
			sqlite3_bind_int64(s, 6 + i, numbers[i]);
	}
	return see_or_make(d, S_EVIDENCE_SEEN, S_EVIDENCE_MAKE, S_EVIDENCE_CROP, id, STORE_EVIDENCE_DEVICE);
}

/* ---- flows ---- */

enum kind { TEXT, ADDRESS, MAC, ZONE, PROTO, FLAG, U16, U32, U64 };

#define OF(field) offsetof(struct store_flow, field)

/* In the order of the schema's columns. */
static const struct column {
	enum kind kind;
	uint16_t at; /* TEXT: which */
} columns[] = {
	{TEXT, FLOW_TEXT_DEVICE},    {MAC, 0},			  {ZONE, 0},		       {ADDRESS, OF(local)},
	{FLAG, OF(inbound)},	     {ADDRESS, OF(remote)},	  {U16, OF(dest_port)},	       {PROTO, OF(proto)},
	{TEXT, FLOW_TEXT_APP_PROTO}, {TEXT, FLOW_TEXT_NAME},	  {TEXT, FLOW_TEXT_NAME_FROM}, {TEXT, FLOW_TEXT_COUNTRY},
	{U32, OF(asn)},		     {TEXT, FLOW_TEXT_AS_NAME},	  {TEXT, FLOW_TEXT_SPECIAL},   {FLAG, OF(anycast)},
	{TEXT, FLOW_TEXT_REMOTE_ZONE}, {TEXT, FLOW_TEXT_DECISION}, {TEXT, FLOW_TEXT_WOULD},    {TEXT, FLOW_TEXT_RULE},
	{TEXT, FLOW_TEXT_RULE_FILE}, {U32, OF(rule_line)},	  {TEXT, FLOW_TEXT_POLICY},    {TEXT, FLOW_TEXT_BOUND},
	{FLAG, OF(ech)},	     {FLAG, OF(proved)},	  {TEXT, FLOW_TEXT_CLOUDS},    {U64, OF(flows)},
	{U64, OF(packets)},	     {U64, OF(bytes_toserver)},	  {U64, OF(bytes_toclient)},   {U64, OF(first_us)},
	{U64, OF(last_us)},	     {TEXT, FLOW_TEXT_QUERY},	  {TEXT, FLOW_TEXT_REGISTERED}, {TEXT, FLOW_TEXT_CONTINENT},
};
enum { BODY = sizeof columns / sizeof *columns };

static void
bind_column(sqlite3_stmt *s, int i, const struct column *c, const struct store_flow *f, const struct store_walk *w)
{
	const uint8_t *at = (const uint8_t *)f + c->at;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (c->kind) {
	case TEXT: bind_text(s, i, w->text[c->at]); break;
	case ADDRESS: bind_addr(s, i, (const struct addr *)at); break;
	case MAC: bind_mac(s, i, &f->key); break;
	case ZONE: bind_text(s, i, f->key.zone); break;
	case PROTO: bind_proto(s, i, *at); break;
	case FLAG: sqlite3_bind_int(s, i, *at != 0); break;
	case U16: memcpy(&u16, at, sizeof u16); sqlite3_bind_int(s, i, u16); break;
	case U32: memcpy(&u32, at, sizeof u32); sqlite3_bind_int64(s, i, u32); break;
	case U64: memcpy(&u64, at, sizeof u64); sqlite3_bind_int64(s, i, (int64_t)u64); break;
	}
}

/* What makes two flows of an hour one row: all of the record but its counts, its times, its number, its own port and its reason. */
static int64_t
row_key(const struct database *d, const struct store_flow *f, const struct store_walk *w)
{
	uint8_t copy[sizeof w->record];
	struct store_flow k = *f;
	size_t len = f->head.len;

	k.head.len = 0; /* of the reason, too */
	k.id = k.flows = k.packets = k.bytes_toserver = k.bytes_toclient = 0;
	k.first_us = k.last_us = 0;
	k.src_port = k.end = 0;
	memcpy(copy, &w->record, len);
	memcpy(copy, &k, sizeof k);
	/* The reason leaves; what stood behind it moves up. */
	size_t reason = (size_t)(w->text[FLOW_TEXT_REASON] - (const char *)&w->record), gap = strlen(w->text[FLOW_TEXT_REASON]);
	const char *last = w->text[FLOW_TEXTS - 1];
	size_t end = (size_t)(last + strlen(last) + 1 - (const char *)&w->record);
	memmove(copy + reason, copy + reason + gap, end - reason - gap);
	return (int64_t)hash_bytes(&d->key, copy, end - gap);
}

static int
write_destination(struct database *d, const struct store_flow *f, const struct store_walk *w)
{
	static const enum statement both[] = {S_DESTINATION_SEEN, S_DESTINATION_MAKE};
	char text[ADDR_TEXT];
	int rc;
	int64_t id = need_device(d, &f->key, w->text[FLOW_TEXT_DEVICE], f->first_us, &rc);

	if (!id)
		return rc;
	const char *remote = w->text[FLOW_TEXT_NAME][0] ? w->text[FLOW_TEXT_NAME] : addr_print(&f->remote, text);
	for (size_t k = 0; k < 2; k++) {
		sqlite3_stmt *s = d->statement[both[k]];
		sqlite3_bind_int64(s, 1, id);
		bind_text(s, 2, remote);
		sqlite3_bind_int(s, 3, f->dest_port);
		bind_proto(s, 4, f->proto);
		bind_text(s, 5, w->text[FLOW_TEXT_COUNTRY]);
		sqlite3_bind_int64(s, 6, f->asn);
		bind_text(s, 7, w->text[FLOW_TEXT_DECISION]);
		sqlite3_bind_int64(s, 8, (int64_t)f->flows);
		sqlite3_bind_int64(s, 9, f->first_us);
		sqlite3_bind_int64(s, 10, f->last_us);
	}
	return see_or_make(d, S_DESTINATION_SEEN, S_DESTINATION_MAKE, S_DESTINATION_CROP, id, STORE_DESTINATIONS);
}

static int
write_flow(struct database *d, const struct store_walk *w)
{
	const struct store_flow *f = (const void *)&w->record;
	sqlite3_stmt *hourly = d->statement[S_FLOWS_PUT], *single = d->statement[S_FLOW_PUT];

	if (f->last_us < 0 || f->end > FLOW_END_SHUTDOWN)
		return SQLITE_MISUSE;
	if (d->limits.days == 0)
		return SQLITE_DONE;
	for (int i = 0; i < BODY; i++) {
		bind_column(hourly, i + 1, &columns[i], f, w);
		bind_column(single, i + 1, &columns[i], f, w);
	}
	int64_t last_s = f->last_us / 1000000;
	sqlite3_bind_int64(hourly, BODY + 1, last_s - last_s % HOUR_S);
	sqlite3_bind_int64(hourly, BODY + 2, row_key(d, f, w));
	int rc = run(d, S_FLOWS_PUT);
	if (rc == SQLITE_DONE && f->id) {
		sqlite3_bind_int64(single, BODY + 1, (int64_t)f->id);
		sqlite3_bind_int(single, BODY + 2, f->src_port);
		bind_text(single, BODY + 3, flow_end_name((enum flow_end)f->end));
		bind_text(single, BODY + 4, w->text[FLOW_TEXT_REASON]);
		rc = run(d, S_FLOW_PUT);
	}
	return rc == SQLITE_DONE && !f->inbound && !w->text[FLOW_TEXT_QUERY][0] ? write_destination(d, f, w) : rc;
}

/* ---- the rest ---- */

static int
write_event(struct database *d, const struct store_walk *w)
{
	const struct store_event *v = (const void *)&w->record;
	sqlite3_stmt *s = d->statement[S_EVENT_PUT];

	sqlite3_bind_int64(s, 1, v->time_us);
	for (int i = 0; i < 3; i++)
		bind_text(s, 2 + i, w->text[i]);
	return run(d, S_EVENT_PUT);
}

static int
write_hello(struct database *d, const struct store_walk *w)
{
	const struct store_hello *v = (const void *)&w->record;
	sqlite3_stmt *s = d->statement[S_RUN_PUT];

	d->limits = (struct limits){.devices = v->devices, .days = v->days, .bytes = v->bytes};
	if (!v->wants)
		return SQLITE_DONE; /* a new policy, or this store is not this engine's first: no run begins */
	sqlite3_bind_int64(s, 1, v->time_us);
	sqlite3_bind_int64(s, 2, v->boot);
	sqlite3_bind_int64(s, 3, v->restarts);
	bind_text(s, 4, w->text[0]);
	bind_text(s, 5, w->text[1]);
	return run(d, S_RUN_PUT);
}

static int (*const writers[ST_TYPES])(struct database *d, const struct store_walk *w) = {
	[ST_HELLO] = write_hello, [ST_DEVICE] = write_device, [ST_EVIDENCE] = write_evidence,
	[ST_FLOW] = write_flow,	  [ST_EVENT] = write_event,   [ST_FORGET] = write_forget,
};

int
write_record(struct database *d, const struct store_walk *w)
{
	uint16_t type = w->record.head.type;

	return type < ST_TYPES && writers[type] ? writers[type](d, w) : SQLITE_MISUSE;
}
