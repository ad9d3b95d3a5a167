/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server behind both control sockets; see control.h. libevent's buffers carry the bytes, commands are rows. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_private.h"
#include "log.h"

static const struct control_command *const commands[] = {
	&control_hello,
	&control_status,
	&control_reload,
	&control_reopen,
};

struct client {
	struct control *control; /* NULL: this place is free */
	struct bufferevent *bev;
	bool may_change;
	uint32_t ticket; /* waits for a reload; 0: does not */
	struct request_id id; /* of the request that waits */
	struct ucred who;
};

struct listener {
	struct control *control;
	struct event *event;
	bool may_change;
};

struct control {
	struct engine *engine;
	struct event_base *base;
	struct listener listeners[2];
	struct client clients[CONTROL_CLIENTS];
	uint32_t next_ticket;
	char reply[CONTROL_REPLY];
};

static void
client_close(struct client *c)
{
	bufferevent_free(c->bev);
	memset(c, 0, sizeof *c);
}

/* Sends a finished line; who lets too much pile up is dropped. */
static void
client_send(struct client *c, const struct json *j)
{
	bufferevent_write(c->bev, j->buf, j->len);
	if (evbuffer_get_length(bufferevent_get_output(c->bev)) > CONTROL_WAITING)
		client_close(c);
}

static void
reply_begin(struct control *k, struct json *j, const struct request_id *id)
{
	json_init(j, k->reply, sizeof k->reply);
	json_object(j, NULL);
	switch (id->kind) {
	case ID_NONE:
		json_null(j, "id");
		break;
	case ID_NUMBER:
		json_int(j, "id", id->number);
		break;
	case ID_TEXT:
		json_str(j, "id", id->text);
		break;
	}
}

static void
reply_error(struct client *c, const struct request_id *id, const char *error)
{
	struct json j;

	reply_begin(c->control, &j, id);
	json_bool(&j, "ok", false);
	json_str(&j, "error", error);
	json_object_end(&j);
	json_line(&j);
	client_send(c, &j);
}

static const struct control_command *
find_command(const char *name)
{
	for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static uint32_t
new_ticket(struct control *k)
{
	if (++k->next_ticket == 0)
		k->next_ticket = 1; /* 0 is nobody's */
	return k->next_ticket;
}

static void
run_command(struct client *c, const struct control_command *cmd, const struct request *r)
{
	struct control *k = c->control;
	struct json j;
	struct control_call call = {.engine = k->engine, .request = r, .reply = &j, .ticket = new_ticket(k)};

	if (cmd->changes)
		log_info("%s asked by uid %u, pid %d", cmd->name, c->who.uid, c->who.pid);
	engine_clock(k->engine);
	reply_begin(k, &j, &r->id);
	json_bool(&j, "ok", true);
	switch (cmd->run(&call)) {
	case CONTROL_OK:
		json_object_end(&j);
		if (json_line(&j))
			client_send(c, &j);
		else
			reply_error(c, &r->id, "the answer is too long");
		break;
	case CONTROL_ERROR:
		reply_error(c, &r->id, call.error);
		break;
	case CONTROL_LATER:
		c->ticket = call.ticket;
		c->id = r->id;
		break;
	}
}

static void
handle_request(struct client *c, const char *line)
{
	struct request r;
	const char *error = request_parse(line, &r);

	if (error) {
		reply_error(c, &r.id, error);
		return;
	}
	const struct control_command *cmd = find_command(r.cmd);
	if (!cmd)
		reply_error(c, &r.id, "no such command");
	else if (cmd->changes && !c->may_change)
		reply_error(c, &r.id, "this socket may only look");
	else if (c->ticket)
		reply_error(c, &r.id, "a reload of this connection is still under way");
	else
		run_command(c, cmd, &r);
	request_free(&r);
}

static void
on_client_read(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len;
	char *line;

	while (c->control && (line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF))) {
		if (len > CONTROL_REQUEST || strlen(line) != len)
			reply_error(c, &(struct request_id){0}, "the request is too long or holds a NUL");
		else
			handle_request(c, line);
		free(line);
	}
	if (c->control && evbuffer_get_length(in) > CONTROL_REQUEST)
		client_close(c);
}

static void
on_client_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;
	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
		client_close(c);
}

static struct client *
free_place(struct control *k, bool may_change)
{
	/* Who may only look cannot take the last places. */
	for (size_t i = may_change ? 0 : CONTROL_CLIENTS / 4; i < CONTROL_CLIENTS; i++)
		if (!k->clients[i].control)
			return &k->clients[i];
	return NULL;
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct control *k = l->control;
	(void)what;

	int s = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (s < 0)
		return;
	struct client *c = free_place(k, l->may_change);
	struct bufferevent *bev = c ? bufferevent_socket_new(k->base, s, BEV_OPT_CLOSE_ON_FREE) : NULL;
	if (!bev) {
		close(s); /* 64 clients are enough for anybody; the others try again */
		return;
	}
	*c = (struct client){.control = k, .bev = bev, .may_change = l->may_change};
	socklen_t len = sizeof c->who;
	if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &c->who, &len) < 0)
		c->may_change = false;
	bufferevent_setcb(bev, on_client_read, NULL, on_client_event, c);
	bufferevent_setwatermark(bev, EV_READ, 0, CONTROL_REQUEST * 2);
	bufferevent_priority_set(bev, 1);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static bool
listen_on(struct control *k, struct listener *l, int fd, bool may_change)
{
	if (fd < 0)
		return true;
	*l = (struct listener){k, event_new(k->base, fd, EV_READ | EV_PERSIST, on_accept, l), may_change};
	return l->event && event_add(l->event, NULL) == 0;
}

struct control *
control_new(struct engine *e, struct event_base *base, int control_fd, int view_fd)
{
	struct control *k = calloc(1, sizeof *k);

	if (!k)
		return NULL;
	k->engine = e;
	k->base = base;
	if (listen_on(k, &k->listeners[0], control_fd, true) && listen_on(k, &k->listeners[1], view_fd, false))
		return k;
	control_free(k);
	return NULL;
}

void
control_free(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].control)
			client_close(&c->clients[i]);
	for (size_t i = 0; i < 2; i++)
		if (c->listeners[i].event)
			event_free(c->listeners[i].event);
	free(c);
}

void
control_reload_done(struct control *k, uint32_t ticket, bool ok, const char *text)
{
	struct json j;
	struct client *c = NULL;

	for (size_t i = 0; k && ticket && i < CONTROL_CLIENTS; i++)
		if (k->clients[i].control && k->clients[i].ticket == ticket)
			c = &k->clients[i];
	if (!c)
		return; /* it hung up, or a signal asked */
	c->ticket = 0;
	reply_begin(k, &j, &c->id);
	json_bool(&j, "ok", ok);
	if (!ok)
		json_str(&j, "error", "the policy was refused");
	json_object(&j, "data");
	json_str(&j, "policy_id", policy_id(k->engine->is.policy));
	json_uint(&j, "generation", k->engine->generation);
	json_str(&j, "text", text);
	json_object_end(&j);
	json_object_end(&j);
	if (json_line(&j))
		client_send(c, &j);
	else
		reply_error(c, &c->id, "the policy was refused, and the list of errors is too long; see `lenscap check`");
}
