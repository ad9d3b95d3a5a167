/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ahead.h. Each row that the gate is told of costs the kernel's rules a transaction, which whoever else changes or lists them has to share:
 * so one message holds all rows of a batch of packets, messages have a pace, and what was told lately is not told again.
 *
 * A device has four answers a second and a number of rows of each. What is beyond is not told, is counted, and costs its trip.
 */
#include "ahead.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "hash.h"
#include "identity.h"
#include "kinds.h"
#include "orient.h"

enum {
	DNS_PORT = 53,
	OWN = 4,	 /* ports that a device used last */
	NAMED = 8,	 /* ports that rules name */
	PORTS = 16,	 /* of one answer */
	REMOTES = 8,	 /* addresses of it */
	LOCALS = 2,	 /* addresses of the device, of one family */
	ROWS = 32,	 /* of one answer */
	DEVICES = 4096,	 /* places; two devices in one share its pace */
	TOLD = 16384,	 /* places of what was told; a newer one takes an older one's */
	SHORTEST_MS = 1000,
};

static const uint64_t MS = 1000000;

/* One each `gap`, and so many at once as fit in `ahead`. */
struct pace {
	uint64_t gap_ns, ahead_ns;
};
static const struct pace of_answers = {250000000, 8000000000}; /* of one device */
static const struct pace of_messages = {31250000, 2000000000};

/* What clients open by the name of their server, beside what rules and the device itself name. */
static const struct policy_port usual[] = {
	{IPPROTO_TCP, 443}, {IPPROTO_UDP, 443}, {IPPROTO_TCP, 80}, {IPPROTO_TCP, 554}, {IPPROTO_TCP, 8883},
};
_Static_assert(OWN + sizeof usual / sizeof *usual <= PORTS, "what the device uses and what is usual find room");

struct ahead {
	struct hash_key key;
	uint64_t message_due_ns;
	const struct policy *of; /* whose ports these are, in this generation */
	uint32_t generation;
	struct policy_port named[NAMED];
	size_t n_named;
	struct own {
		uint32_t device, life;
		uint64_t due_ns;
		struct policy_port port[OWN];
		uint8_t next;
	} own[DEVICES];
	struct told {
		uint64_t hash, until_ns;
	} told[TOLD];
	struct {
		struct channel_head head;
		struct channel_kind row[CHANNEL_KINDS];
	} out;
	struct told *said[CHANNEL_KINDS]; /* of these rows */
};

/* One answer, while its rows are put together. */
struct answered {
	const struct device *device;
	struct flow seed; /* of the first packet that may come */
	struct channel_kind row;
	struct {
		struct addr addr;
		struct place place;
		uint64_t left_ms; /* the name holds so long */
	} remote[REMOTES];
	size_t n_remotes, n_rows;
	struct addr local[2][LOCALS]; /* IPv6, IPv4 */
	size_t n_locals[2];
	struct policy_port port[PORTS];
	size_t n_ports;
};

struct ahead *
ahead_new(void)
{
	struct ahead *a = calloc(1, sizeof *a);

	if (a)
		hash_key_random(&a->key);
	return a;
}

void
ahead_free(struct ahead *a)
{
	free(a);
}

static bool
keeps_pace(const struct pace *p, uint64_t *due_ns, uint64_t now_ns)
{
	if (*due_ns < now_ns)
		*due_ns = now_ns;
	if (*due_ns - now_ns > p->ahead_ns - p->gap_ns)
		return false;
	*due_ns += p->gap_ns;
	return true;
}

/* The device's place. Whoever had it before leaves its pace to it, else two could undo each other's. */
static struct own *
own_of(struct engine *e, uint32_t device)
{
	struct own *o = &e->ahead->own[device % DEVICES];
	uint32_t life = device_at(e->devices, device)->life;

	if (o->device != device || o->life != life)
		*o = (struct own){.device = device, .life = life, .due_ns = o->due_ns};
	return o;
}

static bool
is_among(const struct policy_port *list, size_t n, struct policy_port p)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].proto == p.proto && list[i].port == p.port)
			return true;
	return false;
}

void
ahead_port(struct engine *e, const struct flow *f)
{
	struct policy_port p = {f->tuple.proto, f->tuple.dport};

	if (!e->ahead || f->device == DEVICE_ANONYMOUS)
		return;
	struct own *o = own_of(e, f->device);
	if (!is_among(o->port, OWN, p) && !is_among(usual, sizeof usual / sizeof *usual, p))
		o->port[o->next++ % OWN] = p;
}

