/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an allowed camera has said, until its server has it; see said.h. */
#include "said.h"

#include <string.h>

#include "engine.h"
#include "hash.h"

enum {
	ONE_SEGMENT = 1280, /* bytes that no sender needs to divide */
};

/* The key is the flow's own: nobody can prepare two that are the same. */
static uint64_t
said_hash(const struct flow *f, const struct span *bytes, size_t len)
{
	const struct hash_key key = {f->id, 0x73616964};

	return hash_bytes(&key, bytes->p, len) | 1;
}

/*
 * A server answers a ClientHello by its own, so the kernel can see it confirmed, and we hear of that late. Until then what was looked at may come
 * again, and must be the same. Its bytes are kept; where a device has many such flows, the hash of one segment, which comes again as a whole.
 */
void
said_remember(struct engine *e, struct flow *f)
{
	struct probe_input in;

	if (!inspect_by_camera(f) || f->identifying || f->strict || !f->agreed || !f->known || strcmp(f->known->protocol, "tls") != 0)
		return;
	if (device_at(e->devices, f->device)->watched <= policy_options(e->is.policy)->watched_flows / 16) {
		f->said = true;
		f->said_hash = 0;
		return;
	}
	stream_view(f->stream, &in);
	uint32_t from = stream_seq(f->stream, PROBE_TO_SERVER), len = f->confirm_seq - from;
	const struct probe_side *side = &in.side[PROBE_TO_SERVER];
	if (side->n != 1 || side->units->len != len || f->held.packets || len > ONE_SEGMENT)
		return;
	f->said = true;
	f->said_from = from;
	f->said_hash = said_hash(f, side->units, len);
	inspect_forget(e, f);
}

void
inspect_confirmed(struct engine *e, struct flow *f)
{
	f->confirming = f->said = false;
	inspect_release(e, f, VERDICT_DROP_ONCE); /* what still waits came too late to count */
	inspect_forget(e, f);
}

/* Other bytes than those that were looked at: no policy lets it go on. */
void
said_otherwise(struct engine *e, struct flow *f, const char *trick)
{
	e->stats.stream_conflicts++;
	inspect_release(e, f, VERDICT_DROP_ONCE);
	f->confirming = f->watching = false;
	f->tricked = true;
	f->decision = DECISION_BLOCK;
	f->sent = DECISION_REJECT;
	report_anomaly(e, f, ANOMALY_STREAM, trick);
	inspect_forget(e, f);
}

/* One that finds no room comes again. */
static void
wait_for_rest(struct engine *e, struct flow *f, const struct queued *q)
{
	if (hold_add(e->hold, &f->held, flow_number(e->flows, f), q, &e->now) != HOLD_KEPT)
		inspect_give(e, f, q, VERDICT_DROP_ONCE);
}

/*
 * Of what was looked at only a hash is left, and before its server has answered the camera sends some of it again: what comes waits until all of
 * it is here, and passes if it is the same. What follows behind was never held back.
 */
void
said_again(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p)
{
	uint32_t len = f->confirm_seq - f->said_from;
	struct probe_input in;

	if ((int32_t)(p->tcp_seq - f->confirm_seq) >= 0) {
		inspect_answer(e, f, q);
		return;
	}
	if (!inspect_remember(e, f) || !stream_begin(e->streams, f->stream, PROBE_TO_SERVER, f->said_from)) {
		inspect_give(e, f, q, VERDICT_DROP_ONCE);
		return;
	}
	const char *trick = inspect_trick(stream_packet(e->streams, f->stream, w->reply, p));
	stream_view(f->stream, &in);
	const struct probe_side *side = &in.side[PROBE_TO_SERVER];
	if (!trick && (side->n == 0 || side->units->len < len)) {
		wait_for_rest(e, f, q);
		return;
	}
	if (!trick && said_hash(f, side->units, len) != f->said_hash)
		trick = "stream.overlap_other_data";
	if (trick) {
		said_otherwise(e, f, trick);
	} else {
		inspect_release(e, f, inspect_verdict(e, f));
		inspect_forget(e, f);
	}
	inspect_answer(e, f, q);
}
