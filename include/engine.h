/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: everything that reads hostile bytes, without power. One loop, no locks; a large policy is
 * built, and records are written, by threads of their own that share nothing with it.
 *
 * A packet's way is engine_packet() in packet.c: decode → orient (who opened it, which device) → flow → judge → report → verdict.
 * The policy is immutable; a reload builds a fresh one beside it and swaps the pointer between two packets, when the gate says that the
 * kernel has the new generation.
 */
#ifndef LENSCAP_ENGINE_H
#define LENSCAP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "clock.h"
#include "decode.h"
#include "device.h"
#include "flow.h"
#include "geo.h"
#include "hold.h"
#include "inspect.h"
#include "names.h"
#include "nfq.h"
#include "policy.h"
#include "record.h"
#include "rulebook.h"
#include "sandbox.h"
#include "sink.h"
#include "stream.h"
#include "tunnel.h"

struct ahead;
struct budgets;
struct builder;
struct bundle;
struct chronicle;
struct confine;
struct control;
struct jail;
struct kinds;
struct metrics;
struct ring;

/* A policy with all that hangs from it, built as a whole and swapped as a whole. */
struct regime {
	struct policy *policy;
	struct rulebook *book;
	struct geo *geo;
	struct sinks *sinks;
	struct rollup *rollup;
	struct wording *wording; /* what the owner wrote; NULL: memory was short */
};

struct link_zone {
	uint32_t index;
	uint8_t zone; /* guarded zone or ZONE_NONE; of a bridge with guarded ports, that of the first */
	bool by_port; /* such a bridge: its ports tell */
	bool is_port; /* a guarded port of one */
	char name[16];
};

struct engine {
	const char *run_dir, *state_dir;
	char host[256];
	int channel, syslog_fd;
	bool packet_clock; /* time comes from the packets: scenarios, replay */
	bool offline;	   /* replay: nobody waits for verdicts, nothing is held, and no kernel says where a flow begins and ends */
	bool watch_all;	   /* flows that are decided are watched as well, until it is known what they speak */
	void (*recorder)(void *arg, const struct record *r); /* takes every record in place of the outputs; NULL: none */
	void *recorder_arg;
	struct now now;	   /* of the batch in hand */
	int64_t start_us;
	uint32_t boot, restarts, generation;

	struct regime is;      /* in force */
	struct builder *builder; /* of a large one, beside the packets; NULL: they are built in between */
	struct regime next;    /* prepared, waits for CH_COMMIT; policy NULL: none */
	struct regime early;   /* before the start: its policy, wording and databases alone; policy NULL: none */
	int64_t policy_since_us;
	int64_t next_edge_s;   /* of `when:` conditions; 0: none */

	struct flow_table *flows;  /* by the initiator's tuple */
	struct flow_table *denied; /* refused at the first packet: by that tuple without its source port, as the kernel remembers it */
	struct device_table *devices;
	struct hold *hold;
	struct stream_pool *streams;
	struct known_table *known; /* what flows speak */
	struct names *names;
	struct tunnels *tunnels;
	struct budgets *budgets; /* what devices have used of their limits */
	struct jail *jail;     /* who is cut off, as the gate says */
	uint32_t announced_seq; /* of the last copy that was heard, when there was any */
	bool announced_any;
	int64_t strangers_minute; /* since 1970: in which alerts about who strangers are were counted */
	uint32_t strangers_told;  /* in it */
	struct judgement judged; /* what policy said last */
	struct kinds *kinds;	 /* flows that the kernel let begin and that are over for us (kinds.h) */
	struct ahead *ahead;	 /* what the gate is told before cameras come (ahead.h); NULL: nothing */
	uint32_t news_id;	 /* conntrack's number of the connection whose news are being read; 0: none are */
	unsigned releasing;    /* the verdict for held packets that are being let go */
	bool may_hold;	       /* some rule enforces: payload waits for its answer */
	bool asked_rejudge;
	bool identity_changed; /* a maker was decided since the last tick: rules may say otherwise now */
	uint64_t refused_search_ns; /* when refusals were last searched for a name's addresses */
	struct link_zone links[CHANNEL_LINKS];
	size_t n_links;

	struct {
		struct channel_head head;
		struct channel_verdict v[CHANNEL_VERDICTS];
	} verdicts;

