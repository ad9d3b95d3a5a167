/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy as it was read, at one moment: the main file and its drop-ins with their names and bytes.
 *
 * Whoever checks a policy and whoever runs it must read the same bytes, also when somebody edits the files in between and
 * after the engine has been restarted. So the files are read once into a bundle, the bundle is checked, and
 * the same bundle (a sealed memfd) goes to the engine.
 *
 * Serialised form: "lenscap-bundle 1\n", then for each file "NAMELEN TEXTLEN\n" NAME TEXT.
 */
#ifndef LENSCAP_BUNDLE_H
#define LENSCAP_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

enum {
	BUNDLE_FILES_MAX = 256,
	BUNDLE_BYTES_MAX = 16 << 20,
};

struct bundle_file {
	char *name; /* as the user would write it; used in messages */
	char *text; /* NUL after the last byte; may contain NULs before it */
	size_t len;
};

struct bundle {
	struct bundle_file *files; /* [0] is the main file, then drop-ins in lexicographic order */
	size_t n;
	char id[13]; /* 12 hex digits over names and bytes: the policy id that users see */
};

/*
 * Reads path and the drop-ins. path may be a directory: then it stands for DIR/lenscap.yaml. Drop-ins are
 * <directory of the main file>/policy.d/ *.yaml. Only regular files; the limits above.
 * NULL on failure: *ret_file (to free) and errno say which file and why (EFBIG for the limits).
 */
struct bundle *bundle_read(const char *path, char **ret_file);
/* One file from memory, for tests and tools. */
struct bundle *bundle_from_text(const char *name, const char *text, size_t len);
/* From and to the serialised form. read: NULL and EBADMSG when it is malformed. write: 0 or -1. */
struct bundle *bundle_load(int fd);
int bundle_save(const struct bundle *b, int fd);
void bundle_free(struct bundle *b);

#endif
