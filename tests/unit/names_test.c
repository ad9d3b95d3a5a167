/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an answer proves and what it must not; time, room and shares; a random run against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "names.h"

enum {
	CAM = 7,
	OTHER = 8,
	GRACE = 100,
};

static const struct now zero = {0, 0};

static struct now
at(uint64_t seconds)
{
	return (struct now){seconds * 1000000000, 0};
}

static struct addr
ip(const char *text)
{
	struct addr a;
	assert_true(addr_parse(text, &a));
	return a;
}

/* "name type ttl data": data is an address for A and AAAA, a target for CNAME, "target address" for HTTPS; + before: additional. */
static void
add_record(struct dns_message *m, const char *line)
{
	struct dns_record *r = &m->record[m->n++];
	char type[16], data[2][DNS_NAME] = {"", ""};
	unsigned ttl;
	bool additional = *line == '+';

	memset(r, 0, sizeof *r);
	int fields = sscanf(line + additional, "%255s %15s %u %255s %255s", r->name, type, &ttl, data[0], data[1]);
	assert_true(fields >= 4);
	r->additional = additional;
	r->class = 1;
	r->ttl = ttl;
	if (strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0) {
		r->type = type[1] ? DNS_TYPE_AAAA : DNS_TYPE_A;
		r->addr = ip(data[0]);
		return;
	}
	r->type = strcmp(type, "CNAME") == 0 ? DNS_TYPE_CNAME : strcmp(type, "SRV") == 0 ? DNS_TYPE_SRV : DNS_TYPE_HTTPS;
	if (strcmp(data[0], ".") != 0)
		strcpy(r->target, data[0]);
	if (data[1][0])
		r->addr = ip(data[1]);
}

static void
answer_to(struct dns_message *m, const char *query, unsigned type)
{
	m->flags = 0x8180;
	m->response = true;
	m->rcode = m->opcode = 0;
	m->questions = 1;
	m->query_class = 1;
	m->query_type = (uint16_t)type;
	strcpy(m->query, query);
	m->n = 0;
}

static const struct lesson {
	const char *what;
	const char *query;
	unsigned type;
	const char *records[6];
	const char *proved[6], *not_proved[6]; /* "name address" */
	size_t made;
} lessons[] = {
	{"one address", "a.example", 1, {"a.example A 60 203.0.113.1"}, {"a.example 203.0.113.1"}, {"a.example 203.0.113.2", "b.example 203.0.113.1"}, 1},
	{"a chain binds each of its names", "a.example", 1,
	 {"a.example CNAME 60 b.example", "b.example CNAME 60 c.example", "c.example A 60 203.0.113.1"},
	 {"a.example 203.0.113.1", "b.example 203.0.113.1", "c.example 203.0.113.1"}, {0}, 3},
	{"in any order", "a.example", 28,
	 {"c.example AAAA 60 2001:db8::1", "b.example CNAME 60 c.example", "a.example CNAME 60 b.example"},
	 {"a.example 2001:db8::1", "b.example 2001:db8::1", "c.example 2001:db8::1"}, {0}, 3},
	{"what was not asked for proves nothing", "a.friend.example", 1,
	 {"a.friend.example A 60 203.0.113.1", "bank.example A 60 203.0.113.1", "+bank.example A 60 203.0.113.1",
	  "bank.example CNAME 60 a.friend.example"},
	 {"a.friend.example 203.0.113.1"}, {"bank.example 203.0.113.1"}, 1},
	{"nor does the additional section of an address's answer", "a.example", 1,
	 {"a.example CNAME 60 b.example", "+b.example A 60 203.0.113.1"}, {0}, {"a.example 203.0.113.1", "b.example 203.0.113.1"}, 0},
	{"nor an address of the other family", "a.example", 1, {"a.example AAAA 60 2001:db8::1"}, {0}, {"a.example 2001:db8::1"}, 0},
	{"nor the answer to another type", "a.example", 16, {"a.example A 60 203.0.113.1"}, {0}, {"a.example 203.0.113.1"}, 0},
	{"nor a service's target", "_s._tcp.a.example", 33, {"_s._tcp.a.example SRV 60 b.example", "+b.example A 60 203.0.113.1"}, {0},
	 {"b.example 203.0.113.1", "_s._tcp.a.example 203.0.113.1"}, 0},
	{"ANY", "a.example", 255, {"a.example A 60 203.0.113.1", "a.example AAAA 60 2001:db8::1"},
	 {"a.example 203.0.113.1", "a.example 2001:db8::1"}, {0}, 2},
	{"a loop ends", "a.example", 1,
	 {"a.example CNAME 60 b.example", "b.example CNAME 60 a.example", "b.example A 60 203.0.113.1"},
	 {"a.example 203.0.113.1", "b.example 203.0.113.1"}, {0}, 2},
	{"hints bind the owner, not the target", "a.friend.example", 65, {"a.friend.example HTTPS 60 bank.example 203.0.113.1"},
	 {"a.friend.example 203.0.113.1"}, {"bank.example 203.0.113.1"}, 1},
	{"hints without a target", "a.example", 65, {"a.example HTTPS 60 . 203.0.113.1"}, {"a.example 203.0.113.1"}, {0}, 1},
	{"hints behind a CNAME", "a.example", 65, {"a.example CNAME 60 b.example", "b.example HTTPS 60 . 203.0.113.1"},
	 {"a.example 203.0.113.1", "b.example 203.0.113.1"}, {0}, 2},
	{"the target's addresses bind the owner", "a.example", 65,
	 {"a.example HTTPS 60 svc.cdn.example", "+svc.cdn.example CNAME 60 d.cdn.example", "+d.cdn.example A 60 203.0.113.1"},
	 {"a.example 203.0.113.1"}, {"svc.cdn.example 203.0.113.1", "d.cdn.example 203.0.113.1"}, 1},
	{"names that were cut are nobody's", "a.example", 1,
	 {"a.example CNAME 60 \\255\\255\\", "\\255\\255\\ A 60 203.0.113.1"}, {0}, {"a.example 203.0.113.1", "\\255\\255\\ 203.0.113.1"}, 0},
	{"even when asked for", "\\255\\", 1, {"\\255\\ A 60 203.0.113.1"}, {0}, {"\\255\\ 203.0.113.1"}, 0},
};

