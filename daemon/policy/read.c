/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readers: one value from its text, or a finding that says what was expected. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "countries.h"
#include "loader.h"
#include "plan.h"

enum {
	PATH_LEN_MAX = 1023,
	MESSAGE_MAX = 400,
};

struct spot
node_spot(const struct node *n)
{
	return (struct spot){n->source, n->line, n->col, n->end_col};
}

struct place_in_file
spot_place(const struct spot *s)
{
	return (struct place_in_file){s->source->name, s->line, s->col, s->end_col};
}

const char *
spot_text(struct loader *l, const struct spot *s)
{
	const char *slash = strrchr(s->source->name, '/');
	char text[MESSAGE_MAX];
	snprintf(text, sizeof(text), "%s:%u:%u", slash ? slash + 1 : s->source->name, s->line, s->col);
	char *copy = region_text(&l->scratch, text);
	return copy ? copy : "";
}

struct diag *
load_error(struct loader *l, const struct node *at, const char *code, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	struct place_in_file place = node_place(at);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return diag_add(l->diags, DIAG_ERROR, code, &place, at->source->text, "%s", message);
}

struct diag *
load_warning(struct loader *l, const struct spot *at, const char *code, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	struct place_in_file place = spot_place(at);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return diag_add(l->diags, DIAG_WARNING, code, &place, at->source->text, "%s", message);
}

void
hint_closest(struct diag *g, const char *word, const char *const *names, size_t n)
{
	const char *close = g ? diag_closest(word, names, n) : NULL;
	if (close)
		diag_hint(g, "did you mean \"%s\"?", close);
}

bool
was_asked(struct loader *l, enum asked_kind kind)
{
	if (l->asked && l->asked->kind == ASKED_NOTHING)
		l->asked->kind = kind;
	return l->asked;
}

bool
read_text(struct loader *l, const struct node *n, const char **ret_text)
{
	if (was_asked(l, ASKED_TEXT))
		return false;
	if (n->kind == NODE_BROKEN)
		return false;
	if (n->kind != NODE_TEXT) {
		load_error(l, n, "E103", "a single value is expected here, not a %s",
			   n->kind == NODE_MAP ? "map" : "list");
		return false;
	}
	if (!n->text[0] && !n->quoted) {
		load_error(l, n, "E117", "a value is missing here");
		return false;
	}
	*ret_text = n->text;
	return true;
}

static bool
name_fits(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strlen(text);
	return len > 0 && len <= NAME_MAX_LEN && strspn(text, letters) == len && text[0] != '-' &&
	       text[0] != '.';
}

bool
read_name(struct loader *l, const struct node *n, const char *what, const char **ret_name)
{
	if (l->asked && l->asked->keys) {
		*ret_name = "";
		return true;
	}
	if (was_asked(l, ASKED_NAME))
		return false;
	const char *text;
	if (!read_text(l, n, &text))
		return false;
	if (!name_fits(text)) {
		struct diag *g = load_error(l, n, "E118", "\"%.64s\" cannot be the name of %s", text, what);
		diag_hint(g, "letters, digits, . _ and -, at most %d", NAME_MAX_LEN);
		return false;
	}
	char *copy = region_text(&l->p->region, text);
	if (copy)
		*ret_name = copy;
	return copy;
}

bool
read_label(struct loader *l, const struct node *n, const char **ret_text)
{
	if (was_asked(l, ASKED_LABEL))
		return false;
	const char *text;
	if (!read_text(l, n, &text))
		return false;
	if (!text[0] || strlen(text) > NAME_MAX_LEN) {
		load_error(l, n, "E118", "this text is %s", text[0] ? "too long" : "empty");
		return false;
	}
	char *copy = region_text(&l->p->region, text);
	if (copy)
		*ret_text = copy;
	return copy;
}

bool
read_path(struct loader *l, const struct node *n, const char **ret_path)
{
	if (was_asked(l, ASKED_PATH))
		return false;
	const char *text;
	if (!read_text(l, n, &text))
		return false;
	if (text[0] != '/' || strlen(text) > PATH_LEN_MAX) {
		struct diag *g = load_error(l, n, "E129", "\"%.64s\" is not an absolute path", text);
		diag_hint(g, "a path begins with / and has at most %d bytes", PATH_LEN_MAX);
		return false;
	}
	char *copy = region_text(&l->p->region, text);
	if (copy)
		*ret_path = copy;
	return copy;
}

