/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of history as structs; see history.h. Answers are limited, so the flows are read hour by hour from where the last answer ended. */
#include "history.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "client.h"
#include "hash.h"
#include "store.h"

enum {
	TIMEOUT_S = 60,
	CHUNK = 1 << 18, /* bytes of text in one piece of memory */
	TEXT_MAX = 1024, /* of one text; the store keeps no longer ones */
};

/* ---- texts ---- */

struct chunk {
	struct chunk *next;
	size_t used;
	char bytes[CHUNK];
};

struct history_texts {
	struct chunk *chunks;
	const char **table;
	size_t size, n; /* size is a power of two */
	struct hash_key key;
	uint32_t *by_who; /* devices by who and zone: place + 1 */
	size_t n_by_who, indexed;
};

static bool
grow_table(struct history_texts *t)
{
	size_t size = t->size ? t->size * 2 : 4096;
	const char **table = calloc(size, sizeof *table);

	if (!table)
		return false;
	for (size_t i = 0; i < t->size; i++) {
		if (!t->table[i])
			continue;
		size_t at = hash_bytes(&t->key, t->table[i], strlen(t->table[i])) & (size - 1);
		while (table[at])
			at = (at + 1) & (size - 1);
		table[at] = t->table[i];
	}
	free(t->table);
	t->table = table;
	t->size = size;
	return true;
}

static char *
place_text(struct history_texts *t, const char *text, size_t len)
{
	if (!t->chunks || CHUNK - t->chunks->used < len + 1) {
		struct chunk *c = malloc(sizeof *c);
		if (!c)
			return NULL;
		c->next = t->chunks;
		c->used = 0;
		t->chunks = c;
	}
	char *copy = t->chunks->bytes + t->chunks->used;
	memcpy(copy, text, len);
	copy[len] = 0;
	t->chunks->used += len + 1;
	return copy;
}

const char *
history_text(struct history *h, const char *text)
{
	struct history_texts *t = h->texts;
	size_t len = text ? strnlen(text, TEXT_MAX) : 0;

	if (len == 0 || (t->n * 2 >= t->size && !grow_table(t)))
		return "";
	size_t at = hash_bytes(&t->key, text, len) & (t->size - 1);
	for (; t->table[at]; at = (at + 1) & (t->size - 1))
		if (strncmp(t->table[at], text, len) == 0 && t->table[at][len] == 0)
			return t->table[at];
	const char *copy = place_text(t, text, len);
	if (!copy)
		return "";
	t->table[at] = copy;
	t->n++;
	return copy;
}

struct history *
history_new(int64_t since_s, int64_t until_s)
{
	struct history *h = calloc(1, sizeof *h);

	if (!h || !(h->texts = calloc(1, sizeof *h->texts))) {
		free(h);
		return NULL;
	}
	hash_key_random(&h->texts->key);
	h->since_s = since_s;
	h->until_s = until_s;
	return h;
}

