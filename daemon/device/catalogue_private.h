/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a catalogue, and how it is built: each kind of file is a row of kinds[] in catalogue.c; one function reads a row
 * of it, one puts the rows of all files in order.
 */
#ifndef LENSCAP_CATALOGUE_PRIVATE_H
#define LENSCAP_CATALOGUE_PRIVATE_H

#include <regex.h>

#include "bundle.h"
#include "catalogue.h"
#include "diag.h"
#include "region.h"

enum {
	CELLS_MAX = 8,
	CELL_BYTES_MAX = 512,
};

/* How the far side shows whose it is; the order in which proofs are looked for. */
enum proof { PROOF_NAME, PROOF_PROTOCOL, PROOF_ADDRESS, PROOF_ASN, PROOF_PORT, PROOF_NONE };

struct cloud_row {
	enum proof proof;
	const char *key;    /* the name, protocol, address, AS number or "udp/32100" that is looked up; "" for PROOF_NONE */
	const char *glob;   /* NULL, or a pattern with * for the label before key */
	const char *id, *kind, *value; /* as written */
	const char *by;
	uint16_t cloud;
	bool weak;
	bool public_only; /* only towards public addresses */
	uint8_t proto;	  /* of an address's port; 0: any */
	uint16_t port;
	struct catalogue_spot spot;
};

enum { CLOUD_FILTER_BITS = 8192 }; /* twenty for each row of the catalogue that comes with us */

struct catalogue {
	_Atomic unsigned refs; /* a policy may be built beside the one in force */
	struct region region;
	uint64_t digest[2]; /* of the files it was built from */
	struct maker *makers;
	struct oui_row *ouis;
	struct brand_row *brands;
	struct fingerprint *fingerprints;
	struct cloud_row *cloud_rows;
	struct cloud *clouds;
	size_t n_makers, n_ouis, n_brands, n_fingerprints, n_cloud_rows, n_clouds;
	uint64_t cloud_filter[CLOUD_FILTER_BITS / 64]; /* see catalogue_clouds.c */
	uint64_t oui_bits;		  /* bit n: there are prefixes of n bits */
	size_t channel_first[CHANNELS + 1]; /* fingerprints are in the order of their channels */
	regex_t *regexes;
	size_t n_regexes;
};

struct cell {
	char *text;
	unsigned col, chars;
};

struct build {
	struct catalogue *c;
	struct diags *diags;
	const struct bundle *bundle;
	struct vec rows; /* of the kind that is being read */
};

/* One line of a file, cut at its tabs. */
struct row {
	struct build *b;
	struct cell cells[CELLS_MAX];
	struct catalogue_spot spot;
};

/* Reports what is wrong with one cell of the row. */
struct diag *row_error(const struct row *r, size_t cell, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The maker of this id; MAKER_UNKNOWN after reporting that there is none. */
uint16_t row_maker(const struct row *r, size_t cell);
/* One of n words, its index; -1 after reporting. what: "kind". */
int row_word(const struct row *r, size_t cell, const char *what, const char *const *words, size_t n);
/* "weak" or "-". */
bool row_weak(const struct row *r, size_t cell, bool *ret_weak);
/* The text; "" for "-". */
const char *row_text(const struct row *r, size_t cell);
/* The name that a probe has; false after reporting. */
bool row_protocol(const struct row *r, size_t cell);
/* Appends a zeroed row of this size; NULL when memory is short. */
void *build_push(struct build *b, size_t bytes);
/*
 * Sorts rows by `order` and keeps one of equal ones: that of the later file. Equal rows in one file are an error. Returns how many are
 * left. spot: where a row has its struct catalogue_spot.
 */
size_t build_tidy(struct build *b, void *rows, size_t n, size_t bytes, int (*order)(const void *, const void *), size_t spot);

/* One kind each: reads one row, and puts all of them to use once the last file is read. */
void makers_read(struct row *r);
void makers_finish(struct build *b);
void oui_read(struct row *r);
void oui_finish(struct build *b);
void brands_read(struct row *r);
void brands_finish(struct build *b);
void fingerprints_read(struct row *r);
void fingerprints_finish(struct build *b);
void clouds_read(struct row *r);
void clouds_finish(struct build *b);

#endif
