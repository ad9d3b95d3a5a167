/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who made this device, whatever its label says. Evidence is kept row by row, and judged by the rules of lenscap-catalogue(5),
 * JUDGEMENT: per maker the strongest row of each family counts, and families add up as independent witnesses do.
 *
 * The hardware's maker, the label, and the platform inside (a chip's or a cloud's, which makes no cameras) are three facts.
 *
 * Memory: one identity a device that has said anything, IDENTITY_EVIDENCE rows of fixed size at most; it grows when evidence is new, never
 * for each packet.
 */
#ifndef LENSCAP_IDENTITY_H
#define LENSCAP_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "catalogue.h"
#include "cursor.h"

struct app;
struct device;
struct engine;
struct flow;
struct packet;
struct probe_input;

/* Witnesses that do not copy from one another. What is no family's is nobody's evidence. */
enum family {
	FAMILY_ANNOUNCEMENT, /* SADP, DHIP, WS-Discovery, SSDP, mDNS and their like: what it tells the link of itself */
	FAMILY_HTTP,
	FAMILY_RTSP,
	FAMILY_TLS,	/* its certificate */
	FAMILY_BANNER,	/* SIP, FTP, Telnet, SNMP, SSH */
	FAMILY_SDK,	/* a vendor's own protocol */
	FAMILY_DHCP,
	FAMILY_CLOUD,	/* hint: names asked for, clouds talked to, ports and addresses that factories set */
	FAMILY_OUI,	/* hint: who bought this block of MACs */
	FAMILIES
};

enum {
	IDENTITY_EVIDENCE = 24,	  /* rows of one device */
	IDENTITY_TEXT = 48,	  /* model, firmware, serial number, label, host name */
	IDENTITY_CLOUDS = 12,	  /* clouds of one device whose contact is remembered */
	IDENTITY_ADDRESSES = 4,	  /* addresses used lately */
	EVIDENCE_PATTERN = 48,
	EVIDENCE_EXCERPT = 80,
	SCORE_DECIDES = 70,	  /* and no less */
	SCORE_HINTS = 60,	  /* what behaviour and OUI reach together at most */
	SCORE_CONTRADICTS = 40,	  /* another maker is shown from here on */
	WEIGHT_STRONG = 70,	  /* a row that may decide alone, when the device itself gave the answer */
};

/* Evidence that is no text of a fingerprint; goes on where enum channel ends. */
enum { EVIDENCE_OUI = CHANNELS, EVIDENCE_CLOUD, EVIDENCE_LABEL, EVIDENCE_CHANNELS };

/* How the pattern of a row begins that is about a MAC which the device announced; its excerpt begins with that MAC. */
#define IDENTITY_ANNOUNCED "announced "

struct evidence {
	int64_t first_us, last_us;
	int64_t told_us;   /* to the store, last */
	uint64_t flow;	   /* that showed it first, by the number that records know it by; 0: an announcement, or no flow's */
	uint32_t times;
	uint16_t maker;	   /* index in the catalogue */
	uint8_t channel;   /* enum channel, or EVIDENCE_* */
	uint8_t weight;	   /* 1 to 99, in percent */
	bool answered;	   /* the device said it itself; else it is what it does, or what somebody wants of it */
	bool weak;	   /* never strong, whatever its weight */
	char pattern[EVIDENCE_PATTERN]; /* the catalogue's row */
	char excerpt[EVIDENCE_EXCERPT]; /* what was seen: bytes as they were, cut; writers escape */
};

/* Facts that a device tells of itself. */
enum identity_fact { IDENTITY_MODEL, IDENTITY_FIRMWARE, IDENTITY_SERIAL, IDENTITY_UID, IDENTITY_BRAND, IDENTITY_HOST, IDENTITY_FACTS };

/* What a new row changed. */
enum identity_news {
	NEWS_EVIDENCE = 1 << 0, /* a row that was not there */
	NEWS_MAKER = 1 << 1,	/* another maker is decided than before, or one at all */
	NEWS_COVERED = 1 << 2,	/* covered from now on */
	NEWS_CHANGED = 1 << 3,	/* it was one maker's, and now it is another's; or its serial number is another one */
	NEWS_FACT = 1 << 4,
	NEWS_SERIAL = 1 << 5,	/* a serial number that was not there */
	NEWS_SECOND = 1 << 6,	/* a maker was decided before, and enough for another one speaks beside it from now on */
};

/* How one maker stands. */
struct standing {
	uint16_t group; /* the maker, or whom it belongs to; MAKER_UNKNOWN: nobody */
	uint16_t maker; /* of the group: the one that most speaks for */
	uint8_t score;
	uint8_t families; /* how many speak for it */
	bool strong;	  /* by an answer of its own that may decide alone */
	bool decides;
};

