/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watching a flow until its answer is known, and until what was looked at has arrived; see inspect.h. */
#include "inspect.h"

#include <netinet/in.h>
#include <string.h>

#include "ahead.h"
#include "budget.h"
#include "engine.h"
#include "identity.h"
#include "mark.h"
#include "orient.h"
#include "said.h"

enum {
	IDENTIFY_PACKETS = 24, /* of a flow that is watched only to learn who made its camera */
	WATCHED_PACKETS = 64, /* of a flow that nothing waits for: more than a hello needs, and then the kernel carries it */
};

void
inspect_never(struct flow *f)
{
	if (!f->known)
		f->known = &known_nothing;
}

static bool
refuses(unsigned verdict)
{
	return verdict == DECISION_BLOCK || verdict == DECISION_REJECT || verdict == VERDICT_DROP_ONCE || verdict == VERDICT_REJECT_ONCE;
}

bool
inspect_by_camera(const struct flow *f)
{
	return f->tuple.proto == IPPROTO_TCP && !f->inbound;
}

/*
 * How the kernel is told of a flow that is not settled. TCP without payload is nothing to us but where a server has to acknowledge bytes, or
 * where only its SYN tells which bytes it will read. Until the beginning of a stream is known the kernel's own mark must stay: with it goes its
 * word on where that is.
 */
static unsigned
verdict_while_open(const struct flow *f)
{
	if (f->tuple.proto != IPPROTO_TCP || f->strict || (f->known && f->known->is_dns))
		return VERDICT_WATCH;
	if (f->confirming)
		return !f->said ? VERDICT_WATCH : f->kind == FLOW_KIND_ASK ? VERDICT_CONFIRM_KIND : VERDICT_CONFIRM;
	return f->loose ? DECISION_PENDING : VERDICT_OPEN;
}

/*
 * How the kernel is told of this flow now. While nothing of it has passed, conntrack has no entry that could remember a refusal, and the kernel's
 * memory of refused first packets knows no payload: so that refusal is for this packet alone.
 */
unsigned
inspect_verdict(struct engine *e, struct flow *f)
{
	if (budget_meters(e, f))
		return VERDICT_WATCH;
	if (f->sent == DECISION_PENDING || f->confirming || f->watching)
		return verdict_while_open(f);
	if (f->sent == DECISION_ALLOW)
		budget_settles(e, f);
	if (f->sent == DECISION_ALLOW && f->kind == FLOW_KIND_ALLOW)
		return VERDICT_ALLOW_KIND;
	if (f->passed || f->sent == DECISION_ALLOW)
		return f->sent;
	return f->sent == DECISION_REJECT ? VERDICT_REJECT_ONCE : VERDICT_DROP_ONCE;
}

/* This is what the kernel hears of the flow now; of its kind it hears once. */
static void
note_verdict(struct engine *e, struct flow *f, unsigned verdict)
{
	f->passed |= !refuses(verdict);
	if (verdict != VERDICT_ALLOW_KIND && verdict != VERDICT_CONFIRM_KIND)
		return;
	f->kind = FLOW_KIND_NONE;
	ahead_port(e, f);
}

/* A packet for which conntrack has no entry yet: the kernel would remember its refusal for the flow's whole kind, and knows no payload there. */
static unsigned
for_this_packet(const struct engine *e, const struct queued *q, unsigned verdict)
{
	if (!refuses(verdict) || e->offline || !hinted(e, q, MARK_HINT_NEW) || hinted(e, q, MARK_HINT_BEGINS))
		return verdict;
	return verdict == DECISION_REJECT ? VERDICT_REJECT_ONCE : verdict == DECISION_BLOCK ? VERDICT_DROP_ONCE : verdict;
}

void
inspect_give(struct engine *e, struct flow *f, const struct queued *q, unsigned verdict)
{
	note_verdict(e, f, verdict);
	engine_answer(e, q, for_this_packet(e, q, verdict));
}

