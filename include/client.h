/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's end of the control socket (lenscap-control(5)): one request, its events, its answer, read with json-c. */
#ifndef LENSCAP_CLIENT_H
#define LENSCAP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct cli;
struct json_object;

/*
 * Sends {"id":1,"cmd":cmd,"args":args} and waits at most timeout_s seconds for the answer. change: needs control.sock; else view.sock is tried where
 * control.sock may not be opened. args may be NULL; it stays the caller's.
 * Returns the whole answer object (to json_object_put), or NULL: the reason was printed and *ret_exit is the exit status.
 */
struct json_object *client_ask(const struct cli *cli, const char *cmd, struct json_object *args, bool change, int timeout_s,
			       int *ret_exit);

/*
 * The same for a command that streams: each() is called with the value of "event" of each line before the answer, and returns false to stop
 * early: then NULL is returned with *ret_exit EXIT_OK. timeout_s: between two lines; 0 or less: none.
 */
struct json_object *client_stream(const struct cli *cli, const char *cmd, struct json_object *args, bool change,
				  bool (*each)(void *arg, struct json_object *event), void *arg, int timeout_s, int *ret_exit);

/* The same in steps, for who must go on when the daemon goes away. */
struct client;

/* NULL: errno says why, nothing is printed. */
struct client *client_open(const struct cli *cli, bool change);
void client_close(struct client *c);
bool client_send(struct client *c, const char *cmd, struct json_object *args);
/*
 * The next line, without its '\n', valid until the next call. NULL: errno is ETIMEDOUT, EPIPE (the daemon closed), EMSGSIZE or what the system said.
 * timeout_ms below 0: none. EINTR comes through, so that a signal can end the waiting.
 */
char *client_line(struct client *c, int timeout_ms, size_t *ret_len);
/* Prints why client_open() failed. Returns the exit status. */
int client_unreachable(const struct cli *cli, int error);

/* Prints the answer's error where it has ok false; returns the exit status. answer NULL: `code`. */
int client_verdict(struct json_object *answer, int code);

/* Members with a default, so that a daemon of another release never crashes its client. `path` is "queue.waiting". */
long long client_number(struct json_object *o, const char *path);
const char *client_text(struct json_object *o, const char *path);
bool client_flag(struct json_object *o, const char *path);
struct json_object *client_member(struct json_object *o, const char *path);

#endif
