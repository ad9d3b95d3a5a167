/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NFQUEUE over raw libmnl; see queue.h. */
#include "queue.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "channel.h"
#include "log.h"
#include "mark.h"
#include "netlink.h"
#include "plan.h"
#include "policy.h"

/* /proc/self would be another's after a fork; the socket and this file belong to one network namespace. */
#define QUEUE_LIST "/proc/self/net/netfilter/nfnetlink_queue"

struct queue {
	struct netlink *netlink;
	int list_fd; /* -1: not readable */
	uint16_t numbers[QUEUE_NUMBERS];
	size_t n_numbers;
	struct plan set; /* as the kernel has it */
	_Alignas(8) char out[CHANNEL_VERDICTS * QUEUE_VERDICT_BYTES];
};

static struct nlmsghdr *
config_message(struct queue *q, uint16_t number)
{
	return netlink_nf(q->netlink, NFNL_SUBSYS_QUEUE, NFQNL_MSG_CONFIG, 0, AF_UNSPEC, number);
}

static void
put_command(struct nlmsghdr *m, uint8_t command, uint16_t family)
{
	struct nfqnl_msg_config_cmd c = {.command = command, .pf = htons(family)};
	mnl_attr_put(m, NFQA_CFG_CMD, sizeof c, &c);
}

struct queue *
queue_open(void)
{
	struct queue *q = calloc(1, sizeof *q);
	if (!q)
		return NULL;
	q->list_fd = -1;
	q->netlink = netlink_open(NETLINK_NETFILTER, 0);
	if (!q->netlink) {
		free(q);
		return NULL;
	}
	/*
	 * Does nothing since Linux 3.8, but makes a modular kernel load the queue, and then its list
	 * exists.
	 */
	struct nlmsghdr *m = config_message(q, 0);
	put_command(m, NFQNL_CFG_CMD_PF_BIND, AF_INET);
	(void)netlink_talk(q->netlink, m);
	q->list_fd = open(QUEUE_LIST, O_RDONLY | O_CLOEXEC);
	return q;
}

void
queue_close(struct queue *q)
{
	if (!q)
		return;
	if (q->list_fd >= 0)
		close(q->list_fd);
	netlink_close(q->netlink);
	free(q);
}

int
queue_fd(const struct queue *q)
{
	return netlink_fd(q->netlink);
}

typedef int send_message(struct netlink *n, struct nlmsghdr *m);

static int
send_flag(struct queue *q, uint16_t number, uint32_t flag, bool on, send_message *send)
{
	struct nlmsghdr *m = config_message(q, number);
	mnl_attr_put_u32(m, NFQA_CFG_FLAGS, htonl(on ? flag : 0));
	mnl_attr_put_u32(m, NFQA_CFG_MASK, htonl(flag));
	return send(q->netlink, m);
}

static int
send_bind(struct queue *q, uint16_t number, send_message *send)
{
	struct nlmsghdr *m = config_message(q, number);
	put_command(m, NFQNL_CFG_CMD_BIND, AF_UNSPEC);
	return send(q->netlink, m);
}

static int
send_params(struct queue *q, const struct plan *plan, send_message *send)
{
	struct nfqnl_msg_config_params p = {.copy_range = htonl(plan->copy_range),
					    .copy_mode = NFQNL_COPY_PACKET};
	struct nlmsghdr *m = config_message(q, (uint16_t)plan->queue);
	mnl_attr_put(m, NFQA_CFG_PARAMS, sizeof p, &p);
	mnl_attr_put_u32(m, NFQA_CFG_QUEUE_MAXLEN, htonl(plan->queue_length));
	return send(q->netlink, m);
}

/* Each flag in its own message: a kernel without one of them refuses the whole message. */
static int
configure(struct queue *q, const struct plan *plan, send_message *send)
{
	uint16_t number = (uint16_t)plan->queue;

	if (send_params(q, plan, send) < 0)
		return -1;
	if (send_flag(q, number, NFQA_CFG_F_GSO, true, send) < 0)
		log_warn("queue %u: no segmentation offload; large packets will be slow and lose their MAC "
			 "address",
			 number);
	if (send_flag(q, number, NFQA_CFG_F_FAIL_OPEN, !plan->fail_closed, send) < 0 && !plan->fail_closed)
		log_warn("queue %u: this kernel drops packets when the queue is full, although the policy "
			 "says fail: open",
			 number);
	return 0;
}

