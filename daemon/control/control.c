/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server behind both control sockets; see control.h. libevent's buffers carry the bytes, commands are rows. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "server.h"

enum {
	TURN_UNITS = 4,	     /* requests and steps of streams in one slice */
	SLICE_GAP_US = 1000, /* between two slices: packets come first */
	THROTTLE_US = 20000,
	READ_ONCE = 4096, /* bytes of one client in one turn of the loop */
	WRITE_ONCE = 16384,
	WRITE_PATIENCE_S = 60, /* who takes nothing for so long is gone */
};

#define SECOND_NS UINT64_C(1000000000)

static const struct control_command *const commands[] = {
	&control_hello,
	&control_explain,
	&control_status,
	&control_events,
	&control_flows,
	&control_devices,
	&control_name,
	&control_forget,
	&control_geo,
	&control_reload,
	&control_confirm,
	&control_undo,
	&control_mode,
	&control_reopen,
	&control_history,
	&control_metrics,
	&control_policy,
	&control_learn,
	&control_quarantine,
	&control_release,
	&control_quarantined,
};

static void
client_close(struct client *c)
{
	tickets_free(c);
	bufferevent_free(c->bev);
	memset(c, 0, sizeof *c);
}

static void
client_drop(struct client *c)
{
	c->dropped = true;
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	control_wake(c->control);
}

