/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status: what an operator asks first. `problems` is empty when all is well. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chronicle.h"
#include "control_private.h"

static const char *const geo_state_names[] = {"ok", "missing", "broken", "stale"};

static void
write_geo(struct json *j, const struct engine *e)
{
	size_t n;
	const struct geo_database *db = geo_databases(e->is.geo, &n);

	json_array(j, "geo");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_str(j, "path", db[i].path);
		json_str(j, "state", geo_state_names[db[i].state]);
		json_str(j, "type", db[i].type);
		json_str(j, "mapping", db[i].mapping);
		json_str(j, "problem", db[i].problem);
		json_bool(j, "has_country", db[i].has_country);
		json_bool(j, "has_asn", db[i].has_asn);
		if (db[i].built_s)
			json_int(j, "age_s", e->now.wall_us / 1000000 - db[i].built_s);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
write_kernel(struct json *j, const struct engine *e)
{
	const struct channel_counters *k = &e->kernel;

	json_object(j, "queue");
	json_uint(j, "waiting", k->queue_waiting);
	json_uint(j, "dropped", k->queue_dropped);
	json_uint(j, "user_dropped", k->queue_user_dropped);
	json_uint(j, "queued", k->queued_packets);
	json_uint(j, "offloaded_packets", k->offloaded_packets);
	json_uint(j, "offloaded_bytes", k->offloaded_bytes);
	json_uint(j, "denied_in_kernel", k->denied_packets);
	json_uint(j, "bare", k->bare_packets);
	json_uint(j, "by_kind", k->kind_packets);
	json_uint(j, "cut", k->cut_packets);
	json_uint(j, "replies", k->reply_packets);
	json_uint(j, "quarantined", k->quarantined_packets);
	json_uint(j, "flooded", k->flooded_packets);
	json_uint(j, "invalid", k->invalid_packets);
	json_uint(j, "uninspected", k->uninspected);
	json_uint(j, "verdicts", k->verdicts);
	json_object_end(j);
	json_uint(j, "engine_restarts", k->engine_restarts);
	json_object(j, "announcements");
	json_bool(j, "listening", k->observing);
	json_uint(j, "heard", e->stats.announcements);
	json_uint(j, "lost", e->stats.announcements_lost);
	json_uint(j, "skipped", k->announcements_skipped);
	json_object_end(j);
}

static void
write_flows(struct json *j, struct engine *e)
{
	const struct stats *s = &e->stats;

	json_object(j, "flows");
	json_uint(j, "active", flow_count(e->flows));
	json_uint(j, "capacity", flow_capacity(e->flows));
	json_uint(j, "new", s->flows_new);
	json_uint(j, "allowed", s->decided[DECISION_ALLOW]);
	json_uint(j, "blocked", s->decided[DECISION_BLOCK] + s->decided[DECISION_REJECT]);
	json_uint(j, "would_block", s->would_block);
	json_uint(j, "revoked", s->flows_revoked);
	json_uint(j, "evicted", s->flows_evicted);
	json_object_end(j);
	json_object(j, "devices");
	json_uint(j, "seen", device_count(e->devices));
	json_uint(j, "unknown", device_unknown_count(e->devices));
	json_uint(j, "quarantined", e->kernel.quarantined);
	quarantine_status(j, e);
	json_object_end(j);
	json_object(j, "alerts");
	json_uint(j, "high", s->alerts[ALERT_HIGH]);
	json_uint(j, "medium", s->alerts[ALERT_MEDIUM]);
	json_uint(j, "low", s->alerts[ALERT_LOW]);
	if (e->last_alert_us)
		json_time(j, "last", e->last_alert_us);
	json_object_end(j);
}

static void
write_sandbox(struct json *j, const struct engine *e)
{
	json_object(j, "sandbox");
	json_bool(j, "on", e->sandbox.on);
	json_bool(j, "calls", e->sandbox.calls);
	json_int(j, "landlock", e->sandbox.landlock);
	json_object_end(j);
}

static void
write_history(struct json *j, const struct engine *e)
{
	json_object(j, "history");
	json_bool(j, "running", chronicle_fd(e) >= 0);
	json_uint(j, "bytes", e->stats.store_bytes);
	json_uint(j, "lost", e->stats.chronicle_dropped + e->stats.store_dropped);
	json_str(j, "problem", chronicle_problem(e));
	json_object_end(j);
}

static const char *
output_problem(const struct sink_status *s)
{
	return s->last_errno ? strerror(s->last_errno) : s->stalled ? "takes nothing, records wait in memory" : "";
}

static void
write_outputs(struct json *j, const struct engine *e)
{
	size_t n;
	const struct sink_status *s = sinks_status(e->is.sinks, &n);

	json_array(j, "outputs");
	for (size_t i = 0; i < n; i++) {
		uint64_t written = 0, dropped = 0;
		for (size_t k = 0; k < sizeof s[i].written / sizeof *s[i].written; k++) {
			written += s[i].written[k];
			dropped += s[i].dropped[k];
		}
		json_object(j, NULL);
		json_str(j, "kind", s[i].kind);
		json_str(j, "path", s[i].path);
		json_bool(j, "open", s[i].open);
		json_str(j, "problem", output_problem(&s[i]));
		json_uint(j, "written", written);
		json_uint(j, "dropped", dropped);
		json_object_end(j);
	}
	json_array_end(j);
}

static void __attribute__((format(printf, 2, 3)))
problem(struct json *j, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_str(j, NULL, text);
}

/* Everything for which `lenscap status` exits with 10. */
static void
write_problems(struct json *j, struct engine *e)
{
	const struct channel_counters *k = &e->kernel;
	size_t n;
	const struct geo_database *db = geo_databases(e->is.geo, &n);
	uint64_t overrun = k->queue_dropped + k->queue_user_dropped;

	json_array(j, "problems");
	if (!e->kernel_known)
		problem(j, "the gate has not reported yet");
	if (overrun)
		problem(j, "the queue overran: %llu packets were not judged", (unsigned long long)overrun);
	if (k->uninspected)
		problem(j, "%llu packets were answered without a judgement", (unsigned long long)k->uninspected);
	if (k->engine_restarts)
		problem(j, "the engine has been restarted %u times", k->engine_restarts);
	if (!e->sandbox.on && sandbox_built())
		problem(j, "lenscapd runs with --no-sandbox");
	terms_problems(j, e);
	if (chronicle_problem(e)[0])
		problem(j, "%s", chronicle_problem(e));
	for (size_t i = 0; i < n; i++)
		if (db[i].state != GEO_OK)
			problem(j, "geo database %s: %s", db[i].path, db[i].problem);
	const struct sink_status *s = sinks_status(e->is.sinks, &n);
	for (size_t i = 0; i < n; i++)
		if (*output_problem(&s[i]))
			problem(j, "output %s %s: %s", s[i].kind, s[i].path, output_problem(&s[i]));
	json_array_end(j);
}

static enum control_result
run(struct control_call *call)
{
	struct engine *e = call->engine;
	struct json *j = call->reply;

	json_object(j, "data");
	json_str(j, "version", LENSCAP_VERSION);
	json_str(j, "host", e->host);
	json_str(j, "mode", mode_name(policy_mode(e->is.policy)));
	json_str(j, "fail", fail_name(policy_fail(e->is.policy)));
	json_str(j, "policy_id", policy_id(e->is.policy));
	json_int(j, "policy_age_s", (e->now.wall_us - e->policy_since_us) / 1000000);
	json_uint(j, "generation", e->generation);
	json_int(j, "uptime_s", (e->now.wall_us - e->start_us) / 1000000);
	terms_status(j, e);
	write_kernel(j, e);
	write_flows(j, e);
	write_geo(j, e);
	write_history(j, e);
	write_sandbox(j, e);
	write_outputs(j, e);
	write_problems(j, e);
	json_object_end(j);
	return CONTROL_OK;
}

const struct control_command control_status = {"status", false, run};
