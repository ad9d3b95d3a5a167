/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tells the gate: conntrack's events and entries, neighbours, interfaces, elements of sets, counters, the table read back. Input:
 * records of shape.h; their kind says who reads, bit 0 of the argument that the numbers of the messages stay as they are, bit 1 that an error
 * ends the answer, with the rest of the argument as its number. What a reader tells is whole, within its bounds, and reading ends.
 */
#include "kernel.h"
#include "shape.h"

#include "../../daemon/gate/denied.h"
#include "../../daemon/gate/flood.h"
#include "../../daemon/gate/links.h"
#include "../../daemon/gate/neighbours.h"
#include "../../daemon/gate/netlink.h"
#include "../../daemon/gate/news.h"
#include "../../daemon/gate/seal.h"
#include "../../daemon/gate/sweep.h"
#include "../../daemon/gate/tally.h"
#include "../../daemon/gate/watch.h"
#include "log.h"
#include "plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

enum { STEPS = 200, GUARDED = 3, GENERATION = 9 };

static struct news *news;
static struct neighbours *neighbours;
static struct links *links;
static struct watch *watch;
static struct denied *denied;
static struct sweep *sweep;
static struct netlink *ask;
static struct flood flood;
static struct tally tally;
static struct plan plan = {.n_interfaces = 1, .interfaces = {"cam0"}, .mark_shift = 16};

static struct shape_record record;
static _Alignas(8) uint8_t datagram[KERNEL_DATAGRAM];

/* The record in hand, as an answer to this request. */
static void
kernel_asked(int far, const struct nlmsghdr *request)
{
	if (!(record.arg & 1))
		kernel_number(datagram, record.len, request->nlmsg_seq);
	kernel_says(far, datagram, record.len);
	if (record.arg & 2)
		kernel_error(far, request->nlmsg_seq, -(record.arg >> 2));
	else
		kernel_done(far, request->nlmsg_seq);
}

static void
start(void)
{
	const struct channel_link link = {.index = GUARDED, .name = "cam0"};

	log_init("fuzz", false);
	news = news_open();
	neighbours = neighbours_open();
	links = links_open();
	watch = watch_open();
	denied = denied_open();
	sweep = sweep_new();
	ask = netlink_open(0, 0);
	assert(news && neighbours && links && watch && denied && sweep && ask);
	neighbours_guard(neighbours, &plan, &link, 1);
}

static void
take_news(const struct channel_flow_news *f, size_t n, void *arg)
{
	(void)arg;
	assert(n > 0 && n <= CHANNEL_NEWS);
	for (size_t i = 0; i < n; i++)
		assert(f[i].pad == 0 && f[i].flags <= (NEWS_END | NEWS_CLOSED | NEWS_REPLIED));
}

static void
take_neighbours(const struct channel_neighbour *row, size_t n, void *arg)
{
	(void)arg;
	assert(n > 0 && n <= CHANNEL_NEIGHBOURS);
	for (size_t i = 0; i < n; i++)
		assert(row[i].ifindex == GUARDED && !mac_is_zero(&row[i].mac));
}

static void
take_denied(const struct channel_denied_flow *f, size_t n, void *arg)
{
	(void)arg;
	assert(n > 0 && n <= CHANNEL_NEWS);
	for (size_t i = 0; i < n; i++)
		assert(f[i].packets > 0 && f[i].tuple.sport == 0);
}

/* Something that nobody has asked for. */
static void
say_event(int near_fd)
{
	kernel_says(kernel_far(near_fd), datagram, record.len);
}

static void
events(void)
{
	say_event(news_event_fd(news));
	assert(news_events(news, plan.mark_shift, take_news, NULL) == 0);
}

static void
entries(void)
{
	news_look(news, 1, true);
	for (uint64_t now_ns = 2; now_ns < 6 && news_looks(news); now_ns++) {
		news_look_step(news, plan.mark_shift, now_ns, take_news, NULL);
		news_pace(news);
	}
	assert(!news_looks(news));
}

static void
table_size(void)
{
	uint32_t n, max;

	news_table_size(news, &n, &max);
}

static void
neighbour_events(void)
{
	say_event(neighbours_fd(neighbours));
	neighbours_events(neighbours, take_neighbours, NULL);
}

static void
neighbour_table(void)
{
	neighbours_read(neighbours, take_neighbours, NULL);
}

static void
link_table(void)
{
	static struct channel_link all[CHANNEL_LINKS];
	size_t n = links_read(links, &plan, all);

	assert(n <= CHANNEL_LINKS);
	for (size_t i = 0; i < n; i++)
		assert(memchr(all[i].name, 0, sizeof all[i].name));
	say_event(links_fd(links));
	assert(links_changed(links) == (record.len > 0));
}

static void
watching(void)
{
	say_event(watch_fd(watch));
	(void)watch_touched(watch);
}

static void
refusals(void)
{
	static uint64_t now_ns;

	now_ns += 1000000000;
	denied_reset(denied);
	(void)denied_look(denied, now_ns);
	for (int i = 0; i < 8; i++)
		denied_step(denied, now_ns, take_denied, NULL);
}

static void
sweeping(void)
{
	(void)sweep_run(sweep, plan.mark_shift, record.arg & 4 ? plan.mark_shift : 20, record.arg & 8 ? SWEEP_ALL : GENERATION);
	assert(sweep_rewritten(sweep) <= sizeof datagram);
}

static void
floods(void)
{
	(void)flood_read(&flood, ask);
	assert(flood.n <= FLOOD_MAX);
	for (size_t i = 0; i < flood.n; i++)
		assert(flood.rows[i].by_address <= 1 && flood.rows[i].why == QUARANTINE_FLOOD && flood.rows[i].flags <= QUARANTINED_ENDED);
	flood_told(&flood);
	for (size_t i = 0; i < flood.n; i++)
		assert(flood.rows[i].flags == 0);
}

static void
counters(void)
{
	(void)tally_read(&tally, ask, record.arg & 4);
	uint64_t before = tally.uninspected, more = tally_uninspected(&tally, 0, 2);
	assert(tally.uninspected == before + more);
}

static void
sealing(void)
{
	uint64_t a = 0, b = 0;

	if (seal_read(ask, record.arg & 4, &a) == 0 && seal_read(ask, record.arg & 4, &b) == 0)
		assert(a == b || (record.arg & 1));
}

static void (*const readers[])(void) = {events,	  entries,  table_size, neighbour_events, neighbour_table, link_table,
					watching, refusals, sweeping,	floods,		  counters,	   sealing};
enum { READERS = sizeof readers / sizeof *readers };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!news)
		start();
	flood = (struct flood){0};
	tally = (struct tally){0};
	for (int i = 0; i < STEPS && shape_next(&data, &size, &record); i++) {
		record.len = record.len < sizeof datagram ? record.len : sizeof datagram;
		memcpy(datagram, record.p, record.len);
		readers[record.kind % READERS]();
		kernel_drain();
	}
	return 0;
}

static void
scan(struct shape *s, const uint8_t *data, size_t size)
{
	shape_records(s, data, size, shape_netlink);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return shape_mutate(data, size, max, seed, scan);
}
