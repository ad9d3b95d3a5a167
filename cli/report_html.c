/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One HTML file that needs nothing beside it: no script, no font, no picture. Every text goes through put(). */
#include <string.h>

#include "listing.h"
#include "report.h"

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<title>Lenscap report</title>\n<style>\n"
	"body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#111}\n"
	"table{border-collapse:collapse;width:100%;margin:.5em 0 1.5em}th,td{text-align:left;padding:.2em .6em;border-bottom:1px solid #ccc;"
	"vertical-align:top;overflow-wrap:anywhere}\n"
	"td.n,th.n{text-align:right;white-space:nowrap}h2{margin-top:2em;border-bottom:2px solid #111}h3{margin-bottom:.2em}\n"
	".mark{font-weight:bold;color:#a00}\n"
	"@media print{body{margin:0;max-width:none;font-size:10pt}h3,tr{break-inside:avoid}h3{break-after:avoid}.mark{color:#000}}\n"
	"</style></head><body>\n";

/* Text of the network: what could end a text or an attribute is written as an entity, control bytes as '?'. */
static void
put(FILE *out, const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s; s++)
		switch (*s) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '"': fputs("&quot;", out); break;
		case '\'': fputs("&#39;", out); break;
		default: putc(*s < 0x20 || *s == 0x7f ? '?' : *s, out);
		}
}

static void
cell(FILE *out, const char *text)
{
	fputs("<td>", out);
	put(out, text);
	fputs("</td>", out);
}

static void
number(FILE *out, uint64_t v)
{
	fprintf(out, "<td class=\"n\">%llu</td>", (unsigned long long)v);
}

static void
size(FILE *out, uint64_t v)
{
	char text[LISTING_SIZE];

	fprintf(out, "<td class=\"n\">%s</td>", listing_size(v, false, text));
}

static void
moment(FILE *out, int64_t us)
{
	char text[LISTING_TIME];

	cell(out, listing_time(us, true, text));
}

static void
fact(FILE *out, const char *name, const char *value)
{
	if (!*value)
		return;
	fprintf(out, "<tr><th>%s</th>", name);
	cell(out, value);
	fputs("</tr>\n", out);
}

static void
summary(const struct report *r, FILE *out)
{
	char from[LISTING_TIME], to[LISTING_TIME];

	fprintf(out, "<h1>Lenscap report</h1>\n<p>%s to %s UTC. Policy in force: ", listing_time(r->since_us, true, from),
		listing_time(r->until_us, true, to));
	put(out, r->policy_id);
	fprintf(out, " (%s mode). Lenscap ", r->mode);
	put(out, r->version);
	fprintf(out,
		".</p>\n<p><b>%zu devices</b>, <b>%zu</b> of makers that the catalogue lists as covered by section 889 of P.L. 115-232, <b>%zu</b> of "
		"these under another label; of %zu the maker is not decided. %zu devices bear another label than the evidence says.</p>\n"
		"<p>This report states what was observed and on what evidence. It draws no legal conclusion; the statute and its rules are the "
		"reader's to apply.</p>\n",
		r->n_devices, r->covered, r->covered_elsewhere, r->undecided, r->unmasked);
	if (!r->complete || r->short_of_memory)
		fputs("<p class=\"mark\">Not complete: there is more history than fits, or rows of it made no sense.</p>\n", out);
}

static void
gaps(const struct report *r, FILE *out)
{
	fputs("<h2>Gaps in observation</h2>\n", out);
	if (!r->n_gaps)
		fputs("<p>None is known.</p>\n", out);
	else
		fputs("<table><tr><th>From</th><th>Until</th><th>Why</th></tr>\n", out);
	for (size_t i = 0; i < r->n_gaps; i++) {
		fputs("<tr>", out);
		moment(out, r->gaps[i].from_us);
		moment(out, r->gaps[i].until_us);
		cell(out, r->gaps[i].why);
		fputs("</tr>\n", out);
	}
	if (r->n_gaps)
		fputs("</table>\n", out);
}

static bool
belongs(const struct history_evidence *e, const struct history_device *d)
{
	return d->by_address ? e->addr == d->addr && !*e->mac : e->mac == d->mac;
}

