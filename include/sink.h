/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where records go: EVE file, syslog datagrams, standard output. A record is printed once and offered to every sink that wants its type.
 *
 * No sink ever blocks the packet path: each output has a thread that writes, and offering a record to it is a copy into memory. What cannot
 * be written now waits there, bounded; when that is full the oldest records that are not alerts go first, alerts last;
 * what went is counted by type.
 */
#ifndef LENSCAP_SINK_H
#define LENSCAP_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "policy.h"
#include "record.h"

struct sinks;

/*
 * Writes one finished line, the first record of a file that has just been created (or is empty). Returns its length, 0: none.
 * Called from within sinks_*() only, in the caller's thread.
 */
typedef size_t sink_first_record(void *arg, const struct now *now, char *out, size_t cap);

/*
 * outputs: from policy_outputs(), copied. The path of a syslog output is the log socket; NULL or "" is /dev/log. syslog_fd: an unconnected
 * AF_UNIX datagram socket or -1; borrowed. A file that cannot be opened is logged, retried once a second by sinks_tick(), and its records
 * wait in memory meanwhile.
 * background: each output gets a thread that opens and writes. It is started by the first flush or tick, so that it is bound by all that the
 * caller has given up until then. False: the calls below write themselves, which may block on a slow disk.
 * Sets SIGPIPE to be ignored when nobody handles it: a reader that goes away must not end the program.
 * first may be NULL. NULL only when memory is short.
 */
struct sinks *sinks_new(const struct policy_output *outputs, size_t n, int syslog_fd, bool background, sink_first_record *first, void *arg,
			const struct now *now);
/*
 * Outputs of `old` that go to the same target go on in s with all that waits and all counters. Before anything else is done with s.
 * old is then only good for sinks_status() and to be freed.
 */
void sinks_inherit(struct sinks *s, struct sinks *old);
/* Writes out what can be written within half a second, tells what cannot, frees. s may be NULL. */
void sinks_free(struct sinks *s, const struct now *now);
/*
 * The same without waiting: the threads go on for five seconds at most. heir: who counts what they could not write, as sinks_tick() finds them
 * through; NULL: they free themselves, and what is lost in the end is not known.
 */
void sinks_retire(struct sinks *s, struct sinks *heir, const struct now *now);
/* Records that outputs lost which the policy does not have any more, by bit number of RECORD_*; beside those that sinks_status() told of them. */
const uint64_t *sinks_lost(const struct sinks *s);

/* Offers one printed line (with '\n', at most RECORD_BYTES) of this type to every sink. level: of an alert, for syslog's severity; else ALERT_NONE. */
void sinks_write(struct sinks *s, uint32_t type, enum alert_level level, const struct now *now, const char *line, size_t len);

/* Pushes buffered bytes out; call after each batch of packets. Cheap when there is nothing. */
void sinks_flush(struct sinks *s, const struct now *now);
/* Once a second: reopens files whose path vanished or was replaced, retries what failed, tells what hangs, flushes. */
void sinks_tick(struct sinks *s, const struct now *now);
/* Closes and reopens every file: for `reopen` and SIGHUP after a rotation. */
void sinks_reopen(struct sinks *s, const struct now *now);

struct sink_status {
	const char *kind, *path; /* path "" where there is none */
	bool open;
	bool stalled; /* takes nothing, and has told no error either */
	int last_errno; /* 0: fine */
	uint64_t written[RECORD_TYPES], dropped[RECORD_TYPES]; /* records, by bit number of RECORD_* */
	uint64_t bytes;
	size_t waiting; /* bytes in memory */
};
/* Rows live until the next call. */
const struct sink_status *sinks_status(struct sinks *s, size_t *ret_n);

/*
 * Rolls equal alerts up: the first of a key passes at once, the others are counted and come out as one record with `repeat` when the
 * window ends. Exact: the sum of `repeat` over all records of a key is the number of events offered. Bounded: when the table is full the oldest
 * window is closed early.
 */
struct rollup;
struct rollup_key {
	uint16_t device;
	uint16_t inbound; /* 1: the far side opened it */
	uint32_t rule; /* signature id */
	struct addr local, remote;
};
/*
 * The window of this key ends; n events were held back since the first (at least 1), over this many seconds. copy: as given to the rollup_add()
 * that opened the window. Lives for the call only; must not call rollup_* again.
 */
typedef void rollup_emit(void *arg, const struct rollup_key *key, const void *copy, size_t copy_len, uint64_t n, uint32_t seconds,
			 const struct now *now);

struct rollup *rollup_new(size_t capacity, uint32_t window_s, size_t copy_max, rollup_emit *emit, void *arg);
/* Called once for each copy, after the last use of it, whether or not its window had anything to emit: what it refers to may go. */
void rollup_on_forget(struct rollup *r, void (*forget)(const void *copy));
void rollup_free(struct rollup *r); /* emits what is open, with the time of the last call */
/*
 * count: events (1, or what the kernel counted). copy: what the caller needs to write the record later, at most copy_max bytes.
 * True: this opens a window: the caller writes the record now (with repeat = count). False: it was added to an open window
 * (or count was 0).
 */
bool rollup_add(struct rollup *r, const struct rollup_key *key, uint64_t count, const void *copy, size_t copy_len, const struct now *now);
void rollup_tick(struct rollup *r, const struct now *now);

#endif
