/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reload: the gate has the policy read and checked again; the answer comes when it is in force, or refused. */
#include "control_private.h"

static enum control_result
run(struct control_call *call)
{
	uint32_t confirm_s;

	if (!control_seconds(call, "confirm", CONFIRM_MAX_S, &confirm_s))
		return CONTROL_ERROR;
	return control_ask_gate(call, CH_RELOAD, confirm_s, 0);
}

const struct control_command control_reload = {"reload", true, run};
