/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See quarantine.h. Searched from end to end: it is short, and looked at when something changes only. */
#include "quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "place.h"
#include "ruleset.h"

#define FIRST_LINE "lenscap-quarantine 1\n"

enum {
	LINE_MAX_BYTES = 128,
	FILE_MAX_BYTES = QUARANTINE_MAX * LINE_MAX_BYTES,
};

struct entry {
	struct mac mac;
	bool by_address;
	uint8_t why;
	uint32_t flags; /* QUARANTINED_*, not told yet */
	int64_t until_s; /* wall clock; 0: until released */
	size_t n_addrs;
	struct addr addrs[QUARANTINE_ADDRESSES];
};

struct quarantine {
	bool changed, unsaved;
	size_t n;
	struct entry list[QUARANTINE_MAX];
};

static const struct addr no_addr;

struct quarantine *
quarantine_new(void)
{
	return calloc(1, sizeof(struct quarantine));
}

void
quarantine_free(struct quarantine *q)
{
	free(q);
}

static bool
is_unicast(const struct mac *m)
{
	return !mac_is_zero(m) && (m->b[0] & 1) == 0;
}

bool
quarantine_sane(const struct channel_quarantine *m)
{
	bool has_addr = addr_cmp(&m->addr, &no_addr) != 0;

	if (m->head.count || m->by_address > 1 || m->release > 1 || m->seconds > QUARANTINE_SECONDS_MAX)
		return false;
	return m->by_address ? has_addr && mac_is_zero(&m->mac) : is_unicast(&m->mac);
}

static bool
has_ended(const struct entry *e)
{
	return (e->flags & QUARANTINED_ENDED) != 0;
}

static struct entry *
find(struct quarantine *q, const struct channel_quarantine *m)
{
	for (size_t i = 0; i < q->n; i++) {
		struct entry *e = &q->list[i];
		if (e->by_address == m->by_address &&
		    (e->by_address ? addr_cmp(&e->addrs[0], &m->addr) == 0 : memcmp(&e->mac, &m->mac, sizeof e->mac) == 0))
			return e;
	}
	return NULL;
}

static void
forget(struct quarantine *q, struct entry *e)
{
	*e = q->list[--q->n];
}

/* What has ended makes room, told or not. */
static struct entry *
room(struct quarantine *q)
{
	for (size_t i = 0; q->n == QUARANTINE_MAX && i < q->n; i++)
		if (has_ended(&q->list[i]))
			forget(q, &q->list[i]);
	return q->n < QUARANTINE_MAX ? &q->list[q->n++] : NULL;
}

static void
add_address(struct quarantine *q, struct entry *e, const struct addr *a)
{
	if (addr_cmp(a, &no_addr) == 0)
		return;
	for (size_t i = 0; i < e->n_addrs; i++)
		if (addr_cmp(&e->addrs[i], a) == 0)
			return;
	if (e->n_addrs == QUARANTINE_ADDRESSES) /* the longest known one goes */
		memmove(e->addrs, e->addrs + 1, --e->n_addrs * sizeof *e->addrs);
	e->addrs[e->n_addrs++] = *a;
	q->changed = q->unsaved = true;
}

static void
end(struct quarantine *q, struct entry *e)
{
	if (has_ended(e))
		return;
	e->flags = (e->flags & ~QUARANTINED_BEGUN) | QUARANTINED_ENDED;
	q->changed = q->unsaved = true;
}

bool
quarantine_is_full(struct quarantine *q, const struct channel_quarantine *m)
{
	return quarantine_count(q) == QUARANTINE_MAX && !find(q, m);
}

void
quarantine_take(struct quarantine *q, const struct channel_quarantine *m, int64_t now_s)
{
	struct entry *e = find(q, m);

	if (m->release) {
		if (e)
			end(q, e);
		return;
	}
	int64_t until_s = m->seconds ? now_s + m->seconds : 0;
	bool lasts = e && !has_ended(e), by_rule = m->head.arg == 0;
	/* A rule makes it longer, never shorter; who asks by hand has the last word. */
	if (lasts && by_rule && (e->until_s == 0 || (until_s && until_s <= e->until_s)))
		return;
	if (!e && !(e = room(q)))
		return; /* full: whoever asked finds it missing from the list */
	if (!lasts)
		*e = (struct entry){.mac = m->mac, .by_address = m->by_address, .flags = QUARANTINED_BEGUN};
	e->why = by_rule ? QUARANTINE_RULE : QUARANTINE_OPERATOR;
	e->until_s = until_s;
	add_address(q, e, &m->addr);
	q->changed = q->unsaved = true;
}

