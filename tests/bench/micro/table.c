/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows, what they speak, names: tables of more than the caches hold, asked at random. */
#include "micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "known.h"
#include "names.h"

#define SECOND UINT64_C(1000000000)

static const uint64_t idle[FLOW_LISTS] = {300 * SECOND, 30 * SECOND};

struct flows {
	struct flow_table *t;
	uint32_t n, next;
	uint64_t random;
	struct now now;
};

static void
ended(void *arg, struct flow *f, const struct now *now, bool evicted)
{
	(void)now;
	((struct flows *)arg)->random += f->id + evicted;
}

static void
insert(struct flows *s, uint32_t number)
{
	const struct tuple tuple = micro_tuple(number);
	struct flow seed;

	s->now.mono_ns += 1000;
	s->now.wall_us += 1;
	flow_init(s->t, &seed, &tuple, &s->now);
	flow_insert(s->t, &seed, &s->now);
}

static void *
open_empty(size_t n)
{
	struct flows *s = micro_alloc(1, sizeof *s);

	s->n = (uint32_t)n;
	s->random = 1;
	s->now = (struct now){.mono_ns = SECOND, .wall_us = 1000000};
	s->t = flow_table_new(n, idle, ended, s);
	MICRO_CHECK(s->t);
	return s;
}

static void *
open_full(size_t n)
{
	struct flows *s = open_empty(n);

	while (s->next < s->n)
		insert(s, s->next++);
	return s;
}

static void
find_hit(void *state, size_t n)
{
	struct flows *s = state;

	while (n--) {
		const struct tuple tuple = micro_tuple((uint32_t)(micro_random(&s->random) % s->n));
		struct flow *f = flow_find(s->t, &tuple);
		MICRO_CHECK(f);
		micro_sink += f->id;
	}
}

static void
find_miss(void *state, size_t n)
{
	struct flows *s = state;

	while (n--) {
		const struct tuple tuple = micro_tuple(s->n + (uint32_t)(micro_random(&s->random) % s->n));
		micro_sink += flow_find(s->t, &tuple) != NULL;
	}
}

static void
touch(void *state, size_t n)
{
	struct flows *s = state;

	while (n--) {
		s->now.mono_ns += 1000;
		flow_touch(s->t, flow_at(s->t, 1 + (uint32_t)(micro_random(&s->random) % s->n)), FLOW_PATIENT, &s->now);
	}
}

/* Into a full table: the oldest makes room. */
static void
replace(void *state, size_t n)
{
	struct flows *s = state;

	while (n--)
		insert(s, s->next++);
}

/* One comes and one goes by its age. */
static void
expire(void *state, size_t n)
{
	struct flows *s = state;

	while (n--) {
		s->now.mono_ns += 60 * SECOND / s->n; /* twice as many as live */
		insert(s, s->next++);
		micro_sink += flow_expire(s->t, &s->now, 16);
	}
}

/* One camera to a few servers, port after port. */
static void *
open_sequential(size_t n)
{
	struct flows *s = open_empty(n);

	for (s->next = 0; s->next < s->n; s->next++) {
		struct tuple tuple = {.src = micro_v4(0x0a000001), .dst = micro_v4(0xcb007101 + (s->next >> 16)), .sport = (uint16_t)s->next, .dport = 443, .proto = 6};
		struct flow seed;
		flow_init(s->t, &seed, &tuple, &s->now);
		flow_insert(s->t, &seed, &s->now);
	}
	return s;
}

static double
longest(void *state)
{
	return (double)flow_longest_chain(((struct flows *)state)->t);
}

static double
bytes_each(void *state)
{
	struct flows *s = state;
	double before = micro_rss();

	while (s->next < s->n)
		insert(s, s->next++);
	return (micro_rss() - before) / s->n;
}

/* ---- what flows speak ---- */

struct speaking {
	struct known_table *t;
	const struct known **held;
	struct app app;
	uint32_t n, names;
	uint64_t random;
};

static void
speak(struct speaking *s, uint32_t slot)
{
	snprintf(s->app.name, sizeof s->app.name, "n%u.cloud.vendor.example", (uint32_t)(micro_random(&s->random) % s->names));
	known_give(s->t, s->held[slot]);
	s->held[slot] = known_take(s->t, "tls", &s->app, s->app.name);
}

static void *
open_spoken(size_t names)
{
	struct speaking *s = micro_alloc(1, sizeof *s);

	s->n = 65536;
	s->names = (uint32_t)names;
	s->random = 1;
	s->t = known_table_new(s->n + 1);
	s->held = micro_alloc(s->n, sizeof *s->held);
	s->app = (struct app){.protocol = "tls", .has_name = true, .ja4 = "t13d1516h2_8daaf6152771_b186095e22b6"};
	MICRO_CHECK(s->t);
	for (uint32_t i = 0; i < s->n; i++)
		speak(s, i);
	return s;
}

