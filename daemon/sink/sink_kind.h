/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One output and its two halves. Private to this folder. A new kind of output is one file and one row in sink.c.
 *
 * The loop (sink.c) offers lines and keeps those that find no room in the lane. The writer (writer.c) takes them out of the lane and
 * is the only one that touches the target, which may block: it is a thread of its own. A kind only knows how to open
 * its target and how to hand bytes over.
 */
#ifndef LENSCAP_SINK_KIND_H
#define LENSCAP_SINK_KIND_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "backlog.h"
#include "lane.h"
#include "sink.h"

struct sink_kind;

/* The first record of a file is printed by the loop, which knows what it says, when the writer has found that it needs one. */
enum preface_state { PREFACE_NONE, PREFACE_WANTED, PREFACE_PRINTING, PREFACE_READY };

/* What the loop wants of the writer. */
enum writer_ask {
	ASK_OPEN = 1,
	ASK_REOPEN = 2,
	ASK_CHECK = 4, /* a second has passed: has the target moved, does what failed work now? */
	ASK_END = 8,   /* write what waits, for end_ms at most; what the loop had is the writer's now */
};

/* Who frees a sink: the one that comes last. */
enum sink_life { SINK_LIVES, SINK_FINISHED, SINK_LEFT };

struct sink {
	/* Set before the writer starts, and never changed. */
	const struct sink_kind *kind;
	char *path;
	unsigned facility;
	int syslog_fd;
	bool wants_first; /* a new file begins with a record of the loop's */
	struct lane *lane;

	/* The loop's; after ASK_END the writer's. */
	struct backlog *backlog;
	uint32_t types;
	uint64_t dropped[RECORD_TYPES];
	uint64_t losses;     /* dropped records that the log has told of */
	int told_error;	     /* what the log has told of */
	unsigned told_moves;
	bool told_stall, threaded, spent;
	uint64_t taken;      /* lines that the writer had taken when we last looked, */
	uint64_t taken_ns;   /* and since when it has been so many */
	pthread_t thread;

	/* Between the two. */
	_Atomic unsigned asked; /* ASK_* */
	_Atomic bool asleep;	/* the writer waits for the bell */
	_Atomic int life;
	_Atomic unsigned end_ms;
	_Atomic int preface_state;
	char preface[RECORD_BYTES]; /* goes out before all lines; also the '\n' that ends a line which somebody left torn */
	size_t preface_len, preface_sent;
	int bell; /* eventfd; -1: the loop writes itself */

	/* The writer's, for the loop to look at. */
	_Atomic bool is_open;
	_Atomic unsigned moves;	   /* how often the path was not what was open any more */
	_Atomic int error;	   /* of the last attempt; 0: fine */
	_Atomic bool open_failed;  /* that attempt was to open it */
	_Atomic uint64_t written[RECORD_TYPES], refused[RECORD_TYPES], bytes; /* refused: too long for the target */

	/* The writer's. */
	int fd; /* -1: not open */
	dev_t dev;
	ino_t ino;
	mode_t mode;	   /* of what was opened */
	bool slow;	   /* the reader took nothing just now */
	uint64_t retry_ns; /* after a failure: not before */
};

struct sink_kind {
	const char *name;
	const char *default_path;
	bool pollable; /* poll(2) on fd tells when a slow reader takes something again */
	/* Opens, sets fd, dev, ino, mode. 0, or -1 with errno. */
	int (*open)(struct sink *s);
	/* Hands some bytes over. Positive: progress; 0: nothing waits; -1 with errno (EAGAIN: the reader is slow). */
	ssize_t (*push)(struct sink *s);
	/* True when the path is no longer what is open. NULL: that cannot be. */
	bool (*moved)(const struct sink *s);
	/* Ends a line that is partly out if it can, and lets go. */
	void (*close)(struct sink *s);
};

extern const struct sink_kind sink_eve, sink_syslog, sink_stdout;

/* sink.c: what waits moves into the lane as far as there is room. Whose the backlog is, calls it. */
void sink_feed(struct sink *s);
void sink_release(struct sink *s);

/* writer.c. Does all that can be done now; without a thread the loop calls it. */
void writer_turn(struct sink *s, const struct now *now);
/* False: there is no thread, logged. */
bool writer_start(struct sink *s);
/* The writer has something to do. Cheap when it is awake. */
void writer_ring(struct sink *s);

/* stream.c, for kinds that write to a byte stream. */
enum { STREAM_VECTORS = 256 };

/* Like writev(2). */
typedef ssize_t stream_writer(const struct sink *s, struct iovec *iov, int n);

ssize_t stream_push(struct sink *s, stream_writer *write);
/* Writes the rest of what is partly out, so that the target ends with a whole line. */
void stream_finish(struct sink *s, stream_writer *write);

#endif
