/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Periods of the calendar, what is charged and when, the file of budgets, and a full table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "budget.h"
#include "bundle.h"
#include "engine.h"

#define HEAD "version: 1\nmode: enforce\nfail: open\nzones: {cameras: {interfaces: [cam0], networks: [10.0.0.0/8]}}\ndefault: block\nrules:\n"
#define RULE(name, limit) "  - {name: " name ", from: cameras, to: any, port: tcp/443, limit: " limit ", action: allow}\n"

static const int64_t noon = 1772452800; /* 2026-03-02 12:00 UTC, a Monday */

struct lab {
	struct engine *e;
	int gate;
	char dir[32];
	unsigned alerts;
};

static void
record(void *arg, const struct record *r)
{
	((struct lab *)arg)->alerts += r->type == RECORD_ALERT && r->signature_id == SID_BUDGET;
}

static void
at(struct lab *l, double s)
{
	l->e->now.wall_us = noon * 1000000 + (int64_t)(s * 1e6);
	l->e->now.mono_ns = (uint64_t)(1e12 + s * 1e9);
}

static void
start(struct lab *l, const char *text)
{
	const struct channel_start s = {.generation = 1};
	int pair[2];
	struct bundle *b = bundle_from_text("test.yaml", text, strlen(text));

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	l->gate = pair[0];
	l->e = engine_new(l->dir, l->dir, pair[1], true);
	assert_non_null(l->e);
	l->e->recorder = record;
	l->e->recorder_arg = l;
	at(l, 0);
	l->e->start_us = l->e->now.wall_us;
	assert_int_equal(engine_start(l->e, &s, b, -1), 0);
	bundle_free(b);
}

static void
stop(struct lab *l)
{
	int channel = l->e->channel;

	engine_free(l->e);
	close(channel);
	close(l->gate);
}

