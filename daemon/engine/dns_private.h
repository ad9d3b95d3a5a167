/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between dns_name.c, which reads names, and dns.c, which reads messages. */
#ifndef LENSCAP_DNS_PRIVATE_H
#define LENSCAP_DNS_PRIVATE_H

#include "cursor.h"
#include "names.h"

enum {
	DNS_HEADER = 12,
	DNS_WIRE_NAME = 255, /* RFC 1035, 2.3.4: longest name, its root included */
};

/*
 * Reads the name at c, which is at offset `start` of the message, as text; c moves behind it. Returns its
 * length without compression, 0 when it is not a name.
 */
size_t dns_name_read(struct span message, struct cursor *c, size_t start, char out[DNS_NAME]);

/* The same without following pointers. */
bool dns_name_skip(struct cursor *c, size_t start);

#endif
