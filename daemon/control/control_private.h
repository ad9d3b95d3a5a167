/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the control server: what a command's row looks like. One file a command. */
#ifndef LENSCAP_CONTROL_PRIVATE_H
#define LENSCAP_CONTROL_PRIVATE_H

#include <sys/socket.h>

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
	CONTROL_LATER,	/* control_answer() will answer the ticket, or `pump` produces what there is to say */
};

enum control_step {
	STEP_MORE, /* there is more to do at once */
	STEP_IDLE, /* nothing until there is news, or until the client has read */
	STEP_DONE, /* control_answer() was called */
};

/*
 * A stream that the server drives: step() does a slice of work, so small that a packet may wait for it, and says what comes next. It is not
 * called while more than CONTROL_PAUSE bytes wait for the client. done() frees the state, whatever ended the stream.
 */
struct control_pump {
	enum control_step (*step)(struct control *k, struct engine *e, uint32_t ticket, void *state);
	void (*done)(void *state);
};

struct control_call {
	struct engine *engine;
	struct control *control;
	const struct ucred *who; /* asks; uid -1 where the kernel did not say */
	const struct request *request;
	struct json *reply; /* inside the reply object: write one member named "data" */
	const char *error;
	uint32_t ticket;		 /* for CONTROL_LATER */
	const struct control_pump *pump; /* with CONTROL_LATER; NULL: others answer */
	void *state;			 /* of the pump, which owns it */
};

struct control_command {
	const char *name;
	bool changes; /* refused on view.sock; the caller is logged */
	enum control_result (*run)(struct control_call *call);
};

extern const struct control_command control_explain, control_hello, control_status, control_reload, control_reopen, control_events, control_flows,
	control_geo;

extern const struct control_command control_metrics;
extern const struct control_command control_history, control_policy, control_learn;

extern const struct control_command control_devices, control_name, control_forget;

extern const struct control_command control_quarantine, control_quarantined, control_release;

/* terms.c, and the commands that change on what terms the policy is in force. */
extern const struct control_command control_confirm, control_undo, control_mode;

/*
 * Sends the gate what this call asks for (CH_RELOAD, CH_CONFIRM, CH_UNDO, CH_MODE), and who asked. CONTROL_LATER, or CONTROL_ERROR with its
 * text.
 */
enum control_result control_ask_gate(struct control_call *call, uint16_t type, uint32_t seconds, uint32_t mode);
/* A number of seconds among the arguments: 0 when it is absent. False: it is none from 1 to max, and the error is set. */
bool control_seconds(struct control_call *call, const char *name, uint32_t max, uint32_t *ret_seconds);
/* The part of `status` about how long the policy and its mode are in force, and sentences for its problems. */
void terms_status(struct json *j, const struct engine *e);
void terms_problems(struct json *j, const struct engine *e);
/* The part of `status` about who is in quarantine: the first few. */
void quarantine_status(struct json *j, struct engine *e);
/* Whoever is called so is cut off from everything. */
bool quarantine_holds(struct engine *e, const char *who);

#endif
