/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of history become destinations of groups of like devices; see learn.h. */
#include "learn.h"

#include <ctype.h>
#include <libpsl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "policy.h"

/* Where many customers' hosts stand under one registered domain that the public suffix list does not know (all of) as such. */
static const char *const shared_hosting[] = {
	"akadns.net",	   "akamai.net",     "akamaiedge.net",	  "akamaihd.net",     "akamaitechnologies.com", "akamaized.net",
	"alicdn.com",	   "aliyuncs.com",   "amazonaws.com",	  "amazonaws.com.cn", "appspot.com",		"azure.com",
	"azureedge.net",   "azurefd.net",    "azurewebsites.net", "b-cdn.net",	      "backblazeb2.com",	"bcebos.com",
	"cdn77.org",	   "cdngslb.com",    "cloudapp.net",	  "cloudflare.com",   "cloudflare.net",		"cloudfront.net",
	"digitaloceanspaces.com", "dnsv1.com", "edgecastcdn.net", "edgekey.net",      "edgesuite.net",		"fastly.net",
	"fastlylb.net",	   "footprint.net",  "googleapis.com",	  "googleusercontent.com", "herokuapp.com",	"huaweicloud.com",
	"hwcdn.net",	   "in-addr.arpa",   "ip6.arpa",	  "kunlunca.com",     "kunlunaq.com",		"kunlunsl.com",
	"linode.com",	   "linodeusercontent.com", "llnwd.net",  "myhuaweicloud.com", "myqcloud.com",		"netlify.app",
	"oraclecloud.com", "ovh.net",	     "qcloud.com",	  "scw.cloud",	      "stackpathcdn.com",	"tencentcs.com",
	"trafficmanager.net", "wasabisys.com", "windows.net",	  "wscdns.com",	      "your-server.de",
};

bool
texts_have(const struct texts *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->list[i] == text || strcmp(t->list[i], text) == 0)
			return true;
	return false;
}

bool
texts_add(struct texts *t, const char *text)
{
	if (!*text || texts_have(t, text))
		return false;
	if (t->n == LEARN_ITEMS) {
		t->more++;
		return false;
	}
	t->list[t->n++] = text;
	return true;
}

static void
numbers_add(struct numbers *t, uint32_t v)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->list[i] == v)
			return;
	if (t->n == LEARN_ITEMS)
		t->more++;
	else
		t->list[t->n++] = v;
}

/* ---- names ---- */

/* What a policy takes as a name. */
static bool
is_host_name(const char *s)
{
	size_t label = 0, len = strlen(s);

	if (len == 0 || len > 253)
		return false;
	for (;; s++) {
		if (*s == '.' || *s == 0) {
			if (label == 0 || label > 63)
				return false;
			if (*s == 0)
				return true;
			label = 0;
		} else if (isalnum((unsigned char)*s) || *s == '-' || *s == '_') {
			label++;
		} else {
			return false;
		}
	}
}

/* The registered domain, a tail of name; name itself where it has none or is one. */
static const char *
registered_domain(const struct lesson *l, const char *name)
{
	const char *d = l->psl ? psl_registrable_domain(l->psl, name) : NULL;
	return d ? d : name;
}

static bool
is_shared(const char *domain)
{
	for (size_t i = 0; i < sizeof shared_hosting / sizeof *shared_hosting; i++)
		if (strcmp(shared_hosting[i], domain) == 0)
			return true;
	return false;
}

void
learn_patterns(const struct lesson *l, struct history *h, const struct texts *names, struct texts *ret)
{
	char pattern[300];

	for (size_t i = 0; i < names->n; i++) {
		const char *domain = registered_domain(l, names->list[i]);
		size_t hosts = 0;
		for (size_t k = 0; k < names->n; k++) {
			const char *other = registered_domain(l, names->list[k]);
			hosts += strcmp(domain, other) == 0 && other != names->list[k];
		}
		if (hosts < 2 || domain == names->list[i] || is_shared(domain)) {
			texts_add(ret, names->list[i]);
			continue;
		}
		snprintf(pattern, sizeof pattern, "*.%s", domain);
		texts_add(ret, history_text(h, pattern));
	}
	ret->more = names->more;
}

/* ---- who ---- */

static bool
name_char(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == '_' || c == '-';
}

