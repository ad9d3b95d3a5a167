/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: newline-delimited JSON, {"id":1,"cmd":"status","args":{}} → {"id":1,"ok":true,"data":{…}}. Two listeners, made by the
 * gate: control.sock may change things, view.sock may only look. One row a command.
 *
 * A verb that cannot answer at once has a ticket: it is answered later, or streams events {"id":1,"event":{…}} first.
 *
 * Clients are bounded in number, in the length of a request, in requests a second and in what waits for them; who does not read is dropped.
 * Nothing here ever waits, and of each turn of the loop it takes a slice only: packets never stand behind a client.
 */
#ifndef LENSCAP_CONTROL_H
#define LENSCAP_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;
struct engine;
struct event_base;
struct control;

enum {
	CONTROL_VERSION = 1,
	CONTROL_CLIENTS = 64,
	CONTROL_TICKETS = 8,	       /* answers that one client may wait for at a time */
	CONTROL_REQUEST = 16384,       /* bytes of one request line */
	CONTROL_WAITING = 1024 * 1024, /* bytes that may wait for one client */
	CONTROL_PAUSE = 256 * 1024,    /* a producer of events pauses when so many bytes wait */
	CONTROL_RATE = 50,	       /* requests a second of one client, and how many it may save up; the others wait */
};

/* Listeners may be -1; they belong to the caller. NULL when memory is short. */
struct control *control_new(struct engine *e, struct event_base *base, int control_fd, int view_fd);
void control_free(struct control *c);

/*
 * The clean end: serves what streams have still to say, tells them that this is the end, and waits at most limit_ms until they have read it.
 * Runs the event base's loop; of other events only those that may still happen should be left in it.
 */
void control_finish(struct control *c, unsigned limit_ms);

/* There may be news for streams; cheap when there are none. Called after each batch of packets. */
void control_news(struct control *c);

/*
 * The last line for who waits with this ticket: ok false comes with its error. data_json: one JSON value; NULL is null, and left out beside an
 * error. Harmless when the client is gone, and where c is NULL.
 */
void control_answer(struct control *c, uint32_t ticket, bool ok, const char *error, const char *data_json);
/* One event line; json: one JSON object. False: that client is gone, or let too much pile up and was dropped. */
bool control_event(struct control *c, uint32_t ticket, const char *json, size_t len);
/* Bytes that it has not taken yet; SIZE_MAX: gone. A producer pauses above CONTROL_PAUSE. */
size_t control_waiting(struct control *c, uint32_t ticket);

/* What `devices` says of one device, with its evidence: a JSON object. Returns its bytes, without a NUL; 0: cap is too small. */
size_t control_device(const struct engine *e, const struct device *d, char *out, size_t cap);

/* Answers the client that asked for this reload: text "" means it is in force. */
void control_reload_done(struct control *c, uint32_t ticket, bool ok, const char *text);

#endif
