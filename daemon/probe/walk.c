/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One message after the other; see walk.h. */
#include "walk.h"

#include <netinet/in.h>

/* False when a message is not the protocol's; adds the plain ones and the proofs to the counts. */
static bool
judge_side(const struct probe_input *in, int side, walk_check *check, unsigned *fits, unsigned *proofs)
{
	const struct probe_side *s = &in->side[side];

	for (size_t i = 0; i < s->n; i++) {
		bool empty = s->units[i].len == 0;
		enum sign sign = empty ? SIGN_NONE : check(s->units[i], side, NULL);
		if (sign == SIGN_NONE && !(empty && in->l4 == IPPROTO_TCP))
			return false;
		*fits += sign == SIGN_FITS;
		*proofs += sign == SIGN_PROOF;
	}
	return true;
}

static void
learn_side(const struct probe_side *s, int side, walk_check *check, struct app *app)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->units[i].len)
			(void)check(s->units[i], side, app);
}

enum probe_result
walk_units(const struct probe_input *in, struct app *app, const char *protocol, unsigned need,
	   walk_check *check)
{
	unsigned fits = 0, proofs = 0;

	if (!judge_side(in, PROBE_TO_SERVER, check, &fits, &proofs) ||
	    !judge_side(in, PROBE_TO_CLIENT, check, &fits, &proofs))
		return PROBE_NO;
	if (!proofs && (need == 0 || fits < need))
		return in->side[0].ended && in->side[1].ended ? PROBE_NO : PROBE_MORE;
	app->protocol = protocol;
	learn_side(&in->side[PROBE_TO_SERVER], PROBE_TO_SERVER, check, app);
	learn_side(&in->side[PROBE_TO_CLIENT], PROBE_TO_CLIENT, check, app);
	return PROBE_DONE;
}

enum probe_result
walk_either(const struct probe_input *in, struct app *app, const char *protocol, unsigned need,
	    walk_check *stream, walk_check *datagram)
{
	if (in->l4 == IPPROTO_TCP)
		return walk_units(in, app, protocol, need, stream);
	return in->l4 == IPPROTO_UDP ? walk_units(in, app, protocol, need, datagram) : PROBE_NO;
}
