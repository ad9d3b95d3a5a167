/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mode: another mode than the policy's, for a while or until it is taken back. Rules that say their own keep it. */
#include <string.h>

#include "control_private.h"

static enum control_result
run(struct control_call *call)
{
	static const char *const words[] = {"policy", "monitor", "enforce"};
	const char *word = request_text(call->request, "mode");
	uint32_t mode = 0, seconds;

	while (word && mode < 3 && strcmp(word, words[mode]) != 0)
		mode++;
	if (!word || mode == 3) {
		call->error = "mode must be monitor, enforce or policy";
		return CONTROL_ERROR;
	}
	if (!control_seconds(call, "for", MODE_MAX_S, &seconds))
		return CONTROL_ERROR;
	if (mode == CHANNEL_MODE_POLICY && seconds) {
		call->error = "the policy's own mode has no end";
		return CONTROL_ERROR;
	}
	return control_ask_gate(call, CH_MODE, seconds, mode);
}

const struct control_command control_mode = {"mode", true, run};
