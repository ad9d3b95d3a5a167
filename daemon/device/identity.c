/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgement of evidence; see identity.h and lenscap-catalogue(5), JUDGEMENT. Pure: same rows, same answer, in whatever order they came.
 *
 * A row's weight is the chance, in percent, that it means what it says. Rows of one family repeat one another, so only the strongest counts;
 * families are independent, so 1 - (1 - a)(1 - b)… is the chance that at least one of them is right.
 */
#include "identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	ROOM_FIRST = 4, /* rows of a new identity: an OUI and a few more are all that most devices ever say */
	WEIGHT_MAX = 99,
	WEAK_COUNTS = 50, /* a weak row counts no more than this */
};

const char *const identity_fact_names[IDENTITY_FACTS] = {"model", "firmware", "serial", "uid", "label", "hostname"};

static const char *const family_names[FAMILIES] = {
	[FAMILY_ANNOUNCEMENT] = "announcement", [FAMILY_HTTP] = "http", [FAMILY_RTSP] = "rtsp",	  [FAMILY_TLS] = "tls", [FAMILY_BANNER] = "banner",
	[FAMILY_SDK] = "sdk",			[FAMILY_DHCP] = "dhcp", [FAMILY_CLOUD] = "cloud", [FAMILY_OUI] = "oui",
};

const char *
family_name(enum family f)
{
	return f < FAMILIES ? family_names[f] : "";
}

/* One more than the family, so that 0 is none. */
#define OF(family) ((family) + 1)
static const uint8_t families[EVIDENCE_CHANNELS] = {
	[CHANNEL_PROTOCOL] = OF(FAMILY_SDK),
	[CHANNEL_STREAM] = OF(FAMILY_SDK),
	[CHANNEL_TCP_PAYLOAD] = OF(FAMILY_SDK),
	[CHANNEL_UDP_PAYLOAD] = OF(FAMILY_ANNOUNCEMENT),
	[CHANNEL_SADP] = OF(FAMILY_ANNOUNCEMENT),
	[CHANNEL_DHIP] = OF(FAMILY_ANNOUNCEMENT),
	[CHANNEL_MDNS_SERVICE] = OF(FAMILY_ANNOUNCEMENT),
	[CHANNEL_SSDP_SERVER] = OF(FAMILY_ANNOUNCEMENT),
	[CHANNEL_WSD_TEMPLATE] = OF(FAMILY_ANNOUNCEMENT),
	[CHANNEL_WSD_UUID] = OF(FAMILY_ANNOUNCEMENT),
	[CHANNEL_ONVIF_SCOPE] = OF(FAMILY_ANNOUNCEMENT),
	[CHANNEL_MODEL] = OF(FAMILY_ANNOUNCEMENT),
	[CHANNEL_LINK_LAYER] = OF(FAMILY_ANNOUNCEMENT),
	[EVIDENCE_LABEL] = OF(FAMILY_ANNOUNCEMENT),
	[CHANNEL_HTTP_BODY] = OF(FAMILY_HTTP),
	[CHANNEL_HTTP_COOKIE] = OF(FAMILY_HTTP),
	[CHANNEL_HTTP_FAVICON_MD5] = OF(FAMILY_HTTP),
	[CHANNEL_HTTP_FAVICON_MMH3] = OF(FAMILY_HTTP),
	[CHANNEL_HTTP_HEADERS] = OF(FAMILY_HTTP),
	[CHANNEL_HTTP_PATH] = OF(FAMILY_HTTP),
	[CHANNEL_HTTP_REALM] = OF(FAMILY_HTTP),
	[CHANNEL_HTTP_SERVER] = OF(FAMILY_HTTP),
	[CHANNEL_HTTP_TITLE] = OF(FAMILY_HTTP),
	[CHANNEL_XML_NAMESPACE] = OF(FAMILY_HTTP),
	[CHANNEL_RTSP_HEADER] = OF(FAMILY_RTSP),
	[CHANNEL_RTSP_OPTIONS] = OF(FAMILY_RTSP),
	[CHANNEL_RTSP_PATH] = OF(FAMILY_RTSP),
	[CHANNEL_RTSP_REALM] = OF(FAMILY_RTSP),
	[CHANNEL_RTSP_SERVER] = OF(FAMILY_RTSP),
	[CHANNEL_TLS_ISSUER] = OF(FAMILY_TLS),
	[CHANNEL_TLS_SUBJECT] = OF(FAMILY_TLS),
	[CHANNEL_JA4] = OF(FAMILY_TLS),
	[CHANNEL_FTP_BANNER] = OF(FAMILY_BANNER),
	[CHANNEL_GB28181] = OF(FAMILY_BANNER),
	[CHANNEL_SIP_UA] = OF(FAMILY_BANNER),
	[CHANNEL_SNMP_SYSDESCR] = OF(FAMILY_BANNER),
	[CHANNEL_TELNET_BANNER] = OF(FAMILY_BANNER),
	[CHANNEL_DHCP_HOSTNAME] = OF(FAMILY_DHCP),
	[CHANNEL_DHCP_VENDOR_CLASS] = OF(FAMILY_DHCP),
	[CHANNEL_DNS] = OF(FAMILY_CLOUD),
	[CHANNEL_PORT] = OF(FAMILY_CLOUD),
	[CHANNEL_FACTORY_IP] = OF(FAMILY_CLOUD),
	[EVIDENCE_CLOUD] = OF(FAMILY_CLOUD),
	[EVIDENCE_OUI] = OF(FAMILY_OUI),
};

