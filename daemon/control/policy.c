/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy: what the owner wrote, as it is in force, piece by piece: {"file":0,"name":…,"kind":"policy"|"catalogue"|"list","hex":…}. In hex, because a
 * file is bytes and the policy's id is over these very bytes. Of a list come its length and its sum alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "control_private.h"
#include "wording.h"

enum { PIECE = 4096 }; /* bytes of a file in one event */

struct reading {
	struct wording *wording;
	size_t file, at;
	char line[2 * PIECE + 8192];
	char hex[2 * PIECE + 1];
};

static void
spell(struct reading *r, const struct bundle_file *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(r->hex + 2 * i, 3, "%02x", (unsigned char)f->text[r->at + i]);
	r->hex[2 * n] = 0;
}

static void
finish(struct control *k, uint32_t ticket, const struct reading *r, size_t n)
{
	char buf[160];
	struct json j;

	json_init(&j, buf, sizeof buf);
	json_object(&j, NULL);
	json_str(&j, "policy_id", wording_id(r->wording));
	json_str(&j, "mode_by_hand", wording_mode(r->wording));
	json_uint(&j, "files", n);
	json_object_end(&j);
	buf[j.len] = 0;
	control_answer(k, ticket, true, NULL, buf);
}

static enum control_step
step(struct control *k, struct engine *e, uint32_t ticket, void *state)
{
	struct reading *r = state;
	const struct bundle_file *files;
	size_t n = wording_files(r->wording, &files);
	struct json j;
	(void)e;

	if (r->file >= n) {
		finish(k, ticket, r, n);
		return STEP_DONE;
	}
	const struct bundle_file *f = &files[r->file];
	size_t len = f->len - r->at < PIECE ? f->len - r->at : PIECE;
	spell(r, f, len);
	json_init(&j, r->line, sizeof r->line);
	json_object(&j, NULL);
	json_uint(&j, "file", r->file);
	json_strn(&j, "name", f->name, strlen(f->name), 1024);
	json_str(&j, "kind", wording_kind(r->wording, r->file));
	json_strn(&j, "hex", r->hex, 2 * len, 2 * len);
	json_object_end(&j);
	control_event(k, ticket, j.buf, j.len);
	r->at += len;
	if (r->at >= f->len) {
		r->file++;
		r->at = 0;
	}
	return STEP_MORE;
}

static void
done(void *state)
{
	struct reading *r = state;

	wording_unref(r->wording);
	free(r);
}

static const struct control_pump pump = {step, done};

static enum control_result
run(struct control_call *call)
{
	struct reading *r = call->engine->is.wording ? calloc(1, sizeof *r) : NULL;

	if (!r) {
		call->error = "the policy's text is not here: memory was short";
		return CONTROL_ERROR;
	}
	r->wording = wording_ref(call->engine->is.wording);
	call->pump = &pump;
	call->state = r;
	return CONTROL_LATER;
}

const struct control_command control_policy = {"policy", false, run};
