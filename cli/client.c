/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request over the control socket; see client.h. */
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

enum { ANSWER_MAX = 16 << 20 };

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

/* Reads one line; NULL at the deadline, at the end of the stream, or when it grows beyond reason. */
static char *
read_line(int fd, int timeout_s)
{
	size_t cap = 65536, len = 0;
	char *buf = malloc(cap);
	long long deadline = now_ms() + timeout_s * 1000LL;

	while (buf) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		long long left = deadline - now_ms();
		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			break;
		ssize_t n = read(fd, buf + len, cap - len - 1);
		if (n <= 0)
			break;
		char *nl = memchr(buf + len, '\n', (size_t)n);
		len += (size_t)n;
		if (nl) {
			*nl = 0;
			return buf;
		}
		if (len == cap - 1) {
			char *more = cap < ANSWER_MAX ? realloc(buf, cap * 2) : NULL;
			if (!more)
				break;
			buf = more;
			cap *= 2;
		}
	}
	free(buf);
	return NULL;
}

static bool
send_request(int fd, const char *cmd, struct json_object *args)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "id", json_object_new_int(1));
	json_object_object_add(o, "cmd", json_object_new_string(cmd));
	json_object_object_add(o, "args", args ? json_object_get(args) : json_object_new_object());
	size_t len;
	const char *text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
	bool ok = send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len && send(fd, "\n", 1, MSG_NOSIGNAL) == 1;
	json_object_put(o);
	return ok;
}

struct json_object *
client_ask(const struct cli *cli, const char *cmd, struct json_object *args, bool change, int timeout_s, int *ret_exit)
{
	int fd = connect_to(cli->run_dir, "control.sock");

	if (fd < 0 && errno == EACCES && !change)
		fd = connect_to(cli->run_dir, "view.sock");
	if (fd < 0) {
		int saved = errno;
		fprintf(stderr, "lenscap: %s/control.sock: %s\n", cli->run_dir, strerror(saved));
		if (saved == ENOENT || saved == ECONNREFUSED)
			fprintf(stderr, "lenscap: no daemon runs there; start it with `systemctl start lenscap`, or name its directory with --run-dir\n");
		*ret_exit = saved == EACCES ? EXIT_REFUSED : EXIT_UNREACHABLE;
		return NULL;
	}
	char *line = send_request(fd, cmd, args) ? read_line(fd, timeout_s) : NULL;
	close(fd);
	struct json_object *answer = line ? json_tokener_parse(line) : NULL;
	free(line);
	if (json_object_is_type(answer, json_type_object))
		return answer;
	json_object_put(answer);
	fprintf(stderr, "lenscap: the daemon behind %s/control.sock did not answer within %d s\n", cli->run_dir, timeout_s);
	*ret_exit = EXIT_UNREACHABLE;
	return NULL;
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
