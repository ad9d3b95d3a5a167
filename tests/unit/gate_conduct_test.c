/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the gate refuses of an engine's messages, field by field, and when it has had enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/gate/queue.h"
#include "../../daemon/gate/quarantine.h"
#include "../../daemon/gate/state.h"

#define SECOND UINT64_C(1000000000)

struct talk {
	struct gate g;
	int engine; /* its end of the channel */
};

static struct talk *
begin(enum engine_state state)
{
	struct talk *t = calloc(1, sizeof *t);
	int pair[2];

	assert_non_null(t);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	t->engine = pair[1];
	t->g.keeper = (struct keeper){.state = state, .channel = pair[0], .child = {.watch = -1}};
	t->g.ending = true; /* nobody is started in its place */
	t->g.now_ns = 1000 * SECOND;
	t->g.queue = queue_open();
	t->g.quarantine = quarantine_new();
	t->g.reload.bundle_fd = -1;
	t->g.reload.planner = (struct planner)PLANNER_NONE;
	assert_non_null(t->g.queue);
	conduct_begin(&t->g.keeper.conduct, 0, 0);
	return t;
}

static void
end(struct talk *t)
{
	queue_close(t->g.queue);
	quarantine_free(t->g.quarantine);
	if (t->g.keeper.channel >= 0)
		close(t->g.keeper.channel);
	close(t->engine);
	free(t);
}

/* How many refusals this costs. */
static uint64_t
refusals(struct talk *t, const void *message, size_t len)
{
	uint64_t before = t->g.verdicts_refused;

	assert_int_equal(send(t->engine, message, len, 0), (ssize_t)len);
	inbox_read(&t->g);
	return t->g.verdicts_refused - before;
}

/* One message, as it would have to be, and ways in which it is not. */
static void
wrong_sizes_and_types(void **state)
{
	static char buf[CHANNEL_MAX];
	(void)state;
	for (unsigned type = 0; type < 300; type++) {
		struct talk *t = begin(ENGINE_STARTING);
		struct channel_head h = {.type = (uint16_t)type, .count = 7, .arg = 9};
		memcpy(buf, &h, sizeof h);
		assert_int_equal(refusals(t, buf, sizeof h), 1);     /* an array that is not there */
		assert_int_equal(refusals(t, buf, 3), 1);	     /* no head */
		assert_int_equal(refusals(t, buf, sizeof h + 1), 1); /* a byte too many */
		assert_int_equal(refusals(t, buf, sizeof buf), 1);
		end(t);
	}
}

static void
contradictions(void **state)
{
	const struct channel_head ready = {.type = CH_READY}, prepared = {.type = CH_PREPARED, .arg = 5};
	const struct channel_pong pong = {.head = {.type = CH_PONG, .arg = 1}};
	struct talk *t = begin(ENGINE_READY);
	(void)state;
	assert_int_equal(refusals(t, &ready, sizeof ready), 1);	      /* it is ready already */
	assert_int_equal(refusals(t, &prepared, sizeof prepared), 1); /* nothing is being prepared */
	t->g.reload.state = RELOAD_PREPARING;
	t->g.reload.now.ticket = 6;
	assert_int_equal(refusals(t, &prepared, sizeof prepared), 1); /* another ticket */
	assert_int_equal(refusals(t, &pong, sizeof pong), 1);	      /* no ping was sent */
	t->g.keeper.pinged_ns = 1;
	t->g.keeper.ping = 2;
	assert_int_equal(refusals(t, &pong, sizeof pong), 1); /* not this one */
	t->g.keeper.ping = 1;
	assert_int_equal(refusals(t, &pong, sizeof pong), 0);
	assert_int_equal(refusals(t, &pong, sizeof pong), 1); /* twice */
	end(t);
}

static void
verdict_fields(void **state)
{
	struct {
		struct channel_head head;
		struct channel_verdict v[1];
	} m = {.head = {.type = CH_VERDICTS, .count = 1, .arg = 1}, .v = {{.id = 1, .queue = 2050, .decision = 1}}};
	struct talk *t = begin(ENGINE_STARTING);
	(void)state;
	assert_int_equal(refusals(t, &m, sizeof m), 1); /* it has not said that it is ready */
	t->g.keeper.state = ENGINE_READY;
	assert_int_equal(refusals(t, &m, sizeof m), 1); /* no queue of ours has this number */
	m.head.arg = 0;
	assert_int_equal(refusals(t, &m, sizeof m), 1);
	m.head.arg = 255;
	assert_int_equal(refusals(t, &m, sizeof m), 1); /* no generation */
	assert_int_equal(t->g.tally.verdicts, 0);
	end(t);
}

static void
request_fields(void **state)
{
	static const struct channel_request wrong[] = {
		{.head = {CH_RELOAD, 0, 0}},
		{.head = {CH_RELOAD, 0, 1}, .seconds = CONFIRM_MAX_S + 1},
		{.head = {CH_RELOAD, 0, 1}, .mode = 1},
		{.head = {CH_CONFIRM, 0, 1}, .seconds = 1},
		{.head = {CH_UNDO, 0, 1}, .mode = 1},
		{.head = {CH_MODE, 0, 1}, .mode = 3},
		{.head = {CH_MODE, 0, 1}, .seconds = MODE_MAX_S + 1, .mode = 1},
	};
	const struct channel_request right = {.head = {CH_MODE, 0, 1}, .seconds = MODE_MAX_S, .mode = CHANNEL_MODE_ENFORCE};
	struct talk *t = begin(ENGINE_READY);
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(refusals(t, &wrong[i], sizeof wrong[i]), 1);
	assert_int_equal(t->g.reload.n_waiting, 0);
	assert_int_equal(refusals(t, &right, sizeof right), 0);
	assert_int_equal(t->g.reload.n_waiting, 1);
	end(t);
}

