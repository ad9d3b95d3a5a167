/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reopen: log files were rotated. */
#include "control_private.h"

static enum control_result
run(struct control_call *call)
{
	sinks_reopen(call->engine->is.sinks, &call->engine->now);
	json_null(call->reply, "data");
	return CONTROL_OK;
}

const struct control_command control_reopen = {"reopen", true, run};