static void
size_socket(struct queue *q, const struct plan *plan)
{
	int fd = queue_fd(q), bytes = (int)plan->queue_buffer, one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	/* An overrun is counted by the kernel's list; the error would only stop the reader. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof one);
}

int
queue_bind(struct queue *q, const struct plan *plan)
{
	uint16_t number = (uint16_t)plan->queue;

	if (send_bind(q, number, netlink_talk) < 0) {
		int saved = errno;
		log_warn("queue %u: cannot be bound%s", number,
			 saved == EPERM ? "; another instance is running, or another program uses this number"
					: "");
		errno = saved;
		return -1;
	}
	if (configure(q, plan, netlink_talk) < 0) {
		log_warn("queue %u: cannot be set up", number);
		return -1;
	}
	size_socket(q, plan);
	q->numbers[0] = number;
	q->n_numbers = 1;
	q->set = *plan;
	return 0;
}

static bool
is_ours(const struct queue *q, uint16_t number)
{
	for (size_t i = 0; i < q->n_numbers; i++)
		if (q->numbers[i] == number)
			return true;
	return false;
}

/* One line of the kernel's list. */
struct listed {
	unsigned number, port, waiting, mode, range, dropped, user_dropped, sequence;
};

typedef void each_listed(const struct listed *l, void *arg);

/* Calls each for the queues that this socket owns. False: the list is not readable. */
static bool
list_queues(struct queue *q, each_listed *each, void *arg)
{
	char text[8192];
	ssize_t len = q->list_fd < 0 ? -1 : pread(q->list_fd, text, sizeof text - 1, 0);
	if (len < 0)
		return false;
	text[len] = '\0';
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct listed l;
		int n = sscanf(line, "%u %u %u %u %u %u %u %u", &l.number, &l.port, &l.waiting, &l.mode,
			       &l.range, &l.dropped, &l.user_dropped, &l.sequence);
		if (n == 8 && l.port == q->netlink->port)
			each(&l, arg);
	}
	return true;
}

static void
add_stats(const struct listed *l, void *arg)
{
	struct queue_stats *s = arg;
	s->waiting += l->waiting;
	s->dropped += l->dropped;
	s->user_dropped += l->user_dropped;
	s->sequence = l->sequence;
}

void
queue_stats(struct queue *q, struct queue_stats *ret_stats)
{
	*ret_stats = (struct queue_stats){0};
	ret_stats->known = list_queues(q, add_stats, ret_stats);
}

struct search {
	unsigned number;
	bool found;
};

static void
find_number(const struct listed *l, void *arg)
{
	struct search *s = arg;
	s->found |= l->number == s->number;
}

static int
bind_another(struct queue *q, uint16_t number)
{
	struct search s = {.number = number};

	if (q->n_numbers == QUEUE_NUMBERS) {
		errno = ENOSPC;
		return -1;
	}
	if (send_bind(q, number, netlink_ask) < 0)
		return -1;
	if (list_queues(q, find_number, &s) && !s.found) {
		errno = EPERM;
		return -1;
	}
	q->numbers[q->n_numbers++] = number;
	return 0;
}

int
queue_rebind(struct queue *q, const struct plan *plan)
{
	const struct plan *set = &q->set;
	bool known = is_ours(q, (uint16_t)plan->queue);

	if (known && plan->queue == set->queue && plan->queue_length == set->queue_length &&
	    plan->copy_range == set->copy_range && plan->fail_closed == set->fail_closed &&
	    plan->queue_buffer == set->queue_buffer)
		return 0;
	if (!known && bind_another(q, (uint16_t)plan->queue) < 0)
		return -1;
	if (configure(q, plan, netlink_ask) < 0)
		return -1;
	size_socket(q, plan);
	q->set = *plan;
	return 0;
}

bool
queue_accepts(const struct queue *q, const struct channel_verdict *v)
{
	return v->decision <= VERDICT_LAST && is_ours(q, v->queue);
}

