/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devices: the inventory as it was seen, one event a device, in slices; with `device` that one, and its evidence. name: what people call it
 * where the policy has no name for it. forget: as if it had never been seen.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chronicle.h"
#include "control_private.h"
#include "identity.h"

enum {
	LOOK_AT_ONCE = 512, /* places of the table in one step */
	SEND_AT_ONCE = 16,
	DEVICE_BYTES = 16384, /* one device without its evidence, every byte escaped */
	GROUPS_SHOWN = 32,
};

struct walk {
	uint32_t at;
	uint64_t sent;
};

static const char *
maker_id(const struct engine *e, uint16_t maker)
{
	const struct maker *makers;

	return maker < catalogue_makers(policy_catalogue(e->is.policy), &makers) ? makers[maker].id : "";
}

static const char *
maker_name(const struct engine *e, uint16_t maker)
{
	const struct maker *makers;

	return maker < catalogue_makers(policy_catalogue(e->is.policy), &makers) ? makers[maker].name : "";
}

static void
write_evidence(struct json *j, const struct engine *e, const struct identity *w)
{
	json_array(j, "evidence");
	for (size_t i = 0; w && i < w->n; i++) {
		const struct evidence *ev = &w->rows[i];
		json_object(j, NULL);
		json_str(j, "channel", evidence_channel_name(ev->channel));
		json_str(j, "family", family_name(evidence_family(ev)));
		json_str(j, "maker", maker_id(e, ev->maker));
		json_uint(j, "weight", ev->weight);
		json_bool(j, "weak", ev->weak);
		json_bool(j, "answered", ev->answered);
		json_str(j, "pattern", ev->pattern);
		json_str(j, "excerpt", ev->excerpt);
		json_uint(j, "times", ev->times);
		json_int(j, "first", ev->first_us);
		json_int(j, "last", ev->last_us);
		json_uint(j, "flow_id", ev->flow);
		json_object_end(j);
	}
	json_array_end(j);
	json_uint(j, "evidence_lost", w ? w->lost : 0);
}

static void
write_identity(struct json *j, const struct engine *e, const struct device *d, const char *brand)
{
	const struct identity *w = d->who;
	uint16_t second = w && w->second.score >= SCORE_CONTRADICTS ? w->second.maker : MAKER_UNKNOWN;

	json_str(j, "maker", maker_id(e, identity_maker(w)));
	json_str(j, "maker_name", maker_name(e, identity_maker(w)));
	json_str(j, "maker_likely", w ? maker_id(e, w->best.maker) : "");
	json_uint(j, "score", identity_score(w));
	json_bool(j, "covered", identity_covered(w));
	json_bool(j, "unmasked", identity_unmasked(w, policy_catalogue(e->is.policy), brand));
	json_str(j, "platform", maker_id(e, identity_platform(w)));
	json_str(j, "contradiction", maker_id(e, second));
	json_uint(j, "contradiction_score", second == MAKER_UNKNOWN ? 0 : w->second.score);
	for (size_t i = 0; i < IDENTITY_FACTS; i++)
		json_str(j, identity_fact_names[i], w ? w->fact[i] : "");
	json_uint(j, "evidence_rows", w ? w->n : 0);
}

static void
write_device(struct json *j, const struct engine *e, const struct device *d)
{
	size_t n, nz;
	const struct policy_device *list = policy_devices(e->is.policy, &n);
	const struct policy_zone *zones = policy_zones(e->is.policy, &nz);
	const char *brand = d->inventory < n ? list[d->inventory].brand : "";
	char text[ADDR_TEXT];

	json_str(j, "name", device_name(d, e->is.policy, text));
	json_str(j, "given_name", d->label);
	json_str(j, "mac", d->by_address ? "" : mac_print(&d->mac, text));
	json_str(j, "announced_mac", d->who && d->who->has_mac ? mac_print(&d->who->mac, text) : "");
	json_array(j, "addresses");
	if (addr_cmp(&d->addr, &(struct addr){0}) != 0)
		json_str(j, NULL, addr_print(&d->addr, text));
	for (size_t i = 0; i < d->n_recent; i++)
		json_str(j, NULL, addr_print(&d->recent[i], text));
	json_array_end(j);
	json_str(j, "zone", d->zone < nz ? zones[d->zone].name : "");
	json_str(j, "interface", link_find(e, d->ifindex)->name);
	json_bool(j, "known", d->inventory < n);
	json_str(j, "brand", brand);
	json_array(j, "groups");
	for (size_t i = 0; d->inventory < n && i < list[d->inventory].n_groups && i < GROUPS_SHOWN; i++)
		json_str(j, NULL, list[d->inventory].groups[i]);
	json_array_end(j);
	json_int(j, "first", d->first_us);
	json_int(j, "last", d->last_us);
	json_uint(j, "flows", d->flows_seen);
	json_uint(j, "blocked", d->flows_blocked);
	json_uint(j, "active", d->flows);
	write_identity(j, e, d, brand);
}

size_t
control_device(const struct engine *e, const struct device *d, char *out, size_t cap)
{
	struct json j;

	json_init(&j, out, cap);
	json_object(&j, NULL);
	write_device(&j, e, d);
	write_evidence(&j, e, d->who);
	json_object_end(&j);
	return j.full ? 0 : j.len;
}

