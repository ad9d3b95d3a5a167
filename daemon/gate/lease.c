/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See lease.h. */
#include "lease.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

enum { UUID = 36 };

static const char boot_letters[] = "=~0123456789abcdef-";

static void
name_boot(char boot[LEASE_BOOT])
{
	char text[UUID + 1] = "";
	uint64_t own = 0;
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, text, UUID) != UUID)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	if (text[0] && strspn(text, boot_letters + 2) == UUID) {
		snprintf(boot, LEASE_BOOT, "=%s", text);
		return;
	}
	if (getrandom(&own, sizeof own, 0) != sizeof own)
		own = (uint64_t)getpid();
	snprintf(boot, LEASE_BOOT, "~%016llx", (unsigned long long)own);
}

void
lease_clock_read(struct lease_clock *c)
{
	struct timespec boot, wall;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	c->boot_ms = (uint64_t)boot.tv_sec * 1000 + (uint64_t)boot.tv_nsec / 1000000;
	c->wall_s = wall.tv_sec;
	if (!c->boot[0])
		name_boot(c->boot);
}

struct lease
lease_grant(uint32_t seconds, const struct lease_clock *now)
{
	return (struct lease){.seconds = seconds, .began = *now};
}

/* Milliseconds since it began; negative: cannot be told, so it is over. */
static int64_t
elapsed_ms(const struct lease_clock *began, const struct lease_clock *now)
{
	int64_t by_boot = (int64_t)(now->boot_ms - began->boot_ms);
	int64_t by_wall = (now->wall_s - began->wall_s) * 1000;

	if (strcmp(began->boot, now->boot) == 0)
		return by_boot;
	if (began->boot[0] == '=' && now->boot[0] == '=')
		return by_wall; /* the machine was started again: the other clock began at 0 */
	return by_boot > by_wall ? by_boot : by_wall;
}

uint64_t
lease_left_ms(const struct lease *l, const struct lease_clock *now)
{
	int64_t total = (int64_t)l->seconds * 1000, gone = elapsed_ms(&l->began, now);

	return gone < 0 || gone >= total ? 0 : (uint64_t)(total - gone);
}

uint32_t
lease_left_s(const struct lease *l, const struct lease_clock *now)
{
	return (uint32_t)((lease_left_ms(l, now) + 999) / 1000);
}

bool
lease_valid(const struct lease *l)
{
	const char *boot = l->began.boot;
	size_t len = strnlen(boot, LEASE_BOOT);

	return l->seconds <= LEASE_MAX_S && len < LEASE_BOOT && strspn(boot, boot_letters) == len && len > 1 &&
	       l->began.boot_ms <= INT64_MAX / 2 && l->began.wall_s >= 0 && l->began.wall_s <= INT64_MAX / 2000;
}
