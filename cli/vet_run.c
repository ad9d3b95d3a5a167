/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets of lenscap vet: datagrams to one device or to a whole segment, then streams to each device that is known, one at a time.
 * Every step has a deadline, every answer a bound, and what is sent keeps below 20 packets a second, whoever answers how often.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "policy.h"
#include "vet.h"

enum {
	PACE_MS = 75,	     /* for each packet: 13 a second, which leaves room for what the kernel sends by itself */
	CONNECT_PACKETS = 4, /* the acknowledgement of the answer, the question, the answer's acknowledgement, the end */
	QUIET_MS = 400,	     /* a stream that has answered and then says nothing more has said it all */
	ANSWERS_MAX = 64,    /* datagrams of one device that are read */
	SEGMENT_BYTES = 2 * 1448, /* for which a receiver acknowledges once (RFC 1122, 4.2.3.2) */
	RECEIVE_BYTES = 8192,
	SILENT_MAX = 3, /* after so many connections in a row without any reply a filter stands there */
	QUESTIONS = 32,
};

struct ear {
	int fd;
	const struct vet_question *q;
	char asked[VET_WORDS];
	size_t asked_len;
};

static int64_t
clock_ms(clockid_t which)
{
	struct timespec t;
	clock_gettime(which, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int64_t
now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

static int64_t
wall_us(void)
{
	return clock_ms(CLOCK_REALTIME) * 1000;
}

/* So many packets went out, or will without our doing. */
static void
charge(struct vet_run *r, unsigned packets)
{
	int64_t now = now_ms();
	r->next_ms = (r->next_ms > now ? r->next_ms : now) + (int64_t)packets * PACE_MS;
}

static socklen_t
address(const struct addr *a, uint16_t port, unsigned link, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof *ret);
	if (addr_is_v4(a)) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;
		*in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
		memcpy(&in->sin_addr, a->b + 12, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	*in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
	memcpy(&in6->sin6_addr, a->b, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
		in6->sin6_scope_id = link;
	return sizeof *in6;
}

static bool
address_of(const struct sockaddr_storage *s, struct addr *ret)
{
	if (s->ss_family == AF_INET)
		addr_from_v4(ret, (const uint8_t *)&((const struct sockaddr_in *)s)->sin_addr);
	else if (s->ss_family == AF_INET6)
		memcpy(ret->b, &((const struct sockaddr_in6 *)s)->sin6_addr, 16);
	return s->ss_family == AF_INET || s->ss_family == AF_INET6;
}

bool
vet_allowed(const struct vet_run *r, const struct addr *a)
{
	size_t n;

	if (r->force)
		return true;
	const struct policy_zone *zones = policy_zones(r->policy, &n);
	uint8_t zone = policy_zone_by_addr(r->policy, a);
	return zone < n && zones[zone].n_interfaces > 0;
}

static struct vet_device *
device_of(struct vet_run *r, const struct addr *a)
{
	for (size_t i = 0; i < r->n_devices; i++)
		if (addr_cmp(&r->devices[i].addr, a) == 0)
			return &r->devices[i];
	if (r->n_devices == VET_DEVICES) {
		r->spare++;
		return NULL;
	}
	struct vet_device *d = &r->devices[r->n_devices++];
	*d = (struct vet_device){.addr = *a};
	return d;
}

/* Our own words come back from the group as well. */
static bool
is_ours(const struct vet_run *r, const struct addr *a, struct span d, const struct ear *e)
{
	return addr_cmp(a, &r->own) == 0 || (d.len == e->asked_len && d.len && memcmp(d.p, e->asked, d.len) == 0);
}

static void
hear(struct vet_run *r, const struct ear *e)
{
	uint8_t buf[PROBE_STREAM];
	struct sockaddr_storage from = {0};
	struct addr a;

	for (unsigned i = 0; i < ANSWERS_MAX; i++) {
		socklen_t len = sizeof from;
		ssize_t n = recvfrom(e->fd, buf, sizeof buf, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
		struct span d = {buf, n > 0 ? (size_t)n : 0};
		if (n < 0 && errno != ECONNREFUSED)
			return; /* EAGAIN; a refusal of an earlier datagram only makes room for the next */
		if (n <= 0 || !address_of(&from, &a) || is_ours(r, &a, d, e))
			continue;
		if (!r->segment && addr_cmp(&a, &r->target) != 0)
			continue;
		if (!vet_allowed(r, &a)) {
			r->outside++;
			continue;
		}
		struct vet_device *dev = device_of(r, &a);
		if (dev && dev->answers < ANSWERS_MAX) {
			dev->answers++;
			vet_learn(dev, r->catalogue, e->q, (struct span){(const uint8_t *)e->asked, e->asked_len}, d, wall_us());
		}
	}
}

/* Listens until the time has come, and hears what arrives meanwhile. */
static void
listen_until(struct vet_run *r, struct ear *ears, size_t n, int64_t until_ms)
{
	struct pollfd fds[QUESTIONS];

	for (int64_t left; (left = until_ms - now_ms()) > 0;) {
		for (size_t i = 0; i < n; i++)
			fds[i] = (struct pollfd){.fd = ears[i].fd, .events = POLLIN};
		if (poll(fds, n, (int)left) <= 0)
			continue;
		for (size_t i = 0; i < n; i++)
			if (fds[i].revents)
				hear(r, &ears[i]);
	}
}

static int
group_join(const struct vet_run *r, int fd, const char *group)
{
	struct ip_mreqn m = {.imr_ifindex = (int)r->link};
	inet_pton(AF_INET, group, &m.imr_multiaddr);
	return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m);
}

/* -1: this question cannot be asked from here (a port that somebody else holds, a group without a link). */
static int
ear_open(const struct vet_run *r, const struct vet_question *q)
{
	static const int on = 1, one_hop = 1;
	bool v4 = r->segment || addr_is_v4(&r->target);
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct addr any = {0};
	struct sockaddr_storage local;

	if (fd < 0)
		return -1;
	if (v4)
		addr_from_v4(&any, (const uint8_t[4]){0});
	socklen_t len = address(&any, q->local, 0, &local);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&local, len) < 0)
		goto close_socket;
	if (v4 && q->hear && r->link && group_join(r, fd, q->hear) < 0)
		goto close_socket;
	if (r->segment) {
		struct ip_mreqn out = {.imr_ifindex = (int)r->link};
		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
		setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &one_hop, sizeof one_hop);
		if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof out) < 0)
			goto close_socket;
	}
	return fd;
