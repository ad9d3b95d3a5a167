/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New UDP flows: every datagram goes to another port, then to another address, from one source port, so each is a flow of its own.
 *
 *	flows -a FIRST [-n ADDRESSES] [-p FIRST_PORT] [-P PORTS] [-r PER_SECOND] [-t SECONDS] [-N COUNT] [-l BYTES]
 *
 * Prints one JSON object when it ends.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum { BATCH = 32, BYTES_MAX = 1400 };

struct flood {
	struct targets to;
	struct sockaddr_storage current;
	uint32_t first_port, ports, next_port;
	size_t bytes;
	double rate, seconds;
	uint64_t count, sent, errors;
};

static struct sockaddr_storage
next(struct flood *f)
{
	if (f->next_port == f->ports)
		f->next_port = 0;
	if (f->next_port == 0)
		f->current = targets_next(&f->to);
	struct sockaddr_storage out = f->current;
	((struct sockaddr_in *)&out)->sin_port = htons((uint16_t)(f->first_port + f->next_port++)); /* at the same place in IPv6 */
	return out;
}

static void
send_batch(struct flood *f, int fd)
{
	static char data[BYTES_MAX];
	struct sockaddr_storage to[BATCH];
	struct iovec io = {data, f->bytes};
	struct mmsghdr m[BATCH];
	unsigned n = f->count && f->count - f->sent < BATCH ? (unsigned)(f->count - f->sent) : BATCH;

	memset(m, 0, sizeof m);
	for (unsigned i = 0; i < n; i++) {
		to[i] = next(f);
		m[i].msg_hdr = (struct msghdr){.msg_name = &to[i], .msg_namelen = f->to.length, .msg_iov = &io, .msg_iovlen = 1};
	}
	int sent = sendmmsg(fd, m, n, 0);
	if (sent < 0)
		f->errors++; /* an ICMP error of a datagram before */
	else
		f->sent += (uint64_t)sent;
}

static double
run(struct flood *f, int fd)
{
	double start = load_now_us(), end = start + f->seconds * 1e6, now = start;

	while (!load_stop && now < end && (!f->count || f->sent < f->count)) {
		if (f->rate > 0 && (double)f->sent > f->rate * (now - start) / 1e6) {
			nanosleep(&(struct timespec){0, 50000}, NULL);
		} else {
			send_batch(f, fd);
		}
		now = load_now_us();
	}
	return (now - start) / 1e6;
}

int
main(int argc, char **argv)
{
	struct flood f = {.first_port = 10000, .ports = 50000, .bytes = 64, .seconds = 3600};
	const char *address = NULL;
	unsigned addresses = 1;
	int o;

	while ((o = getopt(argc, argv, "a:n:p:P:r:t:N:l:")) != -1)
		switch (o) {
		case 'a': address = optarg; break;
		case 'n': addresses = (unsigned)atoi(optarg); break;
		case 'p': f.first_port = (uint32_t)atoi(optarg); break;
		case 'P': f.ports = (uint32_t)atoi(optarg); break;
		case 'r': f.rate = atof(optarg); break;
		case 't': f.seconds = atof(optarg); break;
		case 'N': f.count = strtoull(optarg, NULL, 10); break;
		case 'l': f.bytes = (size_t)atoi(optarg); break;
		default: return 2;
		}
	if (!address || targets_set(&f.to, address, 0, addresses) || !f.ports || f.bytes > BYTES_MAX)
		return 2;
	load_signals();
	int fd = socket(f.to.first.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		perror("flows");
		return 1;
	}
	double seconds = run(&f, fd);
	printf("{\"seconds\":%.3f,\"sent\":%lu,\"per_s\":%.1f,\"errors\":%lu}\n", seconds, f.sent, seconds > 0 ? (double)f.sent / seconds : 0.0,
	       f.errors);
	return 0;
}
