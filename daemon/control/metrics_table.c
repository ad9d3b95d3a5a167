/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every metric: one row. Plain numbers are taken from struct stats or from the gate's report by offset; what has labels has a function.
 * Labels have few values by nature (verdicts, countries, rules, outputs): never an address, a MAC, a name of a host or of a device.
 */
#include <stdio.h>
#include <string.h>

#include "control_private.h"
#include "exposition.h"
#include "metrics.h"

enum source { COLLECT, STATS, KERNEL, KERNEL32, KERNEL_COLLECT };

struct metric {
	const char *name, *help;
	size_t offset;
	void (*collect)(struct exposition *x, const struct engine *e);
	enum exposition_type type;
	enum source source;
};

#define GAUGE	  EXPOSITION_GAUGE
#define COUNTER	  EXPOSITION_COUNTER
#define HISTOGRAM EXPOSITION_HISTOGRAM

/* A sample with one label. */
static void
labelled(struct exposition *x, const char *key, const char *value, uint64_t n)
{
	exposition_begin(x, "");
	exposition_label(x, key, value);
	exposition_uint(x, n);
}

static void
plain(struct exposition *x, uint64_t n)
{
	exposition_begin(x, "");
	exposition_uint(x, n);
}

static void
up(struct exposition *x, const struct engine *e)
{
	(void)e;
	plain(x, 1);
}

static void
build_info(struct exposition *x, const struct engine *e)
{
	(void)e;
	exposition_begin(x, "");
	exposition_label(x, "version", LENSCAP_VERSION);
	exposition_label(x, "revision", LENSCAP_REVISION);
	exposition_uint(x, 1);
}

static void
policy_info(struct exposition *x, const struct engine *e)
{
	exposition_begin(x, "");
	exposition_label(x, "policy_id", policy_id(e->is.policy));
	exposition_label(x, "mode", mode_name(policy_mode(e->is.policy)));
	exposition_label(x, "fail", fail_name(policy_fail(e->is.policy)));
	exposition_uint(x, 1);
}

static void
reload_success(struct exposition *x, const struct engine *e)
{
	plain(x, !e->metrics->refused);
}

static void
reload_time(struct exposition *x, const struct engine *e)
{
	exposition_begin(x, "");
	exposition_decimal(x, e->policy_since_us, 6);
}

static void
reloads(struct exposition *x, const struct engine *e)
{
	labelled(x, "result", "accepted", e->stats.reloads);
	labelled(x, "result", "refused", e->stats.reloads_refused);
}

static void
packets(struct exposition *x, const struct engine *e)
{
	for (unsigned d = DECISION_PENDING; d <= DECISION_REJECT; d++)
		labelled(x, "verdict", decision_name(d), e->stats.verdict[d]);
}

static void
malformed(struct exposition *x, const struct engine *e)
{
	for (unsigned i = DROP_FRAGMENT; i < DROP_REASONS; i++)
		labelled(x, "reason", drop_reason_name(i), e->stats.drop[i]);
}

static void
held(struct exposition *x, const struct engine *e)
{
	labelled(x, "outcome", "released", e->stats.held_released);
	labelled(x, "outcome", "dropped", e->stats.held_dropped);
}

static void
verdict_seconds(struct exposition *x, const struct engine *e)
{
	const struct metrics *m = e->metrics;
	uint64_t n = 0;
	char le[16];

	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		n += m->verdict_bucket[i];
		if (i < METRICS_BUCKETS - 1)
			snprintf(le, sizeof le, "%g", metrics_bounds_us[i] / 1e6);
		exposition_begin(x, "_bucket");
		exposition_label(x, "le", i < METRICS_BUCKETS - 1 ? le : "+Inf");
		exposition_uint(x, n);
	}
	exposition_begin(x, "_sum");
	exposition_decimal(x, (int64_t)(m->verdict_sum_ns & INT64_MAX), 9);
	exposition_begin(x, "_count");
	exposition_uint(x, n);
}

static void
bytes(struct exposition *x, const struct engine *e)
{
	labelled(x, "direction", "from_camera", e->metrics->bytes[true]);
	labelled(x, "direction", "to_camera", e->metrics->bytes[false]);
}

