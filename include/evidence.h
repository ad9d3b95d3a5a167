/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of evidence (identity.h) as the catalogue words them: the same for what a gateway sees and for what `lenscap vet` is told. Whose they
 * are, when they were seen and in which flow is the caller's to say.
 */
#ifndef LENSCAP_EVIDENCE_H
#define LENSCAP_EVIDENCE_H

#include "catalogue.h"
#include "identity.h"

/* This row matched; shown is the text that an operator reads beside it. */
struct evidence evidence_of_row(const struct fingerprint *row, struct span shown);
/* The label that it says it bears: a hint of who made it. False: more than one maker sells under it, or nobody knows; ret is untouched. */
bool evidence_of_label(const struct catalogue *c, struct span label, struct evidence *ret);
/* Who bought this block of addresses. announced: the device says that it has this MAC; it stands in the row then. False: nobody known. */
bool evidence_of_mac(const struct catalogue *c, const struct mac *mac, bool announced, struct evidence *ret);
/*
 * Some makers of the catalogue are labels: what bears one may be anybody's. Where it is known whose, the row becomes one of that maker, no
 * more than that is sure. Returns the label, which is the catalogue's; NULL: the row's maker is none.
 */
const char *evidence_behind_label(const struct catalogue *c, struct evidence *ev);

#endif
