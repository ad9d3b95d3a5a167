/* SPDX-License-Identifier: GPL-2.0-or-later */
/* confirm: the policy that waits for this may stay. */
#include "control_private.h"

static enum control_result
run(struct control_call *call)
{
	return control_ask_gate(call, CH_CONFIRM, 0, 0);
}

const struct control_command control_confirm = {"confirm", true, run};
