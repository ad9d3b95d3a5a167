/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Micro-benchmarks: rows of cases, each in a process of its own, so that no case finds the caches or the heap of another one, and its
 * memory is its own as well. The data of a case is larger than the caches wherever that is what the gateway would meet.
 */
#ifndef LENSCAP_BENCH_MICRO_H
#define LENSCAP_BENCH_MICRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct micro_case {
	const char *name;
	const char *unit; /* NULL: ns, and `run` is timed */
	double goal;	  /* at most; 0: none */
	/* What the case works on; NULL: something that it needs is not here, and micro_absent says what. */
	void *(*open)(size_t size);
	size_t size;
	/* n operations. Their processor time is taken, divided by n. */
	void (*run)(void *state, size_t n);
	/* In place of run: the figure itself. */
	double (*measure)(void *state);
};

extern const char *micro_absent;

/* Stops the benchmark: the code under test did something that it must not do. */
#define MICRO_CHECK(x) ((x) ? (void)0 : micro_fail(#x, __FILE__, __LINE__))
_Noreturn void micro_fail(const char *what, const char *file, int line);

/* Keeps the compiler from leaving out what nobody uses. */
extern volatile uint64_t micro_sink;

/* The next of a sequence without a pattern that hardware could follow. */
static inline uint64_t
micro_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 17;
}

void *micro_alloc(size_t n, size_t size);
/* The n-th of as many different tuples as there are numbers. */
struct tuple micro_tuple(uint32_t n);
struct addr micro_v4(uint32_t n);
/* Bytes of this process in memory, the kernel's page tables aside. */
double micro_rss(void);
/* Calls of malloc() and its like since the start. */
uint64_t micro_allocations(void);

extern const struct micro_case table_cases[], packet_cases[], probe_cases[], judge_cases[], place_cases[], record_cases[];
extern const size_t table_cases_n, packet_cases_n, probe_cases_n, judge_cases_n, place_cases_n, record_cases_n;

#endif