size_t
client_waiting(const struct client *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

bool
client_write(struct client *c, const void *bytes, size_t len)
{
	if (c->dropped)
		return false;
	/* libevent does not notice when it had no memory for the callback that begins to write; to enable it again begins as well. */
	bool first = client_waiting(c) == 0;
	if (bufferevent_write(c->bev, bytes, len) < 0 || client_waiting(c) > CONTROL_WAITING ||
	    (first && bufferevent_enable(c->bev, EV_WRITE) < 0))
		client_drop(c);
	return !c->dropped;
}

static void
print_id(struct json *j, const struct request_id *id)
{
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

size_t
reply_id(char out[ID_LINE], const struct request_id *id)
{
	struct json j;

	json_init(&j, out, ID_LINE);
	json_object(&j, NULL);
	print_id(&j, id);
	return j.len;
}

static void
reply_begin(struct control *k, struct json *j, const struct request_id *id)
{
	json_init(j, k->reply, sizeof k->reply);
	json_object(j, NULL);
	print_id(j, id);
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
	client_write(c, j.buf, j.len);
}

static const struct control_command *
find_command(const char *name)
{
	for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void
finish_later(struct client *c, struct ticket *t, const struct control_call *call)
{
	if (call->pump) {
		t->pump = call->pump;
		t->state = call->state;
		t->runnable = true;
	}
	control_wake(c->control);
}

/* The ticket is there before the command runs: what it asks for may be answered within. */
static void
run_command(struct client *c, const struct control_command *cmd, const struct request *r)
{
	struct control *k = c->control;
	struct json j;
	struct ticket *t = ticket_new(c, &r->id);

	if (!t) {
		reply_error(c, &r->id, "this connection waits for enough answers already");
		return;
	}
	struct control_call call = {
		.engine = k->engine, .control = k, .who = &c->who, .request = r, .reply = &j, .ticket = t->number};
	engine_clock(k->engine);
	if (cmd->changes)
		log_info("%s asked by uid %u, pid %d", cmd->name, c->who.uid, c->who.pid);
	reply_begin(k, &j, &r->id);
	json_bool(&j, "ok", true);
	enum control_result result = cmd->run(&call);
	if (result == CONTROL_LATER) {
		finish_later(c, t, &call);
		return;
	}
	ticket_free(t);
	json_object_end(&j);
	if (result == CONTROL_ERROR)
		reply_error(c, &r->id, call.error);
	else if (json_line(&j))
		client_write(c, j.buf, j.len);
	else
		reply_error(c, &r->id, "the answer is too long");
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
	else
		run_command(c, cmd, &r);
	request_free(&r);
}

static bool
has_line(struct evbuffer *in)
{
	return evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF).pos >= 0;
}

/* Not by a watermark of libevent's, which crashes where it has no memory for it. */
static void
pace_reading(struct client *c)
{
	bool full = evbuffer_get_length(bufferevent_get_input(c->bev)) >= CONTROL_REQUEST * 2;

	if (full == c->full || c->dropped)
		return;
	c->full = full;
	if ((full ? bufferevent_disable(c->bev, EV_READ) : bufferevent_enable(c->bev, EV_READ)) < 0)
		client_drop(c);
}

/* One request, if a whole line is there. */
static void
serve_request(struct client *c)
{
	size_t len;
	struct evbuffer *in = bufferevent_get_input(c->bev);
	char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);

	pace_reading(c);
	if (!line) {
		c->ready = false;
		if (has_line(in)) /* no memory for it */
			client_drop(c);
		return;
	}
	if (len > CONTROL_REQUEST || strlen(line) != len)
		reply_error(c, &(struct request_id){0}, "the request is too long or holds a NUL");
	else
		handle_request(c, line);
	free(line);
}

static void
earn(struct client *c, uint64_t now_ns)
{
	c->credit_ns += now_ns - c->credited_ns;
	c->credited_ns = now_ns;
	if (c->credit_ns > SECOND_NS)
		c->credit_ns = SECOND_NS;
}

static bool
may_ask(const struct client *c)
{
	return c->ready && !c->control->closing && client_waiting(c) <= CONTROL_PAUSE;
}

/* Who has said its last word, and has been told everything. */
static bool
is_over(const struct client *c)
{
	return c->ended && !c->ready && client_waiting(c) == 0 && !tickets_waiting(c);
}

/* At most a request and a step of a stream. Returns how many units that were. */
static unsigned
serve(struct client *c, uint64_t now_ns)
{
	unsigned units = 0;

	earn(c, now_ns);
	if (may_ask(c) && c->credit_ns >= SECOND_NS / CONTROL_RATE) {
		c->credit_ns -= SECOND_NS / CONTROL_RATE;
		serve_request(c);
		units++;
	}
	if (!c->dropped && tickets_runnable(c)) {
		tickets_step(c);
		units++;
	}
	return units;
}

static void
arm(struct control *k, long us)
{
	struct timeval tv = {0, us};

	event_add(k->work, &tv);
	k->soon = us < THROTTLE_US;
}

void
control_wake(struct control *k)
{
	if (!k->soon)
		arm(k, 0);
}

/* A slice: everybody in turn, until the units are used up. What is left comes a moment later. */
static void
on_work(evutil_socket_t fd, short what, void *arg)
{
	struct control *k = arg;
	unsigned units = 0, first = k->next;
	bool more = false, throttled = false;
	struct now now;
	(void)fd;
	(void)what;

	k->soon = false;
	clock_read(&now);
	for (unsigned n = 0; n < CONTROL_CLIENTS; n++) {
		struct client *c = &k->clients[(first + n) % CONTROL_CLIENTS];
		if (!c->control)
			continue;
		if (units < TURN_UNITS && !c->dropped) {
			units += serve(c, now.mono_ns);
			k->next = (first + n + 1) % CONTROL_CLIENTS;
		}
		if (c->dropped || is_over(c)) {
			client_close(c);
			continue;
		}
		more |= tickets_runnable(c) || (may_ask(c) && c->credit_ns >= SECOND_NS / CONTROL_RATE);
		throttled |= may_ask(c);
	}
	if (more)
		arm(k, SLICE_GAP_US);
	else if (throttled && !k->soon)
		arm(k, THROTTLE_US);
}

static void
on_client_read(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	c->ready = true;
	if (evbuffer_get_length(in) > CONTROL_REQUEST && !has_line(in))
		client_drop(c);
	pace_reading(c);
	control_wake(c->control);
}

/* There is room again. */
static void
on_client_write(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	(void)bev;
	if (c->ended || c->ready || tickets_runnable(c))
		control_wake(c->control);
}

static bool
hung_up(const struct client *c)
{
	struct pollfd p = {.fd = bufferevent_getfd(c->bev)};
	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

static void
on_client_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;
	(void)bev;

	/* It may have closed one direction only: then it still waits for its answers. */
	c->ended |= (what & BEV_EVENT_EOF) != 0;
	if ((what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) || hung_up(c))
		client_drop(c);
	control_wake(c->control);
}

/* Who stopped to send and then went away is noticed here. */
static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct control *k = arg;
	(void)fd;
	(void)what;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (k->clients[i].control && k->clients[i].ended && hung_up(&k->clients[i]))
			client_drop(&k->clients[i]);
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
client_begin(struct client *c, const struct listener *l, struct bufferevent *bev, int s)
{
	const struct timeval patience = {WRITE_PATIENCE_S, 0};
	socklen_t len = sizeof c->who;

	*c = (struct client){.control = l->control, .bev = bev, .may_change = l->may_change, .credit_ns = SECOND_NS};
	if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &c->who, &len) < 0) {
		c->who = (struct ucred){0, (uid_t)-1, (gid_t)-1};
		c->may_change = false;
	}
	struct now now;
	clock_read(&now);
	c->credited_ns = now.mono_ns;
	bufferevent_setcb(bev, on_client_read, on_client_write, on_client_event, c);
	bufferevent_setwatermark(bev, EV_WRITE, CONTROL_PAUSE / 2, 0);
	bufferevent_set_max_single_read(bev, READ_ONCE);
	bufferevent_set_max_single_write(bev, WRITE_ONCE);
	bufferevent_set_timeouts(bev, NULL, &patience);
	if (bufferevent_enable(bev, EV_READ | EV_WRITE) < 0)
		client_close(c);
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
	if (bev)
		client_begin(c, l, bev, s);
	else
		close(s); /* 64 clients are enough for anybody; the others try again */
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
	const struct timeval second = {1, 0};

	if (!k)
		return NULL;
	k->engine = e;
	k->base = base;
	k->work = event_new(base, -1, 0, on_work, k);
	k->sweep = event_new(base, -1, EV_PERSIST, on_sweep, k);
	if (k->work && k->sweep && event_add(k->sweep, &second) == 0 && listen_on(k, &k->listeners[0], control_fd, true) &&
	    listen_on(k, &k->listeners[1], view_fd, false))
		return k;
	control_free(k);
	return NULL;
}

