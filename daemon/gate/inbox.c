/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine says. It has read hostile bytes: lengths, counts, ids, decisions and the pace are
 * checked, and an engine that goes on sending what makes no sense is replaced.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ahead.h"
#include "mark.h"
#include "queue.h"
#include "state.h"

enum { MESSAGES_A_TURN = 64 };

/* A message that is only its type. */
static bool
is_bare(const void *message)
{
	const struct channel_head *h = message;
	return h->count == 0 && h->arg == 0;
}

static bool
on_ready(struct gate *g, const void *message)
{
	if (!is_bare(message) || g->keeper.state != ENGINE_STARTING)
		return false;
	keeper_ready(g);
	return true;
}

static bool
on_prepared(struct gate *g, const void *message)
{
	const struct channel_head *h = message;
	if (h->count > 1 || g->reload.state != RELOAD_PREPARING || h->arg != g->reload.now.ticket)
		return false;
	reload_prepared(g, h->arg, h->count == 0);
	return true;
}

/* All or nothing: a batch with one impossible verdict is not the work of our engine. */
static bool
on_verdicts(struct gate *g, const void *message)
{
	const struct channel_verdicts *v = message;

	if (v->head.arg == 0 || v->head.arg > MARK_GENERATION_MAX || g->keeper.state != ENGINE_READY)
		return false;
	for (size_t i = 0; i < v->head.count; i++)
		if (!queue_accepts(g->queue, &v->v[i]))
			return false;
	if (queue_send(g->queue, v->v, v->head.count, g->plan.mark_shift, v->head.arg) < 0) {
		if (log_allowed(&g->complaint, g->now_ns, NULL))
			log_warn("queue: %u verdicts could not be sent", v->head.count);
		return true; /* not the engine's fault; the packets wait for the fail mode */
	}
	g->tally.verdicts += v->head.count;
	return true;
}

/*
 * First packets that need no trip. Of another generation than the one in force they are judged by what holds no more: that is nobody's fault. It is
 * here, in the process that changes the generation, that nothing can come in between.
 */
static bool
on_kinds(struct gate *g, const void *message)
{
	const struct channel_kinds *k = message;

	if (k->head.arg == 0 || k->head.arg > MARK_GENERATION_MAX || g->keeper.state != ENGINE_READY)
		return false;
	for (size_t i = 0; i < k->head.count; i++)
		if (!ahead_valid(&k->row[i]))
			return false;
	bool holds = k->head.arg == g->generation && g->installed;
	if (holds && ahead_put(g->ahead, k->row, k->head.count, g->plan.kind_memory_s) == 0)
		return true;
	if (holds && log_allowed(&g->complaint, g->now_ns, NULL))
		log_warn("nftables: %u kinds of flows that a DNS answer announced are not taken; their first packets are asked for", k->head.count);
	g->kinds_refused += k->head.count;
	return true;
}

/* What somebody asked for over the control socket; who it was we have from the engine, and only write down. */
static const struct {
	uint16_t type;
	enum request_kind kind;
	uint32_t seconds_max, mode_max;
} requests[] = {
	{CH_RELOAD, REQUEST_RELOAD, CONFIRM_MAX_S, 0},
	{CH_CONFIRM, REQUEST_CONFIRM, 0, 0},
	{CH_UNDO, REQUEST_UNDO, 0, 0},
	{CH_MODE, REQUEST_MODE, MODE_MAX_S, CHANNEL_MODE_ENFORCE},
};

static bool
on_request(struct gate *g, const void *message)
{
	const struct channel_request *q = message;

	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		if (requests[i].type != q->head.type)
			continue;
		if (q->head.arg == 0 || q->head.count || q->seconds > requests[i].seconds_max || q->mode > requests[i].mode_max)
			return false;
		reload_ask(g, &(struct request){.kind = requests[i].kind, .ticket = q->head.arg, .seconds = q->seconds,
						.mode = q->mode, .uid = q->uid, .pid = q->pid});
		return true;
	}
	return false;
}

static bool
on_rejudge(struct gate *g, const void *message)
{
	if (!is_bare(message))
		return false;
	reload_rejudge(g);
	return true;
}

/*
 * It cannot have more stale ids than verdicts, and they never get fewer; what it says beyond that is not
 * believed.
 */
