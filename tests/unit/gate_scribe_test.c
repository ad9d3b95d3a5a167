/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process of its own writes down before a policy comes into force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/gate/scribe.h"

#define SECOND UINT64_C(1000000000)

struct place_of_test {
	char path[64];
	int state, versions, bundle;
	struct standing standing;
	struct plan plan;
	struct scribe_order order;
};

static void
begin(struct place_of_test *t)
{
	static const char text[] = "a bundle";

	memset(t, 0, sizeof *t);
	strcpy(t->path, "/tmp/lenscap-scribe-XXXXXX");
	assert_non_null(mkdtemp(t->path));
	t->state = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->state >= 0);
	t->versions = versions_open(t->state, t->path);
	t->bundle = memfd_create("bundle", MFD_CLOEXEC);
	assert_true(t->versions >= 0 && t->bundle >= 0);
	assert_int_equal(write(t->bundle, text, sizeof text), sizeof text);
	const struct version v = {.seq = 1, .id = "000000000001", .time_s = 1700000000};
	history_push(&t->standing.history, &v);
	t->order = (struct scribe_order){.state_fd = t->state, .versions_fd = t->versions, .bundle_fd = t->bundle, .state_dir = t->path,
					 .version = &t->standing.history.v[0], .standing = &t->standing, .plan = &t->plan};
}

static void
end(struct place_of_test *t)
{
	char command[96];

	close(t->bundle);
	close(t->versions);
	close(t->state);
	snprintf(command, sizeof command, "rm -r %s", t->path);
	assert_int_equal(system(command), 0);
}

static unsigned
lacks_of(struct scribe *s)
{
	struct pollfd p = {.fd = scribe_fd(s), .events = POLLIN};
	unsigned lacks = ~0u;

	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_true(scribe_done(s, &lacks));
	assert_int_equal(scribe_fd(s), -1);
	return lacks;
}

static void
all_is_written(void **state)
{
	struct place_of_test t;
	struct scribe s = {0};
	struct standing again;
	struct stat st;
	(void)state;

	begin(&t);
	assert_int_equal(scribe_fd(&s), -1);
	assert_true(scribe_start(&s, &t.order, SECOND));
	assert_true(scribe_busy(&s, SECOND));
	assert_int_equal(lacks_of(&s), 0);
	assert_false(scribe_busy(&s, SECOND));
	standing_load(t.state, t.versions, &again);
	assert_int_equal(again.history.n, 1);
	assert_string_equal(again.history.v[0].id, "000000000001");
	int fd = versions_load(t.versions, &again.history.v[0]);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(fstatat(t.state, "plan", &st, 0), 0);
	assert_int_equal(st.st_size, sizeof(struct plan));
	end(&t);
}

static void
what_is_lacking_is_told(void **state)
{
	struct place_of_test t;
	struct scribe s = {0};
	(void)state;

	begin(&t);
	t.order.versions_fd = -1;
	assert_true(scribe_start(&s, &t.order, SECOND));
	assert_int_equal(lacks_of(&s), SCRIBE_VERSION);
	t.order.state_fd = t.bundle; /* no directory */
	t.order.version = NULL;
	assert_true(scribe_start(&s, &t.order, SECOND));
	assert_int_equal(lacks_of(&s), SCRIBE_STANDING | SCRIBE_PLAN);
	end(&t);
}

/* A process that never ends stands for a disk that does not answer. */
static void
a_disk_that_hangs(void **state)
{
	struct place_of_test t;
	struct scribe s = {0};
	(void)state;

	begin(&t);
	pid_t stuck = fork();
	assert_true(stuck >= 0);
	if (stuck == 0) {
		pause();
		_exit(0);
	}
	s = (struct scribe){.child = {.pid = stuck, .watch = -1}, .since_ns = SECOND};
	assert_true(scribe_busy(&s, SECOND + SCRIBE_MS * UINT64_C(1000000) - 1));
	assert_false(scribe_busy(&s, SECOND + SCRIBE_MS * UINT64_C(1000000)));
	assert_false(scribe_start(&s, &t.order, SECOND)); /* one at a time */
	scribe_stop(&s);
	assert_int_equal(s.child.pid, 0);
	assert_true(scribe_start(&s, &t.order, SECOND));
	scribe_give_up(&s);
	(void)lacks_of(&s); /* all of it, or what the signal came too late for */
	end(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_written),
		cmocka_unit_test(what_is_lacking_is_told),
		cmocka_unit_test(a_disk_that_hangs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