/* Protocols by which devices announce themselves: the same witness as what their announcements say. */
static bool
is_announcing(const char *protocol)
{
	size_t n = strlen(protocol), m = strlen("-discovery");

	return strcmp(protocol, "sadp") == 0 || strcmp(protocol, "dhip") == 0 || (n > m && strcmp(protocol + n - m, "-discovery") == 0);
}

enum family
evidence_family(const struct evidence *ev)
{
	unsigned f = ev->channel < EVIDENCE_CHANNELS ? families[ev->channel] : 0;

	if (ev->channel == CHANNEL_PROTOCOL && is_announcing(ev->pattern))
		return FAMILY_ANNOUNCEMENT;
	return f ? (enum family)(f - 1) : FAMILIES;
}

static const char *const own_channels[] = {"oui", "cloud", "label"};

const char *
evidence_channel_name(unsigned channel)
{
	if (channel < CHANNELS)
		return channel_names[channel];
	return channel < EVIDENCE_CHANNELS ? own_channels[channel - CHANNELS] : "";
}

unsigned
evidence_channel(const char *name)
{
	unsigned c = 0;

	while (c < EVIDENCE_CHANNELS && strcmp(evidence_channel_name(c), name) != 0)
		c++;
	return c;
}

bool
channel_answers(unsigned channel)
{
	static const uint8_t others[] = {CHANNEL_HTTP_PATH, CHANNEL_RTSP_PATH, CHANNEL_PORT, CHANNEL_FACTORY_IP, CHANNEL_DNS, CHANNEL_JA4, EVIDENCE_CLOUD, EVIDENCE_OUI};

	for (size_t i = 0; i < sizeof others; i++)
		if (others[i] == channel)
			return false;
	return true;
}

static bool
is_hint(enum family f)
{
	return f == FAMILY_CLOUD || f == FAMILY_OUI;
}

struct identity *
identity_new(void)
{
	struct identity *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->best.maker = w->second.maker = w->platform.maker = w->decided = w->decided_group = MAKER_UNKNOWN;
	w->best.group = w->second.group = w->platform.group = MAKER_UNKNOWN;
	return w;
}

void
identity_free(struct identity *w)
{
	if (!w)
		return;
	free(w->rows);
	free(w);
}

static unsigned
row_counts(const struct evidence *ev)
{
	unsigned cap = ev->weak ? WEAK_COUNTS : WEIGHT_MAX;

	return ev->weight < cap ? ev->weight : cap;
}

static bool
may_decide_alone(const struct evidence *ev)
{
	return ev->answered && !ev->weak && !is_hint(evidence_family(ev)) && ev->weight >= WEIGHT_STRONG;
}

