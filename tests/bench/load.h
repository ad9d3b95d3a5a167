/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the load generators share: a clock, addresses to go to, the words of a TLS handshake, percentiles. */
#ifndef LENSCAP_BENCH_LOAD_H
#define LENSCAP_BENCH_LOAD_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Set by SIGINT and SIGTERM after load_signals(). */
extern volatile sig_atomic_t load_stop;
void load_signals(void);

/* Monotonic, in microseconds. */
double load_now_us(void);

/* A block of `count` addresses from `first` on, all with one port; they are used in turn. */
struct targets {
	struct sockaddr_storage first;
	socklen_t length;
	uint32_t count, next;
};

/* IPv4 or IPv6 in text. Returns 0, or -1 when it is neither. */
int targets_set(struct targets *t, const char *address, uint16_t port, uint32_t count);
/* The next one, as a socket address of t->length bytes. */
struct sockaddr_storage targets_next(struct targets *t);

enum { LOAD_HELLO_MAX = 1024, LOAD_ANSWER_BYTES = 95 };
/* A whole ClientHello record with this name (at most 255 bytes); `salt` makes its random its own. Returns its length. */
size_t load_hello(unsigned char buf[LOAD_HELLO_MAX], const char *name, uint64_t salt);
/* The ServerHello record that answers it. */
extern const unsigned char load_answer[LOAD_ANSWER_BYTES];

/* A sample of durations, in microseconds; what is beyond its room is not kept. */
struct sample {
	float *value;
	size_t n, room;
};
/* Returns 0, or -1 with errno set. */
int sample_new(struct sample *s, size_t room);
void sample_add(struct sample *s, double value);
/* Sorts, and prints "NAME":{"n":..,"p50":..,"p90":..,"p99":..,"max":..} on stdout. */
void sample_print(struct sample *s, const char *name);

#endif
