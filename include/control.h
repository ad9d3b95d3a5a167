/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: newline-delimited JSON, {"id":1,"cmd":"status","args":{}} → {"id":1,"ok":true,"data":{…}}. Two listeners, made by the
 * gate: control.sock may change things, view.sock may only look. One row a command.
 *
 * Clients are bounded in number, in the length of a request and in what waits for them; who does not read is dropped. Nothing here
 * ever waits.
 */
#ifndef LENSCAP_CONTROL_H
#define LENSCAP_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct event_base;
struct control;

enum {
	CONTROL_VERSION = 1,
	CONTROL_CLIENTS = 64,
	CONTROL_REQUEST = 16384,      /* bytes of one request line */
	CONTROL_WAITING = 1024 * 1024, /* bytes that may wait for one client */
};

/* Listeners may be -1; they belong to the caller. NULL when memory is short. */
struct control *control_new(struct engine *e, struct event_base *base, int control_fd, int view_fd);
void control_free(struct control *c);

/* Answers the client that asked for this reload: text "" means it is in force. */
void control_reload_done(struct control *c, uint32_t ticket, bool ok, const char *text);

#endif
