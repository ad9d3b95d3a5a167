/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reload: the gate has the policy read and checked again; the answer comes when it is in force, or refused. */
#include "control_private.h"

static enum control_result
run(struct control_call *call)
{
	struct channel_head ask = {.type = CH_RELOAD, .arg = call->ticket};

	if (channel_send(call->engine->channel, &ask, sizeof ask, NULL, 0) < 0) {
		call->error = "the gate does not answer";
		return CONTROL_ERROR;
	}
	return CONTROL_LATER;
}

const struct control_command control_reload = {"reload", true, run};
