/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hello: which protocol this is, so that a client of another release can say so instead of guessing. */
#include "control_private.h"

static enum control_result
run(struct control_call *call)
{
	json_object(call->reply, "data");
	json_int(call->reply, "protocol", CONTROL_VERSION);
	json_str(call->reply, "version", LENSCAP_VERSION);
	json_object_end(call->reply);
	return CONTROL_OK;
}

const struct control_command control_hello = {"hello", false, run};
