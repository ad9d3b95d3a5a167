/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What betrays a maker. Rows lie in the order of their channels, so a text is compared with the rows of its channel only. Expressions
 * are compiled once; they may not refer back or repeat at length, so that comparing takes time in proportion to the text.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue_private.h"

enum { PRINT_MAKER, PRINT_CHANNEL, PRINT_MATCH, PRINT_PATTERN, PRINT_WEIGHT, PRINT_WEAK, PRINT_SOURCE, PRINT_NOTE };
enum { PATTERN_MAX = 255, SIZE_MOST = 2000 };

/* clang-format off */
const char *const channel_names[CHANNELS] = {
	[CHANNEL_PROTOCOL] = "protocol", [CHANNEL_DHCP_HOSTNAME] = "dhcp-hostname", [CHANNEL_DHCP_VENDOR_CLASS] = "dhcp-vendor-class",
	[CHANNEL_DHIP] = "dhip-field", [CHANNEL_DNS] = "dns", [CHANNEL_FACTORY_IP] = "factory-ip", [CHANNEL_FTP_BANNER] = "ftp-banner",
	[CHANNEL_GB28181] = "gb28181", [CHANNEL_HTTP_BODY] = "http-body", [CHANNEL_HTTP_COOKIE] = "http-cookie",
	[CHANNEL_HTTP_FAVICON_MD5] = "http-favicon-md5", [CHANNEL_HTTP_FAVICON_MMH3] = "http-favicon-mmh3",
	[CHANNEL_HTTP_HEADERS] = "http-headerstyle", [CHANNEL_HTTP_PATH] = "http-path", [CHANNEL_HTTP_REALM] = "http-realm",
	[CHANNEL_HTTP_SERVER] = "http-server", [CHANNEL_HTTP_TITLE] = "http-title", [CHANNEL_JA4] = "ja4", [CHANNEL_LINK_LAYER] = "l2",
	[CHANNEL_MDNS_SERVICE] = "mdns-service", [CHANNEL_MODEL] = "model", [CHANNEL_ONVIF_SCOPE] = "onvif-scope",
	[CHANNEL_PORT] = "port", [CHANNEL_RTSP_HEADER] = "rtsp-header", [CHANNEL_RTSP_OPTIONS] = "rtsp-options",
	[CHANNEL_RTSP_PATH] = "rtsp-path", [CHANNEL_RTSP_REALM] = "rtsp-realm", [CHANNEL_RTSP_SERVER] = "rtsp-server",
	[CHANNEL_SADP] = "sadp-field", [CHANNEL_SIP_UA] = "sip-ua", [CHANNEL_SNMP_SYSDESCR] = "snmp-sysdescr",
	[CHANNEL_SSDP_SERVER] = "ssdp-server", [CHANNEL_STREAM] = "stream", [CHANNEL_TCP_PAYLOAD] = "tcp-payload",
	[CHANNEL_TELNET_BANNER] = "telnet-banner", [CHANNEL_TLS_ISSUER] = "tls-issuer", [CHANNEL_TLS_SUBJECT] = "tls-subject",
	[CHANNEL_UDP_PAYLOAD] = "udp-payload", [CHANNEL_WSD_TEMPLATE] = "wsd-template", [CHANNEL_WSD_UUID] = "wsd-uuid",
	[CHANNEL_XML_NAMESPACE] = "xml-ns",
};
/* clang-format on */

static bool equals(const struct catalogue *c, const struct fingerprint *f, struct span s);
static bool begins(const struct catalogue *c, const struct fingerprint *f, struct span s);
static bool ends(const struct catalogue *c, const struct fingerprint *f, struct span s);
static bool holds(const struct catalogue *c, const struct fingerprint *f, struct span s);
static bool fits(const struct catalogue *c, const struct fingerprint *f, struct span s);
static bool begins_hex(const struct catalogue *c, const struct fingerprint *f, struct span s);