void
inspect_answer(struct engine *e, struct flow *f, const struct queued *q)
{
	inspect_give(e, f, q, inspect_verdict(e, f));
}

static void
let_go(void *arg, uint32_t id, uint32_t mark, uint16_t queue)
{
	struct engine *e = arg;
	const struct queued q = {.id = id, .mark = mark, .queue = queue};

	engine_answer(e, &q, for_this_packet(e, &q, e->releasing));
}

void
inspect_release(struct engine *e, struct flow *f, unsigned verdict)
{
	if (f->held.packets == 0)
		return;
	e->releasing = verdict;
	note_verdict(e, f, verdict);
	hold_release(e->hold, &f->held, refuses(verdict), let_go, e);
}

/* No more is wanted of this flow to know its device by. */
static void
stop_identifying(struct engine *e, struct flow *f)
{
	if (!f->identifying)
		return;
	f->identifying = false;
	device_at(e->devices, f->device)->identifying--;
}

void
inspect_forget(struct engine *e, struct flow *f)
{
	stop_identifying(e, f);
	if (!f->stream)
		return;
	stream_free(e->streams, f->stream);
	f->stream = NULL;
	device_at(e->devices, f->device)->watched--;
}

/* One device may take a quarter of the places, so that a hostile one leaves some for the others. */
bool
inspect_remember(struct engine *e, struct flow *f)
{
	struct device *d = device_at(e->devices, f->device);

	if (f->stream)
		return true;
	if (d->watched < policy_options(e->is.policy)->watched_flows / 4)
		f->stream = stream_new(e->streams, f->tuple.proto);
	d->watched += f->stream != NULL;
	return f->stream != NULL;
}

void
inspect_settle(struct engine *e, struct flow *f)
{
	if (f->said) { /* nothing that waits is compared yet */
		inspect_release(e, f, VERDICT_DROP_ONCE);
		if (f->said_hash || f->sent != DECISION_ALLOW)
			inspect_forget(e, f);
		f->confirming &= f->sent == DECISION_ALLOW;
		return;
	}
	/* Only where something could still be exchanged on its way: bytes of a TCP stream that were looked at, and a policy that enforces. */
	f->confirming = f->sent == DECISION_ALLOW && f->stream && f->sent_payload && f->tuple.proto == IPPROTO_TCP && e->may_hold;
	f->watching = f->identifying && f->stream && f->sent == DECISION_ALLOW;
	if (f->confirming)
		said_remember(e, f);
	inspect_release(e, f, inspect_verdict(e, f));
	if (f->said)
		return;
	if (!f->confirming && !f->watching)
		inspect_forget(e, f);
}

void
inspect_cut(struct engine *e, struct flow *f)
{
	if (f->said)
		inspect_release(e, f, VERDICT_DROP_ONCE);
	f->confirming = f->watching = false;
	inspect_release(e, f, inspect_verdict(e, f));
	inspect_forget(e, f);
}

void
inspect_end(struct engine *e, struct flow *f)
{
	inspect_release(e, f, e->may_hold ? VERDICT_DROP_ONCE : DECISION_PENDING);
	inspect_forget(e, f);
	known_give(e->known, f->known);
	f->known = NULL;
}

static void
judge_again(struct engine *e, struct flow *f)
{
	if (f->watching && f->identifying && f->known) /* its camera has still to answer */
		return;
	if (f->watching) { /* its answer stands: what it speaks could not change it */
		f->watching = false;
		inspect_forget(e, f);
		return;
	}
	engine_decide(e, f, f->passed);
	if (f->sent == DECISION_PENDING)
		return;
	report_decided(e, f);
	inspect_settle(e, f);
}

/* What it speaks is settled. The binding may be over when the flow is; history tells what was true at its beginning. */
static void
settle_known(struct engine *e, struct flow *f, const char *protocol, const struct app *app)
{
	const char *name = "";

	(void)names_of(e->names, f->device, f->inbound ? &f->tuple.src : &f->tuple.dst, &e->now, &name, 1);
	f->known = known_take(e->known, protocol, app, name);
}

