/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reopen: log files were rotated. */
#include <stdio.h>

#include "chronicle.h"
#include "control_private.h"

static enum control_result
run(struct control_call *call)
{
	char who[64];

	snprintf(who, sizeof who, "uid %u pid %d", call->who->uid, call->who->pid);
	chronicle_event(call->engine, "reopen", who, "the log files were closed and opened again");
	sinks_reopen(call->engine->is.sinks, &call->engine->now);
	json_null(call->reply, "data");
	return CONTROL_OK;
}

const struct control_command control_reopen = {"reopen", true, run};
