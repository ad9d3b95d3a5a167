/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into the daemon by test_log_faults.py: the wall clock is ahead by as many seconds as the file LENSCAP_CLOCK_SHIFT says, from
 * the moment at which it says so. All other clocks are true. The machine's own clock is everybody's and is never set.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift_s;

static void __attribute__((constructor))
map_shift(void)
{
	const char *path = getenv("LENSCAP_CLOCK_SHIFT");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift_s, PROT_READ, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (at == MAP_FAILED)
		abort(); /* a test without its clock would prove nothing */
	shift_s = at;
}

int
clock_gettime(clockid_t which, struct timespec *ret)
{
	if (syscall(SYS_clock_gettime, which, ret) < 0)
		return -1;
	if (which == CLOCK_REALTIME)
		ret->tv_sec += *shift_s;
	return 0;
}
