/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The owner's policy: loaded from YAML, immutable afterwards, judged without allocation.
 *
 * A rule's conditions are three-valued: yes, no, cannot tell yet. First match wins. A flow is decided as soon as every
 * outcome that is still possible agrees; until then it is pending.
 */
#ifndef LENSCAP_POLICY_H
#define LENSCAP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "diag.h"
#include "facts.h"
#include "geo.h"

struct bundle;
struct catalogue;
struct json;
struct policy;
struct plan;

enum {
	POLICY_BUILTIN_RULES = 3, /* at the end of policy_rules(): zones, default, unknown-devices */
	POLICY_NAME_MAX = 63, /* names of rules, zones, sets, devices and groups; letters, digits and ._- */
};

enum mode { MODE_MONITOR, MODE_ENFORCE };
enum fail_mode { FAIL_OPEN, FAIL_CLOSED };

enum action { ACTION_ALLOW, ACTION_ALERT, ACTION_BLOCK, ACTION_REJECT, ACTION_QUARANTINE };
enum alert_level { ALERT_NONE, ALERT_LOW, ALERT_MEDIUM, ALERT_HIGH };

enum decision { DECISION_PENDING, DECISION_ALLOW, DECISION_BLOCK, DECISION_REJECT };

/* Which part of the policy answered. */
enum rule_kind {
	RULE_WRITTEN,	     /* an entry of rules: */
	RULE_DEFAULT,	     /* default: */
	RULE_UNKNOWN_DEVICE, /* unknown-devices: block */
	RULE_ZONES,	     /* between declared zones, and no rule says otherwise: allowed, not egress */
};

/* What the engine and the records need of a rule. Owned by the policy. */
struct rule_info {
	unsigned index; /* place in policy_rules() */
	enum rule_kind kind;
	const char *name; /* "default", "unknown-devices", "zones" for the built-in ones */
	const char *file;
	unsigned line;
	enum action action;
	enum mode mode;
	enum alert_level alert;
	uint32_t quarantine_s; /* action: quarantine: how long; 0: until it is released */
	uint32_t signature_id; /* id:, or 1900000 + hash(name) mod 80000 */
	uint16_t limit;	       /* limit: its place in policy_limits() plus one; 0: there is none */
};

enum limit_kind { LIMIT_BYTES, LIMIT_FLOWS };
enum limit_period { PERIOD_MINUTE, PERIOD_HOUR, PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH };

struct zoneinfo;

/* How much a rule allows each device in a period. Owned by the policy. */
struct policy_limit {
	unsigned index; /* place in policy_limits() */
	const struct rule_info *rule;
	uint64_t key; /* the same in every policy whose rule of this name counts the same by the same period */
	enum limit_kind kind;
	enum limit_period period;
	uint64_t amount;
	const struct zoneinfo *zone;
};

struct judgement {
	enum decision decision; /* what policy says. In monitor mode this is what enforce mode *would* do */
	enum mode mode;		/* of the rule that answered (its own, or the policy's) */
	const struct rule_info *rule; /* the one that is known to match, never one that only might; NULL while pending */
	uint32_t missing;	      /* pending only: enum fact bits that could decide it */
	uint32_t used;		      /* enum fact bits that any condition looked at on the way: what the answer depends on */
	bool certain;		      /* no earlier rule can match any more: the rule's own deed may be done */
	bool scheduled;		      /* a `when:` was looked at: the answer may change at policy_next_edge() */
};

/* A device of the inventory. Owned by the policy. */
struct policy_device {
	const char *name, *brand; /* brand "" when not declared */
	const char *const *groups;
	size_t n_groups;
	bool has_mac;
	struct mac mac;
	const struct addr *addresses; /* `address:`, for zones with identify-by: address */
	size_t n_addresses;
};

struct policy_zone {
	const char *name;
	const char *const *interfaces; /* not empty: this zone is guarded */
	size_t n_interfaces;
	const char *bridge; /* of which these interfaces are ports; NULL: they are none, and packets are routed from them */
	const struct prefix *networks;
	size_t n_networks;
	bool by_address; /* identify-by: address (a router stands between us and the devices) */
};

enum output_kind { OUTPUT_EVE, OUTPUT_SYSLOG, OUTPUT_STDOUT };
enum {
	RECORD_ALERT = 1 << 0,
	RECORD_FLOW = 1 << 1,
	RECORD_DROP = 1 << 2,
	RECORD_STATS = 1 << 3,
	RECORD_ANOMALY = 1 << 4,
	RECORD_DNS = 1 << 5,
	RECORD_TLS = 1 << 6,
	RECORD_HTTP = 1 << 7,
	RECORD_QUIC = 1 << 8,
	RECORD_TYPES = 9, /* bits above: what arrays by type are sized with */
};

