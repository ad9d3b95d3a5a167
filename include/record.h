/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thing that happened, as plain data, and its EVE JSON form (lenscap-eve(5), config/eve.schema.json).
 * The engine fills a struct record on its stack; pointers in it live only for the call.
 */
#ifndef LENSCAP_RECORD_H
#define LENSCAP_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "channel.h"
#include "geo.h"
#include "policy.h"

struct app;
struct dns_message;

enum {
	RECORD_BYTES = 8192, /* rsyslog's default message size */
	RECORD_NAME = 255,   /* longest name field */
};

/* What of a flow's id is told, in records and in the history: it stays exact in readers that keep numbers as doubles. */
#define FLOW_ID_MASK ((UINT64_C(1) << 51) - 1)

/* Built-in signature ids. Rules have 1900000..1979999. */
enum signature {
	SID_UNKNOWN_DEVICE = 1990001, /* a device that is not in the inventory (unknown-devices: alert or block) */
	SID_HOOK_REMOVED = 1990002,
	SID_SNI_CONTRADICTION = 1990003,
	SID_RELOAD_REFUSED = 1990004,
	SID_GEO_PROBLEM = 1990005,
	SID_ENGINE_RESTARTED = 1990006,
	SID_REVOKED = 1990007,	  /* a live flow that the new policy forbids */
	SID_DNS_TUNNEL = 1990008, /* looks like data in DNS questions */
	SID_QUARANTINED = 1990016, /* a device was cut off, or let back */
	SID_FLOOD = 1990017,	  /* a device opens more connections than it may */
	SID_NOT_CONFIRMED = 1990018, /* nobody confirmed a policy: the one before is back */
	SID_NEW_DEVICE = 1990010,      /* a device that is not in the inventory was seen for the first time */
	SID_UNMASKED = 1990011,	       /* label and maker disagree */
	SID_COVERED = 1990012,	       /* made by a covered maker */
	SID_IDENTITY_CHANGED = 1990013, /* another fingerprint, or a serial number that another device has */
	SID_CLOUD_CONTACT = 1990014,   /* a vendor's cloud or relay: once a day, device and cloud */
	SID_MANAGEMENT = 1990015,      /* a management request of somebody who is not in the inventory */
	SID_STORE = 1990019,	  /* inventory and history are not kept, or begin anew */
	SID_UNINSPECTED = 1990020,
	SID_BUDGET = 1990021, /* a device has used a limit: up, once a period */
};

/* Why a flow record was written, and why a packet was dropped; text in EVE by flow_end_name(). */
enum flow_end {
	FLOW_END_TIMEOUT,  /* conntrack or we forgot it */
	FLOW_END_CLOSED,   /* TCP ended */
	FLOW_END_REVOKED,  /* cut by a new policy */
	FLOW_END_EVICTED,  /* the flow table was full */
	FLOW_END_DENIED,   /* refused at its first packet */
	FLOW_END_SHUTDOWN, /* we stop */
};

/* Why a packet has no flow. Each has its own counter. */
enum drop_reason {
	DROP_NONE,
	DROP_FRAGMENT,	     /* still a fragment although conntrack reassembles */
	DROP_TRUNCATED,	     /* shorter than its headers say */
	DROP_BAD_HEADER,     /* version, header length, extension chain, address that cannot be */
	DROP_EXT_LIMIT,	     /* more IPv6 extension headers than anybody sends */
	DROP_NOT_IP,
	DROP_TABLE_FULL,
	DROP_REASONS
};

/* What kind of oddity an anomaly is: EVE's anomaly.type. */
enum anomaly {
	ANOMALY_DECODE,	  /* a packet */
	ANOMALY_STREAM,	  /* what packets of one TCP flow say together */
	ANOMALY_APPLAYER, /* what the flow speaks */
	ANOMALIES
};

