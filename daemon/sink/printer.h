/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of one record, shared by the files that print them. Private to this folder.
 *
 * A record must fit in RECORD_BYTES whatever it is made of. So it is printed under limits; when it does not fit, it is printed
 * once more under smaller ones, and `cut` notes that something was left out.
 */
#ifndef LENSCAP_SINK_PRINTER_H
#define LENSCAP_SINK_PRINTER_H

#include "json.h"
#include "record.h"

struct limits {
	size_t name, line; /* bytes of a name and of a sentence */
	size_t list;	   /* elements of a list of names */
	size_t answers;	   /* records of a DNS answer */
};

struct printer {
	struct json j;
	const struct limits *limits;
	bool cut;
};

/* NULL is printed as "". */
void print_name(struct printer *p, const char *key, const char *text);
void print_line(struct printer *p, const char *key, const char *text);
/* Nothing when there is no text: for fields that EVE leaves out then. */
void print_known(struct printer *p, const char *key, const char *text);
/* At most limits->list of n texts, which are `size` bytes apart. */
void print_names(struct printer *p, const char *key, const char *texts, size_t n, size_t size);
void print_addr(struct printer *p, const char *key, const struct addr *a);

/* What an analyst calls the place: "CN", "??", or "private" and its like. NULL: unknown. */
const char *place_word(const struct place *place);
/* True when the packet or flow does not pass. */
bool decision_stops(const struct record_decision *d);

/* alert.c: the standard `alert` object. */
void print_alert(struct printer *p, const struct record *r);
/* flow.c: the standard `flow` object; `over` also says how it ended. */
void print_flow(struct printer *p, const struct record *r, bool over);
/* stats.c: the standard `stats` object, and all our counters (lenscap.stats, lenscap.kernel). */
void print_stats(struct printer *p, const struct record *r);
void print_counters(struct printer *p, const struct record *r);
/* dns.c: the standard `dns` object. */
void print_dns(struct printer *p, const struct record *r);
/* app.c: the standard objects of what a flow speaks, and what they have no field for (lenscap.app). */
void print_tls(struct printer *p, const struct record *r);
void print_quic(struct printer *p, const struct record *r);
void print_http(struct printer *p, const struct record *r);
void print_app(struct printer *p, const struct app *a);
/* anomaly.c: the standard `anomaly` object. */
void print_anomaly(struct printer *p, const struct record *r);
/* lenscap.c: our object, on every record. */
void print_lenscap(struct printer *p, const struct record *r);

#endif