/* What is not known by now never will be. why: NULL where that is nothing to tell. */
static void
give_up(struct engine *e, struct flow *f, const char *why)
{
	if (f->known)
		return;
	stop_identifying(e, f);
	settle_known(e, f, protocol_unknown, NULL);
	if (why)
		report_anomaly(e, f, ANOMALY_STREAM, why);
	judge_again(e, f);
}

void
inspect_conclude(struct engine *e, struct flow *f)
{
	if ((f->sent == DECISION_PENDING || f->watching) && (f->tuple.proto != IPPROTO_TCP || f->sent_payload))
		give_up(e, f, NULL);
}

/* Notes whether the name that the client said is proved. True: it is not, and the address has others. */
static bool
lies(struct engine *e, struct flow *f)
{
	const struct known *k = f->known;
	const struct addr *remote = f->inbound ? &f->tuple.src : &f->tuple.dst;

	if (!k->has_name || k->ech || f->inbound)
		return false;
	f->proved = names_proves(e->names, f->device, remote, k->name, &e->now);
	return !f->proved && names_until(e->names, f->device, remote, &e->now);
}

static void
learn(struct engine *e, struct flow *f, const struct app *app)
{
	settle_known(e, f, app->protocol, app);
	e->stats.inspected++;
	bool lying = lies(e, f);
	if (!f->known->is_dns) /* each of its questions is judged on its own */
		judge_again(e, f);
	report_app(e, f, app); /* with what became of it */
	observe_contact(e, f);
	observe_tell(e, device_at(e->devices, f->device), f);
	if (lying) {
		e->stats.sni_contradictions++;
		report_contradiction(e, f);
	}
}

/* What the bytes say of the camera. False: nothing more will come of this flow. */
static bool
identify(struct engine *e, struct flow *f, const struct app *app, const struct probe_input *in)
{
	return observe_bytes(e, f, app, in) && f->identifying;
}

static void
look(struct engine *e, struct flow *f)
{
	static struct app app; /* 2.4 KiB that are not worth clearing on the stack for each packet; one thread */
	struct probe_input in;

	stream_view(f->stream, &in);
	in.port = f->tuple.dport;
	switch (probe_inspect(&in, &app)) {
	case PROBE_DONE:
		if (!identify(e, f, &app, &in))
			stop_identifying(e, f);
		learn(e, f, &app);
		break;
	case PROBE_NO:
		memset(&app, 0, sizeof app);
		(void)observe_bytes(e, f, &app, &in);
		stop_identifying(e, f);
		app.protocol = protocol_unknown;
		learn(e, f, &app);
		break;
	case PROBE_MORE:
		if (in.side[PROBE_TO_SERVER].ended && in.side[PROBE_TO_CLIENT].ended)
			give_up(e, f, f->watching ? NULL : "stream.not_recognised");
		break;
	}
}

/* What it speaks is known; what its camera answers is still listened to. Holds nothing, decides nothing. */
static void
listen_on(struct engine *e, struct flow *f)
{
	static struct app app;
	struct probe_input in;

	stream_view(f->stream, &in);
	in.port = f->tuple.dport;
	if (probe_inspect(&in, &app) != PROBE_DONE || !identify(e, f, &app, &in)) {
		f->watching = false;
		if (f->confirming)
			stop_identifying(e, f);
		else
			inspect_forget(e, f);
	}
	observe_tell(e, device_at(e->devices, f->device), f);
}

/* Tricks that make the far side's stack read other bytes than we did. */
static const char other_handshake[] = "stream.other_handshake";
static const struct {
	unsigned note;
	const char *event;
} tricks[] = {
	{STREAM_CONFLICT, "stream.overlap_other_data"},
	{STREAM_URGENT, "stream.urgent_data"},
	{STREAM_OUTSIDE, "stream.outside_window"},
};

const char *
inspect_trick(unsigned notes)
{
	for (size_t i = 0; i < sizeof tricks / sizeof *tricks; i++)
		if (notes & tricks[i].note)
			return tricks[i].event;
	return NULL;
}