close_socket:;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool
destination(const struct vet_run *r, const struct vet_question *q, struct addr *ret)
{
	*ret = r->target;
	if (!r->segment)
		return true;
	*ret = r->broadcast;
	return q->group ? addr_parse(q->group, ret) : addr_is_v4(&r->broadcast);
}

static bool
ear_say(struct vet_run *r, struct ear *e)
{
	struct addr to;
	struct sockaddr_storage s;

	if (!destination(r, e->q, &to))
		return false;
	e->asked_len = e->q->say(e->asked, &to);
	if (e->asked_len == 0)
		return true;
	socklen_t len = address(&to, e->q->port, r->link, &s);
	charge(r, 1);
	return sendto(e->fd, e->asked, e->asked_len, 0, (struct sockaddr *)&s, len) == (ssize_t)e->asked_len;
}

/* False: not one datagram could be sent. */
static bool
ask_datagrams(struct vet_run *r)
{
	static struct ear ears[QUESTIONS];
	size_t n, open = 0;
	int why = 0;
	bool sent = false;
	const struct vet_question *q = vet_questions(&n);

	for (size_t i = 0; i < n && open < QUESTIONS; i++) {
		if (q[i].l4 != IPPROTO_UDP)
			continue;
		ears[open] = (struct ear){.fd = ear_open(r, &q[i]), .q = &q[i]};
		if (ears[open].fd < 0) {
			why = errno;
			continue;
		}
		listen_until(r, ears, open, r->next_ms);
		if (ear_say(r, &ears[open]))
			sent |= ears[open].asked_len > 0;
		else
			why = errno;
		open++;
	}
	if (sent)
		listen_until(r, ears, open, now_ms() + r->timeout_ms);
	for (size_t i = 0; i < open; i++)
		close(ears[i].fd);
	if (!sent)
		fprintf(stderr, "lenscap: nothing could be sent: %s\n", strerror(why));
	return sent;
}

