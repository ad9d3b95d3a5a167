/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine tells the store (store.h), and what it asks. Nothing here waits: what the store does not take at once is kept, as much of
 * it as fits; more is dropped and counted (stats.chronicle_dropped). Without a store, as in scenarios and replay, every call is fine and does nothing.
 */
#ifndef LENSCAP_CHRONICLE_H
#define LENSCAP_CHRONICLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

struct chronicle;
struct device;
struct engine;
struct evidence;
struct flow;
struct store_evidence;
struct store_query;

/* A new store (CH_STORE). fd is non-blocking and becomes the chronicle's. -1: there is none yet, or none any more. */
void chronicle_connect(struct engine *e, int fd);
/* There is a store, or there will be one: what is told is kept until then. */
bool chronicle_listens(const struct engine *e);
/*
 * There is a store, or one is on its way (a start, a replacement): what is told or asked waits for it. False: there has been none for
 * seconds; chronicle_none says so to whoever asks.
 */
bool chronicle_expects(const struct engine *e);
extern const char chronicle_none[];
/* Of the store in use; -1: none. For the loop. */
int chronicle_fd(const struct engine *e);
/* The descriptor is readable: takes a bounded number of messages. */
void chronicle_read(struct engine *e);
/* Sends what has piled up. */
void chronicle_flush(struct engine *e);
/* Once a second: changed devices. */
void chronicle_tick(struct engine *e);
/* Answers that wait for their clients to read: some may go on. True: some still wait, ask again in a few milliseconds. */
bool chronicle_resume(struct engine *e);
/* A policy came into force: limits may be others. */
void chronicle_adopt(struct engine *e);
void chronicle_free(struct engine *e);
/* What is wrong with the store; "" nothing. Until the next call of any of these. */
const char *chronicle_problem(const struct engine *e);

/* This device is new or has changed. It is told within a second, and at most once a second. */
void chronicle_device(struct engine *e, const struct device *d);
void chronicle_evidence(struct engine *e, const struct device *d, const struct evidence *ev);
/* The flow as its record tells it. end FLOW_END_DENIED: `repeat` tries that were refused. */
void chronicle_flow(struct engine *e, const struct flow *f, enum flow_end end, uint64_t repeat, const struct record *r);
/*
 * One DNS question of this flow, as its record tells how it was judged. A device may fill so much of the history in an hour and no more: what
 * it asks beyond that is counted as dropped.
 */
void chronicle_question(struct engine *e, const struct flow *f, const char *query, const struct record *r);
/* Operators' deeds, restarts, reloads. who "": lenscap itself. */
void chronicle_event(struct engine *e, const char *kind, const char *who, const char *text);
void chronicle_forget(struct engine *e, const struct device *d);

/*
 * Asks for rows; control_event() gets each, control_answer() the end. Head, padding and ticket are filled in here. False: nothing was asked,
 * and *ret_error says why.
 */
bool chronicle_query(struct engine *e, uint32_t ticket, const struct store_query *q, const char **ret_error);

#endif