static void
evidence(const struct report *r, const struct report_device *d, FILE *out)
{
	bool any = false;

	for (size_t i = 0; d->device && i < r->history->n_evidence; i++) {
		const struct history_evidence *e = &r->history->evidence[i];
		if (!belongs(e, d->device))
			continue;
		if (!any)
			fputs("<table><tr><th>Evidence</th><th>says</th><th>seen</th><th class=\"n\">weight</th><th class=\"n\">times</th><th>last</th></tr>\n", out);
		any = true;
		fputs("<tr>", out);
		cell(out, e->channel);
		cell(out, e->maker);
		cell(out, e->excerpt);
		number(out, (uint64_t)(e->weight > 0 ? e->weight : 0));
		number(out, e->times);
		moment(out, e->last_us);
		fputs("</tr>\n", out);
	}
	if (any)
		fputs("</table>\n", out);
}

static void
places(const struct report *r, size_t device, FILE *out)
{
	if (!r->devices[device].n_places)
		return;
	fputs("<table><tr><th>Country</th><th>Operator</th><th>Seen as</th><th class=\"n\">Connections</th><th class=\"n\">Refused</th>"
	      "<th class=\"n\">Bytes out</th><th class=\"n\">Bytes in</th><th>Last</th></tr>\n", out);
	for (size_t i = 0; i < r->n_places; i++) {
		const struct report_place *p = &r->places[i];
		if (p->device != device)
			continue;
		fputs("<tr>", out);
		cell(out, *p->country ? p->country : *p->special ? p->special : "unknown");
		cell(out, p->operator);
		fputs("<td>", out);
		for (size_t k = 0; k < p->n_examples; k++) {
			fputs(k ? ", " : "", out);
			put(out, p->examples[k]);
		}
		fputs("</td>", out);
		number(out, p->flows);
		number(out, p->refused);
		size(out, p->bytes_out);
		size(out, p->bytes_in);
		moment(out, p->last_us);
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
}

static void
device(const struct report *r, size_t n, FILE *out)
{
	const struct report_device *d = &r->devices[n];
	const struct history_device *h = d->device;
	char text[LISTING_TIME], counts[300], a[LISTING_SIZE], b[LISTING_SIZE];

	fputs("<h3>", out);
	put(out, d->name);
	fputs("</h3>\n<table>", out);
	fact(out, "MAC", d->mac);
	fact(out, "Address", d->addr);
	fact(out, "Maker, by evidence", d->maker_name);
	if (h) {
		snprintf(counts, sizeof counts, "%d of 100", h->score);
		fact(out, "Confidence", *d->maker_name ? counts : "");
		fact(out, "Label", d->label);
		fact(out, "Model", h->model);
		fact(out, "Firmware", h->firmware);
		fact(out, "Serial number", h->serial);
		fact(out, "Device id", h->uid);
		fact(out, "First seen (UTC)", listing_time(h->first_us, true, text));
		fact(out, "Last seen (UTC)", listing_time(h->last_us, true, text));
		fact(out, "In the inventory", h->in_policy ? "yes" : "no");
		if (h->covered)
			fputs("<tr><th>Catalogue</th><td class=\"mark\">maker listed as covered by section 889</td></tr>\n", out);
		if (h->unmasked)
			fputs("<tr><th>Label and evidence</th><td class=\"mark\">disagree</td></tr>\n", out);
	}
	snprintf(counts, sizeof counts, "%llu, of these %llu refused and %llu that enforcing would refuse; %llu of no known protocol",
		 (unsigned long long)d->flows, (unsigned long long)d->refused, (unsigned long long)d->would_refuse, (unsigned long long)d->unlooked);
	fact(out, "Connections", counts);
	snprintf(counts, sizeof counts, "%s passed, %s refused", listing_size(d->bytes, false, a), listing_size(d->refused_bytes, false, b));
	fact(out, "Bytes", counts);
	fputs("</table>\n", out);
	evidence(r, d, out);
	places(r, n, out);
}

void
report_html(const struct report *r, FILE *out)
{
	fputs(head, out);
	summary(r, out);
	gaps(r, out);
	fputs("<h2>Devices</h2>\n", out);
	for (size_t i = 0; i < r->n_devices; i++)
		device(r, i, out);
	fputs("</body></html>\n", out);
}