	struct stats stats;
	uint64_t unprinted[RECORD_TYPES]; /* records that did not fit in a line, or that outputs lost which are no more; by bit number */
	struct metrics *metrics; /* for Prometheus alone; NULL: replay */
	struct channel_counters kernel; /* the gate's last report */
	bool kernel_known;
	struct channel_terms terms; /* of the policy in force, as the gate said at terms_ns */
	uint64_t terms_ns;
	int64_t last_tick_s, last_alert_us;
	uint64_t last_stats_ns, last_geo_ns; /* by the clock that nobody can set */
	int64_t clock_offset_us; /* what the wall clock was ahead of the other one at the last tick */
	bool clock_set;		 /* since then somebody has set it, and schedules do not know yet */
	uint64_t stale_ids;
	struct ring *ring; /* the last records, for the control socket; NULL: replay */
	struct control *control;
	struct chronicle *chronicle; /* what the store is told; NULL: there never was one */
	uint64_t asked_s;	 /* the second in which so many requests went to the gate */
	unsigned asked;
	bool stopping;
	struct sandbox sandbox;
	struct confine *confine; /* what may be opened; NULL: everything */
	char refused[512];	 /* why the last policy could not be built, for whoever asked; "": the log says it */
};

/* engine.c: life. Takes the bundle of CH_START and builds the first regime. NULL: logged. */
struct engine *engine_new(const char *run_dir, const char *state_dir, int channel, bool packet_clock);
int engine_start(struct engine *e, const struct channel_start *start, struct bundle *bundle, int syslog_fd);
/* Ends every flow with a record; nothing may come after it but engine_free(), which does it as well. */
void engine_end(struct engine *e);
void engine_free(struct engine *e);

/* One datagram of the queue socket: any number of messages. Verdicts pile up until engine_send() or engine_flush(). */
void engine_datagram(struct engine *e, const void *data, size_t len);
/* One packet, wherever it comes from: the queue, or a capture. */
void engine_queued(struct engine *e, const struct queued *q);
/* Sends the verdicts of this batch, then pushes records out. */
void engine_flush(struct engine *e);
/* The verdicts alone: what of engine_flush() a packet waits for. */
void engine_send(struct engine *e);
/* Once a second, and whenever packets move a packet clock: expiry, roll-ups, stats, schedules. */
void engine_tick(struct engine *e);
/* Puts the clock's time into e->now. */
void engine_clock(struct engine *e);

/* The verdict of one packet; goes out with engine_flush(). decision: enum decision or VERDICT_*. */
void engine_answer(struct engine *e, const struct queued *q, unsigned decision);
/* Judges the flow under the policy in force, and what the kernel is to be told of it (f->sent). */
void engine_decide(struct engine *e, struct flow *f, bool mid_stream);
/* This flow's device has just been told new addresses: refusals of them that the kernel remembers are out of date. */
void engine_names_changed(struct engine *e, const struct flow *f, const struct dns_message *answer);

/* inbox.c: one message of the gate. False: the engine must exit (stop, or a broken channel). */
/* What the builder has ready: builder_fd() is readable. False as below. */
bool engine_built(struct engine *e);
bool engine_message(struct engine *e, const void *message, size_t len, int *fds, size_t n_fds);

/* regime.c */
/* Builds all parts; false: logged, *ret untouched. diag text goes to the log. */
bool regime_build(struct engine *e, const struct bundle *b, struct regime *ret);
/*
 * What takes long of the first regime, before it is known whether this bundle will be judged by: says nothing, opens no output. The next
 * regime_build(), which must be given the same bundle, uses it.
 */
void regime_early(struct engine *e, const struct bundle *b);
/* The same around a policy and its wording. Takes them, also when it fails. */
bool regime_around(struct engine *e, struct wording *w, struct policy *p, struct regime *ret);
/* The errors of a policy that does not load go to the log. */
void regime_problems(const struct diags *diags);
void regime_free(struct regime *r, const struct now *now);
/* Puts `next` in force under this generation. */
void engine_adopt(struct engine *e, uint32_t generation);

/* An alert for each database that is missing, broken or stale. */
void report_geo(struct engine *e);

/* offline.c: what conntrack does for a live engine. */
/* The packet travels towards the initiator of its flow. */
bool offline_is_reply(const struct engine *e, const struct packet *p);
/* This packet opens a new connection where an old one with the same ports is over. */
bool offline_reopens(const struct flow *f, const struct packet *p);
/* Notes the packet's part in the end of its connection. */
void offline_follow(struct flow *f, bool reply, const struct packet *p);

