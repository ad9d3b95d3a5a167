/* SPDX-License-Identifier: GPL-2.0-or-later */
/* devices: – the inventory, and its indexes by name, group, brand, MAC and address. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loader.h"

void
unknown_label(struct loader *l, const struct node *at, const struct labels *labels, const char *what)
{
	struct diag *g = load_error(l, at, "E105", "no device %s \"%.64s\"", what, at->text);
	const char **names = region_alloc(&l->scratch, (labels->n + 1) * sizeof(char *));
	for (size_t i = 0; names && i < labels->n; i++)
		names[i] = labels->list[i].name;
	if (names)
		hint_closest(g, at->text, names, labels->n);
}

/* While a device is read. */
struct device_draft {
	struct policy_device device;
	const struct node *name, *mac;
	struct vec groups;    /* const char * */
	struct vec addresses; /* struct addr */
};

static void
load_device_name(struct loader *l, const struct node *value, void *into)
{
	struct device_draft *d = into;
	if (read_name(l, value, "a device", &d->device.name))
		d->name = value;
}

static void
load_device_mac(struct loader *l, const struct node *value, void *into)
{
	struct device_draft *d = into;
	d->mac = value;
	d->device.has_mac = read_mac(l, value, &d->device.mac);
}

static void
load_device_brand(struct loader *l, const struct node *value, void *into)
{
	struct device_draft *d = into;
	read_label(l, value, &d->device.brand);
}

static void
load_device_group(struct loader *l, const struct node *value, void *into)
{
	struct device_draft *d = into;
	const char *name;
	if (!read_name(l, value, "a group", &name))
		return;
	const char **slot = vec_push(&l->p->region, &d->groups, sizeof(*slot));
	if (slot)
		*slot = name;
}

static void
load_device_groups(struct loader *l, const struct node *value, void *into)
{
	load_each(l, value, load_device_group, into);
}

static void
load_device_address(struct loader *l, const struct node *value, void *into)
{
	struct device_draft *d = into;
	struct addr a;
	if (!read_addr(l, value, &a))
		return;
	struct addr *slot = vec_push(&l->p->region, &d->addresses, sizeof(*slot));
	if (slot)
		*slot = a;
}

static void
load_device_addresses(struct loader *l, const struct node *value, void *into)
{
	load_each(l, value, load_device_address, into);
}

static const struct field device_fields[] = {
	{"name", load_device_name, FIELD_REQUIRED},
	{"mac", load_device_mac, 0},
	{"brand", load_device_brand, 0},
	{"groups", load_device_groups, 0},
	{"address", load_device_addresses, 0},
};

static const struct schema device_schema = {"a device", device_fields,
					    sizeof(device_fields) / sizeof(device_fields[0]), 0};

/* Parallel to the policy's devices while loading, for findings about two of them. */
struct device_list {
	struct vec devices; /* struct policy_device */
	struct vec nodes;   /* const struct node * */
};

static void
load_device(struct loader *l, const struct node *value, void *into)
{
	struct device_list *list = into;
	struct device_draft d = {.device.brand = ""};
	load_map(l, value, &device_schema, &d);
	if (!d.device.name)
		return;
	if (!d.mac && !node_get(value, "address"))
		load_error(l, d.name, "E142", "device \"%s\" has neither a mac nor an address",
			   d.device.name);
	if (list->devices.n == DEVICES_MAX) {
		load_error(l, value, "E115", "more than %d devices", DEVICES_MAX);
		return;
	}
	d.device.groups = d.groups.items;
	d.device.n_groups = d.groups.n;
	d.device.addresses = d.addresses.items;
	d.device.n_addresses = d.addresses.n;
	struct policy_device *slot = vec_push(&l->p->region, &list->devices, sizeof(*slot));
	const struct node **node = vec_push(&l->scratch, &list->nodes, sizeof(struct node *));
	if (slot)
		*slot = d.device;
	if (node)
		*node = value;
}

static int
by_label(const void *a, const void *b)
{
	const struct label *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order ? order : x->device - y->device;
}

static int
by_folded_label(const void *a, const void *b)
{
	const struct label *x = a, *y = b;
	int order = strcasecmp(x->name, y->name);
	return order ? order : x->device - y->device;
}