void
history_free(struct history *h)
{
	if (!h)
		return;
	for (struct chunk *c = h->texts->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(h->texts->table);
	free(h->texts->by_who);
	free(h->texts);
	free(h->flows);
	free(h->devices);
	free(h->evidence);
	free(h->events);
	free(h->runs);
	free(h);
}

/* ---- rows ---- */

/* One place more behind n; NULL: full, or memory is short. */
static void *
push(struct history *h, void *list, size_t *n, size_t item)
{
	char **base = list;

	if (*n >= HISTORY_ROWS_MAX) {
		h->cut = true;
		return NULL;
	}
	if ((*n & (*n - 1)) == 0) {
		char *more = realloc(*base, (*n ? *n * 2 : 1) * item);
		if (!more) {
			h->cut = true;
			return NULL;
		}
		*base = more;
	}
	return memset(*base + (*n)++ * item, 0, item);
}

static const char *
text_of(struct history *h, struct json_object *row, const char *key)
{
	return history_text(h, client_text(row, key));
}

static uint64_t
count_of(struct json_object *row, const char *key)
{
	long long v = client_number(row, key);
	return v > 0 ? (uint64_t)v : 0;
}

static uint8_t
list_of(struct history *h, struct json_object *row, const char *key, const char **ret, size_t max)
{
	struct json_object *list = client_member(row, key);
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0, kept = 0;

	for (size_t i = 0; i < n && kept < max; i++) {
		struct json_object *v = json_object_array_get_idx(list, i);
		const char *text = json_object_is_type(v, json_type_string) ? history_text(h, json_object_get_string(v)) : "";
		if (*text)
			ret[kept++] = text;
	}
	return (uint8_t)kept;
}

/* "TCP", or a number. 0: none. */
static uint8_t
protocol_number(struct json_object *row)
{
	const char *text = json_object_get_string(client_member(row, "proto"));
	char name[16] = "";

	for (size_t i = 0; text && text[i] && i < sizeof name - 1; i++)
		name[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	int number = proto_number(name);
	return number > 0 && number < 256 ? (uint8_t)number : 0;
}

static bool
take_flow(struct history *h, struct json_object *row)
{
	struct addr local, remote;
	uint8_t proto = protocol_number(row);

	if (!addr_parse(client_text(row, "dest_ip"), &remote) || !addr_parse(client_text(row, "local"), &local) || !proto) {
		h->bad++;
		return true;
	}
	struct history_flow *f = push(h, &h->flows, &h->n_flows, sizeof *h->flows);
	if (!f)
		return false;
	const struct {
		const char **at, *key;
	} texts[] = {
		{&f->device, "device"},	    {&f->mac, "mac"},		    {&f->zone, "zone"},		{&f->local, "local"},
		{&f->dest_ip, "dest_ip"},   {&f->app_proto, "app_proto"},   {&f->name, "name"},		{&f->name_from, "name_from"},
		{&f->country, "country"},   {&f->registered, "registered"}, {&f->continent, "continent"}, {&f->as_name, "as_name"},
		{&f->special, "special"},   {&f->remote_zone, "remote_zone"}, {&f->decision, "decision"}, {&f->would, "would"},
		{&f->rule, "rule"},	    {&f->policy_id, "policy_id"},   {&f->query, "query"},
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i].at = text_of(h, row, texts[i].key);
	f->proto = history_text(h, json_object_get_string(client_member(row, "proto")));
	f->local_addr = local;
	f->remote = remote;
	f->ip_proto = proto;
	f->hour = client_number(row, "hour");
	f->first_us = client_number(row, "first");
	f->last_us = client_number(row, "last");
	f->dest_port = (uint16_t)client_number(row, "dest_port");
	f->asn = (uint32_t)client_number(row, "asn");
	f->inbound = client_flag(row, "inbound");
	f->anycast = client_flag(row, "anycast");
	f->ech = client_flag(row, "ech");
	f->proved = client_flag(row, "proved");
	f->flows = count_of(row, "flows");
	f->packets = count_of(row, "packets");
	f->bytes_toserver = count_of(row, "bytes_toserver");
	f->bytes_toclient = count_of(row, "bytes_toclient");
	f->n_bound = list_of(h, row, "bound", f->bound, FACTS_BOUND);
	f->n_clouds = list_of(h, row, "clouds", f->clouds, sizeof f->clouds / sizeof *f->clouds);
	return true;
}

static bool
take_device(struct history *h, struct json_object *row)
{
	struct history_device *d = push(h, &h->devices, &h->n_devices, sizeof *h->devices);

	if (!d)
		return false;
	const struct {
		const char **at, *key;
	} texts[] = {{&d->device, "device"}, {&d->label, "label"},   {&d->mac, "mac"},	   {&d->addr, "addr"},
		     {&d->zone, "zone"},     {&d->maker, "maker"},   {&d->model, "model"},   {&d->firmware, "firmware"},
		     {&d->serial, "serial"}, {&d->uid, "uid"},	     {&d->brand, "brand"},   {&d->host, "host"}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i].at = text_of(h, row, texts[i].key);
	d->by_address = client_flag(row, "by_address");
	d->covered = client_flag(row, "covered");
	d->unmasked = client_flag(row, "unmasked");
	d->in_policy = client_flag(row, "in_policy");
	d->score = (int)client_number(row, "score");
	d->first_us = client_number(row, "first");
	d->last_us = client_number(row, "last");
	d->flows = count_of(row, "flows");
	d->blocked = count_of(row, "blocked");
	d->destinations = count_of(row, "destinations");
	return true;
}

static bool
take_evidence(struct history *h, struct json_object *row)
{
	struct history_evidence *e = push(h, &h->evidence, &h->n_evidence, sizeof *h->evidence);

	if (!e)
		return false;
	e->device = text_of(h, row, "device");
	e->mac = text_of(h, row, "mac");
	e->addr = text_of(h, row, "addr");
	e->channel = text_of(h, row, "channel");
	e->maker = text_of(h, row, "maker");
	e->pattern = text_of(h, row, "pattern");
	e->excerpt = text_of(h, row, "excerpt");
	e->weight = (int)client_number(row, "weight");
	e->weak = client_flag(row, "weak");
	e->answered = client_flag(row, "answered");
	e->times = count_of(row, "times");
	e->first_us = client_number(row, "first");
	e->last_us = client_number(row, "last");
	return true;
}

static bool
take_event(struct history *h, struct json_object *row)
{
	struct history_event *e = push(h, &h->events, &h->n_events, sizeof *h->events);

	if (!e)
		return false;
	e->us = client_number(row, "time");
	e->kind = text_of(h, row, "kind");
	e->who = text_of(h, row, "who");
	e->text = text_of(h, row, "text");
	return true;
}

static bool
take_run(struct history *h, struct json_object *row)
{
	struct history_run *r = push(h, &h->runs, &h->n_runs, sizeof *h->runs);

	if (!r)
		return false;
	r->us = client_number(row, "time");
	r->boot = count_of(row, "boot");
	r->restarts = count_of(row, "restarts");
	r->version = text_of(h, row, "version");
	r->policy_id = text_of(h, row, "policy_id");
	return true;
}

static const struct row_kind {
	const char *name;
	bool (*take)(struct history *h, struct json_object *row);
	unsigned bit;
	bool whole; /* not only since: a device that was silent lately is still one */
} kinds[] = {
	{"flows", take_flow, HISTORY_FLOWS, false},	     {"devices", take_device, HISTORY_DEVICES, true},
	{"evidence", take_evidence, HISTORY_EVIDENCE, true}, {"events", take_event, HISTORY_EVENTS, false},
	{"runs", take_run, HISTORY_RUNS, false},
};

bool
history_take(struct history *h, const char *kind, struct json_object *row)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, kind) == 0)
			return kinds[i].take(h, row);
	return true;
}

