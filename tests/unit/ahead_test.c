/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the gate is told of when a camera gets an answer: what policy would let begin, for as long as all holds, and no more than it may. */
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

#include "ahead.h"
#include "bundle.h"
#include "engine.h"
#include "identity.h"

#define POLICY                                                                                                                            \
	"version: 1\nmode: enforce\nfail: open\nzones: {cameras: {interfaces: [cam0], networks: [10.0.0.0/8, \"fd20::/64\"]}}\n"           \
	"rules:\n"                                                                                                                         \
	"  - {name: names, from: cameras, to: {address: 192.0.2.53}, port: udp/53, protocol: dns, action: allow}\n"                        \
	"  - {name: home, from: cameras, to: {address: [198.51.100.0/24, \"2001:db8:47::/48\"]}, action: allow}\n"                         \
	"  - {name: odd, from: cameras, to: {address: 192.0.2.0/28}, port: [tcp/4443, udp/9000-9100], action: allow}\n"                    \
	"  - {name: told, from: cameras, to: {address: 203.0.113.128/25}, action: allow, alert: low}\n"                                    \
	"  - {name: cloud, from: cameras, to: {name: [\"*.cloud.example\"]}, protocol: tls, action: allow}\n"                              \
	"default: block\noptions: {identify-flows: %u, kind-memory: 30s, name-grace: %us}\n"

static const int64_t noon_us = INT64_C(1772452800000000);
static const struct mac mac = {{2, 0, 0, 0, 0, 1}};

struct lab {
	struct engine *e;
	int gate;
	char dir[32];
	struct flow dns;
	struct dns_message answer;
};

static void
at(struct lab *l, double s)
{
	l->e->now.wall_us = noon_us + (int64_t)(s * 1e6);
	l->e->now.mono_ns = (uint64_t)(1e12 + s * 1e9);
}

