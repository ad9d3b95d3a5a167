/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors and warnings about the policy, in the shape of gcc and nft:
 *
 *	FILE:LINE:COL: error: what is wrong in the user's words [E104]
 *	   31 |     from: camras
 *	      |           ^~~~~~ did you mean "cameras"? (zone defined at lenscap.yaml:7:3)
 *
 * A list owns copies of all text. At most DIAG_MAX errors are kept, so a broken file cannot flood anybody; `errors` and
 * `warnings` count all of them.
 */
#ifndef LENSCAP_DIAG_H
#define LENSCAP_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	DIAG_MAX = 20,
};

enum diag_severity {
	DIAG_ERROR,
	DIAG_WARNING,
	DIAG_HINT, /* check --lint */
};

/* A place in a policy file. line and col count from 1 (col in characters); line 0: the file as a whole. */
struct place_in_file {
	const char *file;
	unsigned line, col, end_col; /* end_col: one past the last character; 0 when only the start is known */
};

struct diag {
	enum diag_severity severity;
	char code[8]; /* "E104", "W310" */
	char *file;
	unsigned line, col, end_col;
	char *message;
	char *hint;   /* NULL or one short sentence for the caret line */
	char *source; /* NULL or the source line, control bytes replaced by spaces; of a long line the part around col */
	unsigned source_skip; /* characters of the line that stand before `source` */
	char *related_file;
	unsigned related_line, related_col; /* 0: none */
};

struct diags {
	struct diag *list;
	size_t n;
	unsigned errors, warnings;
};

/* One line of `lenscap help CODE`: every code that the loader can print has a row. */
struct diag_code {
	const char *code;
	const char *title;
	const char *text; /* what it means and what to do, a few sentences */
};

/* What brings this code about, and what to write in its place; lines of a policy, "" where a file cannot show it. */
struct diag_example {
	const char *code, *wrong, *right;
};

/* NULL: there is none. */
const struct diag_example *diag_example_find(const char *code);

const struct diag_code *diag_code_find(const char *code);
const struct diag_code *diag_codes(size_t *ret_n);

/*
 * `where` may be NULL. file_text: the whole text of the file that `where` speaks of, or NULL. Takes copies of
 * everything, cleaned of control bytes. The code must have a row. NULL, which diag_hint() and diag_related()
 * accept, when the list is full or memory is short: it is counted all the same.
 */
struct diag *diag_add(struct diags *d, enum diag_severity severity, const char *code, const struct place_in_file *where,
		      const char *file_text, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void diag_hint(struct diag *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void diag_related(struct diag *g, const struct place_in_file *where);
/* Orders by file name, line and column: the loader finds things section by section, people read from the top. */
void diags_sort(struct diags *d);
void diags_free(struct diags *d);

/* Prints all in order, then nothing else; the caller prints the summary line. */
void diags_print(const struct diags *d, FILE *out, bool colour);
/* The JSON array of interfaces: [{file,line,col,end_col,severity,code,message,hint,related:{file,line,col}}]. */
void diags_print_json(const struct diags *d, FILE *out);

/*
 * The closest of names[0..n) to word by Damerau-Levenshtein distance, if it is at most max(1, strlen(word) / 3); else NULL.
 * Ties go to the earlier name.
 */
const char *diag_closest(const char *word, const char *const *names, size_t n);

#endif
