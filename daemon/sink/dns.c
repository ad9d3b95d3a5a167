/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The `dns` object in version 2 of EVE's layout: one question and, of an answer, each record in detail. A flag is there when it is set.
 * What an answer says beside its answers is in `additionals`. Both share one limit, so that any message fits in a record.
 */
#include "names.h"
#include "printer.h"
#include "text.h"

enum {
	DNS_EVE_VERSION = 2,
	RCODE_MASK = 15,
	OPCODE_SHIFT = 11,
	OPCODE_MASK = 15,
};

struct dns_word {
	uint16_t number;
	const char *word;
};

/* RFC 1035, 4.1.1; z is what was left over by the later ones. */
static const struct dns_word dns_flags[] = {
	{0x8000, "qr"}, {0x0400, "aa"}, {0x0200, "tc"}, {0x0100, "rd"}, {0x0080, "ra"}, {0x0040, "z"},
};

/* IANA's names of record types; those that no camera asks for are numbers. */
static const struct dns_word dns_types[] = {
	{1, "A"},      {2, "NS"},     {5, "CNAME"},  {6, "SOA"},     {10, "NULL"},  {12, "PTR"},
	{13, "HINFO"}, {15, "MX"},    {16, "TXT"},   {24, "SIG"},    {25, "KEY"},   {28, "AAAA"},
	{29, "LOC"},   {33, "SRV"},   {35, "NAPTR"}, {39, "DNAME"},  {41, "OPT"},   {43, "DS"},
	{44, "SSHFP"}, {46, "RRSIG"}, {47, "NSEC"},  {48, "DNSKEY"}, {50, "NSEC3"}, {52, "TLSA"},
	{64, "SVCB"},  {65, "HTTPS"}, {99, "SPF"},   {249, "TKEY"},  {250, "TSIG"}, {251, "IXFR"},
	{252, "AXFR"}, {255, "ANY"},  {256, "URI"},  {257, "CAA"},
};

static const struct dns_word dns_rcodes[] = {
	{0, "NOERROR"},	 {1, "FORMERR"}, {2, "SERVFAIL"}, {3, "NXDOMAIN"}, {4, "NOTIMP"},   {5, "REFUSED"},
	{6, "YXDOMAIN"}, {7, "YXRRSET"}, {8, "NXRRSET"},  {9, "NOTAUTH"},  {10, "NOTZONE"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
print_word(struct printer *p, const char *key, const struct dns_word *words, size_t n, unsigned number)
{
	char digits[DECIMAL_MAX];

	for (size_t i = 0; i < n; i++)
		if (words[i].number == number) {
			json_str(&p->j, key, words[i].word);
			return;
		}
	json_strn(&p->j, key, digits, decimal(digits, number), sizeof digits);
}

static void
print_type(struct printer *p, uint16_t type)
{
	print_word(p, "rrtype", dns_types, COUNT(dns_types), type);
}

/* Hex without leading zeros. */
static void
print_flags(struct printer *p, uint16_t flags)
{
	static const char hex[] = "0123456789abcdef";
	char text[4];
	size_t n = 0;

	for (int shift = 12; shift >= 0; shift -= 4)
		if (n > 0 || shift == 0 || flags >> shift != 0)
			text[n++] = hex[flags >> shift & 15];
	json_strn(&p->j, "flags", text, n, sizeof text);
	for (size_t i = 0; i < COUNT(dns_flags); i++)
		if (flags & dns_flags[i].number)
			json_bool(&p->j, dns_flags[i].word, true);
	json_uint(&p->j, "opcode", flags >> OPCODE_SHIFT & OPCODE_MASK);
}

/* Absent when the record has no data that is kept. */
static void
print_rdata(struct printer *p, const struct dns_record *d)
{
	static const struct addr none;

	if (addr_cmp(&d->addr, &none) != 0)
		print_addr(p, "rdata", &d->addr);
	else
		print_known(p, "rdata", d->target);
}

static void
print_record(struct printer *p, const struct dns_record *d)
{
	json_object(&p->j, NULL);
	print_name(p, "rrname", d->name);
	print_type(p, d->type);
	json_uint(&p->j, "ttl", d->ttl);
	print_rdata(p, d);
	json_object_end(&p->j);
}

/* Those of the first n records that stand in this section; returns how many. */
static size_t
print_section(struct printer *p, const char *key, const struct dns_message *m, size_t n, bool additional)
{
	size_t printed = 0;

	json_array(&p->j, key);
	for (size_t i = 0; i < n; i++)
		if (m->record[i].additional == additional) {
			print_record(p, &m->record[i]);
			printed++;
		}
	json_array_end(&p->j);
	return printed;
}

static void
print_answer(struct printer *p, const struct dns_message *m)
{
	size_t kept = m->n < DNS_ANSWERS ? m->n : DNS_ANSWERS;
	size_t n = kept < p->limits->answers ? kept : p->limits->answers;

	print_word(p, "rcode", dns_rcodes, COUNT(dns_rcodes), m->flags & RCODE_MASK);
	if (print_section(p, "answers", m, n, false) < n)
		print_section(p, "additionals", m, n, true);
	p->cut |= n < m->n || m->truncated_list;
}

void
print_dns(struct printer *p, const struct record *r)
{
	const struct dns_message *m = r->dns;

	if (!m)
		return;
	json_object(&p->j, "dns");
	json_uint(&p->j, "version", DNS_EVE_VERSION);
	json_str(&p->j, "type", r->dns_answer ? "answer" : "query");
	json_uint(&p->j, "id", m->id);
	print_flags(p, m->flags);
	if (m->query_len > 0) {
		print_name(p, "rrname", m->query);
		print_type(p, m->query_type);
	}
	if (r->dns_answer)
		print_answer(p, m);
	json_object_end(&p->j);
}
