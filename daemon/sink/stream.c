/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines into a byte stream. A write may take any part of what it is given; what is left of a line stays at the head of the queue,
 * so the next bytes are always the ones that belong there and no line is torn.
 */
#include <errno.h>

#include "sink_kind.h"

static size_t
view_preface(const struct sink *s, struct iovec *iov)
{
	if (s->preface_sent >= s->preface_len)
		return 0;
	iov[0].iov_base = (char *)s->preface + s->preface_sent;
	iov[0].iov_len = s->preface_len - s->preface_sent;
	return 1;
}

/* Returns what of n belongs to the lines behind. */
static size_t
took_preface(struct sink *s, size_t n)
{
	size_t rest = s->preface_len - s->preface_sent;

	if (rest == 0)
		return n;
	if (n < rest) {
		s->preface_sent += n;
		return 0;
	}
	if (s->preface_state == PREFACE_READY) /* else the lone '\n' */
		s->written[__builtin_ctz(RECORD_STATS)]++;
	s->preface_len = s->preface_sent = 0;
	s->preface_state = PREFACE_NONE;
	return n - rest;
}

static ssize_t
hand_over(struct sink *s, stream_writer *write, struct iovec *iov, size_t n)
{
	ssize_t m = write(s, iov, (int)n);

	if (m == 0)
		errno = EAGAIN;
	if (m <= 0)
		return -1;
	s->bytes += (size_t)m;
	lane_took(s->lane, took_preface(s, (size_t)m), s->written);
	return m;
}

ssize_t
stream_push(struct sink *s, stream_writer *write)
{
	struct iovec iov[STREAM_VECTORS];
	size_t n = view_preface(s, iov);

	n += lane_view(s->lane, iov + n, STREAM_VECTORS - n);
	return n > 0 ? hand_over(s, write, iov, n) : 0;
}

/* The lines behind the one that is partly out are for the next file. */
void
stream_finish(struct sink *s, stream_writer *write)
{
	struct iovec iov[STREAM_VECTORS];
	ssize_t m;

	do {
		size_t n = s->preface_sent > 0 ? view_preface(s, iov) : 0;
		if (n == 0 && lane_started(s->lane))
			n = lane_view(s->lane, iov, 1);
		m = n > 0 ? hand_over(s, write, iov, n) : 0;
	} while (m > 0);
}
