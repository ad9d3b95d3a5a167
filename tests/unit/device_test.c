/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is who: by MAC, by address, through a reload, and when the table is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bundle.h"
#include "device.h"

static const char policy_text[] =
	"version: 1\n"
	"mode: monitor\n"
	"zones:\n"
	"  cameras: {interfaces: [cam0]}\n"
	"  far: {interfaces: [cam1], identify-by: address}\n"
	"devices:\n"
	"  - {name: one, mac: \"02:00:00:00:00:01\"}\n"
	"  - {name: two, mac: \"02:00:00:00:00:02\", address: 10.0.0.2}\n"
	"  - {name: behind, address: 10.9.0.9}\n"
	"default: block\n";

static struct policy *
policy(const char *text)
{
	struct diags d = {0};
	struct bundle *b = bundle_from_text("t.yaml", text, strlen(text));
	struct policy *p = policy_load(b, &d);
	if (!p)
		diags_print(&d, stderr, false);
	assert_non_null(p);
	diags_free(&d);
	bundle_free(b);
	return p;
}

static struct addr
addr(const char *text)
{
	struct addr a;
	assert_true(addr_parse(text, &a));
	return a;
}

static struct device *
seen(struct device_table *t, const struct policy *p, const char *mac, const char *from, uint8_t zone)
{
	static int64_t clock;
	struct now now = {.wall_us = ++clock, .mono_ns = (uint64_t)clock};
	struct addr a = addr(from);
	struct mac m;
	bool is_new;

	if (mac)
		assert_true(mac_parse(mac, &m));
	return device_by_packet(t, p, mac ? &m : NULL, &a, zone, &now, &is_new);
}

static const char *
name(const struct device *d, const struct policy *p)
{
	static char out[ADDR_TEXT];
	return device_name(d, p, out);
}

static void
mac_decides(void **state)
{
	struct policy *p = policy(policy_text);
	struct device_table *t = device_table_new(16);
	(void)state;

	struct device *one = seen(t, p, "02:00:00:00:00:01", "10.0.0.1", 0);
	assert_string_equal(name(one, p), "one");
	/* a new address is the same device, and the address is now its own */
	assert_ptr_equal(seen(t, p, "02:00:00:00:00:01", "10.0.0.77", 0), one);
	/* another MAC that borrows an address of the inventory is a stranger */
	struct device *thief = seen(t, p, "02:00:00:00:00:99", "10.0.0.2", 0);
	assert_int_equal(thief->inventory, DEVICE_UNKNOWN);
	assert_string_equal(name(thief, p), "02:00:00:00:00:99");
	/* the same MAC in another zone is another device */
	assert_ptr_not_equal(seen(t, p, "02:00:00:00:00:01", "10.0.0.1", 1), one);
	assert_int_equal(device_unknown_count(t), 1);
	device_table_free(t);
	policy_free(p);
}

static void
address_decides_behind_a_router(void **state)
{
	struct policy *p = policy(policy_text);
	struct device_table *t = device_table_new(16);
	(void)state;

	assert_string_equal(name(seen(t, p, NULL, "10.9.0.9", 1), p), "behind");
	assert_string_equal(name(seen(t, p, NULL, "10.9.0.8", 1), p), "10.9.0.8");
	assert_int_equal(device_count(t), 2);
	device_table_free(t);
	policy_free(p);
}

static void
address_leads_back(void **state)
{
	struct policy *p = policy(policy_text);
	struct device_table *t = device_table_new(16);
	struct addr a = addr("10.0.0.1"), b = addr("10.0.0.55");
	bool is_new;
	(void)state;

	struct device *one = seen(t, p, "02:00:00:00:00:01", "10.0.0.1", 0);
	assert_ptr_equal(device_by_address(t, p, &a, 0, &(struct now){0}, &is_new), one);
	assert_false(is_new);
	/* a camera has many addresses; one that somebody else uses is no longer its own */
	seen(t, p, "02:00:00:00:00:01", "fd20::1", 0);
	assert_ptr_equal(device_by_address(t, p, &a, 0, &(struct now){0}, &is_new), one);
	struct device *two = seen(t, p, "02:00:00:00:00:02", "10.0.0.1", 0);
	assert_ptr_equal(device_by_address(t, p, &a, 0, &(struct now){0}, &is_new), two);
	/* nor is it in another zone */
	assert_ptr_not_equal(device_by_address(t, p, &a, 1, &(struct now){0}, &is_new), two);
	assert_true(is_new);
	assert_ptr_not_equal(device_by_address(t, p, &b, 0, &(struct now){0}, &is_new), one);
	device_table_free(t);
	policy_free(p);
}

