/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history: rows of what was remembered, one event each, in order of time. args: kind, and what they may be cut down to: since, until (seconds),
 * device (name, MAC or address), blocked, id (of a flow), limit.
 */
#include <stdio.h>
#include <string.h>

#include "chronicle.h"
#include "control_private.h"
#include "store.h"

static enum control_result
refuse(struct control_call *call, const char *error)
{
	call->error = error;
	return CONTROL_ERROR;
}

static enum control_result
run(struct control_call *call)
{
	const struct request *r = call->request;
	const char *kind = request_text(r, "kind"), *device = request_text(r, "device");
	int64_t limit = request_number(r, "limit", 0), id = request_number(r, "id", 0);
	struct store_query q = {.since_s = request_number(r, "since", 0), .until_s = request_number(r, "until", 0)};

	if (!kind || strlen(kind) >= sizeof q.kind)
		return refuse(call, "kind must be one of flows, flow, devices, evidence, destinations, events, runs");
	if (device && strlen(device) >= sizeof q.device)
		return refuse(call, "device is longer than any name");
	if (limit < 0 || limit > STORE_ROWS)
		return refuse(call, "limit goes from 1 to 100000");
	if (strcmp(kind, "flow") == 0 && id <= 0)
		return refuse(call, "kind flow needs the id of a flow");
	snprintf(q.kind, sizeof q.kind, "%s", kind);
	snprintf(q.device, sizeof q.device, "%s", device ? device : "");
	q.limit = (uint32_t)limit;
	q.id = (uint64_t)id;
	q.blocked = request_flag(r, "blocked");
	return chronicle_query(call->engine, call->ticket, &q, &call->error) ? CONTROL_LATER : CONTROL_ERROR;
}

const struct control_command control_history = {"history", false, run};