/* A connection, or -1: ret_how is then the errno, ETIMEDOUT where nobody said anything. */
static int
stream_open(struct vet_run *r, const struct vet_device *d, uint16_t port, int *ret_how)
{
	static const struct linger reset = {.l_onoff = 1};
	static const int receive = RECEIVE_BYTES, once = 1;
	struct sockaddr_storage s;
	socklen_t len = address(&d->addr, port, r->link, &s), how_len = sizeof *ret_how;
	int fd = socket(s.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*ret_how = errno;
	if (fd < 0)
		return -1;
	/* Nothing is owed to a device at the end: no waiting for its farewell. A small window bounds what it can make us acknowledge. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
	setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &once, sizeof once);
	charge(r, 1);
	int rc = connect(fd, (struct sockaddr *)&s, len);
	*ret_how = rc < 0 ? errno : 0;
	if (rc < 0 && errno == EINPROGRESS) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		if (poll(&p, 1, r->timeout_ms) <= 0)
			*ret_how = ETIMEDOUT;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, ret_how, &how_len) < 0)
			*ret_how = errno;
	}
	if (*ret_how == 0)
		return fd;
	close(fd);
	return -1;
}

/* Reads until the peer ends it, is quiet for a while, has said enough, or the deadline comes. */
static size_t
stream_read(struct vet_run *r, int fd, uint8_t buf[PROBE_STREAM])
{
	int64_t deadline = now_ms() + r->timeout_ms;
	size_t n = 0;

	while (n < PROBE_STREAM) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - now_ms();
		if (n && left > QUIET_MS)
			left = QUIET_MS;
		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			break;
		ssize_t got = read(fd, buf + n, PROBE_STREAM - n);
		if (got <= 0)
			break;
		n += (size_t)got;
		if (n / SEGMENT_BYTES != (n - (size_t)got) / SEGMENT_BYTES)
			charge(r, 1);
	}
	return n;
}

static bool
is_closed(const struct vet_device *d, uint16_t port)
{
	for (size_t i = 0; i < d->n_closed; i++)
		if (d->closed[i] == port)
			return true;
	return false;
}

static void
wait_turn(const struct vet_run *r)
{
	for (int64_t left; (left = r->next_ms - now_ms()) > 0;)
		(void)poll(NULL, 0, (int)left);
}

/* False: the port is not worth another try. */
static bool
ask_stream(struct vet_run *r, struct vet_device *d, const struct vet_question *q)
{
	static uint8_t answer[PROBE_STREAM];
	char asked[VET_WORDS];
	int how;

	wait_turn(r);
	int fd = stream_open(r, d, q->port, &how);
	d->silent = how == ETIMEDOUT ? d->silent + 1 : 0;
	if (how == ETIMEDOUT)
		charge(r, 1); /* the kernel has asked a second time */
	if (fd < 0)
		return false;
	charge(r, CONNECT_PACKETS);
	size_t len = q->say(asked, &d->addr);
	size_t n = 0;
	if (len == 0 || send(fd, asked, len, MSG_NOSIGNAL) == (ssize_t)len)
		n = stream_read(r, fd, answer);
	close(fd);
	if (n)
		vet_learn(d, r->catalogue, q, (struct span){(const uint8_t *)asked, len}, (struct span){answer, n}, wall_us());
	return true;
}

static void
ask_streams(struct vet_run *r, struct vet_device *d)
{
	size_t n;
	const struct vet_question *q = vet_questions(&n);

	for (size_t i = 0; i < n && d->silent < SILENT_MAX; i++)
		if (q[i].l4 == IPPROTO_TCP && !is_closed(d, q[i].port) && !ask_stream(r, d, &q[i]) && d->n_closed < VET_CLOSED)
			d->closed[d->n_closed++] = q[i].port;
}

/* Which hardware address answered for an IPv4 address on this link: the kernel's ARP table knows it now. */
static void
learn_neighbour(struct vet_run *r, struct vet_device *d)
{
	char line[256], ip[64], hw[64], text[ADDR_TEXT];
	FILE *f = fopen("/proc/net/arp", "re");
	struct mac mac;

	addr_print(&d->addr, text);
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "%63s %*s %*s %63s", ip, hw) == 2 && strcmp(ip, text) == 0 && mac_parse(hw, &mac) && !mac_is_zero(&mac))
			vet_learn_mac(d, r->catalogue, &mac, wall_us());
	if (f)
		fclose(f);
}

/* An address that was asked and said nothing is no device that was found. */
static void
drop_silent(struct vet_run *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_devices; i++)
		if (r->devices[i].n_spoken)
			r->devices[n++] = r->devices[i];
		else
			vet_forget(&r->devices[i]);
	r->n_devices = n;
}

bool
vet_ask_all(struct vet_run *r)
{
	if (!ask_datagrams(r))
		return false;
	if (!r->segment && !device_of(r, &r->target))
		return true;
	for (size_t i = 0; i < r->n_devices; i++) {
		ask_streams(r, &r->devices[i]);
		learn_neighbour(r, &r->devices[i]);
	}
	drop_silent(r);
	return true;
}