static struct addr
address(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static struct lab *
lab_new(unsigned identify, unsigned grace_s)
{
	static const struct channel_start s = {.generation = 1};
	static const struct channel_link link = {.index = 7, .name = "cam0"};
	struct lab *l = calloc(1, sizeof *l);
	char text[2048];
	int pair[2];
	bool is_new;

	assert_non_null(l);
	snprintf(text, sizeof text, POLICY, identify, grace_s);
	struct bundle *b = bundle_from_text("test.yaml", text, strlen(text));
	snprintf(l->dir, sizeof l->dir, "/tmp/ahead-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	l->gate = pair[0];
	l->e = engine_new(l->dir, l->dir, pair[1], true);
	assert_non_null(l->e);
	at(l, 0);
	l->e->start_us = l->e->now.wall_us;
	assert_int_equal(engine_start(l->e, &s, b, -1), 0);
	bundle_free(b);
	links_set(l->e, &link, 1);
	l->dns.tuple = (struct tuple){.src = address("10.0.0.1"), .dst = address("192.0.2.53"), .sport = 40000, .dport = 53, .proto = IPPROTO_UDP};
	struct device *d = device_by_packet(l->e->devices, l->e->is.policy, &mac, &l->dns.tuple.src, 0, &l->e->now, &is_new);
	l->dns.device = device_index(l->e->devices, d);
	l->dns.ifindex = 7;
	return l;
}

static void
lab_free(struct lab *l)
{
	char path[64];
	int channel = l->e->channel;

	engine_free(l->e);
	close(channel);
	close(l->gate);
	snprintf(path, sizeof path, "%s/budgets", l->dir);
	unlink(path);
	rmdir(l->dir);
	free(l);
}

/* The camera asked for this name and is told these addresses; "" none. */
static void
answered(struct lab *l, const char *name, uint32_t ttl, const char *const *addresses, size_t n)
{
	struct dns_message *m = &l->answer;

	memset(m, 0, sizeof *m);
	m->response = true;
	m->questions = 1;
	m->query_class = 1;
	m->query_type = DNS_TYPE_ANY;
	strcpy(m->query, name);
	for (m->n = 0; m->n < n; m->n++) {
		struct dns_record *r = &m->record[m->n];
		strcpy(r->name, name);
		r->class = 1;
		r->ttl = ttl;
		r->addr = address(addresses[m->n]);
		r->type = addr_is_v4(&r->addr) ? DNS_TYPE_A : DNS_TYPE_AAAA;
	}
	names_learn(l->e->names, l->dns.device, m, &l->e->now);
	ahead_answer(l->e, &l->dns, m);
}

/* The kernel has forgotten every kind, and flows are judged anew. */
static void
next_generation(struct lab *l, uint32_t generation)
{
	const struct channel_commit m = {.head = {.type = CH_COMMIT}, .generation = generation};

	assert_true(engine_message(l->e, &m, sizeof m, NULL, 0));
	assert_int_equal(l->e->generation, generation);
}

struct said {
	struct channel_head head;
	struct channel_kind row[CHANNEL_KINDS];
};

/* The gate's next message; how many rows it has. */
static unsigned
said(struct lab *l, struct said *ret)
{
	ahead_send(l->e);
	for (;;) {
		ssize_t n = recv(l->gate, ret, sizeof *ret, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0)
			return 0;
		if (ret->head.type != CH_KINDS)
			continue;
		assert_int_equal(n, offsetof(struct said, row) + ret->head.count * sizeof ret->row[0]);
		return ret->head.count;
	}
}

static const struct channel_kind *
row_of(const struct said *s, const char *remote, uint8_t proto, uint16_t port)
{
	struct addr a = address(remote);

	for (size_t i = 0; i < s->head.count; i++)
		if (addr_cmp(&s->row[i].remote, &a) == 0 && s->row[i].proto == proto && s->row[i].port == port)
			return &s->row[i];
	return NULL;
}

/* Allowed by its address; asked for by its name; refused, or told of: not at all. */
static void
what_policy_would_say(void **state)
{
	static const char *const home[] = {"198.51.100.1", "203.0.113.1", "203.0.113.200", "192.0.2.1"}, *const cloud[] = {"203.0.113.1"};
	struct lab *l = lab_new(0, 0);
	struct said s;
	(void)state;

	answered(l, "x.example", 300, home, 4);
	assert_true(said(l, &s) > 0);
	assert_int_equal(s.head.arg, 1);
	const struct channel_kind *k = row_of(&s, "198.51.100.1", IPPROTO_TCP, 443);
	assert_non_null(k);
	assert_true(!k->ask && k->ms == 30000 && k->ifindex == 7 && memcmp(&k->mac, &mac, sizeof mac) == 0 &&
		    addr_cmp(&k->camera, &l->dns.tuple.src) == 0);
	assert_non_null(row_of(&s, "198.51.100.1", IPPROTO_UDP, 443));
	assert_non_null(row_of(&s, "192.0.2.1", IPPROTO_TCP, 4443)); /* a rule names this port, and no other for this address */
	assert_null(row_of(&s, "192.0.2.1", IPPROTO_TCP, 443));
	for (size_t i = 0; i < s.head.count; i++)
		assert_true(s.row[i].port != 53 && addr_cmp(&s.row[i].remote, &(struct addr){{0}}) != 0);
	assert_null(row_of(&s, "203.0.113.1", IPPROTO_TCP, 443));
	assert_null(row_of(&s, "203.0.113.200", IPPROTO_TCP, 443));
	answered(l, "a.cloud.example", 300, cloud, 1);
	assert_true(said(l, &s) > 0);
	k = row_of(&s, "203.0.113.1", IPPROTO_TCP, 443);
	assert_true(k && k->ask);
	assert_null(row_of(&s, "203.0.113.1", IPPROTO_UDP, 443));
	lab_free(l);
}

/* Never longer than the name, nor where little of it is left; once told it is not told again until it is nearly over, or judged anew. */
static void
how_long(void **state)
{
	static const char *const home[] = {"198.51.100.1"};
	struct lab *l = lab_new(0, 0);
	struct said s;
	(void)state;

	answered(l, "x.example", 5, home, 1);
	assert_true(said(l, &s) > 0 && row_of(&s, "198.51.100.1", IPPROTO_TCP, 443)->ms == 5000);
	answered(l, "y.example", 2, home, 1);
	assert_int_equal(said(l, &s), 0);
	at(l, 4.5);
	answered(l, "y.example", 60, home, 1);
	assert_true(said(l, &s) > 0 && row_of(&s, "198.51.100.1", IPPROTO_TCP, 443)->ms == 30000);
	answered(l, "z.example", 60, home, 1);
	assert_int_equal(said(l, &s), 0);
	next_generation(l, 2);
	answered(l, "z.example", 60, home, 1);
	assert_true(said(l, &s) > 0);
	assert_int_equal(s.head.arg, 2);
	/* What was put together under one generation is not said under the next. */
	at(l, 60);
	answered(l, "z.example", 60, home, 1);
	next_generation(l, 3);
	assert_int_equal(said(l, &s), 0);
	assert_true(l->e->stats.kinds_not_ahead > 0);
	answered(l, "z.example", 60, home, 1);
	assert_true(said(l, &s) > 0);
	at(l, 200);
	answered(l, "short.example", 0, home, 1);
	assert_int_equal(said(l, &s), 0);
	lab_free(l);
}

/* A camera asks as fast as it can, each time for other addresses; and one answer has as many as fit. */
static void
how_many(void **state)
{
	struct lab *l = lab_new(0, 3600);
	struct said s;
	char text[DNS_ANSWERS][32], name[32];
	const char *many[DNS_ANSWERS];
	unsigned rows = 0, most = 0;
	(void)state;

	for (unsigned n = 0; n < 1000; n++) {
		at(l, n / 100.0);
		for (unsigned i = 0; i < DNS_ANSWERS; i++) {
			snprintf(text[i], sizeof text[i], "2001:db8:47:%x::%x", n, i + 1);
			many[i] = text[i];
		}
		snprintf(text[0], sizeof text[0], "198.51.100.%u", n % 250 + 1);
		snprintf(name, sizeof name, "n%u.example", n);
		answered(l, name, 60, many, DNS_ANSWERS);
		unsigned said_now = said(l, &s);
		rows += said_now;
		most = said_now > most ? said_now : most;
	}
	assert_true(rows > 100 && rows <= 72 * 32 && most <= 32);
	assert_true(l->e->stats.kinds_ahead == rows && l->e->stats.kinds_not_ahead > 900);
	lab_free(l);
}

/* The addresses that the camera itself uses, of both families; of those that it used before only what is still its own. */
static void
from_where(void **state)
{
	static const char *const both[] = {"198.51.100.1", "2001:db8:47::1"};
	static const struct mac other = {{2, 0, 0, 0, 0, 2}};
	struct lab *l = lab_new(0, 0);
	struct said s;
	struct addr mine = address("fd20::1"), before = address("fd20::2"), local = address("fe80::1");
	bool is_new;
	(void)state;

	answered(l, "x.example", 60, both, 2);
	assert_true(said(l, &s) > 0);
	assert_null(row_of(&s, "2001:db8:47::1", IPPROTO_TCP, 443)); /* nobody knows where it would come from */
	device_by_packet(l->e->devices, l->e->is.policy, &mac, &before, 0, &l->e->now, &is_new);
	device_by_packet(l->e->devices, l->e->is.policy, &mac, &local, 0, &l->e->now, &is_new);
	device_by_packet(l->e->devices, l->e->is.policy, &mac, &mine, 0, &l->e->now, &is_new);
	device_by_packet(l->e->devices, l->e->is.policy, &other, &before, 0, &l->e->now, &is_new);
	answered(l, "x.example", 60, both, 2);
	assert_true(said(l, &s) > 0);
	assert_non_null(row_of(&s, "2001:db8:47::1", IPPROTO_TCP, 443));
	for (size_t i = 0; i < s.head.count; i++)
		assert_true(addr_cmp(&s.row[i].camera, &mine) == 0);
	lab_free(l);
}

/* The ports that the device has used, its own alone. */
static void
own_ports(void **state)
{
	static const char *const home[] = {"198.51.100.1"}, *const next[] = {"198.51.100.2"};
	struct lab *l = lab_new(0, 0);
	struct said s;
	struct flow used = l->dns;
	(void)state;

	answered(l, "x.example", 60, home, 1);
	assert_true(said(l, &s) > 0);
	assert_null(row_of(&s, "198.51.100.1", IPPROTO_TCP, 7443));
	used.tuple.proto = IPPROTO_TCP;
	for (uint16_t port = 7440; port < 7446; port++) {
		used.tuple.dport = port;
		ahead_port(l->e, &used);
	}
	answered(l, "y.example", 60, next, 1);
	assert_true(said(l, &s) > 0);
	assert_non_null(row_of(&s, "198.51.100.2", IPPROTO_TCP, 7445));
	assert_non_null(row_of(&s, "198.51.100.2", IPPROTO_TCP, 7442));
	assert_null(row_of(&s, "198.51.100.2", IPPROTO_TCP, 7441));
	assert_non_null(row_of(&s, "198.51.100.2", IPPROTO_TCP, 443));
	lab_free(l);
}

/* Whose flows are still looked at, whose frames nobody sees, who shares a number with others. */
static void
not_for_them(void **state)
{
	static const char *const home[] = {"198.51.100.1"};
	struct lab *l = lab_new(3, 0);
	struct said s;
	(void)state;

	answered(l, "x.example", 60, home, 1);
	assert_int_equal(said(l, &s), 0);
	struct device *d = device_at(l->e->devices, l->dns.device);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(observe_looks(l->e, d) && observe_wants(l->e, d));
		d->identifying = 0;
	}
	assert_true(!observe_looks(l->e, d) && !observe_wants(l->e, d));
	l->dns.vlan = 5;
	answered(l, "x.example", 60, home, 1);
	assert_int_equal(said(l, &s), 0);
	l->dns.vlan = 0;
	l->dns.ifindex = 8;
	answered(l, "x.example", 60, home, 1);
	assert_int_equal(said(l, &s), 0);
	l->dns.ifindex = 7;
	d->by_address = true;
	answered(l, "x.example", 60, home, 1);
	assert_int_equal(said(l, &s), 0);
	d->by_address = false;
	answered(l, "x.example", 60, home, 1);
	assert_true(said(l, &s) > 0);
	lab_free(l);
}

/* A gate that does not read: nothing waits for it, what it did not hear is counted, and is said again when it reads. */
static void
gate_full(void **state)
{
	static const char *const home[] = {"198.51.100.1"};
	struct lab *l = lab_new(0, 0);
	struct said s;
	char noise[1024] = {0};
	(void)state;

	while (send(l->e->channel, noise, sizeof noise, MSG_DONTWAIT) > 0)
		;
	answered(l, "x.example", 60, home, 1);
	ahead_send(l->e);
	assert_true(l->e->stats.kinds_not_ahead > 0 && l->e->stats.kinds_ahead == 0);
	while (recv(l->gate, noise, sizeof noise, MSG_DONTWAIT) > 0)
		;
	answered(l, "x.example", 60, home, 1);
	assert_true(said(l, &s) > 0);
	lab_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_policy_would_say), cmocka_unit_test(how_long),	 cmocka_unit_test(how_many),
		cmocka_unit_test(from_where),		 cmocka_unit_test(own_ports),	 cmocka_unit_test(not_for_them),
		cmocka_unit_test(gate_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
