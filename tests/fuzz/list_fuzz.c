/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: a file of items, read as names and as networks, and what is asked of it then. Its first lines are what is asked for as
 * well: an item that was taken must be found.
 */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/policy/list.h"
#include "../../daemon/policy/model.h"
#include "bundle.h"
#include "policy.h"

static const char head[] = "version: 1\nmode: monitor\nzones: {cameras: {interfaces: [cam0]}}\noptions: {list-items: 200}\n";
static const char names[] = "rules: [{name: a, from: cameras, to: {name: {file: list}}, action: block}]\ndefault: allow\n";
static const char nets[] = "rules: [{name: a, from: {address: {file: list}}, to: any, action: block}]\ndefault: allow\n";

static void
ask(const struct policy *p, const char *text, size_t len)
{
	const struct list *list = ((struct list *const *)p->lists.items)[0];
	struct addr a;
	char item[300];
	size_t n = 0;
	for (; n < len && n < sizeof(item) - 1 && text[n] && text[n] != '\n' && text[n] != '\r'; n++)
		item[n] = (char)tolower((unsigned char)text[n]);
	item[n] = 0;
	uint32_t line = 0;
	bool name = list_has_name(list, item, &line), net = addr_parse(item, &a) && list_has_addr(list, &a, &line);
	assert(!(name || net) || line > 0);
	/* The first line as it stands: a name, or an address. */
	bool plain = n > 0 && strspn(item, "abcdefghijklmnopqrstuvwxyz0123456789-_.:") == n;
	assert(!plain || name || net || strncmp(text, "#", 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[512];
	for (int kind = 0; kind < 2; kind++) {
		struct diags diags = {0};
		strcpy(text, head);
		strcat(text, kind ? nets : names);
		struct bundle *b = bundle_from_text("p.yaml", text, strlen(text));
		assert(b && bundle_add_list_text(b, "list", (const char *)data, len));
		struct policy *p = policy_load(b, &diags);
		assert(!p == (diags.errors > 0));
		for (size_t i = 0; i < diags.n; i++)
			assert(diags.list[i].line > 0);
		if (p) {
			struct policy *again = policy_load_sharing(b, &diags, p);
			assert(again);
			policy_free(p);
			ask(again, (const char *)data, len);
			policy_free(again);
		}
		diags_free(&diags);
		bundle_free(b);
	}
	return 0;
}
