/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device table; see device.h. Two hash tables over one array of slots: by identity (MAC or address, and zone), and from an
 * address to the device that last sent from it, or that the kernel has found there since. The second one is a cache: an entry may be
 * overwritten, never wrong for long.
 */
#include "device.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

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
	uint32_t mask, binding_mask, capacity, count, newest, oldest;
	uint32_t strangers;  /* of count: not in the inventory */
	uint32_t introduced; /* of count: not seen yet */
	uint64_t evictions, shared;
};

struct identity {
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
		t->bindings = calloc(buckets * 4, sizeof *t->bindings);
	}
	if (!t || !t->slots || !t->buckets || !t->bindings) {
		device_table_free(t);
		return NULL;
	}
	hash_key_random(&t->key);
	t->mask = (uint32_t)buckets - 1;
	t->binding_mask = (uint32_t)buckets * 4 - 1;
	t->capacity = (uint32_t)capacity;
	t->slots[0].inventory = DEVICE_UNKNOWN;
	t->slots[0].zone = ZONE_NONE;
	return t;
}

void
device_table_free(struct device_table *t)
{
	if (!t)
		return;
	free(t->slots);
	free(t->buckets);
	free(t->bindings);
	free(t);
}

static struct identity
identity_of(const struct mac *mac, const struct addr *addr, uint8_t zone)
{
	struct identity id = {.zone = zone, .by_address = mac == NULL};
	if (mac)
		memcpy(id.bytes, mac->b, sizeof mac->b);
	else
		memcpy(id.bytes, addr->b, sizeof addr->b);
	return id;
}

static uint32_t *
bucket_of(struct device_table *t, const struct identity *id)
{
	return &t->buckets[hash_bytes(&t->key, id, sizeof *id) & t->mask];
}

static struct identity
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

/* Whoever is not in the inventory makes room first, and only the inventory may push out one of its own. */
static uint32_t
make_room(struct device_table *t, bool for_stranger)
{
	uint32_t i = silent_stranger(t);
	if (!i && !for_stranger && t->oldest && !t->slots[t->oldest].flows)
		i = t->oldest;
	if (!i)
		return 0;
	struct device *d = &t->slots[i];
	t->strangers -= is_stranger(d);
	struct identity id = identity_of_device(d);
	uint32_t *link = bucket_of(t, &id);
	while (*link != i)
		link = &t->slots[*link].hash_next;
	*link = d->hash_next;
	list_remove(t, d);
	t->introduced -= d->introduced;
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
find(struct device_table *t, const struct identity *id)
{
	for (uint32_t i = *bucket_of(t, id); i; i = t->slots[i].hash_next) {
		struct identity other = identity_of_device(&t->slots[i]);
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
	struct identity id = identity_of_device(made);
	uint32_t *bucket = bucket_of(t, &id), life = d->life + 1;

	*d = *made;
	d->life = life;
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
	struct identity id = identity_of(mac, addr, zone);
	struct device *d = find(t, &id);

	if (d) {
		*ret_new = become_seen(t, d, now);
		return d;
	}
	struct device made = describe(p, mac, addr, zone);
	made.first_us = now->wall_us;
	uint32_t i = fits(t, p, &made) ? ++t->count : make_room(t, is_stranger(&made));
	*ret_new = i != DEVICE_ANONYMOUS;
	if (*ret_new)
		return place(t, i, &made);
	t->shared++;
	return &t->slots[DEVICE_ANONYMOUS];
}

/* The inventory may know it by this address where it did not by the one before. */
static void
use_address(struct device_table *t, const struct policy *p, struct device *d, const struct addr *a)
{
	if (d->by_address || addr_cmp(&d->addr, a) == 0)
		return;
	d->addr = *a;
	if (!is_stranger(d))
		return;
	d->inventory = match_inventory(d, p);
	t->strangers -= !is_stranger(d);
}

static struct binding *
binding_of(struct device_table *t, const struct addr *a)
{
	return &t->bindings[hash_bytes(&t->key, a, sizeof *a) & t->binding_mask];
}

static void
bind_address(struct device_table *t, const struct addr *a, const struct device *d)
{
	*binding_of(t, a) = (struct binding){*a, device_index(t, d), d->life, d->zone};
}

struct device *
device_by_packet(struct device_table *t, const struct policy *p, const struct mac *mac, const struct addr *src, uint8_t zone,
		 const struct now *now, bool *ret_new)
{
	struct device *d = find_or_make(t, p, mac, src, zone, now, ret_new);
	uint32_t i = device_index(t, d);

	d->last_us = now->wall_us;
	if (i == DEVICE_ANONYMOUS)
		return d;
	use_address(t, p, d, src);
	bind_address(t, src, d);
	if (t->newest != i) {
		list_remove(t, d);
		list_push(t, d);
	}
	return d;
}

struct device *
device_by_address(struct device_table *t, const struct policy *p, const struct addr *a, uint8_t zone, const struct now *now,
		  bool *ret_new)
{
	const struct binding *b = binding_of(t, a);
	struct device *d = &t->slots[b->device];

	if (!b->device || b->zone != zone || b->life != d->life || addr_cmp(&b->addr, a) != 0)
		return find_or_make(t, p, NULL, a, zone, now, ret_new);
	*ret_new = become_seen(t, d, now);
	return d;
}

void
device_introduce(struct device_table *t, const struct policy *p, const struct mac *mac, const struct addr *a, uint8_t zone)
{
	struct identity id = identity_of(mac, a, zone);
	struct device *d = find(t, &id);

	if (!d) {
		struct device made = describe(p, mac, a, zone);
		if (!fits(t, p, &made))
			return;
		made.introduced = true;
		d = place(t, ++t->count, &made);
	}
	use_address(t, p, d, a);
	bind_address(t, a, d);
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
	if (d->by_address)
		return addr_print(&d->addr, out);
	return mac_print(&d->mac, out);
}
