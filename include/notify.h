/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service manager's notification socket (sd_notify(3)'s protocol), without its library. */
#ifndef LENSCAP_NOTIFY_H
#define LENSCAP_NOTIFY_H

#include <stdint.h>

/*
 * Connects to NOTIFY_SOCKET and takes it and the watchdog's variables out of the environment, so that no
 * child speaks for us. ret_watchdog_us: how often the manager wants to hear from us, 0: never.
 * Returns the socket, or -1 when there is no manager (nothing is wrong then).
 */
int notify_open(uint64_t *ret_watchdog_us);

/* Sends "NAME=value" lines. fd -1 does nothing. Never blocks. */
void notify_send(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
