/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record in one line: time, type, what was done, who, where to, what it speaks, under which rule. */
#include "tail_line.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "listing.h"

enum { LINE = 1024, SID_OWN = 1990000 };

struct line {
	char text[LINE];
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
add(struct line *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(l->text + l->len, sizeof l->text - l->len, fmt, ap);
	va_end(ap);
	l->len += n < 0 ? 0 : (size_t)n;
	if (l->len >= sizeof l->text)
		l->len = sizeof l->text - 1;
}

/* "2026-11-23T05:40:00.123456+0000" in the reader's own time zone. */
static void
add_time(struct line *l, const char *stamp)
{
	struct tm tm = {0};

	if (sscanf(stamp, "%d-%d-%dT%d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6) {
		add(l, "--:--:-- ");
		return;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	time_t s = timegm(&tm);
	if (localtime_r(&s, &tm))
		add(l, "%02d:%02d:%02d ", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static const struct word {
	const char *name, *colour;
} words[] = {{"BLOCK", "\033[31m"}, {"REJECT", "\033[31m"}, {"WOULD", "\033[33m"}, {"ALLOW", "\033[32m"}, {"", ""}};

/* What was done with it; in monitor mode what would have been. */
static const struct word *
decision(struct json_object *r)
{
	const char *done = client_text(r, "lenscap.decision"), *would = client_text(r, "lenscap.would");

	if (strcmp(done, "block") == 0)
		return &words[0];
	if (strcmp(done, "reject") == 0)
		return &words[1];
	if (strcmp(would, "block") == 0 || strcmp(would, "reject") == 0)
		return &words[2];
	return &words[strcmp(done, "allow") == 0 ? 3 : 4];
}

static void
add_far_side(struct line *l, struct json_object *r)
{
	bool inbound = client_flag(r, "lenscap.inbound");
	const char *ip = client_text(r, "lenscap.dest.ip"), *proto = client_text(r, "proto");
	long long port = client_number(r, inbound ? "src_port" : "dest_port");

	if (!*ip)
		ip = client_text(r, "dest_ip");
	if (!*ip)
		return;
	add(l, strchr(ip, ':') ? "%s [%s]" : "%s %s", inbound ? "<-" : "->", ip);
	if (port)
		add(l, ":%lld", port);
	add(l, " %s", proto);
	if (*client_text(r, "lenscap.dest.country"))
		add(l, " %s", client_text(r, "lenscap.dest.country"));
	else if (*client_text(r, "lenscap.dest.special"))
		add(l, " %s", client_text(r, "lenscap.dest.special"));
	if (client_number(r, "lenscap.dest.asn"))
		add(l, " AS%lld", client_number(r, "lenscap.dest.asn"));
}

static const char *
asked(struct json_object *r)
{
	struct json_object *queries = client_member(r, "dns.queries");

	if (json_object_is_type(queries, json_type_array) && json_object_array_length(queries) > 0)
		return client_text(json_object_array_get_idx(queries, 0), "rrname");
	return client_text(r, "dns.rrname");
}

/* What tells this record from others of its flow. */
static void
add_details(struct line *l, struct json_object *r, const char *type)
{
	const char *name = strcmp(type, "dns") == 0 ? asked(r) : client_text(r, "lenscap.dest.name");

	if (*client_text(r, "app_proto"))
		add(l, " %s", client_text(r, "app_proto"));
	if (*name)
		add(l, " %s", name);
	if (*client_text(r, "lenscap.rule"))
		add(l, " (%s)", client_text(r, "lenscap.rule"));
	if (strcmp(type, "flow") == 0) {
		char size[LISTING_SIZE];
		listing_size((uint64_t)(client_number(r, "flow.bytes_toserver") + client_number(r, "flow.bytes_toclient")), false, size);
		add(l, " %s %s", size, client_text(r, "lenscap.ended"));
	}
	if (strcmp(type, "anomaly") == 0)
		add(l, " %s", client_text(r, "anomaly.event"));
	if (strcmp(type, "drop") == 0)
		add(l, " %s", client_text(r, "lenscap.drop"));
	if (client_number(r, "lenscap.repeat") > 1)
		add(l, " x%lld", client_number(r, "lenscap.repeat"));
}

static void
cut(char *text, size_t width)
{
	size_t shown = 0;

	for (char *p = text; width && *p; p++)
		if (((unsigned char)*p & 0xc0) != 0x80 && ++shown > width) {
			*p = 0;
			for (p--; p > text && ((unsigned char)*p & 0xc0) == 0x80; p--)
				;
			strcpy(p, "~");
			return;
		}
}

/* What an alert says itself, where no rule and no far side tell it: a label that lies, a reload that was refused. NULL: they do. */
static const char *
own_words(struct json_object *r)
{
	static const char prefix[] = "LENSCAP ";
	const char *text = client_text(r, "alert.signature");

	if (!*text || (*client_text(r, "lenscap.device.name") && client_number(r, "alert.signature_id") <= SID_OWN))
		return NULL;
	return strncmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : text;
}

void
tail_print(const struct tail_style *style, struct json_object *r, FILE *out)
{
	const char *type = client_text(r, "event_type"), *device = client_text(r, "lenscap.device.name");
	const struct word *done = decision(r);
	struct line l = {.len = 0};
	char safe[LINE];

	add_time(&l, client_text(r, "timestamp"));
	add(&l, "%-7s ", type);
	size_t at = l.len;
	add(&l, "%-6s ", done->name);
	if (strcmp(type, "stats") == 0)
		add(&l, "%lld packets, %lld flows", client_number(r, "lenscap.stats.packets"), client_number(r, "lenscap.stats.flows_active"));
	else if (own_words(r))
		add(&l, "%s", own_words(r));
	else {
		add(&l, "%-12s ", *device ? device : "-");
		add_far_side(&l, r);
		add_details(&l, r, type);
	}
	listing_text(l.text, safe, sizeof safe);
	cut(safe, style->width);
	if (style->colour && *done->name && strlen(safe) > at + strlen(done->name))
		fprintf(out, "%.*s%s%s\033[0m%s\n", (int)at, safe, done->colour, done->name, safe + at + strlen(done->name));
	else
		fprintf(out, "%s\n", safe);
}
