/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watching a flow until its answer is known, and until what was looked at has arrived; see inspect.h. */
#include "inspect.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "engine.h"
#include "identity.h"

enum {
	IDENTIFY_PACKETS = 24, /* of a flow that is watched only to learn who made its camera */
	WATCHED_PACKETS = 64, /* of a flow that nothing waits for: more than a hello needs, and then the kernel carries it */
};

const char protocol_unknown[] = "unknown";

/* Stands in where there is no memory for more: not knowing is safe. */
static struct known nothing = {.protocol = protocol_unknown, .fixed = true};

void
inspect_never(struct flow *f)
{
	if (!f->known)
		f->known = &nothing;
}

static struct known *
known_new(const char *protocol, const struct app *app)
{
	size_t len = app && app->has_name ? strlen(app->name) : 0;
	struct known *k = calloc(1, sizeof *k + len + 1);

	if (!k)
		return &nothing;
	k->protocol = protocol;
	if (app) {
		k->ech = app->ech;
		k->has_name = app->has_name;
		k->is_dns = strcmp(protocol, "dns") == 0;
		memcpy(k->ja4, app->ja4, sizeof k->ja4);
		memcpy(k->name, app->name, len);
	}
	return k;
}

static bool
refuses(unsigned verdict)
{
	return verdict != DECISION_PENDING && verdict != DECISION_ALLOW && verdict != VERDICT_WATCH;
}

/*
 * How the kernel is told of this flow now. While nothing of it has passed, conntrack has no entry that could remember a refusal, and the kernel's
 * memory of refused first packets knows no payload: so that refusal is for this packet alone.
 */
static unsigned
verdict_of(struct engine *e, struct flow *f)
{
	if (f->sent == DECISION_PENDING || f->confirming || f->watching || budget_meters(e, f))
		return VERDICT_WATCH;
	if (f->sent == DECISION_ALLOW)
		budget_settles(e, f);
	if (f->passed || f->sent == DECISION_ALLOW)
		return f->sent;
	return f->sent == DECISION_REJECT ? VERDICT_REJECT_ONCE : VERDICT_DROP_ONCE;
}

static void
answer(struct engine *e, struct flow *f, const struct queued *q, unsigned verdict)
{
	f->passed |= !refuses(verdict);
	engine_answer(e, q, verdict);
}

void
inspect_answer(struct engine *e, struct flow *f, const struct queued *q)
{
	answer(e, f, q, verdict_of(e, f));
}

static void
let_go(void *arg, uint32_t id, uint32_t mark, uint16_t queue)
{
	struct engine *e = arg;
	const struct queued q = {.id = id, .mark = mark, .queue = queue};

	engine_answer(e, &q, e->releasing);
}

void
inspect_release(struct engine *e, struct flow *f, unsigned verdict)
{
	if (f->held.packets == 0)
		return;
	e->releasing = verdict;
	f->passed |= !refuses(verdict);
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
static bool
remember_bytes(struct engine *e, struct flow *f)
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
	/* Only where something could still be exchanged on its way: bytes of a TCP stream that were looked at, and a policy that enforces. */
	f->confirming = f->sent == DECISION_ALLOW && f->stream && f->sent_payload && f->tuple.proto == IPPROTO_TCP && e->may_hold;
	f->watching = f->identifying && f->stream && f->sent == DECISION_ALLOW;
	inspect_release(e, f, verdict_of(e, f));
	if (!f->confirming && !f->watching)
		inspect_forget(e, f);
}

void
inspect_cut(struct engine *e, struct flow *f)
{
	f->confirming = f->watching = false;
	inspect_release(e, f, verdict_of(e, f));
	inspect_forget(e, f);
}

void
inspect_end(struct engine *e, struct flow *f)
{
	inspect_release(e, f, e->may_hold ? VERDICT_DROP_ONCE : DECISION_PENDING);
	inspect_forget(e, f);
	if (f->known && !f->known->fixed)
		free(f->known);
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

/* The binding may be over when the flow is; history tells what was true at its beginning. */
static void
note_binding(struct engine *e, struct flow *f)
{
	const char *name;

	if (!f->known->fixed && names_of(e->names, f->device, f->inbound ? &f->tuple.src : &f->tuple.dst, &e->now, &name, 1) &&
	    strlen(name) < KNOWN_BOUND)
		strcpy(f->known->bound, name);
}

/* What is not known by now never will be. why: NULL where that is nothing to tell. */
static void
give_up(struct engine *e, struct flow *f, const char *why)
{
	if (f->known)
		return;
	stop_identifying(e, f);
	f->known = known_new(protocol_unknown, NULL);
	note_binding(e, f);
	if (why)
		report_anomaly(e, f, ANOMALY_STREAM, why);
	judge_again(e, f);
}

void
inspect_conclude(struct engine *e, struct flow *f)
{
	if (f->sent == DECISION_PENDING && (f->tuple.proto != IPPROTO_TCP || f->sent_payload))
		give_up(e, f, NULL);
}

/* Notes whether the name that the client said is proved. True: it is not, and the address has others. */
static bool
lies(struct engine *e, struct flow *f)
{
	struct known *k = f->known;
	const struct addr *remote = f->inbound ? &f->tuple.src : &f->tuple.dst;

	if (!k->has_name || k->ech || f->inbound)
		return false;
	k->proved = names_proves(e->names, f->device, remote, k->name, &e->now);
	return !k->proved && names_until(e->names, f->device, remote, &e->now);
}

static void
learn(struct engine *e, struct flow *f, const struct app *app)
{
	f->known = known_new(app->protocol, app);
	note_binding(e, f);
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

static const char *
trick_of(unsigned notes)
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
		answer(e, f, q, VERDICT_WATCH);
		return;
	}
	enum hold_result r = hold_add(e->hold, &f->held, flow_number(e->flows, f), q, &e->now);
	if (r == HOLD_KEPT)
		return;
	give_up(e, f, limits[r]);
	answer(e, f, q, f->sent == DECISION_PENDING ? VERDICT_DROP_ONCE : verdict_of(e, f));
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
		answer(e, f, q, w->from_camera && e->may_hold ? VERDICT_DROP_ONCE : VERDICT_WATCH);
	else
		answer(e, f, q, verdict_of(e, f));
}

