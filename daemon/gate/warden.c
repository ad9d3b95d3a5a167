/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is cut off: what the engine asks for and what the kernel finds comes together here, goes to the kernel and to the file, and back to the
 * engine. Changes gather for a moment, so that many cost one transaction.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "flood.h"
#include "groups.h"
#include "news.h"
#include "observe.h"
#include "quarantine.h"
#include "ruleset.h"
#include "state.h"
#include "table.h"

enum {
	SAVE_AGAIN_MS = 5000,
	LOOK_MS = 200, /* five a second */
};

bool
warden_open(struct gate *g)
{
	g->quarantine = quarantine_new();
	g->groups = groups_new();
	g->flood = calloc(1, sizeof *g->flood);
	return g->quarantine && g->groups && g->flood;
}

void
warden_close(struct gate *g)
{
	quarantine_free(g->quarantine);
	groups_free(g->groups);
	free(g->flood);
	observe_close(g->observe);
}

void
warden_load(struct gate *g)
{
	int senseless = quarantine_load(g->quarantine, g->place.state_fd, g->now_s);

	if (senseless > 0)
		log_warnx("%s/quarantine: %d lines make no sense and were left out", g->o->state_dir, senseless);
	else if (senseless < 0 && errno != ENOENT)
		log_warn("%s/quarantine: cannot be read: nobody is in quarantine", g->o->state_dir);
	size_t n = quarantine_count(g->quarantine);
	if (n)
		log_info("%zu devices are in quarantine", n);
}

/* After the table is in place: the kernel knows the group then. */
void
warden_listen(struct gate *g)
{
	if (g->observe || !table_hears(g->table))
		return;
	g->observe = observe_open(g->plan.queue);
	if (!g->observe)
		log_warn("log group %u: cannot be bound, so what cameras announce stays unheard%s", g->plan.queue,
			 errno == EBUSY || errno == EPERM ? "; another program uses this number, choose another queue" : "");
}

void
warden_moved(struct gate *g)
{
	if (g->observe && observe_move(g->observe, g->plan.queue) < 0)
		log_warn("log group %u: cannot be taken into use", g->plan.queue);
}

static void
answer(struct gate *g, uint32_t ticket, const char *error)
{
	struct channel_done d = {.head = {.type = CH_DONE, .count = 1, .arg = ticket}, .ok = error == NULL};

	if (ticket == 0)
		return;
	snprintf(d.text, sizeof d.text, "%s", error ? error : "");
	(void)keeper_send(g, &d, sizeof d, -1, false);
}

bool
warden_take(struct gate *g, const struct channel_quarantine *m)
{
	struct warden *w = &g->warden;

	if (!quarantine_sane(m))
		return false;
	if (m->head.arg && w->n_tickets == WARDEN_TICKETS) {
		answer(g, m->head.arg, "too many at once; try again");
		return true;
	}
	if (!m->release && quarantine_is_full(g->quarantine, m)) {
		answer(g, m->head.arg, "the quarantine is full");
		return true;
	}
	quarantine_take(g->quarantine, m, g->now_s);
	if (m->head.arg)
		w->tickets[w->n_tickets++] = m->head.arg;
	w->untold = true;
	return true;
}

void
warden_look(struct gate *g)
{
	if (g->now_ns - g->warden.looked_ns < (uint64_t)LOOK_MS * MS || g->keeper.state != ENGINE_READY)
		return;
	g->warden.looked_ns = g->now_ns;
	news_look(g->news, g->now_ns, true);
}

static void
save(struct gate *g)
{
	struct warden *w = &g->warden;

	if (!quarantine_unsaved(g->quarantine) || g->now_ns < w->save_again_ns)
		return;
	if (quarantine_save(g->quarantine, g->place.state_fd) == 0)
		return;
	w->save_again_ns = g->now_ns + (uint64_t)SAVE_AGAIN_MS * MS;
	log_warn("%s/quarantine: cannot be written; a restart would let go whoever is in quarantine", g->o->state_dir);
}

/* Rows of both lists in as many messages as it takes. False: the engine did not take them. */
static bool
tell(struct gate *g)
{
	struct {
		struct channel_head head;
		struct channel_quarantined_row row[CHANNEL_QUARANTINED];
	} m;
	size_t cursor = 0, at_flood = 0, first = QUARANTINED_FIRST;

	for (;;) {
		size_t n = quarantine_rows(g->quarantine, g->now_s, &cursor, m.row, CHANNEL_QUARANTINED);
		while (n < CHANNEL_QUARANTINED && at_flood < g->flood->n)
			m.row[n++] = g->flood->rows[at_flood++];
		bool last = n < CHANNEL_QUARANTINED;
		m.head = (struct channel_head){.type = CH_QUARANTINED, .count = (uint16_t)n, .arg = (uint32_t)first};
		m.head.arg |= last ? QUARANTINED_LAST : 0;
		if (!keeper_send(g, &m, sizeof m.head + n * sizeof *m.row, -1, false))
			return false;
		if (last)
			return true;
		first = 0;
	}
}

static void
apply(struct gate *g)
{
	bool ok = table_jail(g->table, g->quarantine, g->now_s) == 0;

	quarantine_settled(g->quarantine, ok);
	g->warden.refused = !ok;
	g->warden.untold = true;
}

void
warden_tick(struct gate *g)
{
	struct warden *w = &g->warden;

	quarantine_expire(g->quarantine, g->now_s);
	if (quarantine_changed(g->quarantine) && g->installed)
		apply(g);
	save(g);
	if (!w->untold || g->keeper.state != ENGINE_READY || !tell(g))
		return;
	w->untold = false;
	quarantine_told(g->quarantine);
	flood_told(g->flood);
	for (size_t i = 0; i < w->n_tickets; i++)
		answer(g, w->tickets[i], w->refused ? "the kernel refuses; see the log of lenscapd" : NULL);
	w->n_tickets = 0;
	w->refused = false;
}

void
warden_count(struct gate *g)
{
	uint64_t cut = g->tally.c[C_FLOOD].packets;

	if (cut == g->flood->seen && g->flood->n == 0)
		return;
	g->flood->seen = cut;
	g->warden.untold |= flood_read(g->flood, g->ask);
}

void
warden_engine(struct gate *g)
{
	g->warden.untold = true;
	g->warden.n_tickets = 0; /* those who asked are gone with the engine before */
}
