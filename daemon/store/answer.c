/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions about history: one statement, read in slices on the second connection, each row as one JSON object. The order is always that of an
 * index and filters are applied here, so that a slice ends when its time is over however few rows match.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "json.h"
#include "store_private.h"

enum { NAME_BYTES = 255, SHORT_BYTES = 40, COLUMNS_MAX = 48 };

enum json_kind { TEXT, NUMBER, FLAG, LIST, DAY };

struct column {
	const char *name; /* of the JSON member */
	enum json_kind kind;
};

#define FLOW_SELECT                                                                                                                    \
	"device, mac, zone, local, inbound, dest_ip, dest_port, proto, app_proto, name, name_from, country, asn, as_name, special," \
	" anycast, remote_zone, decision, would, rule, rule_file, rule_line, policy_id, bound, ech, proved, clouds, flows, packets," \
	" bytes_toserver, bytes_toclient, first, last, query, registered, continent"
#define FLOW_COLUMNS                                                                                                                  \
	{"device", TEXT}, {"mac", TEXT}, {"zone", TEXT}, {"local", TEXT}, {"inbound", FLAG}, {"dest_ip", TEXT}, {"dest_port", NUMBER}, \
		{"proto", TEXT}, {"app_proto", TEXT}, {"name", TEXT}, {"name_from", TEXT}, {"country", TEXT}, {"asn", NUMBER},         \
		{"as_name", TEXT}, {"special", TEXT}, {"anycast", FLAG}, {"remote_zone", TEXT}, {"decision", TEXT}, {"would", TEXT},   \
		{"rule", TEXT}, {"rule_file", TEXT}, {"rule_line", NUMBER}, {"policy_id", TEXT}, {"bound", LIST}, {"ech", FLAG},       \
		{"proved", FLAG}, {"clouds", LIST}, {"flows", NUMBER}, {"packets", NUMBER}, {"bytes_toserver", NUMBER},              \
		{"bytes_toclient", NUMBER}, {"first", NUMBER}, {"last", NUMBER}, {"query", TEXT}, {"registered", TEXT}, {"continent", TEXT}

/* ?1 since and ?2 until, in the unit of `unit`; ?3 a flow's number. `time` is the column that they bound where SQL does not. */
static const struct query_kind {
	const char *name, *sql;
	int64_t unit; /* a second in the unit of ?1 and ?2 */
	struct column columns[COLUMNS_MAX];
} kinds[] = {
	{"flows",
	 "SELECT hour, hour, " FLOW_SELECT " FROM flows WHERE hour >= ?1 - ?1 % 3600 AND hour <= ?2 ORDER BY hour, key",
	 1,
	 {{"day", DAY}, {"hour", NUMBER}, FLOW_COLUMNS}},
	{"flow",
	 "SELECT id, src_port, end, reason, " FLOW_SELECT " FROM flow WHERE id = ?3 AND last >= ?1 AND first <= ?2 ORDER BY seq",
	 1000000,
	 {{"id", NUMBER}, {"src_port", NUMBER}, {"end", TEXT}, {"reason", TEXT}, FLOW_COLUMNS}},
	{"devices",
	 "SELECT device, label, mac, addr, by_address, zone, maker, score, covered, unmasked, in_policy, model, firmware, serial, uid, brand,"
	 " host, first, last, flows, blocked, (SELECT count(*) FROM destinations WHERE device = devices.id)"
	 " FROM devices WHERE last >= ?1 AND last <= ?2 ORDER BY last",
	 1000000,
	 {{"device", TEXT}, {"label", TEXT}, {"mac", TEXT}, {"addr", TEXT}, {"by_address", FLAG}, {"zone", TEXT}, {"maker", TEXT},
	  {"score", NUMBER}, {"covered", FLAG}, {"unmasked", FLAG}, {"in_policy", FLAG}, {"model", TEXT}, {"firmware", TEXT},
	  {"serial", TEXT}, {"uid", TEXT}, {"brand", TEXT}, {"host", TEXT}, {"first", NUMBER}, {"last", NUMBER}, {"flows", NUMBER},
	  {"blocked", NUMBER}, {"destinations", NUMBER}}},
	{"evidence",
	 "SELECT d.device, d.mac, d.addr, d.zone, channel, e.maker, pattern, excerpt, weight, weak, answered, times, e.first, e.last, e.flow"
	 " FROM evidence e CROSS JOIN devices d ON d.id = e.device WHERE e.last >= ?1 AND e.last <= ?2 ORDER BY e.id",
	 1000000,
	 {{"device", TEXT}, {"mac", TEXT}, {"addr", TEXT}, {"zone", TEXT}, {"channel", TEXT}, {"maker", TEXT}, {"pattern", TEXT},
	  {"excerpt", TEXT}, {"weight", NUMBER}, {"weak", FLAG}, {"answered", FLAG}, {"times", NUMBER}, {"first", NUMBER},
	  {"last", NUMBER}, {"flow_id", NUMBER}}},
	{"destinations",
	 "SELECT d.device, d.mac, d.addr, d.zone, remote, dest_port, proto, country, asn, decision, t.flows, t.first, t.last"
	 " FROM destinations t CROSS JOIN devices d ON d.id = t.device WHERE t.last >= ?1 AND t.first <= ?2 ORDER BY t.id",
	 1000000,
	 {{"device", TEXT}, {"mac", TEXT}, {"addr", TEXT}, {"zone", TEXT}, {"remote", TEXT}, {"dest_port", NUMBER}, {"proto", TEXT},
	  {"country", TEXT}, {"asn", NUMBER}, {"decision", TEXT}, {"flows", NUMBER}, {"first", NUMBER}, {"last", NUMBER}}},
	{"events",
	 "SELECT time, kind, who, text FROM events WHERE time >= ?1 AND time <= ?2 ORDER BY seq",
	 1000000,
	 {{"time", NUMBER}, {"kind", TEXT}, {"who", TEXT}, {"text", TEXT}}},
	{"runs",
	 "SELECT time, boot, restarts, version, policy_id FROM runs WHERE time >= ?1 AND time <= ?2 ORDER BY seq",
	 1000000,
	 {{"time", NUMBER}, {"boot", NUMBER}, {"restarts", NUMBER}, {"version", TEXT}, {"policy_id", TEXT}}},
};

