/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events: the records as they are written, from the ring that keeps the last ones. A subscriber that reads too slowly loses the oldest and is
 * told how many; one that comes back says which record it had last.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_private.h"
#include "ring.h"

enum {
	SEND_AT_ONCE = 64,  /* records of one step */
	LOOK_AT_ONCE = 512, /* that the filter passed over or not */
	TYPES_MAX = RECORD_TYPES,
};

/* What was done: a record is of one kind or has none of them. */
enum done { DONE_ANY, DONE_ALLOW, DONE_BLOCK, DONE_WOULD };
static const char *const done_names[] = {NULL, "allow", "block", "would"};

struct subscription {
	uint32_t types;
	enum done done;
	bool by_mac, by_addr;
	struct mac mac;
	struct addr addr;
	char device[RING_DEVICE], country[3];
	bool follow, greeted;
	uint64_t wanted; /* records before the present that are still to be found, going back */
	uint64_t next;	 /* record that is looked at next */
	uint64_t sent;
};

static bool
stops(uint8_t decision)
{
	return decision == DECISION_BLOCK || decision == DECISION_REJECT;
}

static enum done
done_of(const struct ring_info *i)
{
	if (stops(i->decision))
		return DONE_BLOCK;
	if (stops(i->would))
		return DONE_WOULD;
	return i->decision == DECISION_ALLOW ? DONE_ALLOW : DONE_ANY;
}

static bool
device_fits(const struct subscription *s, const struct ring_info *i)
{
	if (s->by_mac)
		return memcmp(&s->mac, &i->mac, sizeof s->mac) == 0;
	if (s->by_addr)
		return addr_cmp(&s->addr, &i->local) == 0;
	return !s->device[0] || strcmp(s->device, i->device) == 0;
}

static bool
fits(const struct subscription *s, const struct ring_info *i)
{
	return (s->types & i->type) && (s->done == DONE_ANY || s->done == done_of(i)) &&
	       (!s->country[0] || strcmp(s->country, i->country) == 0) && device_fits(s, i);
}

/* The ring's life: two engines never share it. */
static void
boot_name(const struct engine *e, char out[32])
{
	snprintf(out, 32, "%08x-%u-%llx", e->boot, e->restarts, (unsigned long long)e->start_us);
}

static void
send_number(struct control *k, uint32_t ticket, const char *key, uint64_t n, const char *boot)
{
	char buf[160];
	struct json j;

	json_init(&j, buf, sizeof buf);
	json_object(&j, NULL);
	if (boot)
		json_str(&j, "boot", boot);
	json_uint(&j, key, n);
	json_object_end(&j);
	control_event(k, ticket, j.buf, j.len);
}

static bool
send_record(struct control *k, uint32_t ticket, uint64_t number, const char *line, size_t len)
{
	char buf[RECORD_BYTES + 64];
	int head = snprintf(buf, sizeof buf, "{\"seq\":%llu,\"record\":", (unsigned long long)number);

	if ((size_t)head + len + 1 > sizeof buf)
		return true; /* no record is so long */
	memcpy(buf + head, line, len);
	buf[(size_t)head + len] = '}';
	return control_event(k, ticket, buf, (size_t)head + len + 1);
}

/* Goes back from `next` until enough that fit were passed; true when it stands where to begin. */
static bool
go_back(struct subscription *s, const struct ring *r)
{
	const struct ring_info *info;
	size_t len;

	for (unsigned n = 0; n < LOOK_AT_ONCE && s->wanted > 0; n++) {
		if (s->next <= ring_first(r) || !ring_get(r, s->next - 1, &info, &len)) {
			s->wanted = 0;
			break;
		}
		s->next--;
		s->wanted -= fits(s, info);
	}
	return s->wanted == 0;
}

static void
tell_losses(struct control *k, uint32_t ticket, struct subscription *s, const struct ring *r)
{
	if (s->next >= ring_first(r))
		return;
	send_number(k, ticket, "lost", ring_first(r) - s->next, NULL);
	s->next = ring_first(r);
}

