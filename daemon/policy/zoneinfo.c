/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TZif files (RFC 8536) as one table of changes: those of the file, and behind its last one those that the
 * rule in its footer makes until YEAR_LAST. So looking up an offset is one binary search, also where the
 * file's own table has ended.
 */
#include "zoneinfo.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILE_MAX = 65536, /* the largest of tzdata has 3.5 KiB */
	CHANGES_MAX = 8192,
	TYPES_MAX = 256,
	NAME_MAX_LEN = 63,
	DAY_S = 86400,
	YEAR_FIRST = 1970, /* of a file without changes */
	YEAR_LAST = 2200,
	TYPE_BYTES = 6, /* offset, whether it is summer time, which name */
	OFFSET_MAX = 26 * 3600, /* RFC 8536, section 3.2: -25 to 26 hours */
};

struct change {
	int64_t at;
	int32_t offset;
};

struct zoneinfo {
	char name[NAME_MAX_LEN + 1];
	int32_t first;	    /* before the first change */
	struct vec changes; /* struct change, in order */
};

const char *
zoneinfo_name(const struct zoneinfo *z)
{
	return z->name;
}

/* How many changes are at or before this second. */
static size_t
changes_until(const struct zoneinfo *z, int64_t wall_s)
{
	const struct change *list = z->changes.items;
	size_t from = 0, to = z->changes.n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (list[mid].at <= wall_s)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

int32_t
zoneinfo_offset(const struct zoneinfo *z, int64_t wall_s)
{
	size_t n = changes_until(z, wall_s);
	return n ? ((const struct change *)z->changes.items)[n - 1].offset : z->first;
}

int64_t
zoneinfo_next(const struct zoneinfo *z, int64_t wall_s)
{
	size_t n = changes_until(z, wall_s);
	return n < z->changes.n ? ((const struct change *)z->changes.items)[n].at : INT64_MAX;
}

static bool
push_change(struct region *region, struct zoneinfo *z, int64_t at, int32_t offset)
{
	const struct change *list = z->changes.items;
	if (z->changes.n > 0 && at <= list[z->changes.n - 1].at)
		return true; /* the footer's rule starts inside the table: the table wins */
	struct change *c = z->changes.n < CHANGES_MAX ? vec_push(region, &z->changes, sizeof(*c)) : NULL;
	if (c)
		*c = (struct change){at, offset};
	return c;
}

/*
 * Days from 1970-01-01, by counting from March, so that the leap day is a year's last (the method is
 * folklore; see Fliegel and Van Flandern, Communications of the ACM 11, 1968).
 */
int64_t
civil_days(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool
is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* The footer: a POSIX TZ string, std offset [dst [offset] , start [/time] , end [/time]]. */
struct when_rule {
	enum { RULE_JULIAN, RULE_DAY, RULE_MONTH } kind;
	unsigned month, week, day;
	int32_t time;
};

struct footer {
	int32_t std, dst; /* seconds to add to UTC */
	bool has_dst;
	struct when_rule start, end;
};

static bool
take(struct cursor *c, char ch)
{
	if (cursor_left(c) == 0 || cursor_peek(c, 0) != (uint8_t)ch)
		return false;
	cursor_skip(c, 1);
	return true;
}

static bool
is_digit(const struct cursor *c)
{
	uint8_t b = cursor_peek(c, 0);
	return cursor_left(c) > 0 && b >= '0' && b <= '9';
}

static int32_t
take_number(struct cursor *c, int32_t max)
{
	int32_t v = 0;
	if (!is_digit(c))
		c->bad = true;
	while (is_digit(c) && !c->bad) {
		v = v * 10 + (cursor_u8(c) - '0');
		if (v > max)
			c->bad = true;
	}
	return v;
}

/* [+-]hh[:mm[:ss]] */
static int32_t
take_time(struct cursor *c, int32_t max_hours)
{
	bool minus = take(c, '-');
	if (!minus)
		take(c, '+');
	int32_t s = take_number(c, max_hours) * 3600;
	if (take(c, ':'))
		s += take_number(c, 59) * 60;
	if (take(c, ':'))
		s += take_number(c, 59);
	return minus ? -s : s;
}

static void
skip_name(struct cursor *c)
{
	size_t n = 0;
	if (take(c, '<')) {
		while (cursor_left(c) > 0 && !take(c, '>'))
			cursor_skip(c, 1);
		return;
	}
	while (cursor_left(c) > 0 &&
	       ((cursor_peek(c, 0) | 0x20) >= 'a' && (cursor_peek(c, 0) | 0x20) <= 'z')) {
		cursor_skip(c, 1);
		n++;
	}
	if (n < 3)
		c->bad = true;
}

static struct when_rule
take_rule(struct cursor *c)
{
	struct when_rule r = {.kind = RULE_DAY, .time = 7200};
	if (!take(c, ','))
		c->bad = true;
	if (take(c, 'M')) {
		r.kind = RULE_MONTH;
		r.month = (unsigned)take_number(c, 12);
		c->bad |= !take(c, '.');
		r.week = (unsigned)take_number(c, 5);
		c->bad |= !take(c, '.');
		r.day = (unsigned)take_number(c, 6);
		c->bad |= r.month == 0 || r.week == 0;
	} else {
		r.kind = take(c, 'J') ? RULE_JULIAN : RULE_DAY;
		r.day = (unsigned)take_number(c, 365);
		c->bad |= r.kind == RULE_JULIAN && r.day == 0;
	}
	if (take(c, '/'))
		r.time = take_time(c, 167); /* RFC 8536, section 3.3.1: a week either way */
	return r;
}

static bool
footer_parse(struct cursor c, struct footer *ret)
{
	skip_name(&c);
	ret->std = -take_time(&c, 24);
	ret->has_dst = cursor_left(&c) > 0;
	if (!ret->has_dst)
		return !c.bad;
	skip_name(&c);
	ret->dst = cursor_peek(&c, 0) == ',' ? ret->std + 3600 : -take_time(&c, 24);
	ret->start = take_rule(&c);
	ret->end = take_rule(&c);
	return !c.bad && cursor_left(&c) == 0;
}

/* The second of local standard time at which a rule strikes in this year, as if that were UTC. */
static int64_t
rule_at(const struct when_rule *r, int64_t year)
{
	int64_t day = civil_days(year, 1, 1);
	switch (r->kind) {
	case RULE_JULIAN: /* 29 February is never counted */
		day += r->day - 1 + (is_leap(year) && r->day >= 60);
		break;
	case RULE_DAY:
		day += r->day;
		break;
	case RULE_MONTH:
		day = civil_days(year, r->month, 1);
		day += (int64_t)((r->day + 7 - (unsigned)((day + 4) % 7)) % 7) + 7 * ((int64_t)r->week - 1);
		/* The fifth week is the last, also where a month has only four such days. */
		if (day >= (r->month < 12 ? civil_days(year, r->month + 1, 1) : civil_days(year + 1, 1, 1)))
			day -= 7;
		break;
	}
	return day * DAY_S + r->time;
}

static int64_t
year_of(int64_t wall_s)
{
	int64_t year = 1970 + wall_s / (DAY_S * INT64_C(366));
	while (year < YEAR_LAST && civil_days(year + 1, 1, 1) * DAY_S <= wall_s)
		year++;
	return year;
}

static bool
extend(struct region *region, struct zoneinfo *z, const struct footer *f)
{
	const struct change *list = z->changes.items;
	int64_t last = z->changes.n ? list[z->changes.n - 1].at : 0;
	if (!f->has_dst)
		return z->changes.n || (z->first = f->std, true);
	for (int64_t year = last > 0 ? year_of(last) : YEAR_FIRST; year < YEAR_LAST; year++) {
		struct change on = {rule_at(&f->start, year) - f->std, f->dst};
		struct change off = {rule_at(&f->end, year) - f->dst, f->std};
		bool north = on.at < off.at;
		if (!push_change(region, z, north ? on.at : off.at, north ? on.offset : off.offset) ||
		    !push_change(region, z, north ? off.at : on.at, north ? off.offset : on.offset))
			return false;
	}
	return true;
}

struct counts {
	uint32_t isut, isstd, leap, time, type, chars;
};

static bool
take_header(struct cursor *c, struct counts *ret, uint8_t *ret_version)
{
	if (!cursor_starts(c, "TZif", 4))
		return false;
	cursor_skip(c, 4);
	*ret_version = cursor_u8(c);
	cursor_skip(c, 15);
	ret->isut = cursor_u32(c);
	ret->isstd = cursor_u32(c);
	ret->leap = cursor_u32(c);
	ret->time = cursor_u32(c);
	ret->type = cursor_u32(c);
	ret->chars = cursor_u32(c);
	bool sane = ret->time <= CHANGES_MAX / 2 && ret->type > 0 && ret->type <= TYPES_MAX &&
		    ret->chars <= TYPES_MAX && ret->leap <= CHANGES_MAX && ret->isut <= TYPES_MAX &&
		    ret->isstd <= TYPES_MAX;
	return !c->bad && sane;
}

static size_t
block_bytes(const struct counts *n, size_t time_bytes)
{
	return n->time * (time_bytes + 1) + n->type * (size_t)TYPE_BYTES + n->chars + n->leap * (time_bytes + 4) + n->isstd +
	       n->isut;
}

/* The 64-bit block: times, which type each leads to, and the types. */
static bool
take_block(struct region *region, struct zoneinfo *z, struct cursor block, const struct counts *n)
{
	int32_t offsets[TYPES_MAX] = {0};
	struct cursor times = cursor_take(&block, n->time * sizeof(int64_t));
	struct cursor kinds = cursor_take(&block, n->time);
	for (uint32_t i = 0; i < n->type; i++) {
		offsets[i] = (int32_t)cursor_u32(&block);
		cursor_skip(&block, 2);
		if (offsets[i] < -OFFSET_MAX || offsets[i] > OFFSET_MAX)
			return false;
	}
	z->first = offsets[0];
	for (uint32_t i = 0; i < n->time; i++) {
		int64_t at = (int64_t)cursor_u64(&times);
		uint8_t kind = cursor_u8(&kinds);
		if (kind >= n->type || !push_change(region, z, at, offsets[kind]))
			return false;
	}
	return !block.bad && !times.bad && !kinds.bad;
}

static struct zoneinfo *
zone_new(struct region *region, const char *name)
{
	struct zoneinfo *z = region_alloc(region, sizeof(*z));
	size_t len = strlen(name);
	if (z)
		memcpy(z->name, name, len < NAME_MAX_LEN ? len : NAME_MAX_LEN);
	return z;
}

struct zoneinfo *
zoneinfo_parse(struct region *region, const char *name, struct span file)
{
	struct cursor c = cursor_span(file);
	struct counts n;
	struct footer footer = {0};
	struct span line;
	uint8_t version;
	struct zoneinfo *z = zone_new(region, name);
	if (!z || !take_header(&c, &n, &version) || version < '2')
		return NULL; /* version 1 has 32-bit times only; no system writes it today */
	cursor_skip(&c, block_bytes(&n, 4));
	if (!take_header(&c, &n, &version))
		return NULL;
	struct cursor block = cursor_take(&c, block_bytes(&n, 8));
	if (c.bad || !take_block(region, z, block, &n))
		return NULL;
	if (!take(&c, '\n') || !cursor_line(&c, 256, &line))
		return NULL;
	if (line.len > 0 && (!footer_parse(cursor_span(line), &footer) || !extend(region, z, &footer)))
		return NULL;
	return z;
}

/* Names come from the policy: no way out of the folder, and nothing that is not a zone's name. */
static bool
name_fits(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
	size_t len = strlen(name);
	return len > 0 && len <= NAME_MAX_LEN && strspn(name, letters) == len && name[0] != '/' &&
	       name[len - 1] != '/' && !strstr(name, "//");
}

static ssize_t
read_file(const char *path, uint8_t *buf, size_t cap)
{
	struct stat st;
	size_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? 1 : -1;
	while (n > 0 && len < cap) {
		n = read(fd, buf + len, cap - len);
		len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return n == 0 ? (ssize_t)len : -1;
}

struct zoneinfo *
zoneinfo_read(struct region *region, const char *name)
{
	char path[sizeof("/usr/share/zoneinfo/") + NAME_MAX_LEN + 1] = "/usr/share/zoneinfo/";
	if (strcmp(name, "UTC") == 0)
		return zone_new(region, name);
	if (!name_fits(name))
		return NULL;
	strcat(path, name);
	uint8_t buf[FILE_MAX];
	ssize_t len = read_file(path, buf, sizeof(buf));
	return len < 0 ? NULL : zoneinfo_parse(region, name, (struct span){buf, (size_t)len});
}
