/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as lines; see replay_flow.h. What was read from the wire reaches a terminal only as visible ASCII. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "record.h"
#include "replay_flow.h"

enum { CELL = 1100 }; /* a name of 255 bytes of which each became \xHH, and more than any reason */

/* Visible ASCII stays; a backslash too, since DNS names are escaped already. */
static void
visible(const char *text, char out[CELL])
{
	size_t n = 0;

	for (const unsigned char *p = (const unsigned char *)(text ? text : ""); *p && n + 5 < CELL; p++) {
		if (*p > ' ' && *p < 0x7f)
			out[n++] = (char)*p;
		else
			n += (size_t)sprintf(out + n, *p == ' ' ? " " : "\\x%02x", *p);
	}
	out[n] = 0;
}

static const char *
transport(uint8_t proto, char out[8])
{
	const char *name = proto_name(proto);

	if (name)
		return name;
	snprintf(out, 8, "%u", proto);
	return out;
}

/* The country, the range that is in none, or "??". */
static const char *
where(const struct place *p)
{
	if (p->special != SPECIAL_NONE)
		return special_name(p->special);
	return p->country[0] ? p->country : "??";
}

/* "failed" is what EVE readers know; here people and scripts read the policy's word. */
static const char *
protocol(const struct record *r)
{
	return r->app_proto && strcmp(r->app_proto, "failed") != 0 ? r->app_proto : "unknown";
}

/* What the client called its server itself; what DNS said is about the address. */
static const char *
own_name(const struct record *r)
{
	return r->dest_name && strcmp(r->dest_name_from, "dns") != 0 ? r->dest_name : "";
}

static void
print_port(const struct tuple *t, uint16_t port, char out[8])
{
	snprintf(out, 8, proto_has_ports(t->proto) ? "%u" : "", port);
}

static bool
add_labels(struct table *table, const struct record *r)
{
	const struct tuple *t = &r->flow->tuple;
	char src[ADDR_TEXT], dst[ADDR_TEXT], sport[8], dport[8], number[8], name[CELL];

	print_port(t, t->sport, sport);
	print_port(t, t->dport, dport);
	visible(own_name(r), name);
	const char *const cells[TABLE_COLUMNS] = {
		transport(t->proto, number), addr_print(&t->src, src), sport, addr_print(&t->dst, dst), dport,
		protocol(r), name, r->ja4 ? r->ja4 : "",
	};
	return table_add(table, r->flow->start_us, cells, stdout);
}

/* "192.0.2.1:443", "[2001:db8::1]:443"; with the transport behind it where that is wanted, "/tcp". */
static void
print_end(const struct tuple *t, const struct addr *a, uint16_t port, bool named, char out[ADDR_TEXT + 24])
{
	char text[ADDR_TEXT], number[8], at[8] = "";
	bool brackets = proto_has_ports(t->proto) && !addr_is_v4(a);

	if (proto_has_ports(t->proto))
		snprintf(at, sizeof at, ":%u", port);
	snprintf(out, ADDR_TEXT + 24, "%s%s%s%s%s%s", brackets ? "[" : "", addr_print(a, text), brackets ? "]" : "", at,
		 named ? "/" : "", named ? transport(t->proto, number) : "");
}

static void
print_bytes(uint64_t bytes, char out[16])
{
	static const char units[] = " kMGTP";
	double n = (double)bytes;
	size_t unit = 0;

	for (; n >= 1000 && unit + 2 < sizeof units; unit++)
		n /= 1000;
	if (unit)
		snprintf(out, 16, "%.1f%c", n, units[unit]);
	else
		snprintf(out, 16, "%llu", (unsigned long long)bytes);
}

static void
print_start(int64_t us, char out[32])
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || strftime(out, 32, "%H:%M:%S", &tm) == 0)
		strcpy(out, "?");
}

/* The word says what happened to it, or would have. */
static const char *
decision(const struct record_decision *d)
{
	static const char *const done[] = {"PENDING", "ALLOW", "BLOCK", "REJECT"};
	static const char *const would[] = {"PENDING", "ALLOW", "WOULD BLOCK", "WOULD REJECT"};

	return (d->decision == d->would ? done : would)[d->would];
}

static bool
add_human(struct table *table, const struct record *r)
{
	const struct tuple *t = &r->flow->tuple;
	char start[32], client[ADDR_TEXT + 24], server[ADDR_TEXT + 24], bytes[16], name[CELL], reason[CELL];

	print_start(r->flow->start_us, start);
	print_end(t, &t->src, t->sport, false, client);
	print_end(t, &t->dst, t->dport, true, server);
	print_bytes(r->flow->bytes_toserver + r->flow->bytes_toclient, bytes);
	visible(r->dest_name, name);
	visible(r->decision->reason, reason);
	const char *const cells[TABLE_COLUMNS] = {
		start, client, server, where(r->place), protocol(r), name[0] ? name : "-", bytes, decision(r->decision), reason,
	};
	return table_add(table, r->flow->start_us, cells, stdout);
}

static void
print_eve(const struct record *r)
{
	char line[RECORD_BYTES];
	size_t len = record_print(r, line, sizeof line);

	fwrite(line, 1, len, stdout);
}

void
flow_output_start(struct flow_output *o, enum flow_format format, bool judged, size_t width)
{
	static const char *const labels[TABLE_COLUMNS] = {"transport", "src_ip", "src_port", "dst_ip", "dst_port", "app_proto", "name", "ja4"};
	static const char *const human[TABLE_COLUMNS] = {"START", "CLIENT", "SERVER", "WHERE", "SPEAKS", "NAME", "BYTES", "DECISION", "REASON"};
	static const size_t floor[TABLE_COLUMNS] = {8, 21, 25, 7, 10, 12, 6, 11, 8};
	size_t n = format == FLOW_LABELS ? 8 : judged ? 9 : 7;

	*o = (struct flow_output){.format = format, .table = {.aligned = format == FLOW_HUMAN, .width = format == FLOW_HUMAN ? width : 0}};
	for (size_t i = 0; i < n; i++)
		o->table.header[i] = format == FLOW_LABELS ? labels[i] : human[i];
	memcpy(o->table.floor, floor, sizeof floor);
}

void
flow_output_record(void *arg, const struct record *r)
{
	struct flow_output *o = arg;

	if (o->format == FLOW_NONE)
		return;
	if (o->format == FLOW_EVE)
		print_eve(r);
	else if (r->type == RECORD_FLOW && !(o->format == FLOW_LABELS ? add_labels : add_human)(&o->table, r))
		o->failed = true;
}

void
flow_output_end(struct flow_output *o)
{
	if (o->format == FLOW_HUMAN || o->format == FLOW_LABELS)
		table_print(&o->table, stdout);
	table_free(&o->table);
}