/* judge.c */
/* The probes can read what flows of this transport carry; any other is known by its number alone. */
bool flow_can_be_watched(const struct flow *f);
/* Its camera is known by its address alone, in a zone where the MAC tells who is who. */
bool flow_camera_unseen(const struct engine *e, const struct flow *f);
/* Fills what policy needs to know of the flow. */
void flow_facts(const struct engine *e, const struct flow *f, struct facts *ret);
/* Judges a flow under the policy in force and remembers the answer in it. */
void flow_judge(struct engine *e, struct flow *f, struct judgement *ret);
/* Judges one DNS question of this flow. query NULL: bytes that are none, where questions are expected; their protocol is unknown. */
void flow_judge_query(struct engine *e, struct flow *f, const char *query, struct judgement *ret);
/* Gives dst the answer of src, its reference to the rulebook included. */
void flow_take_answer(struct flow *dst, const struct flow *src);
/* What the kernel is told of a flow judged so. mid_stream: the camera already talks to its peer. */
enum decision flow_verdict(const struct flow *f, bool mid_stream);

/* Every flow is to be judged again at its next packet; live, as soon as the gate says so. False: it could not be asked for. */
bool engine_ask_rejudge(struct engine *e);
/* Who made a device is judged otherwise now: flows are judged again, within a second or so, if a rule could care. */
void engine_identity_changed(struct engine *e);

/* links.c */
void links_set(struct engine *e, const struct channel_link *link, size_t n);
void links_rezone(struct engine *e);
const struct link_zone *link_find(const struct engine *e, uint32_t index);
/* The same for a packet's side: a port of a bridge where ports are guarded, else the interface itself. port 0: not known. */
const struct link_zone *link_side(const struct engine *e, uint32_t index, uint32_t port);

/* report.c: what happened becomes records. */
/* Refused at the first packet, or by the kernel's memory of that: rolled up, and exact. */
void report_denied(struct engine *e, const struct flow *f, uint64_t packets);
/* What a flow record would say of this flow now, shown to visit() and not written. It lives for the call. */
void report_describe(struct engine *e, const struct flow *f, void (*visit)(void *arg, const struct record *r), void *arg);
/* A flow was decided that goes on: an alert if its rule asks for one. */
void report_decided(struct engine *e, struct flow *f);
void report_revoked(struct engine *e, struct flow *f);
void report_flow_end(struct engine *e, struct flow *f, enum flow_end end);
void report_drop(struct engine *e, const struct packet *p, const struct queued *q, enum drop_reason reason);
void report_unknown_device(struct engine *e, struct device *d, const struct flow *f);
/* What the probes found: a tls, quic or http record, if it is one of these. */
void report_app(struct engine *e, struct flow *f, const struct app *app);
void report_dns(struct engine *e, struct flow *f, const struct dns_message *m, bool answer);
/* A question was judged: an alert if its rule asks for one. m NULL: it was none. */
void report_question(struct engine *e, struct flow *f, const struct dns_message *m);
/* The same for the history: every question, whatever was said of it. */
void report_asked(struct engine *e, const struct flow *f, const char *query);
void report_anomaly(struct engine *e, struct flow *f, enum anomaly kind, const char *event);
/* The name that the client gave is not one under which its device was given this address. */
void report_contradiction(struct engine *e, struct flow *f);
void report_tunnel(struct engine *e, struct flow *f, const char *query);
/* A built-in alert about who a device is. f: the flow that showed it; NULL: none did. */
void report_identity(struct engine *e, const struct device *d, const struct flow *f, enum signature sid, enum alert_level level,
		     const char *text);
/* A device has used one of its budgets up; f: the flow that met the line. */
void report_budget(struct engine *e, const struct flow *f, const char *text);
/* A built-in alert that belongs to no flow. */
void report_event(struct engine *e, enum signature sid, enum alert_level level, const char *text);
void report_stats(struct engine *e);
size_t report_first_record(void *arg, const struct now *now, char *out, size_t cap);
void report_rolled(void *arg, const struct rollup_key *key, const void *copy, size_t copy_len, uint64_t n, uint32_t seconds,
		   const struct now *now);
/* The window is closed: its copy refers to nothing any more. */
void report_forgotten(const void *copy);
/* Bytes of a roll-up's copy. */
extern const size_t report_copy_max;

#endif
