/* SPDX-License-Identifier: GPL-2.0-or-later */
/* undo: back to the policy that was in force before. */
#include "control_private.h"

static enum control_result
run(struct control_call *call)
{
	return control_ask_gate(call, CH_UNDO, 0, 0);
}

const struct control_command control_undo = {"undo", true, run};