struct answer {
	const struct query_kind *kind;
	sqlite3_stmt *statement;
	struct store_query q;
	uint32_t rows, limit;
	int who[4], decision, would; /* columns that filters look at; -1: none */
	bool ended;
	char row[STORE_ROW_BYTES];
};

static int
column_named(const struct query_kind *k, const char *name)
{
	for (int i = 0; i < COLUMNS_MAX && k->columns[i].name; i++)
		if (strcmp(k->columns[i].name, name) == 0)
			return i;
	return -1;
}

static const struct query_kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* Seconds to the column's unit, however far away they are. */
static int64_t
scaled(int64_t seconds, int64_t unit)
{
	const int64_t far = INT64_MAX / 2000000;
	return (seconds > far ? far : seconds < 0 ? 0 : seconds) * unit;
}

struct answer *
answer_new(struct database *d, const struct store_query *q, int64_t wall_s, const char **ret_error)
{
	static const char *const names[] = {"device", "mac", "local", "addr"};
	const struct query_kind *kind = find_kind(q->kind);
	struct answer *a = kind && d->reader ? calloc(1, sizeof *a) : NULL;

	*ret_error = !kind ? "no such kind of history" : !d->reader ? "the database cannot be used" : "not enough memory";
	if (!a)
		return NULL;
	a->kind = kind;
	a->q = *q;
	a->limit = q->limit && q->limit < STORE_ROWS ? q->limit : STORE_ROWS;
	for (size_t i = 0; i < 4; i++)
		a->who[i] = column_named(kind, names[i]);
	a->decision = column_named(kind, "decision");
	a->would = column_named(kind, "would");
	if (sqlite3_prepare_v2(d->reader, kind->sql, -1, &a->statement, NULL) != SQLITE_OK) {
		*ret_error = "the database cannot be read";
		answer_free(a);
		return NULL;
	}
	/* An hour's slack for clocks that were set back. */
	int64_t until_s = q->until_s ? q->until_s : wall_s + 3600;
	sqlite3_bind_int64(a->statement, 1, scaled(q->since_s, kind->unit));
	sqlite3_bind_int64(a->statement, 2, scaled(until_s, kind->unit) + (kind->unit - 1));
	if (sqlite3_bind_parameter_count(a->statement) >= 3)
		sqlite3_bind_int64(a->statement, 3, (int64_t)q->id);
	return a;
}

