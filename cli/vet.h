/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lenscap vet: asks devices what they are. The questions are a table; the sockets know nothing of what is said; an answer is read by
 * the probes, as the engine would read it, and judged like anything else that a device lets slip.
 *
 * Nothing that is asked needs or carries a password, and nothing changes a device.
 */
#ifndef LENSCAP_VET_H
#define LENSCAP_VET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "addr.h"
#include "cursor.h"
#include "probe.h"

struct catalogue;
struct identity;
struct policy;

/* vet_ask.c: what is asked. */

enum { VET_WORDS = 2048 };

struct vet_question {
	const char *name;
	uint8_t l4;
	uint16_t port;	   /* where it is asked */
	uint16_t local;	   /* where answers come to; 0: wherever it was asked from */
	const char *group; /* the multicast group that hears it on a segment; NULL: broadcast */
	const char *hear;  /* the group that answers go to; NULL: to whoever asked */
	/* Writes the words into out and returns how many bytes; 0: the peer speaks first. */
	size_t (*say)(char out[VET_WORDS], const struct addr *to);
};

/* Datagrams first, then streams. */
const struct vet_question *vet_questions(size_t *ret_n);

/* vet_learn.c: what the answers mean. */

enum {
	VET_DEVICES = 256, /* that one run looks at */
	VET_SPOKEN = 16,
	VET_CLOSED = 16,
};

/* One device that answered, or that was asked by its address. */
struct vet_device {
	struct addr addr;
	bool has_mac;
	struct mac mac;
	const char *spoken[VET_SPOKEN]; /* questions that it answered */
	size_t n_spoken;
	uint16_t answers;	     /* datagrams of it that were read */
	uint16_t closed[VET_CLOSED]; /* TCP ports that nobody listens on */
	size_t n_closed;
	unsigned silent; /* connections in a row that nobody answered at all */
	struct identity *who;	     /* NULL: it said nothing that could be kept */
};

/*
 * One answer to q: asked is what was said to the device, answer all that came of it. Both are hostile but bounded by PROBE_STREAM; the
 * device keeps copies only. now_us: wall clock, for the evidence's time.
 */
void vet_learn(struct vet_device *d, const struct catalogue *c, const struct vet_question *q, struct span asked, struct span answer,
	       int64_t now_us);
/* The device's hardware address is known: its maker's block is evidence too. */
void vet_learn_mac(struct vet_device *d, const struct catalogue *c, const struct mac *mac, int64_t now_us);
void vet_forget(struct vet_device *d);

/* vet_run.c: sockets, pace and deadlines. */

struct vet_run {
	struct addr target; /* of one device */
	bool segment;	    /* everybody behind the link instead */
	unsigned link;	    /* where they are; 0: wherever the routes say */
	struct addr broadcast, own; /* of the link: IPv4, zero when it has none */
	int timeout_ms;	    /* for each answer */
	bool force;	    /* the policy's zones do not matter */
	const struct policy *policy;
	const struct catalogue *catalogue;
	int64_t next_ms;    /* nothing is sent before */
	struct vet_device *devices;
	size_t n_devices;
	uint64_t outside, spare; /* answers from outside the camera zones; from more devices than are looked at */
};

/* True: the device may be asked. */
bool vet_allowed(const struct vet_run *r, const struct addr *a);
/* Asks everything. False: told on stderr why nothing could be asked. */
bool vet_ask_all(struct vet_run *r);

/* vet_print.c */
void vet_print(const struct vet_run *r, FILE *out);
/* One JSON document. False: it could not be written. */
bool vet_print_json(const struct vet_run *r, FILE *out);

#endif