/* The words of the column "match". */
static const struct {
	const char *name;
	enum match match;
	bool nocase;
} matches[] = {
	{"exact", MATCH_EXACT, false},	 {"exact-nocase", MATCH_EXACT, true},	{"prefix", MATCH_PREFIX, false},
	{"prefix-nocase", MATCH_PREFIX, true}, {"suffix", MATCH_SUFFIX, false}, {"suffix-nocase", MATCH_SUFFIX, true},
	{"substr", MATCH_SUBSTR, false}, {"substr-nocase", MATCH_SUBSTR, true}, {"regex", MATCH_REGEX, false},
	{"regex-nocase", MATCH_REGEX, true}, {"hex-prefix", MATCH_HEX, false},	{"md5", MATCH_MD5, true},
	{"mmh3", MATCH_MMH3, false},
};

enum { N_MATCHES = sizeof(matches) / sizeof(matches[0]) };

static bool (*const matchers[])(const struct catalogue *c, const struct fingerprint *f, struct span s) = {
	[MATCH_EXACT] = equals, [MATCH_PREFIX] = begins, [MATCH_SUFFIX] = ends,	  [MATCH_SUBSTR] = holds,
	[MATCH_REGEX] = fits,	[MATCH_HEX] = begins_hex, [MATCH_MD5] = equals, [MATCH_MMH3] = equals,
};

static bool
same(const struct fingerprint *f, const uint8_t *text, size_t len)
{
	return f->nocase ? strncasecmp(f->pattern, (const char *)text, len) == 0 : memcmp(f->pattern, text, len) == 0;
}

static bool
equals(const struct catalogue *c, const struct fingerprint *f, struct span s)
{
	(void)c;
	return strlen(f->pattern) == s.len && same(f, s.p, s.len);
}

static bool
begins(const struct catalogue *c, const struct fingerprint *f, struct span s)
{
	size_t n = strlen(f->pattern);
	(void)c;
	return n <= s.len && same(f, s.p, n);
}

static bool
ends(const struct catalogue *c, const struct fingerprint *f, struct span s)
{
	size_t n = strlen(f->pattern);
	(void)c;
	return n <= s.len && same(f, s.p + (s.len - n), n);
}

static bool
holds(const struct catalogue *c, const struct fingerprint *f, struct span s)
{
	size_t n = strlen(f->pattern);
	(void)c;
	if (!f->nocase)
		return memmem(s.p, s.len, f->pattern, n);
	for (size_t i = 0; i + n <= s.len; i++)
		if (same(f, s.p + i, n))
			return true;
	return false;
}

static bool
fits(const struct catalogue *c, const struct fingerprint *f, struct span s)
{
	regmatch_t whole = {.rm_so = 0, .rm_eo = (regoff_t)s.len};
	return regexec(&c->regexes[f->regex], (const char *)s.p, 0, &whole, REG_STARTEND) == 0;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ".." stands for any byte. */
static bool
begins_hex(const struct catalogue *c, const struct fingerprint *f, struct span s)
{
	size_t n = strlen(f->pattern) / 2;
	(void)c;
	if (n > s.len)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *p = f->pattern + i * 2;
		if (p[0] != '.' && hex_digit(p[0]) * 16 + hex_digit(p[1]) != s.p[i])
			return false;
	}
	return true;
}

static bool
is_hex(const char *p, bool any)
{
	size_t n = strlen(p);
	for (size_t i = 0; i < n; i += 2) {
		bool dots = any && p[i] == '.' && p[i + 1] == '.';
		if (!dots && (hex_digit(p[i]) < 0 || hex_digit(p[i + 1]) < 0))
			return false;
	}
	return n > 0;
}

static bool
is_number(const char *p)
{
	p += *p == '-';
	size_t n = strspn(p, "0123456789");
	return n > 0 && n <= 10 && !p[n];
}

/* \r, \n and \t are these bytes; all else is as in regex(7). NULL: the pattern refers back. */
static char *
unescaped(const char *p, char out[PATTERN_MAX + 1])
{
	static const char names[] = "rnt", bytes[] = "\r\n\t";
	size_t n = 0;
	for (; *p; p++) {
		const char *name = p[0] == '\\' && p[1] ? strchr(names, p[1]) : NULL;
		if (p[0] == '\\' && isdigit((unsigned char)p[1]))
			return NULL;
		if (name) {
			out[n++] = bytes[name - names];
			p++;
			continue;
		}
		out[n++] = *p;
		if (*p == '\\' && p[1])
			out[n++] = *++p;
	}
	out[n] = 0;
	return out;
}