static void
make_dir(struct lab *l)
{
	memset(l, 0, sizeof *l);
	snprintf(l->dir, sizeof l->dir, "/tmp/budget-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
}

static void
remove_dir(struct lab *l)
{
	char path[64];

	snprintf(path, sizeof path, "%s/budgets", l->dir);
	unlink(path);
	rmdir(l->dir);
}

/* A flow of device n that has been judged. */
static struct flow *
open_flow(struct lab *l, unsigned n, uint16_t sport)
{
	const struct mac mac = {{2, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
	struct addr src, dst;
	struct flow seed, *f;
	struct judgement j;
	bool is_new;

	addr_parse("10.0.0.1", &src);
	addr_parse("198.51.100.1", &dst);
	const struct tuple t = {.src = src, .dst = dst, .sport = sport, .dport = 443, .proto = IPPROTO_TCP};
	struct device *d = device_by_packet(l->e->devices, l->e->is.policy, &mac, &src, 0, &l->e->now, &is_new);
	f = flow_find(l->e->flows, &t);
	if (f)
		flow_end(l->e->flows, f, &l->e->now);
	flow_init(l->e->flows, &seed, &t, &l->e->now);
	seed.device = device_index(l->e->devices, d);
	seed.remote_zone = ZONE_NONE;
	f = flow_insert(l->e->flows, &seed, &l->e->now);
	device_hold(d);
	flow_judge(l->e, f, &j);
	f->sent = f->decision;
	return f;
}

static void
news(struct lab *l, struct flow *f, uint64_t bytes)
{
	f->exact = true;
	f->kernel_bytes[0] = bytes;
	budget_news(l->e, f, 0);
}

static uint64_t
used(struct lab *l, const struct flow *f, unsigned limit)
{
	struct facts facts;

	flow_facts(l->e, f, &facts);
	assert_true(limit < facts.n_used);
	return facts.used[limit];
}

/* How many messages of this type the gate has got. */
static unsigned
told(struct lab *l, unsigned type)
{
	_Alignas(8) char buf[CHANNEL_MAX];
	int fds[CHANNEL_FDS];
	size_t n_fds;
	unsigned n = 0;

	while (channel_recv(l->gate, buf, fds, &n_fds) > 0)
		n += ((struct channel_head *)buf)->type == type;
	return n;
}

/* Against the C library's calendar: a period begins where its fields say so, and its number grows by one. */
static void
test_periods(void **state)
{
	static const char *const zones[] = {"UTC", "Europe/Oslo", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"};
	static const char *const names[] = {"minute", "hour", "day", "week", "month"};
	(void)state;
	for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
		char text[4096] = HEAD;
		size_t n;
		struct diags diags = {0};
		for (size_t i = 0; i < 5; i++)
			snprintf(text + strlen(text), sizeof text - strlen(text),
				 "  - {name: r%zu, from: cameras, to: any, limit: {flows: 1, per: %s, zone: %s}, action: allow}\n", i, names[i], zones[z]);
		struct bundle *b = bundle_from_text("test.yaml", text, strlen(text));
		struct policy *p = policy_load(b, &diags);
		assert_non_null(p);
		const struct policy_limit *const *limits = policy_limits(p, &n);
		assert_int_equal(n, 5);
		setenv("TZ", zones[z], 1);
		tzset();
		struct tm was = {0};
		int64_t before[5] = {0};
		/* Over both changes of the clocks, a new year, a leap day. */
		for (int64_t t = 1703980800; t < 1736380800; t += 60) {
			struct tm tm;
			time_t now = (time_t)t;
			localtime_r(&now, &tm);
			for (size_t i = 0; i < 5; i++) {
				int64_t id = policy_limit_period(limits[i], t);
				bool begins = i == 0 || (i == 1 && tm.tm_min == 0) || (i == 2 && tm.tm_mday != was.tm_mday) ||
					      (i == 3 && tm.tm_wday == 1 && was.tm_wday != 1) || (i == 4 && tm.tm_mon != was.tm_mon);
				if (before[i] && begins != (id == before[i] + 1))
					fail_msg("%s %s at %lld", zones[z], names[i], (long long)t);
				if (before[i] && !begins)
					assert_int_equal(id, before[i]);
				before[i] = id;
			}
			was = tm;
		}
		policy_free(p);
		bundle_free(b);
		diags_free(&diags);
	}
	unsetenv("TZ");
	tzset();
}

/* The queue's counts and the kernel's are of the same bytes: none is charged twice. */
static void
test_charges(void **state)
{
	struct lab l;
	(void)state;
	make_dir(&l);
	start(&l, HEAD RULE("up", "{bytes: 1MB, per: day}") RULE("rest", "{flows: 2, per: day}"));
	struct flow *f = open_flow(&l, 1, 1000), *g = open_flow(&l, 1, 1001);
	f->bytes[0] = 1000;
	assert_false(budget_count(l.e, f));
	assert_int_equal(used(&l, f, 0), 1000);
	f->bytes[1] = 500;
	assert_false(budget_count(l.e, f));
	assert_false(budget_count(l.e, f));
	assert_int_equal(used(&l, f, 0), 1500);
	news(&l, f, 300000);
	assert_int_equal(used(&l, f, 0), 300000);
	f->bytes[0] += 1000; /* seen after the news */
	assert_false(budget_count(l.e, f));
	news(&l, f, 301000);
	assert_int_equal(used(&l, f, 0), 301000);
	/* It was there before this engine: what it moved then was counted then. */
	g->carried_on = true;
	news(&l, g, 5000000);
	assert_int_equal(used(&l, g, 0), 301000);
	news(&l, g, 5100000);
	assert_int_equal(used(&l, g, 0), 401000);
	/* Another device. */
	struct flow *h = open_flow(&l, 2, 1002);
	assert_int_equal(used(&l, h, 0), 0);
	assert_int_equal(l.alerts, 0);
	f->bytes[0] += 600000;
	assert_true(budget_count(l.e, f));
	assert_true(budget_is_used_up(l.e, g));
	assert_int_equal(l.alerts, 1);
	/* The rule behind it takes what comes now, and counts flows. */
	struct flow *k = open_flow(&l, 1, 1003);
	assert_string_equal(k->book->rules[k->rule].name, "rest");
	open_flow(&l, 1, 1004);
	assert_int_equal(used(&l, k, 1), 2);
	assert_int_equal(l.alerts, 2);
	assert_int_equal(open_flow(&l, 1, 1005)->decision, DECISION_BLOCK);
	/* A clock that is set back makes no new day; the next day is one. */
	at(&l, -43200 - 60);
	assert_int_equal(open_flow(&l, 1, 1006)->decision, DECISION_BLOCK);
	at(&l, 43200 + 60);
	assert_int_equal(used(&l, f, 0), 0);
	assert_string_equal(open_flow(&l, 1, 1007)->book->rules[0].name, "up");
	stop(&l);
	remove_dir(&l);
}

/* What the gate is asked for. */
static void
test_pace(void **state)
{
	struct lab l;
	(void)state;
	make_dir(&l);
	start(&l, HEAD RULE("up", "{bytes: 1GB, per: day}"));
	struct flow *f = open_flow(&l, 1, 1000);
	f->bytes[0] = 1000;
	budget_count(l.e, f);
	assert_false(budget_meters(l.e, f));
	budget_settles(l.e, f);
	budget_pace(l.e);
	assert_int_equal(told(&l, CH_LOOK), 0);
	at(&l, 0.3);
	budget_pace(l.e);
	assert_int_equal(told(&l, CH_LOOK), 1);
	budget_pace(l.e);
	assert_int_equal(told(&l, CH_LOOK), 0);
	news(&l, f, 960000000);
	assert_true(budget_meters(l.e, f));
	at(&l, 5);
	budget_pace(l.e);
	assert_int_equal(told(&l, CH_LOOK), 1); /* 40 MB left: not yet near enough to call it back */
	at(&l, 5.6);
	news(&l, f, 980000000);
	budget_pace(l.e);
	assert_int_equal(told(&l, CH_REJUDGE), 1);
	assert_true(l.e->asked_rejudge);
	at(&l, 9);
	budget_pace(l.e);
	assert_int_equal(told(&l, CH_REJUDGE) + told(&l, CH_LOOK), 0);
	stop(&l);
	remove_dir(&l);
}

static void
put_file(struct lab *l, const char *text)
{
	char path[64];

	snprintf(path, sizeof path, "%s/budgets", l->dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
test_file(void **state)
{
	static const char policy[] = HEAD RULE("up", "{bytes: 1MB, per: day}"), other[] = HEAD RULE("up", "{bytes: 2MB, per: day}");
	static const char *const hostile[] = {
		"", "\n", "lenscap-budgets 2\nx\n", "lenscap-budgets 1", "lenscap-budgets 1\n02:00:00:00:00:01 zz 1 2 0\n",
		"lenscap-budgets 1\n02:00:00:00:00:01 0123456789abcdef 99999999999999999999999 2 0\n", "lenscap-budgets 1\n \n\n- - - - -\n",
		"lenscap-budgets 1\nnobody 0123456789abcdef 1 2 0\n10.0.0.1 0123456789abcdef 1 2 0\n10.0.0.1 0123456789abcdef 1 2 0",
		"lenscap-budgets 1\n02:00:00:00:00:01 0123456789abcdef 1 2 0 trailing\n",
		"lenscap-budgets 1\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	};
	struct lab l;
	(void)state;
	make_dir(&l);
	start(&l, policy);
	struct flow *f = open_flow(&l, 1, 1000);
	f->bytes[0] = 1200000;
	assert_true(budget_count(l.e, f));
	stop(&l); /* writes */
	start(&l, policy);
	assert_int_equal(open_flow(&l, 1, 1000)->decision, DECISION_BLOCK);
	assert_int_equal(open_flow(&l, 2, 1001)->decision, DECISION_ALLOW);
	stop(&l);
	start(&l, other); /* more is allowed now; what was used stays */
	f = open_flow(&l, 1, 1000);
	assert_int_equal(f->decision, DECISION_ALLOW);
	assert_int_equal(used(&l, f, 0), 1200000);
	stop(&l);
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		put_file(&l, hostile[i]);
		start(&l, policy);
		assert_int_equal(open_flow(&l, 1, 1000)->decision, DECISION_ALLOW);
		stop(&l);
	}
	remove_dir(&l);
}

/* A disk that does not take the file is told of once, also while it goes on failing; what was used is written when it takes it again. */
static void
test_file_refused(void **state)
{
	static const char policy[] = HEAD RULE("up", "{bytes: 1MB, per: day}");
	char fresh[80], path[64], text[4096] = "";
	int ends[2], before = dup(STDERR_FILENO);
	struct lab l;
	(void)state;
	make_dir(&l);
	snprintf(path, sizeof path, "%s/budgets", l.dir);
	snprintf(fresh, sizeof fresh, "%s.new", path);
	assert_int_equal(mkdir(fresh, 0700), 0);
	start(&l, policy);
	struct flow *f = open_flow(&l, 1, 1000);
	f->bytes[0] = 1200000;
	assert_true(budget_count(l.e, f));
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	for (int i = 0; i < 3; i++)
		budget_save(l.e, true);
	dup2(before, STDERR_FILENO);
	close(before);
	close(ends[1]);
	assert_true(read(ends[0], text, sizeof text - 1) > 0);
	close(ends[0]);
	const char *first = strstr(text, "is not kept");
	assert_non_null(first);
	assert_null(strstr(first + 1, "is not kept"));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rmdir(fresh), 0);
	stop(&l); /* writes */
	start(&l, policy);
	assert_int_equal(open_flow(&l, 1, 1000)->decision, DECISION_BLOCK);
	stop(&l);
	remove_dir(&l);
}

/* Nobody's flow waits for room: it passes and is counted as uncounted. What is over makes room. */
static void
test_full(void **state)
{
	struct lab l;
	(void)state;
	make_dir(&l);
	start(&l, "options: {devices: 16384}\n" HEAD RULE("up", "{bytes: 1MB, per: hour}"));
	for (unsigned i = 1; i <= BUDGET_ROWS; i++)
		assert_true(open_flow(&l, i, 1000)->budget != 0);
	assert_int_equal(budgets_count(l.e->budgets), BUDGET_ROWS);
	assert_int_equal(l.e->stats.budgets_uncounted, 0);
	struct flow *f = open_flow(&l, BUDGET_ROWS + 1, 2000);
	assert_int_equal(f->decision, DECISION_ALLOW);
	assert_int_equal(f->budget, 0);
	assert_int_equal(l.e->stats.budgets_uncounted, 1);
	f->bytes[0] = 5000000;
	assert_false(budget_count(l.e, f));
	at(&l, 3601);
	assert_true(open_flow(&l, BUDGET_ROWS + 1, 2000)->budget != 0);
	assert_int_equal(l.e->stats.budgets_uncounted, 1);
	assert_int_equal(budgets_count(l.e->budgets), 1);
	stop(&l);
	remove_dir(&l);
}

int
main(void)
{
	const struct CMUnitTest list[] = {
		cmocka_unit_test(test_periods), cmocka_unit_test(test_charges), cmocka_unit_test(test_pace),
		cmocka_unit_test(test_file),	cmocka_unit_test(test_full), cmocka_unit_test(test_file_refused),
	};
	return cmocka_run_group_tests(list, NULL, NULL);
}
