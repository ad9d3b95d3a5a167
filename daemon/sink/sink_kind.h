/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kind of sink is. Private to this folder. A new kind is one file and one row in sink.c.
 *
 * sink.c owns the waiting lines, the counters and the decision when to try again; a kind only knows how to open its target and
 * how to hand bytes over without blocking.
 */
#ifndef LENSCAP_SINK_KIND_H
#define LENSCAP_SINK_KIND_H

#include <sys/stat.h>

#include "backlog.h"
#include "sink.h"

struct sink_kind;

/* What sinks_new() was told, for the kinds that need it. */
struct sink_env {
	int syslog_fd;
	sink_first_record *first;
	void *arg;
};

struct sink {
	const struct sink_kind *kind;
	char *path;
	unsigned facility;
	uint32_t types;
	int fd; /* -1: not open */
	dev_t dev;
	ino_t ino;
	mode_t mode; /* of what was opened */
	struct backlog *backlog;

	/* Goes out before all lines: the first record of a file, or the '\n' that ends a line which somebody left torn. */
	char preface[RECORD_BYTES];
	size_t preface_len, preface_sent;

	uint64_t retry_ns; /* after a failure: not before */
	int error;	   /* of the last attempt; 0: fine */
	uint64_t losses;   /* dropped records that the log has told of */
	uint64_t written[RECORD_TYPES], dropped[RECORD_TYPES], bytes;
};

struct sink_kind {
	const char *name;
	const char *default_path;
	/* Opens, sets fd, dev, ino, mode. 0, or -1 with errno. */
	int (*open)(struct sink *s, const struct sink_env *env, const struct now *now);
	/* Hands some bytes over. Positive: progress; 0: nothing waits; -1 with errno (EAGAIN: the reader is slow). */
	ssize_t (*push)(struct sink *s);
	/* True when the path is no longer what is open. NULL: that cannot be. */
	bool (*moved)(const struct sink *s);
	/* Ends a line that is partly out if it can, and lets go. */
	void (*close)(struct sink *s);
};

extern const struct sink_kind sink_eve, sink_syslog, sink_stdout;

/* stream.c, for kinds that write to a byte stream. */
enum { STREAM_VECTORS = 256 };

/* Like writev(2), and never blocks. */
typedef ssize_t stream_writer(const struct sink *s, struct iovec *iov, int n);

ssize_t stream_push(struct sink *s, stream_writer *write);
/* Writes the rest of what is partly out, so that the target ends with a whole line. */
void stream_finish(struct sink *s, stream_writer *write);

#endif
