/* SPDX-License-Identifier: GPL-2.0-or-later */
/* outputs: – where records go. */
#include <string.h>
#include <syslog.h>

#include "loader.h"

enum {
	RECORD_ALL = (1 << RECORD_TYPES) - 1,
};

static const struct choice record_types[] = {
	{"alert", RECORD_ALERT},     {"flow", RECORD_FLOW}, {"drop", RECORD_DROP}, {"stats", RECORD_STATS},
	{"anomaly", RECORD_ANOMALY}, {"dns", RECORD_DNS},   {"tls", RECORD_TLS},   {"http", RECORD_HTTP},
	{"quic", RECORD_QUIC},	     {"all", RECORD_ALL},
};

static const struct choice facilities[] = {
	{"kern", LOG_FAC(LOG_KERN)},	 {"user", LOG_FAC(LOG_USER)},	      {"mail", LOG_FAC(LOG_MAIL)},
	{"daemon", LOG_FAC(LOG_DAEMON)}, {"auth", LOG_FAC(LOG_AUTH)},	      {"syslog", LOG_FAC(LOG_SYSLOG)},
	{"lpr", LOG_FAC(LOG_LPR)},	 {"news", LOG_FAC(LOG_NEWS)},	      {"uucp", LOG_FAC(LOG_UUCP)},
	{"cron", LOG_FAC(LOG_CRON)},	 {"authpriv", LOG_FAC(LOG_AUTHPRIV)}, {"ftp", LOG_FAC(LOG_FTP)},
	{"local0", LOG_FAC(LOG_LOCAL0)}, {"local1", LOG_FAC(LOG_LOCAL1)},     {"local2", LOG_FAC(LOG_LOCAL2)},
	{"local3", LOG_FAC(LOG_LOCAL3)}, {"local4", LOG_FAC(LOG_LOCAL4)},     {"local5", LOG_FAC(LOG_LOCAL5)},
	{"local6", LOG_FAC(LOG_LOCAL6)}, {"local7", LOG_FAC(LOG_LOCAL7)},
};

static void
load_type(struct loader *l, const struct node *value, void *into)
{
	struct policy_output *o = into;
	unsigned v;
	if (read_choice(l, value, record_types, sizeof(record_types) / sizeof(record_types[0]), &v))
		o->types |= v;
}

static void
load_types(struct loader *l, const struct node *value, void *into)
{
	((struct policy_output *)into)->types = 0;
	load_each(l, value, load_type, into);
}

static void
load_eve_path(struct loader *l, const struct node *value, void *into)
{
	struct policy_output *o = into;
	if (!read_path(l, value, &o->path))
		return;
	for (size_t i = 0; i < l->p->n_outputs; i++)
		if (l->p->outputs[i].path && strcmp(l->p->outputs[i].path, o->path) == 0)
			load_error(l, value, "E133", "another output writes to \"%.64s\" already", o->path);
}

static void
load_facility(struct loader *l, const struct node *value, void *into)
{
	read_choice(l, value, facilities, sizeof(facilities) / sizeof(facilities[0]),
		    &((struct policy_output *)into)->facility);
}

static void
push_output(struct loader *l, const struct node *value, const struct schema *schema, struct policy_output o)
{
	load_map(l, value, schema, &o);
	l->p->outputs[l->p->n_outputs++] = o;
}

static void
load_eve(struct loader *l, const struct node *value, void *into)
{
	static const struct field fields[] = {{"path", load_eve_path, FIELD_REQUIRED},
					      {"types", load_types, 0}};
	static const struct schema schema = {"eve", fields, 2, 0};
	(void)into;
	push_output(l, value, &schema, (struct policy_output){.kind = OUTPUT_EVE, .types = RECORD_ALL});
}

static void
load_syslog(struct loader *l, const struct node *value, void *into)
{
	static const struct field fields[] = {{"facility", load_facility, 0}, {"types", load_types, 0}};
	static const struct schema schema = {"syslog", fields, 2, 0};
	struct policy_output o = {
		.kind = OUTPUT_SYSLOG, .types = RECORD_ALL, .facility = LOG_FAC(LOG_LOCAL5)};
	(void)into;
	push_output(l, value, &schema, o);
}

static void
load_stdout(struct loader *l, const struct node *value, void *into)
{
	static const struct field fields[] = {{"types", load_types, 0}};
	static const struct schema schema = {"stdout", fields, 1, 0};
	(void)into;
	push_output(l, value, &schema, (struct policy_output){.kind = OUTPUT_STDOUT, .types = RECORD_ALL});
}

/* One entry of the list: a map with the kind of output as its only key. */
static void
load_output(struct loader *l, const struct node *value)
{
	static const struct field fields[] = {
		{"eve", load_eve, 0}, {"syslog", load_syslog, 0}, {"stdout", load_stdout, 0}};
	static const struct schema schema = {"an output", fields, 3, 0};
	if (value->kind == NODE_MAP && value->n != 1)
		load_error(l, value, "E103", "an output is a map with one key: eve, syslog or stdout");
	else if (l->p->n_outputs == OUTPUTS_MAX)
		load_error(l, value, "E115", "more than %d outputs", OUTPUTS_MAX);
	else
		load_map(l, value, &schema, NULL);
}

void
load_outputs(struct loader *l, const struct node *value, void *into)
{
	(void)into;
	if (!expect_list(l, value, "outputs"))
		return;
	if (!value->first)
		load_error(l, value, "E140", "this list is empty: nothing would be recorded");
	l->p->outputs = region_alloc(&l->p->region, OUTPUTS_MAX * sizeof(*l->p->outputs));
	for (const struct node *n = l->p->outputs ? value->first : NULL; n; n = n->next)
		load_output(l, n);
}

void
outputs_defaults(struct loader *l)
{
	l->p->outputs = region_alloc(&l->p->region, sizeof(*l->p->outputs));
	if (!l->p->outputs)
		return;
	l->p->outputs[0] = (struct policy_output){
		.kind = OUTPUT_EVE, .path = "/var/log/lenscap/eve.json", .types = RECORD_ALL};
	l->p->n_outputs = 1;
}
