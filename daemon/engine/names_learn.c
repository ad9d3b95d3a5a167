/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an answer proves; see names.h for the threat. From the question's name on, CNAMEs and service
 * bindings are followed to the names that they lead to; an address binds the names on its way back to the
 * question, for the shortest time of that way.
 */
#include <string.h>

#include "names_private.h"

enum {
	CLASS_IN = 1,
	TTL_MAX = 7 * 86400, /* RFC 8767, 4: what resolvers take for the longest honest one */
};

static const uint64_t SECOND = 1000000000;

struct link {
	const char *name;
	int parent;   /* the name that leads here; -1: the question's */
	uint32_t ttl; /* of the record that does */
	bool by_target; /* a service binding's target lies on the way: whoever wrote that record does not own this name */
};

struct chain {
	const struct dns_message *answer;
	struct link link[DNS_CHAIN];
	int n;
};

/*
 * Addresses that answer a question of this type; a service question also takes what the resolver adds of
 * its targets.
 */
static const struct question {
	uint16_t type;
	bool a, aaaa, service, additional;
} questions[] = {
	{DNS_TYPE_A, true, false, false, false},  {DNS_TYPE_AAAA, false, true, false, false},
	{DNS_TYPE_ANY, true, true, true, false},  {DNS_TYPE_SVCB, true, true, true, true},
	{DNS_TYPE_HTTPS, true, true, true, true},
};

static const struct question *
question_of(const struct dns_message *m)
{
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
		if (questions[i].type == m->query_type)
			return &questions[i];
	return NULL;
}

static bool
is_service(const struct dns_record *r)
{
	return r->type == DNS_TYPE_SVCB || r->type == DNS_TYPE_HTTPS;
}

static bool
counts(const struct question *q, const struct dns_record *r)
{
	if (r->class != CLASS_IN || (r->additional && !q->additional))
		return false;
	switch (r->type) {
	case DNS_TYPE_CNAME:
		return true;
	case DNS_TYPE_A:
		return q->a;
	case DNS_TYPE_AAAA:
		return q->aaaa;
	}
	return is_service(r) && q->service;
}

/* Names that were cut are not known; the root has no address. */
static bool
is_whole(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && name[len - 1] != '\\';
}

static int
chain_find(const struct chain *c, const char *name)
{
	for (int i = 0; i < c->n; i++)
		if (strcmp(c->link[i].name, name) == 0)
			return i;
	return -1;
}

static uint32_t
ttl_of(const struct dns_record *r)
{
	if (r->ttl > INT32_MAX)
		return 0; /* RFC 2181, 8 */
	return r->ttl < TTL_MAX ? r->ttl : TTL_MAX;
}

/* Adds every name that link `from` leads to. */
static void
chain_extend(struct chain *c, const struct question *q, int from)
{
	for (size_t i = 0; i < c->answer->n && c->n < DNS_CHAIN; i++) {
		const struct dns_record *r = &c->answer->record[i];
		if (!counts(q, r) || !(r->type == DNS_TYPE_CNAME || is_service(r)))
			continue;
		if (strcmp(r->name, c->link[from].name) != 0 || !is_whole(r->target) ||
		    chain_find(c, r->target) >= 0)
			continue;
		c->link[c->n++] =
			(struct link){r->target, from, ttl_of(r), is_service(r) || c->link[from].by_target};
	}
}

static size_t
bind_back(struct names *n, uint32_t device, const struct chain *c, const struct dns_record *r,
	  const struct now *now)
{
	uint32_t ttl = ttl_of(r);
	size_t made = 0;

	for (int i = chain_find(c, r->name); i >= 0; i = c->link[i].parent) {
		uint64_t end = now->mono_ns + ttl * SECOND + n->grace_ns;
		if (!c->link[i].by_target)
			made += names_bind(n, device, &r->addr, c->link[i].name, end, now);
		ttl = c->link[i].ttl < ttl ? c->link[i].ttl : ttl;
	}
	return made;
}

static bool
has_address(const struct dns_record *r)
{
	static const struct addr none;
	return memcmp(&r->addr, &none, sizeof none) != 0;
}

size_t
names_learn(struct names *n, uint32_t device, const struct dns_message *answer, const struct now *now)
{
	const struct question *q = question_of(answer);
	struct chain c = {.answer = answer, .link = {{answer->query, -1, TTL_MAX, false}}, .n = 1};
	size_t made = 0;

	if (!answer->response || answer->opcode || answer->rcode || answer->questions != 1 ||
	    answer->query_class != CLASS_IN)
		return 0;
	if (!q || !is_whole(answer->query))
		return 0;
	names_expire(n, now, NAMES_PLACE);
	for (int i = 0; i < c.n; i++)
		chain_extend(&c, q, i);
	for (size_t i = 0; i < answer->n; i++)
		if (counts(q, &answer->record[i]) && has_address(&answer->record[i]))
			made += bind_back(n, device, &c, &answer->record[i], now);
	return made;
}