/* Behind the bracket expression that begins here; a ] that stands first is one of its characters. */
static const char *
skip_bracket(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	p += *p == ']';
	while (*p && *p != ']')
		p++;
	return *p ? p + 1 : p;
}

/* "{2,5}": the larger number. Moves behind it. */
static unsigned long
read_repeat(const char **p)
{
	unsigned long from = strtoul(*p + 1, NULL, 10), to = 0;
	const char *comma = *p + 1 + strspn(*p + 1, "0123456789"), *end = strchr(*p, '}');
	if (*comma == ',')
		to = strtoul(comma + 1, NULL, 10);
	*p = end ? end + 1 : *p + strlen(*p);
	unsigned long most = from > to ? from : to;
	return most > SIZE_MOST ? SIZE_MOST : most > 0 ? most : 1;
}

/*
 * How long an expression is once its repetitions are written out, as the compiler does: one inside another multiplies. Ends at the )
 * that closes it. At most SIZE_MOST; PATTERN_MAX bounds the depth.
 */
static unsigned long
written_out(const char **p)
{
	unsigned long total = 0, last = 0;
	while (**p && **p != ')') {
		if (**p == '{') {
			unsigned long times = read_repeat(p);
			total += last * (times - 1);
			last *= times;
			if (total >= SIZE_MOST || last >= SIZE_MOST)
				return SIZE_MOST;
			continue;
		}
		if (strchr("*+?", **p)) {
			++*p;
			continue;
		}
		last = 1;
		if (**p == '(') {
			++*p;
			last = written_out(p) + 1;
			*p += **p == ')';
		} else if (**p == '[') {
			*p = skip_bracket(*p);
		} else {
			*p += **p == '\\' && (*p)[1] ? 2 : 1;
		}
		total += last;
		if (total >= SIZE_MOST)
			return SIZE_MOST;
	}
	return total;
}

/* A ) that opens nothing is regcomp()'s to refuse. */
static bool
too_long_written_out(const char *p)
{
	return written_out(&p) >= SIZE_MOST;
}

static bool
compile(const struct row *r, struct fingerprint *f)
{
	struct catalogue *c = r->b->c;
	char text[PATTERN_MAX + 1], why[128];
	if (!c->regexes)
		c->regexes = region_alloc(&c->region, CATALOGUE_FINGERPRINTS_MAX * sizeof(*c->regexes));
	if (!c->regexes || c->n_regexes == CATALOGUE_FINGERPRINTS_MAX)
		return false;
	if (!unescaped(f->pattern, text) || too_long_written_out(text)) {
		row_error(r, PRINT_PATTERN, "E163", "the expression refers back, or has more than %d parts once written out", SIZE_MOST);
		return false;
	}
	regex_t *regex = &c->regexes[c->n_regexes];
	int error = regcomp(regex, text, REG_EXTENDED | REG_NOSUB | (f->nocase ? REG_ICASE : 0));
	if (error) {
		regerror(error, regex, why, sizeof(why));
		row_error(r, PRINT_PATTERN, "E163", "the expression is wrong: %s", why);
		return false;
	}
	f->regex = (uint16_t)c->n_regexes++;
	return true;
}

static bool
pattern_good(const struct row *r, struct fingerprint *f)
{
	const char *p = f->pattern, *wrong = NULL;
	if (strlen(p) > PATTERN_MAX)
		wrong = "a pattern has at most 255 bytes";
	else if (f->match == MATCH_HEX && !is_hex(p, true))
		wrong = "pairs of small hexadecimal digits, .. for any byte";
	else if (f->match == MATCH_MD5 && (strlen(p) != 32 || !is_hex(p, false)))
		wrong = "32 small hexadecimal digits";
	else if (f->match == MATCH_MMH3 && !is_number(p))
		wrong = "a decimal number";
	if (wrong)
		diag_hint(row_error(r, PRINT_PATTERN, "E163", "\"%.64s\" is not such a pattern", p), "%s", wrong);
	if (wrong || (f->channel == CHANNEL_PROTOCOL && !row_protocol(r, PRINT_PATTERN)))
		return false;
	return f->match != MATCH_REGEX || compile(r, f);
}