static void
introduce(struct device_table *t, const struct policy *p, const char *mac, const char *of, uint8_t zone)
{
	struct addr a = addr(of);
	struct mac m;

	assert_true(mac_parse(mac, &m));
	device_introduce(t, p, &m, &a, zone);
}

static struct device *
at(struct device_table *t, const struct policy *p, const char *of, bool *ret_new)
{
	struct addr a = addr(of);
	return device_by_address(t, p, &a, 0, &(struct now){.wall_us = 77}, ret_new);
}

static void
neighbours_are_found(void **state)
{
	struct policy *p = policy(policy_text);
	struct device_table *t = device_table_new(16);
	bool is_new;
	(void)state;

	introduce(t, p, "02:00:00:00:00:01", "10.0.0.1", 0);
	introduce(t, p, "02:00:00:00:00:01", "fd20::1", 0);
	introduce(t, p, "02:00:00:00:00:99", "10.0.0.99", 0);
	assert_int_equal(device_count(t), 0);
	assert_int_equal(device_unknown_count(t), 0);
	struct device *one = at(t, p, "10.0.0.1", &is_new);
	assert_string_equal(name(one, p), "one");
	assert_true(is_new); /* by its first traffic, and only then */
	assert_int_equal(one->first_us, 77);
	assert_int_equal(one->last_us, 0);
	assert_ptr_equal(at(t, p, "fd20::1", &is_new), one);
	assert_false(is_new);
	assert_ptr_equal(seen(t, p, "02:00:00:00:00:01", "10.0.0.1", 0), one);
	assert_int_equal(device_count(t), 1);
	assert_int_equal(seen(t, p, "02:00:00:00:00:99", "10.0.0.98", 0)->inventory, DEVICE_UNKNOWN);
	assert_int_equal(device_count(t), 2);
	assert_int_equal(device_unknown_count(t), 1);
	/* the kernel finds the address at another MAC, and the camera takes it back */
	introduce(t, p, "02:00:00:00:00:02", "10.0.0.1", 0);
	assert_string_equal(name(at(t, p, "10.0.0.1", &is_new), p), "two");
	seen(t, p, "02:00:00:00:00:01", "10.0.0.1", 0);
	assert_ptr_equal(at(t, p, "10.0.0.1", &is_new), one);
	device_table_free(t);
	policy_free(p);
}

/* A thousand cameras: what one sends takes no other one's address away. */
static void
addresses_stay(void **state)
{
	enum { CAMERAS = 1000 };
	struct policy *p = policy(policy_text);
	struct device_table *t = device_table_new(4096);
	char mac[MAC_TEXT], from[ADDR_TEXT];
	bool is_new;
	(void)state;

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < CAMERAS; i++) {
			snprintf(mac, sizeof mac, "02:00:00:01:%02x:%02x", i >> 8, i & 255);
			snprintf(from, sizeof from, "10.1.%u.%u", i >> 8, i & 255);
			(round ? at(t, p, from, &is_new) : seen(t, p, mac, from, 0));
		}
	assert_int_equal(device_count(t), CAMERAS);
	device_table_free(t);
	policy_free(p);
}

