/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving up power, and the filter of system calls. A call that is not on the list is answered by EPERM, so that a library that tries something
 * new goes on without it; one on the deadly list is made by nobody but an intruder, and ends the process.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

/* What is not on the list. Tests build with SCMP_ACT_KILL_PROCESS here, so that a call that somebody needs cannot hide. */
#ifndef SANDBOX_UNLISTED
#define SANDBOX_UNLISTED SCMP_ACT_ERRNO(EPERM)
#endif

bool
sandbox_built(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(LENSCAP_COVERAGE)
	return false;
#else
	return true;
#endif
}

/* A service manager's filter may refuse capset; it has then taken away all but what cannot come back through no_new_privs. */
static int
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	(void)syscall(SYS_capset, &head, data);
	if (syscall(SYS_capget, &head, data) < 0)
		return -1;
	errno = EPERM;
	return data[0].effective | data[1].effective | data[0].permitted | data[1].permitted ? -1 : 0;
}

/* Never more than there is. */
static int
limit(__rlimit_resource_t what, rlim_t most)
{
	struct rlimit r;

	if (getrlimit(what, &r) < 0)
		return -1;
	if (r.rlim_max < most)
		most = r.rlim_max;
	return setrlimit(what, &(struct rlimit){most, most});
}

int
sandbox_drop(bool threads, unsigned descriptors)
{
	if (drop_capabilities() < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		log_warn("sandbox: a capability is left");
		return -1;
	}
	if (limit(RLIMIT_CORE, 0) < 0 || (!threads && sandbox_built() && limit(RLIMIT_NPROC, 0) < 0) || limit(RLIMIT_NOFILE, descriptors) < 0) {
		log_warn("sandbox: the limits cannot be set");
		return -1;
	}
	return 0;
}

int
sandbox_memory(uint64_t bytes)
{
	if (!sandbox_built() || limit(RLIMIT_DATA, bytes) == 0)
		return 0;
	log_warn("sandbox: the memory cannot be limited");
	return -1;
}

int
sandbox_keep_power(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return 0;
	log_warn("sandbox: no_new_privs cannot be set");
	return -1;
}

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define NAMESPACE_FLAGS (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* One rule for each value that this argument may have. */
static int
allow_values(scmp_filter_ctx f, int call, unsigned argument, const int *values, size_t n)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1, SCMP_CMP(argument, SCMP_CMP_EQ, (scmp_datum_t)values[i]));
	return rc;
}

#define COUNT(a) (sizeof(a) / sizeof *(a))

static int
allow_checked(scmp_filter_ctx f, const struct sandbox_call *c)
{
	static const int fcntls[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW,
				     F_ADD_SEALS, F_GET_SEALS};
	static const int prctls[] = {PR_SET_NAME, 0x53564d41 /* PR_SET_VMA */}, ioctls[] = {FIONREAD};
	static const int families[] = {AF_UNIX, AF_NETLINK, AF_INET, AF_INET6};

	switch ((enum sandbox_check)c->check) {
	case CHECK_NONE:
		break;
	case CHECK_NOT_EXECUTABLE:
		return seccomp_rule_add(f, SCMP_ACT_ALLOW, c->number, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	case CHECK_THREAD:
		return seccomp_rule_add(f, SCMP_ACT_ALLOW, c->number, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, THREAD_FLAGS, THREAD_FLAGS));
	case CHECK_NO_NAMESPACE:
		return seccomp_rule_add(f, SCMP_ACT_ALLOW, c->number, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, NAMESPACE_FLAGS, 0));
	case CHECK_OWN_PROCESS:
		return seccomp_rule_add(f, SCMP_ACT_ALLOW, c->number, 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	case CHECK_NO_NEW_VALUE:
		return seccomp_rule_add(f, SCMP_ACT_ALLOW, c->number, 1, SCMP_A2(SCMP_CMP_EQ, 0));
	case CHECK_THREAD_NAME:
		return allow_values(f, c->number, 0, prctls, COUNT(prctls));
	case CHECK_DESCRIPTOR:
		return allow_values(f, c->number, 1, fcntls, COUNT(fcntls));
	case CHECK_HOW_MUCH:
		return allow_values(f, c->number, 1, ioctls, COUNT(ioctls));
	case CHECK_FAMILY:
		return allow_values(f, c->number, 0, families, COUNT(families));
	}
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, c->number, 0);
}

/* What children may do the gate's filter lets through; their own filters look at the arguments. Threads its own row for processes covers. */
static int
allow(scmp_filter_ctx f, const struct sandbox_call *c, unsigned who)
{
	if (who == SANDBOX_GATE && c->check == CHECK_THREAD)
		return 0;
	if (who == SANDBOX_GATE && c->who != SANDBOX_GATE)
		return seccomp_rule_add(f, SCMP_ACT_ALLOW, c->number, 0);
	return c->who & who ? allow_checked(f, c) : 0;
}

static int
fill(scmp_filter_ctx f, unsigned who)
{
	int rc = 0;

	for (size_t g = 0; rc == 0 && g < sandbox_n_groups; g++)
		for (size_t i = 0; rc == 0 && i < sandbox_groups[g].n; i++) {
			rc = allow(f, &sandbox_groups[g].calls[i], who);
			rc = rc == -EEXIST ? 0 : rc; /* two processes need it for two reasons */
		}
	for (size_t i = 0; rc == 0 && i < sandbox_n_deadly; i++)
		if (sandbox_deadly[i].who & who && SANDBOX_UNLISTED != SCMP_ACT_KILL_PROCESS)
			rc = seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, sandbox_deadly[i].number, 0);
	/* The C library then makes threads by the older call, whose flags can be looked at. */
	return rc == 0 ? seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) : rc;
}

int
sandbox_calls(enum sandbox_who who)
{
	scmp_filter_ctx f = seccomp_init(SANDBOX_UNLISTED);
	int rc = f ? 0 : -ENOMEM;

	if (rc == 0)
		rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list: it is asked at every call */
	if (rc == 0)
		rc = fill(f, who);
	if (rc == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	if (rc == 0)
		return 0;
	errno = -rc;
	log_warn("sandbox: the system calls cannot be filtered");
	return -1;
}