/* What the chain `save` makes of it: see mark.h and ruleset.c. */
static uint32_t
field_of(const struct channel_verdict *v, unsigned shift, unsigned generation)
{
	static const struct {
		uint8_t decision;
		bool once; /* no generation that will ever come into force: remembered by nobody */
	} fields[] = {
		[DECISION_ALLOW] = {DECISION_ALLOW, false},	   [DECISION_BLOCK] = {DECISION_BLOCK, false},
		[DECISION_REJECT] = {DECISION_REJECT, false},	   [VERDICT_DROP_ONCE] = {DECISION_BLOCK, true},
		[VERDICT_WATCH] = {DECISION_PENDING, false},	   [VERDICT_REJECT_ONCE] = {DECISION_REJECT, true},
		[VERDICT_OPEN] = {MARK_OPEN, false},		   [VERDICT_CONFIRM] = {MARK_CONFIRM, false},
		[VERDICT_ALLOW_KIND] = {DECISION_ALLOW | MARK_KIND, false},
		[VERDICT_CONFIRM_KIND] = {MARK_CONFIRM | MARK_KIND, false},
	};
	if (v->decision == DECISION_PENDING)
		return 0;
	return mark_of(shift, fields[v->decision].decision, fields[v->decision].once ? MARK_GENERATION_STALE : generation);
}

char *
queue_verdict(char *out, const struct channel_verdict *v, unsigned shift, unsigned generation)
{
	struct nfqnl_msg_verdict_hdr verdict = {.verdict = htonl(NF_ACCEPT), .id = htonl(v->id)};
	uint32_t mark = (v->mark & ~mark_mask(shift)) | field_of(v, shift, generation);

	struct nlmsghdr *m = mnl_nlmsg_put_header(out);
	m->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT;
	m->nlmsg_flags = NLM_F_REQUEST;
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(m, sizeof *g);
	g->nfgen_family = AF_UNSPEC;
	g->version = NFNETLINK_V0;
	g->res_id = htons(v->queue);
	mnl_attr_put(m, NFQA_VERDICT_HDR, sizeof verdict, &verdict);
	mnl_attr_put_u32(m, NFQA_MARK, htonl(mark));
	assert(m->nlmsg_len == QUEUE_VERDICT_BYTES);
	return out + m->nlmsg_len;
}

static int
send_bytes(struct queue *q, const char *end)
{
	ssize_t sent;

	do
		sent = mnl_socket_sendto(q->netlink->socket, q->out, (size_t)(end - q->out));
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

int
queue_send(struct queue *q, const struct channel_verdict *v, size_t n, unsigned shift, unsigned generation)
{
	char *end = q->out;

	assert(n <= CHANNEL_VERDICTS);
	for (size_t i = 0; i < n; i++)
		end = queue_verdict(end, &v[i], shift, generation);
	return n ? send_bytes(q, end) : 0;
}

/* One verdict for every waiting packet up to this id. Without NFQA_MARK the packets keep their marks. */
static int
answer_up_to(struct queue *q, uint16_t number, uint32_t id, bool closed)
{
	struct nfqnl_msg_verdict_hdr verdict = {.verdict = htonl(closed ? NF_DROP : NF_ACCEPT),
						.id = htonl(id)};
	struct nlmsghdr *m =
		netlink_nf(q->netlink, NFNL_SUBSYS_QUEUE, NFQNL_MSG_VERDICT_BATCH, 0, AF_UNSPEC, number);
	mnl_attr_put(m, NFQA_VERDICT_HDR, sizeof verdict, &verdict);
	return netlink_ask(q->netlink, m);
}

struct answering {
	struct queue *queue;
	bool closed;
	uint32_t answered;
};

/*
 * Asks only when something waits: the kernel's refusal of an empty batch would land in the engine's socket.
 */
static void
answer_listed(const struct listed *l, void *arg)
{
	struct answering *a = arg;
	if (l->waiting == 0)
		return;
	if (answer_up_to(a->queue, (uint16_t)l->number, l->sequence, a->closed) == 0)
		a->answered += l->waiting;
}

/*
 * Ids are compared modulo 2^32 and the list is in their order: these three cover every id, also across the
 * wrap.
 */
static const uint32_t every_id[] = {0x7fffffff, 0xffffffff, 0x7fffffff};

uint32_t
queue_answer_all(struct queue *q, bool closed)
{
	struct answering a = {.queue = q, .closed = closed};

	if (list_queues(q, answer_listed, &a))
		return a.answered;
	for (size_t i = 0; i < q->n_numbers; i++)
		for (size_t k = 0; k < sizeof every_id / sizeof *every_id; k++)
			(void)answer_up_to(q, q->numbers[i], every_id[k], closed);
	return 0;
}