static bool
read_weight(const struct row *r, uint8_t *ret_weight)
{
	const char *text = r->cells[PRINT_WEIGHT].text;
	size_t n = strspn(text, "0123456789");
	unsigned long v = n && n <= 3 && !text[n] ? strtoul(text, NULL, 10) : CATALOGUE_WEIGHT_MAX + 1;
	if (v <= CATALOGUE_WEIGHT_MAX) {
		*ret_weight = (uint8_t)v;
		return true;
	}
	row_error(r, PRINT_WEIGHT, "E164", "\"%.64s\" is not a weight from 0 to %d", text, CATALOGUE_WEIGHT_MAX);
	return false;
}

void
fingerprints_read(struct row *r)
{
	struct fingerprint f = {.pattern = r->cells[PRINT_PATTERN].text,
				.maker = row_maker(r, PRINT_MAKER),
				.source = row_text(r, PRINT_SOURCE),
				.note = row_text(r, PRINT_NOTE),
				.spot = r->spot};
	const char *words[N_MATCHES];
	for (size_t i = 0; i < N_MATCHES; i++)
		words[i] = matches[i].name;
	int channel = row_word(r, PRINT_CHANNEL, "channel", channel_names, CHANNELS);
	int match = row_word(r, PRINT_MATCH, "way to match", words, N_MATCHES);
	bool good = read_weight(r, &f.weight) & row_weak(r, PRINT_WEAK, &f.weak) & (f.maker != MAKER_UNKNOWN);
	if (!good || channel < 0 || match < 0)
		return;
	f.channel = (enum channel)channel;
	f.match = matches[match].match;
	f.nocase = matches[match].nocase;
	if (!pattern_good(r, &f))
		return;
	struct fingerprint *row = build_push(r->b, sizeof(*row));
	if (row)
		*row = f;
}

static int
by_meaning(const void *a, const void *b)
{
	const struct fingerprint *x = a, *y = b;
	int order = (int)x->channel - (int)y->channel;
	order = order ? order : (int)x->maker - (int)y->maker;
	order = order ? order : (int)x->match - (int)y->match;
	order = order ? order : (int)x->nocase - (int)y->nocase;
	return order ? order : strcmp(x->pattern, y->pattern);
}

void
fingerprints_finish(struct build *b)
{
	struct catalogue *c = b->c;
	c->fingerprints = b->rows.items;
	c->n_fingerprints =
		build_tidy(b, c->fingerprints, b->rows.n, sizeof(*c->fingerprints), by_meaning, offsetof(struct fingerprint, spot));
	for (size_t i = 0; i < c->n_fingerprints; i++)
		c->channel_first[c->fingerprints[i].channel + 1]++;
	for (size_t i = 0; i < CHANNELS; i++)
		c->channel_first[i + 1] += c->channel_first[i];
}

size_t
catalogue_match(const struct catalogue *c, enum channel channel, struct span text,
		void (*visit)(void *arg, const struct fingerprint *row), void *arg)
{
	uint8_t copy[CATALOGUE_TEXT_MAX + 1];
	size_t n = 0;
	if (text.len > CATALOGUE_TEXT_MAX)
		text.len = CATALOGUE_TEXT_MAX;
	if (!text.len)
		return 0;
	/* regexec() is told where the text ends, but sanitizers look for a NUL all the same. */
	memcpy(copy, text.p, text.len);
	copy[text.len] = 0;
	text.p = copy;
	for (size_t i = c->channel_first[channel]; i < c->channel_first[channel + 1]; i++) {
		const struct fingerprint *f = &c->fingerprints[i];
		if (!matchers[f->match](c, f, text))
			continue;
		n++;
		if (visit)
			visit(arg, f);
	}
	return n;
}

size_t
catalogue_fingerprints(const struct catalogue *c, const struct fingerprint **ret)
{
	*ret = c->fingerprints;
	return c->n_fingerprints;
}
