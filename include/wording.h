/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the owner wrote, as the policy in force was read: kept, so that whoever compares another policy with it gets these bytes and not what
 * the files say by now. Shared by reference count; constant.
 */
#ifndef LENSCAP_WORDING_H
#define LENSCAP_WORDING_H

#include <stddef.h>

struct bundle;
struct bundle_file;
struct wording;

/* Of the policy's files and the owner's additions to the catalogue; what came with the program is left out. NULL when memory is short. */
struct wording *wording_new(const struct bundle *b);
struct wording *wording_ref(struct wording *w);
void wording_unref(struct wording *w);
/* Of a list that the policy names "BYTES SUM", see bundle_list_sum(), stands for its text. */
size_t wording_files(const struct wording *w, const struct bundle_file **ret);
/* "policy", "catalogue" or "list". */
const char *wording_kind(const struct wording *w, size_t file);
/* "policy", "monitor" or "enforce": the bundle's mode. */
const char *wording_mode(const struct wording *w);
const char *wording_id(const struct wording *w);

#endif
