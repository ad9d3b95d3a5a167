/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the load generators share. The ClientHello is a plain one of TLS 1.3: the fields that a camera's library sends, in one record. */
#include "load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

volatile sig_atomic_t load_stop;

static void
on_signal(int number)
{
	(void)number;
	load_stop = 1;
}

void
load_signals(void)
{
	struct sigaction stop = {.sa_handler = on_signal};
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
}

double
load_now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int
targets_set(struct targets *t, const char *address, uint16_t port, uint32_t count)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	*t = (struct targets){.count = count ? count : 1};
	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
		memcpy(&t->first, &v4, t->length = sizeof v4);
		return 0;
	}
	if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
		memcpy(&t->first, &v6, t->length = sizeof v6);
		return 0;
	}
	return -1;
}

struct sockaddr_storage
targets_next(struct targets *t)
{
	struct sockaddr_storage out = t->first;
	uint32_t offset = t->next++ % t->count, low;
	unsigned char *tail = out.ss_family == AF_INET ? (unsigned char *)&((struct sockaddr_in *)&out)->sin_addr
						       : &((struct sockaddr_in6 *)&out)->sin6_addr.s6_addr[12];
	memcpy(&low, tail, sizeof low);
	low = htonl(ntohl(low) + offset);
	memcpy(tail, &low, sizeof low);
	return out;
}

static unsigned char *
put16(unsigned char *p, size_t value)
{
	p[0] = (unsigned char)(value >> 8);
	p[1] = (unsigned char)value;
	return p + 2;
}

static unsigned char *
put(unsigned char *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

/*
 * record:    22, version(2), length(2)
 * handshake: 1, length(3), version(2), random(32), session id (1 + 32), cipher suites (2 + n), compressions (1 + 1), extensions (2 + n)
 */
size_t
load_hello(unsigned char buf[LOAD_HELLO_MAX], const char *name, uint64_t salt)
{
	static const unsigned char suites[] = {0, 12, 0x13, 1, 0x13, 2, 0x13, 3, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x30, 1, 0};
	static const unsigned char rest[] = {
		0, 10, 0, 6, 0, 4, 0, 0x1d, 0, 0x17,		      /* groups */
		0, 13, 0, 10, 0, 8, 4, 3, 8, 4, 4, 1, 5, 1,	      /* signatures */
		0, 43, 0, 5, 4, 3, 4, 3, 3,			      /* versions */
		0, 16, 0, 11, 0, 9, 8, 'h', 't', 't', 'p', '/', '1', '.', '1', /* ALPN */
		0, 45, 0, 2, 1, 1,				      /* key exchange modes */
		0, 51, 0, 38, 0, 36, 0, 0x1d, 0, 32,		      /* a key share, its 32 bytes below */
	};
	size_t n = strnlen(name, 255);
	unsigned char *p = buf + 9;

	p = put16(p, 0x0303);
	for (int i = 0; i < 32; i++)
		*p++ = (unsigned char)((salt >> 8 * (i & 7)) + (uint64_t)i * 37);
	*p++ = 32;
	memset(p, 0x5a, 32);
	p = put(p + 32, suites, sizeof suites);
	unsigned char *extensions = p;
	p = put16(p + 2, 0);
	p = put16(p, n + 5);
	p = put16(p, n + 3);
	*p++ = 0;
	p = put(put16(p, n), name, n);
	p = put(p, rest, sizeof rest);
	memset(p, 0x77, 32);
	p += 32;
	put16(extensions, (size_t)(p - extensions) - 2);
	buf[5] = 1;
	buf[6] = 0;
	put16(buf + 7, (size_t)(p - buf) - 9);
	buf[0] = 22;
	put16(buf + 1, 0x0301);
	put16(buf + 3, (size_t)(p - buf) - 5);
	return (size_t)(p - buf);
}

/* Version, random, no session, TLS_AES_128_GCM_SHA256; supported_versions and key_share. */
const unsigned char load_answer[LOAD_ANSWER_BYTES] = {
	22, 3,	3, 0, 90, 2,  0, 0,  86, 3,  3, 1, 2, 3, 4, 5,	 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
	19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 0, 0x13, 1, 0, 0, 46, 0, 43, 0, 2,  3,  4,  0, 51, 0,
	36, 0, 0x1d, 0, 32,
};

int
sample_new(struct sample *s, size_t room)
{
	*s = (struct sample){.value = malloc(room * sizeof *s->value), .room = room};
	return s->value ? 0 : -1;
}

void
sample_add(struct sample *s, double value)
{
	if (s->n < s->room)
		s->value[s->n++] = (float)value;
}

static int
by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

void
sample_print(struct sample *s, const char *name)
{
	static const struct {
		const char *name;
		unsigned per_mille;
	} points[] = {{"p50", 500}, {"p90", 900}, {"p99", 990}, {"max", 1000}};

	qsort(s->value, s->n, sizeof *s->value, by_value);
	printf("\"%s\":{\"n\":%zu", name, s->n);
	for (size_t i = 0; s->n && i < sizeof points / sizeof *points; i++)
		printf(",\"%s\":%.1f", points[i].name, (double)s->value[(s->n - 1) * points[i].per_mille / 1000]);
	printf("}");
}