static bool
proves(struct names *n, const char *name_and_address, const struct now *now)
{
	char name[DNS_NAME], address[ADDR_TEXT];
	assert_int_equal(sscanf(name_and_address, "%255s %45s", name, address), 2);
	struct addr a = ip(address);
	return names_proves(n, CAM, &a, name, now);
}

static struct dns_message message;

static size_t
learn(struct names *n, uint32_t device, uint64_t seconds, const char *line)
{
	char name[DNS_NAME];
	struct now now = at(seconds);
	assert_int_equal(sscanf(line, "%255s", name), 1);
	answer_to(&message, name, DNS_TYPE_ANY);
	add_record(&message, line);
	return names_learn(n, device, &message, &now);
}

static void
learns_what_was_asked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++) {
		const struct lesson *l = &lessons[i];
		struct names *n = names_new(100, GRACE);
		answer_to(&message, l->query, l->type);
		for (const char *const *r = l->records; *r; r++)
			add_record(&message, *r);
		size_t made = names_learn(n, CAM, &message, &zero);
		if (made != l->made)
			fail_msg("%s: %zu bindings, want %zu", l->what, made, l->made);
		assert_int_equal(names_count(n), l->made);
		for (const char *const *p = l->proved; *p; p++)
			if (!proves(n, *p, &zero))
				fail_msg("%s: %s is not proved", l->what, *p);
		for (const char *const *p = l->not_proved; *p; p++)
			if (proves(n, *p, &zero))
				fail_msg("%s: %s is proved", l->what, *p);
		names_free(n);
	}
}

static void
learns_from_answers_only(void **state)
{
	struct names *n = names_new(100, GRACE);
	struct addr a = ip("203.0.113.1");
	(void)state;

	for (unsigned i = 0; i < 7; i++) {
		answer_to(&message, "a.example", 1);
		add_record(&message, "a.example A 60 203.0.113.1");
		message.response ^= i == 0;
		message.rcode = i == 1 ? 3 : 0;
		message.opcode = i == 2 ? 5 : 0;
		message.questions = i == 3 ? 2 : i == 4 ? 0 : 1;
		message.query_class = i == 5 ? 3 : 1;
		message.record[0].class = i == 6 ? 3 : 1;
		assert_int_equal(names_learn(n, CAM, &message, &zero), 0);
		assert_false(names_proves(n, CAM, &a, "a.example", &zero));
	}
	/* The same, with nothing wrong; and it is this device's alone. */
	assert_int_equal(learn(n, CAM, 0, "a.example A 60 203.0.113.1"), 1);
	assert_true(names_proves(n, CAM, &a, "a.example", &zero));
	assert_false(names_proves(n, OTHER, &a, "a.example", &zero));
	assert_int_equal(names_until(n, OTHER, &a, &zero), 0);
	names_free(n);

	/* One bucket for all: found by what they are, not by where they lie. */
	n = names_new(1, GRACE);
	learn(n, CAM, 0, "a.example A 60 203.0.113.1");
	struct addr b = ip("203.0.113.2");
	assert_true(names_proves(n, CAM, &a, "a.example", &zero));
	assert_false(names_proves(n, OTHER, &a, "a.example", &zero));
	assert_false(names_proves(n, CAM, &b, "a.example", &zero));
	names_free(n);
}

