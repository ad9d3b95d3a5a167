/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows that speak DNS never settle: each question is judged by the name it asks for, each answer teaches which name has which
 * address, and a tunnel through an allowed resolver ends at its first question that policy does not want.
 */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "engine.h"
#include "hash.h"
#include "inspect.h"

enum { DNS_PORT = 53 };

/* 18 KiB that dns_parse() fills as far as needed; one thread. */
static struct dns_message message;

static struct known udp_dns = {.protocol = "dns", .is_dns = true, .fixed = true};

static const struct hash_key question_key = {0x64, 0x6e73}; /* compares within one flow: no table hangs from it */

/* What an answer must have in common with its question. Never 0. */
static uint64_t
question_mark(void)
{
	return (hash_bytes(&question_key, message.query, strlen(message.query)) ^ (uint64_t)message.id << 16 ^ message.query_type) | 1;
}

bool
dns_recognises(struct flow *f, const struct packet *p)
{
	if (f->tuple.proto != IPPROTO_UDP || f->tuple.dport != DNS_PORT || f->stream || p->payload.len != p->payload_len ||
	    !dns_parse(p->payload, &message))
		return false;
	f->known = &udp_dns;
	return true;
}

/* What policy says of this question. The flow remembers the latest answer. */
static unsigned
judge_question(struct engine *e, struct flow *f)
{
	struct judgement j;

	flow_judge_query(e, f, message.questions ? message.query : "", &j);
	f->sent = (uint8_t)flow_verdict(f, false);
	e->stats.dns_queries++;
	report_dns(e, f, &message, false);
	if (tunnel_note(e->tunnels, f->device, message.query, &e->now)) {
		e->stats.dns_tunnels++;
		report_tunnel(e, f, message.query);
	}
	if (f->sent == DECISION_ALLOW || f->sent == DECISION_PENDING)
		return VERDICT_WATCH;
	e->stats.dns_blocked++;
	return f->sent == DECISION_REJECT ? VERDICT_REJECT_ONCE : VERDICT_DROP_ONCE;
}

/* An answer teaches only if its question was asked, allowed, and is not answered yet. */
static void
take_answer(struct engine *e, struct flow *f)
{
	uint64_t mark = question_mark();

	e->stats.dns_answers++;
	for (size_t i = 0; i < FLOW_QUESTIONS; i++) {
		if (f->questions[i] != mark)
			continue;
		f->questions[i] = 0;
		if (names_learn(e->names, f->device, &message, &e->now))
			engine_names_changed(e, f, &message);
		break;
	}
	report_dns(e, f, &message, true);
}

static void
remember_question(struct flow *f)
{
	f->questions[f->next_question++ % FLOW_QUESTIONS] = question_mark();
}

/* One message in `message`. The verdict for what carries it. */
static unsigned
one_message(struct engine *e, struct flow *f, const struct way *w)
{
	if (w->reply) {
		if (message.response)
			take_answer(e, f);
		return VERDICT_WATCH;
	}
	unsigned v = judge_question(e, f);
	if (v == VERDICT_WATCH && !message.response)
		remember_question(f);
	return v;
}

/* Not DNS where DNS was spoken before: judged as a question for nothing, which no list of names holds. */
static unsigned
malformed(struct engine *e, struct flow *f, const struct way *w)
{
	e->stats.dns_malformed++;
	report_anomaly(e, f, ANOMALY_APPLAYER, "dns.malformed");
	if (w->reply)
		return VERDICT_WATCH;
	memset(&message, 0, offsetof(struct dns_message, record));
	return judge_question(e, f);
}

static void
dns_datagram(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p)
{
	unsigned v = VERDICT_WATCH;

	if (p->payload_len) {
		bool whole = p->payload.len == p->payload_len && dns_parse(p->payload, &message);
		v = whole ? one_message(e, f, w) : malformed(e, f, w);
	}
	if (v != VERDICT_WATCH)
		e->stats.dns_bytes_blocked += p->payload_len;
	else
		f->passed = true;
	engine_answer(e, q, v);
}

/* Messages of one direction that are complete and not judged yet. False: one was refused, or cannot be read. */
static bool
dns_messages(struct engine *e, struct flow *f, const struct way *w)
{
	struct probe_input in;

	stream_view(f->stream, &in);
	const struct probe_side *side = &in.side[w->reply];
	struct span all = side->n ? side->units[0] : (struct span){NULL, 0};
	for (;;) {
		struct cursor c = cursor_span(all);
		cursor_skip(&c, f->dns_done[w->reply]);
		struct span m = cursor_bytes(&c, cursor_u16(&c));
		if (c.bad)
			return !side->ended; /* not complete; and never will be, when nothing more is remembered */
		unsigned v = dns_parse(m, &message) ? one_message(e, f, w) : malformed(e, f, w);
		f->dns_done[w->reply] += 2 + (uint32_t)m.len;
		if (v != VERDICT_WATCH)
			return false;
		stream_view(f->stream, &in);
	}
}

static bool
dns_complete(const struct flow *f, unsigned side)
{
	struct probe_input in;

	stream_view(f->stream, &in);
	return in.side[side].n == 0 || in.side[side].units[0].len == f->dns_done[side];
}

static void
dns_segment(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p, bool added)
{
	if (!added && f->stream)
		stream_packet(e->streams, f->stream, w->reply, p);
	bool fine = f->stream && dns_messages(e, f, w);

	if (!fine && !w->reply && f->sent != DECISION_ALLOW) {
		f->sent = e->may_hold ? DECISION_REJECT : DECISION_ALLOW;
		e->stats.dns_bytes_blocked += p->payload_len;
	}
	if (!fine) {
		inspect_cut(e, f);
		engine_answer(e, q, f->sent);
	} else if (p->payload_len && w->from_camera && !dns_complete(f, w->reply)) {
		inspect_keep(e, f, q);
	} else {
		inspect_release(e, f, VERDICT_WATCH);
		engine_answer(e, q, VERDICT_WATCH);
	}
}

void
dns_packet(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p, bool added)
{
	if (f->tuple.proto == IPPROTO_TCP)
		dns_segment(e, f, w, q, p, added);
	else
		dns_datagram(e, f, w, q, p);
}
