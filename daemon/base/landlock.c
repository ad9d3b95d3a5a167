/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Landlock, as far as the running kernel has it: version 1 has files, 3 cutting them, 4 TCP, 5 ioctl on devices, 6 signals and abstract
 * sockets. What a version does not know is left out. The numbers are the kernel's interface (linux/landlock.h), written out here because the
 * header of an older kernel lacks the newer ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"

#define BIT(n) (UINT64_C(1) << (n))

enum { CREATE_VERSION = 1, RULE_PATH_BENEATH = 1 };

#define FS_WRITE_FILE  BIT(1)
#define FS_READ_FILE   BIT(2)
#define FS_READ_DIR    BIT(3)
#define FS_REMOVE_FILE BIT(5)
#define FS_MAKE_REG    BIT(8)
#define FS_TRUNCATE    BIT(14)
#define FS_OF_FILES    (BIT(0) | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | BIT(15)) /* all that a rule on one file may name */

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_attr {
	uint64_t access;
	int32_t parent;
} __attribute__((packed));

/* What each version knows. */
static const struct ruleset_attr known[] = {
	[1] = {.fs = BIT(13) - 1},
	[2] = {.fs = BIT(14) - 1}, /* links and renames between directories */
	[3] = {.fs = BIT(15) - 1},
	[4] = {.fs = BIT(15) - 1, .net = BIT(2) - 1},
	[5] = {.fs = BIT(16) - 1, .net = BIT(2) - 1},
	[6] = {.fs = BIT(16) - 1, .net = BIT(2) - 1, .scoped = BIT(2) - 1},
};
enum { NEWEST = sizeof known / sizeof *known - 1 };

static const struct {
	unsigned access;
	uint64_t fs;
} meanings[] = {
	{SANDBOX_READ, FS_READ_FILE},
	{SANDBOX_LIST, FS_READ_DIR},
	{SANDBOX_APPEND, FS_READ_FILE | FS_WRITE_FILE | FS_MAKE_REG},
	{SANDBOX_OWN, FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_MAKE_REG | FS_REMOVE_FILE | FS_TRUNCATE},
};

/* 0: there is none, or it is switched off. */
static int
version(void)
{
	long n = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
	return n < 0 ? 0 : n > NEWEST ? NEWEST : (int)n;
}

static uint64_t
rights(unsigned access)
{
	uint64_t fs = 0;

	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
		if (access & meanings[i].access)
			fs |= meanings[i].fs;
	return fs;
}

/* What is not there needs no rule. */
static int
allow(int ruleset, const struct sandbox_path *p, uint64_t handled)
{
	struct path_attr a = {.access = rights(p->access) & handled, .parent = open(p->path, O_PATH | O_CLOEXEC)};
	struct stat st;

	if (a.parent < 0)
		return 0;
	if (fstat(a.parent, &st) == 0 && !S_ISDIR(st.st_mode))
		a.access &= FS_OF_FILES;
	int rc = (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &a, 0);
	if (rc < 0)
		log_warn("sandbox: %s cannot be allowed", p->path);
	close(a.parent);
	return rc;
}

static int
restrict_self(const struct sandbox_path *paths, size_t n, const struct ruleset_attr *handled)
{
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, handled, sizeof *handled, 0), rc = ruleset < 0 ? -1 : 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = allow(ruleset, &paths[i], handled->fs);
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	if (rc < 0)
		log_warn("sandbox: the files cannot be restricted");
	if (ruleset >= 0)
		close(ruleset);
	return rc;
}

/* An older kernel refuses a structure of which it does not know the end, unless that is zero: so it is here. */
int
sandbox_files(const struct sandbox_path *paths, size_t n, int *ret_version)
{
	*ret_version = version();
	return *ret_version ? restrict_self(paths, n, &known[*ret_version]) : 0;
}

int
sandbox_scope(int *ret_version)
{
	*ret_version = version();
	struct ruleset_attr only = {.net = known[*ret_version].net, .scoped = known[*ret_version].scoped};

	return only.net || only.scoped ? restrict_self(NULL, 0, &only) : 0;
}