void
answer_free(struct answer *a)
{
	if (a)
		sqlite3_finalize(a->statement);
	free(a);
}

uint32_t
answer_rows(const struct answer *a)
{
	return a->rows;
}

static bool
column_is(sqlite3_stmt *s, int i, const char *text)
{
	const char *v = i >= 0 ? (const char *)sqlite3_column_text(s, i) : NULL;
	return v && sqlite3_stricmp(v, text) == 0;
}

static bool
refused(sqlite3_stmt *s, int i)
{
	return column_is(s, i, "block") || column_is(s, i, "reject");
}

static bool
wanted(const struct answer *a)
{
	bool who = !a->q.device[0];

	for (size_t i = 0; i < 4 && !who; i++)
		who = column_is(a->statement, a->who[i], a->q.device);
	bool blocked = !a->q.blocked || a->decision < 0 || refused(a->statement, a->decision) || refused(a->statement, a->would);
	return who && blocked;
}

/* Words apart by a space. */
static void
write_list(struct json *j, const char *name, const char *text, size_t len, size_t max)
{
	json_array(j, name);
	for (const char *end = text + len; text < end;) {
		size_t n = strcspn(text, " ");
		if (n)
			json_strn(j, NULL, text, n, max);
		text += n + 1;
	}
	json_array_end(j);
}

static void
write_day(struct json *j, const char *name, int64_t seconds)
{
	time_t t = seconds < 0 || seconds > 253402300799 ? 0 : seconds;
	struct tm tm;
	char text[40] = "";

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof text, "%Y-%m-%d", &tm);
	json_str(j, name, text);
}

static bool
write_row(struct answer *a, size_t max)
{
	struct json j;
	sqlite3_stmt *s = a->statement;

	json_init(&j, a->row, sizeof a->row);
	json_object(&j, NULL);
	for (int i = 0; i < COLUMNS_MAX && a->kind->columns[i].name; i++) {
		const struct column *c = &a->kind->columns[i];
		const char *text = "";
		size_t len = 0;
		if (c->kind == TEXT || c->kind == LIST) {
			const void *v = sqlite3_column_text(s, i);
			text = v ? v : "";
			len = v ? strlen(text) : 0; /* a NUL inside, which only damage brings, ends it */
		}
		switch (c->kind) {
		case TEXT: json_strn(&j, c->name, text, len, max); break;
		case NUMBER: json_int(&j, c->name, sqlite3_column_int64(s, i)); break;
		case FLAG: json_bool(&j, c->name, sqlite3_column_int(s, i) != 0); break;
		case LIST: write_list(&j, c->name, text, len < 1024 ? len : 1024, max); break;
		case DAY: write_day(&j, c->name, sqlite3_column_int64(s, i)); break;
		}
	}
	json_object_end(&j);
	return !j.full && j.len < sizeof a->row && (a->row[j.len] = 0) == 0;
}

size_t
answer_fill(struct answer *a, void *buf, size_t cap, uint64_t until_ns, bool *ret_end, const char **ret_error)
{
	const struct store_head head = {.type = ST_ROW, .ticket = a->q.head.ticket};
	const char *row = a->row;
	size_t len = 0;
	struct now now;
	unsigned n = 0;

	*ret_end = false;
	*ret_error = "";
	while (cap - len > STORE_ROW_BYTES + sizeof head + 8) {
		if (n++ % 16 == 15) {
			clock_read(&now);
			if (now.mono_ns >= until_ns)
				return len;
		}
		int rc = a->rows < a->limit ? sqlite3_step(a->statement) : SQLITE_DONE;
		if (rc != SQLITE_ROW) {
			*ret_end = true;
			*ret_error = rc == SQLITE_DONE ? "" : sqlite3_errstr(rc);
			return len;
		}
		/* Hostile bytes grow sixfold as JSON: then every text is cut short. */
		if (!wanted(a) || (!write_row(a, NAME_BYTES) && !write_row(a, SHORT_BYTES)))
			continue;
		len += store_put((uint8_t *)buf + len, cap - len, &head, sizeof head, &row, 1);
		a->rows++;
	}
	return len;
}
