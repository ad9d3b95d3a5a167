/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as text for a terminal or a file, as CSV for tables, as JSON for programs. */
#include <json-c/json.h>
#include <string.h>

#include "listing.h"
#include "report.h"

enum { CELL = 1200 };

static void
text(FILE *out, const char *s)
{
	char safe[CELL];

	fputs(listing_text(s, safe, sizeof safe), out);
}

static void
summary(const struct report *r, FILE *out)
{
	char from[LISTING_TIME], to[LISTING_TIME];

	fprintf(out, "Lenscap report, %s to %s UTC. Policy in force: %s (%s mode).\n", listing_time(r->since_us, true, from),
		listing_time(r->until_us, true, to), r->policy_id, r->mode);
	fprintf(out,
		"%zu devices, %zu of makers that the catalogue lists as covered by section 889 of P.L. 115-232, %zu of these under another label;\n"
		"of %zu the maker is not decided. %zu devices bear another label than the evidence says.\n"
		"This states what was observed. It draws no legal conclusion; the statute and its rules are the reader's to apply.\n",
		r->n_devices, r->covered, r->covered_elsewhere, r->undecided, r->unmasked);
	if (!r->complete || r->short_of_memory)
		fprintf(out, "NOT COMPLETE: there is more history than fits, or rows of it made no sense.\n");
	fprintf(out, "\nGaps in observation:%s\n", r->n_gaps ? "" : " none is known.");
	for (size_t i = 0; i < r->n_gaps; i++)
		fprintf(out, "  %s to %s: %s\n", listing_time(r->gaps[i].from_us, true, from), listing_time(r->gaps[i].until_us, true, to),
			r->gaps[i].why);
}

static void
line(FILE *out, const char *name, const char *value)
{
	if (!*value)
		return;
	fprintf(out, "  %-12s ", name);
	text(out, value);
	putc('\n', out);
}

static void
place_line(const struct report_place *p, FILE *out)
{
	char sent[LISTING_SIZE], received[LISTING_SIZE];

	fputs("    ", out);
	text(out, *p->country ? p->country : *p->special ? p->special : "??");
	fprintf(out, " AS%u ", p->asn);
	text(out, p->operator);
	fprintf(out, ": %llu connections, %llu refused, %s out, %s in (", (unsigned long long)p->flows, (unsigned long long)p->refused,
		listing_size(p->bytes_out, false, sent), listing_size(p->bytes_in, false, received));
	for (size_t i = 0; i < p->n_examples; i++) {
		fputs(i ? ", " : "", out);
		text(out, p->examples[i]);
	}
	fputs(")\n", out);
}

static void
device_lines(const struct report *r, size_t n, FILE *out)
{
	const struct report_device *d = &r->devices[n];
	const struct history_device *h = d->device;
	char counts[300], passed[LISTING_SIZE], refused[LISTING_SIZE];

	putc('\n', out);
	text(out, d->name);
	fprintf(out, "%s%s\n", h && h->covered ? "  [maker listed as covered]" : "", h && h->unmasked ? "  [label and evidence disagree]" : "");
	line(out, "MAC", d->mac);
	line(out, "address", d->addr);
	line(out, "maker", d->maker_name);
	if (h) {
		snprintf(counts, sizeof counts, "%d of 100", h->score);
		line(out, "confidence", *d->maker_name ? counts : "");
		line(out, "label", d->label);
		line(out, "model", h->model);
		line(out, "firmware", h->firmware);
		line(out, "serial", h->serial);
	}
	snprintf(counts, sizeof counts, "%llu, %llu of them refused; %s passed, %s refused", (unsigned long long)d->flows,
		 (unsigned long long)d->refused, listing_size(d->bytes, false, passed), listing_size(d->refused_bytes, false, refused));
	line(out, "connections", counts);
	for (size_t i = 0; h && i < r->history->n_evidence; i++) {
		const struct history_evidence *e = &r->history->evidence[i];
		char says[CELL];
		if (h->by_address ? e->addr != h->addr || *e->mac : e->mac != h->mac)
			continue;
		snprintf(says, sizeof says, "%s: %s (%d): %.300s", e->channel, e->maker, e->weight, e->excerpt);
		line(out, "evidence", says);
	}
	for (size_t i = 0; i < r->n_places; i++)
		if (r->places[i].device == n)
			place_line(&r->places[i], out);
}

