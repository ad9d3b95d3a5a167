/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows of time: reading, asking, and when the answer changes next. */
#include "schedule.h"

#include <string.h>

#include "loader.h"

enum {
	DAY_S = 86400,
	ALL_DAYS = 0x7f,
	HORIZON_DAYS = 15, /* a weekly window that the clocks skip once opens a week later */
	ZONEINFOS_MAX = 64,
};

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int64_t
floor_day(int64_t s)
{
	return s >= 0 ? s / DAY_S : -((-s + DAY_S - 1) / DAY_S);
}

static bool
opens_on(const struct schedule *s, int64_t day)
{
	int64_t weekday = (day % 7 + 7 + 3) % 7; /* 1970-01-01 was a Thursday */
	return s->days >> weekday & 1;
}

bool
schedule_holds(const struct schedule *s, int64_t wall_s)
{
	int64_t local = wall_s + zoneinfo_offset(s->zone, wall_s);
	int64_t day = floor_day(local), second = local - day * DAY_S;
	if (s->from_s < s->to_s)
		return opens_on(s, day) && second >= s->from_s && second < s->to_s;
	return (opens_on(s, day) && second >= s->from_s) || (opens_on(s, day - 1) && second < s->to_s);
}

static bool
flips(const struct schedule *s, int64_t wall_s)
{
	return schedule_holds(s, wall_s) != schedule_holds(s, wall_s - 1);
}

/* The first flip in [from, to), in which the offset stays the same; 0 when there is none. */
static int64_t
edge_within(const struct schedule *s, int64_t from, int64_t to)
{
	int32_t offset = zoneinfo_offset(s->zone, from);
	for (int64_t day = floor_day(from + offset); day * DAY_S - offset < to; day++) {
		const int32_t marks[] = {0, s->from_s < s->to_s ? s->from_s : s->to_s,
					 s->from_s < s->to_s ? s->to_s : s->from_s};
		for (int i = 0; i < 3; i++) {
			int64_t at = day * DAY_S + marks[i] - offset;
			if (at >= from && at < to && flips(s, at))
				return at;
		}
	}
	return 0;
}

int64_t
schedule_edge(const struct schedule *s, int64_t wall_s)
{
	int64_t from = wall_s + 1, end = wall_s + (int64_t)HORIZON_DAYS * DAY_S;
	while (from < end) {
		int64_t change = zoneinfo_next(s->zone, from), to = change < end ? change : end;
		int64_t at = flips(s, from) ? from : edge_within(s, from, to);
		if (at)
			return at;
		from = to;
	}
	return 0;
}

static int
day_number(const char *text, size_t len)
{
	for (int i = 0; i < 7; i++)
		if (len == 3 && strncmp(day_names[i], text, 3) == 0)
			return i;
	return -1;
}

/* "mon" or "fri-mon", which goes round the week. */
static void
load_days(struct loader *l, const struct node *value, void *into)
{
	uint32_t *days = into;
	const char *text;
	if (!read_text(l, value, &text))
		return;
	const char *dash = strchr(text, '-');
	int from = day_number(text, dash ? (size_t)(dash - text) : strlen(text));
	int to = dash ? day_number(dash + 1, strlen(dash + 1)) : from;
	if (from < 0 || to < 0) {
		struct diag *g =
			load_error(l, value, "E130", "\"%.64s\" is not a day or a range of days", text);
		diag_hint(g, "mon tue wed thu fri sat sun, or mon-fri");
		return;
	}
	for (int i = from;; i = (i + 1) % 7) {
		*days |= UINT32_C(1) << i;
		if (i == to)
			break;
	}
}

/* "HH:MM", two digits each; 24:00 is the end of a day. */
static bool
parse_clock(const char *p, int32_t *ret_s)
{
	for (int i = 0; i < 5; i++)
		if (i == 2 ? p[i] != ':' : p[i] < '0' || p[i] > '9')
			return false;
	int32_t h = (p[0] - '0') * 10 + p[1] - '0', m = (p[3] - '0') * 10 + p[4] - '0';
	if (m > 59 || h * 60 + m > 24 * 60)
		return false;
	*ret_s = h * 3600 + m * 60;
	return true;
}

