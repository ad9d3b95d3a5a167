/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All of a proposed policy but its rules: as the policy in force has it, with the devices that were seen added. */
#include <string.h>
#include <syslog.h>

#include "../daemon/policy/options.h"
#include "learn.h"
#include "policy.h"
#include "record.h"

static const char *const facilities[] = {"kern",  "user",	"mail", "daemon", "auth",   "syslog", "lpr",	"news",	  "uucp",   "cron",   "authpriv", "ftp",
					 [16] = "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"};

static void
write_zone(FILE *out, const struct policy_zone *z)
{
	char text[PREFIX_TEXT];

	fprintf(out, "  ");
	yaml_quoted(out, z->name);
	fputs(": {", out);
	if (z->bridge) {
		fputs("bridge: ", out);
		yaml_quoted(out, z->bridge);
	}
	if (z->n_interfaces)
		fputs(z->bridge ? ", ports: [" : "interfaces: [", out);
	for (size_t i = 0; i < z->n_interfaces; i++) {
		fputs(i ? ", " : "", out);
		yaml_quoted(out, z->interfaces[i]);
	}
	if (z->n_interfaces)
		fputs("]", out);
	if (z->n_networks)
		fprintf(out, "%snetworks: [", z->n_interfaces ? ", " : "");
	for (size_t i = 0; i < z->n_networks; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", prefix_print(&z->networks[i], text));
	if (z->n_networks)
		fputs("]", out);
	fprintf(out, "%s}\n", z->by_address ? ", identify-by: address" : "");
}

static void
write_device(FILE *out, const struct policy_device *d)
{
	char text[PREFIX_TEXT];

	fputs("  - {name: ", out);
	yaml_quoted(out, d->name);
	if (d->has_mac)
		fprintf(out, ", mac: \"%s\"", mac_print(&d->mac, text));
	if (d->n_addresses)
		fputs(", address: [", out);
	for (size_t i = 0; i < d->n_addresses; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", addr_print(&d->addresses[i], text));
	if (d->n_addresses)
		fputs("]", out);
	if (*d->brand) {
		fputs(", brand: ", out);
		yaml_quoted(out, d->brand);
	}
	if (d->n_groups)
		fputs(", groups: [", out);
	for (size_t i = 0; i < d->n_groups; i++) {
		fputs(i ? ", " : "", out);
		yaml_quoted(out, d->groups[i]);
	}
	fprintf(out, "%s}\n", d->n_groups ? "]" : "");
}

static void
write_added(FILE *out, const struct learner *w)
{
	fputs(w->stranger ? "  # not in the inventory, and refused: - {name: " : "  - {name: ", out);
	yaml_quoted(out, w->name);
	fprintf(out, *w->mac ? ", mac: \"%s\"}" : ", address: [\"%s\"]}", *w->mac ? w->mac : w->addr);
	fputs(w->stranger ? "\n" : "   # seen, and not in the inventory: is it yours?\n", out);
}

/* A list that would hold nothing but remarks is left out. */
static void
write_devices(struct lesson *l, FILE *out)
{
	size_t n, entries;
	const struct policy_device *list = policy_devices(l->policy, &n);
	enum action unknown = policy_unknown_devices(l->policy);

	entries = n;
	for (size_t i = 0; i < l->n_learners; i++)
		entries += l->learners[i].added && !l->learners[i].stranger;
	if (unknown == ACTION_ALLOW && entries)
		unknown = ACTION_ALERT; /* once there is an inventory, strangers are worth a word */
	fprintf(out, "unknown-devices: %s\n%s", action_name(unknown), entries ? "devices:\n" : "# devices:\n");
	for (size_t i = 0; i < n; i++)
		write_device(out, &list[i]);
	for (size_t i = 0; i < l->n_learners; i++)
		if (l->learners[i].added)
			write_added(out, &l->learners[i]);
}

void
learn_write_head(struct lesson *l, FILE *out)
{
	size_t n;
	const struct policy_zone *zones = policy_zones(l->policy, &n);
	bool monitors = policy_mode(l->policy) == MODE_MONITOR;

	fprintf(out, "\nversion: 1\nmode: %s%s\nfail: %s\n\nzones:\n", mode_name(policy_mode(l->policy)),
		monitors ? "   # blocks nothing; \"mode: enforce\" does, once `lenscap diff` is quiet" : "",
		fail_name(policy_fail(l->policy)));
	for (size_t i = 0; i < n; i++)
		write_zone(out, &zones[i]);
	putc('\n', out);
	write_devices(l, out);
}

static void
write_paths(FILE *out, const char *key, const char *const *list, size_t n)
{
	if (n)
		fprintf(out, "  %s: [", key);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : "", out);
		yaml_quoted(out, list[i]);
	}
	if (n)
		fputs("]\n", out);
}