/* What the families say together. testified: some of it is the device's own word. */
static void
sum_up(struct standing *s, const unsigned best[FAMILIES], bool testified)
{
	double doubt = 1;

	for (unsigned f = 0; f < FAMILIES; f++) {
		doubt *= 1 - best[f] / 100.0;
		s->families = (uint8_t)(s->families + (best[f] > 0));
	}
	s->score = (uint8_t)((1 - doubt) * 100 + 0.5);
	if (!testified && s->score > SCORE_HINTS)
		s->score = SCORE_HINTS;
	if (s->score > WEIGHT_MAX)
		s->score = WEIGHT_MAX;
	s->decides = s->score >= SCORE_DECIDES && (s->strong || (testified && s->families >= 2));
}

/* All rows of one group of makers. */
static struct standing
stand(const struct identity *w, const struct maker *makers, uint16_t group)
{
	unsigned best[FAMILIES] = {0}, most = 0;
	struct standing s = {.group = group, .maker = group};
	bool testified = false;

	for (size_t i = 0; i < w->n; i++) {
		const struct evidence *ev = &w->rows[i];
		enum family f = evidence_family(ev);
		if (makers[ev->maker].owner != group || f >= FAMILIES)
			continue;
		unsigned counts = row_counts(ev);
		if (counts > best[f])
			best[f] = counts;
		if (counts > most || (counts == most && ev->maker == group)) {
			most = counts;
			s.maker = ev->maker;
		}
		s.strong |= may_decide_alone(ev);
		testified |= ev->answered && !is_hint(f);
	}
	sum_up(&s, best, testified);
	return s;
}

/* Who decides goes before who does not; then the score; then the catalogue's order, so that the order of arrival is nothing. */
static bool
outranks(const struct standing *a, const struct standing *b)
{
	if (b->group == MAKER_UNKNOWN)
		return a->score > 0;
	if (a->decides != b->decides)
		return a->decides;
	if (a->score != b->score)
		return a->score > b->score;
	return a->group < b->group;
}

/* Some earlier row is of the same group. */
static bool
seen_before(const struct identity *w, const struct maker *makers, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (makers[w->rows[k].maker].owner == makers[w->rows[i].maker].owner)
			return true;
	return false;
}

/* Puts s where it belongs among the first two. */
static void
rank(struct identity *w, const struct standing *s)
{
	if (outranks(s, &w->best)) {
		w->second = w->best;
		w->best = *s;
	} else if (outranks(s, &w->second)) {
		w->second = *s;
	}
}

/* A platform is in many makers' cameras, and a label on them: neither is the hardware's maker. */
static void
judge_group(struct identity *w, const struct maker *makers, uint16_t group)
{
	struct standing s = stand(w, makers, group);

	if (makers[s.maker].platform || makers[group].platform) {
		if (outranks(&s, &w->platform))
			w->platform = s;
		return;
	}
	if (makers[group].label)
		return;
	rank(w, &s);
	w->covered |= s.decides && makers[s.maker].covered;
}

unsigned
identity_judge(struct identity *w, const struct catalogue *c)
{
	const struct standing nobody = {.group = MAKER_UNKNOWN, .maker = MAKER_UNKNOWN};
	uint16_t before = w->decided, group = w->decided_group;
	bool was_covered = w->covered, had_second = w->second.decides;
	unsigned news = 0;
	const struct maker *makers;

	(void)catalogue_makers(c, &makers);
	w->best = w->second = w->platform = nobody;
	w->covered = false;
	for (size_t i = 0; i < w->n; i++)
		if (!seen_before(w, makers, i))
			judge_group(w, makers, makers[w->rows[i].maker].owner);
	w->decided = w->best.decides ? w->best.maker : MAKER_UNKNOWN;
	w->decided_group = w->best.decides ? w->best.group : MAKER_UNKNOWN;
	if (w->decided != before)
		news |= NEWS_MAKER;
	if (w->decided_group != group && w->decided_group != MAKER_UNKNOWN && group != MAKER_UNKNOWN)
		news |= NEWS_CHANGED;
	if (w->second.decides && !had_second && group != MAKER_UNKNOWN && group == w->decided_group)
		news |= NEWS_SECOND;
	if (w->covered && !was_covered)
		news |= NEWS_COVERED;
	w->news |= (uint16_t)news;
	return news;
}

