/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers to lenscap vet. Input: one byte for the question, then what came back. Several answers of one device are parted by ff 00 ff 00. After
 * each: what is kept stays within its bounds, and a device that nothing was learnt of has no maker.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../../cli/vet_ask.c"
#include "../../cli/vet_learn.c"
#include "bundle.h"
#include "diag.h"
#include "policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The shipped catalogue lies in the source tree, not beside this program; without any row most of the path would sleep. */
static const struct catalogue *
shipped(void)
{
	static const char text[] = "version: 1\nmode: monitor\nfail: open\nzones: {cameras: {interfaces: [cam0]}}\ndefault: {action: allow, alert: none}\n";
	static struct policy *policy;
	struct diags diags = {0};
	char *file = NULL;

	if (policy)
		return policy_catalogue(policy);
	struct bundle *b = bundle_from_text("fuzz", text, sizeof text - 1);
	assert(b && probe_start() && bundle_add_data_from(b, "config/catalogue", &file));
	policy = policy_load(b, &diags);
	assert(policy);
	bundle_free(b);
	diags_free(&diags);
	assert(catalogue_rows(policy_catalogue(policy)) > 0);
	return policy_catalogue(policy);
}

static void
check(const struct vet_device *d)
{
	assert(d->n_spoken <= VET_SPOKEN);
	assert(identity_score(d->who) <= 100);
	if (!d->who)
		return;
	assert(d->who->n <= IDENTITY_EVIDENCE);
	for (size_t f = 0; f < IDENTITY_FACTS; f++)
		assert(memchr(d->who->fact[f], 0, IDENTITY_TEXT));
	for (size_t i = 0; i < d->who->n; i++)
		assert(memchr(d->who->rows[i].excerpt, 0, EVIDENCE_EXCERPT) && memchr(d->who->rows[i].pattern, 0, EVIDENCE_PATTERN));
	assert(identity_maker(d->who) == MAKER_UNKNOWN || d->who->n > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mark[] = {0xff, 0, 0xff, 0};
	const struct catalogue *c = shipped();
	struct vet_device d = {0};
	size_t n;
	const struct vet_question *questions_of_all = vet_questions(&n);
	struct addr to;

	assert(addr_parse("10.20.0.11", &to));
	while (size > 1) {
		const struct vet_question *q = &questions_of_all[*data % n];
		const uint8_t *end = memmem(data + 1, size - 1, mark, sizeof mark);
		size_t len = end ? (size_t)(end - data) - 1 : size - 1;
		char words[VET_WORDS];
		size_t said = q->say(words, &to);
		if (len > PROBE_STREAM)
			len = PROBE_STREAM;
		/* Of its own, so that what is read too far is seen; and a NUL, which the sanitizer's regexec() looks for in spite of REG_STARTEND. */
		uint8_t *copy = calloc(1, len + 1);
		assert(copy);
		memcpy(copy, data + 1, len);
		vet_learn(&d, c, q, (struct span){(const uint8_t *)words, said}, (struct span){copy, len}, 1);
		free(copy);
		check(&d);
		size_t step = end ? len + 1 + sizeof mark : size;
		data += step;
		size -= step;
	}
	vet_forget(&d);
	return 0;
}
