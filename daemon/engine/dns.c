/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DNS messages (RFC 1035, 4.1), with the service bindings of RFC 9460. All sections are walked to the end,
 * so that what is accepted is DNS as a whole; work is linear in the message's length, but for the few
 * records that are kept.
 *
 *	header: | id | flags | questions | answers | authorities | additionals |	6 x 16 bits
 *	question: | name | type | class |
 *	record: | name | type | class | ttl, 32 bits | length | data |
 */
#include <string.h>

#include "dns_private.h"

enum {
	FLAG_RESPONSE = 0x8000,
	FLAG_ZERO = 0x0040, /* reserved since 1987 */
	QUESTION_MIN = 5,
	RECORD_MIN = 11,
	CLASS_IN = 1,
	CLASS_CACHE_FLUSH = 0x8000, /* multicast DNS lends the top bit: RFC 6762, 10.2 */
	SVC_IPV4HINT = 4,
	SVC_ECH = 5,
	SVC_IPV6HINT = 6,
};

struct reader {
	struct span message;
	struct cursor c;
	struct dns_message *out;
};

static size_t
offset(const struct reader *r)
{
	return r->message.len - cursor_left(&r->c);
}

/* One record's data, at `start` of the message. */
struct rdata {
	const struct reader *reader;
	struct cursor c;
	size_t start;
};

/* A place for one more record; NULL when the list is full. */
static struct dns_record *
record_add(struct dns_message *m)
{
	if (m->n == DNS_ANSWERS) {
		m->truncated_list = true;
		return NULL;
	}
	return &m->record[m->n++];
}

static void
take_v4(struct cursor *c, struct addr *ret)
{
	uint8_t v4[4];
	cursor_copy(c, v4, sizeof v4);
	addr_from_v4(ret, v4);
}

/* An IPv4 address in IPv6 form is none that a packet has: it must not become a proof for the IPv4 one. */
static void
take_v6(struct cursor *c, struct addr *ret)
{
	cursor_copy(c, ret->b, sizeof ret->b);
	if (addr_is_v4(ret))
		memset(ret, 0, sizeof *ret);
}

static bool
read_a(struct rdata *d, size_t before, struct dns_record *r)
{
	(void)before;
	take_v4(&d->c, &r->addr);
	return !d->c.bad && cursor_left(&d->c) == 0;
}

static bool
read_aaaa(struct rdata *d, size_t before, struct dns_record *r)
{
	(void)before;
	take_v6(&d->c, &r->addr);
	return !d->c.bad && cursor_left(&d->c) == 0;
}

static bool
read_target(struct rdata *d, size_t before, struct dns_record *r)
{
	cursor_skip(&d->c, before);
	return dns_name_read(d->reader->message, &d->c, d->start + before, r->target) &&
	       cursor_left(&d->c) == 0;
}

static bool
read_nothing(struct rdata *d, size_t before, struct dns_record *r)
{
	(void)d, (void)before, (void)r;
	return true;
}

/* Copies of *r, one an address; *r itself has the first. */
static void
spread_hints(struct dns_message *m, struct dns_record *r, struct cursor hints,
	     void (*take)(struct cursor *, struct addr *), bool *first)
{
	while (cursor_left(&hints)) {
		struct dns_record *next = *first ? r : record_add(m);
		if (!next)
			return;
		if (next != r)
			*next = *r;
		take(&hints, &next->addr);
		*first = false;
	}
}

/*
 * | priority | target | key, length, value | ... : keys only ever increase (RFC 9460, 2.2). Priority 0 is
 * an alias, whose parameters are to be ignored.
 */
static bool
read_service(struct rdata *d, size_t before, struct dns_record *r)
{
	struct cursor v4 = cursor_of(d->reader->message.p, 0), v6 = v4;
	bool alias = cursor_u16(&d->c) == 0, first = true;
	long last = -1;

	if (!dns_name_read(d->reader->message, &d->c, d->start + before, r->target))
		return false;
	while (cursor_left(&d->c)) {
		uint16_t key = cursor_u16(&d->c);
		struct cursor value = cursor_take(&d->c, cursor_u16(&d->c));
		size_t len = cursor_left(&value);
		if (d->c.bad || key <= last)
			return false;
		if ((key == SVC_IPV4HINT && len % 4) || (key == SVC_IPV6HINT && len % 16))
			return false;
		v4 = key == SVC_IPV4HINT ? value : v4;
		v6 = key == SVC_IPV6HINT ? value : v6;
		r->ech |= key == SVC_ECH && !alias;
		last = key;
	}
	if (!alias) {
		spread_hints(d->reader->out, r, v4, take_v4, &first);
		spread_hints(d->reader->out, r, v6, take_v6, &first);
	}
	return !d->c.bad;
}

