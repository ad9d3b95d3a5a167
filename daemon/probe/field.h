/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields at fixed places of a message, and what a plausible one looks like.
 *
 * Most vendor protocols are C structures put on the wire. A cursor reads in order; these look at
 * one offset. Whatever lies past the end reads as zero or as an empty span, so a probe compares the
 * length once and then names its fields.
 */
#ifndef LENSCAP_FIELD_H
#define LENSCAP_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cursor.h"

/* A cursor over the span; an empty span has no place in memory, its cursor has one. */
struct cursor field_cursor(struct span d);
/* len bytes at off; {NULL, 0} when they are not all there. */
struct span field_bytes(struct span d, size_t off, size_t len);
/* All from off on; {NULL, 0} when there is nothing. */
struct span field_rest(struct span d, size_t off);
/* A text field of len bytes, cut at its first NUL and trimmed; {NULL, 0} when they are not all there. */
struct span field_text(struct span d, size_t off, size_t len);

/* What stands behind the first `mark`; {NULL, 0} when there is none or when nothing follows. */
struct span field_after(struct span s, const char *mark);
/* What stands before the first `mark`; all of it when there is none. */
struct span field_until(struct span s, const char *mark);

/* 0 past the end. Big endian unless the name says le. */
uint8_t field_u8(struct span d, size_t off);
uint16_t field_u16(struct span d, size_t off);
uint32_t field_u24(struct span d, size_t off);
uint32_t field_u32(struct span d, size_t off);
uint16_t field_le16(struct span d, size_t off);
uint32_t field_le32(struct span d, size_t off);

/* These len bytes stand at off, all of them. */
bool field_is(struct span d, size_t off, const void *want, size_t len);
/*
 * As far as bytes are there they are these: true when off lies past the end. For streams that may
 * still grow.
 */
bool field_fits(struct span d, size_t off, const void *want, size_t len);
/* All len bytes at off are there and are `value`. */
bool field_filled(struct span d, size_t off, size_t len, uint8_t value);

/* No control bytes; bytes of 128 and more are some encoding's letters. Empty: true. */
bool field_printable(struct span s);
/* Letters and digits of ASCII only, at least min and at most max of them. */
bool field_alnum(struct span s, size_t min, size_t max);
/* Upper-case ASCII letters only, at least min and at most max of them. */
bool field_upper(struct span s, size_t min, size_t max);
/* Six pairs of hexadecimal digits parted by all ':' or all '-'. */
bool field_mac_text(struct span s);
/* Four decimal numbers below 256. */
bool field_ipv4_text(struct span s);
/* A netmask in host order: ones, then zeroes; at least one of each or all ones. */
bool field_netmask(uint32_t mask);
/* Six bytes at off that one network card can have: not multicast, not zero. */
bool field_unicast_mac(struct span d, size_t off);

#endif
