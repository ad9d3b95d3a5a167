/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate's directories, lock, sockets and saved plan, where they are good, in others' hands, or no such thing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/gate/place.h"
#include "plan.h"

struct spot {
	char dir[64], run[256], state[96], log[96];
};

static void
begin(struct spot *s)
{
	memset(s, 0, sizeof *s);
	strcpy(s->dir, "/tmp/lenscap-place-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->run, sizeof s->run, "%s/run", s->dir);
	snprintf(s->state, sizeof s->state, "%s/state", s->dir);
	snprintf(s->log, sizeof s->log, "%s/log", s->dir);
}

static void
end(const struct spot *s)
{
	char command[96];

	snprintf(command, sizeof command, "rm -r %s", s->dir);
	assert_int_equal(system(command), 0);
}

static int
open_all(struct place *p, const struct spot *s)
{
	return place_open(p, s->run, s->state, s->log, getuid(), getgid());
}

static bool
is_there(const char *dir, const char *name)
{
	char path[PATH_MAX + 64];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return lstat(path, &st) == 0;
}

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[320];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Descriptors that this process has: none is left behind by what fails. */
static unsigned
descriptors(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static bool
answers(const struct spot *s, const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_in_range(snprintf(a.sun_path, sizeof a.sun_path, "%.80s/%s", s->run, name), 1, sizeof a.sun_path - 1);
	bool ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
	close(fd);
	return ok;
}

static void
opened_and_closed(void **state)
{
	struct spot s;
	struct place p;
	struct stat st;
	(void)state;

	begin(&s);
	unsigned before = descriptors();
	assert_int_equal(open_all(&p, &s), 0);
	assert_true(answers(&s, "control.sock") && answers(&s, "view.sock"));
	assert_int_equal(fstat(p.run_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(fstat(p.state_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(fstatat(p.run_fd, "control.sock", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	place_close(&p);
	assert_false(is_there(s.run, "control.sock") || is_there(s.run, "view.sock"));
	assert_int_equal(descriptors(), before);
	/* What a killed one left does not hinder. */
	write_file(s.run, "control.sock", "");
	assert_int_equal(open_all(&p, &s), 0);
	assert_true(answers(&s, "control.sock"));
	unlinkat(p.run_fd, "view.sock", 0); /* somebody was quicker */
	place_close(&p);
	assert_int_equal(descriptors(), before);
	end(&s);
}

static void
one_at_a_time(void **state)
{
	struct spot s;
	struct place p, second;
	(void)state;

	begin(&s);
	assert_int_equal(open_all(&p, &s), 0);
	unsigned before = descriptors();
	assert_int_equal(open_all(&second, &s), -1);
	assert_int_equal(descriptors(), before);
	assert_true(answers(&s, "control.sock")); /* the first one's */
	place_close(&p);
	end(&s);
}

enum { RUN_IS_FILE, RUN_IS_MISSING, LOCK_IS_LINK, STATE_IS_FILE, LOG_IS_FILE, SOCKET_IS_DIRECTORY, PATH_TOO_LONG, WAYS };

static void
spoil(struct spot *s, int way)
{
	char path[320];

	switch (way) {
	case RUN_IS_FILE:
		write_file(s->dir, "run", "");
		break;
	case RUN_IS_MISSING:
		snprintf(s->run, sizeof s->run, "%s/not/there", s->dir);
		break;
	case LOCK_IS_LINK:
		assert_int_equal(mkdir(s->run, 0755), 0);
		snprintf(path, sizeof path, "%s/lock", s->run);
		assert_int_equal(symlink("/etc/passwd", path), 0);
		break;
	case STATE_IS_FILE:
		write_file(s->dir, "state", "");
		break;
	case LOG_IS_FILE:
		write_file(s->dir, "log", "");
		break;
	case SOCKET_IS_DIRECTORY:
		assert_int_equal(mkdir(s->run, 0755), 0);
		snprintf(path, sizeof path, "%s/view.sock", s->run);
		assert_int_equal(mkdir(path, 0755), 0);
		break;
	default:
		memset(s->run + strlen(s->run), 'r', 100); /* longer than the path of a socket, shorter than a file's name */
		break;
	}
}

static void
places_that_are_none(void **state)
{
	struct spot s;
	struct place p;
	(void)state;

	for (int way = 0; way < WAYS; way++) {
		begin(&s);
		spoil(&s, way);
		unsigned before = descriptors();
		if (open_all(&p, &s) != -1)
			fail_msg("way %d", way);
		assert_int_equal(descriptors(), before);
		assert_true(p.run_fd == -1 && p.state_fd == -1 && p.control_fd == -1 && p.view_fd == -1 && p.lock_fd == -1);
		end(&s);
	}
}

/* What earlier versions kept beside our own files goes where its process may write; what is there already stays. */
static void
divided(void **state)
{
	struct spot s;
	struct place p;
	char path[PATH_MAX + 64];
	(void)state;

	begin(&s);
	assert_int_equal(open_all(&p, &s), 0);
	write_file(s.state, "budgets", "old");
	write_file(s.state, "state.db", "old");
	write_file(s.state, "standing", "ours");
	place_divide(&p, s.state);
	assert_true(is_there(p.engine_dir, "budgets") && is_there(p.history_dir, "state.db") && is_there(s.state, "standing"));
	assert_false(is_there(s.state, "budgets") || is_there(s.state, "state.db"));
	write_file(s.state, "budgets", "planted");
	place_divide(&p, s.state);
	assert_true(is_there(s.state, "budgets"));
	snprintf(path, sizeof path, "%s/budgets", p.engine_dir);
	struct stat st;
	assert_true(stat(path, &st) == 0 && st.st_size == 3);
	/* A link in the place of a directory is not followed. */
	snprintf(path, sizeof path, "rm -r %s/history && ln -s /tmp %s/history", s.state, s.state);
	assert_int_equal(system(path), 0);
	write_file(s.state, "state.db", "ours");
	place_divide(&p, s.state);
	assert_true(is_there(s.state, "state.db"));
	place_close(&p);
	end(&s);
}

static const struct plan good = {
	.magic = PLAN_MAGIC,
	.version = PLAN_VERSION,
	.size = sizeof(struct plan),
	.policy_id = "0123456789ab",
	.n_interfaces = 1,
	.interfaces = {"cam0"},
	.queue_length = PLAN_QUEUE_LENGTH_MIN,
	.queue_buffer = PLAN_QUEUE_BUFFER_MIN,
	.copy_range = PLAN_COPY_RANGE_MIN,
	.mark_shift = 16,
	.deny_memory_s = PLAN_DENY_MEMORY_MIN_S,
	.engine_deadline_ms = PLAN_DEADLINE_MIN_MS,
	.new_flows = PLAN_NEW_FLOWS_MIN,
	.flood_hold_s = PLAN_FLOOD_HOLD_MIN_S,
};

static void
the_plan_is_kept(void **state)
{
	struct spot s;
	struct place p;
	struct plan again = {0};
	(void)state;

	begin(&s);
	assert_int_equal(open_all(&p, &s), 0);
	assert_int_equal(place_load_plan(&p, &again), -1);
	assert_int_equal(place_save_plan(&p, &good), 0);
	assert_int_equal(place_load_plan(&p, &again), 0);
	assert_memory_equal(&again, &good, sizeof good);
	/* Cut off, or with a field out of its range: as if there were none. */
	struct plan bad = good;
	bad.queue = PLAN_QUEUE_MAX + 1;
	memset(&again, 0, sizeof again);
	assert_int_equal(place_save_plan(&p, &bad), 0);
	assert_int_equal(place_load_plan(&p, &again), -1);
	const struct place_part half = {&good, sizeof good / 2};
	assert_int_equal(place_write(p.state_fd, "plan", &half, 1), 0);
	assert_int_equal(place_load_plan(&p, &again), -1);
	assert_int_equal(again.magic, 0);
	/* What cannot be written leaves what was there. */
	assert_int_equal(place_save_plan(&p, &good), 0);
	assert_int_equal(mkdirat(p.state_fd, "plan.new", 0700), 0);
	assert_int_equal(place_save_plan(&p, &bad), -1);
	assert_int_equal(place_load_plan(&p, &again), 0);
	assert_int_equal(unlinkat(p.state_fd, "plan.new", AT_REMOVEDIR), 0);
	place_close(&p);
	end(&s);
}

static void
files_that_cannot_be_written(void **state)
{
	char name[80];
	struct spot s;
	struct place p;
	const struct place_part parts[] = {{"one ", 4}, {"two", 3}};
	(void)state;

	begin(&s);
	assert_int_equal(open_all(&p, &s), 0);
	memset(name, 'n', sizeof name);
	name[70] = 0;
	errno = 0;
	assert_int_equal(place_write(p.state_fd, name, parts, 2), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(place_write(-1, "file", parts, 2), -1);
	/* The name is a directory's: nothing is left beside it. */
	assert_int_equal(mkdirat(p.state_fd, "file", 0700), 0);
	assert_int_equal(place_write(p.state_fd, "file", parts, 2), -1);
	assert_int_equal(errno, EISDIR);
	assert_false(is_there(s.state, "file.new"));
	/* A full disk: /dev/full answers as one does, behind a link that must not be followed and so is no way out. */
	assert_int_equal(symlinkat("/dev/full", p.state_fd, "full.new"), 0);
	assert_int_equal(place_write(p.state_fd, "full", parts, 2), -1);
	assert_int_equal(errno, ELOOP);
	assert_false(is_there(s.state, "full"));
	place_close(&p);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opened_and_closed), cmocka_unit_test(one_at_a_time),	 cmocka_unit_test(places_that_are_none),
		cmocka_unit_test(divided),	     cmocka_unit_test(the_plan_is_kept), cmocka_unit_test(files_that_cannot_be_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