static void
spoken(void *state, size_t n)
{
	struct speaking *s = state;

	while (n--)
		speak(s, (uint32_t)(micro_random(&s->random) % s->n));
}

/* ---- names ---- */

struct bound {
	struct names *names;
	uint32_t n;
	uint64_t random;
	struct now now;
	struct dns_message *m;
};

enum { BOUND_DEVICES = 1000 };

static void
name_of(uint32_t i, char out[64])
{
	snprintf(out, 64, "host%u.cloud.vendor.example", i);
}

static void
learn(struct bound *b, uint32_t i)
{
	struct dns_message *m = b->m;
	char name[64];

	name_of(i, name);
	*m = (struct dns_message){.id = 1, .flags = 0x8180, .response = true, .questions = 1, .answers = 1, .query_type = DNS_TYPE_A, .query_class = 1, .query_len = 20, .n = 1};
	strcpy(m->query, name);
	strcpy(m->record[0].name, name);
	m->record[0].type = DNS_TYPE_A;
	m->record[0].class = 1;
	m->record[0].ttl = 3600;
	m->record[0].addr = micro_v4(0xcb000000 + i);
	b->now.mono_ns += 1000;
	MICRO_CHECK(names_learn(b->names, 1 + i % BOUND_DEVICES, m, &b->now) == 1);
}

static void *
open_names(size_t n)
{
	struct bound *b = micro_alloc(1, sizeof *b);

	b->n = (uint32_t)n;
	b->random = 1;
	b->now.mono_ns = SECOND;
	b->m = micro_alloc(1, sizeof *b->m);
	b->names = names_new(n + n / 8, 3600);
	MICRO_CHECK(b->names);
	for (uint32_t i = 0; i < b->n; i++)
		learn(b, i);
	return b;
}

static void
prove(void *state, size_t n)
{
	struct bound *b = state;

	while (n--) {
		uint32_t i = (uint32_t)(micro_random(&b->random) % b->n);
		const struct addr a = micro_v4(0xcb000000 + i);
		char name[64];
		name_of(i, name);
		MICRO_CHECK(names_proves(b->names, 1 + i % BOUND_DEVICES, &a, name, &b->now));
	}
}

static void
list(void *state, size_t n)
{
	struct bound *b = state;
	const char *out[8];

	while (n--) {
		uint32_t i = (uint32_t)(micro_random(&b->random) % b->n);
		const struct addr a = micro_v4(0xcb000000 + i);
		micro_sink += names_of(b->names, 1 + i % BOUND_DEVICES, &a, &b->now, out, 8);
	}
}

enum { FEW = 65536, MANY = 1 << 20 };

const struct micro_case table_cases[] = {
	{"flow table: find one of 65k", NULL, 0, open_full, FEW, find_hit, NULL},
	{"flow table: find one of 1M", NULL, 0, open_full, MANY, find_hit, NULL},
	{"flow table: none of 65k", NULL, 0, open_full, FEW, find_miss, NULL},
	{"flow table: none of 1M", NULL, 0, open_full, MANY, find_miss, NULL},
	{"flow table: news of one of 65k", NULL, 0, open_full, FEW, touch, NULL},
	{"flow table: news of one of 1M", NULL, 0, open_full, MANY, touch, NULL},
	{"flow table: a new one for the oldest of 65k", NULL, 0, open_full, FEW, replace, NULL},
	{"flow table: a new one for the oldest of 1M", NULL, 0, open_full, MANY, replace, NULL},
	{"flow table: comes and expires among 65k", NULL, 0, open_empty, FEW, expire, NULL},
	{"flow table: comes and expires among 1M", NULL, 0, open_empty, MANY, expire, NULL},
	{"flow table: longest chain of 1M, sequential ports", "flows", 16, open_sequential, MANY, NULL, longest},
	{"flow table: longest chain of 1M", "flows", 16, open_full, MANY, NULL, longest},
	{"flow table: memory a flow, of 65k", "bytes", 320, open_empty, FEW, NULL, bytes_each},
	{"flow table: memory a flow, of 1M", "bytes", 320, open_empty, MANY, NULL, bytes_each},
	{"known: give and take, 1,000 names", NULL, 0, open_spoken, 1000, spoken, NULL},
	{"known: give and take, each its own name", NULL, 0, open_spoken, 1 << 30, spoken, NULL},
	{"names: prove one of 16k", NULL, 0, open_names, 16384, prove, NULL},
	{"names: prove one of 1M", NULL, 0, open_names, MANY, prove, NULL},
	{"names: of an address, 1M known", NULL, 0, open_names, MANY, list, NULL},
};
const size_t table_cases_n = sizeof table_cases / sizeof *table_cases;