static bool
same_row(const struct evidence *a, const struct evidence *b)
{
	return a->maker == b->maker && a->channel == b->channel && a->answered == b->answered && strcmp(a->pattern, b->pattern) == 0;
}

struct evidence *
identity_row(struct identity *w, const struct evidence *ev)
{
	for (size_t i = 0; w && i < w->n; i++)
		if (same_row(&w->rows[i], ev))
			return &w->rows[i];
	return NULL;
}

/* One more row of memory. NULL: there is none, or IDENTITY_EVIDENCE is reached. */
static struct evidence *
grow(struct identity *w)
{
	if (w->n < w->room)
		return &w->rows[w->n++];
	unsigned room = w->room ? w->room * 2u : ROOM_FIRST;
	if (room > IDENTITY_EVIDENCE)
		room = IDENTITY_EVIDENCE;
	struct evidence *rows = room > w->room ? realloc(w->rows, room * sizeof *rows) : NULL;
	if (!rows)
		return NULL;
	w->rows = rows;
	w->room = (uint8_t)room;
	return &w->rows[w->n++];
}

/* Another row of the same makers and family says as much: without this one the judgement is the same. */
static bool
is_repeated(const struct identity *w, const struct maker *makers, const struct evidence *ev)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct evidence *other = &w->rows[i];
		if (other != ev && makers[other->maker].owner == makers[ev->maker].owner && evidence_family(other) == evidence_family(ev) &&
		    row_counts(other) >= row_counts(ev) && may_decide_alone(other) >= may_decide_alone(ev))
			return true;
	}
	return false;
}

/* How much a row tells beside the others. */
static unsigned
worth(const struct identity *w, const struct maker *makers, const struct evidence *ev)
{
	unsigned covered = makers[ev->maker].covered || makers[makers[ev->maker].owner].covered;

	return (is_repeated(w, makers, ev) ? 0 : 1000u + covered * 500u) + row_counts(ev);
}

/* The row that tells least, if it tells less than this one. */
static struct evidence *
lesser_row(struct identity *w, const struct maker *makers, const struct evidence *ev)
{
	struct evidence *least = NULL;

	if (!w->rows)
		return NULL;
	unsigned least_worth = worth(w, makers, ev);

	for (size_t i = 0; i < w->n; i++) {
		unsigned v = worth(w, makers, &w->rows[i]);
		if (v < least_worth) {
			least = &w->rows[i];
			least_worth = v;
		}
	}
	return least;
}

/* The MAC itself comes back with the row that was made of it. */
static void
recall_mac(struct identity *w, const struct evidence *ev)
{
	char text[MAC_TEXT];
	bool is = ev->channel == EVIDENCE_OUI && strncmp(ev->pattern, IDENTITY_ANNOUNCED, strlen(IDENTITY_ANNOUNCED)) == 0;

	snprintf(text, sizeof text, "%.17s", ev->excerpt);
	if (!is || w->has_mac || !mac_parse(text, &w->mac))
		return;
	w->has_mac = true;
	w->mac_us = ev->last_us;
}

unsigned
identity_add(struct identity *w, const struct catalogue *c, const struct evidence *ev)
{
	const struct maker *makers;
	struct evidence *row = identity_row(w, ev);

	if (ev->maker >= catalogue_makers(c, &makers))
		return 0;
	if (row) {
		row->times += ev->times ? ev->times : 1;
		if (ev->last_us > row->last_us)
			row->last_us = ev->last_us;
		if (ev->first_us < row->first_us)
			row->first_us = ev->first_us;
		return 0;
	}
	row = grow(w);
	if (!row) {
		w->lost++;
		row = lesser_row(w, makers, ev);
	}
	if (!row)
		return 0;
	*row = *ev;
	if (!row->times)
		row->times = 1;
	recall_mac(w, ev);
	w->news |= NEWS_EVIDENCE;
	return NEWS_EVIDENCE | identity_judge(w, c);
}

