/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture files through libpcap: from a frame of any usual link type to the IP packet in it, as the kernel's queue would hand it
 * over. The headers of a frame are as hostile as what is in it.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cursor.h"
#include "log.h"
#include "replay.h"

enum {
	ETHERTYPE_8021Q = 0x8100,
	ETHERTYPE_8021AD = 0x88a8,
	ETHERTYPE_QINQ = 0x9100, /* before 802.1ad */
	ETHERTYPE_LEAST = 0x600, /* below it is a length */
	TAGS_MAX = 4,
};

/* Years 1970 to 2500: what a clock in nanoseconds can hold. */
static const int64_t last_second = 16725225600;

/* Steps over one frame's headers. What it leaves must begin with an IP header; where the link says that it is something else, f->ethertype is set. */
typedef void link_headers(struct cursor *c, struct frame *f);

static void
skip_tags(struct cursor *c, uint16_t type, struct frame *f)
{
	for (unsigned i = 0; i < TAGS_MAX && (type == ETHERTYPE_8021Q || type == ETHERTYPE_8021AD || type == ETHERTYPE_QINQ); i++) {
		cursor_skip(c, 2);
		type = cursor_u16(c);
	}
	if (type != 0x0800 && type != 0x86dd)
		f->ethertype = type;
}

static void
ethernet(struct cursor *c, struct frame *f)
{
	f->has_to = f->q.has_mac = true;
	cursor_copy(c, f->to.b, sizeof f->to.b);
	cursor_copy(c, f->q.mac.b, sizeof f->q.mac.b);
	skip_tags(c, cursor_u16(c), f);
}

/* Both cooked forms have room for eight bytes of the sender's address. */
static void
cooked_sender(struct cursor *c, size_t len, struct frame *f)
{
	f->q.has_mac = len == sizeof f->q.mac.b;
	cursor_copy(c, f->q.mac.b, sizeof f->q.mac.b);
	cursor_skip(c, 2);
}

/* LINKTYPE_LINUX_SLL: packet type, ARPHRD, address length, address, protocol. */
static void
cooked(struct cursor *c, struct frame *f)
{
	cursor_skip(c, 4);
	uint16_t len = cursor_u16(c);
	cooked_sender(c, len, f);
	skip_tags(c, cursor_u16(c), f);
}

/* LINKTYPE_LINUX_SLL2: protocol, reserved, interface, ARPHRD, packet type, address length, address. */
static void
cooked2(struct cursor *c, struct frame *f)
{
	uint16_t type = cursor_u16(c);
	cursor_skip(c, 9);
	uint8_t len = cursor_u8(c);
	cooked_sender(c, len, f);
	skip_tags(c, type, f);
}

static void
bare(struct cursor *c, struct frame *f)
{
	(void)c;
	(void)f;
}

/* An address family in the byte order of the machine that captured; the IP version says the same. */
static void
loopback(struct cursor *c, struct frame *f)
{
	(void)f;
	cursor_skip(c, 4);
}

static const struct link {
	int type; /* DLT_* */
	link_headers *headers;
} links[] = {
	{DLT_EN10MB, ethernet}, {DLT_LINUX_SLL, cooked}, {DLT_LINUX_SLL2, cooked2}, {DLT_RAW, bare},
	{DLT_IPV4, bare},	{DLT_IPV6, bare},	 {DLT_NULL, loopback},	    {DLT_LOOP, loopback},
};

struct capture {
	const char *path;
	pcap_t *pcap;
	const struct link *link;
	int64_t last_us;
	struct capture_counts counts;
};