/* For the inventory: of letters that a policy takes, and like no other. */
static const char *
make_name(struct lesson *l, const struct history_flow *f, const struct history_device *d)
{
	char name[64], base[40] = "";
	size_t n = 0;
	const char *from = d && *d->label ? d->label : d && *d->maker ? d->maker : "device";

	for (const char *s = from; *s && n < 30; s++)
		if (name_char(*s))
			base[n++] = *s;
	base[n] = 0;
	const char *tail = *f->mac ? f->mac : f->local;
	n = (size_t)snprintf(name, sizeof name, "%s-", *base ? base : "device");
	for (const char *s = tail; *s && n < sizeof name - 1; s++)
		if (isalnum((unsigned char)*s))
			name[n++] = *s;
		else if (!*f->mac)
			name[n++] = '-';
	name[n] = 0;
	return history_text(l->history, name);
}

static const char *
group_title(struct lesson *l, const struct learner *who, const struct policy_device *declared)
{
	char title[512];
	size_t len = 0;

	title[0] = 0;
	for (size_t i = 0; declared && i < declared->n_groups && len < 200; i++)
		len += (size_t)snprintf(title + len, sizeof title - len, "%s%.64s", len ? " " : "", declared->groups[i]);
	const char *make = *who->brand ? who->brand : who->maker;
	if (*make)
		len += (size_t)snprintf(title + len, sizeof title - len, "%s%.80s", len ? " " : "", make);
	if (*who->model)
		len += (size_t)snprintf(title + len, sizeof title - len, "%s%.48s", len ? " " : "", who->model);
	return history_text(l->history, len ? title : who->name);
}

static bool
join_group(struct lesson *l, struct learner *who, const struct policy_device *declared)
{
	bool is_new;
	char key[600];

	/* What is added to the inventory goes its own way: nobody has said that it is like the others. */
	snprintf(key, sizeof key, "%c%s", who->stranger ? 's' : who->added ? 'a' : 'd', group_title(l, who, declared));
	long n = pick(&l->groups_by_key, history_text(l->history, key), &is_new);
	struct device_group *g = n < 0 ? NULL : is_new ? list_place(&l->groups, l->n_groups, sizeof *g) : &l->groups[n];
	if (!g)
		return false;
	if (is_new) {
		l->n_groups++;
		g->title = group_title(l, who, declared);
		g->first_us = INT64_MAX;
	}
	texts_add(&g->devices, who->name);
	who->group = (size_t)n;
	return true;
}

static struct learner *
meet(struct lesson *l, const struct history_flow *f)
{
	const struct history_device *d = history_device_of(l->history, f);
	struct facts facts;
	char key[200];
	bool is_new;
	size_t n_devices;
	const struct policy_device *list = policy_devices(l->policy, &n_devices);

	snprintf(key, sizeof key, "who %s/%s", *f->mac ? f->mac : f->local, f->zone);
	long n = pick(&l->who, history_text(l->history, key), &is_new);
	if (n < 0 || !is_new)
		return n < 0 ? NULL : &l->learners[n];
	struct learner *w = list_place(&l->learners, l->n_learners, sizeof *w);
	if (!w)
		return NULL;
	l->n_learners++;
	row_facts(l->judge, f, &facts);
	enum action unknown = policy_unknown_devices(l->policy);
	*w = (struct learner){.mac = f->mac, .addr = *f->mac ? "" : f->local, .inventory = facts.device};
	w->added = facts.device == DEVICE_UNKNOWN;
	w->stranger = w->added && (unknown == ACTION_BLOCK || unknown == ACTION_QUARANTINE);
	const struct policy_device *declared = w->added ? NULL : &list[facts.device];
	w->name = declared ? declared->name : make_name(l, f, d);
	w->brand = declared ? declared->brand : "";
	w->maker = d ? d->maker : "";
	w->model = d ? d->model : "";
	return join_group(l, w, declared) ? w : NULL;
}

/* ---- where ---- */

struct sorting {
	enum learn_kind kind;
	const char *label, *name; /* name "": none */
	bool label_is_zone, guess;
};

static bool
is_query(const struct history_flow *f)
{
	return *f->query != 0;
}

/* The name of the far side that counts: what was said and proved, else what DNS bound, else what was only said. */
static const char *
far_name(struct lesson *l, const struct history_flow *f, bool *ret_guess)
{
	bool said = (strcmp(f->name_from, "sni") == 0 || strcmp(f->name_from, "http") == 0) && !f->ech;
	bool bound = f->proved;

	*ret_guess = false;
	for (size_t i = 0; said && !bound && i < f->n_bound; i++)
		bound = strcmp(f->bound[i], f->name) == 0;
	if (said) {
		*ret_guess = !bound;
		return f->name;
	}
	/* The one that somebody asked for; the others are where its CNAMEs lead. */
	for (size_t i = 0; i < f->n_bound; i++)
		if (pick_find(&l->asked, f->bound[i]) >= 0)
			return f->bound[i];
	if (f->n_bound)
		return f->bound[0];
	return strcmp(f->name_from, "dns") == 0 ? f->name : "";
}

