/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See planner.h. The three results come back in memory files, so nothing has to be read while the child
 * runs.
 */
#include "planner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

/* The child's exit codes. */
enum { CHECKED = 0, REFUSED = 1, REFUSED_WITH_PLAN = 3 };

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
planner_stop(struct planner *p)
{
	(void)child_end(&p->child);
	close_fd(&p->plan_fd);
	close_fd(&p->bundle_fd);
	close_fd(&p->text_fd);
	close_fd(&p->bell_fd);
}

int
planner_start(struct planner *p, int program, const struct planner_order *order)
{
	static const char *const modes[] = {"policy", "monitor", "enforce"};
	bool again = order->bundle_fd >= 0;
	char *argv[] = {"lenscap-engine", again ? "--plan-from-fd" : "--plan", again ? "7" : (char *)order->config,
			"--plan-fd", "3", "--bundle-fd", "4", "--text-fd", "5", "--bell-fd", "6", "--mode",
			(char *)modes[order->mode], order->no_sandbox ? "--no-sandbox" : NULL, NULL};
	int bell[2] = {-1, -1};

	*p = (struct planner)PLANNER_NONE;
	p->plan_fd = memfd_create("plan", MFD_CLOEXEC);
	p->bundle_fd = memfd_create("bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	p->text_fd = memfd_create("text", MFD_CLOEXEC);
	bool rings = pipe2(bell, O_CLOEXEC) == 0;
	p->bell_fd = bell[0];
	int fds[] = {p->plan_fd, p->bundle_fd, p->text_fd, bell[1], order->bundle_fd};
	int rc = p->plan_fd < 0 || p->bundle_fd < 0 || p->text_fd < 0 || !rings
			 ? -1 : child_start(program, argv, fds, again ? 5 : 4, &p->child);
	if (rc < 0)
		log_warn("cannot start reading the policy");
	close_fd(&bell[1]); /* the child's death closes the last one */
	if (rc < 0)
		planner_stop(p);
	return rc;
}

bool
planner_wait_bundle(struct planner *p, int timeout_ms)
{
	const int sealed = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	struct pollfd f = {.fd = p->bell_fd, .events = POLLIN};
	char byte;

	return poll(&f, 1, timeout_ms) > 0 && read(p->bell_fd, &byte, 1) == 1 &&
	       (fcntl(p->bundle_fd, F_GET_SEALS) & sealed) == sealed;
}

static bool
read_plan(int fd, struct plan *ret_plan)
{
	struct plan p;
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size != sizeof p || pread(fd, &p, sizeof p, 0) != sizeof p ||
	    !plan_valid(&p))
		return false;
	*ret_plan = p;
	return true;
}

static enum plan_result
result_of(struct planner *p, int status, struct plan *ret_plan)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (code == CHECKED) {
		bool sealed = fcntl(p->bundle_fd, F_ADD_SEALS,
				    F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;
		return sealed && read_plan(p->plan_fd, ret_plan) ? PLAN_GOOD : PLAN_BROKEN;
	}
	if (code == REFUSED_WITH_PLAN)
		return read_plan(p->plan_fd, ret_plan) ? PLAN_SALVAGED : PLAN_REFUSED;
	return code == REFUSED ? PLAN_REFUSED : PLAN_BROKEN;
}

bool
planner_wait(struct planner *p, int timeout_ms, enum plan_result *ret_result, struct plan *ret_plan)
{
	int status;

	if (!child_wait(&p->child, timeout_ms, &status))
		return false;
	*ret_result = result_of(p, status, ret_plan);
	return true;
}

static int
take(int *fd)
{
	int taken = *fd;
	*fd = -1;
	if (taken >= 0)
		(void)lseek(taken, 0, SEEK_SET);
	return taken;
}

int
planner_take_bundle(struct planner *p)
{
	return take(&p->bundle_fd);
}

int
planner_take_text(struct planner *p)
{
	return take(&p->text_fd);
}

char *
planner_read_text(int fd)
{
	char *text = calloc(1, PLANNER_TEXT);
	if (text && fd >= 0 && pread(fd, text, PLANNER_TEXT - 1, 0) < 0)
		text[0] = '\0';
	return text;
}

void
planner_first_error(const char *text, char *out, size_t len)
{
	const char *line = text;

	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		size_t n = strcspn(at, "\n");
		if (memmem(at, n, ": error: ", 9)) {
			line = at;
			break;
		}
	}
	snprintf(out, len, "%.*s", (int)strcspn(line, "\n"), line);
}

int
planner_text(const char *text)
{
	size_t len = strlen(text);
	int fd = memfd_create("text", MFD_CLOEXEC);
	if (fd >= 0 && (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0))
		close_fd(&fd);
	return fd;
}
