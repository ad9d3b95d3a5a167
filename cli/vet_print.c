/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lenscap vet found, for people and as JSON. Every text of a device is its own word and may be hostile: control bytes never reach
 * a terminal, and JSON is written by the writer that escapes whatever is not text.
 */
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "identity.h"
#include "json.h"
#include "policy.h"
#include "vet.h"

enum { JSON_BYTES = 8 << 20 }; /* VET_DEVICES devices, each with all its evidence escaped at its worst, stay below */

static const char *
maker_name(const struct catalogue *c, uint16_t maker)
{
	const struct maker *all;
	size_t n = catalogue_makers(c, &all);
	return maker < n ? all[maker].name : "";
}

static const char *
maker_id(const struct catalogue *c, uint16_t maker)
{
	const struct maker *all;
	size_t n = catalogue_makers(c, &all);
	return maker < n ? all[maker].id : "";
}

/* The brand that the inventory declares for this device, or "". */
static const char *
declared(const struct vet_run *r, const struct vet_device *d)
{
	size_t n;
	const struct policy_device *all = policy_devices(r->policy, &n);
	uint16_t i = d->has_mac ? policy_device_by_mac(r->policy, &d->mac) : (uint16_t)DEVICE_UNKNOWN;

	if (i == DEVICE_UNKNOWN)
		i = policy_device_by_addr(r->policy, &d->addr);
	return i < n && all[i].brand ? all[i].brand : "";
}

static const char *
fact(const struct vet_device *d, enum identity_fact f)
{
	return d->who ? d->who->fact[f] : "";
}

/* Printable ASCII and whole bytes of other alphabets; everything else is a dot. */
static void
put_text(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		putc(*p < 0x20 || (*p >= 0x7f && *p < 0xa0) ? '.' : *p, out);
}

static void
put_fact(FILE *out, const char *name, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "  %-9s ", name);
	put_text(out, text);
	putc('\n', out);
}

static void
put_maker(FILE *out, const struct vet_run *r, const struct vet_device *d)
{
	uint16_t maker = identity_maker(d->who), platform = identity_platform(d->who);

	if (maker == MAKER_UNKNOWN && d->who && d->who->best.score)
		fprintf(out, "  %-9s not enough evidence; %s has a score of %u\n", "maker", maker_name(r->catalogue, d->who->best.maker),
			d->who->best.score);
	else if (maker == MAKER_UNKNOWN)
		fprintf(out, "  %-9s unknown\n", "maker");
	else
		fprintf(out, "  %-9s %s (%s), score %u%s\n", "maker", maker_name(r->catalogue, maker), maker_id(r->catalogue, maker),
			identity_score(d->who), identity_covered(d->who) ? ", COVERED" : "");
	if (platform != MAKER_UNKNOWN)
		fprintf(out, "  %-9s %s\n", "platform", maker_name(r->catalogue, platform));
}

static void
put_device(FILE *out, const struct vet_run *r, const struct vet_device *d)
{
	char text[ADDR_TEXT], hw[MAC_TEXT];
	const char *brand = declared(r, d), *label = identity_label(d->who, brand);

	fprintf(out, "%s%s%s\n", addr_print(&d->addr, text), d->has_mac ? "  " : "", d->has_mac ? mac_print(&d->mac, hw) : "");
	put_maker(out, r, d);
	put_fact(out, "label", label);
	if (identity_unmasked(d->who, r->catalogue, brand))
		fprintf(out, "  %-9s the label names somebody else\n", "UNMASKED");
	for (enum identity_fact f = 0; f < IDENTITY_FACTS; f++)
		if (f != IDENTITY_BRAND)
			put_fact(out, identity_fact_names[f], fact(d, f));
	if (d->n_spoken)
		fprintf(out, "  %-9s", "answered");
	for (size_t i = 0; i < d->n_spoken; i++)
		fprintf(out, " %s", d->spoken[i]);
	if (d->n_spoken)
		putc('\n', out);
	for (size_t i = 0; d->who && i < d->who->n; i++) {
		const struct evidence *ev = &d->who->rows[i];
		fprintf(out, "  %-9s %s %u%s %s: ", i ? "" : "evidence", maker_id(r->catalogue, ev->maker), ev->weight, ev->weak ? " weak" : "",
			evidence_channel_name(ev->channel));
		put_text(out, ev->excerpt);
		putc('\n', out);
	}
}

