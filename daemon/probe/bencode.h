/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BitTorrent's bencoding (BEP 3), walked without recursion. */
#ifndef LENSCAP_PROBE_BENCODE_H
#define LENSCAP_PROBE_BENCODE_H

#include "cursor.h"

/* Moves past one value; sets bad when there is none, or it nests too deep. */
void bencode_skip(struct cursor *c);

/* A byte string; {NULL, 0} and bad when there is none. */
struct span bencode_text(struct cursor *c);

#endif
