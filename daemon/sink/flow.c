/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `flow` object: counts, times, how it ended and what was done with it. */
#include "printer.h"

/* EVE knows five reasons; ours, which is finer, is lenscap.ended. */
static const struct {
	const char *name, *eve;
} flow_ends[] = {
	[FLOW_END_TIMEOUT] = {"timeout", "timeout"},
	[FLOW_END_CLOSED] = {"closed", "timeout"}, /* EVE says this in flow.state */
	[FLOW_END_REVOKED] = {"revoked", "forced"},
	[FLOW_END_EVICTED] = {"evicted", "forced"},
	[FLOW_END_DENIED] = {"denied", "forced"},
	[FLOW_END_SHUTDOWN] = {"shutdown", "shutdown"},
};

#define FLOW_ENDS (sizeof flow_ends / sizeof flow_ends[0])

const char *
flow_end_name(enum flow_end e)
{
	return (size_t)e < FLOW_ENDS ? flow_ends[e].name : "unknown";
}

static const char *
flow_action(const struct record_decision *d)
{
	if (decision_stops(d))
		return "drop";
	return d && d->decision == DECISION_ALLOW ? "accept" : "pass";
}

static void
print_end(struct printer *p, const struct record *r)
{
	const struct record_flow *f = r->flow;
	int64_t end_us = f->end_us != 0 ? f->end_us : r->wall_us;

	json_time(&p->j, "end", end_us);
	json_uint(&p->j, "age", end_us > f->start_us ? (uint64_t)(end_us - f->start_us) / 1000000 : 0);
	json_str(&p->j, "state", f->state ? f->state : "new");
	json_str(&p->j, "reason", (size_t)f->end < FLOW_ENDS ? flow_ends[f->end].eve : "unknown");
	json_bool(&p->j, "alerted", f->alerted);
	json_str(&p->j, "action", flow_action(r->decision));
}

void
print_flow(struct printer *p, const struct record *r, bool over)
{
	const struct record_flow *f = r->flow;

	json_object(&p->j, "flow");
	json_uint(&p->j, "pkts_toserver", f->packets_toserver);
	json_uint(&p->j, "pkts_toclient", f->packets_toclient);
	json_uint(&p->j, "bytes_toserver", f->bytes_toserver);
	json_uint(&p->j, "bytes_toclient", f->bytes_toclient);
	json_time(&p->j, "start", f->start_us);
	if (over)
		print_end(p, r);
	json_object_end(&p->j);
}
