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

#include "bridge.h"
#include "channel.h"
#include "child.h"
#include "conduct.h"
#include "gate.h"
#include "historian.h"
#include "lists.h"
#include "log.h"
#include "place.h"
#include "plan.h"
#include "planner.h"
#include "privilege.h"
#include "scribe.h"
#include "standing.h"
#include "tally.h"
#include "usage.h"

enum {
	MS = 1000000,	    /* nanoseconds */
	RELOAD_TICKETS = 8, /* that wait */
	PREPARE_MS = 5000,  /* for which an engine may be silent while it builds a policy, databases included */
	PREPARED_MS = 30000, /* in which it is built: a large one beside the packets, on a slow machine */
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
	bool early;	      /* ENGINE_DOWN, but there is a process, which knows no more than a policy */
	uint64_t since_ns;    /* of the state */
	uint64_t started_ns;  /* of this engine */
	uint64_t ready_ns;    /* its CH_READY, 0: not yet */
	uint64_t start_at_ns; /* ENGINE_DOWN */
	unsigned quick_deaths;
	struct conduct conduct;
	uint32_t ping;		  /* the last number sent */
	uint64_t pinged_ns;	  /* 0: every ping has its answer */
	bool ping_waits;	  /* its channel was full: it is sent again */
	uint64_t heard_ns;	  /* the last message that made sense */
	uint64_t stale;		  /* as this engine said last */
	uint32_t restarts;
	uint64_t answered; /* packets that the fail mode has answered since the last engine was ready */
	bool ever_ready;
	char reason[96]; /* why the last one is gone */
};

enum request_kind {
	REQUEST_RELOAD,	  /* the policy's files as they are now */
	REQUEST_CONFIRM,
	REQUEST_UNDO,
	REQUEST_MODE,
	REQUEST_BACK,	  /* ours: nobody confirmed in time */
	REQUEST_MODE_OVER, /* ours: the other mode's time is over */
	REQUEST_REJUDGE,  /* ours: no new policy, only the generation */
};

struct request {
	enum request_kind kind;
	uint32_t ticket; /* 0: nobody waits for an answer */
	uint32_t seconds, mode, uid, pid;
};

enum reload_state { RELOAD_IDLE, RELOAD_PLANNING, RELOAD_PREPARING, RELOAD_WRITING, RELOAD_SWEEPING };

struct reload {
	enum reload_state state;
	uint64_t since_ns;
	struct request now;   /* in hand, unless idle */
	struct standing next; /* what holds once it is done */
	bool begun;	      /* it is written down, or being written */
	struct planner planner;
	struct plan plan;  /* the next one */
	int bundle_fd;	   /* -1: none */
	unsigned sweeping; /* generation that is being made safe to use */
	struct request waiting[RELOAD_TICKETS];
	size_t n_waiting;
	bool rejudge_wanted;
	uint64_t rejudged_ns;
	uint64_t again_ns; /* of what is ours: not before this */
};

/* The policies that were in force, and on what terms this one is. */
struct terms {
	int versions_fd; /* -1: no policies are kept */
	struct standing now;
	struct lease_clock clock;
	bool went_back;	    /* at the start: told once somebody can hear it */
	char left_id[VERSION_ID]; /* the policy that was left then */
};

enum { WARDEN_TICKETS = 64 };

/* Between what is cut off and those who ask for it and hear of it. */
struct warden {
	uint32_t tickets[WARDEN_TICKETS]; /* answered when the kernel knows */
	size_t n_tickets;
	bool refused; /* by the kernel, at the last change */
	bool untold; /* the engine has not heard the last state */
	uint64_t looked_ns, save_again_ns;
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
	struct lists *lists; /* that the policy names */
	struct netlink *ask; /* counters */
	struct ahead *ahead; /* kinds of flows that are known before them */
	struct observe *observe; /* NULL: announcements are not heard */
	struct groups *groups;
	struct quarantine *quarantine;
	struct flood *flood;
	struct warden warden;
	struct bridge_switches bridge;

	struct plan plan; /* in force */
	int bundle_fd;	  /* the policy in force, as it was checked */
	unsigned generation;
	uint32_t boot;
	bool installed; /* the table is in place */
	bool ending;

	struct keeper keeper;
	struct historian historian;
	struct reload reload;
	struct terms terms;
	struct scribe scribe;
	struct tally tally;
	uint64_t denied_seen; /* counter c_denied at the last reading of the hits */
	uint64_t verdicts_refused, kinds_refused, news_lost, messages_lost;
	struct log_limit complaint; /* about the engine's messages */

