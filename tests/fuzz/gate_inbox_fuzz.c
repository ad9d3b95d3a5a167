/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine that has been taken over, and a gate that listens to it: inbox, keeper, reloads, terms and quarantine as they are, with processes that
 * end as the input says, a table that is taken or refused, and time that passes. Input: records of shape.h,
 *
 *	0 message	what the engine sends. Bit 0: a descriptor comes with it; bit 1: as it stands, else its length and the number that the gate
 *			waits for are made right
 *	1 time		argument: how much
 *	2 planned	the process that reads a policy ends; argument: how, content: bytes of its plan that are changed
 *	3 written	the one that writes ends; argument: its code
 *	4 swept		the sweep goes on
 *	5 refusals	argument: what the kernel refuses from now on
 *	6 died		the engine ends by itself
 *	7 signal	SIGHUP
 *
 * Whatever it says: the numbers of the gate stay in their ranges, what it tells is well formed, its plan is one that is valid, and every descriptor
 * comes back.
 */
#include "kernel.h"
#include "scratch.h"
#include "shape.h"

#include <errno.h>

#include "../../daemon/gate/ahead.h"
#include "../../daemon/gate/denied.h"
#include "../../daemon/gate/flood.h"
#include "../../daemon/gate/groups.h"
#include "../../daemon/gate/links.h"
#include "../../daemon/gate/neighbours.h"
#include "../../daemon/gate/news.h"
#include "../../daemon/gate/quarantine.h"
#include "../../daemon/gate/queue.h"
#include "../../daemon/gate/state.h"
#include "../../daemon/gate/sweep.h"
#include "../../daemon/gate/table.h"
#include "mark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

enum { STEPS = 300, TIME_MS = 40 };

/* ---- processes: none is started ---- */

enum { NOBODY = 0x7ffffff0 }; /* no process has these numbers */
enum process { ENGINE = NOBODY, PLANNER, WRITER, SWEEPER };

static struct {
	bool ended;
	int status;
} processes[4];
static int engine = -1;	     /* the engine's end of the channel */
static int results[3] = {-1, -1, -1}; /* the planner's three files */

static void
forget(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
begin(enum process which, struct child *ret_child)
{
	processes[which - NOBODY].ended = false;
	*ret_child = (struct child){.pid = (pid_t)which, .watch = -1};
}

int
child_start(int program, char *const argv[], const int *fds, size_t n_fds, struct child *ret_child)
{
	bool plans = strncmp(argv[1], "--plan", 6) == 0;

	(void)program;
	assert(plans ? n_fds >= 3 : n_fds == 1);
	begin(plans ? PLANNER : ENGINE, ret_child);
	for (size_t i = 0; plans && i < 3; i++) {
		forget(&results[i]);
		results[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
	}
	if (!plans) {
		forget(&engine);
		engine = fcntl(fds[0], F_DUPFD_CLOEXEC, 3);
		fcntl(engine, F_SETFL, O_NONBLOCK);
	}
	return 0;
}

enum child_branch
child_branch(const int *keep, size_t n, struct child *ret_child)
{
	(void)n;
	begin(keep ? WRITER : SWEEPER, ret_child);
	return CHILD_THERE;
}

bool
child_wait(struct child *c, int timeout_ms, int *ret_status)
{
	(void)timeout_ms;
	if (c->pid == 0 || !processes[c->pid - NOBODY].ended)
		return false;
	*ret_status = processes[c->pid - NOBODY].status;
	*c = (struct child){.watch = -1};
	return true;
}

bool
child_end_status(struct child *c, int *ret_status)
{
	if (c->pid)
		*ret_status = 9;
	*c = (struct child){.watch = -1};
	return true;
}

bool
child_end(struct child *c)
{
	int status;
	return child_end_status(c, &status);
}

void
child_options(char *argv[2], bool verbose, bool no_sandbox)
{
	(void)argv;
	(void)verbose;
	(void)no_sandbox;
}

int
child_program(void)
{
	return -1;
}

/* ---- the kernel's table: what is refused, the input says ---- */

enum { REFUSE_REWRITE = 1, REFUSE_RESTORE = 2, REFUSE_QUEUE = 4, REFUSE_JAIL = 8, REFUSE_ASK = 16 };

static uint8_t refusals;

static int
refuses(uint8_t what)
{
	return refusals & what ? -1 : 0;
}

static void
kernel_asked(int far, const struct nlmsghdr *request)
{
	if (refusals & REFUSE_ASK)
		kernel_error(far, request->nlmsg_seq, -EPERM);
	else
		kernel_done(far, request->nlmsg_seq);
}

struct table *
table_open(void)
{
	return NULL;
}

void
table_close(struct table *t)
{
	(void)t;
}

void
table_probe(struct table *t)
{
	(void)t;
}

int
table_install(struct table *t, const struct ruleset *r)
{
	(void)t;
	(void)r;
	return 0;
}

int
table_requeue(struct table *t, const struct plan *p)
{
	(void)t;
	assert(plan_valid(p));
	return refuses(REFUSE_QUEUE);
}

int
table_rewrite(struct table *t, const struct ruleset *r)
{
	(void)t;
	assert(r);
	return refuses(REFUSE_REWRITE);
}

int
table_jail(struct table *t, const struct quarantine *q, int64_t now_s)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)t;
	assert(f);
	quarantine_put(f, q, now_s);
	assert(fclose(f) == 0);
	free(text);
	return refuses(REFUSE_JAIL);
}

