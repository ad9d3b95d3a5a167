/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns of values for the JSON Schema: what the readers of read.c and of the conditions take, as regular expressions. */
#include "describe.h"

#include <stdio.h>
#include <string.h>

#include "bundle.h"
#include "model.h"

struct pattern {
	char *out;
	size_t cap, len;
	bool any; /* an alternative stands before */
};

static void
add(struct pattern *p, const char *text)
{
	size_t n = strlen(text);
	if (p->len + n < p->cap)
		memcpy(p->out + p->len, text, n + 1);
	p->len += n;
}

static void
add_digits(struct pattern *p, char from, char to)
{
	char text[8] = {from, 0};
	if (from != to)
		snprintf(text, sizeof(text), "[%c-%c]", from, to);
	add(p, text);
}

static bool
all_are(const char *digits, char digit)
{
	return strspn(digits, (const char[]){digit, 0}) == strlen(digits);
}

/* Numbers of as many digits as both have, behind a prefix that is written already for each alternative. */
static void
add_same_length(struct pattern *p, const char *before, const char *lo, const char *hi)
{
	char prefix[24];
	size_t n = strlen(lo);
	char nines[24], zeros[24];
	if (n == 0 || (all_are(lo, '0') && all_are(hi, '9'))) {
		add(p, p->any ? "|" : "");
		p->any = true;
		add(p, before);
		for (size_t i = 0; i < n; i++)
			add(p, "[0-9]");
		return;
	}
	memset(nines, '9', n);
	memset(zeros, '0', n);
	nines[n - 1] = zeros[n - 1] = 0; /* as many as follow the first digit */
	size_t len = strlen(before);
	memcpy(prefix, before, len + 1);
	prefix[len + 1] = 0;
	prefix[len] = *lo;
	if (*lo == *hi) {
		add_same_length(p, prefix, lo + 1, hi + 1);
		return;
	}
	char from = *lo, to = *hi;
	if (!all_are(lo + 1, '0')) {
		add_same_length(p, prefix, lo + 1, nines);
		from++;
	}
	bool whole = all_are(hi + 1, '9');
	if (from <= (whole ? to : to - 1)) {
		add(p, p->any ? "|" : "");
		p->any = true;
		add(p, before);
		add_digits(p, from, whole ? to : (char)(to - 1));
		for (size_t i = 1; i < n; i++)
			add(p, "[0-9]");
	}
	prefix[len] = to;
	if (!whole)
		add_same_length(p, prefix, zeros, hi + 1);
}

bool
describe_range(uint64_t min, uint64_t max, char *out, size_t cap)
{
	struct pattern p = {.out = out, .cap = cap};
	add(&p, "(");
	for (uint64_t lo = min; lo <= max;) {
		char a[24], b[24];
		snprintf(a, sizeof(a), "%llu", (unsigned long long)lo);
		uint64_t hi = 9;
		while (hi < lo && hi <= (UINT64_MAX - 9) / 10)
			hi = hi * 10 + 9;
		hi = hi < lo || hi > max ? max : hi;
		snprintf(b, sizeof(b), "%llu", (unsigned long long)hi);
		add_same_length(&p, "", a, b);
		if (hi == max)
			break;
		lo = hi + 1;
	}
	add(&p, ")");
	return p.len < cap;
}

struct policy *
describe_blank(void)
{
	static const char text[] = "version: 1\nmode: monitor\nzones: {z: {interfaces: [z0]}}\ndefault: allow\n";
	struct diags unread = {0};
	struct bundle *b = bundle_from_text("", text, sizeof(text) - 1);
	struct policy *p = b ? policy_load(b, &unread) : NULL;
	diags_free(&unread);
	if (b)
		bundle_free(b);
	if (p)
		p->n_zones = p->n_networks = p->n_sets = p->n_rules = p->n_outputs = 0;
	return p;
}
