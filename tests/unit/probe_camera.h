/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages for the tests of the camera probes, written so that a layout can be read.
 *
 * A message is a list of words: hexadecimal bytes; `text` between back ticks; p16`text` padded with
 * NULs to 16 bytes; z8 for eight zeroes; | where the counted body begins; and its length, to be
 * filled in: %n %h little endian in 4 and 2 bytes, %N %H big endian. %W %T %w: the whole message's
 * length, big endian in 4 and 2 bytes, little endian in 4.
 */
#ifndef LENSCAP_TEST_PROBE_CAMERA_H
#define LENSCAP_TEST_PROBE_CAMERA_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

enum { MESSAGE_MAX = 20000, SAMPLE_UNITS = 4 };

struct message {
	uint8_t bytes[MESSAGE_MAX];
	size_t len, body;
	struct {
		size_t at;
		char how;
	} holes[8];
	size_t n_holes;
};

static void
message_put(struct message *m, uint8_t byte)
{
	assert(m->len < sizeof m->bytes);
	m->bytes[m->len++] = byte;
}

static const char *
message_text(struct message *m, const char *p)
{
	for (p++; *p != '`'; p++)
		message_put(m, (uint8_t)*p);
	return p + 1;
}

static const char *
message_padded(struct message *m, const char *p)
{
	char *rest;
	size_t end = m->len + strtoul(p + 1, &rest, 10);
	p = message_text(m, rest);
	while (m->len < end)
		message_put(m, 0);
	return p;
}

static const char *
message_zeroes(struct message *m, const char *p)
{
	char *rest;
	for (unsigned long n = strtoul(p + 1, &rest, 10); n; n--)
		message_put(m, 0);
	return rest;
}

static const char *
message_hole(struct message *m, const char *p)
{
	m->holes[m->n_holes].at = m->len;
	m->holes[m->n_holes++].how = p[1];
	for (int n = strchr("nNWw", p[1]) ? 4 : 2; n; n--)
		message_put(m, 0);
	return p + 2;
}

static const char *
message_hex(struct message *m, const char *p)
{
	char pair[3] = {p[0], p[1], 0}, *end;
	message_put(m, (uint8_t)strtoul(pair, &end, 16));
	assert(*end == 0);
	return p + 2;
}

static void
message_fill(struct message *m)
{
	for (size_t i = 0; i < m->n_holes; i++) {
		char how = m->holes[i].how;
		size_t value = strchr("WTw", how) ? m->len : m->len - m->body,
		       width = strchr("nNWw", how) ? 4 : 2;
		for (size_t k = 0; k < width; k++)
			m->bytes[m->holes[i].at + k] =
				(uint8_t)(value >> 8 * (strchr("nhw", how) ? k : width - 1 - k));
	}
}

static void
message_build(struct message *m, const char *p)
{
	memset(m, 0, sizeof *m);
	while (*p) {
		if (*p == ' ')
			p++;
		else if (*p == '`')
			p = message_text(m, p);
		else if (*p == 'p')
			p = message_padded(m, p);
		else if (*p == 'z')
			p = message_zeroes(m, p);
		else if (*p == '%')
			p = message_hole(m, p);
		else if (*p == '|')
			m->body = m->len, p++;
		else
			p = message_hex(m, p);
	}
	message_fill(m);
}

/* TP-Link's running key. */
static void
cipher_shp(uint8_t *p, size_t n)
{
	uint8_t key = 0xab;
	for (size_t i = 0; i < n; i++)
		key = p[i] ^= key;
}

/* Reolink's discovery mask, for transmission 0x12345678. */
static void
cipher_reolink(uint8_t *p, size_t n)
{
	static const uint32_t words[8] = {0x1f2d3c4b, 0x5a6c7f8d, 0x38172e4b, 0x8271635a,
					  0x863f1a2b, 0xa5c6f7d8, 0x8371e1b4, 0x17f2d3a5};
	for (size_t i = 0; i < n; i++)
		p[i] ^= (uint8_t)((words[(i / 4) & 7] + 0x12345678) >> (i & 3) * 8);
}

/*
 * Kalay's scrambling, forwards: rotate right, mask, permute, rotate right. A short last block stays
 * as it is here.
 */
static void
rotate_right(uint8_t *p, unsigned by)
{
	for (unsigned i = 0; i < 16; i += 4) {
		uint32_t w;
		memcpy(&w, p + i, 4);
		w = w >> (i + by) | w << (32 - i - by);
		memcpy(p + i, &w, 4);
	}
}

static void
cipher_kalay(uint8_t *p, size_t n)
{
	static const uint8_t place[16] = {11, 9, 8, 15, 13, 10, 12, 14, 2, 1, 5, 0, 6, 4, 7, 3};
	for (; n >= 16; p += 16, n -= 16) {
		uint8_t moved[16];
		rotate_right(p, 1);
		for (unsigned i = 0; i < 16; i++)
			moved[place[i]] = p[i] ^ (uint8_t) "Charlie is the designer of P2P!!"[i];
		memcpy(p, moved, 16);
		rotate_right(p, 3);
	}
}

enum cipher { CLEAR, SHP, SHP_STREAM, REOLINK, KALAY };

struct sample {
	const char *what; /* for people */
	const struct probe *row;
	uint8_t l4;
	uint16_t port;
	struct {
		const char *text; /* NULL: no more units */
		int side;
	} units[SAMPLE_UNITS];
	const char *detail, *banner; /* NULL: none */
	enum cipher cipher;
	size_t enough; /* so many bytes prove it: what follows has no length of its own. 0: all */
};

/*
 * A sample as a probe sees it: every unit in memory of its own, so that a sanitizer sees a read
 * past its end.
 */
struct scene {
	struct span spans[2][PROBE_UNITS];
	struct probe_input in;
};

static void
message_cipher(struct message *m, enum cipher cipher)
{
	switch (cipher) {
	case CLEAR:
		break;
	case SHP:
		cipher_shp(m->bytes, m->len);
		break;
	case SHP_STREAM:
		cipher_shp(m->bytes + 4, m->len - 4);
		break;
	case REOLINK:
		cipher_reolink(m->bytes + 20, m->len - 20);
		break;
	case KALAY:
		cipher_kalay(m->bytes, m->len);
		break;
	}
}

static void
scene_add(struct scene *s, int side, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	assert(copy && s->in.side[side].n < PROBE_UNITS);
	memcpy(copy, bytes, len);
	s->spans[side][s->in.side[side].n++] = (struct span){copy, len};
}

static void
scene_begin(struct scene *s, uint8_t l4, uint16_t port)
{
	memset(s, 0, sizeof *s);
	s->in.l4 = l4;
	s->in.port = port;
	for (int side = 0; side < 2; side++)
		s->in.side[side].units = s->spans[side];
}

static void
scene_end(struct scene *s)
{
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < s->in.side[side].n; i++)
			free((void *)(uintptr_t)s->spans[side][i].p);
}

static void
scene_of(struct scene *s, const struct sample *sample)
{
	static struct message m;

	scene_begin(s, sample->l4, sample->port);
	for (size_t i = 0; i < SAMPLE_UNITS && sample->units[i].text; i++) {
		message_build(&m, sample->units[i].text);
		message_cipher(&m, sample->cipher);
		scene_add(s, sample->units[i].side, m.bytes, m.len);
	}
}

#endif
