/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See place.h. Paths are used once, at the start; afterwards everything goes through directory descriptors.
 */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "plan.h"

#define VIEW_GROUP "lenscap-view"

enum { BACKLOG = 16 };

static const struct place nowhere = {
	.run_fd = -1, .state_fd = -1, .lock_fd = -1, .control_fd = -1, .view_fd = -1};

static int
open_directory(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	bool made = mkdir(path, mode) == 0;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		log_warn("%s: cannot use this directory", path);
		return -1;
	}
	/* Only what we have made is ours to give away; umask may have cut the mode. */
	if (made && (fchmod(fd, mode) < 0 || (geteuid() == 0 && fchown(fd, uid, gid) < 0))) {
		log_warn("%s: cannot give this directory to user %u", path, (unsigned)uid);
		close(fd);
		return -1;
	}
	return fd;
}

static int
take_lock(struct place *p, const char *run_dir)
{
	p->lock_fd = openat(p->run_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->lock_fd < 0) {
		log_warn("%s/lock: cannot open", run_dir);
		return -1;
	}
	if (flock(p->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		log_warnx("%s/lock: another instance is running; stop it, or use another --run-dir and queue",
			  run_dir);
		return -1;
	}
	return 0;
}

/* Made closed to all, then opened to whom it is for, so that nobody connects in between. */
static int
listen_at(int dir_fd, const char *dir, const char *name, uid_t uid, gid_t gid)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (snprintf(a.sun_path, sizeof a.sun_path, "%s/%s", dir, name) >= (int)sizeof a.sun_path) {
		log_warnx("%s/%s: longer than a socket's path may be (%zu bytes); use a shorter --run-dir",
			  dir, name, sizeof a.sun_path - 1);
		return -1;
	}
	unlinkat(dir_fd, name, 0); /* of an instance that was killed: the lock is ours */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old = umask(0777);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
	umask(old);
	if (ok && fchownat(dir_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && geteuid() == 0)
		ok = false;
	if (!ok || fchmodat(dir_fd, name, 0660, 0) < 0 || listen(fd, BACKLOG) < 0) {
		log_warn("%s: cannot listen", a.sun_path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static int
listen_all(struct place *p, const char *run_dir, uid_t uid, gid_t gid)
{
	const struct group *viewers = getgrnam(VIEW_GROUP);

	p->control_fd = listen_at(p->run_fd, run_dir, "control.sock", uid, gid);
	p->view_fd = listen_at(p->run_fd, run_dir, "view.sock", uid, viewers ? viewers->gr_gid : gid);
	return p->control_fd >= 0 && p->view_fd >= 0 ? 0 : -1;
}

int
place_open(struct place *p, const char *run_dir, const char *state_dir, const char *log_dir, uid_t uid,
	   gid_t gid)
{
	*p = nowhere;
	p->run_fd = open_directory(run_dir, 0755, uid, gid);
	if (p->run_fd < 0 || take_lock(p, run_dir) < 0)
		goto close_place;
	p->state_fd = open_directory(state_dir, 0750, uid, gid);
	int log_fd = log_dir ? open_directory(log_dir, 0750, uid, gid) : -1;
	if (log_fd >= 0)
		close(log_fd);
	if (p->state_fd < 0 || (log_dir && log_fd < 0) || listen_all(p, run_dir, uid, gid) < 0)
		goto close_place;
	return 0;
close_place:
	place_close(p);
	return -1;
}

static const struct {
	const char *name, *directory;
} moved[] = {
	{"budgets", "engine"},
	/* The database last: while it has not been moved, the rest is looked for again at the next start. */
	{"state.db-wal", "history"},
	{"state.db-shm", "history"},
	{"state.db", "history"},
};

static void
divide(const struct place *p, const char *state_dir, const char *name, char path[PATH_MAX])
{
	int fd = -1;

	if (snprintf(path, PATH_MAX, "%s/%s", state_dir, name) < PATH_MAX && (mkdirat(p->state_fd, name, 0700) == 0 || errno == EEXIST))
		fd = openat(p->state_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		log_warn("%s/%s: cannot use this directory", state_dir, name);
		return;
	}
	for (size_t i = 0; i < sizeof moved / sizeof *moved; i++)
		if (strcmp(moved[i].directory, name) == 0 && faccessat(fd, moved[i].name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			(void)renameat(p->state_fd, moved[i].name, fd, moved[i].name);
	close(fd);
}

void
place_divide(struct place *p, const char *state_dir)
{
	divide(p, state_dir, "engine", p->engine_dir);
	divide(p, state_dir, "history", p->history_dir);
}

static void
remove_socket(const struct place *p, int *fd, const char *name)
{
	if (*fd < 0)
		return;
	close(*fd);
	*fd = -1;
	if (unlinkat(p->run_fd, name, 0) < 0 && errno != ENOENT)
		log_warn("%s: cannot be removed; the next start will", name);
}

void
place_close(struct place *p)
{
	remove_socket(p, &p->control_fd, "control.sock");
	remove_socket(p, &p->view_fd, "view.sock");
	int *fds[] = {&p->lock_fd, &p->state_fd, &p->run_fd};
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	*p = nowhere;
}

static bool
write_part(int fd, const struct place_part *part)
{
	for (size_t off = 0; off < part->len;) {
		ssize_t n = write(fd, (const char *)part->data + off, part->len - off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		off += (size_t)n;
	}
	return true;
}

int
place_write(int dir_fd, const char *name, const struct place_part *parts, size_t n)
{
	char fresh[64];

	if (snprintf(fresh, sizeof fresh, "%s.new", name) >= (int)sizeof fresh) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = openat(dir_fd, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	bool ok = true;
	for (size_t i = 0; ok && i < n; i++)
		ok = write_part(fd, &parts[i]);
	ok = ok && fsync(fd) == 0;
	int saved = errno;
	close(fd);
	if (ok && renameat(dir_fd, fresh, dir_fd, name) == 0) {
		(void)fsync(dir_fd); /* some file systems cannot; then the name may be lost with the power */
		return 0;
	}
	saved = ok ? errno : saved;
	unlinkat(dir_fd, fresh, 0);
	errno = saved;
	return -1;
}

int
place_save_plan(const struct place *p, const struct plan *plan)
{
	struct place_part part = {plan, sizeof *plan};
	return place_write(p->state_fd, "plan", &part, 1);
}

int
place_load_plan(const struct place *p, struct plan *ret_plan)
{
	struct plan plan;
	int fd = openat(p->state_fd, "plan", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	bool ok = read(fd, &plan, sizeof plan) == sizeof plan && plan_valid(&plan);
	close(fd);
	if (!ok)
		return -1;
	*ret_plan = plan;
	return 0;
}