bool
read_bool(struct loader *l, const struct node *n, bool *ret_value)
{
	static const struct choice choices[] = {{"true", true}, {"false", false}};
	unsigned value;
	if (!read_choice(l, n, choices, 2, &value))
		return false;
	*ret_value = value;
	return true;
}

bool
parse_number(const char *text, uint64_t max, uint64_t *ret_value)
{
	uint64_t v = 0;
	size_t len = strlen(text);
	if (len == 0 || len > 19 || strspn(text, "0123456789") != len || (text[0] == '0' && len > 1))
		return false;
	for (; *text; text++)
		v = v * 10 + (uint64_t)(*text - '0');
	if (v > max)
		return false;
	*ret_value = v;
	return true;
}

bool
read_number(struct loader *l, const struct node *n, uint32_t min, uint32_t max, uint32_t *ret_value)
{
	if (l->asked && l->asked->kind == ASKED_NOTHING) {
		l->asked->min = min;
		l->asked->max = max;
	}
	if (was_asked(l, ASKED_NUMBER))
		return false;
	const char *text;
	uint64_t v;
	if (!read_text(l, n, &text))
		return false;
	if (!parse_number(text, max, &v) || v < min) {
		bool zero = text[0] == '0' && text[1] && strspn(text, "0123456789") == strlen(text);
		struct diag *g =
			load_error(l, n, "E119", "\"%.64s\" is not a number from %u to %u", text, min, max);
		if (zero)
			diag_hint(g, "numbers are decimal, without leading zeros");
		return false;
	}
	*ret_value = (uint32_t)v;
	return true;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* A number and, right behind it, one of the units. */
static bool
parse_units(const char *text, const struct unit *units, size_t n, uint64_t *ret_value)
{
	char digits[16];
	size_t len = strspn(text, "0123456789");
	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t v;
		if (strcmp(text + len, units[i].name) == 0 &&
		    parse_number(digits, UINT64_MAX / units[i].factor, &v)) {
			*ret_value = v * units[i].factor;
			return true;
		}
	}
	return false;
}

