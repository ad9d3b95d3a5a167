/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the gate and the store tell an engine that has flows, devices and a policy that may change. Input: records of shape.h,
 *
 *	0 message	of the gate. Bit 0: as it stands, else its length and count are made right; what is behind the head of one that brings a
 *			file is in that file, or chooses a policy where it brings one
 *	1 time		argument: how much
 *	2 packets	a datagram of the packet queue
 *	3 store		a datagram of the store. Bit 0: as it stands, else it is one record, whose length is made right
 *	4 question	for the store; argument: its kind
 *
 * What the engine sends is what the gate takes, and every descriptor comes back.
 */
#include "scratch.h"
#include "shape.h"

#include <errno.h>
#include <sys/socket.h>

#include "bundle.h"
#include "channel.h"
#include "chronicle.h"
#include "engine.h"
#include "log.h"
#include "nfq.h"
#include "store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

enum { STEPS = 200 };

/* The first is in force at the start. The text of policies is another target's matter, and one of any bytes could name any file. */
#define NO_GEO "geo: {country: [/nonexistent.mmdb], asn: [/nonexistent.mmdb]}\n"
static const char *const policies[] = {
	"version: 1\nmode: enforce\nfail: open\nzones:\n  cameras: {interfaces: [cam0], networks: [\"10.20.0.0/16\", \"fd20::/64\"]}\n"
	"devices: [{name: gate, mac: \"ac:cc:8e:00:00:01\"}]\n"
	"rules:\n  - {name: names, from: cameras, to: any, protocol: dns, action: allow}\n"
	"  - {name: web, from: cameras, to: {name: [\"*.example.com\"]}, protocol: tls, action: allow}\n"
	"  - {name: some, from: cameras, to: {address: 198.51.100.0/24}, limit: {bytes: 1MB, per: day}, action: allow}\n"
	"default: {action: block, alert: low}\n"
	"options: {flows: 64, devices: 64, watched-flows: 64, names: 64}\n" NO_GEO,
	"version: 1\nmode: monitor\nzones:\n  cameras: {interfaces: [cam0], networks: [\"10.20.0.0/16\"]}\n"
	"default: {action: allow, alert: none}\n" NO_GEO,
	"version: 1\nmode: enforce\nfail: closed\nzones:\n  far: {interfaces: [eth0], networks: [\"10.20.0.0/16\"]}\n"
	"  cameras: {interfaces: [cam1]}\nrules: [{name: q, from: far, to: any, action: quarantine, for: 1h}]\n"
	"default: {action: reject, alert: low}\noptions: {flows: 64}\n" NO_GEO,
	"version: 2\n",
};
enum { POLICIES = sizeof policies / sizeof *policies };

static struct engine *e;
static int gate, store;

static void
record(void *arg, const struct record *r)
{
	(void)arg;
	assert(r);
}

static void
start(void)
{
	const struct channel_start s = {.boot = 1, .generation = 1};
	int pair[2];
	struct bundle *b = bundle_from_text("fuzz.yaml", policies[0], strlen(policies[0]));

	(void)scratch_open();
	(void)unlinkat(scratch_open(), "budgets", 0);
	assert(b && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	gate = pair[0];
	store = -1;
	e = engine_new(scratch_dir, scratch_dir, pair[1], true);
	assert(e);
	e->now = (struct now){.mono_ns = UINT64_C(1000000000000), .wall_us = INT64_C(1795401000000000)};
	e->start_us = e->now.wall_us;
	e->clock_offset_us = e->now.wall_us - (int64_t)(e->now.mono_ns / 1000);
	e->recorder = record;
	assert(engine_start(e, &s, b, -1) == 0);
	bundle_free(b);
}

static void
stop(void)
{
	int channel = e->channel;

	engine_free(e);
	close(channel);
	close(gate);
	if (store >= 0)
		close(store);
}

/* The other side of both sockets reads. */
static void
hear(void)
{
	static _Alignas(8) char buf[CHANNEL_MAX];
	int fds[CHANNEL_FDS];
	size_t n_fds;

	while (channel_recv(gate, buf, fds, &n_fds) > 0) {
		const struct channel_head *h = (const void *)buf;
		assert(h->type >= CH_READY && n_fds == 0);
		assert(h->type != CH_VERDICTS || h->count <= CHANNEL_VERDICTS);
	}
	while (store >= 0 && recv(store, buf, sizeof buf, MSG_DONTWAIT) > 0)
		;
}

static const struct {
	uint16_t type;
	size_t len, element;
} shapes[] = {
	{CH_COMMIT, sizeof(struct channel_commit), 0},
	{CH_LINKS, sizeof(struct channel_links), sizeof(struct channel_link)},
	{CH_FLOW_NEWS, sizeof(struct channel_news), sizeof(struct channel_flow_news)},
	{CH_DENIED, sizeof(struct channel_denied), sizeof(struct channel_denied_flow)},
	{CH_COUNTERS, sizeof(struct channel_counters), 0},
	{CH_EVENT, sizeof(struct channel_event), 0},
	{CH_NEIGHBOURS, sizeof(struct channel_neighbours), sizeof(struct channel_neighbour)},
	{CH_QUARANTINED, sizeof(struct channel_quarantined), sizeof(struct channel_quarantined_row)},
	{CH_TERMS, sizeof(struct channel_terms), 0},
	{CH_DONE, sizeof(struct channel_done), 0},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

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
		h.count = shapes[i].element ? (uint16_t)n : h.count & 1;
		memcpy(m, &h, sizeof h);
		return shapes[i].len + n * shapes[i].element;
	}
	return sizeof h;
}

