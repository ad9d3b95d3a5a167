/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy as it was read, at one moment: the main file and its drop-ins with their names and bytes, and the catalogue of cameras
 * that it is judged by.
 *
 * Whoever checks a policy and whoever runs it must read the same bytes, also when somebody edits the files in between and
 * after the engine has been restarted. So the files are read once into a bundle, the bundle is checked, and
 * the same bundle (a sealed memfd) goes to the engine.
 *
 * Serialised form: "lenscap-bundle 2\n", "mode monitor\n" or "mode enforce\n" where the mode is overridden, then for each file
 * "p NAMELEN TEXTLEN\n" NAME TEXT, with c for p where it is the shipped catalogue's, d where it is the owner's addition to it and l where
 * it is a list that the policy names.
 */
#ifndef LENSCAP_BUNDLE_H
#define LENSCAP_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BUNDLE_FILES_MAX = 256,
	BUNDLE_BYTES_MAX = 16 << 20,
	BUNDLE_LISTS_MAX = 64,
	BUNDLE_LISTS_BYTES_MAX = 96 << 20, /* of all lists; the other files have a bound of their own */
};

struct bundle_file {
	char *name; /* as the user would write it; used in messages */
	char *text; /* NUL after the last byte; may contain NULs before it */
	size_t len;
};

/* A file of items that a policy names: address: {file: …}. */
struct bundle_list {
	char *name; /* as it was opened */
	char *text; /* NUL after the last byte; NULL: it could not be read */
	size_t len;
	int error; /* errno where it could not be read; never serialised, for such a policy does not load */
};

struct bundle {
	struct bundle_file *files; /* [0] is the main file, then drop-ins in lexicographic order */
	size_t n;
	struct bundle_file *data; /* the catalogue's files: n_shipped of them came with the program, then the owner's */
	size_t n_data, n_shipped;
	struct bundle_list *lists;
	size_t n_lists;
	bool no_catalogue; /* it was looked for and is not installed */
	char id[13]; /* 12 hex digits over the names and bytes of what the owner wrote: the policy id that users see */
	enum bundle_mode { BUNDLE_MODE_OWN, BUNDLE_MODE_MONITOR, BUNDLE_MODE_ENFORCE } mode; /* in place of what the files say; no part of the id */
};

/*
 * Reads path and the drop-ins. path may be a directory: then it stands for DIR/lenscap.yaml. Drop-ins are
 * <directory of the main file>/policy.d/ *.yaml. With it comes the catalogue: what bundle_add_catalogue() finds, then
 * <directory of the main file>/catalogue.d/ *.tsv. Only regular files; the limits above.
 * NULL on failure: *ret_file (to free) and errno say which file and why (EFBIG for the limits).
 */
struct bundle *bundle_read(const char *path, char **ret_file);
/* One file from memory, for tests and tools. */
struct bundle *bundle_from_text(const char *name, const char *text, size_t len);
/* The catalogue's files *.tsv in dir, if there is such a directory. False with *ret_file and errno as above. */
bool bundle_add_data_from(struct bundle *b, const char *dir, char **ret_file);
/*
 * The catalogue that goes with this program: catalogue/ beside the executable or beside the directory it is in (where it is built), else
 * the one that is installed. Without any, no_catalogue is set and that is no failure.
 */
bool bundle_add_catalogue(struct bundle *b, char **ret_file);
/*
 * Adds the list of this name once; one that cannot be read is added with its error. Only regular files, never waits.
 * False: there are too many, or memory is short (EFBIG, ENOMEM).
 */
bool bundle_add_list(struct bundle *b, const char *path);
/* The same from memory. */
bool bundle_add_list_text(struct bundle *b, const char *name, const char *text, size_t len);
const struct bundle_list *bundle_list_find(const struct bundle *b, const char *name);
/* By which two parties compare a list that both have: not against who forges one. */
uint64_t bundle_list_sum(const struct bundle_list *list);
/* Names the bundle anew after lists were added. */
void bundle_name_anew(struct bundle *b);
/* One file of the catalogue from memory. */
bool bundle_add_data(struct bundle *b, const char *name, const char *text, size_t len);
/* From and to the serialised form. read: NULL and EBADMSG when it is malformed. write: 0 or -1. */
struct bundle *bundle_load(int fd);
int bundle_save(const struct bundle *b, int fd);
void bundle_free(struct bundle *b);

#endif