static const struct kind {
	enum dns_type type;
	bool (*read)(struct rdata *d, size_t before, struct dns_record *r);
	size_t before; /* bytes before the target's name */
} kinds[] = {
	{DNS_TYPE_A, read_a, 0},
	{DNS_TYPE_AAAA, read_aaaa, 0},
	{DNS_TYPE_CNAME, read_target, 0},
	{DNS_TYPE_PTR, read_target, 0},
	{DNS_TYPE_NS, read_target, 0},
	{DNS_TYPE_MX, read_target, 2},   /* preference */
	{DNS_TYPE_SRV, read_target, 6},  /* priority, weight, port */
	{DNS_TYPE_TXT, read_nothing, 0},
	{DNS_TYPE_SVCB, read_service, 2}, /* priority */
	{DNS_TYPE_HTTPS, read_service, 2},
};

static const struct kind *
kind_of(uint16_t type)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

/*
 * Behind the name: fixed fields and data. The data of other classes means what it likes: DNS UPDATE has A
 * records without any.
 */
static bool
read_fields(struct reader *r, const struct kind *kind, struct dns_record *rec)
{
	rec->type = cursor_u16(&r->c);
	rec->class = cursor_u16(&r->c);
	rec->ttl = cursor_u32(&r->c);
	rec->ech = false;
	rec->target[0] = 0;
	memset(&rec->addr, 0, sizeof rec->addr);
	uint16_t len = cursor_u16(&r->c);
	struct rdata d = {.reader = r, .start = offset(r)};
	d.c = cursor_take(&r->c, len);
	if (r->c.bad)
		return false;
	return (rec->class & ~CLASS_CACHE_FLUSH) != CLASS_IN || kind->read(&d, kind->before, rec);
}

static bool
skip_fields(struct reader *r)
{
	cursor_skip(&r->c, 8);
	cursor_skip(&r->c, cursor_u16(&r->c));
	return !r->c.bad;
}

/* The name is stepped over first: the type behind it says whether it is worth reading. */
static bool
read_record(struct reader *r, bool keep, bool additional)
{
	struct cursor name = r->c;
	size_t start = offset(r);

	if (!dns_name_skip(&r->c, start))
		return false;
	struct cursor peek = r->c;
	const struct kind *kind = keep ? kind_of(cursor_u16(&peek)) : NULL;
	struct dns_record *rec = kind ? record_add(r->out) : NULL;
	if (!rec)
		return skip_fields(r);
	rec->additional = additional;
	return dns_name_read(r->message, &name, start, rec->name) && read_fields(r, kind, rec);
}

static bool
read_question(struct reader *r, bool first)
{
	struct dns_message *m = r->out;

	if (!first) {
		bool ok = dns_name_skip(&r->c, offset(r));
		cursor_skip(&r->c, 4);
		return ok && !r->c.bad;
	}
	m->query_len = dns_name_read(r->message, &r->c, offset(r), m->query);
	m->query_type = cursor_u16(&r->c);
	m->query_class = cursor_u16(&r->c);
	return m->query_len && !r->c.bad;
}

static bool
read_header(struct reader *r)
{
	/* Query, inverse query, status, notify, update, stateful operations: by IANA's list, 3 is not assigned. */
	static const bool opcodes[16] = {
		[0] = true, [1] = true, [2] = true, [4] = true, [5] = true, [6] = true};
	struct dns_message *m = r->out;

	m->id = cursor_u16(&r->c);
	m->flags = cursor_u16(&r->c);
	m->response = m->flags & FLAG_RESPONSE;
	m->opcode = m->flags >> 11 & 0xf;
	m->rcode = m->flags & 0xf;
	m->questions = cursor_u16(&r->c);
	m->answers = cursor_u16(&r->c);
	m->authorities = cursor_u16(&r->c);
	m->additionals = cursor_u16(&r->c);
	m->query[0] = 0;
	m->query_type = m->query_class = 0;
	m->query_len = m->n = m->trailing = 0;
	m->truncated_list = false;
	size_t records = (size_t)m->answers + m->authorities + m->additionals;
	if (r->c.bad || (m->flags & FLAG_ZERO) || !opcodes[m->opcode])
		return false;
	if (!m->response && m->opcode == 0 && m->questions == 0 && records == 0)
		return false;
	return (size_t)m->questions * QUESTION_MIN + records * RECORD_MIN <= cursor_left(&r->c);
}

bool
dns_parse(struct span message, struct dns_message *ret_message)
{
	struct reader r = {.message = message, .c = cursor_span(message), .out = ret_message};

	if (message.len < DNS_HEADER || !read_header(&r))
		return false;
	for (unsigned i = 0; i < ret_message->questions; i++)
		if (!read_question(&r, i == 0))
			return false;
	const struct {
		unsigned n;
		bool keep, additional;
	} sections[] = {{ret_message->answers, true, false},
			{ret_message->authorities, false, false},
			{ret_message->additionals, true, true}};
	for (size_t s = 0; s < sizeof sections / sizeof *sections; s++)
		for (unsigned i = 0; i < sections[s].n; i++)
			if (!read_record(&r, sections[s].keep, sections[s].additional))
				return false;
	ret_message->trailing = cursor_left(&r.c);
	return true;
}
