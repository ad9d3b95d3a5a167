/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine and the store say to each other, and the store itself: the process that keeps inventory and history in a database, so that
 * neither a slow disk nor a broken file is ever in a packet's way.
 *
 * A SOCK_SEQPACKET pair, host byte order, both ends of one build. A datagram holds one or more records, each with struct store_head at its
 * start and a length that is a multiple of 8. Behind the fixed part of some types stand texts, each with its NUL: as many as the type says.
 * What the engine says comes from hostile bytes, and what the store says from a file that may be damaged: both ends check every record with
 * store_next(), count what makes no sense and go on.
 *
 *	engine → store				store → engine
 *	ST_HELLO	first record		ST_DEVICE	the inventory, if the hello asked for it
 *	ST_DEVICE	made or changed		ST_EVIDENCE	behind the device it belongs to
 *	ST_EVIDENCE	seen (again)		ST_LOADED	that was all of it
 *	ST_FLOW		ended or refused	ST_STATE	how the database does, when that changes
 *	ST_EVENT	somebody did something	ST_ROW		one row of an answer, as JSON
 *	ST_FORGET	a device, with all	ST_PAUSE	that is a piece; ST_NEXT brings the next one
 *	ST_QUERY	rows, please		ST_DONE		that was the last piece, or why there is none
 *	ST_NEXT, ST_CANCEL
 */
#ifndef LENSCAP_STORE_H
#define LENSCAP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

enum {
	STORE_VERSION = 1,
	STORE_MAX = 32768,	   /* bytes of one datagram */
	STORE_QUERIES = 8,	   /* at a time */
	STORE_ROWS = 100000,	   /* of one answer, where the question has no limit; and the most that it may ask for */
	STORE_ROW_BYTES = 16384,   /* of one row's JSON */
	STORE_TEXTS = 20,	   /* of one record */
	STORE_NAME = 64,	   /* bytes of a name, its NUL included */
	STORE_FACTS = 6,
	STORE_FACT = 48,	   /* bytes of one */
	STORE_EVIDENCE_DEVICE = 64, /* rows of evidence kept a device */
	STORE_EVIDENCE_LOAD = 24,  /* of these, the newest, that the engine gets back */
	STORE_DESTINATIONS = 1024, /* kept a device */
	STORE_EVENTS = 10000,
	STORE_FLOWS = 200000,	   /* single flows, by their number */
};

enum store_type {
	ST_HELLO = 1,
	ST_DEVICE,
	ST_EVIDENCE,
	ST_FLOW,
	ST_EVENT,
	ST_FORGET,
	ST_QUERY,
	ST_NEXT,
	ST_CANCEL,
	ST_LOADED = 64,
	ST_STATE,
	ST_ROW,
	ST_PAUSE,
	ST_DONE,
	ST_TYPES
};

struct store_head {
	uint16_t type, len; /* len: of the whole record, a multiple of 8 */
	uint32_t ticket;    /* of a question; else 0 */
};

/* Who: as the device table tells devices apart. Zones by name, because their numbers are a policy's. */
struct store_key {
	struct addr addr; /* identity where by_address, else the address last used */
	struct mac mac;	  /* all zero where by_address */
	uint8_t by_address, pad;
	char zone[STORE_NAME];
};

struct store_hello {
	struct store_head head;
	uint32_t version;
	uint32_t boot;	      /* of this gate process */
	uint32_t restarts;    /* engines before this one */
	uint32_t devices;     /* most rows of the inventory */
	uint32_t days;	      /* of history; 0: no history is kept */
	uint32_t wants;	      /* 1: the inventory */
	uint64_t bytes;	      /* of the database file */
	int64_t time_us;
	/* texts: version of the program, id of the policy */
};

struct store_device {
	struct store_head head;
	struct store_key key;
	char name[STORE_NAME];	 /* as people read it; from the policy, else the MAC or the address */
	char label[STORE_NAME]; /* that an operator gave at run time; "" none */
	char maker[STORE_NAME]; /* id of the maker it was taken for; "" none */
	char fact[STORE_FACTS][STORE_FACT]; /* that it told of itself: model, firmware, serial, uid, brand, host */
	uint8_t score, covered, unmasked, in_policy;
	uint8_t pad[4];
	int64_t first_us, last_us;
	uint64_t flows_seen, flows_blocked;
};

