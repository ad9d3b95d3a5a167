/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See privilege.h. */
#include "privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "log.h"

#define DEFAULT_USER  "lenscap"
#define FALLBACK_USER "nobody"

int
privilege_find(const char *user, struct identity *ret_id)
{
	*ret_id = (struct identity){.uid = geteuid(), .gid = getegid()};
	if (geteuid() != 0)
		return 0;
	const struct passwd *pw = getpwnam(user ? user : DEFAULT_USER);
	if (!pw && !user) {
		log_warnx("there is no user %s: running as %s; create it with: systemd-sysusers, or useradd "
			  "--system %s",
			  DEFAULT_USER, FALLBACK_USER, DEFAULT_USER);
		pw = getpwnam(FALLBACK_USER);
	}
	if (!pw) {
		log_warnx("there is no user %s", user ? user : FALLBACK_USER);
		return -1;
	}
	*ret_id = (struct identity){.uid = pw->pw_uid, .gid = pw->pw_gid, .change = pw->pw_uid != 0};
	return 0;
}

static int
drop_as_root(const struct identity *id, bool keep_net_admin)
{
	capng_clear(CAPNG_SELECT_ALL);
	if (keep_net_admin)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	if (!id->change)
		return capng_apply(CAPNG_SELECT_ALL);
	return capng_change_id((int)id->uid, (int)id->gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
}

int
privilege_drop(const struct identity *id, bool keep_net_admin)
{
	if (geteuid() == 0 && drop_as_root(id, keep_net_admin) < 0) {
		log_warn("cannot become user %u and drop all power but CAP_NET_ADMIN%s", (unsigned)id->uid,
			 id->change ? "; in a user namespace that knows only root, use --user root" : "");
		return -1;
	}
#ifndef __SANITIZE_ADDRESS__ /* its leak check attaches to the process as a debugger would */
	/* The engine runs as the same user: it must not be able to look into us. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
		log_warn("cannot forbid others to look into this process");
		return -1;
	}
#endif
	capng_get_caps_process();
	if (keep_net_admin && !capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN)) {
		log_warnx("CAP_NET_ADMIN is missing: start as root, or by a service manager with "
			  "AmbientCapabilities=CAP_NET_ADMIN");
		return -1;
	}
	return 0;
}
