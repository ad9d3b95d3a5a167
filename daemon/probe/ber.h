/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ASN.1's basic encoding (X.690): tag, length, value; definite lengths only. */
#ifndef LENSCAP_PROBE_BER_H
#define LENSCAP_PROBE_BER_H

#include "cursor.h"

enum { BER_INTEGER = 0x02, BER_OCTETS = 0x04, BER_OID = 0x06, BER_SEQUENCE = 0x30 };

/* The value of the next element, which must have this tag; bad (both) otherwise. */
struct cursor ber_take(struct cursor *c, uint8_t tag);

/* An INTEGER of one to five bytes, never negative; bad otherwise. */
uint32_t ber_number(struct cursor *c);

#endif