void
quarantine_shift(struct quarantine *q, int64_t seconds)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->list[i].until_s)
			q->list[i].until_s += seconds;
	q->unsaved |= q->n > 0;
}

void
quarantine_expire(struct quarantine *q, int64_t now_s)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->list[i].until_s && q->list[i].until_s <= now_s)
			end(q, &q->list[i]);
}

static void
drop_address(struct quarantine *q, struct entry *e, const struct addr *a)
{
	for (size_t i = 0; i < e->n_addrs; i++) {
		if (addr_cmp(&e->addrs[i], a) != 0)
			continue;
		memmove(e->addrs + i, e->addrs + i + 1, (--e->n_addrs - i) * sizeof *e->addrs);
		q->changed = q->unsaved = true;
		return;
	}
}

void
quarantine_neighbours(struct quarantine *q, const struct channel_neighbour *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < q->n; k++) {
			struct entry *e = &q->list[k];
			if (e->by_address || has_ended(e))
				continue;
			if (memcmp(&e->mac, &row[i].mac, sizeof e->mac) == 0)
				add_address(q, e, &row[i].addr);
			else
				drop_address(q, e, &row[i].addr);
		}
}

bool
quarantine_changed(const struct quarantine *q)
{
	return q->changed;
}

bool
quarantine_unsaved(const struct quarantine *q)
{
	return q->unsaved;
}

void
quarantine_settled(struct quarantine *q, bool ok)
{
	q->changed = false;
	for (size_t i = 0; !ok && i < q->n; i++)
		if (q->list[i].flags & QUARANTINED_BEGUN)
			q->list[i].flags = QUARANTINED_REFUSED | QUARANTINED_ENDED;
}

static void
put_element(FILE *f, const char *set, const char *key, int64_t left_s)
{
	fprintf(f, "add element inet " RULESET_TABLE " %s { %s", set, key);
	if (left_s > 0)
		fprintf(f, " timeout %llds", (long long)left_s);
	fputs(" }\n", f);
}

/* An address may come twice, of two devices: the kernel keeps the first one's time, and the next change says it anew. */
static void
put_entry(FILE *f, const struct entry *e, int64_t now_s)
{
	char text[ADDR_TEXT];
	int64_t left_s = e->until_s ? e->until_s - now_s + QUARANTINE_GRACE_S : 0;

	if (e->until_s && left_s <= 0)
		return;
	if (!e->by_address)
		put_element(f, "jail", mac_print(&e->mac, text), left_s);
	for (size_t i = 0; i < e->n_addrs; i++)
		put_element(f, addr_is_v4(&e->addrs[i]) ? "jail4" : "jail6", addr_print(&e->addrs[i], text), left_s);
}

void
quarantine_put(FILE *f, const struct quarantine *q, int64_t now_s)
{
	for (size_t i = 0; i < RULESET_FLOODS; i++)
		fprintf(f, "flush set inet " RULESET_TABLE " jail%s\n", ruleset_floods[i].suffix);
	for (size_t i = 0; q && i < q->n; i++)
		if (!has_ended(&q->list[i]))
			put_entry(f, &q->list[i], now_s);
}

size_t
quarantine_count(const struct quarantine *q)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n; i++)
		n += !has_ended(&q->list[i]);
	return n;
}

size_t
quarantine_rows(const struct quarantine *q, int64_t now_s, size_t *cursor, struct channel_quarantined_row *ret, size_t max)
{
	size_t n = 0;

	for (; *cursor < q->n && n < max; ++*cursor) {
		const struct entry *e = &q->list[*cursor];
		int64_t left_s = e->until_s ? e->until_s - now_s : 0;
		ret[n++] = (struct channel_quarantined_row){
			.mac = e->mac,
			.by_address = e->by_address,
			.why = e->why,
			.addr = e->n_addrs ? e->addrs[e->n_addrs - 1] : no_addr,
			.left_s = !e->until_s ? 0 : left_s > 0 ? (uint32_t)left_s : 1,
			.flags = e->flags,
		};
	}
	return n;
}

void
quarantine_told(struct quarantine *q)
{
	for (size_t i = q->n; i-- > 0;)
		if (has_ended(&q->list[i]))
			forget(q, &q->list[i]);
		else
			q->list[i].flags = 0;
}

