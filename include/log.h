/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operational messages of a program, one line each on stderr (the journal reads the <N> priority when it
 * is there). What was seen on the wire is a record for the sinks, not a log line.
 * A line has a subject, a fact and the next step.
 */
#ifndef LENSCAP_LOG_H
#define LENSCAP_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* program: static text put before each line ("lenscapd"). verbose also prints debug lines. */
void log_init(const char *program, bool verbose);
/* Writes "<N>" before each line; set when stderr is the journal's stream (JOURNAL_STREAM). */
void log_set_priorities(bool on);

void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));  /* appends errno's text */
void log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn)); /* appends errno's text; exit 1 */
void fatalx(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Guards a message that a packet can cause: at most one a second; tells how many were kept back. */
struct log_limit {
	uint64_t last_ns;
	unsigned held;
};
/* now_ns: any monotonic clock. True: print, and *ret_held (may be NULL) says how many were kept back since the last. */
bool log_allowed(struct log_limit *l, uint64_t now_ns, unsigned *ret_held);

#endif