static void
add_port(struct answered *w, uint8_t proto, uint16_t port)
{
	struct policy_port p = {proto, port};

	if (port && port != DNS_PORT && w->n_ports < PORTS && !is_among(w->port, w->n_ports, p))
		w->port[w->n_ports++] = p;
}

/* What the device uses, what is usual, what rules name: the first of them find room where there is little. */
static void
find_ports(struct engine *e, struct answered *w)
{
	struct ahead *a = e->ahead;
	const struct own *o = own_of(e, w->seed.device);

	if (a->of != e->is.policy || a->generation != e->generation) {
		a->n_named = policy_ports(e->is.policy, a->named, NAMED);
		a->of = e->is.policy;
		a->generation = e->generation;
	}
	for (size_t i = 0; i < OWN; i++)
		add_port(w, o->port[i].proto, o->port[i].port);
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		add_port(w, usual[i].proto, usual[i].port);
	for (size_t i = 0; i < a->n_named; i++) {
		if (a->named[i].proto != IPPROTO_UDP)
			add_port(w, IPPROTO_TCP, a->named[i].port);
		if (a->named[i].proto != IPPROTO_TCP)
			add_port(w, IPPROTO_UDP, a->named[i].port);
	}
}

/* Addresses of the answer that are this device's by a name now. */
static void
find_remotes(struct engine *e, struct answered *w, const struct dns_message *m)
{
	for (size_t i = 0; i < m->n && w->n_remotes < REMOTES; i++) {
		const struct addr *addr = &m->record[i].addr;
		uint64_t until_ns = names_until(e->names, w->seed.device, addr, &e->now);
		bool known = false;
		for (size_t k = 0; k < w->n_remotes; k++)
			known |= addr_cmp(&w->remote[k].addr, addr) == 0;
		if (known || until_ns < e->now.mono_ns + SHORTEST_MS * MS)
			continue;
		w->remote[w->n_remotes].addr = *addr;
		geo_lookup(e->is.geo, addr, &w->remote[w->n_remotes].place);
		w->remote[w->n_remotes++].left_ms = (until_ns - e->now.mono_ns) / MS;
	}
}

static void
add_local(struct engine *e, struct answered *w, const struct addr *a)
{
	bool v4 = addr_is_v4(a), link_local = !v4 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;

	for (size_t i = 0; i < w->n_locals[v4]; i++)
		if (addr_cmp(&w->local[v4][i], a) == 0)
			return;
	if (!link_local && w->n_locals[v4] < LOCALS && device_has_address(e->devices, w->device, a, w->seed.zone))
		w->local[v4][w->n_locals[v4]++] = *a;
}

/* From where the camera may open it: it may have asked over IPv4 for an address of IPv6. */
static void
find_locals(struct engine *e, struct answered *w, const struct flow *f)
{
	add_local(e, w, &f->tuple.src);
	add_local(e, w, &w->device->addr);
	for (size_t i = 0; i < w->device->n_recent && i < DEVICE_ADDRESSES; i++)
		add_local(e, w, &w->device->recent[i]);
}

/* The interface by which the kernel sees this camera come: of a port its bridge. 0: not known. */
static uint32_t
interface_of(const struct engine *e, const struct flow *f)
{
	const struct link_zone *l = link_find(e, f->ifindex);
	size_t n;
	const struct policy_zone *zones = policy_zones(e->is.policy, &n);

	if (!l->is_port)
		return l->by_port ? 0 : l->index;
	for (size_t i = 0; i < e->n_links && l->zone < n; i++)
		if (zones[l->zone].bridge && strcmp(e->links[i].name, zones[l->zone].bridge) == 0)
			return e->links[i].index;
	return 0;
}

/* Place of this row, whatever its time and its answer. False: it was told and holds for a while. */
static bool
is_news(struct engine *e, const struct channel_kind *row, struct told **ret_place, uint64_t *ret_hash)
{
	struct {
		struct channel_kind row;
		uint32_t generation;
	} all;

	memset(&all, 0, sizeof all);
	all.row = *row;
	all.row.ask = 0;
	all.row.ms = 0;
	all.generation = e->generation;
	*ret_hash = hash_bytes(&e->ahead->key, &all, sizeof all) | 1;
	*ret_place = &e->ahead->told[*ret_hash / 2 % TOLD];
	return (*ret_place)->hash != *ret_hash || (*ret_place)->until_ns < e->now.mono_ns + 2 * SHORTEST_MS * MS;
}

