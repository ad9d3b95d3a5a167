/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * micro [--quick] [--json] [WORD…]: runs the cases whose names contain one of the words, or all. Processor time of the thread, so that what
 * else the machine does moves the figures little; medians of repeats, and the distance between the quartiles as spread.
 */
#include "micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "probe.h"

enum { REPEATS = 15, REPEATS_QUICK = 5, RUN_NS = 20000000, RUN_QUICK_NS = 4000000, OUT = 65536, CASES = 128 };

struct figure {
	double median, spread;
	size_t n;
	bool absent;
	char why[120];
};

static const struct {
	const struct micro_case *cases;
	const size_t *n;
} groups[] = {
	{packet_cases, &packet_cases_n}, {table_cases, &table_cases_n}, {probe_cases, &probe_cases_n},
	{judge_cases, &judge_cases_n},	 {place_cases, &place_cases_n}, {record_cases, &record_cases_n},
};

const char *micro_absent = "";
volatile uint64_t micro_sink;
static uint64_t allocations;

/* In place of the C library's, which do the work: every call is counted. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *
malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}

uint64_t
micro_allocations(void)
{
	return allocations;
}

_Noreturn void
micro_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "micro: %s:%d: %s does not hold\n", file, line, what);
	exit(2);
}

void *
micro_alloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	MICRO_CHECK(p);
	return p;
}

struct addr
micro_v4(uint32_t n)
{
	const uint8_t b[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
	struct addr a;

	addr_from_v4(&a, b);
	return a;
}

struct tuple
micro_tuple(uint32_t n)
{
	return (struct tuple){.src = micro_v4(0x0a000000 + n % 1000),
			      .dst = micro_v4(0xcb007100 + n % 251),
			      .sport = (uint16_t)(1024 + n / 1000 % 60000),
			      .dport = (uint16_t)(443 + n / 60000000),
			      .proto = 6};
}

double
micro_rss(void)
{
	unsigned long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	MICRO_CHECK(f && fscanf(f, "%lu %lu", &size, &resident) == 2);
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
timed(const struct micro_case *c, void *state, size_t n)
{
	double from = cpu_ns();

	c->run(state, n);
	return cpu_ns() - from;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* So many operations that a run is long beside the clock and short beside patience. */
static size_t
operations(const struct micro_case *c, void *state, double run_ns)
{
	size_t n = 16;

	while (timed(c, state, n) < run_ns / 4 && n < (size_t)1 << 30)
		n *= 2;
	double once = timed(c, state, n);
	return once > 0 ? (size_t)((double)n * run_ns / once) + 1 : n;
}

static void
take(const struct micro_case *c, bool quick, struct figure *ret)
{
	double v[REPEATS];
	size_t repeats = quick ? REPEATS_QUICK : REPEATS;
	void *state = c->open(c->size);

	memset(ret, 0, sizeof *ret);
	if (!state) {
		ret->absent = true;
		snprintf(ret->why, sizeof ret->why, "%s", micro_absent);
		return;
	}
	if (c->measure) {
		ret->median = c->measure(state);
		ret->n = 1;
		return;
	}
	ret->n = operations(c, state, quick ? RUN_QUICK_NS : RUN_NS);
	for (size_t i = 0; i < repeats; i++)
		v[i] = timed(c, state, ret->n) / (double)ret->n;
	qsort(v, repeats, sizeof v[0], by_value);
	ret->median = v[repeats / 2];
	ret->spread = v[repeats * 3 / 4] - v[repeats / 4];
}

/* In a process of its own. False: it failed, and said why. */
static bool
take_apart(const struct micro_case *c, bool quick, struct figure *ret)
{
	int fd[2], status;

	MICRO_CHECK(pipe(fd) == 0);
	fflush(NULL);
	pid_t child = fork();
	MICRO_CHECK(child >= 0);
	if (child == 0) {
		close(fd[0]);
		take(c, quick, ret);
		_exit(write(fd[1], ret, sizeof *ret) != sizeof *ret);
	}
	close(fd[1]);
	bool whole = read(fd[0], ret, sizeof *ret) == (ssize_t)sizeof *ret;
	close(fd[0]);
	MICRO_CHECK(waitpid(child, &status, 0) == child);
	if (!whole || status != 0)
		fprintf(stderr, "micro: %s failed (status %d)\n", c->name, status);
	return whole && status == 0;
}

static void
print_json(struct json *j, const struct micro_case *c, const struct figure *f)
{
	json_object(j, NULL);
	json_str(j, "name", c->name);
	json_str(j, "unit", c->unit ? c->unit : "ns");
	if (f->absent) {
		json_null(j, "median");
		json_str(j, "absent", f->why);
	} else {
		json_milli(j, "median", (int64_t)(f->median * 1000));
	}
	json_milli(j, "spread", (int64_t)(f->spread * 1000));
	json_uint(j, "n", f->n);
	if (c->goal > 0)
		json_milli(j, "goal", (int64_t)(c->goal * 1000));
	else
		json_null(j, "goal");
	json_object_end(j);
}

static void
print_line(const struct micro_case *c, const struct figure *f)
{
	char goal[40] = "";

	if (c->goal > 0)
		snprintf(goal, sizeof goal, "goal %.0f%s", c->goal, !f->absent && f->median > c->goal ? ", MISSED" : "");
	if (f->absent)
		printf("%-48s not measured: %s\n", c->name, f->why);
	else
		printf("%-48s %12.1f %-12s ± %-8.1f %s\n", c->name, f->median, c->unit ? c->unit : "ns", f->spread, goal);
	fflush(stdout);
}

static bool
wanted(const char *name, char *const *words)
{
	if (!*words)
		return true;
	for (; *words; words++)
		if (strstr(name, *words))
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	static char out[OUT];
	char *words[CASES] = {NULL};
	bool quick = false, as_json = false, ok = true;
	struct json j;

	for (int i = 1, n = 0; i < argc && n < CASES - 1; i++) {
		if (strcmp(argv[i], "--quick") == 0)
			quick = true;
		else if (strcmp(argv[i], "--json") == 0)
			as_json = true;
		else
			words[n++] = argv[i];
	}
	MICRO_CHECK(probe_start());
	json_init(&j, out, sizeof out);
	json_object(&j, NULL);
	json_array(&j, "cases");
	for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
		for (size_t i = 0; i < *groups[g].n; i++) {
			const struct micro_case *c = &groups[g].cases[i];
			struct figure f;
			if (!wanted(c->name, words))
				continue;
			if (!take_apart(c, quick, &f)) {
				ok = false;
				continue;
			}
			if (as_json)
				print_json(&j, c, &f);
			else
				print_line(c, &f);
		}
	}
	json_array_end(&j);
	json_object_end(&j);
	MICRO_CHECK(json_line(&j));
	if (as_json)
		fputs(out, stdout);
	return ok ? 0 : 1;
}
