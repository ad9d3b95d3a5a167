/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From files to rows: what is the same for every kind. */
#ifndef LENSCAP_CATALOGUE_ROWS_H
#define LENSCAP_CATALOGUE_ROWS_H

#include <stddef.h>

struct build;
struct row;

struct kind {
	const char *name;
	const char *columns; /* with tabs between them, as the file's second line has them */
	size_t max;	     /* rows of all files */
	void (*read)(struct row *r);
	void (*finish)(struct build *b);
};

/* Reads the data files of b->bundle, kind by kind. */
void rows_read(struct build *b, const struct kind *kinds, size_t n);

#endif
