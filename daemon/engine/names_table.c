/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bindings: found by (device, address), ended in the order of their time, and shared out between devices.
 * When there is no room, a device that is above its share makes it from its own, oldest refresh first; else
 * the binding goes that ends first.
 */
#include <string.h>

#include "names_private.h"

/* What is hashed; without padding. */
struct place {
	struct addr addr;
	uint32_t device;
};

_Static_assert(sizeof(struct place) == 20, "hashed as bytes");

static uint32_t *
bucket_of(const struct names *n, uint32_t device, const struct addr *addr)
{
	struct place p = {*addr, device};
	return &n->buckets[hash_bytes(&n->key, &p, sizeof p) & n->mask];
}

static bool
is_at(const struct binding *b, uint32_t device, const struct addr *addr)
{
	return b->device == device && addr_cmp(&b->addr, addr) == 0;
}

/* From `number` on, the first that is of this place and not over. */
static uint32_t
seek(const struct names *n, uint32_t number, uint32_t device, const struct addr *addr, const struct now *now)
{
	while (number) {
		const struct binding *b = &n->bindings[number];
		if (is_at(b, device, addr) && b->end_ns > now->mono_ns)
			break;
		number = b->hash_next;
	}
	return number;
}

uint32_t
names_first(const struct names *n, uint32_t device, const struct addr *addr, const struct now *now)
{
	return seek(n, *bucket_of(n, device, addr), device, addr, now);
}

uint32_t
names_next(const struct names *n, uint32_t number, const struct now *now)
{
	const struct binding *b = &n->bindings[number];
	return seek(n, b->hash_next, b->device, &b->addr, now);
}

static void
heap_put(struct names *n, uint32_t at, uint32_t number)
{
	n->heap[at] = number;
	n->bindings[number].heap_at = at;
}

static uint64_t
heap_end(const struct names *n, uint32_t at)
{
	return n->bindings[n->heap[at]].end_ns;
}

/* The binding in heap[at] has another end, or is new there: moves it to where it belongs. */
static void
heap_settle(struct names *n, uint32_t at)
{
	uint32_t number = n->heap[at], child;
	uint64_t end = n->bindings[number].end_ns;

	for (; at > 1 && heap_end(n, at / 2) > end; at /= 2)
		heap_put(n, at, n->heap[at / 2]);
	for (; (child = at * 2) <= n->count; at = child) {
		if (child < n->count && heap_end(n, child + 1) < heap_end(n, child))
			child++;
		if (heap_end(n, child) >= end)
			break;
		heap_put(n, at, n->heap[child]);
	}
	heap_put(n, at, number);
}

static void
heap_remove(struct names *n, uint32_t at)
{
	uint32_t last = n->heap[n->count--];

	if (at > n->count)
		return;
	heap_put(n, at, last);
	heap_settle(n, at);
}

static uint32_t *
owner_bucket(const struct names *n, uint32_t device)
{
	return &n->owner_buckets[hash_bytes(&n->key, &device, sizeof device) & n->mask];
}

uint32_t
names_owner(const struct names *n, uint32_t device)
{
	uint32_t number = *owner_bucket(n, device);

	while (number && n->owners[number].device != device)
		number = n->owners[number].hash_next;
	return number;
}

/* There are as many owners as bindings, and each has one: there always is room. */
static uint32_t
owner_new(struct names *n, uint32_t device)
{
	uint32_t *bucket = owner_bucket(n, device), number = n->owners_unused;

	if (number)
		n->owners_unused = n->owners[number].hash_next;
	else
		number = ++n->owners_touched;
	n->owners[number] = (struct owner){.device = device, .hash_next = *bucket};
	*bucket = number;
	return number;
}

static void
owner_free(struct names *n, uint32_t number)
{
	struct owner *o = &n->owners[number];
	uint32_t *link = owner_bucket(n, o->device);

	while (*link != number)
		link = &n->owners[*link].hash_next;
	*link = o->hash_next;
	o->hash_next = n->owners_unused;
	n->owners_unused = number;
}

static void
owned_push(struct names *n, uint32_t number)
{
	struct binding *b = &n->bindings[number];
	struct owner *o = &n->owners[b->owner];

	b->newer = 0;
	b->older = o->newest;
	*(o->newest ? &n->bindings[o->newest].newer : &o->oldest) = number;
	o->newest = number;
}

static void
owned_remove(struct names *n, uint32_t number)
{
	struct binding *b = &n->bindings[number];
	struct owner *o = &n->owners[b->owner];

	*(b->newer ? &n->bindings[b->newer].older : &o->newest) = b->older;
	*(b->older ? &n->bindings[b->older].newer : &o->oldest) = b->newer;
}