static void
put(struct engine *e, const struct channel_kind *row, struct told *told)
{
	struct ahead *a = e->ahead;

	if (a->out.head.count && (a->out.head.arg != e->generation || a->out.head.count == CHANNEL_KINDS))
		ahead_send(e);
	a->out.head.arg = e->generation;
	a->said[a->out.head.count] = told;
	a->out.row[a->out.head.count++] = *row;
}

/* One first packet that may come. */
static void
expect(struct engine *e, struct answered *w, size_t remote, const struct addr *local, struct policy_port port)
{
	uint64_t hash, ms = policy_options(e->is.policy)->kind_memory_s * UINT64_C(1000);
	struct told *told;

	w->row.camera = w->seed.tuple.src = *local;
	w->row.remote = w->seed.tuple.dst = w->remote[remote].addr;
	w->row.proto = w->seed.tuple.proto = port.proto;
	w->row.port = w->seed.tuple.dport = port.port;
	if (!is_news(e, &w->row, &told, &hash))
		return;
	w->seed.place = w->remote[remote].place;
	w->seed.remote_zone = far_zone_of(e, &w->seed.tuple.dst);
	enum flow_kind kind = kinds_expected(e, &w->seed);
	if (kind == FLOW_KIND_NONE)
		return;
	if (w->n_rows == ROWS) {
		e->stats.kinds_not_ahead++;
		return;
	}
	w->n_rows++;
	w->row.ask = kind == FLOW_KIND_ASK;
	w->row.ms = (uint32_t)(w->remote[remote].left_ms < ms ? w->remote[remote].left_ms : ms);
	put(e, &w->row, told);
	*told = (struct told){.hash = hash, .until_ns = e->now.mono_ns + w->row.ms * MS};
}

/* A device of which the kernel can tell what is its, and no flow is wanted to know it by. */
static bool
may_expect(const struct engine *e, const struct flow *f, const struct device *d)
{
	return !e->offline && e->ahead && policy_options(e->is.policy)->kind_memory_s && !f->vlan && f->device != DEVICE_ANONYMOUS &&
	       !d->by_address && !mac_is_zero(&d->mac) && !(d->mac.b[0] & 1) && !observe_looks(e, d);
}

void
ahead_answer(struct engine *e, const struct flow *f, const struct dns_message *answer)
{
	struct device *d = device_at(e->devices, f->device);
	struct answered w = {.device = d, .row = {.mac = d->mac}};

	if (!may_expect(e, f, d) || !(w.row.ifindex = interface_of(e, f)))
		return;
	if (!keeps_pace(&of_answers, &own_of(e, f->device)->due_ns, e->now.mono_ns)) {
		e->stats.kinds_not_ahead++;
		return;
	}
	w.seed.device = f->device;
	w.seed.zone = f->zone;
	w.seed.ifindex = f->ifindex;
	w.seed.watching = e->watch_all;
	find_remotes(e, &w, answer);
	find_locals(e, &w, f);
	find_ports(e, &w);
	for (size_t p = 0; p < w.n_ports; p++)
		for (size_t r = 0; r < w.n_remotes; r++) {
			bool v4 = addr_is_v4(&w.remote[r].addr);
			for (size_t l = 0; l < w.n_locals[v4]; l++)
				expect(e, &w, r, &w.local[v4][l], w.port[p]);
		}
}

void
ahead_send(struct engine *e)
{
	struct ahead *a = e->ahead;

	if (!a || a->out.head.count == 0)
		return;
	unsigned n = a->out.head.count;
	size_t len = offsetof(struct channel_kinds, row) + n * sizeof a->out.row[0];
	a->out.head.type = CH_KINDS;
	/* It may be full of what is newer than our verdicts; these first packets then cost a trip. */
	bool told = a->out.head.arg == e->generation && keeps_pace(&of_messages, &a->message_due_ns, e->now.mono_ns) &&
		    channel_send(e->channel, &a->out, len, NULL, 0) == 0;
	*(told ? &e->stats.kinds_ahead : &e->stats.kinds_not_ahead) += n;
	for (size_t i = 0; i < n && !told; i++)
		*a->said[i] = (struct told){0};
	a->out.head.count = 0;
}