static void
stop_listening(struct control *k)
{
	for (size_t i = 0; i < 2; i++)
		if (k->listeners[i].event) {
			event_free(k->listeners[i].event);
			k->listeners[i].event = NULL;
		}
}

void
control_free(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].control)
			client_close(&c->clients[i]);
	stop_listening(c);
	if (c->work)
		event_free(c->work);
	if (c->sweep)
		event_free(c->sweep);
	free(c);
}

/* Somebody has not been told everything. */
static bool
unfinished(const struct control *k)
{
	bool any = false;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		const struct client *c = &k->clients[i];
		any |= c->control && !c->dropped && (client_waiting(c) > 0 || tickets_waiting(c));
	}
	return any;
}

void
control_finish(struct control *k, unsigned limit_ms)
{
	struct now now;

	k->closing = true;
	stop_listening(k);
	clock_read(&now);
	uint64_t end_ns = now.mono_ns + limit_ms * UINT64_C(1000000);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (k->clients[i].control)
			tickets_wake(&k->clients[i]);
	while (unfinished(k) && now.mono_ns < end_ns) {
		arm(k, 0); /* so that the loop returns */
		if (event_base_loop(k->base, EVLOOP_ONCE) != 0)
			return;
		clock_read(&now);
		if (unfinished(k))
			poll(NULL, 0, 1); /* it is the reader's turn */
	}
}

void
control_reload_done(struct control *k, uint32_t ticket, bool ok, const char *text)
{
	size_t cap = strlen(text) * 6 + 256; /* when every byte must be escaped */
	char *data = k && ticket ? malloc(cap) : NULL;
	struct json j;

	if (!data)
		return;
	json_init(&j, data, cap);
	json_object(&j, NULL);
	json_str(&j, "policy_id", policy_id(k->engine->is.policy));
	json_uint(&j, "generation", k->engine->generation);
	json_str(&j, "text", text);
	json_object_end(&j);
	data[j.len] = 0;
	control_answer(k, ticket, ok, "the policy was refused", data);
	free(data);
}
