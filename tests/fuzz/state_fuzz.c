/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that the engine reads and did not get from an owner's hand: what devices have used of their limits, and the bundle that a policy comes in.
 * The first byte says which. What was taken is written, reads back, and is the same.
 */
#include "scratch.h"

#include "../../daemon/engine/budget_private.h"
#include "bundle.h"
#include "engine.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
budgets(const uint8_t *data, size_t size)
{
	struct engine e = {.state_dir = scratch_dir}, again = {.state_dir = scratch_dir};

	scratch_write(scratch_open(), "budgets", data, size);
	e.budgets = budgets_new();
	again.budgets = budgets_new();
	assert(e.budgets && again.budgets);
	budget_load(&e);
	assert(budgets_count(e.budgets) <= BUDGET_ROWS && budgets_count(e.budgets) <= size);
	e.budgets->dirty = true;
	budget_save(&e, true);
	assert(!e.budgets->dirty);
	budget_load(&again);
	assert(budgets_count(again.budgets) == budgets_count(e.budgets));
	for (uint32_t i = 1; i <= e.budgets->highest; i++) {
		const struct budget *row = &e.budgets->rows[i], *same = row->serial ? budget_find(again.budgets, &row->key) : NULL;
		assert(!row->serial || (same && same->used == row->used && same->period == row->period && same->told == row->told));
	}
	budgets_free(e.budgets);
	budgets_free(again.budgets);
}

static void
bundle(const uint8_t *data, size_t size)
{
	int fd = scratch_memory(data, size), copy = scratch_memory("", 0);
	struct bundle *b = bundle_load(fd), *again = NULL;

	if (b) {
		assert(b->n > 0 && b->n <= BUNDLE_FILES_MAX && b->n_shipped <= b->n_data && b->n_lists <= BUNDLE_LISTS_MAX);
		assert(strlen(b->id) == 12);
		assert(bundle_save(b, copy) == 0);
		again = bundle_load(copy);
		assert(again && strcmp(again->id, b->id) == 0 && again->n == b->n && again->n_data == b->n_data &&
		       again->n_shipped == b->n_shipped && again->n_lists == b->n_lists && again->mode == b->mode);
	}
	bundle_free(b);
	bundle_free(again);
	close(fd);
	close(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;

	if (!started)
		log_init("fuzz", false);
	started = true;
	(void)scratch_open();
	if (size == 0)
		return 0;
	if (data[0] & 1)
		bundle(data + 1, size - 1);
	else
		budgets(data + 1, size - 1);
	return 0;
}
