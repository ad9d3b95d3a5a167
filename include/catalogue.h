/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known about cameras in general: makers, their network addresses, their brands, their fingerprints and their clouds.
 *
 * Read from the files of a bundle (lenscap-catalogue(5)), constant afterwards, shared by reference count: a policy holds one. Every
 * text that is looked up may be hostile; no lookup walks all rows, allocates (but for regular expressions) or fails.
 */
#ifndef LENSCAP_CATALOGUE_H
#define LENSCAP_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "cursor.h"

struct bundle;
struct catalogue;
struct diags;

enum {
	MAKER_UNKNOWN = 0xffff,
	CLOUD_NONE = 0xffff,
	CATALOGUE_MAKERS_MAX = 4096,
	CATALOGUE_OUI_MAX = 131072,
	CATALOGUE_BRANDS_MAX = 16384,
	CATALOGUE_FINGERPRINTS_MAX = 4096,
	CATALOGUE_CLOUD_ROWS_MAX = 32768,
	CATALOGUE_TEXT_MAX = 1024, /* bytes of a text that are compared */
	CATALOGUE_WEIGHT_MAX = 100,
};

/* Where a row was written. */
struct catalogue_spot {
	const char *file;
	unsigned order; /* of the file among all: the later file's row wins */
	unsigned line;
};

/* Who builds cameras, or what stands in for a builder. */
struct maker {
	const char *id, *name;
	uint16_t owner; /* the group it belongs to (ezviz: hikvision); its own index when it belongs to nobody */
	bool covered;	/* by section 889 of P.L. 115-232 */
	bool platform;	/* chips, modules, clouds and firmware inside many makers' cameras (HiSilicon, TUTK, Tuya): builds no cameras itself */
	bool label;	/* sells other makers' cameras under its own name: what bears this label may be anybody's */
	const char *source;
	struct catalogue_spot spot;
};

struct oui_row {
	struct mac prefix; /* the other bits are zero */
	uint8_t bits;	   /* 24, 28 or 36 */
	uint16_t maker;
	bool weak; /* the owner makes much else: the prefix alone says little of a camera */
	const char *organisation, *source;
	struct catalogue_spot spot;
};

enum confidence { CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };

struct brand_row {
	const char *brand;
	uint16_t maker; /* MAKER_UNKNOWN: not known */
	enum confidence confidence;
	const char *source, *note;
	const char *key; /* letters and digits in lower case: what is compared */
	struct catalogue_spot spot;
};

/* Where a text comes from. The names, channel_names[], are those of the column "channel". */
enum channel {
	CHANNEL_PROTOCOL, /* what the device speaks, as probes call it */
	CHANNEL_DHCP_HOSTNAME, CHANNEL_DHCP_VENDOR_CLASS,
	CHANNEL_DHIP,	   /* the JSON of a DHIP answer */
	CHANNEL_DNS,	   /* a name that the device asks for */
	CHANNEL_FACTORY_IP, CHANNEL_FTP_BANNER, CHANNEL_GB28181,
	CHANNEL_HTTP_BODY, CHANNEL_HTTP_COOKIE, CHANNEL_HTTP_FAVICON_MD5, CHANNEL_HTTP_FAVICON_MMH3, CHANNEL_HTTP_HEADERS,
	CHANNEL_HTTP_PATH, CHANNEL_HTTP_REALM, CHANNEL_HTTP_SERVER, CHANNEL_HTTP_TITLE,
	CHANNEL_JA4,	    /* of a ClientHello that the device sends */
	CHANNEL_LINK_LAYER, /* "ethertype 8033" */
	CHANNEL_MDNS_SERVICE, CHANNEL_MODEL, CHANNEL_ONVIF_SCOPE,
	CHANNEL_PORT,	    /* "9527/tcp": the device answers there */
	CHANNEL_RTSP_HEADER, CHANNEL_RTSP_OPTIONS, CHANNEL_RTSP_PATH, CHANNEL_RTSP_REALM, CHANNEL_RTSP_SERVER,
	CHANNEL_SADP,	    /* the XML of a SADP answer */
	CHANNEL_SIP_UA, CHANNEL_SNMP_SYSDESCR, CHANNEL_SSDP_SERVER, CHANNEL_STREAM, CHANNEL_TCP_PAYLOAD, CHANNEL_TELNET_BANNER,
	CHANNEL_TLS_ISSUER, CHANNEL_TLS_SUBJECT, CHANNEL_UDP_PAYLOAD, CHANNEL_WSD_TEMPLATE, CHANNEL_WSD_UUID, CHANNEL_XML_NAMESPACE,
	CHANNELS,
};

