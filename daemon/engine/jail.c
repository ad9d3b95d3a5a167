/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See jail.h. */
#include "jail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chronicle.h"
#include "engine.h"
#include "log.h"

#define ASK_AGAIN_NS 2000000000ull

enum {
	ROWS_MAX = 4096 + 256, /* what a gate holds, floods included */
	SENT_A_SECOND = 1000,
	ASKED = 64,	       /* devices for which a rule has asked just now */
};

struct rows {
	size_t n;
	struct channel_quarantined_row row[ROWS_MAX];
};

struct jail {
	struct rows is, next;
	struct {
		uint32_t device, life;
		uint64_t at_ns;
	} asked[ASKED];
	unsigned n_asked;
	uint64_t sent_s; /* the second in which so many messages went to the gate */
	unsigned sent;
	struct log_limit complaint;
};

struct jail *
jail_new(void)
{
	return calloc(1, sizeof(struct jail));
}

void
jail_free(struct jail *j)
{
	free(j);
}

const struct channel_quarantined_row *
jail_rows(const struct engine *e, size_t *ret_n)
{
	*ret_n = e->jail->is.n;
	return e->jail->is.row;
}

static struct device *
device_of(const struct engine *e, const struct channel_quarantined_row *row)
{
	char text[ADDR_TEXT];

	return device_find(e->devices, e->is.policy, row->by_address ? addr_print(&row->addr, text) : mac_print(&row->mac, text));
}

const char *
jail_name(const struct engine *e, const struct channel_quarantined_row *row, char out[ADDR_TEXT])
{
	size_t n;
	const struct policy_device *list = policy_devices(e->is.policy, &n);
	const struct device *d = device_of(e, row);
	uint16_t i = row->by_address ? policy_device_by_addr(e->is.policy, &row->addr) : policy_device_by_mac(e->is.policy, &row->mac);

	if (d)
		return device_name(d, e->is.policy, out);
	if (i < n)
		return list[i].name;
	return row->by_address ? addr_print(&row->addr, out) : mac_print(&row->mac, out);
}

static void
for_how_long(uint32_t seconds, char out[32])
{
	if (seconds == 0)
		snprintf(out, 32, "until it is released");
	else
		snprintf(out, 32, "for %us", seconds);
}

static void
report(struct engine *e, const struct channel_quarantined_row *row, enum signature sid, enum alert_level level, const char *text)
{
	const struct device *d = device_of(e, row);
	char name[ADDR_TEXT], line[320];

	log_info("%s", text);
	chronicle_event(e, row->why == QUARANTINE_FLOOD ? "flood" : "quarantine", jail_name(e, row, name), text);
	snprintf(line, sizeof line, "LENSCAP %s", text);
	if (d)
		report_identity(e, d, NULL, sid, level, line);
	else
		report_event(e, sid, level, text);
}

static void
tell_quarantine(struct engine *e, const struct channel_quarantined_row *row, const char *name)
{
	char text[300], lasts[32];
	const char *whose = row->why == QUARANTINE_RULE ? "by a rule" : "by an operator";

	for_how_long(row->left_s, lasts);
	if (row->flags & QUARANTINED_REFUSED)
		snprintf(text, sizeof text, "quarantine: %.100s could NOT be cut off: the kernel refuses", name);
	else if (row->flags & QUARANTINED_ENDED)
		snprintf(text, sizeof text, "quarantine: %.100s is let back", name);
	else
		snprintf(text, sizeof text, "quarantine: %.100s is cut off %s, %s", name, lasts, whose);
	report(e, row, SID_QUARANTINED, row->flags & QUARANTINED_ENDED ? ALERT_MEDIUM : ALERT_HIGH, text);
}

static void
tell_flood(struct engine *e, const struct channel_quarantined_row *row, const char *name)
{
	char text[300];
	unsigned long long n = row->packets;

	if (row->flags & QUARANTINED_ENDED)
		snprintf(text, sizeof text, "flood: %.100s may open connections again; at least %llu packets of new ones were dropped", name, n);
	else
		snprintf(text, sizeof text,
			 "flood: %.100s opens more than %u connections a second; its new ones are dropped for %us (%llu packets so far)", name,
			 policy_options(e->is.policy)->new_flows, row->left_s, n);
	report(e, row, SID_FLOOD, row->flags & QUARANTINED_ENDED ? ALERT_LOW : ALERT_HIGH, text);
}

static void
tell(struct engine *e, const struct channel_quarantined_row *row)
{
	char name[ADDR_TEXT];

	if (!(row->flags & (QUARANTINED_BEGUN | QUARANTINED_ENDED)))
		return;
	(row->why == QUARANTINE_FLOOD ? tell_flood : tell_quarantine)(e, row, jail_name(e, row, name));
}

