/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ONC RPC (RFC 5531) by a call to a program of the range that Sun assigned; the NFS program has its own name. A call:
 *   xid 4 | 0 | version 2 | program 4 | version 4 | procedure 4 | credential flavour 4, length 4 | verifier flavour 4, length 4 | arguments
 * Over TCP a record mark stands before it: the last-fragment bit and 31 bits of length.
 */
#include <netinet/in.h>
#include <string.h>

#include "probes.h"
#include "side.h"

enum {
	PROGRAM_NFS = 100003,
	CALL = 0,
	RPC_VERSION = 2,
	AUTH_MAX = 400, /* RFC 5531, section 8.2 */
	FLAVOUR_LAST = 7,
	CALL_MIN = 40,
	RECORD_MAX = 65536,
};

static const struct rpc_program {
	uint32_t program, version_last, procedure_last;
} programs[] = {
	{100000, 4, 12}, /* portmapper, rpcbind */
	{PROGRAM_NFS, 4, 21},
	{100005, 3, 5},	  /* mountd */
	{100011, 2, 4},	  /* rquotad */
	{100021, 4, 23},  /* lock manager */
	{100024, 1, 5},	  /* status monitor */
	{100227, 3, 3},	  /* access lists beside NFS */
};

static bool
program_ok(uint32_t program, uint32_t version, uint32_t procedure)
{
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		if (programs[i].program == program)
			return version >= 1 && version <= programs[i].version_last && procedure <= programs[i].procedure_last;
	return false;
}

static void
skip_auth(struct cursor *c)
{
	uint32_t flavour = cursor_u32(c), length = cursor_u32(c);
	if ((flavour > FLAVOUR_LAST && flavour != 390003) || length > AUTH_MAX || length % 4)
		c->bad = true;
	cursor_skip(c, length);
}

/* The program, or 0: not a call that we know. */
static uint32_t
read_call(struct cursor c)
{
	cursor_skip(&c, 4);
	uint32_t type = cursor_u32(&c), rpc = cursor_u32(&c), program = cursor_u32(&c);
	if (type != CALL || rpc != RPC_VERSION)
		return 0;
	uint32_t version = cursor_u32(&c), procedure = cursor_u32(&c);
	skip_auth(&c);
	skip_auth(&c);
	return !c.bad && program_ok(program, version, procedure) ? program : 0;
}

static enum probe_result
stream_program(struct cursor c, uint32_t *ret)
{
	static const uint8_t fixed[] = {0, 0, 0, CALL, 0, 0, 0, RPC_VERSION, 0, 1};
	struct cursor early = c;

	if (cursor_left(&c) && (cursor_peek(&c, 0) != 0x80))
		return PROBE_NO;
	uint32_t mark = cursor_u32(&c);
	if (c.bad)
		return PROBE_MORE;
	uint32_t length = mark & 0x7fffffff;
	if (length < CALL_MIN || length > RECORD_MAX || length % 4)
		return PROBE_NO;
	cursor_skip(&early, 8);
	if (!early.bad && side_bytes(&early, fixed, sizeof fixed) == PROBE_NO)
		return PROBE_NO;
	/* A write carries its data in the call: the head is enough. */
	size_t head = length < CALL_MIN + 2 * AUTH_MAX ? length : CALL_MIN + 2 * AUTH_MAX;
	struct cursor call = cursor_take(&c, head);
	if (call.bad)
		return PROBE_MORE;
	*ret = read_call(call);
	return *ret ? PROBE_DONE : PROBE_NO;
}

static enum probe_result
datagram_program(const struct probe_side *s, uint32_t *ret)
{
	for (size_t i = 0; i < s->n; i++) {
		uint32_t program = read_call(side_unit(s, i));
		if (!program)
			return PROBE_NO;
		*ret = program;
	}
	return s->n ? PROBE_DONE : PROBE_MORE;
}

static enum probe_result
rpc_program(const struct probe_input *in, uint32_t *ret)
{
	if (in->l4 == IPPROTO_UDP)
		return datagram_program(&in->side[PROBE_TO_SERVER], ret);
	return in->l4 == IPPROTO_TCP ? stream_program(side_stream(in, PROBE_TO_SERVER), ret) : PROBE_NO;
}

static enum probe_result
rpc_inspect(const struct probe_input *in, struct app *app)
{
	uint32_t program;
	enum probe_result r = rpc_program(in, &program);
	if (r == PROBE_DONE)
		app->protocol = program == PROGRAM_NFS ? "nfs" : "sunrpc";
	return r;
}

const struct probe probe_rpc = {
	"sunrpc", 0, PROVES_CLIENT, rpc_inspect, "ONC RPC by a call: port mapper, mount, locks",
};

const struct probe probe_nfs = {
	"nfs", 0, PROVES_CLIENT, probe_alias, "NFS 2 to 4 by an RPC call of its program",
};