void
report_text(const struct report *r, FILE *out)
{
	summary(r, out);
	for (size_t i = 0; i < r->n_devices; i++)
		device_lines(r, i, out);
}

/* ---- CSV: RFC 4180, every cell in quotes; one that a spreadsheet would take for a formula begins with an apostrophe ---- */

static void
csv(FILE *out, const char *s, bool last)
{
	fputs(*s && strchr("=+-@\t\r", *s) ? "\"'" : "\"", out);
	for (; *s; s++) {
		if (*s == '"')
			putc('"', out);
		putc((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s, out);
	}
	fputs(last ? "\"\r\n" : "\",", out);
}

static void
csv_number(FILE *out, uint64_t v)
{
	fprintf(out, "%llu,", (unsigned long long)v);
}

static void
csv_row(const struct report *r, const struct report_device *d, const struct report_place *p, FILE *out)
{
	static const struct history_device nothing = {.maker = "", .brand = "", .model = "", .firmware = "", .serial = ""};
	const struct history_device *h = d->device ? d->device : &nothing;
	char time[LISTING_TIME];

	const char *const texts[] = {d->name, d->mac, d->addr, h->maker, d->label, h->model, h->firmware, h->serial};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		csv(out, texts[i], false);
	csv_number(out, h->covered);
	csv_number(out, h->unmasked);
	csv(out, p ? p->country : "", false);
	csv_number(out, p ? p->asn : 0);
	csv(out, p ? p->operator : "", false);
	csv(out, p ? p->special : "", false);
	csv(out, p && p->n_examples ? p->examples[0] : "", false);
	const uint64_t numbers[] = {p ? p->flows : 0, p ? p->refused : 0, p ? p->would_refuse : 0, p ? p->bytes_out : 0, p ? p->bytes_in : 0, p ? p->refused_bytes : 0};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		csv_number(out, numbers[i]);
	csv(out, p ? listing_time(p->first_us, true, time) : "", false);
	csv(out, p ? listing_time(p->last_us, true, time) : "", false);
	csv(out, r->policy_id, true);
}

void
report_csv(const struct report *r, FILE *out)
{
	fputs("device,mac,address,maker,label,model,firmware,serial,covered,label_disagrees,country,asn,operator,special,example,connections,refused,"
	      "would_refuse,bytes_out,bytes_in,bytes_refused,first_utc,last_utc,policy\r\n", out);
	for (size_t d = 0; d < r->n_devices; d++) {
		for (size_t i = 0; i < r->n_places; i++)
			if (r->places[i].device == d)
				csv_row(r, &r->devices[d], &r->places[i], out);
		if (!r->devices[d].n_places)
			csv_row(r, &r->devices[d], NULL, out);
	}
}

/* ---- JSON ---- */

static void
add(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void
add_number(struct json_object *o, const char *key, uint64_t v)
{
	json_object_object_add(o, key, json_object_new_uint64(v));
}

static struct json_object *
place_json(const struct report_place *p)
{
	struct json_object *o = json_object_new_object(), *names = json_object_new_array();

	add(o, "country", p->country);
	add(o, "operator", p->operator);
	add(o, "special", p->special);
	const struct {
		const char *key;
		uint64_t v;
	} numbers[] = {{"asn", p->asn}, {"connections", p->flows}, {"refused", p->refused}, {"would_refuse", p->would_refuse},
		       {"bytes_out", p->bytes_out}, {"bytes_in", p->bytes_in}, {"bytes_refused", p->refused_bytes},
		       {"first", (uint64_t)p->first_us}, {"last", (uint64_t)p->last_us}};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		add_number(o, numbers[i].key, numbers[i].v);
	for (size_t i = 0; i < p->n_examples; i++)
		json_object_array_add(names, json_object_new_string(p->examples[i]));
	json_object_object_add(o, "examples", names);
	return o;
}

static struct json_object *
evidence_json(const struct report *r, const struct history_device *h)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < r->history->n_evidence; i++) {
		const struct history_evidence *e = &r->history->evidence[i];
		if (h->by_address ? e->addr != h->addr || *e->mac : e->mac != h->mac)
			continue;
		struct json_object *o = json_object_new_object();
		add(o, "channel", e->channel);
		add(o, "maker", e->maker);
		add(o, "pattern", e->pattern);
		add(o, "excerpt", e->excerpt);
		add_number(o, "weight", (uint64_t)(e->weight > 0 ? e->weight : 0));
		add_number(o, "times", e->times);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *
device_json(const struct report *r, size_t n)
{
	const struct report_device *d = &r->devices[n];
	const struct history_device *h = d->device;
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	add(o, "device", d->name);
	add(o, "mac", d->mac);
	add(o, "address", d->addr);
	if (h) {
		const char *const texts[][2] = {{"maker", h->maker}, {"label", d->label}, {"model", h->model}, {"firmware", h->firmware},
						{"serial", h->serial}, {"uid", h->uid}};
		for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
			add(o, texts[i][0], texts[i][1]);
		json_object_object_add(o, "covered", json_object_new_boolean(h->covered));
		json_object_object_add(o, "label_disagrees", json_object_new_boolean(h->unmasked));
		json_object_object_add(o, "in_policy", json_object_new_boolean(h->in_policy));
		add_number(o, "score", (uint64_t)(h->score > 0 ? h->score : 0));
		json_object_object_add(o, "evidence", evidence_json(r, h));
	}
	add_number(o, "connections", d->flows);
	add_number(o, "refused", d->refused);
	add_number(o, "would_refuse", d->would_refuse);
	add_number(o, "bytes", d->bytes);
	add_number(o, "bytes_refused", d->refused_bytes);
	add_number(o, "unknown_protocol", d->unlooked);
	for (size_t i = 0; i < r->n_places; i++)
		if (r->places[i].device == n)
			json_object_array_add(list, place_json(&r->places[i]));
	json_object_object_add(o, "destinations", list);
	return o;
}

void
report_json(const struct report *r, FILE *out)
{
	struct json_object *o = json_object_new_object(), *devices = json_object_new_array(), *gaps = json_object_new_array();

	add(o, "policy_id", r->policy_id);
	add(o, "mode", r->mode);
	add_number(o, "since", (uint64_t)r->since_us);
	add_number(o, "until", (uint64_t)r->until_us);
	add_number(o, "devices_seen", r->n_devices);
	add_number(o, "covered", r->covered);
	add_number(o, "covered_under_another_label", r->covered_elsewhere);
	add_number(o, "label_disagrees", r->unmasked);
	add_number(o, "maker_not_decided", r->undecided);
	add_number(o, "dns_questions", r->questions);
	json_object_object_add(o, "complete", json_object_new_boolean(r->complete && !r->short_of_memory));
	for (size_t i = 0; i < r->n_gaps; i++) {
		struct json_object *g = json_object_new_object();
		add_number(g, "from", (uint64_t)r->gaps[i].from_us);
		add_number(g, "until", (uint64_t)r->gaps[i].until_us);
		add(g, "why", r->gaps[i].why);
		json_object_array_add(gaps, g);
	}
	json_object_object_add(o, "gaps", gaps);
	for (size_t i = 0; i < r->n_devices; i++)
		json_object_array_add(devices, device_json(r, i));
	json_object_object_add(o, "devices", devices);
	fprintf(out, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
