/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the packet queue: what is read out of them lies inside them, their numbers are in range, and the reading ends. */
#include <assert.h>

#include "shape.h"

#include "decode.h"
#include "nfq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of(data, size);
	struct queued q;
	struct packet p;
	enum nfq_kind kind;
	int error;

	for (size_t steps = 0; (kind = nfq_next(&c, &q, &error)) != NFQ_END;) {
		assert(++steps <= size);
		if (kind != NFQ_PACKET)
			continue;
		assert(q.ip.len == 0 || (q.ip.p >= data && q.ip.p + q.ip.len <= data + size));
		assert(q.wire_len >= q.ip.len && q.vlan <= 4095 && q.stamp_us >= 0);
		if (decode(q.ip, q.wire_len, &p) == DROP_NONE)
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