bool
read_duration(struct loader *l, const struct node *n, uint64_t *ret_ms)
{
	if (was_asked(l, ASKED_DURATION))
		return false;
	static const struct unit units[] = {
		{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	const char *text;
	if (!read_text(l, n, &text))
		return false;
	if (parse_units(text, units, sizeof(units) / sizeof(units[0]), ret_ms))
		return true;
	struct diag *g = load_error(l, n, "E127", "\"%.64s\" is not a duration", text);
	diag_hint(g, "a number and ms, s, m, h or d: 10s, 5m, 45d");
	return false;
}

bool
read_size(struct loader *l, const struct node *n, uint64_t *ret_bytes)
{
	if (was_asked(l, ASKED_SIZE))
		return false;
	static const struct unit units[] = {{"", 1},	      {"B", 1},		  {"kB", 1000},
					    {"MB", 1000000},  {"GB", 1000000000}, {"KiB", 1 << 10},
					    {"MiB", 1 << 20}, {"GiB", 1 << 30}};
	const char *text;
	if (!read_text(l, n, &text))
		return false;
	if (parse_units(text, units, sizeof(units) / sizeof(units[0]), ret_bytes))
		return true;
	struct diag *g = load_error(l, n, "E128", "\"%.64s\" is not a size", text);
	diag_hint(g, "bytes, or a number and kB, MB, GB, KiB, MiB or GiB");
	return false;
}

/* "true or false", "allow, alert, block or reject". */
static void
list_choices(const struct choice *choices, size_t n, char *out, size_t cap)
{
	size_t len = 0;
	out[0] = 0;
	for (size_t i = 0; i < n && len < cap; i++) {
		const char *join = i == 0 ? "" : i + 1 == n ? " or " : ", ";
		len += (size_t)snprintf(out + len, cap - len, "%s%s", join, choices[i].word);
	}
}

bool
read_choice(struct loader *l, const struct node *n, const struct choice *choices, size_t n_choices,
	    unsigned *ret_value)
{
	if (l->asked && l->asked->kind == ASKED_NOTHING) {
		l->asked->choices = choices;
		l->asked->n_choices = n_choices;
	}
	if (was_asked(l, ASKED_WORDS))
		return false;
	const char *text, *words[32];
	char all[MESSAGE_MAX / 2];
	if (!read_text(l, n, &text))
		return false;
	for (size_t i = 0; i < n_choices; i++) {
		if (strcmp(text, choices[i].word) == 0) {
			*ret_value = choices[i].value;
			return true;
		}
	}
	list_choices(choices, n_choices, all, sizeof(all));
	struct diag *g = load_error(l, n, "E120", "\"%.64s\" is not %s", text, all);
	size_t n_words = n_choices < 32 ? n_choices : 32;
	for (size_t i = 0; i < n_words; i++)
		words[i] = choices[i].word;
	hint_closest(g, text, words, n_words);
	return false;
}

bool
read_prefix(struct loader *l, const struct node *n, struct prefix *ret_prefix)
{
	if (was_asked(l, ASKED_PREFIX))
		return false;
	const char *text;
	struct prefix p;
	char clean[PREFIX_TEXT];
	if (!read_text(l, n, &text))
		return false;
	int r = prefix_parse(text, &p);
	if (r == 0) {
		*ret_prefix = p;
		return true;
	}
	struct diag *g = load_error(l, n, "E123",
				    r > 0 ? "\"%.64s\" has bits set behind its length"
					  : "\"%.64s\" is not an address or a network",
				    text);
	if (r > 0)
		diag_hint(g, "the network is %s", prefix_print(&p, clean));
	return false;
}

bool
read_addr(struct loader *l, const struct node *n, struct addr *ret_addr)
{
	if (was_asked(l, ASKED_ADDR))
		return false;
	const char *text;
	if (!read_text(l, n, &text))
		return false;
	if (addr_parse(text, ret_addr))
		return true;
	load_error(l, n, "E123", "\"%.64s\" is not an address", text);
	return false;
}

bool
read_mac(struct loader *l, const struct node *n, struct mac *ret_mac)
{
	if (was_asked(l, ASKED_MAC))
		return false;
	const char *text;
	struct mac mac;
	if (!read_text(l, n, &text))
		return false;
	if (mac_parse(text, &mac) && !mac_is_zero(&mac) && !(mac.b[0] & 1)) {
		*ret_mac = mac;
		return true;
	}
	struct diag *g = load_error(l, n, "E124", "\"%.64s\" is not the MAC address of a device", text);
	diag_hint(g, "six bytes as in \"44:19:b6:00:00:21\"");
	return false;
}

bool
read_country(struct loader *l, const struct node *n, char ret_code[3])
{
	if (was_asked(l, ASKED_COUNTRY))
		return false;
	const char *text;
	char upper[3] = "";
	if (!read_text(l, n, &text))
		return false;
	if (country_find(text)) {
		memcpy(ret_code, text, 3);
		return true;
	}
	struct diag *g = load_error(l, n, "E121", "\"%.64s\" is not an ISO 3166-1 country code", text);
	const char *hint = country_hint(text);
	for (int i = 0; i < 2 && text[i]; i++)
		upper[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]);
	if (hint)
		diag_hint(g, "%s", hint);
	else if (strlen(text) == 2 && country_find(upper))
		diag_hint(g, "codes are in capitals: \"%s\"", upper);
	return false;
}

bool
read_asn(struct loader *l, const struct node *n, uint32_t *ret_asn)
{
	if (was_asked(l, ASKED_ASN))
		return false;
	const char *text;
	uint64_t v;
	if (!read_text(l, n, &text))
		return false;
	const char *digits = strncmp(text, "AS", 2) == 0 ? text + 2 : text;
	if (parse_number(digits, UINT32_MAX, &v) && v > 0) {
		*ret_asn = (uint32_t)v;
		return true;
	}
	struct diag *g = load_error(l, n, "E125", "\"%.64s\" is not an AS number", text);
	diag_hint(g, "64500 or AS64500");
	return false;
}

bool
read_ifname(struct loader *l, const struct node *n, const char **ret_name)
{
	if (was_asked(l, ASKED_IFNAME))
		return false;
	const char *text;
	if (!read_text(l, n, &text))
		return false;
	if (!plan_ifname_valid(text)) {
		struct diag *g = load_error(l, n, "E132", "\"%.64s\" is not an interface name", text);
		diag_hint(g, "one interface, at most 15 letters, digits, . _ and -; no patterns");
		return false;
	}
	char *copy = region_text(&l->p->region, text);
	if (copy)
		*ret_name = copy;
	return copy;
}