static void
kernel_packets(struct exposition *x, const struct engine *e)
{
	labelled(x, "path", "queued", e->kernel.queued_packets);
	labelled(x, "path", "settled", e->kernel.offloaded_packets);
	labelled(x, "path", "bare", e->kernel.bare_packets);
	labelled(x, "path", "by_kind", e->kernel.kind_packets);
	labelled(x, "path", "replies", e->kernel.reply_packets);
	labelled(x, "path", "refused", e->kernel.denied_packets);
	labelled(x, "path", "cut", e->kernel.cut_packets);
	labelled(x, "path", "invalid", e->kernel.invalid_packets);
	labelled(x, "path", "quarantined", e->kernel.quarantined_packets);
	labelled(x, "path", "flooded", e->kernel.flooded_packets);
}

static void
kernel_bytes(struct exposition *x, const struct engine *e)
{
	labelled(x, "path", "queued", e->kernel.queued_bytes);
	labelled(x, "path", "settled", e->kernel.offloaded_bytes);
	labelled(x, "path", "refused", e->kernel.denied_bytes);
}

static void
flows(struct exposition *x, const struct engine *e)
{
	for (unsigned d = DECISION_ALLOW; d <= DECISION_REJECT; d++)
		for (unsigned m = MODE_MONITOR; m <= MODE_ENFORCE; m++) {
			exposition_begin(x, "");
			exposition_label(x, "decision", decision_name(d));
			exposition_label(x, "mode", mode_name(m));
			exposition_uint(x, e->metrics->flows[d][m]);
		}
}

static void
flows_active(struct exposition *x, const struct engine *e)
{
	plain(x, flow_count(e->flows));
}

static void
flows_capacity(struct exposition *x, const struct engine *e)
{
	plain(x, flow_capacity(e->flows));
}

/* Rules beyond the first thousand share a series. */
static void
rule_hits(struct exposition *x, const struct engine *e)
{
	const struct rulebook *b = e->is.book;
	uint64_t others = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (i < METRICS_RULES || b->rules[i].kind != RULE_WRITTEN)
			labelled(x, "rule", b->rules[i].name, b->hits[i]);
		else
			others += b->hits[i];
	}
	if (b->n > METRICS_RULES + POLICY_BUILTIN_RULES)
		labelled(x, "rule", "(others)", others);
}

static void
destination(struct exposition *x, const char *country, size_t answer, uint64_t n)
{
	if (!n)
		return;
	exposition_begin(x, "");
	exposition_label(x, "country", country);
	exposition_label(x, "decision", decision_name((enum decision)(DECISION_ALLOW + answer)));
	exposition_uint(x, n);
}

static void
destinations(struct exposition *x, const struct engine *e)
{
	const struct metrics *m = e->metrics;

	for (size_t code = 0; code < METRICS_CODES; code++)
		for (size_t a = 0; a < METRICS_ANSWERS; a++) {
			char letters[3] = {(char)('A' + code / 26), (char)('A' + code % 26), 0};
			destination(x, code == METRICS_UNKNOWN ? "??" : code == METRICS_NOWHERE ? "none" : letters, a, m->going[code][a]);
		}
	for (size_t a = 0; a < METRICS_ANSWERS; a++)
		destination(x, "other", a, m->other[a]);
}

static void
alerts(struct exposition *x, const struct engine *e)
{
	for (unsigned l = ALERT_LOW; l <= ALERT_HIGH; l++)
		labelled(x, "severity", alert_level_name(l), e->stats.alerts[l]);
}

static void
devices(struct exposition *x, const struct engine *e)
{
	size_t all = device_count(e->devices), unknown = device_unknown_count(e->devices);

	labelled(x, "state", "known", all > unknown ? all - unknown : 0);
	labelled(x, "state", "unknown", unknown);
	labelled(x, "state", "quarantined", e->kernel.quarantined);
}

/* A sample with the number of the queue. */
static void
of_queue(struct exposition *x, const struct engine *e, uint64_t n)
{
	char number[16];

	snprintf(number, sizeof number, "%u", policy_options(e->is.policy)->queue);
	labelled(x, "queue", number, n);
}

static void
queue_depth(struct exposition *x, const struct engine *e)
{
	of_queue(x, e, e->kernel.queue_waiting);
}

static void
queue_length(struct exposition *x, const struct engine *e)
{
	of_queue(x, e, policy_options(e->is.policy)->queue_length);
}