	uint64_t now_ns;
	int64_t now_s; /* wall clock */
	int64_t wall_ns; /* the same, finer */
	int64_t clock_offset_s; /* what it is ahead of the other one */
	struct usage usage;
	uint64_t start_us; /* wall clock */
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
 * At the start, while the policy is still being checked: an engine that is loaded meanwhile and builds what it is sent. keeper_start() goes on with
 * it. Where that fails there is none, and nothing is lost.
 */
void keeper_early(struct gate *g);
void keeper_early_policy(struct gate *g, int bundle_fd);
/* Another policy, or none, comes into force: one that has built the wrong one is not used. */
void keeper_early_end(struct gate *g);
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
/* What can wait may be sent: the channel is not a quarter full, so that pings and ends of flows always find a place. */
bool keeper_has_room(const struct gate *g);
void keeper_event(struct gate *g, enum gate_event event, uint64_t count, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Once a second, with fresh counters: has it answered packets that never came? */
void keeper_count(struct gate *g);

/* inbox.c: what the engine says, a bounded number of messages. */
void inbox_read(struct gate *g);

/* reload.c */
void reload_ask(struct gate *g, const struct request *r);
void reload_rejudge(struct gate *g);
void reload_prepared(struct gate *g, uint32_t ticket, bool ok);
/* The planner's process has ended. */
void reload_planned(struct gate *g);
/* What was being written is. */
void reload_written(struct gate *g);
/* The sweep's socket is readable. */
void reload_sweep(struct gate *g);
/* Every 50 ms: deadlines, and what waits. */
void reload_tick(struct gate *g);
/* The engine is gone, and with it everybody who asked through it. */
void reload_engine_lost(struct gate *g);
/* Prints the checker's text on stderr. */
void reload_print(int text_fd);

/* terms.c */
/* Before the first policy is read. */
void terms_open(struct gate *g);
void terms_close(struct gate *g);
/*
 * What the request comes to: r->next, and where the policy is read: *ret_source a bundle, or -1 for the files. False: it is not done,
 * and text (of size len) says why.
 */
bool terms_prepare(struct gate *g, const struct request *q, int *ret_source, char *text, size_t len);
/*
 * r->plan will come into force: r->next is settled, and all that a restart must know is being written down before the kernel has it.
 * False: no process writes it.
 */
bool terms_begin(struct gate *g);
/* It is written, except for these scribe_lack. False: it must not come into force, for want of a place. */
bool terms_begun(const struct gate *g, unsigned lacks);
/* The kernel has it, or has refused it. */
void terms_commit(struct gate *g);
void terms_revert(struct gate *g);
/* The request in hand failed. unreadable: its policy can never come into force again. */
void terms_failed(struct gate *g, bool unreadable);
/* Something of ours is due. */
bool terms_due(struct gate *g, struct request *ret);
void terms_confirm(struct gate *g, const struct request *q);
/* CH_TERMS. */
void terms_tell(struct gate *g);
/* ", waits for confirmation" and the like, for the service manager. */
const char *terms_words(struct gate *g, char *out, size_t len);
/*
 * The policy for the start, by plan_one() of life.c: the file's, or a kept one that is not the file's because nobody confirmed that, or because
 * it was undone.
 */
enum plan_result terms_choose(struct gate *g, struct plan *ret_plan);
/* What a restart must know is being written down: as soon as the rules are in place, for the disk may be slower than the first engine. */
void terms_write(struct gate *g);
/* It is in force. */
void terms_started(struct gate *g);

/* life.c: has a policy read and checked, and waits for it: a bundle, or the files for source -1. Takes over g->bundle_fd when it is good. */
enum plan_result plan_one(struct gate *g, int source, uint8_t mode, struct plan *ret_plan);

/* warden.c: who is cut off, and what is heard on the cameras' link */
bool warden_open(struct gate *g);
void warden_close(struct gate *g);
/* The list of an earlier run. */
void warden_load(struct gate *g);
/* Binds the socket for announcements, where the kernel has them. */
void warden_listen(struct gate *g);
/* The policy has moved the numbers. */
void warden_moved(struct gate *g);
/* CH_QUARANTINE. False: it makes no sense. */
bool warden_take(struct gate *g, const struct channel_quarantine *m);
/* CH_LOOK, at a bounded pace. */
void warden_look(struct gate *g);
/* Every 50 ms: what is over, what has changed. */
void warden_tick(struct gate *g);
/* After the counters were read: has somebody begun to flood? */
void warden_count(struct gate *g);
/* A new engine knows nothing. */
void warden_engine(struct gate *g);

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
