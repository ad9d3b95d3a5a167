/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's process: one loop over one channel. What the engine tells is read first and written in transactions; between them the inventory
 * and answers go out in slices, each one datagram that waits for room in the channel. When the engine closes its end, what it said last is
 * read to the end, committed, and the process is done.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "sandbox.h"
#include "store_private.h"

#define MS 1000000ull

enum {
	AT_ONCE = 32,	   /* datagrams before others get their turn */
	SLICE_MS = 10,	   /* of an answer */
	ANSWER_S = 120,	   /* for somebody who reads slowly: a snapshot that is held keeps the log of writes from being emptied */
	PRUNE_MS = 5000,
	PRUNE_SOON_MS = 20,
	STATE_MS = 1000,
	DESCRIPTORS = 64,
	MEMORY = 1 << 30,
};

struct query {
	uint32_t ticket;       /* 0: this place is free */
	struct answer *answer; /* NULL: there is none, because of error */
	const char *error;
	bool granted;	       /* the engine has asked for the next piece */
	uint64_t until_ns;
};

struct store {
	struct database db;
	int channel;
	struct now now;
	struct load *load;
	struct query query[STORE_QUERIES];
	unsigned turn;
	uint64_t prune_ns, state_ns;
	struct store_state told;
	size_t out_len; /* waits for room in the channel */
	union {
		uint64_t align;
		uint8_t bytes[STORE_MAX];
	} in, out;
	struct store_walk walk;
};

static int64_t
wall_s(const struct store *s)
{
	return s->now.wall_us / 1000000;
}

/* ---- out ---- */

