/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control server's own state, shared by control.c (who is connected, what they ask) and ticket.c (what they wait for). */
#ifndef LENSCAP_CONTROL_SERVER_H
#define LENSCAP_CONTROL_SERVER_H

#include "control_private.h"

struct bufferevent;
struct event;

/* An answer that is still to come; number 0: this place is free. */
struct ticket {
	uint32_t number;
	struct request_id id;
	const struct control_pump *pump; /* NULL: somebody else answers */
	void *state;
	bool runnable; /* the pump's step() has something to do */
};

struct client {
	struct control *control; /* NULL: this place is free */
	struct bufferevent *bev;
	struct ucred who;
	bool may_change;
	bool ready;   /* its input may hold a whole line */
	bool full;    /* so much of it waits that no more is read */
	bool ended;   /* it sends no more, but may still read */
	bool dropped; /* to be closed in the next turn: somebody may be at work on it */
	uint64_t credit_ns, credited_ns; /* earned and not used, and when that was counted */
	unsigned next;			 /* ticket that is served next */
	struct ticket tickets[CONTROL_TICKETS];
};

struct listener {
	struct control *control;
	struct event *event;
	bool may_change;
};

struct control {
	struct engine *engine;
	struct event_base *base;
	struct event *work;  /* the next slice */
	struct event *sweep; /* once a second */
	bool soon;	     /* the slice is due at once */
	bool closing;	     /* control_finish(): no more requests */
	uint64_t told;	     /* number of the last record of which streams were told */
	struct listener listeners[2];
	struct client clients[CONTROL_CLIENTS];
	unsigned next; /* client that is served next */
	uint32_t next_ticket;
	char reply[CONTROL_REPLY];
};

enum { ID_LINE = 512 }; /* "{"id":…" with every byte of the id escaped */

/* control.c: there is something to do for somebody. */
void control_wake(struct control *k);
/* Bytes that wait for this client. */
size_t client_waiting(const struct client *c);
/* Appends to what waits for it; who lets too much pile up is dropped, and then it is false. */
bool client_write(struct client *c, const void *bytes, size_t len);
/* "{"id":7", the beginning of every line. Returns its length. */
size_t reply_id(char out[ID_LINE], const struct request_id *id);

/* ticket.c */
/* A place for one more answer; NULL: this client waits for enough. */
struct ticket *ticket_new(struct client *c, const struct request_id *id);
/* Ends the pump, frees the place. */
void ticket_free(struct ticket *t);
void tickets_free(struct client *c);
/* It waits for an answer. */
bool tickets_waiting(const struct client *c);
/* Some step of this client would do something. */
bool tickets_runnable(const struct client *c);
/* One slice of one ticket. */
void tickets_step(struct client *c);
/* Streams that were idle look again. */
void tickets_wake(struct client *c);

#endif
