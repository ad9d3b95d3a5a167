/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of `lenscap replay`: a capture file, which side of it is the camera, and lines in columns. */
#ifndef LENSCAP_REPLAY_H
#define LENSCAP_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "addr.h"
#include "nfq.h"

struct policy;
struct channel_link;

/* replay_capture.c: pcap and pcapng files. */

/* One packet of a capture. Its bytes live until the next capture_next(). */
struct frame {
	struct queued q; /* ip, wire_len, stamp_us, and the MAC of the sender where the link has one */
	uint16_t ethertype; /* of what is not IP; q.ip is what follows it */
	bool has_to;
	struct mac to; /* of the frame's receiver */
};

struct capture_counts {
	uint64_t frames;
	uint64_t not_ip;    /* ARP and the like, and frames too short for their own headers */
	uint64_t backwards; /* older than the frame before, or of no year that can be: judged at the time of that one */
};

enum capture_next {
	CAPTURE_FRAME,
	CAPTURE_OTHER, /* no IP, of a sender whose MAC is known: counted under not_ip as well */
	CAPTURE_END,
	CAPTURE_BROKEN,
};

struct capture;

/* "-" is standard input. NULL: told on stderr. */
struct capture *capture_open(const char *path);
void capture_close(struct capture *c);
/* The next frame that carries IP, or may tell of its sender. BROKEN: told on stderr; nothing more can be read, what came before is good. */
enum capture_next capture_next(struct capture *c, struct frame *ret);
/* Its frames name both their sender and their receiver. */
bool capture_has_macs(const struct capture *c);
const struct capture_counts *capture_counts(const struct capture *c);

/* replay_heard.c: what cameras say to their link alone. */

struct engine;
struct heard;

/* NULL: no memory. */
struct heard *heard_new(void);
void heard_free(struct heard *h);
/*
 * Takes what is an announcement; the engine has had the frame already if it is IP. What does not show in which zone its sender is waits until
 * the end of the capture, when that is known.
 */
void heard_take(struct heard *h, struct engine *e, const struct frame *f);
void heard_end(struct heard *h, struct engine *e);

/* replay_side.c: where the cameras are. */

enum { SIDE_CAMERAS = 64 };

struct side {
	struct camera {
		bool is_mac;
		struct mac mac;
		struct prefix prefix;
	} camera[SIDE_CAMERAS];
	size_t n_cameras, n_macs;
	bool by_zone; /* no camera was named, and the policy's guarded zones have networks */
};

/* An address, a prefix or a MAC. False: it is none, or there are too many. */
bool side_add(struct side *s, const char *text);
/* Looks at the policy's zones. Writes one link for each guarded zone; returns how many of at most max. */
size_t side_links(struct side *s, const struct policy *p, struct channel_link *links, size_t max);
/* Sets q.in and q.out to the link behind which the camera is; leaves both 0 where its initiator is. False: no camera has part in it. */
bool side_choose(const struct side *s, const struct policy *p, struct frame *f);

/* replay_table.c: rows, printed in the order of their time. */

enum { TABLE_COLUMNS = 9 };

struct table {
	const char *header[TABLE_COLUMNS + 1]; /* ends with NULL */
	bool aligned;			       /* padded columns; else separated by tabs */
	size_t width;			       /* make lines fit; 0: they have no end */
	size_t floor[TABLE_COLUMNS];	       /* to which a column may be cut for that; the last one goes altogether where that is not enough */
	struct row *rows;
	size_t n, cap;
	bool began;			       /* the header is out */
};

/* Copies the cells, one for each column. Prints what there is when that has become much. False: memory is short. */
bool table_add(struct table *t, int64_t time_us, const char *const cells[TABLE_COLUMNS], FILE *out);
/* Prints what there is, with the header before the first row. */
void table_print(struct table *t, FILE *out);
void table_free(struct table *t);

#endif