/* The engine's counters, for stats records and `status`. Running totals unless they say gauge. */
struct stats {
	uint64_t packets, bytes;	      /* seen in the queue */
	uint64_t verdict[4];		      /* by enum decision, as sent (monitor mode sends ALLOW) */
	uint64_t drop[DROP_REASONS];
	uint64_t flows_new, flows_ended, flows_evicted, flows_revoked, flows_rejudged;
	uint64_t flows_active;		      /* gauge */
	uint64_t decided[4];		      /* flows, by what policy said */
	uint64_t would_block;		      /* flows that only monitor mode let through */
	uint64_t devices, devices_unknown, devices_evicted; /* the first two are gauges */
	uint64_t alerts[4];		      /* by enum alert_level */
	uint64_t alerts_rolled_up;
	uint64_t denied_unmatched;	      /* packets that the kernel refused of flows that we have forgotten */
	uint64_t flows_by_kind;		      /* of the new ones, those that the kernel let begin by their kind and conntrack told of */
	uint64_t kinds_ahead, kinds_not_ahead; /* kinds that the kernel was told of before their first flow; that were too many */
	uint64_t ended_forgotten;	      /* of those, how many could be told of twice */
	uint64_t news_unmatched;	      /* conntrack news of flows that we do not know */
	uint64_t stale_ids;		      /* verdicts for packets that were already answered */
	uint64_t netlink_bad, netlink_errors; /* messages on the queue socket that were not packets */
	uint64_t overruns;		      /* the queue socket said ENOBUFS */
	uint64_t announcements;		      /* what cameras say on their link, heard beside the queue */
	uint64_t announcements_bad, announcements_lost; /* made no sense; overran on the way to us */
	uint64_t geo_lookups, geo_unknown;
	uint64_t inspected;		      /* flows whose bytes were looked at */
	uint64_t flows_pending;		      /* gauge: flows that are looked at now and not decided */
	uint64_t held_packets;		      /* kept back until their flow was decided, and what became of them */
	uint64_t held_released, held_dropped;
	uint64_t held_over_packets, held_over_bytes, held_over_total, held_over_time; /* times that a limit of holding was met */
	uint64_t held_waiting;		      /* gauge: packets that are kept back now */
	uint64_t streams_refused;	      /* flows that found no memory for their bytes */
	uint64_t stream_conflicts;	      /* segments that said something else about bytes already seen */
	uint64_t names_bound;		      /* gauge: names that DNS answers proved */
	uint64_t names_evicted;
	uint64_t dns_queries, dns_answers, dns_blocked, dns_malformed;
	uint64_t dns_bytes_blocked;
	uint64_t sni_contradictions;	      /* flows whose server name is not what DNS said */
	uint64_t dns_tunnels;
	uint64_t evidence;		      /* rows that say who made a device */
	uint64_t devices_identified, devices_covered, devices_unmasked; /* gauges */
	uint64_t budgets;		      /* gauge: of a device and a limit, that are counted */
	uint64_t budgets_used_up;	      /* times that one was */
	uint64_t budgets_uncounted;	      /* flows that found no room for theirs */
	uint64_t records[RECORD_TYPES], records_dropped[RECORD_TYPES]; /* by bit number of RECORD_* */
	uint64_t reloads, reloads_refused;
	uint64_t chronicle_dropped;	      /* records of history that the store did not take */
	uint64_t store_dropped, store_refused; /* that the database did not take; that made no sense to one of the two */
	uint64_t store_bytes;		      /* gauge: of the database */
};

/* A flow's end points and history as records show it: the initiator is always src. */
struct record_flow {
	uint64_t id; /* 51 bits at most */
	struct tuple tuple;
	uint64_t packets_toserver, packets_toclient, bytes_toserver, bytes_toclient;
	bool exact;	  /* the counts are the kernel's; else they are what user space saw */
	int64_t start_us, end_us; /* end_us 0: not over */
	const char *state; /* "new" "established" "closed" "bypassed" */
	bool alerted;	   /* an alert was raised for it: EVE's flow.alerted */
	enum flow_end end;
};

struct record_device {
	const char *name; /* inventory name, or the MAC or address as text */
	const char *vendor; /* brand as declared; "" unknown */
	const char *const *groups;
	size_t n_groups;
	const char *zone;
	bool known;
	struct mac mac; /* zero: none */
	/* Who made it. The rest counts only where `identified`: something is known at all. Texts are the device's own words unless said. */
	bool identified, covered, unmasked;
	unsigned score;		     /* 0 to 99, of the maker that most speaks for */
	const char *maker, *platform; /* ids of the catalogue; "" not decided */
	const char *model, *firmware, *serial, *label;
};

