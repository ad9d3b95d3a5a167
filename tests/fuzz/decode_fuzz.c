/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets: whatever decode() accepts must lie inside its input, and reversing a tuple twice changes nothing. */
#include <assert.h>
#include <string.h>

#include "decode.h"
#include "nfq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p;
	struct queued q;
	int error;

	if (size < 2)
		return 0;
	/* The first byte: how much longer than its copy the packet says it is; or a netlink message instead. */
	if (data[0] == 0xff) {
		struct cursor c = cursor_of(data + 1, size - 1);
		enum nfq_kind kind;
		while ((kind = nfq_next(&c, &q, &error)) != NFQ_END)
			if (kind == NFQ_PACKET)
				(void)decode(q.ip, q.wire_len, &p);
		return 0;
	}
	size_t len = size - 1;
	if (decode((struct span){data + 1, len}, len + data[0] * 16u, &p) == DROP_NONE) {
		assert(p.payload.len <= len && p.payload.len <= p.payload_len);
		assert(p.payload.len == 0 || (p.payload.p >= data + 1 && p.payload.p + p.payload.len <= data + size));
		struct tuple a = tuple_reverse(&p.tuple), b = tuple_reverse(&a);
		assert(p.tuple.proto == 1 || p.tuple.proto == 58 || memcmp(&b, &p.tuple, sizeof b) == 0);
	}
	return 0;
}
