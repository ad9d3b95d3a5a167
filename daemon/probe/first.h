/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows that may say something else than NO, by the first bytes. */
#ifndef LENSCAP_PROBE_FIRST_H
#define LENSCAP_PROBE_FIRST_H

#include <stdint.h>

struct probe_input;

enum { FIRST_WORDS = 2 };

/* Bit i % 64 of word i / 64: the i-th row of probe_list() is to be asked. Rows of another transport may be among them. */
void first_rows(const struct probe_input *in, uint64_t ret_rows[FIRST_WORDS]);

#endif
