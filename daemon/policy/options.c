/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of options:, one row each. */
#include <stddef.h>
#include <string.h>

#include "loader.h"
#include "mark.h"
#include "options.h"
#include "plan.h"

#define AT(field) offsetof(struct policy_options, field)

static const struct option_row rows[] = {
	{"flows", OPTION_COUNT, AT(flows), 64, 4194304, 65536, "flows remembered at a time"},
	{"devices", OPTION_COUNT, AT(devices), 16, 65534, 4096,
	 "devices remembered at a time, unknown ones included"},
	{"idle", OPTION_SECONDS, AT(idle_s), 10, 604800, 300,
	 "a flow without packets for this long is forgotten"},
	{"queue", OPTION_COUNT, AT(queue), 0, PLAN_QUEUE_MAX, 2050, "number of the kernel queue"},
	{"queue-length", OPTION_COUNT, AT(queue_length), PLAN_QUEUE_LENGTH_MIN, PLAN_QUEUE_LENGTH_MAX, 8192,
	 "packets that may wait in the kernel"},
	{"queue-buffer", OPTION_BYTES, AT(queue_buffer), PLAN_QUEUE_BUFFER_MIN, PLAN_QUEUE_BUFFER_MAX,
	 4194304, "socket buffer of the kernel queue"},
	{"copy-range", OPTION_BYTES, AT(copy_range), PLAN_COPY_RANGE_MIN, PLAN_COPY_RANGE_MAX, 24576,
	 "bytes of each packet that are looked at"},
	{"mark-shift", OPTION_COUNT, AT(mark_shift), 0, MARK_SHIFT_MAX, 16,
	 "lowest of the twelve bits used in packet and connection marks"},
	{"deny-memory", OPTION_SECONDS, AT(deny_memory_s), PLAN_DENY_MEMORY_MIN_S, PLAN_DENY_MEMORY_MAX_S, 10,
	 "how long the kernel remembers a refusal by itself"},
	{"kind-memory", OPTION_SECONDS, AT(kind_memory_s), 0, PLAN_KIND_MEMORY_MAX_S, 30,
	 "how long the kernel answers by itself for new flows like one that was judged; 0: never"},
	{"engine-deadline", OPTION_MILLISECONDS, AT(engine_deadline_ms), PLAN_DEADLINE_MIN_MS,
	 PLAN_DEADLINE_MAX_MS, 1000, "packets wait this long for a stuck engine, then fail: decides"},
	{"stats", OPTION_SECONDS, AT(stats_s), 1, 86400, 60, "time between stats records"},
	{"hold-packets", OPTION_COUNT, AT(hold_packets), 1, 1024, 64, "packets of one undecided flow that wait"},
	{"hold-bytes", OPTION_BYTES, AT(hold_bytes), 2048, 1048576, 131072, "bytes of one undecided flow that wait"},
	{"hold-time", OPTION_MILLISECONDS, AT(hold_ms), 10, 60000, 3000, "how long they wait; then what is missing counts as unknown"},
	{"watched-flows", OPTION_COUNT, AT(watched_flows), 64, 1048576, 8192, "flows whose first bytes are remembered at a time"},
	{"watched-bytes", OPTION_BYTES, AT(watched_bytes), 1048576, 1073741824, 16777216, "all of these bytes together"},
	{"identify-flows", OPTION_COUNT, AT(identify_flows), 0, 10000, 64,
	 "flows of a device, an hour, whose first bytes are looked at only to learn who made it; 0: none"},
	{"names", OPTION_COUNT, AT(names), 64, 4194304, 16384, "names of addresses, per device, that are remembered"},
	{"name-grace", OPTION_SECONDS, AT(name_grace_s), 0, 604800, 3600, "how long a name holds beyond its time to live"},
	{"new-flows", OPTION_COUNT, AT(new_flows), PLAN_NEW_FLOWS_MIN, PLAN_NEW_FLOWS_MAX, 1000,
	 "connections that one device may open a second; twice as many at once"},
	{"flood-hold", OPTION_SECONDS, AT(flood_hold_s), PLAN_FLOOD_HOLD_MIN_S, PLAN_FLOOD_HOLD_MAX_S, 60,
	 "how long a device that opens more opens none"},
	{"rollup", OPTION_SECONDS, AT(rollup_s), 1, 3600, 60, "time over which equal alerts become one"},
	{"watch-lists", OPTION_SECONDS, AT(watch_lists_s), 0, PLAN_WATCH_LISTS_MAX_S, 2,
	 "a list in a file that has changed is read once it has stood still so long; 0s: only by a reload"},
	{"list-items", OPTION_COUNT, AT(list_items), 1, 8000000, 3000000, "items of all lists in files, together"},
	{"history-days", OPTION_COUNT, AT(history_days), 0, 3650, 30, "days for which flows are remembered; 0: not at all"},
	{"history-size", OPTION_BYTES, AT(history_bytes), 16777216, 2147483648, 268435456,
	 "what inventory and history may take on the disk; the oldest goes first"},
};

enum {
	N_ROWS = sizeof(rows) / sizeof(rows[0]),
};

const struct option_row *
option_rows(size_t *ret_n)
{
	*ret_n = N_ROWS;
	return rows;
}

static void
set(struct policy_options *options, const struct option_row *row, uint32_t value)
{
	memcpy((unsigned char *)options + row->offset, &value, sizeof(value));
}

void
options_defaults(struct policy_options *ret)
{
	for (size_t i = 0; i < N_ROWS; i++)
		set(ret, &rows[i], rows[i].standard);
}

static const struct option_row *
find(const char *key)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static void
unknown_option(struct loader *l, const struct node *key)
{
	const char *names[N_ROWS];
	for (size_t i = 0; i < N_ROWS; i++)
		names[i] = rows[i].key;
	struct diag *g = load_error(l, key, "E102", "unknown key \"%.64s\" in options", key->text);
	hint_closest(g, key->text, names, N_ROWS);
}

/* A range in the unit in which the option is written. */
static void
out_of_range(struct loader *l, const struct node *value, const struct option_row *row)
{
	static const char *const units[] = {"", "s", "ms", ""};
	const char *unit = units[row->unit];
	load_error(l, value, "E119", "\"%.64s\" is out of range: %s goes from %u%s to %u%s", value->text,
		   row->key, row->min, unit, row->max, unit);
}

static void
load_option(struct loader *l, const struct node *value, const struct option_row *row)
{
	uint64_t v = 0;
	uint32_t number = 0;
	bool ok = false;
	switch (row->unit) {
	case OPTION_COUNT:
		if (read_number(l, value, row->min, row->max, &number))
			set(&l->p->options, row, number);
		return;
	case OPTION_SECONDS:
		ok = read_duration(l, value, &v);
		v = v % 1000 ? UINT64_MAX : v / 1000; /* whole seconds only */
		break;
	case OPTION_MILLISECONDS:
		ok = read_duration(l, value, &v);
		break;
	case OPTION_BYTES:
		ok = read_size(l, value, &v);
		break;
	}
	if (ok && v >= row->min && v <= row->max)
		set(&l->p->options, row, (uint32_t)v);
	else if (ok)
		out_of_range(l, value, row);
}

void
load_options(struct loader *l, const struct node *value, void *into)
{
	(void)into;
	if (!expect_map(l, value, "options"))
		return;
	for (const struct node *k = value->first; k; k = k->next) {
		const struct option_row *row = k->kind == NODE_TEXT ? find(k->text) : NULL;
		if (row && k->value)
			load_option(l, k->value, row);
		else if (k->kind == NODE_TEXT && !row)
			unknown_option(l, k);
	}
}