static enum control_step
step(struct control *k, struct engine *e, uint32_t ticket, void *state)
{
	struct subscription *s = state;
	const struct ring_info *info;
	const char *line;
	char boot[32];
	size_t len;
	unsigned looked = 0, sent = 0;

	if (!go_back(s, e->ring))
		return STEP_MORE;
	if (!s->greeted) {
		boot_name(e, boot);
		send_number(k, ticket, "next", s->next, boot);
		s->greeted = true;
	}
	tell_losses(k, ticket, s, e->ring);
	while (looked++ < LOOK_AT_ONCE && sent < SEND_AT_ONCE && (line = ring_get(e->ring, s->next, &info, &len))) {
		uint64_t number = s->next++;
		if (!fits(s, info))
			continue;
		if (!send_record(k, ticket, number, line, len))
			return STEP_DONE;
		sent++;
		s->sent++;
	}
	if (s->next < ring_next(e->ring))
		return STEP_MORE;
	if (s->follow)
		return STEP_IDLE;
	snprintf(boot, sizeof boot, "%llu", (unsigned long long)s->sent);
	control_answer(k, ticket, true, NULL, boot);
	return STEP_DONE;
}

static const struct control_pump pump = {step, free};

static uint32_t
type_of(const char *name)
{
	for (unsigned i = 0; i < RECORD_TYPES; i++)
		if (strcmp(record_type_name(i), name) == 0)
			return UINT32_C(1) << i;
	return strcmp(name, "all") == 0 ? (UINT32_C(1) << RECORD_TYPES) - 1 : 0;
}

static const char *
read_types(const struct request *r, struct subscription *s)
{
	size_t n = request_list(r, "types");

	for (size_t i = 0; i < n && i < TYPES_MAX; i++) {
		const char *name = request_listed(r, "types", i);
		uint32_t type = name ? type_of(name) : 0;
		if (!type)
			return "types: no such type of record";
		s->types |= type;
	}
	if (n == 0)
		s->types = (UINT32_C(1) << RECORD_TYPES) - 1;
	return NULL;
}

static const char *
read_filter(const struct request *r, struct subscription *s)
{
	const char *device = request_text(r, "device"), *country = request_text(r, "country"), *done = request_text(r, "decision");

	if (device) {
		s->by_mac = mac_parse(device, &s->mac);
		s->by_addr = !s->by_mac && addr_parse(device, &s->addr);
		if (strlen(device) >= sizeof s->device)
			return "device: the name is too long";
		strcpy(s->device, device);
	}
	if (country && strlen(country) != 2)
		return "country: two letters, or ?? for unknown";
	if (country)
		strcpy(s->country, country);
	while (done && s->done < DONE_WOULD && (s->done == DONE_ANY || strcmp(done_names[s->done], done) != 0))
		s->done++;
	if (done && strcmp(done_names[s->done], done) != 0)
		return "decision: allow, block or would";
	return read_types(r, s);
}

/* Without any of these it begins with what comes next. A cursor of another life begins with everything that there is. */
static void
read_start(const struct engine *e, const struct request *r, struct subscription *s)
{
	const char *boot = request_text(r, "after.boot");
	int64_t since = request_number(r, "since", -1), last = request_number(r, "last", 0);
	char ours[32];

	boot_name(e, ours);
	s->next = ring_next(e->ring);
	if (boot && strcmp(boot, ours) == 0) {
		uint64_t after = (uint64_t)request_number(r, "after.seq", 0);
		s->next = after < s->next ? after + 1 : s->next;
	} else if (boot) {
		s->next = ring_first(e->ring);
	} else if (since >= 0) {
		s->next = ring_since(e->ring, since > INT64_MAX / 1000000 ? INT64_MAX : since * 1000000);
	} else if (last > 0) {
		s->wanted = (uint64_t)last;
	}
	s->follow = !request_flag(r, "end");
}

static enum control_result
run(struct control_call *call)
{
	struct subscription *s = call->engine->ring ? calloc(1, sizeof *s) : NULL;

	if (!s) {
		call->error = "there is no memory for records";
		return CONTROL_ERROR;
	}
	call->error = read_filter(call->request, s);
	if (call->error) {
		free(s);
		return CONTROL_ERROR;
	}
	read_start(call->engine, call->request, s);
	call->pump = &pump;
	call->state = s;
	return CONTROL_LATER;
}

const struct control_command control_events = {"events", false, run};