static bool
opened_by_camera(const struct flow *f)
{
	return f->tuple.proto == IPPROTO_TCP && !f->inbound;
}

/* A camera that gave up and opens again from the same port before anybody has answered: what it said before was to nobody. */
static void
open_again(struct engine *e, struct flow *f, const struct packet *p)
{
	if (!f->stream || f->agreed || (p->tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN ||
	    stream_seq(f->stream, PROBE_TO_SERVER) == p->tcp_seq + 1)
		return;
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

/* An allowed flow whose far side has not yet acknowledged what we looked at. */
static void
confirm(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p)
{
	unsigned notes = stream_packet(e->streams, f->stream, w->reply, p);
	const char *trick = trick_of(notes);

	if (!w->from_camera)
		trick = opened_by_camera(f) && !agree(f, p) ? other_handshake : NULL;
	if (trick) {
		e->stats.stream_conflicts++;
		f->confirming = f->watching = false;
		f->tricked = true;
		f->decision = DECISION_BLOCK;
		f->sent = DECISION_REJECT;
		report_anomaly(e, f, ANOMALY_STREAM, trick);
		inspect_forget(e, f);
	} else if (!w->from_camera && (p->tcp_flags & TCP_ACK) && (int32_t)(p->tcp_ack - f->confirm_seq) >= 0) {
		f->confirming = false;
		f->watching = f->identifying;
		if (!f->identifying)
			inspect_forget(e, f);
	}
	if (f->identifying && (notes & (STREAM_NEW | STREAM_FIN)))
		listen_on(e, f);
	answer(e, f, q, verdict_of(e, f));
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

/* Adds the packet to what is remembered, and asks the probes when that is more than before. */
static void
watch(struct engine *e, struct flow *f, const struct way *w, const struct packet *p)
{
	bool optional = f->watching || !e->may_hold; /* nothing waits for it, so no limit of waiting ends it */

	if (optional && !e->offline && f->packets[0] + f->packets[1] > WATCHED_PACKETS) {
		give_up(e, f, NULL);
		return;
	}
	if (opened_by_camera(f) && w->from_camera)
		open_again(e, f, p);
	if (!remember_bytes(e, f)) {
		give_up(e, f, f->watching ? NULL : "stream.no_room");
		return;
	}
	unsigned notes = stream_packet(e->streams, f->stream, w->reply, p);
	const char *trick = w->from_camera ? trick_of(notes) : NULL;
	if (!w->from_camera && opened_by_camera(f) && !agree(f, p))
		trick = other_handshake;
	if (w->from_camera && p->payload_len && f->tuple.proto == IPPROTO_TCP)
		note_payload(f, p);
	if (trick) {
		e->stats.stream_conflicts++;
		give_up(e, f, trick);
	} else if ((notes & (STREAM_NEW | STREAM_FIN)) || is_first_full(f, w->reply, notes)) {
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
too_early(const struct engine *e, const struct flow *f, const struct way *w, const struct packet *p)
{
	return f->sent == DECISION_PENDING && e->may_hold && opened_by_camera(f) && !f->agreed && w->from_camera && p->payload_len &&
	       !(p->tcp_flags & TCP_SYN) && !f->known;
}

void
inspect_packet(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p)
{
	if (p->icmp_error) {
		error_packet(e, f, w, q);
		return;
	}
	if (f->confirming) {
		confirm(e, f, w, q, p);
		return;
	}
	if (too_early(e, f, w, p)) {
		answer(e, f, q, VERDICT_DROP_ONCE);
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
		answer(e, f, q, verdict_of(e, f));
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
		give_up(e, f, "hold.too_long");
		/* Policy still cannot say: what waits does not wait for ever. */
		if (f->held.packets)
			inspect_release(e, f, f->sent == DECISION_ALLOW ? verdict_of(e, f) : VERDICT_DROP_ONCE);
	}
}
