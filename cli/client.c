/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests over the control socket, and what comes back; see client.h. */
#include "client.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

enum {
	FIRST_BUFFER = 65536,
	ANSWER_MAX = 16 << 20, /* bytes of one line */
};

static int
connect_to(const char *dir, const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path, sizeof a.sun_path, "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static long long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

struct client {
	int fd;
	char *buf;
	size_t cap, start, end; /* [start, end) was read and not given out */
};

struct client *
client_open(const struct cli *cli, bool change)
{
	int fd = connect_to(cli->run_dir, "control.sock");

	if (fd < 0 && errno == EACCES && !change)
		fd = connect_to(cli->run_dir, "view.sock");
	struct client *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
	if (c) {
		c->cap = FIRST_BUFFER;
		c->buf = malloc(c->cap);
		c->fd = fd;
	}
	if (c && c->buf)
		return c;
	int saved = errno;
	free(c);
	if (fd >= 0)
		close(fd);
	errno = saved;
	return NULL;
}

void
client_close(struct client *c)
{
	if (!c)
		return;
	close(c->fd);
	free(c->buf);
	free(c);
}

/* Room behind what was read; a line may grow up to a bound. */
static bool
make_room(struct client *c)
{
	if (c->start > 0) {
		memmove(c->buf, c->buf + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	if (c->end < c->cap)
		return true;
	char *more = c->cap < ANSWER_MAX ? realloc(c->buf, c->cap * 2) : NULL;
	if (!more) {
		errno = EMSGSIZE;
		return false;
	}
	c->buf = more;
	c->cap *= 2;
	return true;
}

static bool
read_more(struct client *c, long long deadline_ms)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	long long left = deadline_ms < 0 ? -1 : deadline_ms - now_ms();
	int ready = deadline_ms >= 0 && left <= 0 ? 0 : poll(&p, 1, (int)left);

	if (ready == 0)
		errno = ETIMEDOUT;
	if (ready <= 0 || !make_room(c))
		return false;
	ssize_t n = read(c->fd, c->buf + c->end, c->cap - c->end);
	if (n == 0)
		errno = EPIPE;
	if (n <= 0)
		return false;
	c->end += (size_t)n;
	return true;
}

char *
client_line(struct client *c, int timeout_ms, size_t *ret_len)
{
	long long deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	size_t looked = 0;

	for (;;) {
		char *line = c->buf + c->start, *nl = memchr(line + looked, '\n', c->end - c->start - looked);
		if (nl) {
			*nl = 0;
			*ret_len = (size_t)(nl - line);
			c->start += *ret_len + 1;
			return line;
		}
		looked = c->end - c->start;
		if (!read_more(c, deadline))
			return NULL;
	}
}

bool
client_send(struct client *c, const char *cmd, struct json_object *args)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "id", json_object_new_int(1));
	json_object_object_add(o, "cmd", json_object_new_string(cmd));
	json_object_object_add(o, "args", args ? json_object_get(args) : json_object_new_object());
	size_t len;
	const char *text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
	bool ok = send(c->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len && send(c->fd, "\n", 1, MSG_NOSIGNAL) == 1;
	json_object_put(o);
	return ok;
}

int
client_unreachable(const struct cli *cli, int error)
{
	fprintf(stderr, "lenscap: %s/control.sock: %s\n", cli->run_dir, strerror(error));
	if (error == ENOENT || error == ECONNREFUSED)
		fprintf(stderr, "lenscap: no daemon runs there; start it with `systemctl start lenscap`, or name its directory with --run-dir\n");
	return error == EACCES ? EXIT_REFUSED : EXIT_UNREACHABLE;
}

/* Lines up to the answer. NULL with errno 0: each() has had enough. */
static struct json_object *
read_answer(struct client *c, bool (*each)(void *arg, struct json_object *event), void *arg, int timeout_ms)
{
	size_t len;
	char *line;

	while ((line = client_line(c, timeout_ms, &len))) {
		struct json_object *o = json_tokener_parse(line), *event;
		if (!json_object_is_type(o, json_type_object)) {
			json_object_put(o);
			errno = EPROTO;
			return NULL;
		}
		if (!json_object_object_get_ex(o, "event", &event))
			return o;
		bool more = !each || each(arg, event);
		json_object_put(o);
		if (!more) {
			errno = 0;
			return NULL;
		}
	}
	return NULL;
}

struct json_object *
client_stream(const struct cli *cli, const char *cmd, struct json_object *args, bool change,
	      bool (*each)(void *arg, struct json_object *event), void *arg, int timeout_s, int *ret_exit)
{
	struct client *c = client_open(cli, change);

	if (!c) {
		*ret_exit = client_unreachable(cli, errno);
		return NULL;
	}
	struct json_object *answer = NULL;
	if (client_send(c, cmd, args))
		answer = read_answer(c, each, arg, timeout_s > 0 ? timeout_s * 1000 : -1);
	int error = errno;
	client_close(c);
	if (answer)
		return answer;
	if (error == ETIMEDOUT)
		fprintf(stderr, "lenscap: the daemon behind %s/control.sock did not answer within %d s\n", cli->run_dir, timeout_s);
	else if (error == EPIPE || error == ECONNRESET)
		fprintf(stderr, "lenscap: the daemon behind %s/control.sock went away before it answered\n", cli->run_dir);
	else if (error)
		fprintf(stderr, "lenscap: %s/control.sock: %s\n", cli->run_dir, strerror(error));
	*ret_exit = error ? EXIT_UNREACHABLE : EXIT_OK;
	return NULL;
}

struct json_object *
client_ask(const struct cli *cli, const char *cmd, struct json_object *args, bool change, int timeout_s, int *ret_exit)
{
	return client_stream(cli, cmd, args, change, NULL, NULL, timeout_s, ret_exit);
}

int
client_verdict(struct json_object *answer, int code)
{
	if (!answer)
		return code;
	if (client_flag(answer, "ok"))
		return EXIT_OK;
	fprintf(stderr, "lenscap: %s\n", client_text(answer, "error"));
	return EXIT_REFUSED;
}

struct json_object *
client_member(struct json_object *o, const char *path)
{
	char name[64];

	while (o && *path) {
		size_t n = strcspn(path, ".");
		struct json_object *next = NULL;
		if (n >= sizeof name)
			return NULL;
		memcpy(name, path, n);
		name[n] = 0;
		if (!json_object_object_get_ex(o, name, &next))
			return NULL;
		o = next;
		path += n + (path[n] == '.');
	}
	return o;
}

long long
client_number(struct json_object *o, const char *path)
{
	return json_object_get_int64(client_member(o, path));
}

const char *
client_text(struct json_object *o, const char *path)
{
	struct json_object *v = client_member(o, path);
	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

bool
client_flag(struct json_object *o, const char *path)
{
	return json_object_get_boolean(client_member(o, path));
}
