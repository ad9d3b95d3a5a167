/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate's whole state, for the four files that run it: gate.c (loop), keeper.c, inbox.c, reload.c. The
 * modules under them do not see it.
 */
#ifndef LENSCAP_GATE_STATE_H
#define LENSCAP_GATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "child.h"
#include "gate.h"
#include "log.h"
#include "place.h"
#include "plan.h"
#include "planner.h"
#include "privilege.h"
#include "tally.h"

enum {
	MS = 1000000,	    /* nanoseconds */
	RELOAD_TICKETS = 8, /* that wait */
	PREPARE_MS = 5000,  /* in which an engine builds a policy, databases included */
	MALFORMED_MAX = 32, /* messages that make no sense, of one engine */
};

/* The engine's life. */
enum engine_state {
	ENGINE_DOWN,	 /* none; one is started at start_at_ns */
	ENGINE_STARTING, /* has its descriptors, has not said CH_READY */
	ENGINE_READY,
};

struct keeper {
	enum engine_state state;
	struct child child;
	int channel;	      /* -1: none */
	uint64_t since_ns;    /* of the state */
	uint64_t started_ns;  /* of this engine */
	uint64_t ready_ns;    /* its CH_READY, 0: not yet */
	uint64_t start_at_ns; /* ENGINE_DOWN */
	unsigned quick_deaths;
	unsigned malformed;
	uint32_t ping;		  /* the last number sent */
	uint64_t pinged_ns;	  /* 0: every ping has its answer */
	uint64_t stale;		  /* as this engine said last */
	uint64_t verdicts_before; /* of earlier engines */
	uint32_t restarts;
	uint64_t answered; /* packets that the fail mode has answered since the last engine was ready */
	bool ever_ready;
};

enum reload_state { RELOAD_IDLE, RELOAD_PLANNING, RELOAD_PREPARING, RELOAD_SWEEPING };

struct reload {
	enum reload_state state;
	uint64_t since_ns;
	uint32_t ticket;
	bool rejudge; /* no new policy: only the generation */
	struct planner planner;
	struct plan plan;  /* the next one */
	int bundle_fd;	   /* -1: none */
	unsigned sweeping; /* generation that is being made safe to use */
	uint32_t waiting[RELOAD_TICKETS];
	size_t n_waiting;
	bool rejudge_wanted;
	uint64_t rejudged_ns;
};

struct gate {
	const struct gate_options *o;
	struct identity id;
	struct place place;
	int program, notify, signals;
	uint64_t watchdog_us;

	struct table *table;
	struct queue *queue;
	struct sweep *sweep;
	struct news *news;
	struct denied *denied;
	struct links *links;
	struct neighbours *neighbours;
	struct watch *watch;
	struct netlink *ask; /* counters */

	struct plan plan; /* in force */
	int bundle_fd;	  /* the policy in force, as it was checked */
	unsigned generation;
	uint32_t boot;
	bool installed; /* the table is in place */
	bool ending;

	struct keeper keeper;
	struct reload reload;
	struct tally tally;
	uint64_t denied_seen; /* counter c_denied at the last reading of the hits */
	uint64_t verdicts_refused, news_lost, messages_lost;
	struct log_limit complaint; /* about the engine's messages */

	uint64_t now_ns;
	uint64_t verify_at_ns, restored_ns, links_at_ns; /* 0: nothing to do */
	uint64_t last_news_ns; /* until when the end waits for them */
	uint64_t *chore_due_ns;
};

/* keeper.c */
/*
 * Starts an engine on the queue's socket with the running policy. Failing means ENGINE_DOWN and another try
 * later.
 */
void keeper_start(struct gate *g);
/*
 * Kills and collects it, gives what waits the fail mode's answer and arranges the next one. reason: for the
 * log.
 */
void keeper_lost(struct gate *g, const char *reason);
/* The engine said CH_READY. */
void keeper_ready(struct gate *g);
/* Every 50 ms: pings, deadlines, the next start. */
void keeper_tick(struct gate *g);
/* Every 5 ms while nobody judges. */
void keeper_answer(struct gate *g);
/* One message, never blocking. False: it did not arrive; a vital one costs the engine its life then. */
bool keeper_send(struct gate *g, const void *message, size_t len, int fd, bool vital);
void keeper_event(struct gate *g, enum gate_event event, uint64_t count, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* inbox.c: what the engine says, a bounded number of messages. */
void inbox_read(struct gate *g);

/* reload.c */
void reload_ask(struct gate *g, uint32_t ticket);
void reload_rejudge(struct gate *g);
void reload_prepared(struct gate *g, uint32_t ticket, bool ok);
/* The planner's process has ended. */
void reload_planned(struct gate *g);
/* The sweep's socket is readable. */
void reload_sweep(struct gate *g);
/* Every 50 ms: deadlines, and what waits. */
void reload_tick(struct gate *g);
/* The engine is gone, and with it everybody who asked through it. */
void reload_engine_lost(struct gate *g);
/* Prints the checker's text on stderr. */
void reload_print(int text_fd);

/* gate.c */
unsigned gate_next_generation(const struct gate *g);
/* The kernel has this generation now, and with policy the plan too: tells the engine. */
void gate_committed(struct gate *g, unsigned generation, uint32_t ticket, bool policy);
/* The table has been made anew: counters and hits start from nothing. */
void gate_table_anew(struct gate *g);
/* The interfaces, and who is behind the guarded ones. */
void gate_tell_links(struct gate *g);
/* What conntrack knows at the end, in bounded time. */
void gate_last_news(struct gate *g);
void gate_status(struct gate *g, const char *state);

#endif