static void
sort_out(struct lesson *l, const struct history_flow *f, struct sorting *s)
{
	struct facts facts;
	size_t n;
	const struct policy_zone *zones = policy_zones(l->policy, &n);
	char text[64];

	row_facts(l->judge, f, &facts);
	bool zone = facts.remote_zone < n;
	*s = (struct sorting){.kind = LEARN_UNNAMED, .name = ""};
	if (is_query(f) || zone || facts.place.special != SPECIAL_NONE) {
		s->kind = is_query(f) ? LEARN_QUERY : zone ? LEARN_ZONE : LEARN_LOCAL;
		s->label = history_text(l->history, zone && !is_query(f) ? zones[facts.remote_zone].name : f->dest_ip);
		s->label_is_zone = zone && !is_query(f);
		s->name = is_query(f) ? registered_domain(l, f->query) : "";
		return;
	}
	const char *name = f->inbound ? "" : far_name(l, f, &s->guess);
	if (is_host_name(name)) {
		s->kind = LEARN_NAME;
		s->name = name;
		s->label = history_text(l->history, registered_domain(l, name));
		return;
	}
	s->guess = false;
	snprintf(text, sizeof text, "AS%u %s", f->asn, f->country);
	s->label = history_text(l->history, text);
}

/* ---- what is not proposed ---- */

static const char *
cloud_of(struct lesson *l, const struct history_flow *f)
{
	const struct catalogue *c = policy_catalogue(l->policy);
	const char *names[FACTS_BOUND + 2];
	struct cloud_question q = {.names = names, .proto = f->ip_proto, .port = f->dest_port, .asn = f->asn, .remote = f->remote,
				   .special = *f->special != 0, .protocol = *f->app_proto ? f->app_proto : NULL};
	struct cloud_answer answers[4];
	const struct cloud *clouds;
	char text[300];

	if (f->inbound)
		return "";
	for (size_t i = 0; i < f->n_bound; i++)
		names[q.n_names++] = f->bound[i];
	if (*f->name)
		names[q.n_names++] = f->name;
	if (*f->query) {
		names[q.n_names++] = f->query;
		q.special = true; /* the resolver is not the cloud */
		q.port = 0;
		q.protocol = NULL;
	}
	size_t n = catalogue_clouds_of(c, &q, answers, sizeof answers / sizeof *answers), n_clouds = catalogue_cloud_list(c, &clouds);
	for (size_t i = 0; i < n; i++) {
		if (answers[i].weak || answers[i].cloud >= n_clouds)
			continue;
		snprintf(text, sizeof text, "looks like the cloud %s (%s)", clouds[answers[i].cloud].id, answers[i].by);
		return history_text(l->history, text);
	}
	if (f->n_clouds == 0)
		return "";
	snprintf(text, sizeof text, "looked like the cloud %s when it was recorded", f->clouds[0]);
	return history_text(l->history, text);
}

/* Where nothing was allowed to pass, or the owner has written that it must not, nothing is learnt. In monitor mode default: has no meaning yet. */
static const char *
refusal_of(struct lesson *l, const struct history_flow *f)
{
	char text[200];

	if (strcmp(f->decision, "block") == 0 || strcmp(f->decision, "reject") == 0)
		snprintf(text, sizeof text, "was refused by %s", *f->rule ? f->rule : "the policy");
	else if (strcmp(f->would, "allow") != 0 && strcmp(f->would, "pending") != 0 && strcmp(f->rule, "default") != 0 && *f->rule)
		snprintf(text, sizeof text, "would be refused by %s", f->rule);
	else
		return "";
	return history_text(l->history, text);
}

static const char *
why_not(struct lesson *l, const struct history_flow *f, const struct learner *w)
{
	if (w->stranger)
		return "this device is not in the inventory";
	const char *why = refusal_of(l, f);
	if (!*why)
		why = cloud_of(l, f);
	if (!*why && is_query(f) && !is_host_name(f->query))
		why = "is no name that a policy can hold";
	return why;
}

/* ---- sorting ---- */

/* What was looked at and is no protocol that is known. "" was not looked at. */
static bool
is_unrecognised(const struct history_flow *f)
{
	const char *protocol = *f->app_proto ? policy_protocol(f->app_proto) : "";

	return !protocol || strcmp(protocol, "unknown") == 0;
}