bool
table_hears(const struct table *t)
{
	(void)t;
	return false;
}

int
table_remove(struct table *t)
{
	(void)t;
	return 0;
}

enum table_state
table_verify(struct table *t)
{
	(void)t;
	return TABLE_INTACT;
}

int
table_restore(struct table *t, const struct ruleset *r)
{
	(void)t;
	assert(r);
	return refuses(REFUSE_RESTORE);
}

/* ---- the gate ---- */

static const struct plan good = {.magic = PLAN_MAGIC, .version = PLAN_VERSION, .size = sizeof good, .policy_id = "0123456789ab", .n_interfaces = 1,
				 .interfaces = {"cam0"}, .queue = 2050, .queue_length = 8192, .queue_buffer = 1 << 22, .copy_range = 24576,
				 .mark_shift = 16, .deny_memory_s = 10, .kind_memory_s = 30, .engine_deadline_ms = 1000, .new_flows = 1000,
				 .flood_hold_s = 60, .watch_lists_s = 2};
static const char bundle[] = "lenscap-bundle 2\np 6 1\na.yaml\n";
static struct gate g;

/* What lives as long as this process. */
static void
start(void)
{
	static const struct gate_options options = {.config = "/nonexistent", .state_dir = scratch_dir, .run_dir = "/nonexistent"};

	log_init("fuzz", false);
	g.o = &options;
	g.place.state_fd = scratch_open();
	g.place.control_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	g.place.view_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	g.program = g.notify = g.signals = -1;
	g.queue = queue_open();
	g.sweep = sweep_new();
	g.news = news_open();
	g.denied = denied_open();
	g.links = links_open();
	g.neighbours = neighbours_open();
	g.ask = netlink_open(0, 0);
	g.ahead = ahead_open();
	assert(g.queue && g.sweep && g.news && g.denied && g.links && g.neighbours && g.ask && g.ahead && queue_bind(g.queue, &good) == 0);
}