static void
ends_in_time(void **state)
{
	struct names *n = names_new(100, GRACE);
	struct addr a = ip("203.0.113.1");
	struct now now = at(159);
	const char *found[4];
	(void)state;

	learn(n, CAM, 0, "a.example A 60 203.0.113.1");
	assert_true(names_proves(n, CAM, &a, "a.example", &now));
	assert_true(names_until(n, CAM, &a, &now) == 160 * 1000000000ull);
	now = at(160);
	assert_false(names_proves(n, CAM, &a, "a.example", &now));
	assert_int_equal(names_of(n, CAM, &a, &now, found, 4), 0);
	assert_int_equal(names_until(n, CAM, &a, &now), 0);
	assert_int_equal(names_count(n), 1);
	names_expire(n, &now, 10);
	assert_int_equal(names_count(n), 0);
	assert_int_equal(names_evicted(n), 0);

	/* Refreshed: later, never earlier. The newest comes first. */
	learn(n, CAM, 200, "a.example A 600 203.0.113.1");
	learn(n, CAM, 200, "b.example A 60 203.0.113.1");
	learn(n, CAM, 210, "a.example A 1 203.0.113.1");
	now = at(310);
	assert_int_equal(names_of(n, CAM, &a, &now, found, 4), 2);
	assert_string_equal(found[0], "a.example");
	assert_string_equal(found[1], "b.example");
	assert_int_equal(names_of(n, CAM, &a, &now, found, 1), 1);
	assert_true(names_until(n, CAM, &a, &now) == 900 * 1000000000ull);
	now = at(360);
	assert_int_equal(names_of(n, CAM, &a, &now, found, 4), 1);
	assert_string_equal(found[0], "a.example");

	/* A week at most; a lifetime above 2^31 is none. */
	learn(n, CAM, 0, "long.example A 2147483647 203.0.113.2");
	struct addr b = ip("203.0.113.2"), c = ip("203.0.113.3");
	assert_true(names_until(n, CAM, &b, &zero) == (7 * 86400 + GRACE) * 1000000000ull);
	learn(n, CAM, 0, "none.example A 2147483648 203.0.113.3");
	assert_true(names_until(n, CAM, &c, &zero) == GRACE * 1000000000ull);
	names_free(n);
}

static void
chains_last_as_long_as_their_shortest_link(void **state)
{
	struct names *n = names_new(100, 0);
	struct now now;
	(void)state;

	answer_to(&message, "a.example", 1);
	add_record(&message, "a.example CNAME 500 b.example");
	add_record(&message, "b.example CNAME 20 c.example");
	add_record(&message, "c.example A 300 203.0.113.1");
	names_learn(n, CAM, &message, &zero);
	now = at(19);
	assert_true(proves(n, "a.example 203.0.113.1", &now));
	now = at(20);
	assert_false(proves(n, "a.example 203.0.113.1", &now));
	assert_false(proves(n, "b.example 203.0.113.1", &now));
	assert_true(proves(n, "c.example 203.0.113.1", &now));
	now = at(300);
	assert_false(proves(n, "c.example 203.0.113.1", &now));
	names_free(n);
}

static void
long_chains_are_cut(void **state)
{
	struct names *n = names_new(100, 0);
	char line[64];
	(void)state;

	for (int len = DNS_CHAIN - 2; len <= DNS_CHAIN + 1; len++) {
		answer_to(&message, "n0", 1);
		for (int i = 0; i < len; i++) {
			snprintf(line, sizeof line, "n%d CNAME 60 n%d", i, i + 1);
			add_record(&message, line);
		}
		snprintf(line, sizeof line, "n%d A 60 203.0.113.1", len);
		add_record(&message, line);
		assert_int_equal(names_learn(n, CAM, &message, &zero), len < DNS_CHAIN ? len + 1 : 0);
	}
	/* Saying the same thing again does not make it longer. */
	answer_to(&message, "a", 1);
	for (int i = 0; i < DNS_CHAIN + 4; i++)
		add_record(&message, "a CNAME 60 b");
	add_record(&message, "b CNAME 60 c");
	add_record(&message, "c A 60 203.0.113.1");
	assert_int_equal(names_learn(n, CAM, &message, &zero), 3);
	names_free(n);
}

