/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device table; see device.h. Two hash tables over one array of slots: by identity (MAC or address, and zone), and from an
 * address to the device that last sent from it, or that the kernel has found there since. The second one is a cache: where a bucket is full
 * the address goes that was not used for longest, and who made up thousands takes no place of those that are in use.
 */
#include "device.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "identity.h"

enum { BINDINGS = 8 }; /* addresses in a bucket; a device has two or three */

struct binding {
	struct addr addr;
	uint32_t device; /* 0: empty */
	uint32_t life;	 /* of that device: its slot may be another's by now */
	uint8_t zone;
};

struct device_table {
	struct hash_key key;
	struct device *slots; /* [0] is the anonymous device */
	uint32_t *buckets;
	struct binding *bindings;
	uint32_t mask, capacity, count, newest, oldest;
	uint32_t high; /* slots beyond this one were never used */
	uint32_t free; /* slots below it that nobody has: a list through hash_next */
	uint32_t strangers;  /* of count: not in the inventory */
	uint32_t introduced; /* of count: not seen yet */
	uint64_t evictions, shared;
};

struct place_key {
	uint8_t bytes[16];
	uint8_t zone, by_address;
};

struct device_table *
device_table_new(size_t capacity)
{
	struct device_table *t = calloc(1, sizeof *t);
	size_t buckets = 1;

	while (buckets < capacity)
		buckets *= 2;
	if (t) {
		t->slots = calloc(capacity + 1, sizeof *t->slots);
		t->buckets = calloc(buckets, sizeof *t->buckets);
		t->bindings = calloc(buckets * BINDINGS, sizeof *t->bindings);
	}
	if (!t || !t->slots || !t->buckets || !t->bindings) {
		device_table_free(t);
		return NULL;
	}
	t->capacity = (uint32_t)capacity;
	hash_key_random(&t->key);
	t->mask = (uint32_t)buckets - 1;
	t->slots[0].inventory = DEVICE_UNKNOWN;
	t->slots[0].zone = ZONE_NONE;
	return t;
}

void
device_table_free(struct device_table *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; t->slots && i <= t->capacity; i++)
		identity_free(t->slots[i].who);
	free(t->slots);
	free(t->buckets);
	free(t->bindings);
	free(t);
}

static struct place_key
identity_of(const struct mac *mac, const struct addr *addr, uint8_t zone)
{
	struct place_key id = {.zone = zone, .by_address = mac == NULL};
	if (mac)
		memcpy(id.bytes, mac->b, sizeof mac->b);
	else
		memcpy(id.bytes, addr->b, sizeof addr->b);
	return id;
}

static uint32_t *
bucket_of(struct device_table *t, const struct place_key *id)
{
	return &t->buckets[hash_bytes(&t->key, id, sizeof *id) & t->mask];
}

static struct place_key
identity_of_device(const struct device *d)
{
	return identity_of(d->by_address ? NULL : &d->mac, &d->addr, d->zone);
}

static void
list_remove(struct device_table *t, struct device *d)
{
	*(d->newer ? &t->slots[d->newer].older : &t->newest) = d->older;
	*(d->older ? &t->slots[d->older].newer : &t->oldest) = d->newer;
}

static void
list_push(struct device_table *t, struct device *d)
{
	uint32_t i = device_index(t, d);
	d->newer = 0;
	d->older = t->newest;
	*(t->newest ? &t->slots[t->newest].newer : &t->oldest) = i;
	t->newest = i;
}

static bool
is_stranger(const struct device *d)
{
	return d->inventory == DEVICE_UNKNOWN;
}

/* The longest silent stranger that no flow holds, looked for among the 256 most silent devices; 0 when there is none. */
static uint32_t
silent_stranger(const struct device_table *t)
{
	uint32_t i = t->oldest;
	for (unsigned n = 0; i && n < 256; n++, i = t->slots[i].newer)
		if (!t->slots[i].flows && is_stranger(&t->slots[i]))
			return i;
	return 0;
}

/* Its slot is free then, and everything that it owned is gone. */
static void
take_out(struct device_table *t, struct device *d)
{
	uint32_t i = device_index(t, d);
	struct place_key id = identity_of_device(d);
	uint32_t *link = bucket_of(t, &id);

	while (*link != i)
		link = &t->slots[*link].hash_next;
	*link = d->hash_next;
	list_remove(t, d);
	t->strangers -= is_stranger(d);
	t->introduced -= d->introduced;
	d->placed = false;
	identity_free(d->who);
	d->who = NULL;
}