static bool
push(struct store *s)
{
	if (s->out_len && send(s->channel, s->out.bytes, s->out_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno != EAGAIN && errno != EINTR && errno != ENOBUFS; /* a broken channel shows when it is read */
	s->out_len = 0;
	return true;
}

static void
append(struct store *s, const void *record, size_t len)
{
	s->out_len += store_put(s->out.bytes + s->out_len, sizeof s->out.bytes - s->out_len, record, len, NULL, 0);
}

static void
append_head(struct store *s, enum store_type type, uint32_t ticket)
{
	const struct store_head h = {.type = (uint16_t)type, .ticket = ticket};
	append(s, &h, sizeof h);
}

static void
append_done(struct store *s, uint32_t ticket, uint32_t rows, const char *error)
{
	struct store_done d = {.head = {.type = ST_DONE, .ticket = ticket}, .ok = !error[0], .rows = rows};

	snprintf(d.text, sizeof d.text, "%s", error);
	append(s, &d, sizeof d);
}

/* How the database does: when that has changed, and at most once a second. */
static bool
say_state(struct store *s)
{
	struct store_state t = {.head = {.type = ST_STATE}, .dropped = s->db.dropped, .refused = s->db.refused, .bytes = s->db.bytes};

	snprintf(t.text, sizeof t.text, "%s", s->db.problem);
	if (s->now.mono_ns < s->state_ns || memcmp(&t, &s->told, sizeof t) == 0)
		return false;
	s->told = t;
	s->state_ns = s->now.mono_ns + STATE_MS * MS;
	append(s, &t, sizeof t);
	return true;
}

static bool
say_inventory(struct store *s)
{
	bool end;

	if (!s->load)
		return false;
	s->out_len = load_fill(s->load, s->out.bytes, sizeof s->out.bytes - sizeof(struct store_head), &end);
	if (end) {
		append_head(s, ST_LOADED, 0);
		load_free(s->load);
		s->load = NULL;
	}
	return true;
}

static void
end_query(struct query *q)
{
	answer_free(q->answer);
	*q = (struct query){0};
}

static bool
say_piece(struct store *s, struct query *q)
{
	bool end;
	const char *error;

	if (!q->ticket || (q->answer && !q->granted && s->now.mono_ns < q->until_ns))
		return false;
	if (!q->answer || !q->granted) {
		append_done(s, q->ticket, 0, q->answer ? "the answer was read too slowly" : q->error);
		end_query(q);
		return true;
	}
	s->out_len = answer_fill(q->answer, s->out.bytes, sizeof s->out.bytes - sizeof(struct store_done),
				 s->now.mono_ns + SLICE_MS * MS, &end, &error);
	q->granted = !end && s->out_len == 0; /* nothing found in this slice: on with the next one */
	if (end) {
		append_done(s, q->ticket, answer_rows(q->answer), error);
		end_query(q);
	} else if (s->out_len) {
		append_head(s, ST_PAUSE, q->ticket);
		q->until_ns = s->now.mono_ns + ANSWER_S * 1000 * MS;
	}
	return true;
}

/* One datagram, if there is anything to say and the last one is gone. */
static void
speak(struct store *s)
{
	if (!push(s) || s->out_len || say_state(s) || say_inventory(s)) {
		(void)push(s);
		return;
	}
	for (unsigned i = 0; i < STORE_QUERIES; i++)
		if (say_piece(s, &s->query[s->turn++ % STORE_QUERIES]))
			break;
	(void)push(s);
}

static bool
has_work(const struct store *s)
{
	bool work = s->load != NULL;

	for (size_t i = 0; i < STORE_QUERIES; i++)
		work |= s->query[i].ticket && s->query[i].granted;
	return work;
}

/* ---- in ---- */

static struct query *
find_query(struct store *s, uint32_t ticket)
{
	for (size_t i = 0; i < STORE_QUERIES; i++)
		if (ticket && s->query[i].ticket == ticket)
			return &s->query[i];
	return NULL;
}

/* An answer is what is in the database now: the question sees what was told before it. */
static void
on_query(struct store *s, const struct store_query *q)
{
	struct query *place = NULL;

	for (size_t i = 0; i < STORE_QUERIES && !place; i++)
		place = s->query[i].ticket ? NULL : &s->query[i];
	if (!place || !q->head.ticket || find_query(s, q->head.ticket)) {
		s->db.refused++; /* the engine counts its questions itself */
		return;
	}
	database_commit(&s->db, s->now.mono_ns, wall_s(s), true);
	place->answer = answer_new(&s->db, q, wall_s(s), &place->error);
	place->ticket = q->head.ticket;
	place->granted = true;
	place->until_ns = s->now.mono_ns + ANSWER_S * 1000 * MS;
}

static void
on_control(struct store *s, const struct store_head *h)
{
	struct query *q = find_query(s, h->ticket);

	if (h->type == ST_QUERY)
		on_query(s, (const struct store_query *)h);
	else if (q && h->type == ST_NEXT)
		q->granted = true;
	else if (q)
		end_query(q);
}

static void
on_hello(struct store *s, const struct store_hello *h)
{
	if (h->version != STORE_VERSION)
		fatalx("store: the engine speaks version %u: two builds mixed?", h->version);
	if (!h->wants || s->load)
		return;
	database_commit(&s->db, s->now.mono_ns, wall_s(s), true);
	s->load = load_new(&s->db);
	if (!s->load) { /* no database: an empty inventory */
		const struct store_head loaded = {.type = ST_LOADED, .len = sizeof loaded};
		(void)send(s->channel, &loaded, sizeof loaded, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

static void
on_record(struct store *s, const struct store_head *h)
{
	struct database *d = &s->db;

	if (h->type == ST_QUERY || h->type == ST_NEXT || h->type == ST_CANCEL) {
		on_control(s, h);
		return;
	}
	if (h->type == ST_HELLO)
		on_hello(s, (const struct store_hello *)h);
	if (!database_ready(d, s->now.mono_ns, wall_s(s))) {
		d->dropped++;
		return;
	}
	d->records++;
	int rc = write_record(d, &s->walk);
	if (rc == SQLITE_MISUSE || rc == SQLITE_CONSTRAINT || rc == SQLITE_TOOBIG) {
		d->records--;
		d->refused++;
	} else if (rc != SQLITE_DONE) {
		database_failed(d, rc, s->now.mono_ns, wall_s(s));
	}
	database_commit(d, s->now.mono_ns, wall_s(s), false);
}

/* False: the engine has closed its end, and everything that it said was read. */
static bool
listen_to(struct store *s)
{
	for (unsigned i = 0; i < AT_ONCE; i++) {
		ssize_t n = recv(s->channel, s->in.bytes, sizeof s->in.bytes, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n <= 0)
			return false;
		if ((size_t)n > sizeof s->in.bytes) {
			s->db.refused++;
			continue;
		}
		clock_read(&s->now);
		store_walk(&s->walk, s->in.bytes, (size_t)n);
		for (const struct store_head *h; (h = store_next(&s->walk));)
			on_record(s, h);
		s->db.refused += s->walk.refused;
	}
	return true;
}

/* What happened to the file itself is history, too. */
static void
tell_news(struct store *s)
{
	struct store_event e = {.head = {.type = ST_EVENT}, .time_us = s->now.wall_us};
	const char *const texts[] = {"store", "", s->db.news};
	uint64_t buf[64];

	if (!s->db.news[0] || !database_ready(&s->db, s->now.mono_ns, wall_s(s)))
		return;
	size_t len = store_put(buf, sizeof buf, &e, sizeof e, texts, 3);
	store_walk(&s->walk, buf, len);
	if (store_next(&s->walk) && write_record(&s->db, &s->walk) == SQLITE_DONE)
		s->db.records++;
	if (s->out_len + len <= sizeof s->out.bytes) { /* and the engine raises its alert */
		memcpy(s->out.bytes + s->out_len, buf, len);
		s->out_len += len;
		s->db.news[0] = 0;
	}
}

static void
prune(struct store *s)
{
	if (s->now.mono_ns < s->prune_ns)
		return;
	bool more = database_ready(&s->db, s->now.mono_ns, wall_s(s)) && prune_step(&s->db, wall_s(s));
	s->prune_ns = s->now.mono_ns + (more ? PRUNE_SOON_MS : PRUNE_MS) * MS;
}

static int
wait_ms(const struct store *s)
{
	uint64_t until = s->prune_ns, commit = s->db.since_ns + COMMIT_MS * MS;

	if (has_work(s) && !s->out_len)
		return 0;
	if (s->db.open && commit < until)
		until = commit;
	if (until > s->now.mono_ns + 1000 * MS)
		until = s->now.mono_ns + 1000 * MS;
	return until > s->now.mono_ns ? (int)((until - s->now.mono_ns) / MS) + 1 : 0;
}

/* Its own directory and no other; SQLite asks the kernel for numbers by that file. */
static int
confine(const char *state_dir)
{
	const struct sandbox_path paths[] = {{state_dir, SANDBOX_OWN}, {"/dev/urandom", SANDBOX_READ}};
	int version;

	if (sandbox_drop(false, DESCRIPTORS) < 0 || sandbox_memory(MEMORY) < 0 || sandbox_files(paths, 2, &version) < 0)
		return -1;
	return sandbox_calls(SANDBOX_STORE);
}

int
store_main(const char *state_dir, int channel, bool sandbox)
{
	struct store *s = calloc(1, sizeof *s);

	if (!s)
		fatal("store");
	(void)prctl(PR_SET_NAME, "lenscap-store"); /* for ps: it is the engine's program */
	signal(SIGXFSZ, SIG_IGN); /* a limit of file size is a full disk */
	umask(0077);
	if (sandbox && confine(state_dir) < 0)
		fatalx("the store does not work without its sandbox");
	s->channel = channel;
	clock_read(&s->now);
	(void)database_open(&s->db, state_dir, wall_s(s));
	s->prune_ns = s->now.mono_ns + 1000 * MS;
	for (bool heard = true; heard;) {
		struct pollfd p = {.fd = channel, .events = (short)(POLLIN | (s->out_len ? POLLOUT : 0))};
		(void)poll(&p, 1, wait_ms(s));
		clock_read(&s->now);
		heard = listen_to(s);
		clock_read(&s->now);
		tell_news(s);
		speak(s);
		prune(s);
		database_commit(&s->db, s->now.mono_ns, wall_s(s), !heard);
	}
	if (s->db.dropped)
		log_warnx("state.db: %llu records were lost", (unsigned long long)s->db.dropped);
	load_free(s->load);
	for (size_t i = 0; i < STORE_QUERIES; i++)
		end_query(&s->query[i]);
	database_close(&s->db);
	free(s);
	return 0;
}
