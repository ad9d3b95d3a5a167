/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's end of the control socket (lenscap-control(5)): one request, one answer, read with json-c. */
#ifndef LENSCAP_CLIENT_H
#define LENSCAP_CLIENT_H

#include <stdbool.h>

struct cli;
struct json_object;

/*
 * Sends {"id":1,"cmd":cmd,"args":args} and waits at most timeout_s seconds for the answer. change: needs control.sock; else view.sock is tried where
 * control.sock may not be opened. args may be NULL; it stays the caller's.
 * Returns the whole answer object (to json_object_put), or NULL: the reason was printed and *ret_exit is the exit status.
 */
struct json_object *client_ask(const struct cli *cli, const char *cmd, struct json_object *args, bool change, int timeout_s,
			       int *ret_exit);

/* Members with a default, so that a daemon of another release never crashes its client. `path` is "queue.waiting". */
long long client_number(struct json_object *o, const char *path);
const char *client_text(struct json_object *o, const char *path);
bool client_flag(struct json_object *o, const char *path);
struct json_object *client_member(struct json_object *o, const char *path);

#endif