/* The inventory knows it by an IPv4 address, and the neighbour table came with the other one. */
static void
neighbour_known_by_its_address(void **state)
{
	struct policy *p = policy(policy_text);
	struct device_table *t = device_table_new(16);
	bool is_new;
	(void)state;

	introduce(t, p, "02:00:00:00:00:77", "fd20::9", 0);
	struct device *d = at(t, p, "fd20::9", &is_new);
	assert_int_equal(d->inventory, DEVICE_UNKNOWN);
	assert_ptr_equal(seen(t, p, "02:00:00:00:00:77", "10.9.0.9", 0), d);
	assert_string_equal(name(d, p), "behind");
	assert_int_equal(device_unknown_count(t), 0);
	device_table_free(t);
	policy_free(p);
}

static void
neighbours_push_nobody_out(void **state)
{
	struct policy *p = policy(policy_text);
	struct device_table *t = device_table_new(16);
	char mac[MAC_TEXT], from[ADDR_TEXT];
	bool is_new;
	(void)state;

	for (unsigned i = 0; i < 100; i++) {
		snprintf(mac, sizeof mac, "06:00:00:00:00:%02x", i);
		snprintf(from, sizeof from, "10.0.1.%u", i);
		introduce(t, p, mac, from, 0);
	}
	assert_int_equal(device_evictions(t), 0);
	assert_int_equal(device_count(t), 0);
	/* the places that strangers may not take */
	introduce(t, p, "02:00:00:00:00:02", "10.0.0.2", 0);
	assert_string_equal(name(at(t, p, "10.0.0.2", &is_new), p), "two");
	/* whoever sends takes the place of one that does not, whose address no longer leads there */
	struct device *d = seen(t, p, "06:00:00:00:01:00", "10.0.2.1", 0);
	assert_int_not_equal(device_index(t, d), DEVICE_ANONYMOUS);
	assert_int_equal(device_evictions(t), 1);
	assert_int_equal(device_count(t), 2);
	assert_ptr_not_equal(at(t, p, "10.0.1.0", &is_new), d);
	device_table_free(t);
	policy_free(p);
}

static void
full_table_makes_room(void **state)
{
	struct policy *p = policy(policy_text);
	struct device_table *t = device_table_new(16);
	char mac[MAC_TEXT];
	(void)state;

	struct device *busy = seen(t, p, "02:00:00:00:00:01", "10.0.0.1", 0);
	device_hold(busy);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(mac, sizeof mac, "06:00:00:00:00:%02x", i);
		assert_int_not_equal(device_index(t, seen(t, p, mac, "10.0.1.1", 0)), DEVICE_ANONYMOUS);
	}
	assert_int_equal(device_count(t), 14); /* three places are kept for the inventory, one of which is taken */
	assert_int_equal(device_evictions(t), 87);
	assert_string_equal(name(busy, p), "one");
	assert_ptr_equal(seen(t, p, "02:00:00:00:00:01", "10.0.0.1", 0), busy);
	/* everybody busy: the anonymous device stands in, counted */
	for (unsigned i = 1; i <= 16; i++)
		device_hold(device_at(t, i));
	assert_int_equal(device_index(t, seen(t, p, "0a:00:00:00:00:01", "10.0.1.1", 0)), DEVICE_ANONYMOUS);
	assert_int_equal(device_shared(t), 1);
	device_table_free(t);
	policy_free(p);
}

/* Made-up MACs, each held by a refused flow, leave the inventory its places. */
static void
strangers_leave_room(void **state)
{
	struct policy *p = policy(policy_text);
	struct device_table *t = device_table_new(16);
	char mac[MAC_TEXT];
	(void)state;

	for (unsigned i = 0; i < 100; i++) {
		snprintf(mac, sizeof mac, "06:00:00:00:00:%02x", i);
		struct device *d = seen(t, p, mac, "10.0.1.1", 0);
		if (device_index(t, d) != DEVICE_ANONYMOUS)
			device_hold(d);
	}
	assert_true(device_shared(t) > 80);
	assert_string_equal(name(seen(t, p, "02:00:00:00:00:01", "10.0.0.1", 0), p), "one");
	assert_string_equal(name(seen(t, p, "02:00:00:00:00:02", "10.0.0.2", 0), p), "two");
	assert_int_equal(device_unknown_count(t), 13);
	device_table_free(t);
	policy_free(p);
}

