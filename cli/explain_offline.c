/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap explain --policy: the same answer without a daemon. Nobody has seen the device then, and a name counts as proved. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explain_ask.h"
#include "cli.h"
#include "explain.h"
#include "geo.h"
#include "json.h"
#include "policy.h"
#include "policy_file.h"

/* The inventory's entry, and where it is. False: this is no device. */
static bool
find_device(const struct policy *p, const char *text, struct facts *f)
{
	size_t n, n_zones;
	struct mac mac;
	static const struct addr none;
	const struct policy_device *list = policy_devices(p, &n);
	const struct policy_zone *zones = policy_zones(p, &n_zones);
	bool means = true;
	f->device = DEVICE_UNKNOWN;
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, text) == 0)
			f->device = (uint16_t)i;
	if (f->device == DEVICE_UNKNOWN && mac_parse(text, &mac))
		f->device = policy_device_by_mac(p, &mac);
	else if (f->device == DEVICE_UNKNOWN && (means = addr_parse(text, &f->local)))
		f->device = policy_device_by_addr(p, &f->local);
	if (f->device < n && list[f->device].n_addresses && addr_cmp(&f->local, &none) == 0)
		f->local = list[f->device].addresses[0];
	f->zone = addr_cmp(&f->local, &none) != 0 ? policy_zone_by_addr(p, &f->local) : ZONE_NONE;
	for (size_t i = 0; f->zone == ZONE_NONE && i < n_zones; i++)
		if (zones[i].n_interfaces)
			f->zone = (uint8_t)i;
	return means;
}

/* NULL, or what is wrong with the question. */
static const char *
take_case(struct explain_case *c, const struct explain_args *a)
{
	struct facts *f = &c->facts;
	if (!find_device(c->policy, a->device, f))
		return "no such device in this policy";
	c->device = a->device;
	const char *error = explain_take_port(c, a);
	if (error)
		return error;
	f->known = FACT_PACKET | FACT_PLACE;
	f->wall_s = time(NULL);
	if (!addr_parse(a->dest, &f->remote)) {
		if (!explain_name(a->dest, c->dest_name))
			return "the destination is neither an address nor a host name";
		f->bound[f->n_bound++] = c->dest_name;
		f->remote_zone = ZONE_NONE;
		f->known &= ~(uint32_t)FACT_PLACE; /* nobody has said which address it has */
	} else {
		f->remote_zone = policy_far_zone_by_addr(c->policy, &f->remote);
		geo_lookup(c->geo, &f->remote, &f->place);
	}
	error = explain_take_words(c, a);
	if (!error && c->name[0] && (f->n_bound == 0 || strcmp(f->bound[0], c->name) != 0))
		f->bound[f->n_bound++] = c->name;
	return error;
}

static char *
answer(struct explain_case *c, size_t from)
{
	char *text = malloc(EXPLAIN_REPLY);
	struct json j;
	if (!text)
		return NULL;
	json_init(&j, text, EXPLAIN_REPLY);
	json_object(&j, NULL);
	explain_write(&j, c, from);
	json_object_end(&j);
	if (json_line(&j))
		return text;
	free(text);
	return NULL;
}

char *
explain_offline(const char *policy_path, const struct explain_args *a, int *ret_exit)
{
	struct explain_case c = {.policy = policy_from_file(policy_path, false, NULL), .offline = true};
	struct geo_config geo;
	char *text = NULL;
	*ret_exit = EXIT_NEGATIVE;
	if (!c.policy)
		return NULL;
	policy_geo(c.policy, &geo);
	geo.quiet = true; /* the answer names each database and its age */
	c.geo = geo_open(&geo, time(NULL));
	const char *error = c.geo ? take_case(&c, a) : "not enough memory";
	if (error) {
		fprintf(stderr, "lenscap: %s\n", error);
		*ret_exit = EXIT_USAGE;
	} else if (!(text = answer(&c, (size_t)a->from))) {
		fprintf(stderr, "lenscap: the answer is too long\n");
	}
	if (c.geo)
		geo_close(c.geo);
	policy_free((struct policy *)c.policy);
	return text;
}