struct identity {
	struct evidence *rows;
	uint8_t n, room;
	uint16_t news;		     /* enum identity_news that nobody was told of yet */
	struct standing best, second, platform;
	uint16_t decided, decided_group; /* the maker, and whom it belongs to; MAKER_UNKNOWN */
	bool covered;
	bool unmask_told;
	uint32_t lost;		     /* rows that found no room */
	int64_t change_told_us;
	bool has_mac;			     /* it is known by its address, and said which MAC it has */
	struct mac mac;
	int64_t mac_us;			     /* when it said so last */
	char fact[IDENTITY_FACTS][IDENTITY_TEXT];
	struct cloud_contact {
		uint16_t cloud;
		bool refused;
		int64_t told_us;
	} clouds[IDENTITY_CLOUDS];
	uint8_t n_clouds;
};

extern const char *const identity_fact_names[IDENTITY_FACTS]; /* "model", "firmware", … */
const char *family_name(enum family f);
/* FAMILIES: its rows are kept and count for nothing. */
enum family evidence_family(const struct evidence *ev);
/* "http-server", "oui" …; "" for what is none. */
const char *evidence_channel_name(unsigned channel);
/* The reverse; EVIDENCE_CHANNELS: none. */
unsigned evidence_channel(const char *name);
/* What stands in this channel was said by the device; else it is what it does, or what somebody wants of it. */
bool channel_answers(unsigned channel);

/* NULL: no memory. */
struct identity *identity_new(void);
void identity_free(struct identity *w);

/*
 * Adds one row, or refreshes the row of that maker, channel and pattern, and judges. Returns enum identity_news bits, which are also left in
 * w->news. When all rows are used, the one that tells least makes room for one that tells more: a row that a stronger one of its family repeats
 * goes first, then one of a maker that is not covered, then the weakest. So nobody hides a covered maker behind many words about others.
 */
unsigned identity_add(struct identity *w, const struct catalogue *c, const struct evidence *ev);
/* The row of the same maker, channel and pattern; NULL: there is none. w may be NULL. */
struct evidence *identity_row(struct identity *w, const struct evidence *ev);
/* Remembers a fact; the newest one stays. A serial number that differs from the one before is NEWS_CHANGED. */
unsigned identity_learn(struct identity *w, enum identity_fact fact, struct span value);
/* Judges all rows. Returns news. */
unsigned identity_judge(struct identity *w, const struct catalogue *c);
/* The catalogue is another one: finds every maker of `before` in c by its id, and judges. A row whose maker is gone goes with it. */
void identity_rebase(struct identity *w, const struct catalogue *before, const struct catalogue *c);

/* w may be NULL: nothing is known. */
uint16_t identity_maker(const struct identity *w);
uint8_t identity_score(const struct identity *w);
uint16_t identity_platform(const struct identity *w);
/* Its maker is covered, or another one that its evidence would decide for as well: who shows two faces is not trusted for the better one. */
bool identity_covered(const struct identity *w);
/* A maker is decided, and the label (declared, or if there is none, announced) names somebody else. declared may be "" or NULL. */
bool identity_unmasked(const struct identity *w, const struct catalogue *c, const char *declared);
/* This label is a name of the maker's own, or of its group's. */
bool label_names(const struct catalogue *c, uint16_t maker, const char *label);
/* The label that identity_unmasked() looks at; "" when there is none. */
const char *identity_label(const struct identity *w, const char *declared);

/* observe.c: from what was seen to evidence. */

/* A flow's bytes, as the probes read them. True while what the device has still to answer may tell more. */
bool observe_bytes(struct engine *e, struct flow *f, const struct app *app, const struct probe_input *in);
/* One datagram that this device sent to the link; app: what the probes said of it, app->protocol may be NULL. */
void observe_announcement(struct engine *e, struct device *d, const struct packet *p, const struct app *app);
/*
 * A frame of this device that is not IP: LLDP, or a maker's own. The kernel's packet log never shows these to a live engine; a capture does.
 */
void observe_frame(struct engine *e, struct device *d, uint16_t ethertype, struct span payload);
/* A name that the device asked for: of a DNS question or in a ClientHello. */
void observe_name(struct engine *e, struct device *d, const char *name);
/* A device was seen for the first time: its MAC is evidence. f: the flow that showed it; NULL: an announcement. */
void observe_device(struct engine *e, struct device *d, const struct flow *f);
/* Whose cloud the flow talks to, now that it is decided. */
void observe_contact(struct engine *e, struct flow *f);
/* Tells what is new of this device. f: the flow that showed it; NULL: an announcement. */
void observe_tell(struct engine *e, struct device *d, const struct flow *f);

/* Whether one more flow of this device is worth looking at for this alone; takes it from its budget. */
bool observe_wants(struct engine *e, struct device *d);
/* Something of that budget is left. */
bool observe_looks(const struct engine *e, const struct device *d);
/* The inventory of earlier runs is there: what it says was told then. */
void observe_restored(struct engine *e);
/* The device's cache of facts must follow a new catalogue. before may be freed afterwards. */
void observe_rebase(struct engine *e, const struct catalogue *before);

#endif
