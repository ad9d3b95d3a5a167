/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ThroughTek (TUTK) Kalay, UDP: masters 10001, LAN 32761, then any port. Datagrams are scrambled in
 * blocks of 16 bytes. In clear:
 *
 *	0 04 02   2 version   3 stage   4 length of the rest   6 sequence   8 command   10 who
 *	12 channel   16 device id (20)
 *
 * The newer form is in clear and starts with 51 cc:
 *
 *	0 51 cc   2 zero   4 command   6 length from 12 on   8 0 or ffff   10 zero   12 sequence, ticket
 *	16 session   28 DTLS
 *
 * Numbers are little endian.
 */
#include <endian.h>
#include <netinet/in.h>
#include <string.h>

#include "field.h"
#include "learn.h"
#include "probes.h"
#include "walk.h"

enum {
	BLOCK = 16,
	BLOCKS = 3, /* header and device id */
	UID = 20,
	VERSION_FIRST = 0x12, /* and 16, 19, 1a, 1c were seen */
	VERSION_LAST = 0x1c,
	NEW_MAGIC = 0x51cc,
	NEW_HEADER = 12,
	NEW_DISCOVERY = 0x1002,
	NEW_KEEPALIVE = 0x1202,
	NEW_DTLS = 0x1502,
	NEW_DTLS_AT = 28,
};

static bool
one_of(uint16_t value, const uint16_t *known, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (value == known[i])
			return true;
	return false;
}

#define ONE_OF(value, list) one_of(value, list, sizeof(list) / sizeof *(list))

/* Each little-endian word of the block, rotated left by its offset and `by` bits. */
static void
rotate_words(uint8_t *block, unsigned by)
{
	for (unsigned i = 0; i < BLOCK; i += 4) {
		uint32_t w;
		unsigned bits = i + by;
		memcpy(&w, block + i, sizeof w);
		w = le32toh(w);
		w = htole32(w << bits | w >> (32 - bits));
		memcpy(block + i, &w, sizeof w);
	}
}

/* The scrambling is a fixed one, without a key; the permutation is its own inverse. */
static void
unscramble(uint8_t *block)
{
	static const uint8_t permutation[BLOCK] = {11, 9, 8, 15, 13, 10, 12, 14, 2, 1, 5, 0, 6, 4, 7, 3};
	static const char mask[BLOCK + 1] = "Charlie is the d";
	uint8_t moved[BLOCK];

	rotate_words(block, 3);
	for (unsigned i = 0; i < BLOCK; i++)
		moved[i] = block[permutation[i]] ^ (uint8_t)mask[i];
	memcpy(block, moved, BLOCK);
	rotate_words(block, 1);
}

/* The clear text begins 04 02: bits 1 to 8 of that come from bytes 9 and 10 alone, which is enough to pass by almost everything else. */
static bool
may_be_scrambled(struct span d)
{
	uint8_t moved = (uint8_t)(field_u8(d, 9) >> 5 | field_u8(d, 10) << 3) ^ 'C';

	return d.len >= BLOCK && moved == (uint8_t)(0x0204 >> 1);
}

static bool
header_holds(struct span clear, size_t length)
{
	static const uint16_t stages[] = {0x02, 0x0a, 0x0b}, whos[] = {0x21, 0x12, 0x33, 0x34, 0x43},
			      commands[] = {0x0601, 0x0602, 0x0402, 0x0403, 0x0404, 0x0407,
					    0x0408, 0x0427, 0x0428, 0x1007, 0x0203};
	uint8_t version = field_u8(clear, 2);

	return field_u16(clear, 0) == 0x0402 && version >= VERSION_FIRST && version <= VERSION_LAST &&
	       ONE_OF(field_u8(clear, 3), stages) && field_le16(clear, 4) == length - BLOCK &&
	       ONE_OF(field_le16(clear, 8), commands) && ONE_OF(field_le16(clear, 10), whos);
}

static enum sign
scrambled_check(struct span d, struct app *app)
{
	uint8_t clear[BLOCKS * BLOCK];
	size_t blocks = d.len / BLOCK < BLOCKS ? d.len / BLOCK : BLOCKS;
	struct cursor c = cursor_span(d);

	if (!may_be_scrambled(d))
		return SIGN_NONE;
	if (!app && blocks)
		blocks = 1; /* the header judges; the id is only learnt */
	cursor_copy(&c, clear, blocks * BLOCK);
	for (size_t i = 0; i < blocks; i++)
		unscramble(clear + i * BLOCK);
	struct span plain = {clear, blocks * BLOCK};
	if (!blocks || !header_holds(plain, d.len))
		return SIGN_NONE;
	struct span uid = field_bytes(plain, BLOCK, UID);
	if (field_alnum(uid, UID, UID))
		learn_text(app, "uid", uid);
	return SIGN_PROOF;
}

static enum sign
new_check(struct span d)
{
	static const uint16_t commands[] = {NEW_DISCOVERY, NEW_KEEPALIVE, NEW_DTLS};
	uint16_t command = field_le16(d, 4), way = field_u16(d, 8);

	if (field_u16(d, 2) || !ONE_OF(command, commands) || (way != 0 && way != 0xffff) ||
	    field_u16(d, 10) || d.len <= NEW_HEADER || field_le16(d, 6) != d.len - NEW_HEADER)
		return SIGN_NONE;
	if (command != NEW_DTLS)
		return SIGN_PROOF;
	uint8_t content = field_u8(d, NEW_DTLS_AT);
	bool dtls = content >= 20 && content <= 25 && field_u8(d, NEW_DTLS_AT + 1) == 0xfe;
	return dtls ? SIGN_PROOF : SIGN_FITS;
}

static enum sign
tutk_check(struct span d, int side, struct app *app)
{
	(void)side;
	return field_u16(d, 0) == NEW_MAGIC ? new_check(d) : scrambled_check(d, app);
}

static enum probe_result
tutk_inspect(const struct probe_input *in, struct app *app)
{
	return walk_units(in, app, "tutk", 2, tutk_check);
}

const struct probe probe_tutk = {
	.name = "tutk",
	.l4 = IPPROTO_UDP,
	.proves = 1u << PROBE_TO_SERVER | 1u << PROBE_TO_CLIENT,
	.inspect = tutk_inspect,
	.help = "ThroughTek Kalay (TUTK) peer-to-peer camera platform: device id",
};
