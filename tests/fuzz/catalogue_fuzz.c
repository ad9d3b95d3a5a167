/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: a file of the catalogue beside one that names makers, and everything that a catalogue is asked. The text that is
 * looked up is the file itself. Seeds: tests/fuzz/seeds/catalogue.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "catalogue.h"
#include "diag.h"

static const char makers[] = "# lenscap-catalogue 1 makers\n# id\tname\towner\tkind\tcovered\tsource\n"
			     "acme\tAcme\t-\tmaker\tyes\ttest\nsub\tSub\tacme\tlabel\tno\ttest\n";

static void
look(void *arg, const struct fingerprint *row)
{
	assert(row->weight <= CATALOGUE_WEIGHT_MAX);
	++*(size_t *)arg;
}

static void
ask_clouds(const struct catalogue *c, const char *text)
{
	const struct cloud *clouds;
	size_t n = catalogue_cloud_list(c, &clouds);
	struct cloud_answer answers[4];
	struct cloud_question q = {&text, 1, "pppp", 17, 32100, 64500, {{1}}, false};
	size_t found = catalogue_clouds_of(c, &q, answers, 4);
	for (size_t i = 0; i < found; i++)
		assert(answers[i].cloud < n && answers[i].by[0]);
	q.n_names = 0;
	q.protocol = "unknown";
	catalogue_clouds_of(c, &q, answers, 4);
	for (size_t i = 0; i < n; i++)
		assert(catalogue_cloud(c, clouds[i].id) == i && clouds[i].name);
}

static void
ask(const struct catalogue *c, const uint8_t *data, size_t len, const char *text)
{
	const struct oui_row *ouis;
	const struct brand_row *brands;
	size_t visited = 0, matched = 0, n = catalogue_ouis(c, &ouis);
	for (size_t i = 0; i < n; i++)
		assert(catalogue_oui(c, &ouis[i].prefix)->bits >= ouis[i].bits);
	n = catalogue_brands(c, &brands);
	for (size_t i = 0; i < n; i++) {
		const struct brand_row *hits;
		assert(catalogue_brand(c, brands[i].brand, &hits) > 0 && hits <= &brands[i]);
	}
	for (int channel = 0; channel < CHANNELS; channel++)
		matched += catalogue_match(c, (enum channel)channel, (struct span){data, len}, look, &visited);
	assert(matched == visited);
	ask_clouds(c, text);
	ask_clouds(c, len > 100 ? text + 100 : text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct diags diags = {0};
	char *text = calloc(1, len + 1);
	if (len)
		memcpy(text, data, len);
	struct bundle *b = bundle_from_text("p.yaml", "", 0);
	assert(bundle_add_data(b, "makers.tsv", makers, sizeof(makers) - 1));
	assert(bundle_add_data(b, "fuzz.tsv", text, len));
	struct catalogue *c = catalogue_new(b, &diags);
	assert(c && catalogue_is_of(c, b) && catalogue_maker(c, "acme") != MAKER_UNKNOWN);
	ask(c, data, len, text);
	catalogue_unref(c);
	diags_free(&diags);
	bundle_free(b);
	free(text);
	return 0;
}
