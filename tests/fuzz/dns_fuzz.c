/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DNS messages, and what is learnt from them: text stays text, and what was learnt is found, in a table that is always too small. */
#include <assert.h>
#include <string.h>

#include "names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(const char *name)
{
	size_t len = strnlen(name, DNS_NAME);

	assert(len < DNS_NAME);
	for (size_t i = 0; i < len; i++)
		assert(name[i] > ' ' && name[i] < 0x7f && name[i] != '"' && !(name[i] >= 'A' && name[i] <= 'Z'));
}

static void
check_message(const struct dns_message *m, size_t size)
{
	assert(m->n <= DNS_ANSWERS && m->query_len <= 255 && m->trailing <= size);
	check_name(m->query);
	for (size_t i = 0; i < m->n; i++) {
		check_name(m->record[i].name);
		check_name(m->record[i].target);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_message m;
	static struct names *names;
	static uint64_t seconds;
	const char *found[40];

	names = names ? names : names_new(64, 5);
	if (!dns_parse((struct span){data, size}, &m))
		return 0;
	check_message(&m, size);
	struct now now = {++seconds * 1000000000, 0};
	uint32_t device = m.id % 5;
	size_t made = names_learn(names, device, &m, &now);
	assert(names_count(names) <= 64 && made <= (size_t)DNS_ANSWERS * DNS_CHAIN);
	for (size_t i = 0; made && i < m.n; i++) {
		struct dns_record *r = &m.record[i];
		size_t n = names_of(names, device, &r->addr, &now, found, 40);
		assert(n <= 32 && (n > 0) == (names_until(names, device, &r->addr, &now) > now.mono_ns));
		for (size_t k = 0; k < n; k++)
			assert(names_proves(names, device, &r->addr, found[k], &now));
	}
	if (m.flags & 0x10)
		names_forget(names, device);
	return 0;
}
