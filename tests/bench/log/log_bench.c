/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What offering a record costs the loop: log_bench SECONDS RATE LINE-BYTES PATH|- [stopped]. Offers records at the rate, flushes every 10 ms
 * as the engine does, and prints one line of JSON: records a second that were written, dropped, and how long an offer took, in
 * nanoseconds. PATH may be a FIFO; "stopped" keeps its reader from reading. "-": no output at all, the price of measuring.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "sink.h"

#define S UINT64_C(1000000000)

static int
ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint64_t
total(const uint64_t counts[RECORD_TYPES])
{
	uint64_t n = 0;

	for (size_t i = 0; i < RECORD_TYPES; i++)
		n += counts[i];
	return n;
}

static uint64_t
offer_all(struct sinks *s, const char *line, size_t len, uint64_t n, unsigned rate, uint32_t *took)
{
	struct now start, now, after;
	uint64_t flushed = 0;

	clock_read(&start);
	for (uint64_t i = 0; i < n; i++) {
		clock_read(&now);
		while (now.mono_ns - start.mono_ns < i * S / rate) {
			(void)poll(NULL, 0, 1);
			clock_read(&now);
		}
		sinks_write(s, i % 100 ? RECORD_FLOW : RECORD_ALERT, i % 100 ? ALERT_NONE : ALERT_LOW, &now, line, len);
		if (now.mono_ns - flushed >= S / 100) {
			sinks_flush(s, &now);
			flushed = now.mono_ns;
		}
		clock_read(&after);
		took[i] = (uint32_t)(after.mono_ns - now.mono_ns);
	}
	return after.mono_ns - start.mono_ns;
}

int
main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	unsigned seconds = (unsigned)atoi(argv[1]), rate = (unsigned)atoi(argv[2]);
	size_t len = (size_t)atoi(argv[3]), n_rows;
	bool none = strcmp(argv[4], "-") == 0;
	struct policy_output o = {.kind = OUTPUT_EVE, .path = argv[4], .types = RECORD_FLOW | RECORD_ALERT};
	struct now now;
	int reader = -1;

	if (!seconds || seconds > 60 || !rate || rate > 1000000 || len < 2 || len > RECORD_BYTES)
		return 2;
	log_init("log_bench", false);
	clock_read(&now);
	uint64_t n = (uint64_t)seconds * rate;
	char *line = malloc(len);
	uint32_t *took = calloc(n, sizeof *took);
	if (argc > 5 && (mkfifo(argv[4], 0600) < 0 || (reader = open(argv[4], O_RDONLY | O_NONBLOCK)) < 0))
		return 1;
	struct sinks *s = sinks_new(&o, none ? 0 : 1, -1, true, NULL, NULL, &now);
	if (!s || !line || !took)
		return 1;
	memset(line, 'x', len);
	line[len - 1] = '\n';
	uint64_t ns = offer_all(s, line, len, n, rate, took);
	const struct sink_status *row = sinks_status(s, &n_rows);
	qsort(took, n, sizeof *took, ascending);
	printf("{\"target\":\"%s\",\"offered_per_s\":%.0f,\"written\":%" PRIu64 ",\"dropped_flows\":%" PRIu64 ",\"dropped_alerts\":%" PRIu64
	       ",\"offer_ns\":{\"p50\":%u,\"p99\":%u,\"p999\":%u,\"max\":%u}}\n",
	       argv[4], (double)n * 1e9 / (double)ns, n_rows ? total(row->written) : 0, n_rows ? row->dropped[1] : 0, n_rows ? row->dropped[0] : 0,
	       took[n / 2], took[n * 99 / 100], took[n * 999 / 1000], took[n - 1]);
	clock_read(&now);
	sinks_free(s, &now);
	if (reader >= 0)
		close(reader);
	free(line);
	free(took);
	return 0;
}
