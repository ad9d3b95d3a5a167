/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Short TCP connections as a camera's TLS client makes them: connect, ClientHello, the first bytes of the answer, close.
 *
 *	conn serve PORT…		answers each request with a ServerHello, until SIGTERM
 *	conn ask -a FIRST [-n ADDRESSES] -p PORT [-c AT_ONCE] [-t SECONDS] [-N COUNT] [-s NAME] [-r PER_SECOND] [-w WAIT_MS]
 *
 * `ask` ends after SECONDS or COUNT, and prints one JSON object: how many were done a second, how many failed and of what, the time to
 * the connection and to the first byte in microseconds, and the longest time in which none was done. A connection that takes longer than
 * WAIT_MS has failed.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"

enum { EVENTS = 512, SAMPLE_ROOM = 4 << 20, AT_ONCE_MAX = 4096, LISTEN_MAX = 8 };

static int
add(int ep, int op, int fd, uint32_t events, uint64_t what)
{
	struct epoll_event e = {.events = events, .data.u64 = what};
	return epoll_ctl(ep, op, fd, &e);
}

static int
listen_on(uint16_t port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int one = 1, zero = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 65535)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
accept_all(int ep, int listener)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		if (add(ep, EPOLL_CTL_ADD, fd, EPOLLIN, (uint64_t)fd << 1))
			close(fd);
}

static void
answer(int fd)
{
	unsigned char buf[4096];
	ssize_t n = read(fd, buf, sizeof buf);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || write(fd, load_answer, sizeof load_answer) != (ssize_t)sizeof load_answer)
		close(fd);
}

/* Listeners have the low bit set in what epoll gives back. */
static int
serve(int count, char **ports)
{
	struct epoll_event events[EVENTS];
	int ep = epoll_create1(EPOLL_CLOEXEC);

	for (int i = 0; i < count && i < LISTEN_MAX; i++) {
		int fd = listen_on((uint16_t)atoi(ports[i]));
		if (fd < 0 || add(ep, EPOLL_CTL_ADD, fd, EPOLLIN, (uint64_t)fd << 1 | 1)) {
			perror("conn: listen");
			return 1;
		}
	}
	printf("ready\n");
	fflush(stdout);
	while (!load_stop) {
		int n = epoll_wait(ep, events, EVENTS, 1000);
		for (int i = 0; i < n; i++) {
			int fd = (int)(events[i].data.u64 >> 1);
			if (events[i].data.u64 & 1)
				accept_all(ep, fd);
			else
				answer(fd);
		}
	}
	return 0;
}

enum failure { REFUSED, RESET, TIMEOUT, CLOSED, LOCAL, FAILURES };
static const char *const failure_names[FAILURES] = {"refused", "reset", "timeout", "closed", "local"};

struct connection {
	double started, connected; /* us; connected is 0 before */
	int fd;			   /* -1: nobody uses this place */
};

struct client {
	struct targets to;
	const char *name;
	double wait_us, gap_us; /* gap: between two beginnings, 0: at once */
	int ep;
	unsigned at_once, live;
	uint64_t begun, done, failed[FAILURES];
	double next_begin, last_done, longest_gap;
	struct connection *places;
	struct sample connect, first_byte;
};

static void
leave(struct client *c, struct connection *p)
{
	close(p->fd);
	p->fd = -1;
	c->live--;
}

static void
fail(struct client *c, struct connection *p, enum failure why)
{
	c->failed[why]++;
	leave(c, p);
}

static enum failure
reason(int error)
{
	return error == ECONNREFUSED ? REFUSED : error == ECONNRESET || error == EPIPE ? RESET : error == ETIMEDOUT ? TIMEOUT : LOCAL;
}

static void
begin(struct client *c, size_t place, double now)
{
	struct connection *p = &c->places[place];
	struct sockaddr_storage to = targets_next(&c->to);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	c->begun++;
	if (fd < 0) {
		c->failed[LOCAL]++;
		return;
	}
	*p = (struct connection){.started = now, .fd = fd};
	c->live++;
	if ((connect(fd, (struct sockaddr *)&to, c->to.length) && errno != EINPROGRESS) || add(c->ep, EPOLL_CTL_ADD, fd, EPOLLOUT, place))
		fail(c, p, reason(errno));
}

/* The ClientHello goes out. */
static void
speak(struct client *c, size_t place, double now)
{
	unsigned char hello[LOAD_HELLO_MAX];
	struct connection *p = &c->places[place];
	size_t length = load_hello(hello, c->name, c->begun);

	p->connected = now;
	sample_add(&c->connect, now - p->started);
	if (write(p->fd, hello, length) != (ssize_t)length || add(c->ep, EPOLL_CTL_MOD, p->fd, EPOLLIN, place))
		fail(c, p, reason(errno));
}

static void
hear(struct client *c, struct connection *p, double now)
{
	unsigned char buf[256];
	ssize_t n = read(p->fd, buf, sizeof buf);

	if (n <= 0) {
		fail(c, p, n == 0 ? CLOSED : reason(errno));
		return;
	}
	sample_add(&c->first_byte, now - p->started);
	if (c->last_done > 0 && now - c->last_done > c->longest_gap)
		c->longest_gap = now - c->last_done;
	c->last_done = now;
	c->done++;
	leave(c, p);
}