static bool
on_pong(struct gate *g, const void *message)
{
	const struct channel_pong *p = message;
	struct keeper *k = &g->keeper;
	uint64_t relayed = g->tally.verdicts - k->conduct.verdicts_before;

	if (p->head.count || k->pinged_ns == 0 || p->head.arg != k->ping)
		return false;
	k->pinged_ns = 0;
	uint64_t stale = p->stale_ids < relayed ? p->stale_ids : relayed;
	if (stale > k->stale)
		k->stale = stale;
	return true;
}

static bool
on_quarantine(struct gate *g, const void *message)
{
	return warden_take(g, message);
}

static bool
on_look(struct gate *g, const void *message)
{
	if (!is_bare(message))
		return false;
	warden_look(g);
	return true;
}

/* per_second: far beyond what an engine says in honest work, which paces itself. How many verdicts there may be is keeper_count()'s to say. */
static const struct kind {
	uint16_t type;
	uint32_t fixed, element, max, per_second;
	bool (*take)(struct gate *g, const void *message); /* false: makes no sense */
} kinds[] = {
	{CH_READY, sizeof(struct channel_head), 0, 0, 1, on_ready},
	{CH_PREPARED, sizeof(struct channel_head), 0, 0, 100, on_prepared},
	{CH_VERDICTS, sizeof(struct channel_verdicts), sizeof(struct channel_verdict), CHANNEL_VERDICTS, UINT32_MAX, on_verdicts},
	{CH_RELOAD, sizeof(struct channel_request), 0, 0, 400, on_request},
	{CH_CONFIRM, sizeof(struct channel_request), 0, 0, 400, on_request},
	{CH_UNDO, sizeof(struct channel_request), 0, 0, 400, on_request},
	{CH_MODE, sizeof(struct channel_request), 0, 0, 400, on_request},
	{CH_REJUDGE, sizeof(struct channel_head), 0, 0, 1000, on_rejudge},
	{CH_PONG, sizeof(struct channel_pong), 0, 0, 1000, on_pong},
	{CH_QUARANTINE, sizeof(struct channel_quarantine), 0, 0, 4000, on_quarantine},
	{CH_LOOK, sizeof(struct channel_head), 0, 0, 1000, on_look},
	{CH_KINDS, sizeof(struct channel_kinds), sizeof(struct channel_kind), CHANNEL_KINDS, 200, on_kinds},
};
enum { KINDS = sizeof kinds / sizeof *kinds };
_Static_assert((int)KINDS <= (int)CONDUCT_KINDS, "each kind is counted");

static bool
take(struct gate *g, const void *message, size_t len)
{
	const struct channel_head *h = message;

	for (size_t i = 0; i < KINDS; i++) {
		const struct kind *k = &kinds[i];
		if (k->type == h->type)
			return channel_fits(message, len, k->fixed, k->element, k->max) &&
			       conduct_pace(&g->keeper.conduct, i, k->per_second, g->now_ns) && k->take(g, message);
	}
	return false;
}

static void
refuse(struct gate *g, const void *message, size_t len)
{
	const struct channel_head *h = message;
	unsigned held;

	g->verdicts_refused++;
	if (log_allowed(&g->complaint, g->now_ns, &held))
		log_warnx("engine: message of type %u with %zu bytes makes no sense, or is one too many (%u more since the last "
			  "time)",
			  h ? h->type : 0u, len, held);
	if (conduct_refuse(&g->keeper.conduct, g->now_ns))
		keeper_lost(g, "it sends nonsense, or too much");
}

void
inbox_read(struct gate *g)
{
	_Alignas(8) char buf[CHANNEL_MAX];
	int fds[CHANNEL_FDS];
	size_t n_fds;

	for (unsigned i = 0; i < MESSAGES_A_TURN && g->keeper.channel >= 0; i++) {
		ssize_t n = channel_recv(g->keeper.channel, buf, fds, &n_fds);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno == EBADMSG) {
			refuse(g, NULL, 0);
			continue;
		}
		if (n <= 0) {
			keeper_lost(g, "its channel is closed");
			return;
		}
		for (size_t k = 0; k < n_fds; k++)
			close(fds[k]); /* it has nothing to give us */
		if (n_fds || !take(g, buf, (size_t)n))
			refuse(g, buf, (size_t)n);
		else
			g->keeper.heard_ns = g->now_ns;
	}
}