bool
jail_message(struct engine *e, const struct channel_quarantined *m)
{
	struct rows *next = &e->jail->next;

	if (m->head.arg & QUARANTINED_FIRST)
		next->n = 0;
	for (size_t i = 0; i < m->head.count; i++) {
		const struct channel_quarantined_row *row = &m->row[i];
		if (row->why >= QUARANTINE_WHYS || next->n == ROWS_MAX)
			return false;
		tell(e, row);
		if (!(row->flags & QUARANTINED_ENDED))
			next->row[next->n++] = *row;
	}
	if (m->head.arg & QUARANTINED_LAST) {
		memcpy(e->jail->is.row, next->row, next->n * sizeof *next->row);
		e->jail->is.n = next->n;
	}
	return true;
}

static void
name_device(const struct device *d, struct channel_quarantine *ret)
{
	ret->by_address = d->by_address;
	ret->addr = d->addr;
	if (!d->by_address)
		ret->mac = d->mac;
}

/* Of the inventory, though nobody has seen it yet. */
static bool
find_declared(const struct engine *e, const char *who, struct channel_quarantine *ret)
{
	size_t n;
	const struct policy_device *list = policy_devices(e->is.policy, &n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].name, who) != 0 || (!list[i].has_mac && list[i].n_addresses == 0))
			continue;
		ret->by_address = !list[i].has_mac;
		if (list[i].has_mac)
			ret->mac = list[i].mac;
		else
			ret->addr = list[i].addresses[0];
		return true;
	}
	return false;
}

static bool
find_row(const struct engine *e, const char *who, struct channel_quarantine *ret)
{
	char name[ADDR_TEXT], text[ADDR_TEXT];

	for (size_t i = 0; i < e->jail->is.n; i++) {
		const struct channel_quarantined_row *row = &e->jail->is.row[i];
		if (row->why == QUARANTINE_FLOOD ||
		    (strcmp(jail_name(e, row, name), who) != 0 && strcmp(addr_print(&row->addr, text), who) != 0))
			continue;
		ret->by_address = row->by_address;
		ret->mac = row->mac;
		ret->addr = row->addr;
		return true;
	}
	return false;
}

const char *
jail_find(struct engine *e, const char *who, bool among, struct channel_quarantine *ret)
{
	*ret = (struct channel_quarantine){.head = {.type = CH_QUARANTINE}};
	if (among && find_row(e, who, ret))
		return NULL;
	const struct device *d = device_find(e->devices, e->is.policy, who);
	if (d && device_index(e->devices, d) != DEVICE_ANONYMOUS)
		name_device(d, ret);
	else if (!find_declared(e, who, ret) && !mac_parse(who, &ret->mac))
		return "no device is known by this name, MAC or address";
	if (!ret->by_address && (mac_is_zero(&ret->mac) || ret->mac.b[0] & 1))
		return "this is no device's MAC address";
	return NULL;
}

bool
jail_send(struct engine *e, const struct channel_quarantine *m)
{
	struct jail *j = e->jail;

	if (j->sent_s != e->now.mono_ns / 1000000000) {
		j->sent_s = e->now.mono_ns / 1000000000;
		j->sent = 0;
	}
	/* The gate takes no more for honest; a camera that is left out asks for it again with its next flow. */
	return j->sent++ < SENT_A_SECOND && channel_send(e->channel, m, sizeof *m, NULL, 0) == 0;
}

/* A camera that goes on trying opens many flows; one message is enough. */
static bool
just_asked(struct jail *j, uint32_t device, uint32_t life, uint64_t now_ns)
{
	for (unsigned i = 0; i < ASKED; i++)
		if (j->asked[i].device == device && j->asked[i].life == life && j->asked[i].at_ns && now_ns - j->asked[i].at_ns < ASK_AGAIN_NS)
			return true;
	j->asked[j->n_asked++ % ASKED] = (typeof(j->asked[0])){device, life, now_ns};
	return false;
}

void
jail_by_rule(struct engine *e, const struct flow *f, const struct rule_info *rule)
{
	const struct device *d = device_at(e->devices, f->device);
	struct channel_quarantine m = {.head = {.type = CH_QUARANTINE}, .seconds = rule->quarantine_s};

	if (e->offline || f->device == DEVICE_ANONYMOUS || just_asked(e->jail, f->device, d->life, e->now.mono_ns))
		return;
	name_device(d, &m);
	if (!m.by_address && (mac_is_zero(&m.mac) || m.mac.b[0] & 1))
		return;
	if (!jail_send(e, &m) && log_allowed(&e->jail->complaint, e->now.mono_ns, NULL))
		log_warnx("quarantine: the gate does not take it, or too many are asked for at once");
}
