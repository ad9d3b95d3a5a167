/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each device has used of each `limit:` of the policy, in the period that runs.
 *
 * A budget is a row: device, limit, period, amount used. Rows are made when something is counted first; all memory is set aside at the
 * start. Far from the line the kernel carries a budget's flows and its counters are read (CH_FLOW_NEWS, and CH_LOOK for more of them). Near
 * the line a new generation brings the flows back to the queue, where each packet is counted before it passes, so that the line is met to a
 * packet however fast a camera is.
 */
#ifndef LENSCAP_BUDGET_H
#define LENSCAP_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts.h"
#include "flow.h"
#include "policy.h"

struct budgets;
struct device;
struct engine;

enum { BUDGET_ROWS = 8192 };

/* NULL when memory is short. */
struct budgets *budgets_new(void);
void budgets_free(struct budgets *b);
size_t budgets_count(const struct budgets *b);

/* A policy came into force: finds its limits' budgets. */
void budget_adopt(struct engine *e);
/* Fills what facts say of budgets. The array lives until the next call. */
void budget_facts(const struct engine *e, const struct device *d, const struct flow *f, struct facts *ret);
/* The flow was judged so: from here on it is counted under this rule. */
void budget_take(struct engine *e, struct flow *f, const struct judgement *j);
/* Charges what the flow has moved since the last call. True: its budget is used up, and it must be judged again. */
bool budget_count(struct engine *e, struct flow *f);
/* The same after conntrack's counters are in f->kernel_bytes. before_us: connections that are older were counted by another engine. */
void budget_news(struct engine *e, struct flow *f, int64_t began_us);
/* What is left of its budget is so little that each of its packets must be seen. */
bool budget_meters(const struct engine *e, const struct flow *f);
/* The kernel carries this flow from here on. */
void budget_settles(struct engine *e, struct flow *f);
bool budget_is_used_up(const struct engine *e, const struct flow *f);
/* A few times a second: asks for counters, and for flows that must come back. */
void budget_pace(struct engine *e);
/* Once a second: ends of periods, and the file. */
void budget_tick(struct engine *e);

/* budget_file.c: what was used is kept in STATE/budgets, so that a restart gives nobody a fresh budget. */
void budget_load(struct engine *e);
/* now: also where the last time was a moment ago. */
void budget_save(struct engine *e, bool now);

#endif
