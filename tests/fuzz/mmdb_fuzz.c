/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a geo database, MMDB or libloc by their first bytes: opened as an owner's file would be, then asked about
 * addresses all over the tree. Logs a line a file: run with -close_fd_mask=2, which keeps the sanitizers' reports.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "geo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(struct geo *g, const struct addr *a)
{
	struct place p, again;
	char name[32];

	geo_lookup(g, a, &p);
	assert(p.prefix_len <= 128 && memchr(p.country, 0, sizeof p.country) && p.special < SPECIAL_COUNT);
	geo_as_name(g, a, &p, name, sizeof name);
	assert(memchr(name, 0, sizeof name));
	geo_lookup(g, a, &again); /* from the cache */
	assert(memcmp(&p, &again, sizeof p) == 0);
}

static void
ask_many(struct geo *g)
{
	struct addr a;

	for (unsigned i = 0; i < 16; i++) {
		addr_from_v4(&a, (uint8_t[4]){(uint8_t)(i * 17), 2, 69, 160});
		ask(g, &a);
		memset(&a, (int)(i * 15), sizeof a);
		a.b[0] = (uint8_t)(0x20 | i);
		ask(g, &a);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32];
	const char *list[] = {path};
	struct geo_config config = {.country = list, .n_country = 1, .asn = list, .n_asn = 1, .warn_older_s = 1};
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	struct geo *g = geo_open(&config, 1893456000);
	if (g)
		ask_many(g);
	geo_close(g);
	close(fd);
	return 0;
}
