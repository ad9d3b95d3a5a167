/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the control server: what a command's row looks like. One file a command. */
#ifndef LENSCAP_CONTROL_PRIVATE_H
#define LENSCAP_CONTROL_PRIVATE_H

#include "control.h"
#include "engine.h"
#include "json.h"
#include "request.h"

enum {
	CONTROL_REPLY = 65536, /* bytes of one reply */
};

enum control_result {
	CONTROL_OK,	/* `reply` holds the value of "data" */
	CONTROL_ERROR,	/* `error` says what is wrong */
	CONTROL_LATER,	/* control_reload_done() will answer */
};

struct control_call {
	struct engine *engine;
	const struct request *request;
	struct json *reply;	  /* inside the reply object: write one member named "data" */
	const char *error;
	uint32_t ticket;	  /* for CONTROL_LATER */
};

struct control_command {
	const char *name;
	bool changes; /* refused on view.sock; the caller is logged */
	enum control_result (*run)(struct control_call *call);
};

extern const struct control_command control_hello, control_status, control_reload, control_reopen;

#endif