/* One observation that says who made a device. Maker, channel and pattern are its identity: seen again, it only counts. */
struct store_evidence {
	struct store_head head;
	struct store_key key;
	char channel[32];
	char maker[STORE_NAME];
	char pattern[48];
	char excerpt[80]; /* what was seen */
	uint8_t weight, weak, answered, pad;
	uint32_t times;
	int64_t first_us, last_us;
	uint64_t flow; /* that showed it first; 0: none */
};

/* The texts of ST_FLOW, in this order. */
enum store_flow_text {
	FLOW_TEXT_DEVICE,
	FLOW_TEXT_APP_PROTO,
	FLOW_TEXT_NAME,
	FLOW_TEXT_NAME_FROM,
	FLOW_TEXT_COUNTRY,
	FLOW_TEXT_AS_NAME,
	FLOW_TEXT_SPECIAL,
	FLOW_TEXT_REMOTE_ZONE,
	FLOW_TEXT_DECISION,
	FLOW_TEXT_WOULD,
	FLOW_TEXT_RULE,
	FLOW_TEXT_RULE_FILE,
	FLOW_TEXT_POLICY,
	FLOW_TEXT_REASON,
	FLOW_TEXT_BOUND,  /* names apart by a space; a name holds none */
	FLOW_TEXT_CLOUDS, /* ids apart by a space */
	FLOW_TEXT_QUERY,  /* the name that is asked for: this is a DNS question, and its connection is told by itself */
	FLOW_TEXT_REGISTERED,
	FLOW_TEXT_CONTINENT,
	FLOW_TEXTS
};

struct store_flow {
	struct store_head head;
	struct store_key key;
	uint64_t id;
	int64_t first_us, last_us;
	uint64_t flows; /* how many are told together */
	uint64_t packets, bytes_toserver, bytes_toclient;
	struct addr local, remote;
	uint32_t asn, rule_line;
	uint16_t src_port, dest_port; /* of who opened it, and of what it was opened to */
	uint8_t proto, inbound, anycast, ech, proved, end;
	uint8_t pad[6];
};

struct store_event {
	struct store_head head;
	int64_t time_us;
	/* texts: kind, who, text */
};

struct store_forget {
	struct store_head head;
	struct store_key key;
};

struct store_query {
	struct store_head head;
	int64_t since_s, until_s; /* until_s 0: now */
	uint64_t id;		  /* of a flow; 0: any */
	uint32_t limit;		  /* 0: STORE_ROWS */
	uint8_t blocked, pad[3];
	char kind[24];
	char device[STORE_NAME]; /* name, MAC or address; "" all */
};

struct store_state {
	struct store_head head;
	uint64_t dropped; /* records that the database did not take, since the store started */
	uint64_t refused; /* records that made no sense */
	uint64_t bytes;	  /* of the database file */
	char text[200];	  /* what is wrong; "" nothing */
};

struct store_done {
	struct store_head head;
	uint32_t ok, rows;
	char text[120]; /* why not */
};

/* Where one walks over a datagram. */
struct store_walk {
	const uint8_t *at;
	size_t left;
	uint64_t refused; /* records and rests that made no sense */
	const char *text[STORE_TEXTS];
	size_t n_texts;
	union {
		struct store_head head;
		uint64_t align[STORE_MAX / 8];
	} record;
};

/* Begins with a datagram; the bytes stay the caller's. */
void store_walk(struct store_walk *w, const void *datagram, size_t len);
/*
 * The next record that makes sense: its length is what its type says, and every array of char holds a NUL. Valid until the next call, texts
 * included; NULL at the end.
 */
const struct store_head *store_next(struct store_walk *w);

/*
 * Writes one record into buf: the fixed part (head.type set, fixed bytes long) and the texts that its type asks for, each cut to 255 bytes
 * (ST_ROW: to what fits). Returns its length, 0 when it does not fit; head.len is written by this.
 */
size_t store_put(void *buf, size_t cap, const void *fixed, size_t fixed_len, const char *const *texts, size_t n_texts);

/* "aa:bb:…/zone" or "10.0.0.1/zone": one text for one device. */
enum { STORE_KEY_TEXT = ADDR_TEXT + STORE_NAME + 1 };
const char *store_key_text(const struct store_key *k, char out[STORE_KEY_TEXT]);

/* The process: until the channel closes. Returns the exit code. */
int store_main(const char *state_dir, int channel, bool sandbox);

#endif
