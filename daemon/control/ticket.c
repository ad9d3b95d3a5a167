/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers that come later, and the streams that the server drives; see control.h and control_private.h. */
#include <stdlib.h>
#include <string.h>

#include "ring.h"
#include "server.h"

static uint32_t
new_number(struct control *k)
{
	if (++k->next_ticket == 0)
		k->next_ticket = 1; /* 0 is nobody's */
	return k->next_ticket;
}

struct ticket *
ticket_new(struct client *c, const struct request_id *id)
{
	for (size_t i = 0; i < CONTROL_TICKETS; i++)
		if (!c->tickets[i].number) {
			c->tickets[i] = (struct ticket){.number = new_number(c->control), .id = *id};
			return &c->tickets[i];
		}
	return NULL;
}

void
ticket_free(struct ticket *t)
{
	if (t->pump)
		t->pump->done(t->state);
	memset(t, 0, sizeof *t);
}

void
tickets_free(struct client *c)
{
	for (size_t i = 0; i < CONTROL_TICKETS; i++)
		if (c->tickets[i].number)
			ticket_free(&c->tickets[i]);
}

static struct ticket *
find(struct control *k, uint32_t number, struct client **ret_client)
{
	for (size_t i = 0; k && number && i < CONTROL_CLIENTS; i++) {
		struct client *c = &k->clients[i];
		for (size_t t = 0; c->control && !c->dropped && t < CONTROL_TICKETS; t++)
			if (c->tickets[t].number == number) {
				*ret_client = c;
				return &c->tickets[t];
			}
	}
	return NULL;
}

/* Not freed before its step has returned, because the pump's state is in use there. */
static void
answered(struct control *k, struct ticket *t)
{
	t->number = 0;
	if (!t->pump)
		memset(t, 0, sizeof *t);
	control_wake(k);
}

void
control_answer(struct control *k, uint32_t ticket, bool ok, const char *error, const char *data_json)
{
	struct client *c;
	struct ticket *t = find(k, ticket, &c);
	char id[ID_LINE], words[1024];
	struct json j;

	if (!t)
		return; /* it hung up, or a signal asked */
	json_init(&j, words, sizeof words);
	json_bool(&j, "ok", ok);
	if (!ok)
		json_strn(&j, "error", error ? error : "it failed", error ? strlen(error) : strlen("it failed"), 128);
	bool sent = client_write(c, id, reply_id(id, &t->id)) && client_write(c, ",", 1) && client_write(c, j.buf, j.len);
	if (data_json || ok)
		sent = sent && client_write(c, ",\"data\":", 8) && client_write(c, data_json ? data_json : "null", data_json ? strlen(data_json) : 4);
	if (sent)
		client_write(c, "}\n", 2);
	answered(k, t);
}

bool
control_event(struct control *k, uint32_t ticket, const char *json, size_t len)
{
	struct client *c;
	struct ticket *t = find(k, ticket, &c);
	char id[ID_LINE];

	return t && client_write(c, id, reply_id(id, &t->id)) && client_write(c, ",\"event\":", 9) && client_write(c, json, len) &&
	       client_write(c, "}\n", 2);
}

size_t
control_waiting(struct control *k, uint32_t ticket)
{
	struct client *c;
	return find(k, ticket, &c) ? client_waiting(c) : SIZE_MAX;
}

/* While all ends, whoever still waits for something is told so. */
static bool
has_work(const struct client *c, const struct ticket *t)
{
	return (t->number && (t->runnable || c->control->closing)) || (!t->number && t->pump);
}

bool
tickets_runnable(const struct client *c)
{
	bool any = false;

	for (size_t i = 0; i < CONTROL_TICKETS; i++)
		any |= has_work(c, &c->tickets[i]);
	return any && client_waiting(c) <= CONTROL_PAUSE;
}

bool
tickets_waiting(const struct client *c)
{
	for (size_t i = 0; i < CONTROL_TICKETS; i++)
		if (c->tickets[i].number || c->tickets[i].pump)
			return true;
	return false;
}

static void
step(struct client *c, struct ticket *t)
{
	struct control *k = c->control;

	if (t->number && t->pump) {
		enum control_step s = t->pump->step(k, k->engine, t->number, t->state);
		t->runnable = s == STEP_MORE;
	}
	if (t->number && k->closing && !t->runnable)
		control_answer(k, t->number, false, "the daemon stops", NULL);
	if (!t->number && t->pump)
		ticket_free(t);
}

void
tickets_step(struct client *c)
{
	for (unsigned n = 0; n < CONTROL_TICKETS; n++) {
		struct ticket *t = &c->tickets[c->next++ % CONTROL_TICKETS];
		if (has_work(c, t)) {
			step(c, t);
			return;
		}
	}
}

void
tickets_wake(struct client *c)
{
	for (size_t i = 0; i < CONTROL_TICKETS; i++)
		c->tickets[i].runnable |= c->tickets[i].number && c->tickets[i].pump;
}

void
control_news(struct control *k)
{
	if (!k || !k->engine->ring || ring_next(k->engine->ring) == k->told)
		return;
	k->told = ring_next(k->engine->ring);
	bool any = false;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (k->clients[i].control && !k->clients[i].dropped) {
			tickets_wake(&k->clients[i]);
			any |= tickets_runnable(&k->clients[i]);
		}
	if (any)
		control_wake(k);
}