/* A packet of the camera that may not pass yet. One that finds no room is one too many: the flow is judged without it. */
static void
keep(struct engine *e, struct flow *f, const struct queued *q)
{
	static const char *const limits[] = {
		[HOLD_OVER_PACKETS] = "hold.too_many_packets",
		[HOLD_OVER_BYTES] = "hold.too_many_bytes",
		[HOLD_OVER_TOTAL] = "hold.no_room",
	};
	if (!e->may_hold) {
		inspect_give(e, f, q, VERDICT_WATCH);
		return;
	}
	enum hold_result r = hold_add(e->hold, &f->held, flow_number(e->flows, f), q, &e->now);
	if (r == HOLD_KEPT)
		return;
	give_up(e, f, limits[r]);
	inspect_give(e, f, q, f->sent == DECISION_PENDING ? VERDICT_DROP_ONCE : inspect_verdict(e, f));
}

/*
 * An ICMP error speaks of this flow and is none of its packets. Beside a few headers it quotes whatever its sender likes; where payload has to
 * wait, so much the camera does not get to say.
 */
static void
error_packet(struct engine *e, struct flow *f, const struct way *w, const struct queued *q)
{
	bool open = f->sent == DECISION_PENDING || (f->known && f->known->is_dns);

	if (open)
		inspect_give(e, f, q, w->from_camera && e->may_hold ? VERDICT_DROP_ONCE : VERDICT_WATCH);
	else
		inspect_give(e, f, q, inspect_verdict(e, f));
}

