/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LENSCAP_CHARS_H
#define LENSCAP_CHARS_H

#include <stdint.h>

#include "cursor.h"

enum {
	UTF8_BAD = -1,
};

/* The next code point, or UTF8_BAD where there is none; then at least one byte has been passed over. */
int32_t utf8_next(struct cursor *c);
/* Why a policy may not hold this character; NULL when it may. */
const char *char_complaint(int32_t code);

#endif