static void
open_gate(void)
{
	(void)unlinkat(g.place.state_fd, "standing", 0);
	(void)unlinkat(g.place.state_fd, "quarantine", 0);
	refusals = 0;
	assert(warden_open(&g));
	g.lists = lists_new();
	g.keeper = (struct keeper){.child = {.watch = -1}, .channel = -1};
	g.reload = (struct reload){.planner = PLANNER_NONE, .bundle_fd = -1};
	g.scribe = (struct scribe){.child = {.watch = -1}};
	g.warden = (struct warden){0};
	g.terms = (struct terms){.versions_fd = -1};
	g.tally = (struct tally){0};
	g.plan = good;
	g.bundle_fd = scratch_memory(bundle, sizeof bundle - 1);
	g.generation = 1;
	g.installed = true;
	g.verdicts_refused = g.messages_lost = 0;
	g.now_ns = UINT64_C(1000000000000);
	g.now_s = 1795401000;
	terms_open(&g);
	g.terms.now = (struct standing){0};
	versions_keep(g.terms.versions_fd, &g.terms.now.history); /* what the input before has left */
	struct version v = {.seq = 1, .id = "0123456789aa", .time_s = g.now_s};
	history_push(&g.terms.now.history, &v);
	(void)versions_save(g.terms.versions_fd, &v, g.bundle_fd);
	keeper_start(&g);
}

static void
close_gate(void)
{
	keeper_lost(&g, "the end");
	g.keeper.state = ENGINE_DOWN;
	planner_stop(&g.reload.planner);
	sweep_stop(g.sweep);
	forget(&g.reload.bundle_fd);
	forget(&g.bundle_fd);
	forget(&engine);
	for (size_t i = 0; i < 3; i++)
		forget(&results[i]);
	terms_close(&g);
	lists_free(g.lists);
	warden_close(&g);
	kernel_drain();
}

/* What the gate says is read, unless the engine is one that does not. */
static void
hear(void)
{
	static _Alignas(8) char buf[CHANNEL_MAX];
	int fds[CHANNEL_FDS];
	size_t n_fds;

	while (engine >= 0 && channel_recv(engine, buf, fds, &n_fds) > 0) {
		const struct channel_head *h = (const void *)buf;
		assert(h->type < CH_READY && n_fds <= CHANNEL_FDS);
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
	}
}