static void
event(struct client *c, const struct epoll_event *e)
{
	size_t place = (size_t)e->data.u64;
	struct connection *p = &c->places[place];
	int error = 0;
	socklen_t length = sizeof error;

	if (p->fd < 0)
		return;
	if (e->events & EPOLLERR && getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error)
		fail(c, p, reason(error));
	else if (p->connected > 0)
		hear(c, p, load_now_us());
	else
		speak(c, place, load_now_us());
}

/* The kernel sends a SYN again after one second, so those that wait longer are few and this may look at all of them. */
static void
give_up(struct client *c, double now)
{
	for (size_t i = 0; i < c->at_once; i++)
		if (c->places[i].fd >= 0 && now - c->places[i].started > c->wait_us)
			fail(c, &c->places[i], TIMEOUT);
}

static void
fill(struct client *c, uint64_t count, double now)
{
	for (size_t i = 0; i < c->at_once && (!count || c->begun < count); i++) {
		if (c->places[i].fd >= 0)
			continue;
		if (c->gap_us > 0) {
			if (now < c->next_begin)
				return;
			c->next_begin = now - c->next_begin > 100 * c->gap_us ? now + c->gap_us : c->next_begin + c->gap_us;
		}
		begin(c, i, load_now_us());
	}
}

static double
ask_all(struct client *c, double seconds, uint64_t count)
{
	struct epoll_event events[EVENTS];
	double start = load_now_us(), end = start + seconds * 1e6, checked = start;

	c->next_begin = start;
	for (;;) {
		double now = load_now_us();
		bool over = load_stop || now >= end || (count && c->begun >= count);
		if (over && !c->live)
			break;
		if (!over)
			fill(c, count, now);
		if (now - checked > 100e3) {
			give_up(c, now);
			checked = now;
		}
		double wait = c->gap_us > 0 && !over && c->next_begin > now ? c->next_begin - now : 100e3;
		struct timespec limit = {0, (long)((wait < 100e3 ? wait : 100e3) * 1e3)};
		int n = epoll_pwait2(c->ep, events, EVENTS, &limit, NULL);
		for (int i = 0; i < n; i++)
			event(c, &events[i]);
	}
	double last = load_now_us();
	return ((count || last < end ? last : end) - start) / 1e6;
}

static void
print(struct client *c, double seconds)
{
	uint64_t failed = 0;
	for (int i = 0; i < FAILURES; i++)
		failed += c->failed[i];
	printf("{\"seconds\":%.3f,\"begun\":%lu,\"done\":%lu,\"per_s\":%.1f,\"failed\":%lu,", seconds, c->begun, c->done,
	       seconds > 0 ? (double)c->done / seconds : 0.0, failed);
	for (int i = 0; i < FAILURES; i++)
		printf("\"%s\":%lu,", failure_names[i], c->failed[i]);
	printf("\"longest_gap_us\":%.0f,", c->longest_gap);
	sample_print(&c->connect, "connect_us");
	printf(",");
	sample_print(&c->first_byte, "first_byte_us");
	printf("}\n");
}

static int
ask(int argc, char **argv)
{
	struct client c = {.name = "cloud.vendor.example", .wait_us = 5e6, .at_once = 1};
	const char *address = NULL;
	unsigned addresses = 1, port = 443;
	double seconds = 3600;
	uint64_t count = 0;
	int o;

	while ((o = getopt(argc, argv, "a:n:p:c:t:N:s:r:w:")) != -1)
		switch (o) {
		case 'a': address = optarg; break;
		case 'n': addresses = (unsigned)atoi(optarg); break;
		case 'p': port = (unsigned)atoi(optarg); break;
		case 'c': c.at_once = (unsigned)atoi(optarg); break;
		case 't': seconds = atof(optarg); break;
		case 'N': count = strtoull(optarg, NULL, 10); break;
		case 's': c.name = optarg; break;
		case 'r': c.gap_us = atof(optarg) > 0 ? 1e6 / atof(optarg) : 0; break;
		case 'w': c.wait_us = atof(optarg) * 1e3; break;
		default: return 2;
		}
	if (!address || targets_set(&c.to, address, (uint16_t)port, addresses) || !c.at_once || c.at_once > AT_ONCE_MAX)
		return 2;
	c.places = calloc(c.at_once, sizeof *c.places);
	c.ep = epoll_create1(EPOLL_CLOEXEC);
	if (!c.places || c.ep < 0 || sample_new(&c.connect, SAMPLE_ROOM) || sample_new(&c.first_byte, SAMPLE_ROOM)) {
		perror("conn");
		return 1;
	}
	for (size_t i = 0; i < c.at_once; i++)
		c.places[i].fd = -1;
	print(&c, ask_all(&c, seconds, count));
	return 0;
}

int
main(int argc, char **argv)
{
	load_signals();
	if (argc > 2 && argv[1][0] == 's')
		return serve(argc - 2, argv + 2);
	if (argc > 2 && argv[1][0] == 'a')
		return ask(argc - 1, argv + 1);
	fprintf(stderr, "usage: conn serve PORT… | conn ask -a FIRST -p PORT …\n");
	return 2;
}