struct policy_output {
	enum output_kind kind;
	const char *path;     /* eve */
	unsigned facility;    /* syslog: the number, local5 = 21 */
	uint32_t types;	      /* RECORD_* */
};

/* Numbers from `options:`, one row each in options.c with range, default and help. */
struct policy_options {
	uint32_t flows;		    /* capacity of the flow table */
	uint32_t devices;	    /* capacity of the device table */
	uint32_t idle_s;	    /* a flow without packets or kernel news for this long is forgotten */
	uint32_t queue;		    /* first NFQUEUE number */
	uint32_t queue_length;	    /* packets that may wait in the kernel */
	uint32_t queue_buffer;	    /* bytes of socket buffer */
	uint32_t copy_range;	    /* bytes of each packet that are copied */
	uint32_t mark_shift;	    /* lowest bit of our 12-bit field in the packet mark and the ct mark */
	uint32_t deny_memory_s;	    /* how long the kernel remembers a refusal of a first packet */
	uint32_t kind_memory_s;	    /* how long it answers for flows of a kind; 0: not at all */
	uint32_t engine_deadline_ms; /* packets wait this long at most for a stuck engine */
	uint32_t stats_s;	    /* seconds between stats records */
	uint32_t hold_packets, hold_bytes, hold_ms; /* payload of one undecided flow that waits in the queue */
	uint32_t watched_flows, watched_bytes;	    /* flows whose first bytes are remembered at a time, and all of these bytes */
	uint32_t identify_flows;    /* of one device, an hour, that are looked at only to learn who made it */
	uint32_t names, name_grace_s;		    /* bindings of names to addresses; how long one holds beyond its TTL */
	uint32_t new_flows, flood_hold_s; /* connections that one device may open a second; how long it opens none after more */
	uint32_t rollup_s;	    /* seconds over which equal alerts are rolled up */
	uint32_t watch_lists_s;	    /* a changed list is taken once it has stood still so long; 0: never */
	uint32_t list_items;	    /* items of all {file: PATH} together */
	uint32_t history_days, history_bytes; /* how long history is kept; what inventory and history may take on the disk */
};

/*
 * bundle_read(), and the lists that its files name. One that cannot be read is no failure here: policy_load() tells at its place.
 */
struct bundle *policy_read(const char *path, char **ret_file);

/*
 * Builds a policy from its text. Reports every problem it can find into *diags (file, line, column). NULL when
 * there was any error. Does not open databases, sockets or outputs.
 */
struct policy *policy_load(const struct bundle *b, struct diags *diags);
/* The same, with the catalogue of the policy before it (or NULL) where the bundle holds the same one. */
struct policy *policy_load_sharing(const struct bundle *b, struct diags *diags, const struct policy *previous);
void policy_free(struct policy *p);

/*
 * Runs the policy's own tests: and adds an E150 for each that fails. The facts of a test are what it says plus what its address
 * implies (zone, special-purpose range, geo overrides); databases are not asked, so a test states its country.
 * Returns the number of failures.
 */
unsigned policy_run_tests(const struct policy *p, struct diags *diags);
/* How many entries tests: has. */
size_t policy_tests(const struct policy *p);

/* Hints (H5xx) at values that other YAML programs would misread. Needs no policy that loads. */
void policy_lint(const struct bundle *b, struct diags *diags);

/* The JSON Schema of the language, for editors. False: memory is short, or the loader takes something that it cannot describe. */
bool policy_describe(struct json *j);

/* Judges one flow. Pure: same facts, same answer. */
void policy_judge(const struct policy *p, const struct facts *f, struct judgement *ret);

/* How far a rule or a condition holds: no, not known yet, yes. */
enum explained { EXPLAINED_NO, EXPLAINED_OPEN, EXPLAINED_YES };

struct explained_condition {
	const char *key;    /* as in the policy; "to" for the names of sets and zones */
	const char *wanted; /* the values as they are written */
	const char *found;  /* what the flow has there, in words; of a set: what its answer hangs on */
	bool local;	    /* stands in from: */
	enum explained state;
	uint32_t missing;   /* EXPLAINED_OPEN: enum fact bits that would decide it */
	const char *list;   /* NULL, or the file of items that holds what was found */
	uint32_t list_line; /* and where */
};

struct explained_rule {
	const struct rule_info *info;
	enum explained state;
	bool decides; /* the answer is this rule's */
	bool behind;  /* stands behind the rule that decides: it is not asked */
	const struct explained_condition *conditions; /* all of the rule's, in order of judging */
	size_t n;
	uint32_t missing;
};

/*
 * Judges, and tells how: visit is called for each written rule in order, then for the built-in one that decides, if one does. What it is
 * given lives until it returns; it returns false to stop, which bounds the work. from: rules before this place are left out. The decision
 * is policy_judge()'s, and conditions are matched by the same code.
 */
