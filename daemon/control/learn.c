/* SPDX-License-Identifier: GPL-2.0-or-later */
/* learn: marks where a time of learning begins or ends. It is a note in the history; what is allowed does not change. */
#include <stdio.h>
#include <string.h>

#include "chronicle.h"
#include "control_private.h"
#include "log.h"

static enum control_result
run(struct control_call *call)
{
	const char *mark = request_text(call->request, "mark");
	char who[64];

	if (!mark || (strcmp(mark, "start") != 0 && strcmp(mark, "stop") != 0)) {
		call->error = "mark must be start or stop";
		return CONTROL_ERROR;
	}
	if (!chronicle_expects(call->engine)) {
		call->error = chronicle_none;
		return CONTROL_ERROR;
	}
	snprintf(who, sizeof who, "uid %u pid %d", call->who->uid, call->who->pid);
	chronicle_event(call->engine, "learn", who, mark);
	chronicle_flush(call->engine);
	json_object(call->reply, "data");
	json_str(call->reply, "mark", mark);
	json_time(call->reply, "time", call->engine->now.wall_us);
	json_object_end(call->reply);
	return CONTROL_OK;
}

const struct control_command control_learn = {"learn", true, run};