unsigned
identity_learn(struct identity *w, enum identity_fact fact, struct span value)
{
	char text[IDENTITY_TEXT], *has = w->fact[fact];
	unsigned news = NEWS_FACT;

	span_text(span_trim(value), text, sizeof text);
	if (!text[0] || strcmp(text, has) == 0)
		return 0;
	if (fact == IDENTITY_SERIAL)
		news |= NEWS_SERIAL | (has[0] ? NEWS_CHANGED : 0);
	memcpy(has, text, sizeof text);
	w->news |= (uint16_t)news;
	return news;
}

void
identity_rebase(struct identity *w, const struct catalogue *before, const struct catalogue *c)
{
	const struct maker *old;
	size_t n = catalogue_makers(before, &old), kept = 0;

	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++) {
		uint16_t maker = w->rows[i].maker < n ? catalogue_maker(c, old[w->rows[i].maker].id) : MAKER_UNKNOWN;
		if (maker == MAKER_UNKNOWN)
			continue;
		w->rows[kept] = w->rows[i];
		w->rows[kept++].maker = maker;
	}
	w->n = (uint8_t)kept;
	w->n_clouds = 0; /* theirs are numbers of the old one */
	if (w->decided < n)
		w->decided = catalogue_maker(c, old[w->decided].id);
	if (w->decided_group < n)
		w->decided_group = catalogue_maker(c, old[w->decided_group].id);
	(void)identity_judge(w, c);
}

uint16_t
identity_maker(const struct identity *w)
{
	return w ? w->decided : MAKER_UNKNOWN;
}

uint8_t
identity_score(const struct identity *w)
{
	return w ? w->best.score : 0;
}

uint16_t
identity_platform(const struct identity *w)
{
	return w && w->platform.score >= SCORE_CONTRADICTS ? w->platform.maker : MAKER_UNKNOWN;
}

bool
identity_covered(const struct identity *w)
{
	return w && w->covered;
}

const char *
identity_label(const struct identity *w, const char *declared)
{
	if (declared && *declared)
		return declared;
	return w ? w->fact[IDENTITY_BRAND] : "";
}

/* One is the beginning of the other, up to the end of a word: "Hanwha" and "Hanwha Vision", "TP-Link" and "tp-link". */
static bool
begins_alike(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), n = na < nb ? na : nb;
	const char *longer = na < nb ? b : a;

	return n > 0 && strncasecmp(a, b, n) == 0 && (na == nb || longer[n] == ' ' || longer[n] == '_' || longer[n] == '-');
}

/* The brand's row says that it is a name of the maker's own. */
static bool
is_house_brand(const struct catalogue *c, const struct maker *makers, uint16_t maker, const char *label)
{
	static const char *const words[] = {"house brand", "subsidiary", "covered entity", "own brand", "its own name"};
	const struct brand_row *rows;
	size_t n = catalogue_brand(c, label, &rows);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof words / sizeof *words; k++)
			if (rows[i].maker != MAKER_UNKNOWN && makers[rows[i].maker].owner == makers[maker].owner &&
			    strncmp(rows[i].note, words[k], strlen(words[k])) == 0)
				return true;
	return false;
}

bool
label_names(const struct catalogue *c, uint16_t maker, const char *label)
{
	const struct maker *makers;
	size_t n = catalogue_makers(c, &makers);

	for (size_t i = 0; maker < n && i < n; i++)
		if (makers[i].owner == makers[maker].owner && !makers[i].platform &&
		    (begins_alike(makers[i].id, label) || begins_alike(makers[i].name, label)))
			return true;
	return maker < n && is_house_brand(c, makers, maker, label);
}

bool
identity_unmasked(const struct identity *w, const struct catalogue *c, const char *declared)
{
	uint16_t maker = identity_maker(w);
	const char *label = identity_label(w, declared);

	return maker != MAKER_UNKNOWN && *label && !label_names(c, maker, label);
}