static size_t
device_place(const struct history_texts *t, const char *who, const char *zone)
{
	const char *const both[] = {who, zone}; /* texts are kept once each: their places tell them apart */
	return hash_bytes(&t->key, both, sizeof both);
}

/* Devices are looked up for each row. */
static void
index_devices(struct history *h)
{
	struct history_texts *t = h->texts;
	size_t size = 64;

	while (size < 2 * h->n_devices)
		size *= 2;
	free(t->by_who);
	t->n_by_who = 0;
	t->by_who = calloc(size, sizeof *t->by_who);
	if (!t->by_who)
		return;
	t->n_by_who = size;
	for (size_t i = 0; i < h->n_devices; i++) {
		const struct history_device *d = &h->devices[i];
		size_t at = device_place(t, d->by_address ? d->addr : d->mac, d->zone) & (size - 1);
		while (t->by_who[at])
			at = (at + 1) & (size - 1);
		t->by_who[at] = (uint32_t)i + 1;
	}
	t->indexed = h->n_devices;
}

const struct history_device *
history_device_of(struct history *h, const struct history_flow *f)
{
	struct history_texts *t = h->texts;
	const char *who = *f->mac ? f->mac : f->local;

	if (t->indexed != h->n_devices)
		index_devices(h);
	if (!t->n_by_who)
		return NULL;
	for (size_t at = device_place(t, who, f->zone) & (t->n_by_who - 1); t->by_who[at]; at = (at + 1) & (t->n_by_who - 1)) {
		const struct history_device *d = &h->devices[t->by_who[at] - 1];
		if ((d->by_address ? d->addr : d->mac) == who && d->zone == f->zone)
			return d;
	}
	return NULL;
}

/* ---- asking ---- */

struct fetching {
	struct history *h;
	const struct row_kind *kind;
	size_t rows;
};

static bool
each(void *arg, struct json_object *row)
{
	struct fetching *x = arg;

	x->rows++;
	return x->kind->take(x->h, row);
}

static bool
ask(struct fetching *x, const struct cli *cli, int64_t since_s, int *ret_exit)
{
	struct json_object *args = json_object_new_object();

	x->rows = 0;
	json_object_object_add(args, "kind", json_object_new_string(x->kind->name));
	json_object_object_add(args, "since", json_object_new_int64(since_s));
	if (x->h->until_s && !x->kind->whole)
		json_object_object_add(args, "until", json_object_new_int64(x->h->until_s));
	*ret_exit = EXIT_UNREACHABLE;
	struct json_object *answer = client_stream(cli, "history", args, false, each, x, TIMEOUT_S, ret_exit);
	json_object_put(args);
	if (answer)
		*ret_exit = client_verdict(answer, EXIT_UNREACHABLE);
	json_object_put(answer);
	return *ret_exit == EXIT_OK; /* also where the room was full: then h->cut says so */
}

/* An answer that has the most rows it may have is a piece: the next one begins with its last hour, which may not be whole. */
static bool
fetch_flows(struct fetching *x, const struct cli *cli, int *ret_exit)
{
	struct history *h = x->h;
	int64_t since = h->since_s;

	for (;;) {
		size_t before = h->n_flows;
		if (!ask(x, cli, since, ret_exit))
			return false;
		if (h->cut || x->rows < STORE_ROWS || h->n_flows == before)
			return true;
		int64_t last = h->flows[h->n_flows - 1].hour;
		if (last <= since - since % 3600) {
			h->cut = true; /* one hour alone is too much */
			return true;
		}
		while (h->n_flows > before && h->flows[h->n_flows - 1].hour == last)
			h->n_flows--;
		since = last;
	}
}

bool
history_fetch(struct history *h, const struct cli *cli, unsigned wanted, int *ret_exit)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct fetching x = {h, &kinds[i], 0};
		if (!(wanted & kinds[i].bit))
			continue;
		if (kinds[i].bit == HISTORY_FLOWS ? !fetch_flows(&x, cli, ret_exit)
						  : !ask(&x, cli, kinds[i].whole ? 0 : h->since_s, ret_exit))
			return false;
	}
	return true;
}