static void
quarantine_fields(void **state)
{
	struct channel_quarantine m = {.head = {.type = CH_QUARANTINE}, .mac = {{2, 0, 0, 0, 0, 1}}};
	struct talk *t = begin(ENGINE_READY);
	(void)state;
	assert_int_equal(refusals(t, &m, sizeof m), 0);
	m.by_address = 2;
	assert_int_equal(refusals(t, &m, sizeof m), 1);
	m.by_address = 1; /* by an address that it does not name, with a MAC that it does */
	assert_int_equal(refusals(t, &m, sizeof m), 1);
	m.by_address = 0;
	m.release = 7;
	assert_int_equal(refusals(t, &m, sizeof m), 1);
	m.release = 0;
	m.seconds = QUARANTINE_SECONDS_MAX + 1;
	assert_int_equal(refusals(t, &m, sizeof m), 1);
	m.seconds = 0;
	m.mac.b[0] = 1; /* a group */
	assert_int_equal(refusals(t, &m, sizeof m), 1);
	assert_int_equal(quarantine_count(t->g.quarantine), 1);
	end(t);
}

/* Descriptors are closed, and the message counts as nonsense. */
static void
descriptors(void **state)
{
	const struct channel_head rejudge = {.type = CH_REJUDGE};
	struct talk *t = begin(ENGINE_READY);
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), fds[] = {before, before, before};
	(void)state;
	assert_int_equal(channel_send(t->engine, &rejudge, sizeof rejudge, fds, 3), 0);
	inbox_read(&t->g);
	assert_int_equal(t->g.verdicts_refused, 1);
	assert_false(t->g.reload.rejudge_wanted);
	int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(after, before + 1);
	close(after);
	close(before);
	end(t);
}

static void
enough_is_enough(void **state)
{
	const struct channel_head nonsense = {.type = 4242};
	struct talk *t = begin(ENGINE_READY);
	(void)state;
	for (unsigned i = 1; i < CONDUCT_REFUSED; i++)
		assert_int_equal(refusals(t, &nonsense, sizeof nonsense), 1);
	assert_int_equal(t->g.keeper.state, ENGINE_READY);
	t->g.now_ns += CONDUCT_REFUSED_S * SECOND; /* long ago: it begins anew */
	for (unsigned i = 1; i < CONDUCT_REFUSED; i++)
		assert_int_equal(refusals(t, &nonsense, sizeof nonsense), 1);
	assert_int_equal(t->g.keeper.state, ENGINE_READY);
	assert_int_equal(refusals(t, &nonsense, sizeof nonsense), 1);
	assert_int_equal(t->g.keeper.state, ENGINE_DOWN);
	assert_int_equal(t->g.keeper.channel, -1);
	end(t);
}

static void
a_flood_of_requests(void **state)
{
	const struct channel_request undo = {.head = {CH_UNDO, 0, 1}};
	struct talk *t = begin(ENGINE_READY);
	unsigned sent = 0;
	(void)state;
	t->g.reload.n_waiting = RELOAD_TICKETS; /* all are declined, and that is no refusal */
	while (t->g.keeper.state == ENGINE_READY && sent < 10000) {
		char buf[CHANNEL_MAX];
		int fds[CHANNEL_FDS];
		size_t n_fds;
		assert_int_equal(send(t->engine, &undo, sizeof undo, 0), sizeof undo);
		inbox_read(&t->g);
		while (channel_recv(t->engine, buf, fds, &n_fds) > 0)
			for (size_t i = 0; i < n_fds; i++)
				close(fds[i]);
		sent++;
	}
	assert_int_equal(sent, 400 + CONDUCT_REFUSED);
	end(t);
}

static void
packets_that_never_came(void **state)
{
	struct conduct c;
	(void)state;
	conduct_begin(&c, 1000, 900);
	assert_false(conduct_invents(&c, 1000, 900, 4096));
	assert_false(conduct_invents(&c, 1000 + 1000000, 900 + 1000000, 4096)); /* busy and honest */
	assert_false(conduct_invents(&c, 1000 + CONDUCT_SLACK, 900, 0));
	assert_true(conduct_invents(&c, 1000 + CONDUCT_SLACK + 1, 900, 0));
	assert_true(conduct_invents(&c, 1000 + 3000000, 900 + 1000000, 4096));
	assert_false(conduct_invents(&c, 1000, 0, 0)); /* the table is new and its counters are */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_sizes_and_types), cmocka_unit_test(contradictions),     cmocka_unit_test(verdict_fields),
		cmocka_unit_test(request_fields),	 cmocka_unit_test(quarantine_fields),  cmocka_unit_test(descriptors),
		cmocka_unit_test(enough_is_enough),	 cmocka_unit_test(a_flood_of_requests), cmocka_unit_test(packets_that_never_came),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