/* The one descriptor that goes with a message of this type; -1: none does. */
static int
brought(uint16_t type, const uint8_t *p, size_t len)
{
	int pair[2], fd;

	if (type == CH_REFUSED)
		return scratch_memory(p, len);
	if (type == CH_PREPARE) {
		const char *text = policies[len ? p[0] % POLICIES : 0];
		struct bundle *b = bundle_from_text("fuzz.yaml", text, strlen(text));
		fd = scratch_memory("", 0);
		assert(b && bundle_save(b, fd) == 0);
		bundle_free(b);
		return fd;
	}
	if (type != CH_STORE || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	if (store >= 0)
		close(store);
	store = pair[1];
	return pair[0];
}

static bool
message(const struct shape_record *r)
{
	static _Alignas(8) uint8_t m[CHANNEL_MAX];
	struct channel_head h;
	size_t len = r->len < sizeof m ? r->len : sizeof m;

	if (len < sizeof h)
		return true;
	memcpy(m, r->p, len);
	memcpy(&h, m, sizeof h);
	int fd = brought(h.type, r->p + sizeof h, len - sizeof h);
	return engine_message(e, m, r->arg & 1 ? len : put_right(m, len), &fd, fd >= 0);
}

static bool
pass_time(const struct shape_record *r)
{
	uint64_t us = (uint64_t)r->arg * r->arg * 10000 + 1000;

	e->now.mono_ns += us * 1000;
	e->now.wall_us += (int64_t)us;
	engine_tick(e);
	return true;
}

static bool
packets(const struct shape_record *r)
{
	struct cursor c = cursor_of(r->p, r->len);
	struct queued q;
	enum nfq_kind kind;
	int error;

	while ((kind = nfq_next(&c, &q, &error)) != NFQ_END) {
		q.stamp_us = 0; /* time is the input's other records' */
		if (kind == NFQ_PACKET)
			engine_queued(e, &q);
		assert(e->verdicts.head.count <= CHANNEL_VERDICTS);
	}
	engine_flush(e);
	return true;
}

/* As long as its type says, and every text in it ends. Returns the length. */
static size_t
put_store_right(uint8_t m[STORE_MAX], size_t len)
{
	static const struct {
		uint16_t type;
		size_t len;
	} sizes[] = {{ST_DEVICE, sizeof(struct store_device)}, {ST_EVIDENCE, sizeof(struct store_evidence)}, {ST_LOADED, sizeof(struct store_head)},
		     {ST_STATE, sizeof(struct store_state)},   {ST_PAUSE, sizeof(struct store_head)},	     {ST_DONE, sizeof(struct store_done)}};
	struct store_head h;

	memcpy(&h, m, sizeof h);
	size_t want = (len + 8) / 8 * 8; /* ST_ROW: its text, and a NUL at least */
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		if (sizes[i].type == h.type)
			want = sizes[i].len;
	if (want > STORE_MAX)
		want = STORE_MAX / 8 * 8;
	if (len < want)
		memset(m + len, 0, want - len);
	m[want - 1] = 0;
	h.len = (uint16_t)want;
	memcpy(m, &h, sizeof h);
	return want;
}

static bool
store_says(const struct shape_record *r)
{
	static _Alignas(8) uint8_t m[STORE_MAX];
	size_t len = r->len < sizeof m ? r->len : sizeof m;

	memcpy(m, r->p, len);
	if (!(r->arg & 1) && len >= sizeof(struct store_head))
		len = put_store_right(m, len);
	if (store >= 0 && len)
		(void)send(store, m, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	chronicle_read(e);
	(void)chronicle_resume(e);
	return true;
}

static bool
question(const struct shape_record *r)
{
	struct store_query q = {0};
	const char *error;

	memcpy(&q, r->p, r->len < sizeof q ? r->len : sizeof q);
	(void)chronicle_query(e, r->arg, &q, &error);
	chronicle_flush(e);
	return true;
}

static bool (*const steps[])(const struct shape_record *r) = {message, pass_time, packets, store_says, question};

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
	static bool started;
	struct shape_record r;

	if (!started)
		log_init("fuzz", false);
	(void)scratch_open();
	started = true;
	int before = free_number();
	start();
	for (int i = 0; i < STEPS && shape_next(&data, &size, &r); i++) {
		if (!steps[r.kind % 5](&r))
			break;
		engine_flush(e);
		hear();
	}
	stop();
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
