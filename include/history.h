/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's history, read over the control socket into memory: what diff, learn and report think about. Texts are kept once each; all of it
 * is bounded. Whatever a row says came from the wire once: print it through listing_text() or an escape of its own.
 */
#ifndef LENSCAP_HISTORY_H
#define LENSCAP_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "facts.h"

struct cli;
struct json_object;

enum { HISTORY_ROWS_MAX = 1000000 };

/* Equal connections of one device in one hour, or one name that was asked for. Texts are never NULL. */
struct history_flow {
	int64_t hour, first_us, last_us;
	const char *device, *mac, *zone, *local, *dest_ip, *proto, *app_proto, *name, *name_from, *country, *registered, *continent, *as_name,
		*special, *remote_zone, *decision, *would, *rule, *policy_id, *query;
	const char *bound[FACTS_BOUND], *clouds[4];
	uint8_t n_bound, n_clouds;
	bool inbound, anycast, ech, proved;
	uint8_t ip_proto;
	uint16_t dest_port;
	uint32_t asn;
	uint64_t flows, packets, bytes_toserver, bytes_toclient;
	struct addr local_addr, remote; /* all zero: the row had none */
};

struct history_device {
	const char *device, *label, *mac, *addr, *zone, *maker, *model, *firmware, *serial, *uid, *brand, *host;
	bool by_address, covered, unmasked, in_policy;
	int score;
	int64_t first_us, last_us;
	uint64_t flows, blocked, destinations;
};

struct history_evidence {
	const char *device, *mac, *addr, *channel, *maker, *pattern, *excerpt;
	int weight;
	bool weak, answered;
	uint64_t times;
	int64_t first_us, last_us;
};

struct history_event {
	int64_t us;
	const char *kind, *who, *text;
};

struct history_run {
	int64_t us;
	uint64_t boot, restarts;
	const char *version, *policy_id;
};

struct history {
	struct history_flow *flows;
	struct history_device *devices;
	struct history_evidence *evidence;
	struct history_event *events;
	struct history_run *runs;
	size_t n_flows, n_devices, n_evidence, n_events, n_runs;
	int64_t since_s, until_s;
	bool cut;     /* there is more than fits; what is here is the oldest part */
	uint64_t bad; /* rows that made no sense */
	struct history_texts *texts; /* private */
};

struct history *history_new(int64_t since_s, int64_t until_s);
void history_free(struct history *h);

/* Kinds to fetch. */
enum { HISTORY_FLOWS = 1, HISTORY_DEVICES = 2, HISTORY_EVIDENCE = 4, HISTORY_EVENTS = 8, HISTORY_RUNS = 16 };

/* Asks the daemon. False: the reason was printed and *ret_exit is the exit status. Devices come whole; the others since h->since_s. */
bool history_fetch(struct history *h, const struct cli *cli, unsigned kinds, int *ret_exit);
/* One row of a kind, as the daemon sends it. False: memory is short, or there is no more room. */
bool history_take(struct history *h, const char *kind, struct json_object *row);
/* One copy of this text for the life of h; "" when memory is short. */
const char *history_text(struct history *h, const char *text);
/* Who is meant: by MAC, else by address. NULL: not in the inventory of the store. */
const struct history_device *history_device_of(struct history *h, const struct history_flow *f);

#endif
