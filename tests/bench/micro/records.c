/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as lines of JSON, time and bytes by type, and the catalogue's questions. */
#include "micro.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "catalogue.h"
#include "diag.h"
#include "names.h"
#include "probe.h"
#include "record.h"

enum { RECORDS = 8192, QUESTIONS = 65536 };

/* A record and all that it points to. */
struct told {
	struct record r;
	struct record_flow flow;
	struct record_device device;
	struct record_decision decision;
	struct place place;
	struct addr remote;
	char name[64];
};

struct telling {
	struct told *all;
	struct app app;
	struct dns_message dns;
	struct stats stats;
	struct rule_info rule;
	uint64_t random;
};

static void
fill(struct telling *t, struct told *x, uint32_t i, uint32_t type)
{
	static const char *const groups[] = {"dock", "outdoor"};

	snprintf(x->name, sizeof x->name, "h%u.cloud.vendor.example", i);
	x->flow = (struct record_flow){.id = 1676750115612680 + i, .tuple = micro_tuple(i), .packets_toserver = 12 + i, .packets_toclient = 30,
				       .bytes_toserver = 1790, .bytes_toclient = 40213, .exact = true, .start_us = 1795412400123456 + i,
				       .end_us = 1795412465000000 + i, .state = "closed", .end = FLOW_END_CLOSED};
	x->device = (struct record_device){.name = "cam-dock-3", .vendor = "LTS", .groups = groups, .n_groups = 2, .zone = "cameras", .known = true,
					   .mac = {{0x44, 0x19, 0xb6, 0, (uint8_t)(i >> 8), (uint8_t)i}}, .identified = true, .covered = true, .score = 92,
					   .maker = "hikvision", .platform = "", .model = "DS-2CD2042WD-I", .firmware = "V5.4.5", .serial = "123456789",
					   .label = "LTS"};
	x->decision = (struct record_decision){.decision = DECISION_BLOCK, .would = DECISION_BLOCK, .mode = MODE_ENFORCE, .rule = &t->rule,
					       .policy_id = "9f2c41aa00bb", .reason = "never blocks at /etc/lenscap/lenscap.yaml:28"};
	x->place = (struct place){.country = "CN", .registered = "CN", .continent = "AS", .asn = 64500, .country_source = 3, .asn_source = 3};
	x->remote = micro_v4(0xcb007100 + i);
	x->r = (struct record){.type = type, .wall_us = 1795412465000000 + i, .in_iface = "cam0", .host = "gw-042", .flow = &x->flow,
			       .device = &x->device, .decision = &x->decision, .place = &x->place, .remote = &x->remote,
			       .place_source = "location 2026-11-19", .asn_source = "location 2026-11-19", .as_name = "Example Net",
			       .app_proto = "tls", .dest_name = x->name, .dest_name_from = "sni", .ja4 = t->app.ja4, .app = &t->app, .dns = &t->dns,
			       .anomaly = ANOMALY_STREAM, .anomaly_event = "stream.overlap_other_data", .signature_id = 1900417, .level = ALERT_HIGH,
			       .category = "Potential Corporate Privacy Violation", .drop = DROP_TRUNCATED, .packet_len = 60, .stats = &t->stats,
			       .gap_s = -1};
}

static void *
open_records(size_t type)
{
	struct telling *t = micro_alloc(1, sizeof *t);

	t->random = 1;
	t->rule = (struct rule_info){.name = "never", .file = "/etc/lenscap/lenscap.yaml", .line = 28, .action = ACTION_BLOCK, .mode = MODE_ENFORCE,
				     .alert = ALERT_HIGH, .signature_id = 1900417};
	t->app = (struct app){.protocol = "tls", .has_name = true, .name = "cloud.vendor.example", .encrypted = true, .tls_version = 0x0304,
			      .quic_version = 1, .n_alpn = 2, .alpn = {"h2", "http/1.1"}, .ja4 = "t13d1516h2_8daaf6152771_b186095e22b6",
			      .http_method = "GET", .http_path = "/api/v1/devices", .http_user_agent = "curl/7.88", .http_status = 200};
	t->dns = (struct dns_message){.id = 0x1f2e, .flags = 0x8180, .response = true, .questions = 1, .answers = 2, .query = "p2p.vendor.example",
				      .query_type = DNS_TYPE_A, .query_class = 1, .query_len = 20, .n = 2};
	for (unsigned i = 0; i < t->dns.n; i++) {
		strcpy(t->dns.record[i].name, t->dns.query);
		t->dns.record[i].type = DNS_TYPE_A;
		t->dns.record[i].class = 1;
		t->dns.record[i].ttl = 300;
		t->dns.record[i].addr = micro_v4(0xcb007101 + i);
	}
	t->all = micro_alloc(RECORDS, sizeof *t->all);
	for (uint32_t i = 0; i < RECORDS; i++)
		fill(t, &t->all[i], i, 1u << type);
	return t;
}