extern const char *const channel_names[CHANNELS];

enum match { MATCH_EXACT, MATCH_PREFIX, MATCH_SUFFIX, MATCH_SUBSTR, MATCH_REGEX, MATCH_HEX, MATCH_MD5, MATCH_MMH3 };

struct fingerprint {
	enum channel channel;
	enum match match;
	bool nocase;	     /* ASCII case does not matter */
	const char *pattern; /* as written */
	uint16_t maker;
	uint8_t weight; /* 0..100 */
	bool weak;	/* never enough alone */
	const char *source, *note;
	uint16_t regex; /* private: which compiled expression */
	struct catalogue_spot spot;
};

/* Whose service the far side of a flow is. by_*: there are rows that recognise it so. */
struct cloud {
	const char *id, *name;
	uint16_t maker; /* MAKER_UNKNOWN: no maker's (p2p, stun) */
	bool by_name, by_protocol, by_port, by_address, by_asn;
};

/* What is known of a flow; what is not is absent. names: lower case, without a last dot. */
struct cloud_question {
	const char *const *names;
	size_t n_names;
	const char *protocol; /* a probe's name; NULL: not known yet */
	uint8_t proto;	      /* IPPROTO_* */
	uint16_t port;
	uint32_t asn;
	struct addr remote; /* all zero: not known */
	bool special;	    /* remote is not a public address */
};

struct cloud_answer {
	uint16_t cloud;
	const char *by; /* "name hik-connect.com", "protocol pppp", "port udp/32100"; owned by the catalogue */
	bool weak;
};

/*
 * Builds a catalogue from the bundle's data files, of which there may be none. Reports every malformed row (E16x) and leaves it out.
 * NULL only when memory is short.
 */
struct catalogue *catalogue_new(const struct bundle *b, struct diags *diags);
/* True when it was built from these very bytes. */
bool catalogue_is_of(const struct catalogue *c, const struct bundle *b);
struct catalogue *catalogue_ref(struct catalogue *c);
void catalogue_unref(struct catalogue *c);
/* Rows of all kinds. */
size_t catalogue_rows(const struct catalogue *c);

/* Sorted by id. */
size_t catalogue_makers(const struct catalogue *c, const struct maker **ret);
uint16_t catalogue_maker(const struct catalogue *c, const char *id);
/* maker, or whom it belongs to, is `wanted`. */
bool catalogue_maker_is(const struct catalogue *c, uint16_t maker, uint16_t wanted);

/* The longest prefix that covers mac. NULL: none, or the address is locally administered. */
const struct oui_row *catalogue_oui(const struct catalogue *c, const struct mac *mac);
size_t catalogue_ouis(const struct catalogue *c, const struct oui_row **ret);

/* Who may have built what bears this brand; case, spaces and punctuation do not matter. A brand may have several makers. */
size_t catalogue_brand(const struct catalogue *c, const char *brand, const struct brand_row **ret);
size_t catalogue_brands(const struct catalogue *c, const struct brand_row **ret);
/* Could what bears this brand have been built by maker or its group? A brand that nobody knows: false. */
bool catalogue_brand_is(const struct catalogue *c, const char *brand, uint16_t maker);

/*
 * Calls visit for each row of the channel that matches text, of which at most CATALOGUE_TEXT_MAX bytes count. Returns how many did.
 * visit may be NULL.
 */
size_t catalogue_match(const struct catalogue *c, enum channel channel, struct span text,
		       void (*visit)(void *arg, const struct fingerprint *row), void *arg);
size_t catalogue_fingerprints(const struct catalogue *c, const struct fingerprint **ret);

/* Sorted by id; only those that some row recognises. */
size_t catalogue_cloud_list(const struct catalogue *c, const struct cloud **ret);
uint16_t catalogue_cloud(const struct catalogue *c, const char *id);
/*
 * Whose clouds is this far side? Each at most once, by its first proof in the order name, protocol, address, AS, port. A port counts
 * only for bytes of an unknown protocol and without a name. Returns how many were written, at most max.
 */
size_t catalogue_clouds_of(const struct catalogue *c, const struct cloud_question *q, struct cloud_answer *ret, size_t max);

#endif
