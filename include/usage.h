/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this process takes of the machine. Its two files in /proc are opened once: afterwards no path is needed, nor the right to open one. */
#ifndef LENSCAP_USAGE_H
#define LENSCAP_USAGE_H

#include <stdint.h>

struct usage {
	int statm, fds; /* -1: /proc is not there */
};

void usage_open(struct usage *u);
void usage_close(struct usage *u);
uint64_t usage_cpu_us(void); /* user and system */
uint64_t usage_rss_bytes(const struct usage *u); /* 0: unknown */
uint32_t usage_fds(const struct usage *u); /* open descriptors, these two included; 0: unknown */

#endif
