/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One long TCP stream from a camera: a ClientHello, the answer, then video without end.
 *
 *	bulk serve PORT		reads and throws away, until SIGTERM
 *	bulk send -a ADDRESS -p PORT [-t SECONDS] [-r MBIT_PER_SECOND] [-s NAME]
 *
 * `send` prints one JSON object: what the far side has acknowledged, and how many segments went out a second time. What the first quarter
 * second carried (slow start, the judging of the flow) is left out of the rate.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "load.h"

enum { BLOCK = 128 << 10, WARM_US = 250000, WAIT_S = 5 };

static void *
drain(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char *block = malloc(BLOCK);
	ssize_t n = block ? read(fd, block, BLOCK) : 0;

	if (n > 0 && write(fd, load_answer, sizeof load_answer) == (ssize_t)sizeof load_answer)
		while (read(fd, block, BLOCK) > 0)
			;
	free(block);
	close(fd);
	return NULL;
}

static int
serve(const char *port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};
	int one = 1, zero = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 64)) {
		perror("bulk: listen");
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	while (!load_stop) {
		pthread_t thread;
		int one_stream = accept(fd, NULL, NULL);
		if (one_stream >= 0 && pthread_create(&thread, NULL, drain, (void *)(intptr_t)one_stream) == 0)
			pthread_detach(thread);
	}
	return 0;
}

/* Bytes that the far side has acknowledged. */
static double
delivered(int fd, double written)
{
	int waiting = 0;
	ioctl(fd, SIOCOUTQ, &waiting);
	return written - waiting;
}

static unsigned
sent_again(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof info;
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) ? 0 : info.tcpi_total_retrans;
}

static void
stream(int fd, double seconds, double mbit)
{
	static char block[BLOCK];
	double start = load_now_us(), end = start + seconds * 1e6, warm = start + WARM_US, written = 0, first = 0, began = 0, now = start;
	size_t step = mbit > 0 ? BLOCK / 8 : BLOCK;

	while (!load_stop && now < end) {
		if (mbit > 0 && written * 8 > mbit * (now - start)) {
			nanosleep(&(struct timespec){0, 50000}, NULL);
		} else {
			ssize_t n = write(fd, block, step);
			if (n <= 0)
				break;
			written += (double)n;
		}
		now = load_now_us();
		if (began <= 0 && now >= warm) {
			began = now;
			first = delivered(fd, written);
		}
	}
	double bytes = delivered(fd, written), took = (load_now_us() - began) / 1e6;
	printf("{\"seconds\":%.3f,\"bytes\":%.0f,\"gbit_s\":%.4f,\"retransmitted\":%u,\"whole\":%s}\n", took, bytes,
	       began > 0 && took > 0 ? (bytes - first) * 8 / took / 1e9 : 0.0, sent_again(fd), now >= end ? "true" : "false");
}

static int
greet(int fd, const char *name)
{
	unsigned char buf[LOAD_HELLO_MAX];
	size_t length = load_hello(buf, name, (uint64_t)getpid());
	return write(fd, buf, length) == (ssize_t)length && read(fd, buf, sizeof buf) == LOAD_ANSWER_BYTES ? 0 : -1;
}

static int
send_stream(int argc, char **argv)
{
	const char *address = NULL, *name = "cloud.vendor.example";
	double seconds = 5, mbit = 0;
	struct timeval wait = {WAIT_S, 0};
	struct targets to;
	unsigned port = 443;
	int o;

	while ((o = getopt(argc, argv, "a:p:t:r:s:")) != -1)
		switch (o) {
		case 'a': address = optarg; break;
		case 'p': port = (unsigned)atoi(optarg); break;
		case 't': seconds = atof(optarg); break;
		case 'r': mbit = atof(optarg); break;
		case 's': name = optarg; break;
		default: return 2;
		}
	if (!address || targets_set(&to, address, (uint16_t)port, 1))
		return 2;
	int fd = socket(to.first.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to.first, to.length) || greet(fd, name)) {
		perror("bulk: connect");
		return 1;
	}
	stream(fd, seconds, mbit);
	return 0;
}

int
main(int argc, char **argv)
{
	load_signals();
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc > 2 && strcmp(argv[1], "send") == 0)
		return send_stream(argc - 1, argv + 1);
	fprintf(stderr, "usage: bulk serve PORT | bulk send -a ADDRESS -p PORT …\n");
	return 2;
}