static void
bucket_remove(struct names *n, uint32_t number)
{
	struct binding *b = &n->bindings[number];
	uint32_t *link = bucket_of(n, b->device, &b->addr);

	while (*link != number)
		link = &n->bindings[*link].hash_next;
	*link = b->hash_next;
}

static void
bucket_push(struct names *n, uint32_t number)
{
	struct binding *b = &n->bindings[number];
	uint32_t *bucket = bucket_of(n, b->device, &b->addr);

	b->hash_next = *bucket;
	*bucket = number;
}

static size_t
cost(const struct names *n, uint32_t number)
{
	return names_text_cost(strlen(names_text(n->texts, n->bindings[number].text)));
}

void
names_remove(struct names *n, uint32_t number)
{
	struct binding *b = &n->bindings[number];
	struct owner *o = &n->owners[b->owner];

	o->bytes -= cost(n, number);
	owned_remove(n, number);
	bucket_remove(n, number);
	heap_remove(n, b->heap_at);
	names_text_release(n->texts, b->text);
	if (--o->count == 0)
		owner_free(n, b->owner);
	b->hash_next = n->unused;
	n->unused = number;
}

static void
evict(struct names *n, uint32_t number, const struct now *now)
{
	n->evicted += n->bindings[number].end_ns > now->mono_ns;
	names_remove(n, number);
}

/*
 * The binding of this name; else 0, and *ret_oldest is the one to give up when the place has as many as it
 * may have, or 0.
 */
static uint32_t
find(const struct names *n, uint32_t device, const struct addr *addr, const char *name, uint32_t *ret_oldest)
{
	unsigned count = 0;

	*ret_oldest = 0;
	for (uint32_t i = *bucket_of(n, device, addr); i; i = n->bindings[i].hash_next) {
		if (!is_at(&n->bindings[i], device, addr))
			continue;
		if (strcmp(names_text(n->texts, n->bindings[i].text), name) == 0)
			return i;
		if (++count >= NAMES_PLACE)
			*ret_oldest = i;
	}
	return 0;
}

static void
refresh(struct names *n, uint32_t number, uint64_t end_ns)
{
	struct binding *b = &n->bindings[number];

	if (end_ns > b->end_ns) {
		b->end_ns = end_ns;
		heap_settle(n, b->heap_at);
	}
	bucket_remove(n, number);
	bucket_push(n, number);
	owned_remove(n, number);
	owned_push(n, number);
}

/*
 * A device above its share gives up its own: a few at most, since the largest text has no more room than
 * eight of the smallest.
 */
static void
keep_to_share(struct names *n, uint32_t device, size_t bytes, const struct now *now)
{
	uint32_t o;

	while ((o = names_owner(n, device)) &&
	       (n->owners[o].count >= n->share || n->owners[o].bytes + bytes > n->share_bytes))
		evict(n, n->owners[o].oldest, now);
}

/* A text of this name, from others' room if need be; 0 when even that is too little. */
static uint32_t
text_for(struct names *n, const char *name, const struct now *now)
{
	uint32_t text = names_text_take(n->texts, name);

	for (unsigned i = 0; !text && n->count && i < 2 * NAMES_SHARE_MIN; i++) {
		evict(n, n->heap[1], now);
		text = names_text_take(n->texts, name);
	}
	return text;
}

bool
names_bind(struct names *n, uint32_t device, const struct addr *addr, const char *name, uint64_t end_ns,
	   const struct now *now)
{
	uint32_t oldest, number = find(n, device, addr, name, &oldest);

	if (number) {
		refresh(n, number, end_ns);
		return true;
	}
	if (oldest)
		evict(n, oldest, now);
	keep_to_share(n, device, names_text_cost(strlen(name)), now);
	if (n->count == n->capacity)
		evict(n, n->heap[1], now);
	uint32_t text = text_for(n, name, now);
	if (!text) {
		n->evicted++;
		return false;
	}
	if ((number = n->unused))
		n->unused = n->bindings[number].hash_next;
	else
		number = ++n->touched;
	uint32_t owner = names_owner(n, device);
	owner = owner ? owner : owner_new(n, device);
	n->bindings[number] = (struct binding){
		.addr = *addr, .device = device, .text = text, .end_ns = end_ns, .owner = owner};
	n->owners[owner].count++;
	n->owners[owner].bytes += cost(n, number);
	owned_push(n, number);
	bucket_push(n, number);
	n->count++;
	heap_put(n, n->count, number);
	heap_settle(n, n->count);
	return true;
}