/* Whoever is not in the inventory makes room first, and only the inventory may push out one of its own. */
static uint32_t
make_room(struct device_table *t, bool for_stranger)
{
	uint32_t i = silent_stranger(t);
	if (!i && !for_stranger && t->oldest && !t->slots[t->oldest].flows)
		i = t->oldest;
	if (!i)
		return 0;
	take_out(t, &t->slots[i]);
	t->evictions++;
	return i;
}

/* An address alone proves nothing where the MAC is seen: an entry with a MAC is not matched by its address there. */
static uint16_t
match_inventory(const struct device *d, const struct policy *p)
{
	size_t n;
	const struct policy_device *list = policy_devices(p, &n);
	uint16_t i = d->by_address ? DEVICE_UNKNOWN : policy_device_by_mac(p, &d->mac);

	if (i != DEVICE_UNKNOWN)
		return i;
	i = policy_device_by_addr(p, &d->addr);
	return i != DEVICE_UNKNOWN && !d->by_address && list[i].has_mac ? DEVICE_UNKNOWN : i;
}

/* MACs can be made up by the thousand: the inventory's places are kept free for it, as long as that leaves others a quarter. */
static uint32_t
strangers_max(const struct device_table *t, const struct policy *p)
{
	size_t n;
	(void)policy_devices(p, &n);
	return n < t->capacity * 3 / 4 ? t->capacity - (uint32_t)n : t->capacity / 4;
}

static struct device *
find(struct device_table *t, const struct place_key *id)
{
	for (uint32_t i = *bucket_of(t, id); i; i = t->slots[i].hash_next) {
		struct place_key other = identity_of_device(&t->slots[i]);
		if (memcmp(&other, id, sizeof other) == 0)
			return &t->slots[i];
	}
	return NULL;
}

static struct device
describe(const struct policy *p, const struct mac *mac, const struct addr *addr, uint8_t zone)
{
	struct device d = {.by_address = mac == NULL, .addr = *addr, .zone = zone};
	if (mac)
		d.mac = *mac;
	d.inventory = match_inventory(&d, p);
	return d;
}

/* A slot that nobody has; fits() says that there is one. */
static uint32_t
free_slot(struct device_table *t)
{
	uint32_t i = t->free;

	t->count++;
	if (!i)
		return ++t->high;
	t->free = t->slots[i].hash_next;
	return i;
}

/* There is a place that nobody has, and a stranger may take it. */
static bool
fits(const struct device_table *t, const struct policy *p, const struct device *made)
{
	return t->count < t->capacity && (!is_stranger(made) || t->strangers < strangers_max(t, p));
}

/* Into slot i, which is free. */
static struct device *
place(struct device_table *t, uint32_t i, const struct device *made)
{
	struct device *d = &t->slots[i];
	struct place_key id = identity_of_device(made);
	uint32_t *bucket = bucket_of(t, &id), life = d->life + 1;

	*d = *made;
	d->life = life;
	d->placed = true;
	d->hash_next = *bucket;
	*bucket = i;
	list_push(t, d);
	t->strangers += is_stranger(d);
	t->introduced += d->introduced;
	return d;
}

/* Traffic of its own: from now on it counts. True: this was the first. */
static bool
become_seen(struct device_table *t, struct device *d, const struct now *now)
{
	if (!d->introduced)
		return false;
	d->introduced = false;
	d->first_us = now->wall_us;
	t->introduced--;
	return true;
}

static struct device *
find_or_make(struct device_table *t, const struct policy *p, const struct mac *mac, const struct addr *addr, uint8_t zone,
	     const struct now *now, bool *ret_new)
{
	struct place_key id = identity_of(mac, addr, zone);
	struct device *d = find(t, &id);

	if (d) {
		*ret_new = become_seen(t, d, now);
		return d;
	}
	struct device made = describe(p, mac, addr, zone);
	made.first_us = now->wall_us;
	uint32_t i = fits(t, p, &made) ? free_slot(t) : make_room(t, is_stranger(&made));
	*ret_new = i != DEVICE_ANONYMOUS;
	if (*ret_new)
		return place(t, i, &made);
	t->shared++;
	return &t->slots[DEVICE_ANONYMOUS];
}

static bool
is_unspecified(const struct addr *a)
{
	static const struct addr none;
	static const struct addr none4 = {{[10] = 0xff, [11] = 0xff}};

	return addr_cmp(a, &none) == 0 || addr_cmp(a, &none4) == 0;
}