/* One row of evidence, as alerts show it. */
struct record_evidence {
	const char *channel, *maker, *pattern, *excerpt; /* excerpt: bytes as they were */
	unsigned weight;
	int64_t seen_us;
	uint64_t flow_id; /* that showed it first; 0: announced */
};

struct record_decision {
	enum decision decision; /* what was done */
	enum decision would;	/* what enforce mode does; equal to decision when enforcing */
	enum mode mode;
	const struct rule_info *rule; /* NULL: no rule (malformed packet) */
	const char *policy_id;
	const char *reason; /* one short sentence: "default", "malformed: truncated", "policy changed: …" */
};

/* One record. type is one RECORD_* bit; the parts that a type does not use stay zero. */
struct record {
	uint32_t type;
	int64_t wall_us;
	const char *in_iface; /* "" unknown */
	uint16_t vlan;	      /* 0: none, or not known */
	const char *host;	/* sensor name */
	const struct record_flow *flow; /* drop: only what could be read of its tuple is printed; zero addresses: nothing */
	const struct record_device *device;
	const struct record_decision *decision;
	const struct place *place; /* of the far side */
	const struct addr *remote;
	const char *place_source, *asn_source, *as_name;
	bool inbound;
	const char *app_proto; /* NULL: not looked at; "failed" when looked and unknown */
	const char *dest_name, *dest_name_from; /* of the far side, and "dns", "sni" or "http"; NULL unknown */
	const char *ja4;	       /* flow: of the client's hello; NULL: none */
	const struct app *app;	       /* tls, quic, http: what the flow said; the others print nothing of it */
	const struct dns_message *dns; /* dns */
	bool dns_answer;	       /* dns: an answer; else a query */
	/* anomalies */
	enum anomaly anomaly;
	const char *anomaly_event; /* like "stream.conflict" */
	const char *anomaly_layer; /* what noticed it: "proto_parser"; NULL: not told */
	/* alerts */
	uint32_t signature_id;
	enum alert_level level;
	const char *category;
	const struct record_evidence *evidence; /* of alerts about who a device is */
	size_t n_evidence;
	const char *signature; /* the whole story in one line; NULL: composed from flow, device, decision and place */
	uint64_t repeat;       /* how many were rolled up into this record, itself included; 0: no roll-up */
	uint32_t suppressed_s; /* over this time */
	/* drop records */
	enum drop_reason drop;
	size_t packet_len;
	/* stats */
	const struct stats *stats;
	const struct channel_counters *kernel; /* NULL before the first report */
	int64_t uptime_s;
	uint32_t boot;
	int64_t opened_us; /* first record of a file: when it was opened; else 0 */
	double gap_s;	   /* time without inspection before this start; negative: unknown */
};

/*
 * Writes the record as one line of JSON with a '\n' and a NUL behind it. Returns its length without the NUL. RECORD_BYTES is
 * always enough: what does not fit is shortened (lists, then names), and lenscap.truncated says so. 0: cap is smaller than that
 * and too small, or the type is not one RECORD_* bit.
 * A record with opened_us set is padded to at least 1 KiB (lenscap.pad), because log shippers fingerprint the first bytes of a file.
 */
size_t record_print(const struct record *r, char *out, size_t cap);

/* Community ID v1 of a tuple, seed 0: "1:" and base64 of SHA-1 (corelight/community-id-spec). out[COMMUNITY_ID_TEXT]. */
enum { COMMUNITY_ID_TEXT = 32 };
const char *community_id(const struct tuple *t, char out[COMMUNITY_ID_TEXT]);

/* "alert" for bit 0 of RECORD_* and so on; NULL behind the last. */
const char *record_type_name(size_t bit);
const char *flow_end_name(enum flow_end e);
const char *drop_reason_name(enum drop_reason d);
unsigned alert_severity(enum alert_level l); /* high 1, medium 2, low 3 */

#endif