static void
write_geo(FILE *out, const struct geo_config *c)
{
	char text[PREFIX_TEXT];

	if (!c->n_country && !c->n_asn && !c->n_overrides)
		return;
	fputs("\ngeo:\n", out);
	write_paths(out, "country", c->country, c->n_country);
	write_paths(out, "asn", c->asn, c->n_asn);
	if (c->warn_older_s)
		fprintf(out, "  warn-older-than: %us\n", c->warn_older_s);
	if (c->n_overrides)
		fputs("  overrides:\n", out);
	for (size_t i = 0; i < c->n_overrides; i++) {
		const struct geo_override *o = &c->overrides[i];
		fprintf(out, "    - {network: \"%s\"", prefix_print(&o->network, text));
		if (o->country[0])
			fprintf(out, ", country: \"%s\"", o->country);
		if (o->has_asn)
			fprintf(out, ", asn: %u", o->asn);
		fputs("}\n", out);
	}
}

static void
write_output(FILE *out, const struct policy_output *o)
{
	static const char *const kinds[] = {[OUTPUT_EVE] = "eve", [OUTPUT_SYSLOG] = "syslog", [OUTPUT_STDOUT] = "stdout"};
	bool all = o->types == (1u << RECORD_TYPES) - 1, first = true;

	fprintf(out, "  - %s: {", kinds[o->kind]);
	if (o->kind == OUTPUT_EVE) {
		fputs("path: ", out);
		yaml_quoted(out, o->path);
		fputs(", ", out);
	}
	if (o->kind == OUTPUT_SYSLOG && o->facility < sizeof facilities / sizeof *facilities && facilities[o->facility])
		fprintf(out, "facility: %s, ", facilities[o->facility]);
	fprintf(out, "types: [%s", all ? "all" : "");
	for (size_t bit = 0; !all && bit < RECORD_TYPES; bit++)
		if (o->types & 1u << bit) {
			fprintf(out, "%s%s", first ? "" : ", ", record_type_name(bit));
			first = false;
		}
	fputs("]}\n", out);
}

static void
write_options(FILE *out, const struct policy_options *o)
{
	static const char *const units[] = {
		[OPTION_COUNT] = "", [OPTION_SECONDS] = "s", [OPTION_MILLISECONDS] = "ms", [OPTION_BYTES] = ""};
	size_t n;
	const struct option_row *rows = option_rows(&n);
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		uint32_t value;
		memcpy(&value, (const char *)o + rows[i].offset, sizeof value);
		if (value == rows[i].standard)
			continue;
		fprintf(out, "%s  %s: %u%s\n", any ? "" : "\noptions:\n", rows[i].key, value, units[rows[i].unit]);
		any = true;
	}
}

void
learn_write_tail(struct lesson *l, FILE *out)
{
	struct geo_config geo;
	size_t n;
	const struct policy_output *outputs = policy_outputs(l->policy, &n);

	policy_geo(l->policy, &geo);
	write_geo(out, &geo);
	if (n)
		fputs("\noutputs:\n", out);
	for (size_t i = 0; i < n; i++)
		write_output(out, &outputs[i]);
	write_options(out, policy_options(l->policy));
}