/* The address used until now goes to the front of those used lately, and the one used from now on leaves them. */
static void
remember_address(struct device *d, const struct addr *now_used)
{
	struct addr list[DEVICE_ADDRESSES];
	uint8_t n = 0;

	if (!is_unspecified(&d->addr))
		list[n++] = d->addr;
	for (uint8_t i = 0; i < d->n_recent && n < DEVICE_ADDRESSES; i++)
		if (addr_cmp(&d->recent[i], now_used) != 0)
			list[n++] = d->recent[i];
	memcpy(d->recent, list, n * sizeof *list);
	d->n_recent = n;
}

/* The inventory may know it by this address where it did not by the one before. */
static void
use_address(struct device_table *t, const struct policy *p, struct device *d, const struct addr *a)
{
	if (d->by_address || addr_cmp(&d->addr, a) == 0 || is_unspecified(a))
		return;
	remember_address(d, a);
	d->addr = *a;
	if (!is_stranger(d))
		return;
	d->inventory = match_inventory(d, p);
	t->strangers -= !is_stranger(d);
}

static struct binding *
bindings_of(const struct device_table *t, const struct addr *a)
{
	return &t->bindings[(hash_bytes(&t->key, a, sizeof *a) & t->mask) * BINDINGS];
}

/* Of this address, or of any other one. */
static struct binding *
binding_of(struct device_table *t, const struct addr *a)
{
	struct binding *bucket = bindings_of(t, a);
	size_t i = BINDINGS - 1;

	while (i > 0 && addr_cmp(&bucket[i].addr, a) != 0)
		i--;
	return &bucket[i];
}

/* The newest is the first one of its bucket. */
static void
bind_address(struct device_table *t, const struct addr *a, const struct device *d)
{
	struct binding *bucket = bindings_of(t, a);
	size_t i = 0;

	while (i < BINDINGS - 1 && bucket[i].device && addr_cmp(&bucket[i].addr, a) != 0)
		i++;
	memmove(bucket + 1, bucket, i * sizeof *bucket);
	bucket[0] = (struct binding){*a, device_index(t, d), d->life, d->zone};
}

/* It has just sent something. */
static void
touch(struct device_table *t, struct device *d, const struct now *now)
{
	uint32_t i = device_index(t, d);

	d->last_us = now->wall_us;
	if (i == DEVICE_ANONYMOUS || t->newest == i)
		return;
	list_remove(t, d);
	list_push(t, d);
}

struct device *
device_by_mac(struct device_table *t, const struct policy *p, const struct mac *mac, uint8_t zone, const struct now *now, bool *ret_new)
{
	static const struct addr none;
	struct device *d = find_or_make(t, p, mac, &none, zone, now, ret_new);

	touch(t, d, now);
	return d;
}

struct device *
device_by_packet(struct device_table *t, const struct policy *p, const struct mac *mac, const struct addr *src, uint8_t zone,
		 const struct now *now, bool *ret_new)
{
	struct device *d = find_or_make(t, p, mac, src, zone, now, ret_new);

	touch(t, d, now);
	if (device_index(t, d) == DEVICE_ANONYMOUS)
		return d;
	use_address(t, p, d, src);
	bind_address(t, src, d);
	return d;
}

static bool
is_binding(const struct device_table *t, const struct binding *b, const struct addr *a, uint8_t zone)
{
	return b->device && b->zone == zone && b->life == t->slots[b->device].life && addr_cmp(&b->addr, a) == 0;
}

bool
device_has_address(struct device_table *t, const struct device *d, const struct addr *a, uint8_t zone)
{
	const struct binding *b = binding_of(t, a);

	return is_binding(t, b, a, zone) && b->device == device_index(t, d);
}

struct device *
device_by_address(struct device_table *t, const struct policy *p, const struct addr *a, uint8_t zone, const struct now *now,
		  bool *ret_new)
{
	const struct binding *b = binding_of(t, a);
	struct device *d = &t->slots[b->device];

	if (!is_binding(t, b, a, zone))
		return find_or_make(t, p, NULL, a, zone, now, ret_new);
	*ret_new = become_seen(t, d, now);
	return d;
}

void
device_introduce(struct device_table *t, const struct policy *p, const struct mac *mac, const struct addr *a, uint8_t zone)
{
	struct place_key id = identity_of(mac, a, zone);
	struct device *d = find(t, &id);

	if (!d) {
		struct device made = describe(p, mac, a, zone);
		if (!fits(t, p, &made))
			return;
		made.introduced = true;
		d = place(t, free_slot(t), &made);
	}
	use_address(t, p, d, a);
	bind_address(t, a, d);
}