static void
print(void *state, size_t n)
{
	struct telling *t = state;
	char line[RECORD_BYTES];

	while (n--) {
		size_t len = record_print(&t->all[micro_random(&t->random) % RECORDS].r, line, sizeof line);
		MICRO_CHECK(len);
		micro_sink += len;
	}
}

static double
line_bytes(void *state)
{
	struct telling *t = state;
	char line[RECORD_BYTES];
	double all = 0;

	for (size_t i = 0; i < RECORDS; i++)
		all += (double)record_print(&t->all[i].r, line, sizeof line);
	return all / RECORDS;
}

/* ---- the catalogue ---- */

struct asking {
	struct catalogue *c;
	struct mac *macs;
	char (*names)[48];
	uint64_t random;
};

static void *
open_catalogue(size_t n)
{
	struct asking *a = micro_alloc(1, sizeof *a);
	struct bundle *b = bundle_from_text("bench.yaml", "version: 1\n", 11);
	struct diags diags = {0};
	const struct oui_row *rows;
	char *file = NULL;

	micro_absent = "config/catalogue is not here: run from the top of the tree";
	MICRO_CHECK(b);
	if (!bundle_add_data_from(b, "config/catalogue", &file) || b->n_data == 0)
		return NULL;
	a->c = catalogue_new(b, &diags);
	MICRO_CHECK(a->c && catalogue_rows(a->c) > 100);
	size_t ouis = catalogue_ouis(a->c, &rows);
	a->random = 1;
	a->macs = micro_alloc(n, sizeof *a->macs);
	a->names = micro_alloc(n, sizeof *a->names);
	for (size_t i = 0; i < n; i++) {
		a->macs[i] = rows[micro_random(&a->random) % ouis].prefix;
		a->macs[i].b[5] = (uint8_t)i;
		snprintf(a->names[i], sizeof a->names[i], "h%zu.%s", i, i % 2 ? "hik-connect.com" : "cloud.vendor.example");
	}
	return a;
}

static void
oui(void *state, size_t n)
{
	struct asking *a = state;

	while (n--)
		micro_sink += catalogue_oui(a->c, &a->macs[micro_random(&a->random) % QUESTIONS]) != NULL;
}

static void
cloud(void *state, size_t n)
{
	struct asking *a = state;
	struct cloud_answer answers[4];

	while (n--) {
		size_t i = micro_random(&a->random) % QUESTIONS;
		const char *names[] = {a->names[i]};
		const struct cloud_question q = {.names = names, .n_names = 1, .protocol = "tls", .proto = IPPROTO_TCP, .port = 443,
						 .asn = (uint32_t)i, .remote = micro_v4(0xcb000000 + (uint32_t)i)};
		micro_sink += catalogue_clouds_of(a->c, &q, answers, 4);
	}
}

static void
match(void *state, size_t n)
{
	struct asking *a = state;

	while (n--) {
		const char *name = a->names[micro_random(&a->random) % QUESTIONS];
		micro_sink += catalogue_match(a->c, CHANNEL_DNS, (struct span){(const uint8_t *)name, strlen(name)}, NULL, NULL);
	}
}

#define PRINTED(text, bit) \
	{"records: print " text, NULL, 0, open_records, bit, print, NULL}, {"records: length of " text, "bytes", 0, open_records, bit, NULL, line_bytes}

const struct micro_case record_cases[] = {
	PRINTED("alert", 0), PRINTED("flow", 1), PRINTED("drop", 2), PRINTED("stats", 3), PRINTED("anomaly", 4),
	PRINTED("dns", 5), PRINTED("tls", 6), PRINTED("http", 7), PRINTED("quic", 8),
	{"catalogue: owner of a MAC", NULL, 0, open_catalogue, QUESTIONS, oui, NULL},
	{"catalogue: cloud of a far side", NULL, 0, open_catalogue, QUESTIONS, cloud, NULL},
	{"catalogue: fingerprints of a DNS name", NULL, 0, open_catalogue, QUESTIONS, match, NULL},
};
const size_t record_cases_n = sizeof record_cases / sizeof *record_cases;