const struct label *
labels_find(const struct labels *labels, const char *name, size_t *ret_n)
{
	int (*compare)(const char *, const char *) = labels->fold ? strcasecmp : strcmp;
	size_t from = 0, to = labels->n, n = 0;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (compare(labels->list[mid].name, name) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	while (from + n < labels->n && compare(labels->list[from + n].name, name) == 0)
		n++;
	*ret_n = n;
	return n ? &labels->list[from] : NULL;
}

static void
push_label(struct loader *l, struct vec *v, const char *name, size_t device)
{
	struct label *label = vec_push(&l->p->region, v, sizeof(*label));
	if (label)
		*label = (struct label){name, (uint16_t)device};
}

static struct labels
labels_of(struct vec *v, bool fold)
{
	if (v->n > 1)
		qsort(v->items, v->n, sizeof(struct label), fold ? by_folded_label : by_label);
	return (struct labels){v->items, v->n, fold};
}

static void
index_labels(struct loader *l)
{
	struct vec names = {0}, groups = {0}, brands = {0};
	for (size_t i = 0; i < l->p->n_devices; i++) {
		const struct policy_device *d = &l->p->devices[i];
		push_label(l, &names, d->name, i);
		for (size_t j = 0; j < d->n_groups; j++)
			push_label(l, &groups, d->groups[j], i);
		if (d->brand[0])
			push_label(l, &brands, d->brand, i);
	}
	l->p->names = labels_of(&names, false);
	l->p->groups = labels_of(&groups, false);
	l->p->brands = labels_of(&brands, true);
}

static int
by_mac(const void *a, const void *b)
{
	const struct mac_entry *x = a, *y = b;
	int order = memcmp(&x->mac, &y->mac, sizeof(x->mac));
	return order ? order : x->device - y->device;
}

static int
by_addr(const void *a, const void *b)
{
	const struct addr_entry *x = a, *y = b;
	int order = addr_cmp(&x->addr, &y->addr);
	return order ? order : x->device - y->device;
}

static void
index_identities(struct loader *l)
{
	struct vec macs = {0}, addrs = {0};
	for (size_t i = 0; i < l->p->n_devices; i++) {
		const struct policy_device *d = &l->p->devices[i];
		struct mac_entry *m = d->has_mac ? vec_push(&l->p->region, &macs, sizeof(*m)) : NULL;
		if (m)
			*m = (struct mac_entry){d->mac, (uint16_t)i};
		for (size_t j = 0; j < d->n_addresses; j++) {
			struct addr_entry *a = vec_push(&l->p->region, &addrs, sizeof(*a));
			if (a)
				*a = (struct addr_entry){d->addresses[j], (uint16_t)i};
		}
	}
	if (macs.n > 1)
		qsort(macs.items, macs.n, sizeof(struct mac_entry), by_mac);
	if (addrs.n > 1)
		qsort(addrs.items, addrs.n, sizeof(struct addr_entry), by_addr);
	l->p->macs = macs.items;
	l->p->n_macs = macs.n;
	l->p->addrs = addrs.items;
	l->p->n_addrs = addrs.n;
}

/* Two devices that share a name, a MAC or an address: told at the second one's value. */
static void
shared(struct loader *l, const struct device_list *list, uint16_t first, uint16_t second, const char *key)
{
	assert(list->nodes.n > first && list->nodes.n > second); /* one node a device */
	const struct node *const *nodes = list->nodes.items;
	const struct node *value = node_get(nodes[second], key), *other = node_get(nodes[first], key);
	struct place_in_file before = node_place(other ? other : nodes[first]);
	struct spot spot = node_spot(other ? other : nodes[first]);
	struct diag *g = load_error(l, value ? value : nodes[second], "E133",
				    "device \"%s\" has the %s of device \"%s\"", l->p->devices[second].name,
				    key, l->p->devices[first].name);
	diag_hint(g, "first at %s", spot_text(l, &spot));
	diag_related(g, &before);
}

static void
check_shared(struct loader *l, const struct device_list *list)
{
	const struct policy *p = l->p;
	for (size_t i = 1; i < p->names.n; i++)
		if (strcmp(p->names.list[i - 1].name, p->names.list[i].name) == 0)
			shared(l, list, p->names.list[i - 1].device, p->names.list[i].device, "name");
	for (size_t i = 1; i < p->n_macs; i++)
		if (memcmp(&p->macs[i - 1].mac, &p->macs[i].mac, sizeof(struct mac)) == 0)
			shared(l, list, p->macs[i - 1].device, p->macs[i].device, "mac");
	for (size_t i = 1; i < p->n_addrs; i++)
		if (addr_cmp(&p->addrs[i - 1].addr, &p->addrs[i].addr) == 0)
			shared(l, list, p->addrs[i - 1].device, p->addrs[i].device, "address");
}

void
load_devices(struct loader *l, const struct node *value, void *into)
{
	struct device_list list = {0};
	(void)into;
	if (!expect_list(l, value, "devices"))
		return;
	for (const struct node *n = value->first; n; n = n->next)
		load_device(l, n, &list);
	if (l->p->region.failed || l->scratch.failed)
		return;
	l->p->devices = list.devices.items;
	l->p->n_devices = list.devices.n;
	index_labels(l);
	index_identities(l);
	if (!l->p->region.failed)
		check_shared(l, &list);
}