void policy_explain(const struct policy *p, const struct facts *f, size_t from, struct judgement *ret,
		    bool (*visit)(void *arg, const struct explained_rule *r), void *arg);
/*
 * For an answer that refuses or is open: what would have to be otherwise for the flow to be allowed, nearest first and at most a few
 * sentences. None when no rule comes near.
 */
void policy_explain_change(const struct policy *p, const struct facts *f, void (*tell)(void *arg, const char *text), void *arg);
/* "protocol", "name" … of one enum fact bit. */
const char *fact_name(enum fact bit);
/* A protocol's name as a policy takes it, "unknown" included; static. NULL: there is none. */
const char *policy_protocol(const char *name);

/* The wall-clock second after now_s at which some `when:` changes its answer; 0 when there is none. */
int64_t policy_next_edge(const struct policy *p, int64_t now_s);

/* Every limit:, in the order of facts.used. */
const struct policy_limit *const *policy_limits(const struct policy *p, size_t *ret_n);
/* Which of its periods this second lies in: another number, another period; the next one has the next number. */
int64_t policy_limit_period(const struct policy_limit *l, int64_t wall_s);
/* "150.0 MB of 200.0 MB used this day". */
void policy_limit_used(const struct policy_limit *l, uint64_t used, char *out, size_t cap);

/* A port that a rule names alone, not within a range. */
struct policy_port {
	uint8_t proto; /* IPPROTO_TCP, IPPROTO_UDP; 0: either */
	uint16_t port;
};

/* Each once, in order of the rules; returns how many of at most max. */
size_t policy_ports(const struct policy *p, struct policy_port *ret, size_t max);
/* Some rule asks who made a device: its answers change when that does. */
bool policy_uses_identity(const struct policy *p);
const char *policy_id(const struct policy *p); /* 12 hex digits */
/* Never NULL; without rows where the bundle had none. Lives as long as the policy, or as a catalogue_ref() of it. */
const struct catalogue *policy_catalogue(const struct policy *p);
enum mode policy_mode(const struct policy *p);
enum fail_mode policy_fail(const struct policy *p);
enum action policy_unknown_devices(const struct policy *p); /* ALLOW, ALERT, BLOCK, QUARANTINE */
const struct policy_options *policy_options(const struct policy *p);
const struct policy_zone *policy_zones(const struct policy *p, size_t *ret_n);
const struct policy_device *policy_devices(const struct policy *p, size_t *ret_n);
const struct policy_output *policy_outputs(const struct policy *p, size_t *ret_n);
/* Every rule in order of judging, the built-in ones last; for counters and listings. */
const struct rule_info *const *policy_rules(const struct policy *p, size_t *ret_n);
/* Everything geo_open() needs except copy_dir and the time. Owned by the policy. */
void policy_geo(const struct policy *p, struct geo_config *ret_config);

/* The inventory entry of this MAC; of this address for devices that declare one. DEVICE_UNKNOWN when there is none. */
uint16_t policy_device_by_mac(const struct policy *p, const struct mac *mac);
uint16_t policy_device_by_addr(const struct policy *p, const struct addr *a);
/* The zone whose networks hold this address (longest prefix wins), or ZONE_NONE. */
uint8_t policy_zone_by_addr(const struct policy *p, const struct addr *a);
/* The same for the far side of a flow: ports of a bridge are no destination, so a zone of such is none. */
uint8_t policy_far_zone_by_addr(const struct policy *p, const struct addr *a);
/* The guarded zone with this interface, or ZONE_NONE. */
uint8_t policy_zone_by_interface(const struct policy *p, const char *ifname);
/* The first guarded zone that has ports of this bridge, or ZONE_NONE. */
uint8_t policy_zone_by_bridge(const struct policy *p, const char *ifname);
/* The interfaces of this zone are ports of a bridge. */
bool policy_is_port(const struct policy *p, uint8_t zone);

/* What the gate must know; see plan.h. */
void policy_plan(const struct policy *p, struct plan *ret_plan);

/*
 * For a policy that does not load: reads what can be read of fail:, zones: and options:, so that `fail: closed` holds even then.
 * True when at least fail: and one guarded interface could be read; ret_plan then describes a table that can be installed.
 */
bool policy_salvage(const struct bundle *b, struct plan *ret_plan);

const char *action_name(enum action a);	      /* "allow" "alert" "block" "reject" "quarantine" */
const char *decision_name(enum decision d);   /* "pending" "allow" "block" "reject" */
const char *alert_level_name(enum alert_level l);
const char *mode_name(enum mode m);
const char *fail_name(enum fail_mode f);

#endif
