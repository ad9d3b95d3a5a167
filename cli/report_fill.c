/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of a report, from the history. */
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum { QUIET_US = 900 * 1000000 }; /* a daemon that runs says something of itself within an hour; a start after less is no gap worth a row */

static struct report_device *
add_device(struct report *r, const char *who, const char *zone)
{
	char key[400];
	bool is_new;

	snprintf(key, sizeof key, "who %s/%s", who, zone);
	long n = pick(&r->who, history_text(r->history, key), &is_new);
	struct report_device *d = n < 0 ? NULL : is_new ? list_place(&r->devices, r->n_devices, sizeof *d) : &r->devices[n];
	if (d && is_new) {
		r->n_devices++;
		d->name = d->mac = d->addr = d->maker_name = "";
	}
	return d;
}

static bool
take_devices(struct report *r)
{
	for (size_t i = 0; i < r->history->n_devices; i++) {
		const struct history_device *h = &r->history->devices[i];
		struct report_device *d = add_device(r, h->by_address ? h->addr : h->mac, h->zone);
		if (!d)
			return false;
		d->device = h;
		d->name = *h->label ? h->label : h->device;
		d->mac = h->mac;
		d->addr = h->addr;
		r->covered += h->covered;
		r->unmasked += h->unmasked;
		r->covered_elsewhere += h->covered && h->unmasked;
		r->undecided += !*h->maker;
	}
	return true;
}

static bool
refused(const char *word)
{
	return strcmp(word, "block") == 0 || strcmp(word, "reject") == 0;
}

static void
add_example(struct report_place *p, const char *text)
{
	for (size_t i = 0; i < p->n_examples; i++)
		if (p->examples[i] == text)
			return;
	if (p->n_examples < sizeof p->examples / sizeof *p->examples)
		p->examples[p->n_examples++] = text;
}

static bool
take_flow(struct report *r, const struct history_flow *f)
{
	char key[700];
	bool is_new;
	uint64_t bytes = f->bytes_toserver + f->bytes_toclient;
	struct report_device *d = add_device(r, *f->mac ? f->mac : f->local, f->zone);

	if (!d)
		return false;
	if (!*d->name) {
		d->name = f->device;
		d->mac = f->mac;
		d->addr = f->local;
	}
	snprintf(key, sizeof key, "at %zu %u %s %s %s", (size_t)(d - r->devices), f->asn, f->country, f->special, f->as_name);
	long n = pick(&r->where, history_text(r->history, key), &is_new);
	struct report_place *p = n < 0 ? NULL : is_new ? list_place(&r->places, r->n_places, sizeof *p) : &r->places[n];
	if (!p)
		return false;
	if (is_new) {
		r->n_places++;
		d->n_places++;
		*p = (struct report_place){.device = (size_t)(d - r->devices), .country = f->country, .operator = f->as_name, .special = f->special,
					   .asn = f->asn, .first_us = f->first_us};
	}
	add_example(p, *f->name ? f->name : f->dest_ip);
	bool no = refused(f->decision);
	p->flows += f->flows;
	p->refused += no ? f->flows : 0;
	p->would_refuse += !no && refused(f->would) ? f->flows : 0;
	p->refused_bytes += no ? bytes : 0;
	p->bytes_out += no ? 0 : f->inbound ? f->bytes_toclient : f->bytes_toserver;
	p->bytes_in += no ? 0 : f->inbound ? f->bytes_toserver : f->bytes_toclient;
	p->first_us = f->first_us < p->first_us ? f->first_us : p->first_us;
	p->last_us = f->last_us > p->last_us ? f->last_us : p->last_us;
	d->flows += f->flows;
	d->refused += no ? f->flows : 0;
	d->would_refuse += !no && refused(f->would) ? f->flows : 0;
	d->refused_bytes += no ? bytes : 0;
	d->bytes += no ? 0 : bytes;
	d->unlooked += strcmp(f->app_proto, "failed") == 0 || !*f->app_proto ? f->flows : 0;
	return true;
}

static void
add_gap(struct report *r, int64_t from_us, int64_t until_us, const char *why)
{
	if (r->n_gaps < REPORT_GAPS)
		r->gaps[r->n_gaps++] = (struct report_gap){from_us, until_us, why};
	else
		r->complete = false;
}

/* The last that is known of before this moment: a connection's end, a note, a device that was seen. */
static int64_t
last_sign(const struct report *r, int64_t before_us)
{
	int64_t last = 0;

	for (size_t i = 0; i < r->history->n_flows; i++) {
		int64_t us = r->history->flows[i].last_us;
		last = us < before_us && us > last ? us : last;
	}
	for (size_t i = 0; i < r->history->n_events; i++) {
		int64_t us = r->history->events[i].us;
		last = us < before_us && us > last ? us : last;
	}
	return last;
}

static void
find_gaps(struct report *r)
{
	const struct history *h = r->history;
	int64_t first = r->until_us;

	for (size_t i = 0; i < h->n_runs; i++)
		first = h->runs[i].us < first ? h->runs[i].us : first;
	for (size_t i = 0; i < h->n_flows; i++)
		first = h->flows[i].first_us < first ? h->flows[i].first_us : first;
	if (first - r->since_us > QUIET_US)
		add_gap(r, r->since_us, first, "nothing is recorded before this");
	for (size_t i = 0; i < h->n_runs && i < REPORT_GAPS; i++) {
		int64_t start = h->runs[i].us, last = last_sign(r, start);
		if (i == 0 && start <= first)
			continue;
		bool died = h->runs[i].restarts > 0;
		if (died || start - last > QUIET_US)
			add_gap(r, last ? last : r->since_us, start, died ? "the engine was started anew" : "the daemon was started; before it nothing is recorded");
	}
}

bool
report_fill(struct report *r)
{
	r->complete = !r->history->cut && !r->history->bad;
	if (!take_devices(r))
		return false;
	for (size_t i = 0; i < r->history->n_flows; i++) {
		const struct history_flow *f = &r->history->flows[i];
		if (*f->query)
			r->questions += f->flows;
		else if (!take_flow(r, f))
			return false;
	}
	find_gaps(r);
	return true;
}

void
report_free(struct report *r)
{
	pick_free(&r->who);
	pick_free(&r->where);
	free(r->devices);
	free(r->places);
}
