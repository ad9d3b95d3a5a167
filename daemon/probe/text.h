/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text on the wire: what may stand in it, and host names brought into one form. */
#ifndef LENSCAP_PROBE_TEXT_H
#define LENSCAP_PROBE_TEXT_H

#include "probe.h"

bool text_is_control(uint8_t c);     /* NUL to 0x1f and DEL; a tab too */
bool text_is_token(uint8_t c);	     /* RFC 9110, section 5.6.2 */
bool text_token(struct span s);	     /* not empty, token characters only */
bool text_clean(struct span s);	     /* no control byte but tabs */
bool text_lines(struct span s);	     /* no control byte but tabs, CR and LF */
bool text_digits(struct span s);     /* not empty, 0 to 9 only */
bool text_word(struct span s, const char *word); /* holds it between non-letters; ASCII case folded */

/* A number of at most 9 digits that fills s, or -1. */
long text_number(struct span s);

/* s without its first off bytes; empty when it is shorter. */
struct span text_from(struct span s, size_t off);

/* Cuts s at the first c: what was before it, and s becomes what follows. All of s when there is none. */
struct span text_until(struct span *s, uint8_t c);

enum host_kind {
	HOST_BAD,     /* not a host name: empty labels, odd bytes, too long */
	HOST_LITERAL, /* an address */
	HOST_NAME,
};

/* HOST_NAME: out is the name in lower case without its last dot. Otherwise out is the empty text. */
enum host_kind text_host(struct span s, char out[APP_NAME]);

/* The same for host[:port] and [address]:port; the port must be a number when it is there. */
enum host_kind text_authority(struct span s, char out[APP_NAME]);

#endif
