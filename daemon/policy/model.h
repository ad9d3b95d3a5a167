/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a loaded policy is made of. Built by the loader in one region, constant afterwards.
 *
 * A condition is an OR over its items, a clause an AND over conditions, a rule one clause and an answer. A
 * reference (to: home, to: "!never") is a condition whose items are other clauses.
 */
#ifndef LENSCAP_POLICY_MODEL_H
#define LENSCAP_POLICY_MODEL_H

#include "node.h"
#include "policy.h"
#include "region.h"

enum {
	ZONES_MAX = 64,
	NETWORKS_MAX = 1024, /* of all zones */
	DEVICES_MAX = 16384,
	SETS_MAX = 1024,
	RULES_MAX = 16384,
	OUTPUTS_MAX = 16,
	TESTS_MAX = 4096,
	NAME_MAX_LEN = POLICY_NAME_MAX,
};

struct condition_row;
struct list;
struct rule_index;
struct set;

struct condition {
	const struct condition_row *row;
	const void *items; /* n of the row's item_bytes, in the row's order */
	size_t n;
	bool local; /* stands in from: looks at the camera side */
	bool trusts; /* name: beside trust-sni: true: what the client says needs no proof */
	const char *written; /* its values as the owner wrote them, for explaining; long lists are cut */
	bool claims; /* stands in a rule that refuses: what a flow says of itself counts without proof */
	const struct list *const *lists; /* files of items that are as good as its own */
	size_t n_lists;
	const struct list *patterns; /* NULL, or its own items once more, to be searched and not walked */
	bool widen; /* country keys beside unknown-country: true also match where no country is known */
};

struct clause {
	const struct condition *conditions;
	size_t n;
};

/* Item of a reference. */
struct ref {
	const struct clause *clause;
	const struct set *set; /* NULL: a zone */
	bool negate;
};

/* Where something was written, for findings after the tree is gone. */
struct spot {
	const struct source *source;
	unsigned line, col, end_col;
};

struct set {
	const char *name;
	struct clause clause;
	struct spot spot;
	bool used;
	bool leaves_unknown; /* names countries, and an address of no known country is outside of it */
};

struct rule {
	struct rule_info info;
	struct clause clause;
	struct spot spot;
	bool has_id;
};

/* Item of limit:. */
struct limit {
	struct policy_limit is;
	struct spot spot;
};

struct network {
	struct prefix prefix;
	uint8_t zone;
};

/* A name, group or brand and one device that carries it; sorted by name, then device. */
struct label {
	const char *name;
	uint16_t device;
};

struct labels {
	const struct label *list;
	size_t n;
	bool fold; /* case does not matter */
};

struct mac_entry {
	struct mac mac;
	uint16_t device;
};

struct addr_entry {
	struct addr addr;
	uint16_t device;
};

struct test {
	struct spot spot;
	const char *from; /* as written, for the message */
	struct facts facts;
	enum action expect;
	const char *rule; /* NULL: any may answer */
	bool has_time;
};

struct policy {
	struct region region;
	struct catalogue *catalogue;
	char id[13];
	const struct source *sources;
	size_t n_sources;

	enum mode mode;
	enum fail_mode fail;
	bool fail_said, mode_said;
	enum action unknown_devices;
	struct policy_options options;

	struct policy_zone *zones;
	struct clause *zone_clauses; /* "the far side is in zone i" */
	size_t n_zones;
	struct network *networks; /* longest prefix first */
	size_t n_networks;

	struct policy_device *devices;
	size_t n_devices;
	struct labels names, groups, brands;
	struct mac_entry *macs;
	size_t n_macs;
	struct addr_entry *addrs;
	size_t n_addrs;

	struct vec lists; /* struct list *: counted references */
	size_t list_items;

	struct set **sets;
	size_t n_sets;
	struct rule **rules; /* the written ones, in order */
	size_t n_rules;
	struct rule_index *index; /* NULL: they are walked */
	struct policy_limit **limits;
	size_t n_limits;
	struct rule rule_zones, rule_default, rule_unknown;
	const struct rule_info **infos; /* written, then zones, default, unknown-devices */
	size_t n_infos;

	struct policy_output *outputs;
	size_t n_outputs;
	struct geo_config geo;
	struct test *tests;
	size_t n_tests;
};

/* A policy with its options at their defaults and nothing in it; NULL when memory is short. */
struct policy *policy_new(void);
void options_defaults(struct policy_options *ret);
/*
 * Fills in everything that can be read. previous: NULL, or whose catalogue is taken where it is the same. Half-built where there were errors. NULL only when memory is short.
 */
struct policy *policy_build(const struct bundle *b, struct diags *diags, const struct policy *previous);

/* The devices that carry this label; NULL when there are none. */
const struct label *labels_find(const struct labels *labels, const char *name, size_t *ret_n);

struct place_in_file spot_place(const struct spot *s);

#endif