/* MAC or "-", time, why, addresses. */
static char *
print_list(const struct quarantine *q, size_t *ret_len)
{
	char *text = NULL, word[ADDR_TEXT];
	FILE *f = open_memstream(&text, ret_len);
	if (!f)
		return NULL;
	fputs(FIRST_LINE, f);
	for (size_t i = 0; i < q->n; i++) {
		const struct entry *e = &q->list[i];
		if (has_ended(e))
			continue;
		fprintf(f, "%s %lld %u", e->by_address ? "-" : mac_print(&e->mac, word), (long long)e->until_s, e->why);
		/* The newest addresses, as many as a line holds for sure. */
		for (size_t k = e->n_addrs > 2 && !e->by_address ? e->n_addrs - 2 : 0; k < e->n_addrs; k++)
			fprintf(f, " %s", addr_print(&e->addrs[k], word));
		fputc('\n', f);
	}
	bool ok = !ferror(f);
	if (fclose(f) == 0 && ok)
		return text;
	free(text);
	return NULL;
}

int
quarantine_save(struct quarantine *q, int state_fd)
{
	struct place_part part = {0};
	char *text = print_list(q, &part.len);
	if (!text)
		return -1;
	part.data = text;
	int rc = place_write(state_fd, "quarantine", &part, 1);
	free(text);
	q->unsaved = q->unsaved && rc < 0;
	return rc;
}

/* One line without its end. False: it makes no sense. */
static bool
read_line(char *line, struct entry *ret)
{
	char *save = NULL, *end_of_number;
	const char *mac = strtok_r(line, " ", &save), *until = strtok_r(NULL, " ", &save), *why = strtok_r(NULL, " ", &save);
	struct entry e = {.by_address = mac && strcmp(mac, "-") == 0};

	if (!mac || !until || !why || (!e.by_address && (!mac_parse(mac, &e.mac) || !is_unicast(&e.mac))))
		return false;
	errno = 0;
	e.until_s = strtoll(until, &end_of_number, 10);
	if (errno || *end_of_number || e.until_s < 0 || e.until_s > INT64_MAX / 4)
		return false;
	if (strlen(why) != 1 || why[0] < '0' || why[0] > '0' + QUARANTINE_RULE)
		return false;
	e.why = (uint8_t)(why[0] - '0');
	for (const char *a; (a = strtok_r(NULL, " ", &save));)
		if (e.n_addrs == QUARANTINE_ADDRESSES || !addr_parse(a, &e.addrs[e.n_addrs++]))
			return false;
	if (e.by_address && e.n_addrs != 1)
		return false;
	*ret = e;
	return true;
}

static bool
is_there(struct quarantine *q, const struct entry *e)
{
	struct channel_quarantine m = {.mac = e->mac, .by_address = e->by_address, .addr = e->n_addrs ? e->addrs[0] : no_addr};

	return find(q, &m) != NULL;
}

static int
take_lines(struct quarantine *q, char *text, int64_t now_s)
{
	char *save = NULL;
	int senseless = 0;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct entry e;
		if (!read_line(line, &e) || q->n == QUARANTINE_MAX || is_there(q, &e)) {
			senseless++;
			continue;
		}
		/* A clock that stood in the past when this was written must not cut off for longer than anybody could have said. */
		if (e.until_s > now_s + QUARANTINE_SECONDS_MAX)
			e.until_s = now_s + QUARANTINE_SECONDS_MAX;
		if (e.until_s == 0 || e.until_s > now_s)
			q->list[q->n++] = e;
	}
	q->changed = q->n > 0;
	return senseless;
}

int
quarantine_load(struct quarantine *q, int state_fd, int64_t now_s)
{
	int fd = openat(state_fd, "quarantine", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), senseless = -1;
	if (fd < 0)
		return -1;
	char *text = malloc(FILE_MAX_BYTES + 1);
	ssize_t n = 0, got = 0;
	while (text && got < FILE_MAX_BYTES && (n = read(fd, text + got, (size_t)(FILE_MAX_BYTES - got))) > 0)
		got += n;
	close(fd);
	if (!text || n < 0) {
		free(text);
		return -1;
	}
	text[got] = '\0';
	if (strlen(text) == (size_t)got && strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) == 0) {
		senseless = take_lines(q, text + strlen(FIRST_LINE), now_s);
	} else {
		errno = EBADMSG;
	}
	free(text);
	return senseless;
}
