/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters: the few that EVE's `stats` has names for, and all of ours, each one row of a table. Running totals since the
 * engine (lenscap.stats) or the gate (lenscap.kernel) started.
 */
#include <stddef.h>

#include "printer.h"

struct counter {
	const char *name;
	size_t offset;
};

/* An array of counters, printed as an object: its elements have names. */
struct counter_array {
	const char *name;
	size_t offset;
	const char *(*element)(size_t i);
	size_t n;
};

#define STAT(field)                                                                                          \
	{                                                                                                    \
#field, offsetof(struct stats, field)                                                        \
	}
#define KERNEL(field)                                                                                        \
	{                                                                                                    \
#field, offsetof(struct channel_counters, field)                                             \
	}
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct counter engine_counters[] = {
	STAT(packets),
	STAT(bytes),
	STAT(flows_new),
	STAT(flows_ended),
	STAT(flows_evicted),
	STAT(flows_revoked),
	STAT(flows_rejudged),
	STAT(flows_active),
	STAT(would_block),
	STAT(devices),
	STAT(devices_unknown),
	STAT(devices_evicted),
	STAT(alerts_rolled_up),
	STAT(denied_unmatched),
	STAT(news_unmatched),
	STAT(stale_ids),
	STAT(netlink_bad),
	STAT(netlink_errors),
	STAT(overruns),
	STAT(announcements),
	STAT(announcements_bad),
	STAT(announcements_lost),
	STAT(geo_lookups),
	STAT(geo_unknown),
	STAT(inspected),
	STAT(flows_pending),
	STAT(flows_by_kind),
	STAT(kinds_ahead),
	STAT(kinds_not_ahead),
	STAT(ended_forgotten),
	STAT(held_packets),
	STAT(held_released),
	STAT(held_dropped),
	STAT(held_over_packets),
	STAT(held_over_bytes),
	STAT(held_over_total),
	STAT(held_over_time),
	STAT(held_waiting),
	STAT(streams_refused),
	STAT(stream_conflicts),
	STAT(names_bound),
	STAT(names_evicted),
	STAT(dns_queries),
	STAT(dns_answers),
	STAT(dns_blocked),
	STAT(dns_malformed),
	STAT(dns_bytes_blocked),
	STAT(sni_contradictions),
	STAT(dns_tunnels),
	STAT(evidence),
	STAT(devices_identified),
	STAT(devices_covered),
	STAT(devices_unmasked),
	STAT(reloads),
	STAT(reloads_refused),
	STAT(chronicle_dropped),
	STAT(store_dropped),
	STAT(store_refused),
	STAT(store_bytes),
	STAT(budgets),
	STAT(budgets_used_up),
	STAT(budgets_uncounted),
};

static const char *
decision_word(size_t i)
{
	return decision_name((enum decision)i);
}

static const char *
level_word(size_t i)
{
	return alert_level_name((enum alert_level)i);
}

static const char *
drop_word(size_t i)
{
	return drop_reason_name((enum drop_reason)i);
}

#define STAT_ARRAY(key, field, element, n)                                                                   \
	{                                                                                                    \
		key, offsetof(struct stats, field), element, n                                               \
	}

static const struct counter_array engine_arrays[] = {
	STAT_ARRAY("verdicts", verdict, decision_word, DECISION_REJECT + 1),
	STAT_ARRAY("decided", decided, decision_word, DECISION_REJECT + 1),
	STAT_ARRAY("drops", drop, drop_word, DROP_REASONS),
	STAT_ARRAY("alerts", alerts, level_word, ALERT_HIGH + 1),
	STAT_ARRAY("records", records, record_type_name, RECORD_TYPES),
	STAT_ARRAY("records_dropped", records_dropped, record_type_name, RECORD_TYPES),
};

static const struct counter kernel_counters[] = {
	KERNEL(queue_dropped),	   KERNEL(queue_user_dropped), KERNEL(queued_packets),	 KERNEL(queued_bytes),
	KERNEL(offloaded_packets), KERNEL(offloaded_bytes),    KERNEL(denied_packets),	 KERNEL(denied_bytes),
	KERNEL(invalid_packets),   KERNEL(verdicts),	       KERNEL(verdicts_refused), KERNEL(uninspected),
	KERNEL(kinds_refused),
	KERNEL(news_lost),	   KERNEL(messages_lost),      KERNEL(quarantined_packets), KERNEL(flooded_packets),
	KERNEL(announcements_skipped), KERNEL(gate_cpu_us),    KERNEL(gate_rss_bytes),	 KERNEL(gate_start_us),
	KERNEL(gate_fds),	   KERNEL(bare_packets),       KERNEL(kind_packets),
	KERNEL(cut_packets),	   KERNEL(reply_packets),
};