struct device *
device_restore(struct device_table *t, const struct policy *p, const struct mac *mac, const struct addr *a, uint8_t zone, int64_t first_us,
	       int64_t last_us)
{
	struct place_key id = identity_of(mac, a, zone);
	struct device *d = find(t, &id);

	if (!d) {
		struct device made = describe(p, mac, a, zone);
		if (!fits(t, p, &made))
			return NULL;
		made.last_us = last_us;
		made.first_us = first_us;
		d = place(t, free_slot(t), &made);
	}
	if (d->introduced)
		(void)become_seen(t, d, &(struct now){.wall_us = first_us});
	d->restored = true;
	if (first_us < d->first_us)
		d->first_us = first_us;
	if (last_us > d->last_us)
		d->last_us = last_us;
	return d;
}

bool
device_forget(struct device_table *t, struct device *d)
{
	uint32_t i = device_index(t, d);

	identity_free(d->who);
	d->who = NULL;
	d->label[0] = 0;
	d->n_recent = 0;
	d->alerted = d->restored = false;
	if (i == DEVICE_ANONYMOUS || d->flows)
		return false;
	take_out(t, d);
	d->life++; /* what is bound to it is out of date */
	d->hash_next = t->free;
	t->free = i;
	t->count--;
	return true;
}

struct identity *
device_identity(struct device_table *t, struct device *d)
{
	if (!d->who && device_index(t, d) != DEVICE_ANONYMOUS)
		d->who = identity_new();
	return d->who;
}

void
device_walk(struct device_table *t, bool (*visit)(void *arg, struct device *d), void *arg)
{
	for (uint32_t i = t->newest, older; i; i = older) {
		older = t->slots[i].older;
		if (!t->slots[i].introduced && !visit(arg, &t->slots[i]))
			return;
	}
}

struct wanted {
	const struct policy *p;
	const char *text;
	struct mac mac;
	struct addr addr;
	bool has_mac, has_addr;
	struct device *found;
	struct device *before; /* that had this address before the one that it has now: IPv4 beside IPv6, say */
};

static bool
had_address(const struct device *d, const struct addr *a)
{
	for (size_t i = 0; i < d->n_recent; i++)
		if (addr_cmp(&d->recent[i], a) == 0)
			return true;
	return false;
}

static bool
is_wanted(void *arg, struct device *d)
{
	struct wanted *w = arg;
	char name[ADDR_TEXT];

	if ((w->has_mac && !d->by_address && memcmp(&w->mac, &d->mac, sizeof d->mac) == 0) ||
	    (w->has_addr && addr_cmp(&w->addr, &d->addr) == 0) || strcmp(w->text, device_name(d, w->p, name)) == 0)
		w->found = d;
	else if (w->has_addr && !w->before && had_address(d, &w->addr))
		w->before = d;
	return !w->found;
}

struct device *
device_find(struct device_table *t, const struct policy *p, const char *text)
{
	struct wanted w = {.p = p, .text = text};

	w.has_mac = mac_parse(text, &w.mac);
	w.has_addr = addr_parse(text, &w.addr);
	device_walk(t, is_wanted, &w);
	return w.found ? w.found : w.before;
}

uint32_t
device_last(const struct device_table *t)
{
	return t->high;
}

uint32_t
device_index(const struct device_table *t, const struct device *d)
{
	return (uint32_t)(d - t->slots);
}

struct device *
device_at(struct device_table *t, uint32_t index)
{
	return &t->slots[index];
}

void
device_hold(struct device *d)
{
	d->flows++;
}

void
device_release(struct device *d)
{
	d->flows--;
}

void
device_rematch(struct device_table *t, const struct policy *p)
{
	t->strangers = 0;
	for (uint32_t i = t->newest; i; i = t->slots[i].older) {
		t->slots[i].inventory = match_inventory(&t->slots[i], p);
		t->strangers += is_stranger(&t->slots[i]);
	}
}

size_t
device_count(const struct device_table *t)
{
	return t->count - t->introduced;
}

size_t
device_unknown_count(const struct device_table *t)
{
	size_t n = 0;
	for (uint32_t i = t->newest; i; i = t->slots[i].older)
		n += !t->slots[i].introduced && is_stranger(&t->slots[i]);
	return n;
}

uint64_t
device_evictions(const struct device_table *t)
{
	return t->evictions;
}

uint64_t
device_shared(const struct device_table *t)
{
	return t->shared;
}

const char *
device_name(const struct device *d, const struct policy *p, char out[ADDR_TEXT])
{
	size_t n;
	const struct policy_device *list = policy_devices(p, &n);

	if (d->inventory < n)
		return list[d->inventory].name;
	if (d->label[0])
		return d->label;
	if (d->by_address)
		return addr_print(&d->addr, out);
	return mac_print(&d->mac, out);
}