void
vet_print(const struct vet_run *r, FILE *out)
{
	for (size_t i = 0; i < r->n_devices; i++)
		put_device(out, r, &r->devices[i]);
	if (r->n_devices == 0)
		fprintf(stderr, "lenscap: nothing answered\n");
	if (r->outside)
		fprintf(stderr, "lenscap: %llu answers came from outside the camera zones and were not looked at\n", (unsigned long long)r->outside);
	if (r->spare)
		fprintf(stderr, "lenscap: more than %d devices answered; the rest was not looked at\n", VET_DEVICES);
}

static void
json_evidence(struct json *j, const struct catalogue *c, const struct evidence *ev)
{
	json_object(j, NULL);
	json_str(j, "maker", maker_id(c, ev->maker));
	json_str(j, "channel", evidence_channel_name(ev->channel));
	json_uint(j, "weight", ev->weight);
	json_bool(j, "weak", ev->weak);
	json_bool(j, "answered", ev->answered);
	json_str(j, "pattern", ev->pattern);
	json_str(j, "excerpt", ev->excerpt);
	json_object_end(j);
}

static void
json_identity(struct json *j, const struct vet_run *r, const struct vet_device *d)
{
	const char *brand = declared(r, d);
	uint16_t maker = identity_maker(d->who);

	json_str(j, "maker", maker_id(r->catalogue, maker));
	json_str(j, "maker_name", maker_name(r->catalogue, maker));
	json_uint(j, "score", identity_score(d->who));
	json_bool(j, "covered", identity_covered(d->who));
	json_str(j, "platform", maker_id(r->catalogue, identity_platform(d->who)));
	json_str(j, "label", identity_label(d->who, brand));
	json_bool(j, "unmasked", identity_unmasked(d->who, r->catalogue, brand));
	for (enum identity_fact f = 0; f < IDENTITY_FACTS; f++)
		json_str(j, identity_fact_names[f], fact(d, f));
	json_array(j, "evidence");
	for (size_t i = 0; d->who && i < d->who->n; i++)
		json_evidence(j, r->catalogue, &d->who->rows[i]);
	json_array_end(j);
}

static void
json_device(struct json *j, const struct vet_run *r, const struct vet_device *d)
{
	char text[ADDR_TEXT], hw[MAC_TEXT];

	json_object(j, NULL);
	json_str(j, "address", addr_print(&d->addr, text));
	json_str(j, "mac", d->has_mac ? mac_print(&d->mac, hw) : "");
	json_identity(j, r, d);
	json_array(j, "answered");
	for (size_t i = 0; i < d->n_spoken; i++)
		json_str(j, NULL, d->spoken[i]);
	json_array_end(j);
	json_object_end(j);
}

bool
vet_print_json(const struct vet_run *r, FILE *out)
{
	char *buf = malloc(JSON_BYTES);
	struct json j;

	if (!buf)
		return false;
	json_init(&j, buf, JSON_BYTES);
	json_object(&j, NULL);
	json_array(&j, "devices");
	for (size_t i = 0; i < r->n_devices; i++)
		json_device(&j, r, &r->devices[i]);
	json_array_end(&j);
	json_uint(&j, "outside", r->outside);
	json_uint(&j, "not_looked_at", r->spare);
	json_object_end(&j);
	bool ok = json_line(&j) && fwrite(j.buf, 1, j.len, out) == j.len && fflush(out) == 0;
	free(buf);
	if (!ok)
		fprintf(stderr, "lenscap: cannot write what was found\n");
	return ok;
}
