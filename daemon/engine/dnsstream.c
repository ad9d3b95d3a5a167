/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DNS over TCP (RFC 7766): messages with their length before them, many in one connection. What the camera sends waits until every byte
 * up to its end belongs to a message that was judged; so no part of a message leaves before the whole of it is allowed, in whatever order and
 * pieces it comes.
 *
 * A connection of which not all is remembered any more is cut: what follows could not be judged. So is one whose question was refused. A
 * client then opens another.
 */
#include <netinet/in.h>

#include "dnsflow.h"
#include "engine.h"

/* Tricks that make the far side's stack read other bytes than we did. */
enum { TRICKS = STREAM_CONFLICT | STREAM_URGENT | STREAM_OUTSIDE };

void
dns_forget_stream(struct engine *e, struct flow *f)
{
	if (!f->stream)
		return;
	inspect_release(e, f, e->may_hold ? VERDICT_DROP_ONCE : VERDICT_WATCH);
	inspect_forget(e, f);
}

/* Nothing passes on this connection any more; where nothing is enforced, all of it does, unread. */
static unsigned
cut(struct engine *e, struct flow *f)
{
	f->sent = e->may_hold ? DECISION_REJECT : DECISION_ALLOW;
	if (e->may_hold && f->decision == DECISION_ALLOW) {
		f->decision = DECISION_BLOCK; /* not by any rule */
		f->rule = RULE_NO;
	}
	e->stats.dns_bytes_blocked += e->may_hold ? f->held.bytes : 0;
	inspect_cut(e, f);
	return f->sent == DECISION_ALLOW || f->passed ? f->sent : VERDICT_REJECT_ONCE;
}

void
dns_overdue(struct engine *e, struct flow *f)
{
	report_anomaly(e, f, ANOMALY_APPLAYER, "dns.incomplete");
	cut(e, f);
}

/* Judges what is whole and was not judged before. False: some of it was refused. */
static bool
messages(struct engine *e, struct flow *f, const struct way *w)
{
	struct probe_input in;

	for (;;) {
		stream_view(f->stream, &in);
		const struct probe_side *side = &in.side[w->reply];
		struct cursor c = cursor_span(side->n ? side->units[0] : (struct span){NULL, 0});
		cursor_skip(&c, f->dns_done[w->reply]);
		struct span m = cursor_bytes(&c, cursor_u16(&c));
		if (c.bad)
			return true; /* not whole yet */
		f->dns_done[w->reply] += 2 + (uint32_t)m.len;
		if (dns_message_judge(e, f, w, m) != VERDICT_WATCH)
			return false;
	}
}

/* Every byte that the camera has sent belongs to a message that was judged. */
static bool
all_judged(const struct flow *f)
{
	return !f->sent_payload || (int32_t)(f->confirm_seq - stream_seq(f->stream, f->inbound) - f->dns_done[f->inbound]) <= 0;
}

static void
note_end(struct flow *f, const struct packet *p)
{
	uint32_t end = p->tcp_seq + ((p->tcp_flags & TCP_SYN) != 0) + p->payload_len;

	if (!f->sent_payload || (int32_t)(end - f->confirm_seq) > 0)
		f->confirm_seq = end;
	f->sent_payload = true;
}

/* False: this connection cannot go on. */
static bool
read_segment(struct engine *e, struct flow *f, const struct way *w, const struct packet *p, bool added)
{
	if (!f->stream)
		return false;
	if (added)
		return messages(e, f, w);
	unsigned notes = stream_packet(e->streams, f->stream, w->reply, p);
	if (w->from_camera && p->payload_len)
		note_end(f, p);
	if (w->from_camera && (notes & TRICKS)) {
		e->stats.stream_conflicts++;
		report_anomaly(e, f, ANOMALY_STREAM, "stream.other_data");
		return false;
	}
	return messages(e, f, w) && !(notes & STREAM_FULL);
}

void
dns_segment(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p, bool added)
{
	bool fine = read_segment(e, f, w, p, added), judged = fine && all_judged(f);
	unsigned verdict = VERDICT_WATCH;

	if (fine && !judged && e->may_hold && w->from_camera && p->payload_len) {
		if (hold_add(e->hold, &f->held, flow_number(e->flows, f), q, &e->now) == HOLD_KEPT)
			return;
		fine = false; /* one that finds no room is one too many */
	}
	if (!fine) {
		e->stats.dns_bytes_blocked += e->may_hold && w->from_camera ? p->payload_len : 0;
		verdict = cut(e, f);
	} else if (judged) {
		inspect_release(e, f, VERDICT_WATCH);
	}
	f->passed |= verdict == VERDICT_WATCH;
	engine_answer(e, q, verdict);
}