static void
makes_room(void **state)
{
	struct names *n = names_new(4, 0);
	struct now now = at(1);
	(void)state;

	learn(n, CAM, 1, "a.example A 50 203.0.113.1");
	learn(n, CAM, 1, "b.example A 20 203.0.113.1");
	learn(n, CAM, 1, "c.example A 40 203.0.113.1");
	learn(n, CAM, 1, "d.example A 30 203.0.113.1");
	learn(n, CAM, 1, "e.example A 60 203.0.113.1"); /* b would end first */
	assert_int_equal(names_count(n), 4);
	assert_int_equal(names_evicted(n), 1);
	assert_false(proves(n, "b.example 203.0.113.1", &now));
	learn(n, CAM, 1, "d.example A 90 203.0.113.1"); /* refreshed, so now it is c */
	learn(n, CAM, 1, "f.example A 60 203.0.113.1");
	assert_false(proves(n, "c.example 203.0.113.1", &now));
	assert_true(proves(n, "d.example 203.0.113.1", &now));
	/* What is over makes room without being missed. */
	learn(n, CAM, 55, "g.example A 60 203.0.113.1");
	assert_int_equal(names_evicted(n), 2);
	names_free(n);
	names_free(NULL);
}

static void
nobody_takes_it_all(void **state)
{
	enum { CAPACITY = 800 };
	struct names *n = names_new(CAPACITY, 0);
	struct now now = at(1);
	char line[320];
	(void)state;

	/* A neighbour with short lives, and a flood of long ones: by count, then by text. */
	struct addr mine = ip("203.0.113.1");
	learn(n, OTHER, 1, "mine.example A 5 203.0.113.1");
	for (unsigned i = 0; i < 5 * CAPACITY; i++) {
		snprintf(line, sizeof line, "x%u.evil.example A 86400 198.51.%u.%u", i, i >> 8, i & 255);
		assert_int_equal(learn(n, CAM, 1, line), 1);
	}
	assert_int_equal(names_count(n), 1 + CAPACITY / 8);
	assert_true(names_proves(n, OTHER, &mine, "mine.example", &now));
	assert_true(proves(n, "x3999.evil.example 198.51.15.159", &now));
	for (unsigned i = 0; i < 5 * CAPACITY; i++) {
		snprintf(line, sizeof line, "%0240u.evil A 86400 198.51.%u.%u", i, i >> 8, i & 255);
		assert_int_equal(learn(n, CAM, 1, line), 1);
	}
	assert_int_equal(names_count(n), 1 + 32); /* 288 bytes each, and no more than 32 of such are a share */
	assert_true(names_proves(n, OTHER, &mine, "mine.example", &now));

	/* One address under many names: as many as a search may meet. */
	const char *found[100];
	struct addr cdn = ip("192.0.2.1");
	for (unsigned i = 0; i < 90; i++) {
		snprintf(line, sizeof line, "x%u.example A 86400 192.0.2.1", i);
		learn(n, CAM, 1, line);
	}
	assert_int_equal(names_of(n, CAM, &cdn, &now, found, 100), 32);
	assert_string_equal(found[0], "x89.example");
	assert_string_equal(found[31], "x58.example");

	names_forget(n, CAM);
	assert_int_equal(names_count(n), 1);
	assert_int_equal(names_of(n, CAM, &cdn, &now, found, 100), 0);
	assert_true(names_proves(n, OTHER, &mine, "mine.example", &now));
	names_forget(n, CAM);
	names_forget(n, OTHER);
	assert_int_equal(names_count(n), 0);
	names_free(n);
}

static void
gives_up_what_was_not_asked_again(void **state)
{
	struct names *n = names_new(100, 0);
	struct now now = at(1);
	char line[64];
	(void)state;

	for (unsigned i = 0; i < 32; i++) {
		snprintf(line, sizeof line, "x%u.example A 60 203.0.113.%u", i, i);
		learn(n, CAM, 1, line);
	}
	learn(n, CAM, 1, "x0.example A 60 203.0.113.0");
	learn(n, CAM, 1, "y.example A 60 203.0.113.99");
	assert_int_equal(names_count(n), 32);
	assert_true(proves(n, "x0.example 203.0.113.0", &now));
	assert_false(proves(n, "x1.example 203.0.113.1", &now));
	assert_true(proves(n, "x2.example 203.0.113.2", &now));
	assert_true(proves(n, "y.example 203.0.113.99", &now));
	names_free(n);
}