struct windows {
	struct vec list; /* struct schedule with from_s and to_s */
};

static bool
parse_window(const char *text, struct schedule *ret)
{
	return strlen(text) == 11 && text[5] == '-' && parse_clock(text, &ret->from_s) &&
	       parse_clock(text + 6, &ret->to_s) && ret->from_s != ret->to_s && ret->from_s < DAY_S;
}

static void
load_window(struct loader *l, const struct node *value, void *into)
{
	struct windows *w = into;
	struct schedule parsed = {0};
	const char *text;
	if (!read_text(l, value, &text))
		return;
	if (!parse_window(text, &parsed)) {
		struct diag *g = load_error(l, value, "E130", "\"%.64s\" is not a time of day", text);
		diag_hint(g, "from and to as in \"02:00-04:00\" or \"22:00-06:00\"");
		return;
	}
	struct schedule *s = vec_push(&l->scratch, &w->list, sizeof(*s));
	if (s)
		*s = parsed;
}

static struct zoneinfo *
zone_remembered(struct loader *l, const char *name)
{
	struct zoneinfo **list = l->zoneinfos.items;
	for (size_t i = 0; i < l->zoneinfos.n; i++)
		if (strcmp(zoneinfo_name(list[i]), name) == 0)
			return list[i];
	struct zoneinfo *z = l->zoneinfos.n < ZONEINFOS_MAX ? zoneinfo_read(&l->p->region, name) : NULL;
	struct zoneinfo **slot = z ? vec_push(&l->scratch, &l->zoneinfos, sizeof(struct zoneinfo *)) : NULL;
	if (slot)
		*slot = z;
	return z;
}

const struct zoneinfo *
schedule_zone(struct loader *l, const struct node *value)
{
	const char *text = "UTC";
	if (value && !read_text(l, value, &text))
		return NULL;
	const struct zoneinfo *z = zone_remembered(l, text);
	if (!z && value) {
		struct diag *g = load_error(l, value, "E131", "there is no time zone \"%.64s\"", text);
		diag_hint(g, "as in /usr/share/zoneinfo: Europe/Oslo");
	}
	return z;
}

/* The three keys are read by parse_when() below; here only that no others stand beside them. */
static void
load_nothing(struct loader *l, const struct node *value, void *into)
{
	(void)l;
	(void)value;
	(void)into;
}

void
parse_when(struct loader *l, const struct node *value, struct vec *items)
{
	static const struct field fields[] = {
		{"days", load_nothing, 0}, {"time", load_nothing, 0}, {"zone", load_nothing, 0}};
	static const struct schema schema = {"when", fields, 3, 0};
	const struct node *days = node_get(value, "days"), *time = node_get(value, "time");
	uint32_t mask = days ? 0 : ALL_DAYS;
	struct schedule all_day = {.to_s = DAY_S};
	struct windows w = {0};
	load_map(l, value, &schema, NULL);
	if (value->kind != NODE_MAP)
		return;
	if (!days && !time)
		load_error(l, value, "E107", "when needs \"days\" or \"time\"");
	if (days)
		load_each(l, days, load_days, &mask);
	if (time)
		load_each(l, time, load_window, &w);
	else
		w.list = (struct vec){&all_day, 1, 1};
	const struct zoneinfo *zone = schedule_zone(l, node_get(value, "zone"));
	for (size_t i = 0; zone && mask && i < w.list.n; i++) {
		struct schedule *s = vec_push(&l->p->region, items, sizeof(*s));
		if (!s)
			return;
		s->zone = zone;
		s->days = mask;
		s->from_s = ((struct schedule *)w.list.items)[i].from_s;
		s->to_s = ((struct schedule *)w.list.items)[i].to_s;
	}
}