static const struct link *
find_link(int type)
{
	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

static FILE *
open_file(const char *path)
{
	struct stat st;
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");

	if (f && fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
		if (f != stdin)
			fclose(f);
		errno = EISDIR;
		return NULL;
	}
	return f;
}

static bool
open_pcap(struct capture *c, FILE *file)
{
	char error[PCAP_ERRBUF_SIZE];

	c->pcap = pcap_fopen_offline(file, error);
	if (!c->pcap) {
		log_warnx("%s: not a capture that can be read: %s", c->path, error);
		if (file != stdin)
			fclose(file);
		return false;
	}
	int type = pcap_datalink(c->pcap);
	const char *name = pcap_datalink_val_to_name(type);
	c->link = find_link(type);
	if (!c->link)
		log_warnx("%s: link type %d (%s) is not read; Ethernet, Linux cooked, raw IP and loopback are", c->path, type,
			  name ? name : "no name");
	return c->link != NULL;
}

struct capture *
capture_open(const char *path)
{
	struct capture *c = calloc(1, sizeof *c);
	FILE *file = c ? open_file(path) : NULL;

	if (!file) {
		log_warn("%s", path);
		free(c);
		return NULL;
	}
	c->path = path;
	if (open_pcap(c, file))
		return c;
	capture_close(c);
	return NULL;
}

void
capture_close(struct capture *c)
{
	if (!c)
		return;
	if (c->pcap)
		pcap_close(c->pcap);
	free(c);
}

/* Time that goes back, or cannot be, stands still. */
static int64_t
stamp(struct capture *c, const struct pcap_pkthdr *h)
{
	bool sane = h->ts.tv_sec >= 0 && h->ts.tv_sec <= last_second && h->ts.tv_usec >= 0 && h->ts.tv_usec < 1000000;
	int64_t us = sane ? (int64_t)h->ts.tv_sec * 1000000 + h->ts.tv_usec : -1;

	if (us < c->last_us)
		c->counts.backwards++;
	else
		c->last_us = us;
	return c->last_us;
}

/* The kernel takes off what a frame carries behind its packet, such as the padding of a short Ethernet frame; 0: no length of its own. */
static size_t
packet_length(struct span ip)
{
	struct cursor c = cursor_span(ip);
	bool v6 = cursor_u8(&c) >> 4 == 6;

	cursor_skip(&c, v6 ? 3 : 1);
	size_t len = cursor_u16(&c);
	return len && v6 ? len + 40 : len;
}

/* False: neither IP nor what may tell of its sender. */
static bool
unwrap(const struct capture *c, const struct pcap_pkthdr *h, const uint8_t *bytes, struct frame *f)
{
	size_t copied = h->caplen, wire = h->len < h->caplen ? h->caplen : h->len;
	struct cursor in = cursor_of(bytes, copied);

	c->link->headers(&in, f);
	uint8_t version = in.bad ? 0 : cursor_peek(&in, 0) >> 4;
	if (f->ethertype) {
		f->q.ip = cursor_rest(&in);
		f->q.wire_len = f->q.ip.len;
		return !in.bad && f->q.has_mac && f->ethertype >= ETHERTYPE_LEAST;
	}
	if (version != 4 && version != 6)
		return false;
	f->q.ip = cursor_rest(&in);
	f->q.wire_len = wire - (copied - f->q.ip.len);
	size_t own = packet_length(f->q.ip);
	if (own && own < f->q.wire_len)
		f->q.wire_len = own;
	if (f->q.ip.len > f->q.wire_len)
		f->q.ip.len = f->q.wire_len;
	return true;
}

enum capture_next
capture_next(struct capture *c, struct frame *ret)
{
	struct pcap_pkthdr *h;
	const uint8_t *bytes;
	int result;

	while ((result = pcap_next_ex(c->pcap, &h, &bytes)) == 1) {
		c->counts.frames++;
		memset(ret, 0, sizeof *ret);
		ret->q.stamp_us = stamp(c, h);
		bool worth = unwrap(c, h, bytes, ret);
		if (worth && !ret->ethertype)
			return CAPTURE_FRAME;
		c->counts.not_ip++;
		if (worth)
			return CAPTURE_OTHER;
	}
	if (result == PCAP_ERROR_BREAK)
		return CAPTURE_END;
	log_warnx("%s: damaged after packet %llu: %s", c->path, (unsigned long long)c->counts.frames, pcap_geterr(c->pcap));
	return CAPTURE_BROKEN;
}

bool
capture_has_macs(const struct capture *c)
{
	return c->link->headers == ethernet;
}

const struct capture_counts *
capture_counts(const struct capture *c)
{
	return &c->counts;
}