static void
queue_dropped(struct exposition *x, const struct engine *e)
{
	of_queue(x, e, e->kernel.queue_dropped);
}

static void
queue_user_dropped(struct exposition *x, const struct engine *e)
{
	of_queue(x, e, e->kernel.queue_user_dropped);
}

static void
geo_ok(struct exposition *x, const struct engine *e)
{
	size_t n;
	const struct geo_database *db = geo_databases(e->is.geo, &n);

	for (size_t i = 0; i < n; i++)
		labelled(x, "db", db[i].path, db[i].state == GEO_OK);
}

static void
geo_ages(struct exposition *x, const struct engine *e)
{
	size_t n;
	const struct geo_database *db = geo_databases(e->is.geo, &n);

	for (size_t i = 0; i < n; i++) {
		if (!db[i].built_s)
			continue;
		exposition_begin(x, "");
		exposition_label(x, "db", db[i].path);
		exposition_decimal(x, e->now.wall_us / 1000000 - db[i].built_s, 0);
	}
}

static void
geo_lookups(struct exposition *x, const struct engine *e)
{
	const struct stats *s = &e->stats;

	labelled(x, "result", "known", s->geo_lookups > s->geo_unknown ? s->geo_lookups - s->geo_unknown : 0);
	labelled(x, "result", "unknown", s->geo_unknown);
}

static void
dns(struct exposition *x, const struct engine *e)
{
	labelled(x, "kind", "query", e->stats.dns_queries);
	labelled(x, "kind", "answer", e->stats.dns_answers);
	labelled(x, "kind", "blocked", e->stats.dns_blocked);
	labelled(x, "kind", "malformed", e->stats.dns_malformed);
}

static void
output_name(const struct sink_status *s, char *out, size_t cap)
{
	snprintf(out, cap, *s->path ? "%s:%s" : "%s%s", s->kind, s->path);
}

static void
output_up(struct exposition *x, const struct engine *e)
{
	size_t n;
	const struct sink_status *s = sinks_status(e->is.sinks, &n);
	char name[4096 + 32];

	for (size_t i = 0; i < n; i++) {
		output_name(&s[i], name, sizeof name);
		labelled(x, "output", name, s[i].open && s[i].last_errno == 0 && !s[i].stalled);
	}
}

static void
by_output(struct exposition *x, const struct engine *e, size_t counts)
{
	size_t n;
	const struct sink_status *s = sinks_status(e->is.sinks, &n);
	char name[4096 + 32];

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < RECORD_TYPES; k++) {
			output_name(&s[i], name, sizeof name);
			exposition_begin(x, "");
			exposition_label(x, "output", name);
			exposition_label(x, "type", record_type_name(k));
			exposition_uint(x, ((const uint64_t *)((const char *)&s[i] + counts))[k]);
		}
}

static void
output_written(struct exposition *x, const struct engine *e)
{
	by_output(x, e, offsetof(struct sink_status, written));
}

static void
output_dropped(struct exposition *x, const struct engine *e)
{
	by_output(x, e, offsetof(struct sink_status, dropped));
}

/* What a part of the program could not tell another. */
static void
lost(struct exposition *x, const struct engine *e)
{
	labelled(x, "what", "announcements", e->stats.announcements_lost);
	labelled(x, "what", "history", e->stats.chronicle_dropped + e->stats.store_dropped + e->stats.store_refused);
	labelled(x, "what", "conntrack", e->kernel.news_lost);
	labelled(x, "what", "channel", e->kernel.messages_lost);
}

static void
of_program(struct exposition *x, const char *program, int64_t value, unsigned decimals)
{
	exposition_begin(x, "");
	exposition_label(x, "program", program);
	exposition_decimal(x, value, decimals);
}

static void
process_cpu(struct exposition *x, const struct engine *e)
{
	of_program(x, "engine", (int64_t)usage_cpu_us(), 6);
	if (e->kernel_known)
		of_program(x, "gate", (int64_t)e->kernel.gate_cpu_us, 6);
}

static void
process_memory(struct exposition *x, const struct engine *e)
{
	of_program(x, "engine", (int64_t)usage_rss_bytes(&e->metrics->usage), 0);
	if (e->kernel_known)
		of_program(x, "gate", (int64_t)e->kernel.gate_rss_bytes, 0);
}

