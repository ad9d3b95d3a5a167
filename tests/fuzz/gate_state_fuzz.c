/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that the gate finds at its start. The first byte says which: on what terms the policy is in force, a kept policy (with a check that is
 * right, or as it is), who is in quarantine, the saved plan, a policy's bundle with its lists. What was taken is in range, and what is written of
 * it reads back the same.
 */
#include <inttypes.h>

#include "scratch.h"

#include "../../daemon/gate/lists.h"
#include "../../daemon/gate/place.h"
#include "../../daemon/gate/quarantine.h"
#include "../../daemon/gate/standing.h"
#include "channel.h"
#include "hash.h"
#include "log.h"
#include "plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1795401000, VERSIONS = 4 };

static int state, versions;

static void
start(void)
{
	static const char bundle[] = "lenscap-bundle 2\np 6 1\na.yaml\n";
	int fd = scratch_memory(bundle, sizeof bundle - 1);

	log_init("fuzz", false);
	state = scratch_open();
	versions = versions_open(state, scratch_dir);
	assert(versions >= 0);
	for (uint32_t i = 1; i <= VERSIONS; i++) {
		struct version v = {.seq = i, .id = "0123456789ab", .time_s = NOW_S, .uid = 1000};
		v.id[11] = (char)('a' + i);
		assert(versions_save(versions, &v, fd) == 0);
	}
	close(fd);
}

static void
standing(const uint8_t *data, size_t size)
{
	struct standing s, again;

	scratch_write(state, "standing", data, size);
	standing_load(state, versions, &s);
	assert(history_valid(&s.history) && s.mode <= CHANNEL_MODE_ENFORCE);
	assert(s.confirm.seconds == 0 || (lease_valid(&s.confirm) && s.history.at > 0));
	assert(s.mode_for.seconds == 0 || lease_valid(&s.mode_for));
	assert(standing_save(state, &s) == 0);
	standing_load(state, versions, &again);
	assert(s.history.n == again.history.n && s.history.at == again.history.at && s.mode == again.mode);
	for (size_t i = 0; i < s.history.n; i++)
		assert(s.history.v[i].seq == again.history.v[i].seq && strcmp(s.history.v[i].id, again.history.v[i].id) == 0);
	assert(s.confirm.seconds == again.confirm.seconds && s.mode_for.seconds == again.mode_for.seconds);
}

/* fixed: the line that the input begins with gets the length and the check of what follows it, as a file has that we wrote. */
static void
version(const uint8_t *data, size_t size, bool fixed)
{
	static const struct hash_key key = {0x706f6c6963696573u, 0x76657273696f6e73u};
	static char file[70000];
	struct version v, wanted;
	struct history h;
	char name[] = "9";
	int len = 0;

	if (fixed)
		len = snprintf(file, sizeof file, "lenscap-version 1 9 0123456789ab %d 0 %zu %016" PRIx64 "\n", NOW_S, size,
			       hash_bytes(&key, data, size));
	if ((size_t)len + size > sizeof file)
		return;
	memcpy(file + len, data, size);
	scratch_write(versions, name, file, (size_t)len + size);
	bool good = versions_describe(versions, 9, &v);
	assert(good || !fixed);
	if (good) {
		assert(v.seq == 9 && strnlen(v.id, VERSION_ID) == 12);
		wanted = v;
		int fd = versions_load(versions, &wanted);
		struct stat st;
		assert(fd >= 0 && fstat(fd, &st) == 0 && st.st_size <= (off_t)size);
		close(fd);
	}
	versions_scan(versions, &h);
	assert(history_valid(&h) && h.n >= VERSIONS && h.n <= VERSIONS + 1);
	assert(unlinkat(versions, name, 0) == 0);
}

static void
quarantine(const uint8_t *data, size_t size)
{
	static struct channel_quarantined_row rows[QUARANTINE_MAX + 1];
	struct quarantine *q = quarantine_new(), *again = quarantine_new();
	size_t at = 0;

	scratch_write(state, "quarantine", data, size);
	int senseless = quarantine_load(q, state, NOW_S);
	size_t n = quarantine_count(q);
	assert(n <= QUARANTINE_MAX && (senseless >= 0 || n == 0));
	assert(quarantine_rows(q, NOW_S, &at, rows, QUARANTINE_MAX + 1) == n);
	for (size_t i = 0; i < n; i++)
		assert(rows[i].left_s <= QUARANTINE_SECONDS_MAX && rows[i].why <= QUARANTINE_RULE && rows[i].by_address <= 1);
	assert(quarantine_save(q, state) == 0 && quarantine_load(again, state, NOW_S) == 0 && quarantine_count(again) == n);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	assert(f);
	quarantine_put(f, again, NOW_S);
	fclose(f);
	free(text);
	quarantine_expire(q, INT64_MAX / 8);
	quarantine_told(q);
	quarantine_free(q);
	quarantine_free(again);
}

/* A plan that is good but for the bytes that the input changes. */
static void
plan(const uint8_t *data, size_t size)
{
	struct plan p = {.magic = PLAN_MAGIC, .version = PLAN_VERSION, .size = sizeof p, .policy_id = "0123456789ab", .n_interfaces = 2,
			 .interfaces = {"cam0", "cam1"}, .bridges = {"", "br0"}, .queue = 2050, .queue_length = 8192, .queue_buffer = 1 << 22,
			 .copy_range = 24576, .mark_shift = 16, .deny_memory_s = 10, .kind_memory_s = 30, .engine_deadline_ms = 1000,
			 .new_flows = 1000, .flood_hold_s = 60, .watch_lists_s = 2},
		    read;
	struct place place = {.state_fd = state};
	uint8_t bytes[sizeof p];
	uint16_t at;

	memcpy(bytes, &p, sizeof p);
	for (size_t i = 0; i + 3 <= size; i += 3) {
		memcpy(&at, data + i, sizeof at);
		bytes[at % sizeof bytes] ^= data[i + 2];
	}
	scratch_write(state, "plan", bytes, sizeof bytes - (size % 3 == 1));
	if (place_load_plan(&place, &read) < 0)
		return;
	assert(plan_valid(&read));
	assert(place_save_plan(&place, &read) == 0 && place_load_plan(&place, &p) == 0 && memcmp(&p, &read, sizeof p) == 0);
}

static void
lists(const uint8_t *data, size_t size)
{
	struct lists *l = lists_new();
	int fd = scratch_memory(data, size);

	lists_begin(l, 1);
	lists_adopt(l, "0123456789ab", fd);
	unsigned n = lists_count(l);
	lists_adopt(l, "another", fd);
	assert(lists_count(l) == n && n <= size);
	(void)lists_changed(l, UINT64_C(10000000000), 1);
	(void)lists_changed(l, UINT64_C(20000000000), 1);
	lists_free(l);
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!versions)
		start();
	if (size == 0)
		return 0;
	uint8_t kind = *data++;
	size--;
	switch (kind % 6) {
	case 0:
		standing(data, size);
		break;
	case 1:
	case 2:
		version(data, size, kind % 6 == 1);
		break;
	case 3:
		quarantine(data, size);
		break;
	case 4:
		plan(data, size);
		break;
	case 5:
		lists(data, size);
		break;
	}
	return 0;
}