static enum control_step
step(struct control *k, struct engine *e, uint32_t ticket, void *state)
{
	struct walk *w = state;
	char buf[DEVICE_BYTES], count[64];
	unsigned sent = 0;

	for (unsigned n = 0; n < LOOK_AT_ONCE && sent < SEND_AT_ONCE; n++) {
		struct json j;
		if (w->at > device_last(e->devices)) {
			snprintf(count, sizeof count, "{\"devices\":%llu}", (unsigned long long)w->sent);
			control_answer(k, ticket, true, NULL, count);
			return STEP_DONE;
		}
		const struct device *d = device_at(e->devices, w->at++);
		if (!d->placed || d->introduced)
			continue;
		json_init(&j, buf, sizeof buf);
		json_object(&j, NULL);
		write_device(&j, e, d);
		json_object_end(&j);
		if (j.full)
			continue; /* every text is bounded: it fits */
		control_event(k, ticket, j.buf, j.len);
		w->sent++;
		sent++;
	}
	return STEP_MORE;
}

static const struct control_pump pump = {step, free};

static enum control_result
refuse(struct control_call *call, const char *error)
{
	call->error = error;
	return CONTROL_ERROR;
}

static struct device *
wanted(struct control_call *call)
{
	const char *text = request_text(call->request, "device");
	struct device *d = text ? device_find(call->engine->devices, call->engine->is.policy, text) : NULL;

	if (!d)
		call->error = text ? "no such device was seen: say its name, MAC or address" : "device is missing";
	return d;
}

static enum control_result
devices(struct control_call *call)
{
	if (!request_has(call->request, "device")) {
		struct walk *w = calloc(1, sizeof *w);
		if (!w)
			return refuse(call, "not enough memory");
		w->at = DEVICE_ANONYMOUS + 1;
		call->pump = &pump;
		call->state = w;
		return CONTROL_LATER;
	}
	const struct device *d = wanted(call);
	if (!d)
		return CONTROL_ERROR;
	json_object(call->reply, "data");
	write_device(call->reply, call->engine, d);
	write_evidence(call->reply, call->engine, d->who);
	json_object_end(call->reply);
	return CONTROL_OK;
}

const struct control_command control_devices = {"devices", false, devices};

/* The deed, for the history. */
static void
tell(struct control_call *call, const char *kind, const char *text)
{
	char who[32];

	snprintf(who, sizeof who, "uid %u", call->who->uid);
	chronicle_event(call->engine, kind, who, text);
}

/* As in a policy. */
static bool
is_name(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (!isascii((unsigned char)s[n]) || (!isalnum((unsigned char)s[n]) && !strchr("._-", s[n])))
			return false;
	return n > 0 && n <= POLICY_NAME_MAX;
}

static enum control_result
name(struct control_call *call)
{
	struct device *d = wanted(call);
	const char *to = request_text(call->request, "name");
	struct engine *e = call->engine;
	char before[ADDR_TEXT], text[256];
	size_t n;
	const struct policy_device *list = policy_devices(e->is.policy, &n);

	if (!d)
		return CONTROL_ERROR;
	if (!to || (*to && !is_name(to)))
		return refuse(call, "name: letters, digits and . _ - only, at most 63; \"\" takes the name back");
	if (d->inventory < n)
		return refuse(call, "the policy names this device; change it there");
	struct device *other = *to ? device_find(e->devices, e->is.policy, to) : NULL;
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, to) == 0)
			return refuse(call, "the policy gives this name to another device");
	if (other && other != d)
		return refuse(call, "another device has this name");
	snprintf(text, sizeof text, "%s is now called %s", device_name(d, e->is.policy, before), *to ? to : "nothing");
	snprintf(d->label, sizeof d->label, "%s", to);
	chronicle_device(e, d);
	tell(call, "name", text);
	json_object(call->reply, "data");
	json_str(call->reply, "text", text);
	json_object_end(call->reply);
	return CONTROL_OK;
}

const struct control_command control_name = {"name", true, name};

static enum control_result
forget(struct control_call *call)
{
	struct device *d = wanted(call);
	struct engine *e = call->engine;
	char before[ADDR_TEXT], text[256];

	if (!d)
		return CONTROL_ERROR;
	device_name(d, e->is.policy, before);
	snprintf(text, sizeof text, "%s", d->inventory == DEVICE_UNKNOWN && d->label[0] ? d->label : device_name(d, e->is.policy, before));
	chronicle_forget(e, d);
	uint32_t i = device_index(e->devices, d);
	bool gone = device_forget(e->devices, d);
	if (gone)
		names_forget(e->names, i);
	engine_identity_changed(e);
	tell(call, "forget", text);
	json_object(call->reply, "data");
	json_bool(call->reply, "active", !gone);
	json_str(call->reply, "text", gone ? "forgotten" : "what was known of it is forgotten; it has flows, so it stays in the list");
	json_object_end(call->reply);
	return CONTROL_OK;
}

const struct control_command control_forget = {"forget", true, forget};
