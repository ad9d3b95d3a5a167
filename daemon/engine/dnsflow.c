/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What DNS says in a flow. Each question is judged by the name it asks for, each answer teaches which name has which address, and a
 * tunnel through an allowed resolver ends at its first question that policy does not want.
 *
 * A question is exactly one question and nothing beside it: whatever else a message could carry along with an allowed name (further
 * questions, records, bytes behind the end) is no DNS for policy.
 */
#include "dnsflow.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "ahead.h"
#include "engine.h"
#include "identity.h"
#include "hash.h"

enum {
	DNS_PORT = 53,
	QUESTION_BYTES = 512, /* RFC 1035, 2.3.4: what every server takes; with EDNS only answers grow */
	ADDITIONALS = 2,      /* EDNS and a signature */
};

/* 18 KiB that dns_parse() fills as far as needed; one thread. */
static struct dns_message message;

static const struct known udp_dns = {.fixed = true, .is_dns = true, .protocol = "dns", .name = ""};

/* What an answer must have in common with its question; never 0. The key is a flow's own: nobody can prepare two that are the same. */
static uint64_t
question_mark(const struct flow *f)
{
	const struct hash_key key = {f->id, 0x646e73};
	uint64_t name = hash_bytes(&key, message.query, strlen(message.query));
	const uint64_t all[] = {name, (uint64_t)message.id << 16 | message.query_type};

	return hash_bytes(&key, all, sizeof all) | 1;
}

static bool
reads_as_question(struct span s)
{
	return s.len <= QUESTION_BYTES && dns_parse(s, &message) && !message.response && message.opcode == 0 && message.questions == 1 &&
	       message.answers == 0 && message.authorities == 0 && message.additionals <= ADDITIONALS && message.trailing == 0;
}

bool
dns_recognises(struct flow *f, const struct packet *p)
{
	if (f->tuple.proto != IPPROTO_UDP || f->tuple.dport != DNS_PORT || f->stream || p->payload.len != p->payload_len ||
	    !reads_as_question(p->payload))
		return false;
	f->known = &udp_dns;
	return true;
}

/* A retransmission is one question, not two. */
static void
remember_question(struct flow *f)
{
	uint64_t mark = question_mark(f);

	for (size_t i = 0; i < FLOW_QUESTIONS; i++)
		if (f->questions[i] == mark)
			return;
	f->questions[f->next_question++ % FLOW_QUESTIONS] = mark;
}

/*
 * What policy says of this question, or of bytes that are none: then query is NULL, and the protocol unknown. The flow remembers the latest
 * answer. Only this packet is refused: the next question may be a wanted one.
 */
static unsigned
judge(struct engine *e, struct flow *f, const char *query)
{
	struct judgement j;
	uint16_t rule = f->rule;
	bool told = f->alerted && f->decision == DECISION_ALLOW;

	flow_judge_query(e, f, query, &j);
	f->sent = (uint8_t)flow_verdict(f, false);
	e->stats.would_block += f->sent == DECISION_ALLOW && f->decision != DECISION_ALLOW;
	if (query) {
		report_dns(e, f, &message, false);
		report_asked(e, f, query);
	}
	if (!told || f->rule != rule || f->decision != DECISION_ALLOW)
		report_question(e, f, query ? &message : NULL);
	if (f->sent != DECISION_BLOCK && f->sent != DECISION_REJECT)
		return VERDICT_WATCH;
	e->stats.dns_blocked++;
	return f->sent == DECISION_REJECT ? VERDICT_REJECT_ONCE : VERDICT_DROP_ONCE;
}

static unsigned
question(struct engine *e, struct flow *f)
{
	unsigned v = judge(e, f, message.query);

	e->stats.dns_queries++;
	struct device *d = device_at(e->devices, f->device);
	d->telling = f->id;
	if (!f->inbound)
		observe_name(e, d, message.query);
	d->telling = 0;
	observe_tell(e, d, f);
	if (tunnel_note(e->tunnels, f->device, message.query, &e->now)) {
		e->stats.dns_tunnels++;
		report_tunnel(e, f, message.query);
	}
	if (v == VERDICT_WATCH)
		remember_question(f);
	return v;
}

/*
 * An answer teaches only if its question was asked, let through, and is not answered yet. What a camera itself answers to others
 * proves nothing.
 */
static void
answer(struct engine *e, struct flow *f)
{
	uint64_t mark = question_mark(f);

	e->stats.dns_answers++;
	for (size_t i = 0; i < FLOW_QUESTIONS && !f->inbound; i++) {
		if (f->questions[i] != mark)
			continue;
		f->questions[i] = 0;
		if (names_learn(e->names, f->device, &message, &e->now)) {
			engine_names_changed(e, f, &message);
			ahead_answer(e, f, &message);
		}
		break;
	}
	report_dns(e, f, &message, true);
}

unsigned
dns_message_judge(struct engine *e, struct flow *f, const struct way *w, struct span s)
{
	if (!w->reply && reads_as_question(s))
		return question(e, f);
	if (w->reply && dns_parse(s, &message) && message.response) {
		answer(e, f);
		return VERDICT_WATCH;
	}
	e->stats.dns_malformed++;
	report_anomaly(e, f, ANOMALY_APPLAYER, "dns.malformed");
	return w->from_camera ? judge(e, f, NULL) : VERDICT_WATCH;
}

/* UDP: each datagram stands for itself. */
static void
dns_datagram(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p)
{
	unsigned v = VERDICT_WATCH;

	dns_forget_stream(e, f);
	if (p->payload.len < p->payload_len) /* not all of it was copied: it is longer than a question or an answer can be */
		v = dns_message_judge(e, f, w, (struct span){NULL, 0});
	else if (p->payload_len)
		v = dns_message_judge(e, f, w, p->payload);
	if (v == VERDICT_WATCH)
		f->passed = true;
	else
		e->stats.dns_bytes_blocked += p->payload_len;
	engine_answer(e, q, v);
}

void
dns_packet(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p, bool added)
{
	f->watching = false; /* what it speaks is known, and it never settles */
	if (f->tuple.proto == IPPROTO_TCP)
		dns_segment(e, f, w, q, p, added);
	else
		dns_datagram(e, f, w, q, p);
}
