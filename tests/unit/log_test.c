/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program says on stderr: whole lines, its last word before it gives up, and nothing that waits for a reader. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

enum { TEXT = 65536 };

/* Everything that is in the pipe; its writing end is closed by now. */
static size_t
read_all(int fd, char text[TEXT])
{
	size_t len = 0;
	ssize_t n;

	while (len < TEXT - 1 && (n = read(fd, text + len, TEXT - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = 0;
	close(fd);
	return len;
}

/* `say` in a process of its own, whose stderr is ours to read. Its exit code. */
static int
said_by(void (*say)(void), char text[TEXT])
{
	int ends[2], status;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		log_init("program", false);
		say();
		_exit(0);
	}
	close(ends[1]);
	read_all(ends[0], text);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
say_fatal(void)
{
	errno = ENOSPC;
	fatal("state of %s", "cam-1");
}

static void
say_fatalx(void)
{
	errno = ENOSPC;
	fatalx("event loop %d", 7);
}

static void
last_words(void **state)
{
	char text[TEXT];
	(void)state;

	assert_int_equal(said_by(say_fatal, text), 1);
	assert_string_equal(text, "program: state of cam-1: No space left on device\n");
	assert_int_equal(said_by(say_fatalx, text), 1);
	assert_string_equal(text, "program: event loop 7\n");
}

static void
say_levels(void)
{
	log_debug("not heard");
	log_init("program", true);
	log_debug("heard");
	log_set_priorities(true);
	errno = EPERM;
	log_info("one\ntwo\x1b[2Jthree");
	log_warn("why");
	if (errno != EPERM) /* the caller may still want it */
		_exit(9);
	log_warnx("plain");
	log_debug("detail");
}

static void
levels_and_lines(void **state)
{
	char text[TEXT];
	(void)state;

	assert_int_equal(said_by(say_levels, text), 0);
	assert_string_equal(text, "program: heard\n"
				  "<6>program: one two [2Jthree\n"
				  "<4>program: why: Operation not permitted\n"
				  "<4>program: plain\n"
				  "<7>program: detail\n");
}

static void
say_long(void)
{
	char *words = malloc(9000);

	memset(words, 'x', 8999);
	words[8999] = 0;
	errno = EIO;
	log_warn("%s", words);
	free(words);
	log_info("next");
}

static void
a_long_line_ends(void **state)
{
	char text[TEXT];
	(void)state;

	assert_int_equal(said_by(say_long, text), 0);
	const char *end = strchr(text, '\n');
	assert_non_null(end);
	assert_in_range(end - text, 2000, 2047);
	assert_string_equal(end + 1, "program: next\n");
}

/* Lines in what was read: the pipe holds whole ones. */
static unsigned
lines(const char *text)
{
	unsigned n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static void
take_some(int fd, char text[TEXT])
{
	ssize_t n = read(fd, text, TEXT - 1);

	assert_true(n > 0);
	text[n] = 0;
}

/* A reader that has stopped costs lines and no time; when it reads again it hears how many, also where there is room for nothing more. */
static void
nobody_reads(void **state)
{
	static char text[TEXT];
	int ends[2], before = dup(STDERR_FILENO);
	unsigned told = 0, lost[2] = {0, 0};
	(void)state;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096); /* one page: with one line in it there is no room */
	dup2(ends[1], STDERR_FILENO);
	log_init("program", false);
	for (int i = 0; i < 500; i++)
		log_info("line %d", i);
	take_some(ends[0], text);
	told = lines(text);
	log_info("not heard");
	log_info("not heard");
	take_some(ends[0], text);
	assert_int_equal(sscanf(text, "program: %u lines were lost: nobody read them\n", &lost[0]), 1);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 65536), 65536);
	log_info("heard");
	log_info("and this");
	dup2(before, STDERR_FILENO);
	close(before);
	close(ends[1]);
	read_all(ends[0], text);
	assert_int_equal(sscanf(text, "program: %u lines were lost: nobody read them\n", &lost[1]), 1);
	assert_string_equal(strchr(text, '\n') + 1, "program: heard\nprogram: and this\n");
	assert_true(told > 0);
	assert_int_equal(told + lost[0], 500);
	assert_int_equal(lost[1], 2);
}

static void
once_a_second(void **state)
{
	const uint64_t second = UINT64_C(1000000000);
	struct log_limit l = {0};
	unsigned held = 99;
	(void)state;

	assert_true(log_allowed(&l, 0, &held)); /* a clock may begin at nothing */
	assert_int_equal(held, 0);
	assert_false(log_allowed(&l, 5, &held));
	assert_false(log_allowed(&l, second, &held));
	assert_true(log_allowed(&l, second + 1, &held));
	assert_int_equal(held, 2);
	assert_true(log_allowed(&l, 3 * second, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_words),	cmocka_unit_test(levels_and_lines), cmocka_unit_test(a_long_line_ends),
		cmocka_unit_test(nobody_reads), cmocka_unit_test(once_a_second),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