/* A camera that gave up and opens again from the same port before anybody has answered: what it said before was to nobody. */
static void
open_again(struct engine *e, struct flow *f, const struct packet *p)
{
	if (f->agreed || (p->tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		return;
	f->strict |= f->loose;
	f->loose = false;
	if (!f->stream || stream_seq(f->stream, PROBE_TO_SERVER) == p->tcp_seq + 1)
		return;
	f->strict = true;
	inspect_release(e, f, VERDICT_DROP_ONCE);
	inspect_forget(e, f);
	f->sent_payload = false;
	f->full = 0;
}

/* The server's answer to the SYN. False: it answers another one than we saw, so it will read other bytes than we do. */
static bool
agree(struct flow *f, const struct packet *p)
{
	uint32_t first = stream_seq(f->stream, PROBE_TO_SERVER);
	uint32_t taken = p->tcp_ack - first;

	if ((p->tcp_flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK) || first == 0)
		return true;
	f->agreed = taken <= (f->sent_payload ? f->confirm_seq - first : 0);
	f->loose &= !f->agreed;
	return f->agreed;
}

/*
 * The server's SYN passed in the kernel, which knows by it that the server begins to read here. False: we have seen the camera begin elsewhere, so
 * the server reads other bytes than we do.
 */
static bool
begin(struct engine *e, struct flow *f, const struct packet *p)
{
	if (!inspect_remember(e, f))
		return true; /* nothing of it is read, then, and that it is given up is said where it is read */
	f->agreed = stream_begin(e->streams, f->stream, PROBE_TO_SERVER, p->tcp_seq);
	f->loose &= !f->agreed;
	if (f->by_kind && f->agreed)
		f->said_from = p->tcp_seq;
	return f->agreed;
}

/* One past the last byte of this segment, in the sender's numbers. */
static uint32_t
segment_end(const struct packet *p)
{
	return p->tcp_seq + ((p->tcp_flags & TCP_SYN) != 0) + p->payload_len;
}

static void
note_payload(struct flow *f, const struct packet *p)
{
	uint32_t end = segment_end(p);

	if (!f->sent_payload || (int32_t)(end - f->confirm_seq) > 0)
		f->confirm_seq = end;
	f->sent_payload = true;
}

/*
 * Where its server begins to read we have by the server's SYN alone, and whoever can send in its name could have named a place before that: then
 * what was looked at is nothing to the server, and these bytes are the first. They come again when it has answered, as one that has read a hello
 * does.
 */
static bool
comes_behind(const struct flow *f, const struct way *w, const struct packet *p)
{
	return f->by_kind && f->said && w->from_camera && p->payload_len && (int32_t)(segment_end(p) - f->confirm_seq) > 0;
}

/* The far side's word, but by the interface of the camera: it, or its neighbour, sends in another's name. */
static bool
is_forged(const struct engine *e, const struct flow *f, const struct way *w, const struct queued *q)
{
	return inspect_by_camera(f) && e->may_hold && !w->from_camera && f->remote_zone == ZONE_NONE && q->in && q->in == f->ifindex && !q->in_port;
}

/* An allowed flow whose far side has not yet acknowledged what we looked at. */
static void
confirm(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p)
{
	if (comes_behind(f, w, p)) {
		inspect_give(e, f, q, VERDICT_DROP_ONCE);
		return;
	}
	if (f->said && f->said_hash && w->from_camera && p->payload_len) {
		said_again(e, f, w, q, p);
		return;
	}
	unsigned notes = f->stream ? stream_packet(e->streams, f->stream, w->reply, p) : 0;
	const char *trick = inspect_trick(notes);

	if (!w->from_camera)
		trick = inspect_by_camera(f) && f->stream && !agree(f, p) ? other_handshake : NULL;
	if (trick) {
		said_otherwise(e, f, trick);
	} else if (!w->from_camera && (p->tcp_flags & TCP_ACK) && (int32_t)(p->tcp_ack - f->confirm_seq) >= 0) {
		f->confirming = false;
		f->watching = f->identifying;
		if (!f->identifying)
			inspect_forget(e, f);
	}
	if (f->identifying && (notes & (STREAM_NEW | STREAM_FIN)))
		listen_on(e, f);
	inspect_give(e, f, q, inspect_verdict(e, f));
}

/* A direction that is full stays so, and says it again at each packet: the probes are asked once. */
static bool
is_first_full(struct flow *f, bool reply, unsigned notes)
{
	uint8_t bit = (uint8_t)(1u << reply);
	bool first = (notes & STREAM_FULL) && !(f->full & bit);

	if (first)
		f->full |= bit;
	return first;
}

/* Nothing but who made its camera would be learnt: a camera as a client shows that in its first words, or not at all. */
static bool
told_enough(const struct engine *e, const struct flow *f, const struct way *w, const struct packet *p)
{
	if (!f->identifying || !f->watching || e->watch_all || f->known)
		return false;
	return f->inbound ? f->packets[0] + f->packets[1] > IDENTIFY_PACKETS : w->from_camera && p->payload_len;
}

/* Until the server has said where it begins to read, what came first need not be the beginning, and nothing follows from it. A SYN is. */
static bool
may_read(const struct engine *e, const struct flow *f, const struct packet *p)
{
	return (p->tcp_flags & TCP_SYN) || f->agreed || !inspect_by_camera(f) || !e->may_hold || f->watching || !f->sent_payload;
}

/* Adds the packet to what is remembered, and asks the probes when that is more than before. */
static void
watch(struct engine *e, struct flow *f, const struct way *w, const struct packet *p)
{
	bool optional = f->watching || !e->may_hold; /* nothing waits for it, so no limit of waiting ends it */

	if (optional && !e->offline && f->packets[0] + f->packets[1] > WATCHED_PACKETS) {
		give_up(e, f, NULL);
		return;
	}
	if (inspect_by_camera(f) && w->from_camera)
		open_again(e, f, p);
	if (!inspect_remember(e, f)) {
		give_up(e, f, f->watching ? NULL : "stream.no_room");
		return;
	}
	unsigned notes = stream_packet(e->streams, f->stream, w->reply, p);
	const char *trick = w->from_camera ? inspect_trick(notes) : NULL;
	if (!w->from_camera && inspect_by_camera(f) && !agree(f, p))
		trick = other_handshake;
	if (w->from_camera && p->payload_len && f->tuple.proto == IPPROTO_TCP)
		note_payload(f, p);
	if (trick) {
		e->stats.stream_conflicts++;
		give_up(e, f, trick);
	} else if (may_read(e, f, p) && ((notes & (STREAM_NEW | STREAM_FIN)) || is_first_full(f, w->reply, notes))) {
		look(e, f);
	}
	if (told_enough(e, f, w, p)) {
		f->watching = false;
		inspect_forget(e, f);
	}
}

/* An allowed flow of a known protocol whose camera may have more to say; not for ever. */
static void
watch_answer(struct engine *e, struct flow *f, const struct way *w, const struct packet *p)
{
	unsigned notes = f->stream ? stream_packet(e->streams, f->stream, w->reply, p) : 0;
	bool over = !f->stream || (!e->offline && f->packets[0] + f->packets[1] > WATCHED_PACKETS) || (notes & STREAM_FULL);

	if (notes & (STREAM_NEW | STREAM_FIN))
		listen_on(e, f);
	if (over && f->watching) {
		f->watching = false;
		inspect_forget(e, f);
	}
}

/*
 * Bytes behind a SYN that the server has not answered. No camera can know what to acknowledge in them, and conntrack calls them invalid unless
 * they overtook the server's answer on another processor: they come again.
 */
static bool
too_early(const struct engine *e, const struct flow *f, const struct way *w, const struct queued *q, const struct packet *p)
{
	return f->sent == DECISION_PENDING && e->may_hold && inspect_by_camera(f) && !f->agreed && w->from_camera && p->payload_len &&
	       !(p->tcp_flags & TCP_SYN) && !f->known && (f->strict || !hinted(e, q, MARK_HINT_ANSWERED));
}

/* The server's SYN passed in the kernel, and this segment begins where it said. */
static bool
hears_beginning(const struct engine *e, const struct flow *f, const struct way *w, const struct queued *q, const struct packet *p)
{
	return !f->agreed && !f->strict && !f->known && !e->offline && inspect_by_camera(f) && w->from_camera && p->payload_len &&
	       hinted(e, q, MARK_HINT_BEGINS);
}

void
inspect_packet(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p)
{
	if (p->icmp_error) {
		error_packet(e, f, w, q);
		return;
	}
	if (is_forged(e, f, w, q)) {
		inspect_give(e, f, q, VERDICT_DROP_ONCE);
		return;
	}
	if (f->confirming) {
		confirm(e, f, w, q, p);
		return;
	}
	bool begins = hears_beginning(e, f, w, q, p);
	if (begins && !begin(e, f, p))
		give_up(e, f, other_handshake);
	if (too_early(e, f, w, q, p)) {
		inspect_give(e, f, q, VERDICT_DROP_ONCE);
		return;
	}
	bool added = !f->known && !dns_recognises(f, p);
	if (added)
		watch(e, f, w, p);
	else if (f->identifying && f->watching)
		watch_answer(e, f, w, p);
	if (f->known && f->known->is_dns)
		dns_packet(e, f, w, q, p, added);
	else if (f->sent == DECISION_PENDING && w->from_camera && p->payload_len)
		keep(e, f, q);
	else
		inspect_give(e, f, q, inspect_verdict(e, f));
}

void
inspect_tick(struct engine *e)
{
	uint32_t number;

	while (hold_overdue(e->hold, &e->now, &number)) {
		struct flow *f = flow_at(e->flows, number);
		if (f->known && f->known->is_dns) {
			dns_overdue(e, f);
			continue;
		}
		if (f->said) {
			inspect_release(e, f, VERDICT_DROP_ONCE);
			inspect_forget(e, f);
			continue;
		}
		give_up(e, f, "hold.too_long");
		/* Policy still cannot say: what waits does not wait for ever. */
		if (f->held.packets)
			inspect_release(e, f, f->sent == DECISION_ALLOW ? inspect_verdict(e, f) : VERDICT_DROP_ONCE);
	}
}
