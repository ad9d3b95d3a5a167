/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quarantine: a device is cut off from everything across the gateway. release: it is let back. Both are answered when the kernel knows.
 * quarantined: who is.
 */
#include <stdio.h>
#include <string.h>

#include "chronicle.h"
#include "control_private.h"
#include "jail.h"
#include "log.h"

enum { LISTED_MAX = 256, STATUS_MAX = 16, REASON_MAX = 120 };

/* An operator's words, for our log: one line whatever they hold. */
static void
one_line(const char *text, char out[REASON_MAX])
{
	size_t n = 0;

	for (; text && text[n] && n < REASON_MAX - 1; n++)
		out[n] = (unsigned char)text[n] < ' ' || text[n] == 0x7f ? '?' : text[n];
	out[n] = '\0';
}

static enum control_result
refuse(struct control_call *call, const char *error)
{
	call->error = error;
	return CONTROL_ERROR;
}

/* Who asked for what: for the log and the history. */
static void
note(struct control_call *call, const char *kind, const char *name, const char *reason)
{
	char who[32], text[2 * REASON_MAX + 16];

	snprintf(who, sizeof who, "uid %u", call->who->uid);
	snprintf(text, sizeof text, "asked: %s%s%s", name, *reason ? ": " : "", reason);
	log_info("%s by %s %s", kind, who, text);
	chronicle_event(call->engine, kind, who, text);
}

static enum control_result
run(struct control_call *call)
{
	struct channel_quarantine m;
	const char *who = request_text(call->request, "device");
	int64_t seconds = request_number(call->request, "for_s", 0);
	char reason[REASON_MAX], name[REASON_MAX];

	if (!who || !*who)
		return refuse(call, "device is missing");
	if (seconds < 0 || seconds > QUARANTINE_SECONDS_MAX)
		return refuse(call, "for_s is out of range: 1 to 315360000, or 0 until it is released");
	const char *error = jail_find(call->engine, who, false, &m);
	if (error)
		return refuse(call, error);
	m.head.arg = call->ticket;
	m.seconds = (uint32_t)seconds;
	one_line(request_text(call->request, "reason"), reason);
	one_line(who, name);
	note(call, "quarantine", name, reason);
	return jail_send(call->engine, &m) ? CONTROL_LATER : refuse(call, "the gate does not answer");
}

const struct control_command control_quarantine = {"quarantine", true, run};

/* Its row in the list; NULL: it is not there. */
static const struct channel_quarantined_row *
find_row(const struct engine *e, const struct channel_quarantine *m)
{
	size_t n;
	const struct channel_quarantined_row *rows = jail_rows(e, &n);

	for (size_t i = 0; i < n; i++) {
		bool same = m->by_address ? addr_cmp(&rows[i].addr, &m->addr) == 0 : memcmp(&rows[i].mac, &m->mac, sizeof m->mac) == 0;
		if (same && rows[i].by_address == m->by_address && rows[i].why != QUARANTINE_FLOOD)
			return &rows[i];
	}
	return NULL;
}

bool
quarantine_holds(struct engine *e, const char *who)
{
	struct channel_quarantine m;

	return !jail_find(e, who, true, &m) && find_row(e, &m);
}

static enum control_result
release(struct control_call *call)
{
	struct channel_quarantine m;
	const char *who = request_text(call->request, "device");
	char name[REASON_MAX];

	if (!who || !*who)
		return refuse(call, "device is missing");
	const char *error = jail_find(call->engine, who, true, &m);
	if (error)
		return refuse(call, error);
	if (!find_row(call->engine, &m))
		return refuse(call, "this device is not in quarantine");
	m.head.arg = call->ticket;
	m.release = 1;
	one_line(who, name);
	note(call, "release", name, "");
	return jail_send(call->engine, &m) ? CONTROL_LATER : refuse(call, "the gate does not answer");
}

const struct control_command control_release = {"release", true, release};

static void
write_rows(struct json *j, struct engine *e, const char *key, size_t max)
{
	static const char *const whys[QUARANTINE_WHYS] = {"operator", "rule", "flood"};
	size_t n;
	const struct channel_quarantined_row *rows = jail_rows(e, &n);
	char text[ADDR_TEXT];

	json_array(j, key);
	for (size_t i = 0; i < n && i < max; i++) {
		const struct channel_quarantined_row *r = &rows[i];
		json_object(j, NULL);
		json_str(j, "device", jail_name(e, r, text));
		if (!r->by_address)
			json_str(j, "mac", mac_print(&r->mac, text));
		if (addr_cmp(&r->addr, &(struct addr){0}) != 0)
			json_str(j, "address", addr_print(&r->addr, text));
		json_str(j, "why", whys[r->why]);
		if (r->left_s)
			json_uint(j, "left_s", r->left_s);
		if (r->why == QUARANTINE_FLOOD)
			json_uint(j, "dropped", r->packets);
		json_object_end(j);
	}
	json_array_end(j);
}

void
quarantine_status(struct json *j, struct engine *e)
{
	write_rows(j, e, "quarantine", STATUS_MAX);
}

static enum control_result
list(struct control_call *call)
{
	struct json *j = call->reply;
	size_t n;

	(void)jail_rows(call->engine, &n);
	json_object(j, "data");
	json_uint(j, "total", n);
	write_rows(j, call->engine, "devices", LISTED_MAX);
	json_object_end(j);
	return CONTROL_OK;
}

const struct control_command control_quarantined = {"quarantined", false, list};
