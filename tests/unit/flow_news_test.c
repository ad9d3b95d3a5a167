/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What conntrack tells of a connection counts for that one, and not for a later one between the same ports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bundle.h"
#include "engine.h"

#define POLICY "version: 1\nmode: enforce\nfail: open\nzones: {cameras: {interfaces: [cam0], networks: [10.0.0.0/8]}}\n" \
	"rules: [{name: all, from: cameras, to: any, action: allow}]\ndefault: block\n"
#define SECOND INT64_C(1000000)

static const int64_t noon_us = INT64_C(1772452800) * SECOND;

struct lab {
	struct engine *e;
	int gate;
	char dir[32];
	struct tuple tuple;
};

/* Seconds after noon. */
static void
at(struct lab *l, double s)
{
	l->e->now.wall_us = noon_us + (int64_t)(s * 1e6);
	l->e->now.mono_ns = (uint64_t)(1e12 + s * 1e9);
}

static int
start(void **state)
{
	static const struct channel_start s = {.generation = 1};
	struct lab *l = calloc(1, sizeof *l);
	struct bundle *b = bundle_from_text("test.yaml", POLICY, strlen(POLICY));
	int pair[2];

	assert_non_null(l);
	snprintf(l->dir, sizeof l->dir, "/tmp/news-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	l->gate = pair[0];
	l->e = engine_new(l->dir, l->dir, pair[1], true);
	assert_non_null(l->e);
	at(l, 0);
	l->e->start_us = l->e->now.wall_us;
	assert_int_equal(engine_start(l->e, &s, b, -1), 0);
	bundle_free(b);
	l->tuple = (struct tuple){.sport = 40000, .dport = 443, .proto = IPPROTO_TCP};
	addr_parse("10.0.0.1", &l->tuple.src);
	addr_parse("198.51.100.1", &l->tuple.dst);
	*state = l;
	return 0;
}

static int
stop(void **state)
{
	struct lab *l = *state;
	char path[64];
	int channel = l->e->channel;

	engine_free(l->e);
	close(channel);
	close(l->gate);
	snprintf(path, sizeof path, "%s/budgets", l->dir);
	unlink(path);
	rmdir(l->dir);
	free(l);
	return 0;
}

/* A flow whose first packet was judged now. */
static struct flow *
begin(struct lab *l)
{
	static const struct mac mac = {{2, 0, 0, 0, 0, 1}};
	struct flow seed;
	struct judgement j;
	bool is_new;
	struct device *d = device_by_packet(l->e->devices, l->e->is.policy, &mac, &l->tuple.src, 0, &l->e->now, &is_new);

	flow_init(l->e->flows, &seed, &l->tuple, &l->e->now);
	seed.device = device_index(l->e->devices, d);
	seed.remote_zone = ZONE_NONE;
	struct flow *f = flow_insert(l->e->flows, &seed, &l->e->now);
	device_hold(d);
	flow_judge(l->e, f, &j);
	f->sent = f->decision;
	return f;
}

/* stop 0: it lives. */
static void
tell(struct lab *l, double began, double ended, uint32_t flags, uint64_t packets)
{
	struct {
		struct channel_head head;
		struct channel_flow_news f[1];
	} m = {.head = {.type = CH_FLOW_NEWS, .count = 1}};

	m.f[0] = (struct channel_flow_news){.tuple = l->tuple, .flags = flags, .orig_packets = packets, .orig_bytes = packets * 60};
	m.f[0].start_ns = (uint64_t)(noon_us + (int64_t)(began * 1e6)) * 1000;
	if (ended > 0)
		m.f[0].stop_ns = (uint64_t)(noon_us + (int64_t)(ended * 1e6)) * 1000;
	assert_true(engine_message(l->e, &m, offsetof(struct channel_news, f) + sizeof m.f[0], NULL, 0));
}

static struct flow *
find(struct lab *l)
{
	return flow_find(l->e->flows, &l->tuple);
}

/* The row was read before the old connection was closed by the new one's SYN, its end comes behind it; both arrive late. */
static void
test_rows_of_an_earlier_one(void **state)
{
	struct lab *l = *state;

	at(l, 100);
	const struct flow *f = begin(l);
	int64_t began_us = f->start_us;
	at(l, 100.3);
	tell(l, 40, 0, NEWS_CLOSED | NEWS_REPLIED, 10);
	assert_ptr_equal(find(l), f);
	assert_true(f->start_us == began_us && !f->exact && !f->closed && f->kernel_packets[0] == 0);
	tell(l, 40, 99.99, NEWS_END | NEWS_CLOSED, 10);
	assert_ptr_equal(find(l), f);
	assert_true(f->start_us == began_us);
	assert_int_equal(l->e->stats.news_unmatched, 2);
	/* Its own: conntrack notes the beginning when our verdict has let the SYN go. */
	tell(l, 100.0001, 0, NEWS_REPLIED, 3);
	assert_true(f->exact && f->kernel_packets[0] == 3);
	at(l, 101);
	tell(l, 100.0001, 100.9, NEWS_END | NEWS_CLOSED, 9);
	assert_null(find(l));
}

/* Whose SYN passed in the kernel: open it is told of at once, closed when no other one's news can come any more, and its end always. */
static void
test_begun_in_the_kernel(void **state)
{
	struct lab *l = *state;

	for (unsigned i = 0; i < 3; i++) {
		at(l, 100 + 10 * i);
		struct flow *f = begin(l);
		int64_t seen_us = f->start_us;
		f->by_kind = true;
		at(l, 101 + 10 * i);
		if (i == 0) {
			tell(l, 99.9, 0, NEWS_REPLIED, 4);
			assert_true(f->exact && f->start_us < seen_us);
		}
		tell(l, 40, 0, NEWS_CLOSED, 99);
		if (i > 0)
			assert_true(!f->exact && f->start_us == seen_us && !f->closed);
		if (i == 1) {
			at(l, 114);
			tell(l, 109.9, 0, NEWS_CLOSED | NEWS_REPLIED, 4);
			assert_true(f->exact && f->closed && f->start_us < seen_us);
		}
		tell(l, 40, 99 + 10 * i, NEWS_END | NEWS_CLOSED, 99);
		assert_ptr_equal(find(l), f);
		tell(l, 99.9 + 10 * i, 100.5 + 10 * i, NEWS_END | NEWS_CLOSED, 5);
		assert_null(find(l));
	}
}

/* An engine that was started beside connections: what is open is counted from its first row on. */
static void
test_begun_before_us(void **state)
{
	struct lab *l = *state;

	at(l, 2);
	struct flow *f = begin(l);
	f->carried_on = true;
	tell(l, -3600, 0, NEWS_REPLIED, 1000);
	assert_true(f->exact && f->kernel_packets[0] == 1000 && f->start_us == noon_us - 3600 * SECOND);
	tell(l, -3600, 3, NEWS_END, 1001);
	assert_null(find(l));
}

/* A clock that was set back makes nothing earlier for longer than it takes to notice. */
static void
test_clock_set_back(void **state)
{
	struct lab *l = *state;

	at(l, 100);
	const struct flow *f = begin(l);
	l->e->now.wall_us -= 3600 * SECOND;
	tell(l, 99.9, 0, NEWS_REPLIED, 4);
	assert_true(f->exact && f->kernel_packets[0] == 4);
}

/* A kernel without time stamps. */
static void
test_no_stamps(void **state)
{
	struct lab *l = *state;

	at(l, 100);
	const struct flow *f = begin(l);
	tell(l, -(double)noon_us / 1e6, 0, NEWS_REPLIED, 4);
	assert_true(f->exact && f->kernel_packets[0] == 4);
	tell(l, -(double)noon_us / 1e6, 0, NEWS_END, 4);
	assert_null(find(l));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows_of_an_earlier_one, start, stop),
		cmocka_unit_test_setup_teardown(test_begun_in_the_kernel, start, stop),
		cmocka_unit_test_setup_teardown(test_begun_before_us, start, stop),
		cmocka_unit_test_setup_teardown(test_clock_set_back, start, stop),
		cmocka_unit_test_setup_teardown(test_no_stamps, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
