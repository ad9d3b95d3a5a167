/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands that change the policy in force share: the way to the gate, and what status says of the terms. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "chronicle.h"
#include "control_private.h"

enum { ASK_A_SECOND = 100 };

static const char *const mode_words[] = {"policy", "monitor", "enforce"};

bool
control_seconds(struct control_call *call, const char *name, uint32_t max, uint32_t *ret_seconds)
{
	if (!request_has(call->request, name)) {
		*ret_seconds = 0;
		return true;
	}
	int64_t s = request_number(call->request, name, 0);
	if (s < 1 || s > max) {
		call->error = "that number of seconds is not possible here";
		return false;
	}
	*ret_seconds = (uint32_t)s;
	return true;
}

/* For the history; what became of it is noted when it has. */
static void
note(struct engine *e, const struct channel_request *ask)
{
	const char *kind = ask->head.type == CH_RELOAD ? "reload" : ask->head.type == CH_CONFIRM ? "confirm" :
			   ask->head.type == CH_UNDO ? "undo" : "mode";
	char who[48], text[80] = "asked";

	snprintf(who, sizeof who, "uid %u pid %u", ask->uid, ask->pid);
	if (ask->head.type == CH_MODE)
		snprintf(text, sizeof text, "asked: %s", mode_words[ask->mode]);
	if (ask->head.type == CH_MODE && ask->seconds)
		snprintf(text, sizeof text, "asked: %s for %u s", mode_words[ask->mode], ask->seconds);
	else if (ask->seconds)
		snprintf(text, sizeof text, "asked: to be confirmed within %u s", ask->seconds);
	chronicle_event(e, kind, who, text);
}

/* An engine that floods the gate is replaced, so nobody who asks us may make us do that. */
static bool
has_room(struct engine *e)
{
	if (e->asked_s != e->now.mono_ns / 1000000000) {
		e->asked_s = e->now.mono_ns / 1000000000;
		e->asked = 0;
	}
	return e->asked++ < ASK_A_SECOND;
}

enum control_result
control_ask_gate(struct control_call *call, uint16_t type, uint32_t seconds, uint32_t mode)
{
	struct channel_request ask = {.head = {.type = type, .arg = call->ticket}, .seconds = seconds, .mode = mode};

	if (!has_room(call->engine)) {
		call->error = "too many requests in this second; try again";
		return CONTROL_ERROR;
	}
	ask.uid = call->who->uid;
	ask.pid = (uint32_t)call->who->pid;
	if (channel_send(call->engine->channel, &ask, sizeof ask, NULL, 0) < 0) {
		call->error = "the gate does not answer";
		return CONTROL_ERROR;
	}
	note(call->engine, &ask);
	return CONTROL_LATER;
}

/* What is left of a time that the gate told. */
static uint32_t
left(const struct engine *e, uint32_t told_s)
{
	uint64_t gone = (e->now.mono_ns - e->terms_ns) / 1000000000u;
	return gone >= told_s ? 0 : told_s - (uint32_t)gone;
}

void
terms_status(struct json *j, const struct engine *e)
{
	const struct channel_terms *t = &e->terms;

	json_object(j, "terms");
	if (t->confirm_left_s) {
		json_uint(j, "confirm_left_s", left(e, t->confirm_left_s));
		json_str(j, "goes_back_to", t->back_id);
	}
	if (t->mode) {
		json_str(j, "mode_by_hand", mode_words[t->mode]);
		if (t->mode_left_s)
			json_uint(j, "mode_left_s", left(e, t->mode_left_s));
	}
	json_uint(j, "undo", t->back);
	if (t->since_s)
		json_time(j, "since", t->since_s * 1000000);
	if (*t->undone_id)
		json_str(j, "undone", t->undone_id);
	json_object_end(j);
}

void
terms_problems(struct json *j, const struct engine *e)
{
	const struct channel_terms *t = &e->terms;
	char text[512], since[32] = "";
	time_t s = (time_t)t->since_s;
	struct tm tm;

	if (t->confirm_left_s) {
		snprintf(text, sizeof text, "the policy in force is not confirmed: %s comes back in %u s unless `lenscap confirm` keeps it",
			 t->back_id, left(e, t->confirm_left_s));
		json_str(j, NULL, text);
	}
	if (*t->undone_id) {
		if (gmtime_r(&s, &tm))
			strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S UTC", &tm);
		snprintf(text, sizeof text, "the policy in force is version %s of %s; %s has one that was undone (%s); edit it and reload",
			 policy_id(e->is.policy), since, t->config, t->undone_id);
		json_str(j, NULL, text);
	}
	if (t->mode == CHANNEL_MODE_MONITOR)
		json_str(j, NULL, "mode monitor was set by hand; `lenscap mode policy` ends it");
}
