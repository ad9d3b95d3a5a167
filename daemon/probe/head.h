/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of a message as HTTP, RTSP, SIP and SSDP share it: a start line, fields, an empty line. Read strictly: lines end with CR LF,
 * names are tokens, nothing is folded, no control bytes.
 */
#ifndef LENSCAP_PROBE_HEAD_H
#define LENSCAP_PROBE_HEAD_H

#include "probe.h"

enum { HEAD_INDEX = 16 }; /* fields that are found without another walk over the head; few have more */

struct head_field {
	struct span name, value; /* value: trimmed */
};

/* Spans point into the message. */
struct head {
	bool is_reply;
	struct span method, target; /* of a request */
	struct span version;	    /* as it stands: HTTP/1.1 */
	uint16_t status;	    /* of a reply */
	size_t n_index;		    /* of the fields the first ones, in index; the lines of all others are in beyond */
	struct head_field index[HEAD_INDEX];
	struct span beyond;
};

/*
 * Reads one head and moves behind its empty line. versions: what may stand in the start line, NULL at the end. MORE: what is there could
 * become such a head.
 */
enum probe_result head_request(struct cursor *c, const char *const *versions, struct head *ret);
enum probe_result head_reply(struct cursor *c, const char *const *versions, struct head *ret);

/* How often the field is there (names in any case), and its last value, trimmed. */
unsigned head_get(const struct head *h, const char *name, struct span *ret_value);

/* True when some field of this name has this element in its comma-separated list, in any case. */
bool head_lists(const struct head *h, const char *name, const char *element);

/* Copies a field's value; out is the empty text when there is none. */
void head_copy(const struct head *h, const char *name, char *out, size_t cap);

/* realm="..." of a WWW-Authenticate field. */
void head_realm(const struct head *h, char *out, size_t cap);

#endif
