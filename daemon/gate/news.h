/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What conntrack says about flows of ours: their end when it comes, their counters every few seconds. */
#ifndef LENSCAP_GATE_NEWS_H
#define LENSCAP_GATE_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "channel.h"

struct news;

/* Called with 1..CHANNEL_NEWS of them. */
typedef void news_sink(const struct channel_flow_news *f, size_t n, void *arg);

struct news *news_open(void);
void news_close(struct news *n);
/* Two descriptors to wait for, and what to do then. Each call is bounded. */
int news_event_fd(const struct news *n);
int news_dump_fd(const struct news *n);
/* Returns how often the kernel had to leave out events since the last call. */
unsigned news_events(struct news *n, unsigned shift, news_sink *sink, void *arg);
/*
 * Starts a look at all entries; nothing happens while one is under way, or, without hurry, while the last one is over for less time
 * than it took. It goes on by one datagram of the kernel's a step, and by as many rows as news_pace() has granted.
 */
void news_look(struct news *n, uint64_t now_ns, bool hurry);
void news_look_step(struct news *n, unsigned shift, uint64_t now_ns, news_sink *sink, void *arg);
/* Somebody else listens now, or was not told all: what closed long ago is told again as well, which looks leave out otherwise (repeats.h). */
void news_again(struct news *n);
/* To be called some twenty times a second: grants the next rows of a look. */
void news_pace(struct news *n);
/* A look is under way and has not used up what it was granted. */
bool news_looks(const struct news *n);

/*
 * At the end: what has ended, then all entries, at once, until the clock says until_ns (CLOCK_MONOTONIC).
 * False: time ran out, or the kernel failed.
 */
bool news_look_all(struct news *n, unsigned shift, uint64_t until_ns, news_sink *sink, void *arg);

/* Number of conntrack entries and its limit; zero when unknown. */
void news_table_size(struct news *n, uint32_t *ret_entries, uint32_t *ret_max);

#endif
