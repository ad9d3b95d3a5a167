/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records between engine and store, from both sides: what is walked over is whole, and a database in memory takes what it is told. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/store/store_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct database *
open_once(void)
{
	static struct database d;
	static char dir[] = "/tmp/lenscap-fuzz-XXXXXX";

	if (d.writer)
		return &d;
	if (!mkdtemp(dir) || !database_open(&d, dir, 1763856000))
		abort();
	sqlite3_exec(d.writer, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
	return &d;
}

static void
ask(struct database *d, const struct store_query *q)
{
	static uint64_t buf[STORE_MAX / 8];
	static struct store_walk out;
	const char *error;
	bool end = false;
	struct answer *a = answer_new(d, q, 1763856000, &error);

	for (int i = 0; a && !end && i < 4; i++) {
		size_t len = answer_fill(a, buf, sizeof buf, UINT64_MAX, &end, &error);
		store_walk(&out, buf, len);
		while (store_next(&out))
			assert(out.record.head.type == ST_ROW && strlen(out.text[0]) < STORE_ROW_BYTES);
		assert(out.refused == 0);
	}
	answer_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store_walk walk;
	static uint64_t ns;
	struct database *d = open_once();

	store_walk(&walk, data, size < STORE_MAX ? size : STORE_MAX);
	for (const struct store_head *h; (h = store_next(&walk));) {
		for (size_t i = 0; i < walk.n_texts; i++)
			assert(walk.text[i] >= (const char *)h && walk.text[i] + strlen(walk.text[i]) < (const char *)h + h->len);
		if (h->type == ST_QUERY)
			ask(d, (const struct store_query *)h);
		else if (database_ready(d, ++ns, 1763856000))
			assert(write_record(d, &walk) != SQLITE_CORRUPT);
	}
	if (d->open && database_step(d, S_ROLLBACK) == SQLITE_DONE)
		d->open = false;
	return 0;
}