static void
reload_renames(void **state)
{
	struct policy *p = policy(policy_text);
	struct policy *q = policy("version: 1\nmode: monitor\nzones: {cameras: {interfaces: [cam0]}}\n"
				  "devices: [{name: uno, mac: \"02:00:00:00:00:01\"}]\ndefault: block\n");
	struct device_table *t = device_table_new(16);
	(void)state;

	struct device *one = seen(t, p, "02:00:00:00:00:01", "10.0.0.1", 0);
	struct device *two = seen(t, p, "02:00:00:00:00:02", "10.0.0.2", 0);
	device_rematch(t, q);
	assert_string_equal(name(one, q), "uno");
	assert_int_equal(two->inventory, DEVICE_UNKNOWN);
	device_table_free(t);
	policy_free(p);
	policy_free(q);
}

/* What is forgotten leaves its place to others; what comes back from an earlier run is not new; names are found. */
static void
kept_and_forgotten(void **state)
{
	struct policy *p = policy(policy_text);
	struct device_table *t = device_table_new(16);
	struct now now = {.wall_us = 5000};
	struct mac m;
	struct addr a = addr("10.0.0.50");
	bool is_new;
	(void)state;

	assert_true(mac_parse("02:00:00:00:00:50", &m));
	struct device *d = device_restore(t, p, &m, &a, 0, 100, 200);
	assert_non_null(d);
	assert_ptr_equal(device_by_packet(t, p, &m, &a, 0, &now, &is_new), d);
	assert_false(is_new);
	assert_int_equal(d->first_us, 100);
	strcpy(d->label, "porch");
	assert_ptr_equal(device_find(t, p, "porch"), d);
	assert_ptr_equal(device_find(t, p, "02-00-00-00-00-50"), d);
	assert_ptr_equal(device_find(t, p, "10.0.0.50"), d);
	struct addr six = addr("fd20::50");
	assert_ptr_equal(device_by_packet(t, p, &m, &six, 0, &now, &is_new), d);
	assert_ptr_equal(device_find(t, p, "fd20::50"), d);
	assert_ptr_equal(device_find(t, p, "10.0.0.50"), d); /* it still has its other address */
	assert_null(device_find(t, p, "10.0.0.51"));
	assert_null(device_find(t, p, "nobody"));
	assert_non_null(device_identity(t, d));
	device_hold(d);
	assert_false(device_forget(t, d)); /* it has a flow: only what was known of it goes */
	assert_null(d->who);
	assert_string_equal(d->label, "");
	device_release(d);
	assert_true(device_forget(t, d));
	assert_int_equal(device_count(t), 0);
	assert_null(device_find(t, p, "10.0.0.50"));
	assert_ptr_equal(device_by_mac(t, p, &m, 0, &now, &is_new), d); /* the same place, and a new device */
	assert_true(is_new);
	assert_true(device_count(t) == 1 && device_last(t) == 1);
	/* an address of its own, then others: the last ones are remembered, each once */
	for (unsigned i = 0; i < 20; i++) {
		char text[32];
		snprintf(text, sizeof text, "10.0.1.%u", i % 6);
		seen(t, p, "02:00:00:00:00:50", text, 0);
	}
	assert_int_equal(d->n_recent, DEVICE_ADDRESSES);
	for (unsigned i = 0; i < d->n_recent; i++)
		assert_int_not_equal(addr_cmp(&d->recent[i], &d->addr), 0);
	assert_null(device_identity(t, device_at(t, DEVICE_ANONYMOUS)));
	device_table_free(t);
	policy_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mac_decides), cmocka_unit_test(kept_and_forgotten),	       cmocka_unit_test(address_decides_behind_a_router), cmocka_unit_test(address_leads_back),
		cmocka_unit_test(neighbours_are_found), cmocka_unit_test(addresses_stay), cmocka_unit_test(neighbour_known_by_its_address), cmocka_unit_test(neighbours_push_nobody_out),
		cmocka_unit_test(full_table_makes_room), cmocka_unit_test(strangers_leave_room), cmocka_unit_test(reload_renames),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