static struct destination *
find_destination(struct lesson *l, const struct history_flow *f, const struct learner *w, const struct sorting *s, const char *why)
{
	char key[1000];
	bool is_new, local = s->kind == LEARN_ZONE || s->kind == LEARN_LOCAL;

	/*
	 * Ports of local places are put together, for the streams of media that choose one each time; what is spoken keeps them apart. And
	 * what nobody recognised never widens the rule of what was: it stands alone, to be struck alone.
	 */
	const char *spoken = is_unrecognised(f) ? "unknown" : local ? f->app_proto : "";
	snprintf(key, sizeof key, "to %zu %d%d%d %u %u %.255s %.200s %.40s %.255s", w->group, s->kind, f->inbound, s->guess, f->ip_proto,
		 local ? 0U : f->dest_port, s->label, why, spoken, s->kind == LEARN_QUERY ? s->name : "");
	long n = pick(&l->by_key, history_text(l->history, key), &is_new);
	if (n < 0)
		return NULL;
	if (!is_new)
		return &l->list[n];
	struct destination *d = list_place(&l->list, l->n, sizeof *d);
	if (!d)
		return NULL;
	l->n++;
	*d = (struct destination){.kind = s->kind, .inbound = f->inbound, .guess = s->guess, .ip_proto = f->ip_proto, .port = f->dest_port,
				  .group = w->group, .label = s->label, .label_is_zone = s->label_is_zone, .why = why,
				  .first_us = f->first_us};
	d->has_port = proto_has_ports(f->ip_proto);
	return d;
}

static void
count(struct lesson *l, struct destination *d, const struct history_flow *f, const struct learner *w, const struct sorting *s)
{
	struct device_group *g = &l->groups[d->group];
	bool is_new = d->flows == 0;

	d->flows += f->flows;
	d->bytes += f->bytes_toserver + f->bytes_toclient;
	d->first_us = f->first_us < d->first_us ? f->first_us : d->first_us;
	d->last_us = f->last_us > d->last_us ? f->last_us : d->last_us;
	is_new |= texts_add(&d->names, is_query(f) ? f->query : s->name);
	d->unrecognised = is_unrecognised(f);
	texts_add(&d->protocols, d->unrecognised ? "unknown" : *f->app_proto ? policy_protocol(f->app_proto) : "");
	texts_add(&d->devices, w->name);
	texts_add(&d->countries, f->country);
	texts_add(&d->operators, f->as_name);
	if (s->kind == LEARN_UNNAMED || s->kind == LEARN_LOCAL || s->guess)
		is_new |= texts_add(&d->addresses, f->dest_ip);
	numbers_add(&d->asns, f->asn);
	numbers_add(&d->ports, f->dest_port);
	g->flows += f->flows;
	g->first_us = f->first_us < g->first_us ? f->first_us : g->first_us;
	if (is_new && f->first_us > g->newest_us)
		g->newest_us = f->first_us;
}

static bool
sort_row(struct lesson *l, const struct history_flow *f)
{
	struct sorting s;
	/* What a resolver is asked for are rows of their own. */
	if (strcmp(f->app_proto, "dns") == 0 && !is_query(f) && !f->inbound)
		return true;
	struct learner *w = meet(l, f);
	if (!w)
		return false;
	sort_out(l, f, &s);
	struct destination *d = find_destination(l, f, w, &s, why_not(l, f, w));
	if (!d)
		return false;
	count(l, d, f, w, &s);
	l->rows++;
	return true;
}

bool
learn_sort(struct lesson *l)
{
	bool is_new;

	l->psl = psl_latest(NULL);
	for (size_t i = 0; i < l->history->n_flows; i++)
		if (is_query(&l->history->flows[i]))
			(void)pick(&l->asked, l->history->flows[i].query, &is_new);
	for (size_t i = 0; i < l->history->n_flows && !l->short_of_memory; i++) {
		const struct history_flow *f = &l->history->flows[i];
		if (f->last_us >= l->since_us && f->first_us <= l->until_us)
			l->short_of_memory = !sort_row(l, f);
	}
	return !l->short_of_memory;
}

void
learn_free(struct lesson *l)
{
	if (l->psl)
		psl_free(l->psl);
	pick_free(&l->who);
	pick_free(&l->groups_by_key);
	pick_free(&l->by_key);
	pick_free(&l->asked);
	free(l->learners);
	free(l->groups);
	free(l->list);
}