/* Many devices together may use up the text; whoever comes next still gets in, and nothing leaks. */
static void
text_runs_out_and_comes_back(void **state)
{
	enum { CAPACITY = 400, LONGEST = 253 };
	struct names *n = names_new(CAPACITY, 0);
	struct now now = at(1);
	char line[320];
	size_t first = 0;
	(void)state;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 4 * CAPACITY; i++) {
			int len = round == 1 ? 20 + (int)(i * 7 % 230) : LONGEST;
			snprintf(line, sizeof line, "%0*u A 86400 198.51.100.1", len, i);
			assert_int_equal(learn(n, i % 40, 1, line), 1);
		}
		if (round == 0)
			first = names_count(n);
		if (round == 2) /* all cells are cut for the longest again */
			assert_int_equal(names_count(n), first);
		assert_true(names_count(n) > CAPACITY * 64 / 288 - 1 && names_count(n) <= CAPACITY);
		for (unsigned i = 0; i < 40; i++)
			names_forget(n, i);
		assert_int_equal(names_count(n), 0);
	}
	assert_true(names_evicted(n) > 0);
	/* Small ones again: room for as many as there are bindings. */
	for (unsigned i = 0; i < CAPACITY; i++) {
		snprintf(line, sizeof line, "s%u A 86400 198.51.100.1", i);
		learn(n, i / 10, 1, line);
	}
	assert_int_equal(names_count(n), CAPACITY);
	names_expire(n, &now, CAPACITY);
	assert_int_equal(names_count(n), CAPACITY);
	names_free(n);
}

static uint32_t
dice(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 16);
}

static void
agrees_with_a_list(void **state)
{
	enum { DEVICES = 5, ADDRS = 6, NAMES = 9 };
	static uint64_t end[DEVICES][ADDRS][NAMES];
	struct names *n = names_new(1000, 10);
	uint64_t seed = 1234567, seconds = 0;
	unsigned long proved = 0, refused = 0;
	char line[320];
	(void)state;

	for (unsigned step = 0; step < 200000; step++) {
		unsigned d = dice(&seed) % DEVICES, a = dice(&seed) % ADDRS, k = dice(&seed) % NAMES, ttl = dice(&seed) % 60;
		unsigned what = dice(&seed) % 100;
		struct now now = at(seconds);
		snprintf(line, sizeof line, "%c%0*u.example A %u 203.0.113.%u", (char)('a' + k), (int)(k * k * 3) + 1, k, ttl, a);
		if (what < 20) {
			uint64_t until = (seconds + ttl + 10) * 1000000000ull;
			assert_int_equal(learn(n, d, seconds, line), 1);
			end[d][a][k] = until > end[d][a][k] ? until : end[d][a][k];
		} else if (what < 24) {
			seconds += dice(&seed) % 5;
		} else if (what < 26) {
			names_expire(n, &now, dice(&seed) % 20);
		} else if (what == 26 && dice(&seed) % 50 == 0) {
			names_forget(n, d);
			memset(end[d], 0, sizeof end[d]);
		} else {
			char address[32], name[DNS_NAME];
			snprintf(address, sizeof address, "203.0.113.%u", a);
			sscanf(line, "%255s", name);
			struct addr addr = ip(address);
			bool want = end[d][a][k] > now.mono_ns;
			uint64_t last = 0;
			size_t alive = 0;
			const char *found[NAMES + 1];
			for (unsigned i = 0; i < NAMES; i++) {
				alive += end[d][a][i] > now.mono_ns;
				if (end[d][a][i] > now.mono_ns && end[d][a][i] > last)
					last = end[d][a][i];
			}
			assert_int_equal(names_proves(n, d, &addr, name, &now), want);
			assert_true(names_until(n, d, &addr, &now) == last);
			assert_int_equal(names_of(n, d, &addr, &now, found, NAMES + 1), alive);
			proved += want;
			refused += !want;
		}
	}
	assert_true(proved > 10000 && refused > 10000);
	assert_int_equal(names_evicted(n), 0);
	names_free(n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(learns_what_was_asked),
		cmocka_unit_test(learns_from_answers_only),
		cmocka_unit_test(ends_in_time),
		cmocka_unit_test(chains_last_as_long_as_their_shortest_link),
		cmocka_unit_test(long_chains_are_cut),
		cmocka_unit_test(makes_room),
		cmocka_unit_test(nobody_takes_it_all),
		cmocka_unit_test(gives_up_what_was_not_asked_again),
		cmocka_unit_test(text_runs_out_and_comes_back),
		cmocka_unit_test(agrees_with_a_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