static const struct {
	uint16_t type;
	size_t len, element;
} shapes[] = {
	{CH_READY, sizeof(struct channel_head), 0},	   {CH_PREPARED, sizeof(struct channel_head), 0},
	{CH_VERDICTS, sizeof(struct channel_verdicts), sizeof(struct channel_verdict)},
	{CH_RELOAD, sizeof(struct channel_request), 0},	   {CH_CONFIRM, sizeof(struct channel_request), 0},
	{CH_UNDO, sizeof(struct channel_request), 0},	   {CH_MODE, sizeof(struct channel_request), 0},
	{CH_REJUDGE, sizeof(struct channel_head), 0},	   {CH_PONG, sizeof(struct channel_pong), 0},
	{CH_QUARANTINE, sizeof(struct channel_quarantine), 0}, {CH_LOOK, sizeof(struct channel_head), 0},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Length and numbers as our engine would have them. */
static size_t
put_right(uint8_t *m, size_t len)
{
	struct channel_head h;

	memcpy(&h, m, sizeof h);
	for (size_t i = 0; i < SHAPES; i++) {
		if (shapes[i].type != h.type)
			continue;
		if (len < shapes[i].len)
			memset(m + len, 0, shapes[i].len - len);
		size_t n = shapes[i].element && len > shapes[i].len ? (len - shapes[i].len) / shapes[i].element : 0;
		h.count = shapes[i].element ? (uint16_t)n : (h.type == CH_PREPARED && h.count);
		if (h.type == CH_PREPARED)
			h.arg = g.reload.now.ticket;
		if (h.type == CH_PONG)
			h.arg = g.keeper.ping;
		if (h.type == CH_READY || h.type == CH_REJUDGE || h.type == CH_LOOK)
			h.arg = 0;
		memcpy(m, &h, sizeof h);
		return shapes[i].len + n * shapes[i].element;
	}
	return len;
}

static void
message(const struct shape_record *r)
{
	static _Alignas(8) uint8_t m[CHANNEL_MAX];
	int fd = engine;
	size_t len = r->len < sizeof m ? r->len : sizeof m;
	bool as_it_stands = (r->arg & 2) || len < sizeof(struct channel_head);

	if (len == 0 || engine < 0)
		return;
	memcpy(m, r->p, len);
	(void)channel_send(engine, m, as_it_stands ? len : put_right(m, len), &fd, r->arg & 1);
	inbox_read(&g);
}

static void
pass_time(const struct shape_record *r)
{
	uint64_t ms = (uint64_t)r->arg * r->arg + TIME_MS;

	g.now_ns += ms * MS;
	g.now_s += (int64_t)(ms / 1000);
	g.terms.now.confirm.began.boot_ms -= ms < g.terms.now.confirm.began.boot_ms ? ms : 0;
	g.terms.now.mode_for.began.boot_ms -= ms < g.terms.now.mode_for.began.boot_ms ? ms : 0;
	keeper_answer(&g);
	warden_tick(&g);
	keeper_tick(&g);
	reload_tick(&g);
	keeper_count(&g);
}

static void
end_process(enum process which, int status)
{
	processes[which - NOBODY].ended = true;
	processes[which - NOBODY].status = status;
}

static void
planned(const struct shape_record *r)
{
	static const int statuses[] = {0, 0, 0, 1 << 8, 3 << 8, 11};
	struct plan p = good;
	uint8_t *bytes = (uint8_t *)&p;
	uint16_t at;

	if (results[0] < 0)
		return;
	p.policy_id[0] = (char)('0' + r->arg % 10);
	for (size_t i = 0; i + 3 <= r->len; i += 3) {
		memcpy(&at, r->p + i, sizeof at);
		bytes[at % sizeof p] ^= r->p[i + 2];
	}
	memset(p.bridges, 0, sizeof p.bridges); /* guarding one changes the machine's own switches */
	(void)!write(results[0], &p, sizeof p - (r->arg == 255));
	(void)!write(results[1], bundle, sizeof bundle - 1);
	(void)!write(results[2], r->p, r->len);
	end_process(PLANNER, statuses[r->arg % 6]);
	for (size_t i = 0; i < 3; i++)
		forget(&results[i]);
	reload_planned(&g);
}

static void
written(const struct shape_record *r)
{
	end_process(WRITER, r->arg << 8);
	reload_written(&g);
}

static void
swept(const struct shape_record *r)
{
	end_process(SWEEPER, r->arg << 8);
	reload_sweep(&g);
}

static void
refuse(const struct shape_record *r)
{
	refusals = r->arg;
}

static void
died(const struct shape_record *r)
{
	(void)r;
	keeper_lost(&g, "it has died");
}

static void
hangup(const struct shape_record *r)
{
	reload_ask(&g, &(struct request){.kind = REQUEST_RELOAD, .uid = r->arg});
}

static void (*const steps[])(const struct shape_record *r) = {message, pass_time, planned, written, swept, refuse, died, hangup};

static void
check(void)
{
	assert(g.generation >= 1 && g.generation <= MARK_GENERATION_MAX && plan_valid(&g.plan));
	assert(g.reload.n_waiting <= RELOAD_TICKETS && g.warden.n_tickets <= WARDEN_TICKETS);
	assert(history_valid(&g.terms.now.history) && g.terms.now.mode <= CHANNEL_MODE_ENFORCE);
	assert(quarantine_count(g.quarantine) <= QUARANTINE_MAX);
	assert((g.keeper.state == ENGINE_DOWN) == (g.keeper.channel < 0));
	assert(g.bundle_fd >= 0);
}

/* The lowest number that is free: the same before and after. */
static int
free_number(void)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 3);

	close(fd);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shape_record r;

	if (!g.o)
		start();
	int before = free_number();
	open_gate();
	check();
	for (int i = 0; i < STEPS && shape_next(&data, &size, &r); i++) {
		steps[r.kind % 8](&r);
		check();
		if (!(r.kind & 0x80))
			hear();
	}
	close_gate();
	assert(free_number() == before);
	return 0;
}

static void
scan(struct shape *s, const uint8_t *data, size_t size)
{
	shape_records(s, data, size, NULL);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return shape_mutate(data, size, max, seed, scan);
}
