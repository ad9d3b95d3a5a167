/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manufacturer's usage description (RFC 8520), as rules about connections. The file speaks of packets and has one list for each way; a policy
 * speaks of who opens a connection, and the answers belong to it. So an entry of from-device-policy is a connection of the device or the answers
 * to one that was opened towards it, and the other way round; what is neither is refused, and never read more widely.
 *
 * mud_read.c reads the file, mud_match.c what one entry matches, mud_import.c writes rules, mud_export.c writes such a file from history.
 */
#ifndef LENSCAP_MUD_H
#define LENSCAP_MUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	MUD_BYTES_MAX = 1 << 20, /* of a file */
	MUD_DEPTH_MAX = 24,	 /* an entry's ports are 12 deep */
	MUD_ACLS_MAX = 128,
	MUD_ENTRIES_MAX = 1000, /* of all lists that apply; each may become a rule */
	MUD_PLACES_MAX = 64,	/* --map */
	MUD_FAULTS_MAX = 20,	/* that are printed; all are counted */
	MUD_PATH = 256,
	MUD_DAYS = 30,
	MUD_DAYS_MAX = 3650,
};

#define MUD_DNS "urn:ietf:params:mud:dns"
#define MUD_NTP "urn:ietf:params:mud:ntp"

struct cli;
struct json_object;
struct lesson;

enum mud_action { MUD_ACCEPT, MUD_DROP, MUD_REJECT };

/* Where the far side stands, in words of RFC 8520 section 8 that only the owner of the network can fill. */
enum mud_place { MUD_ANYWHERE, MUD_LOCAL, MUD_CONTROLLER, MUD_MY_CONTROLLER, MUD_SAME_MANUFACTURER, MUD_MANUFACTURER, MUD_MODEL, MUD_PLACES };

struct mud_range {
	uint16_t from, to;
};

/* Ports as written: n 0: any. */
struct mud_ports {
	struct mud_range list[2];
	uint8_t n;
};

/* One entry (ACE). Texts belong to the file. */
struct mud_entry {
	const char *acl, *ace;	     /* names, for remarks: any bytes */
	size_t acl_at, ace_at;	     /* where it stands */
	bool to_device;		     /* in to-device-policy */
	bool answers;		     /* it lets the answers of connections pass that the other side opens */
	bool used;		     /* answers: a connection was found for them; else: an equal entry of the other IP version says it too */
	bool has_initiated, initiated_to_device;
	bool log, v4, v6;
	enum mud_action action;
	enum mud_place place;
	const char *place_value;     /* of controller, manufacturer and model */
	const char *far_name, *far_network, *near_network; /* NULL: any */
	int proto;		     /* -1: any */
	struct mud_ports ports;	     /* the port that was opened, on whichever side */
	/* While it is read. */
	const char *src_name, *dst_name, *src_network, *dst_network;
	struct mud_ports src_ports, dst_ports;
	int l4;
};

struct mud_fault {
	char path[MUD_PATH], text[256];
	bool left_out; /* only this entry is missing, and the answer is narrower for it */
};

struct mud {
	struct json_object *root;
	const char *url, *last_update, *systeminfo, *mfg, *model;
	bool supported;
	struct mud_entry *entries;
	size_t n_entries;
	struct mud_fault faults[MUD_FAULTS_MAX], remarks[MUD_FAULTS_MAX];
	size_t n_faults, n_remarks; /* may be more than are kept */
	bool partial; /* entries that allow and cannot be said are left out */
	bool left_out_now;
};

/* What the owner says of a place: --map WHAT=WHERE. */
struct mud_map {
	const char *what;
	const char *where; /* addresses, networks and names of zones, with commas */
};

struct mud_import {
	const char *device, *zone; /* NULL: not said */
	struct mud_map maps[MUD_PLACES_MAX];
	size_t n_maps;
	bool partial;
};

/*
 * Reads a description from text. False: m->faults say what is wrong, each with the place in the file (RFC 6901). mud_free() in either case.
 * partial: see struct mud.
 */
bool mud_read(struct mud *m, const char *text, size_t len, bool partial);
void mud_free(struct mud *m);
/* Reads what an entry matches into e. False: a fault was noted. `at` is the path of its "matches". */
bool mud_match(struct mud *m, struct mud_entry *e, struct json_object *matches, const char *at);
/* Notes a fault at path/leaf. Always false. */
__attribute__((format(printf, 4, 5))) bool mud_fault(struct mud *m, const char *path, const char *leaf, const char *format, ...);
__attribute__((format(printf, 4, 5))) void mud_remark(struct mud *m, const char *path, const char *leaf, const char *format, ...);
/* A text without the prefix of a module that we know. */
const char *mud_bare(const char *key);

/* The word of a place in the file: "local-networks" …; it is also what --map calls those without a value. */
const char *mud_place_name(enum mud_place p);
/* Splits "WHAT=WHERE"; false: it is not one. The texts stay in `text`. */
bool mud_map_add(struct mud_import *how, char *text);
/*
 * The rules, as a file for policy.d. False: m->faults say what they lack, and what was written is of no use.
 */
bool mud_write_rules(struct mud *m, const struct mud_import *how, FILE *out);
/* Whether a policy takes it as the name of a device or zone. */
bool mud_name_fits(const char *name);

/* The description of what one device did: json_object_put() it. NULL: memory is short. url, last_update: as they stand in it. */
struct json_object *mud_describe(struct lesson *l, const char *url, const char *last_update, FILE *told);

#endif
