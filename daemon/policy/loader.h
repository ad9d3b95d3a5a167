/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From text nodes to a struct policy. A section is a table of fields; a reader checks one value and says what
 * is wrong with it. Readers return false after reporting; their outputs are untouched then, and loading goes
 * on, so that one run tells everything.
 */
#ifndef LENSCAP_POLICY_LOADER_H
#define LENSCAP_POLICY_LOADER_H

#include <stdint.h>

#include "bundle.h"
#include "condition.h"
#include "model.h"

struct choice;
struct schema;

/* What a reader would take, asked of the reader itself: describe.c makes the JSON Schema of the language from the answers. */
struct asked {
	enum asked_kind {
		ASKED_NOTHING,
		ASKED_TEXT,
		ASKED_NAME,
		ASKED_LABEL,
		ASKED_PATH,
		ASKED_WORDS,
		ASKED_NUMBER,
		ASKED_DURATION,
		ASKED_SIZE,
		ASKED_PREFIX,
		ASKED_ADDR,
		ASKED_MAC,
		ASKED_COUNTRY,
		ASKED_ASN,
		ASKED_IFNAME,
		ASKED_MAP,
	} kind;			      /* the first that was read */
	bool keys;		      /* names are let through: what stands below a map's keys is asked */
	bool each;		      /* one or a list of them */
	bool list;		      /* or the file that they stand in */
	const struct choice *choices; /* ASKED_WORDS */
	size_t n_choices;
	uint32_t min, max;	      /* ASKED_NUMBER */
	const struct schema *schema;  /* ASKED_MAP */
};

struct loader {
	struct asked *asked; /* NULL: values are read. Else readers note what they are here, and read nothing */
	struct policy *p;
	struct region scratch; /* the tree and what is needed only while loading */
	struct diags *diags;
	const struct bundle *bundle;   /* whose lists are read */
	const struct policy *previous; /* NULL, or whose lists are taken where they are the same */
	const struct node *root; /* all files merged */
	/*
	 * A file was cut off by a syntax error: what follows from that alone (missing keys, unknown names) is
	 * not told. The rest is loaded all the same, for policy_salvage().
	 */
	bool cut;
	enum bundle_mode mode; /* in place of what mode: says */
	struct diags ignored;
	struct spot zone_spots[ZONES_MAX];
	struct vec zoneinfos; /* struct zoneinfo *: each time zone's file is read once */
};

enum field_flag {
	FIELD_REQUIRED = 1 << 0,
	/* Top level only: what a key means that stands in several files. Without a flag that is an error. */
	FIELD_MERGE = 1 << 1,  /* maps are joined, the same key in two of them is an error */
	FIELD_APPEND = 1 << 2, /* lists are joined */
	FIELD_EACH = 1 << 3,   /* describes its own file */
};

struct field {
	const char *key;
	void (*load)(struct loader *l, const struct node *value, void *into);
	unsigned flags;
};

struct schema {
	const char *what; /* "a rule" */
	const struct field *fields;
	size_t n;
	unsigned conditions; /* COND_*: these conditions may stand beside the fields */
};

/* A closed set of words and their values. */
struct choice {
	const char *word;
	unsigned value;
};

/* True: nothing is to be read, and it was noted that this kind of value would be. */
bool was_asked(struct loader *l, enum asked_kind kind);

/* Keys of the whole policy. */
extern const struct schema schema_policy;

struct diag *load_error(struct loader *l, const struct node *at, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
struct diag *load_warning(struct loader *l, const struct spot *at, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Adds "did you mean", when one of the names is close. */
void hint_closest(struct diag *g, const char *word, const char *const *names, size_t n);
/* "lenscap.yaml:7:3": the file's last component. */
const char *spot_text(struct loader *l, const struct spot *s);
struct spot node_spot(const struct node *n);

/* Calls load of each field that the map has, in the order of the table; reports unknown and missing keys. */
void load_map(struct loader *l, const struct node *map, const struct schema *schema, void *into);
/* Calls load for a single value or for each element of a list; an empty list is an error. */
void load_each(struct loader *l, const struct node *value,
	       void (*load)(struct loader *l, const struct node *value, void *into), void *into);
/* True for a list (also an empty one) or a map; reports otherwise. what: "devices". */
bool expect_list(struct loader *l, const struct node *n, const char *what);
bool expect_map(struct loader *l, const struct node *n, const char *what);

bool read_text(struct loader *l, const struct node *n, const char **ret_text);
/* A name that may stand in records and messages: letters, digits, ._- and no other; at most NAME_MAX_LEN. */
bool read_name(struct loader *l, const struct node *n, const char *what, const char **ret_name);
/* Free text for people, at most NAME_MAX_LEN bytes. */
bool read_label(struct loader *l, const struct node *n, const char **ret_text);
bool read_path(struct loader *l, const struct node *n, const char **ret_path);
bool read_bool(struct loader *l, const struct node *n, bool *ret_value);
bool read_number(struct loader *l, const struct node *n, uint32_t min, uint32_t max, uint32_t *ret_value);
/* "10s" "5m" "2h" "45d" "1000ms"; milliseconds. */
bool read_duration(struct loader *l, const struct node *n, uint64_t *ret_ms);
/* "4MiB" "64KiB" "200MB" or plain bytes. */
bool read_size(struct loader *l, const struct node *n, uint64_t *ret_bytes);
bool read_choice(struct loader *l, const struct node *n, const struct choice *choices, size_t n_choices,
		 unsigned *ret_value);
bool read_prefix(struct loader *l, const struct node *n, struct prefix *ret_prefix);
bool read_addr(struct loader *l, const struct node *n, struct addr *ret_addr);
bool read_mac(struct loader *l, const struct node *n, struct mac *ret_mac);
bool read_country(struct loader *l, const struct node *n, char ret_code[3]);
bool read_asn(struct loader *l, const struct node *n, uint32_t *ret_asn);
bool read_ifname(struct loader *l, const struct node *n, const char **ret_name);

/* Digits only, no leading zero, at most max. */
bool parse_number(const char *text, uint64_t max, uint64_t *ret_value);

/* One section each; `into` is not used. */
void load_zones(struct loader *l, const struct node *value, void *into);
void load_devices(struct loader *l, const struct node *value, void *into);
void load_sets(struct loader *l, const struct node *value, void *into);
void load_rules(struct loader *l, const struct node *value, void *into);
void load_default(struct loader *l, const struct node *value, void *into);
void load_geo(struct loader *l, const struct node *value, void *into);
void load_outputs(struct loader *l, const struct node *value, void *into);
void load_options(struct loader *l, const struct node *value, void *into);
void load_tests(struct loader *l, const struct node *value, void *into);

/* What applies when a section is not there. */
void geo_defaults(struct loader *l);
void outputs_defaults(struct loader *l);
/* After everything: unique signature ids, the built-in rules, and the list of all rules. */
void rules_finish(struct loader *l);
/* W3xx. */
void warn_all(struct loader *l);

/* ret: index of the zone or -1. */
int zone_find(const struct policy *p, const char *name);
/* E104 and E105, with what the word was probably meant to be. what: "is called". */
void unknown_zone(struct loader *l, const struct node *at);
void unknown_label(struct loader *l, const struct node *at, const struct labels *labels, const char *what);
struct set *set_find(const struct policy *p, const char *name);

/*
 * Joins the files' trees into one map according to the fields' flags. Rules of a drop-in go where its
 * position: says. Reports keys that two files may not both have. Uses the nodes it was given.
 */
struct node *merge_files(struct loader *l, struct node *const *roots, size_t n, const struct schema *schema);

#endif
