/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics: all of them in Prometheus' text format, whole lines of it in each event {"text":"…"}. They are of one moment: written at once,
 * then handed out bit by bit.
 */
#include <stdlib.h>
#include <string.h>

#include "control_private.h"
#include "exposition.h"
#include "metrics.h"

enum {
	TEXT_BYTES = 512 * 1024, /* a thousand rules of the longest name, every country, 16 outputs */
	CHUNK = 8192,
	EVENT_BYTES = CHUNK * 6 + 64, /* when every byte must be escaped */
};

struct hand_out {
	size_t len, at;
	char event[EVENT_BYTES];
	char text[TEXT_BYTES];
};

/* Up to the end of the last line that fits; a line is much shorter than a chunk. */
static size_t
whole_lines(const char *text, size_t len)
{
	if (len <= CHUNK)
		return len;
	const char *end = memrchr(text, '\n', CHUNK);
	return end ? (size_t)(end - text) + 1 : CHUNK;
}

static enum control_step
step(struct control *k, struct engine *e, uint32_t ticket, void *state)
{
	struct hand_out *h = state;
	size_t n = whole_lines(h->text + h->at, h->len - h->at);
	struct json j;
	(void)e;

	if (n == 0) {
		control_answer(k, ticket, true, NULL, NULL);
		return STEP_DONE;
	}
	json_init(&j, h->event, sizeof h->event);
	json_object(&j, NULL);
	json_strn(&j, "text", h->text + h->at, n, n);
	json_object_end(&j);
	control_event(k, ticket, j.buf, j.len);
	h->at += n;
	return STEP_MORE;
}

static const struct control_pump pump = {step, free};

static enum control_result
run(struct control_call *call)
{
	struct hand_out *h = malloc(sizeof *h);
	struct exposition x;

	if (!h) {
		call->error = "memory is short";
		return CONTROL_ERROR;
	}
	exposition_init(&x, h->text, sizeof h->text);
	if (!metrics_write(&x, call->engine)) {
		free(h);
		call->error = "the metrics do not fit";
		return CONTROL_ERROR;
	}
	h->len = x.len;
	h->at = 0;
	call->pump = &pump;
	call->state = h;
	return CONTROL_LATER;
}

const struct control_command control_metrics = {"metrics", false, run};