/* The 32-bit ones. */
static const struct counter kernel_gauges[] = {
	KERNEL(generation),  KERNEL(queue_waiting),	KERNEL(engine_restarts),
	KERNEL(fail_closed), KERNEL(conntrack_entries), KERNEL(conntrack_max),
	KERNEL(observing),   KERNEL(quarantined),
};

static void
print_u64(struct printer *p, const struct counter *c, size_t n, const void *from)
{
	for (size_t i = 0; i < n; i++)
		json_uint(&p->j, c[i].name, *(const uint64_t *)((const char *)from + c[i].offset));
}

static void
print_u32(struct printer *p, const struct counter *c, size_t n, const void *from)
{
	for (size_t i = 0; i < n; i++)
		json_uint(&p->j, c[i].name, *(const uint32_t *)((const char *)from + c[i].offset));
}

static void
print_array(struct printer *p, const struct counter_array *a, const void *from)
{
	const uint64_t *v = (const uint64_t *)((const char *)from + a->offset);

	json_object(&p->j, a->name);
	for (size_t i = 0; i < a->n; i++)
		json_uint(&p->j, a->element(i), v[i]);
	json_object_end(&p->j);
}

void
print_counters(struct printer *p, const struct record *r)
{
	if (r->stats) {
		json_object(&p->j, "stats");
		print_u64(p, engine_counters, COUNT(engine_counters), r->stats);
		for (size_t i = 0; i < COUNT(engine_arrays); i++)
			print_array(p, &engine_arrays[i], r->stats);
		json_object_end(&p->j);
	}
	if (r->kernel) {
		json_object(&p->j, "kernel");
		print_u64(p, kernel_counters, COUNT(kernel_counters), r->kernel);
		print_u32(p, kernel_gauges, COUNT(kernel_gauges), r->kernel);
		json_object_end(&p->j);
	}
}

static void
print_capture(struct printer *p, const struct channel_counters *k)
{
	json_object(&p->j, "capture");
	json_uint(&p->j, "kernel_packets", k->queued_packets);
	json_uint(&p->j, "kernel_drops", k->queue_dropped + k->queue_user_dropped);
	json_object_end(&p->j);
}

static void
print_decoder(struct printer *p, const struct stats *s)
{
	uint64_t invalid = 0;

	for (size_t i = DROP_FRAGMENT; i < DROP_REASONS; i++)
		if (i != DROP_TABLE_FULL)
			invalid += s->drop[i];
	json_object(&p->j, "decoder");
	json_uint(&p->j, "pkts", s->packets);
	json_uint(&p->j, "bytes", s->bytes);
	json_uint(&p->j, "invalid", invalid);
	json_object_end(&p->j);
}

static void
print_outcome(struct printer *p, const struct stats *s)
{
	json_object(&p->j, "flow");
	json_uint(&p->j, "total", s->flows_new);
	json_uint(&p->j, "active", s->flows_active);
	json_object_end(&p->j);
	json_object(&p->j, "ips");
	json_uint(&p->j, "accepted", s->verdict[DECISION_PENDING] + s->verdict[DECISION_ALLOW]);
	json_uint(&p->j, "blocked", s->verdict[DECISION_BLOCK]);
	json_uint(&p->j, "rejected", s->verdict[DECISION_REJECT]);
	json_object_end(&p->j);
	json_object(&p->j, "detect");
	json_uint(&p->j, "alert", s->alerts[ALERT_LOW] + s->alerts[ALERT_MEDIUM] + s->alerts[ALERT_HIGH]);
	json_object_end(&p->j);
}

void
print_stats(struct printer *p, const struct record *r)
{
	json_object(&p->j, "stats");
	json_uint(&p->j, "uptime", r->uptime_s > 0 ? (uint64_t)r->uptime_s : 0);
	if (r->kernel)
		print_capture(p, r->kernel);
	if (r->stats) {
		print_decoder(p, r->stats);
		print_outcome(p, r->stats);
	}
	json_object_end(&p->j);
}