static void
process_fds(struct exposition *x, const struct engine *e)
{
	of_program(x, "engine", usage_fds(&e->metrics->usage), 0);
	if (e->kernel_known)
		of_program(x, "gate", (int64_t)e->kernel.gate_fds, 0);
}

static void
process_start(struct exposition *x, const struct engine *e)
{
	of_program(x, "engine", e->start_us, 6);
	if (e->kernel_known)
		of_program(x, "gate", (int64_t)e->kernel.gate_start_us, 6);
}

#define OF(name, type, from, structure, field, help)                       \
	{                                                                  \
		name, help, offsetof(structure, field), NULL, type, from \
	}
#define OF_STATS(name, type, field, help)    OF(name, type, STATS, struct stats, field, help)
#define OF_KERNEL(name, type, field, help)   OF(name, type, KERNEL, struct channel_counters, field, help)
#define OF_KERNEL32(name, type, field, help) OF(name, type, KERNEL32, struct channel_counters, field, help)
#define BY(name, type, collect, help)        {name, help, 0, collect, type, COLLECT}
/* Only once the gate has reported. */
#define BY_KERNEL(name, type, collect, help) {name, help, 0, collect, type, KERNEL_COLLECT}

static const struct metric table[] = {
	BY("lenscap_up", GAUGE, up, "1: the daemon answers. Written as 0 by `lenscap metrics --textfile` when it does not."),
	BY("lenscap_build_info", GAUGE, build_info, "Version of the engine."),
	BY("lenscap_policy_info", GAUGE, policy_info, "The policy in force, its mode and its fail mode."),
	BY("lenscap_policy_last_reload_success", GAUGE, reload_success, "0: the policy that was offered last was refused."),
	BY("lenscap_policy_last_reload_timestamp_seconds", GAUGE, reload_time, "When the policy in force was taken over."),
	BY("lenscap_policy_reloads_total", COUNTER, reloads, "Policies that were offered, by what became of them."),

	BY("lenscap_packets_total", COUNTER, packets, "Packets that the engine has judged, by its verdict."),
	OF_STATS("lenscap_inspected_bytes_total", COUNTER, bytes, "Bytes of packets that came to the engine."),
	BY("lenscap_malformed_packets_total", COUNTER, malformed, "Packets that belong to no flow, by what is wrong with them."),
	OF_STATS("lenscap_packets_waiting", GAUGE, held_waiting, "Packets that wait for their flow to be decided."),
	BY("lenscap_held_packets_total", COUNTER, held, "Packets that had to wait for their flow to be decided, by what became of them."),
	BY("lenscap_verdict_seconds", HISTOGRAM, verdict_seconds, "Time from a packet's arrival in the engine until its batch was answered."),
	BY("lenscap_bytes_total", COUNTER, bytes, "Bytes of connections, as the kernel counted them."),
	BY_KERNEL("lenscap_kernel_packets_total", COUNTER, kernel_packets, "Packets of cameras in the kernel, by the way they took."),
	BY_KERNEL("lenscap_kernel_bytes_total", COUNTER, kernel_bytes, "Bytes of cameras in the kernel, by the way they took."),

	BY("lenscap_flows_total", COUNTER, flows, "Flows that were decided, by what policy says and the mode of the rule."),
	BY("lenscap_flows_active", GAUGE, flows_active, "Flows in the table."),
	BY("lenscap_flows_capacity", GAUGE, flows_capacity, "Flows for which the table has room."),
	OF_STATS("lenscap_flows_pending", GAUGE, flows_pending, "Flows whose first bytes are looked at now."),
	OF_STATS("lenscap_flows_evicted_total", COUNTER, flows_evicted, "Flows that were forgotten because the table was full."),
	OF_STATS("lenscap_flows_revoked_total", COUNTER, flows_revoked, "Live flows that a new policy has cut."),
	BY("lenscap_rule_hits_total", COUNTER, rule_hits, "Judgements by this rule; begins anew with each policy."),
	BY("lenscap_destination_flows_total", COUNTER, destinations, "Flows that were decided, by the country of the far side."),

	BY("lenscap_alerts_total", COUNTER, alerts, "Alert records."),
	BY("lenscap_devices", GAUGE, devices, "Devices that were seen, and those that are cut off."),
	OF_STATS("lenscap_devices_identified", GAUGE, devices_identified, "Devices whose maker is known."),
	OF_STATS("lenscap_devices_covered", GAUGE, devices_covered, "Devices of covered makers."),
	OF_STATS("lenscap_devices_unmasked", GAUGE, devices_unmasked, "Devices whose label and maker disagree."),

	BY_KERNEL("lenscap_nfqueue_depth", GAUGE, queue_depth, "Packets that wait in the kernel's queue."),
	BY_KERNEL("lenscap_nfqueue_length", GAUGE, queue_length, "Packets for which the kernel's queue has room."),
	BY_KERNEL("lenscap_nfqueue_dropped_total", COUNTER, queue_dropped, "Packets for which the queue had no room."),
	BY_KERNEL("lenscap_nfqueue_user_dropped_total", COUNTER, queue_user_dropped, "Packets for which the queue's socket had no room."),
	OF_KERNEL("lenscap_uninspected_packets_total", COUNTER, uninspected, "Packets that were answered by the fail mode."),
	OF_KERNEL32("lenscap_fail_closed", GAUGE, fail_closed, "1: packets that nobody judges are dropped."),
	OF_KERNEL32("lenscap_engine_restarts_total", COUNTER, engine_restarts, "Engines that have died."),
	OF_KERNEL32("lenscap_conntrack_entries", GAUGE, conntrack_entries, "Connections that the kernel tracks; 0 unknown."),
	OF_KERNEL32("lenscap_conntrack_limit", GAUGE, conntrack_max, "Connections that the kernel may track; 0 unknown."),

	BY("lenscap_geo_database_ok", GAUGE, geo_ok, "0: this database is missing, broken or too old."),
	BY("lenscap_geo_database_age_seconds", GAUGE, geo_ages, "Time since this database was built."),
	BY("lenscap_geo_lookups_total", COUNTER, geo_lookups, "Far sides that were looked up; unknown: in no country."),
	OF_STATS("lenscap_names_bound", GAUGE, names_bound, "Names that DNS answers have bound to an address."),
	BY("lenscap_dns_messages_total", COUNTER, dns, "DNS messages of cameras."),
	OF_STATS("lenscap_sni_contradictions_total", COUNTER, sni_contradictions, "Flows whose server name is not what DNS said."),

	BY("lenscap_output_up", GAUGE, output_up, "0: this output cannot be written."),
	BY("lenscap_output_written_total", COUNTER, output_written, "Records that this output has taken."),
	BY("lenscap_output_dropped_total", COUNTER, output_dropped, "Records that were lost on the way to this output."),
	BY("lenscap_lost_messages_total", COUNTER, lost, "Messages between parts of the program that found no room."),
	OF_STATS("lenscap_history_bytes", GAUGE, store_bytes, "Size of the database of inventory and history."),

	BY("lenscap_process_cpu_seconds_total", COUNTER, process_cpu, "Processor time, user and system."),
	BY("lenscap_process_resident_memory_bytes", GAUGE, process_memory, "Resident memory."),
	BY("lenscap_process_open_fds", GAUGE, process_fds, "Open file descriptors."),
	BY("lenscap_process_start_time_seconds", GAUGE, process_start, "When the program started."),
};

static void
write_row(struct exposition *x, const struct metric *m, const struct engine *e)
{
	uint32_t small;
	uint64_t n;

	exposition_family(x, m->name, m->type, m->help);
	if (m->source != STATS && m->source != COLLECT && !e->kernel_known)
		return;
	switch (m->source) {
	case STATS:
		memcpy(&n, (const char *)&e->stats + m->offset, sizeof n);
		plain(x, n);
		break;
	case KERNEL:
		memcpy(&n, (const char *)&e->kernel + m->offset, sizeof n);
		plain(x, n);
		break;
	case KERNEL32:
		memcpy(&small, (const char *)&e->kernel + m->offset, sizeof small);
		plain(x, small);
		break;
	case COLLECT:
	case KERNEL_COLLECT:
		m->collect(x, e);
		break;
	}
}

bool
metrics_write(struct exposition *x, const struct engine *e)
{
	for (size_t i = 0; e->metrics && i < sizeof table / sizeof *table; i++)
		write_row(x, &table[i], e);
	return e->metrics && !x->full;
}
