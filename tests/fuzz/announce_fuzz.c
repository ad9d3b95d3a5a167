/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the packet log: what is read out of them lies inside them, and the reading ends. */
#include <assert.h>

#include "shape.h"

#include "announce.h"
#include "decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of(data, size);
	struct announced a;
	struct packet p;
	enum announce_kind kind;
	size_t steps = 0;

	while ((kind = announce_next(&c, &a)) != ANNOUNCE_END) {
		assert(++steps <= size);
		if (kind != ANNOUNCE_PACKET)
			continue;
		assert(a.ip.p >= data && a.ip.p + a.ip.len <= data + size && a.wire_len >= a.ip.len);
		if (decode(a.ip, a.wire_len, &p) == DROP_NONE)
			assert(p.payload.len == 0 || (p.payload.p >= data && p.payload.p + p.payload.len <= data + size));
	}
	return 0;
}

static void
scan(struct shape *s, const uint8_t *data, size_t size)
{
	shape_netlink(s, data, 0, size, -1);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return shape_mutate(data, size, max, seed, scan);
}
