/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is freed all at once: what it hands out, and that a large region lies in blocks which go back to the system. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "region.h"

enum { PIECE = 1000, PIECES = 16000 };

static void
every_piece_is_zeroed_aligned_and_its_own(void **state)
{
	static unsigned char *pieces[PIECES];
	struct region r = {0};
	(void)state;

	for (size_t i = 0; i < PIECES; i++) {
		/* Now and then one that fits in no block of its time. */
		size_t bytes = i % 4000 == 17 ? PIECE * 3000 : PIECE;
		pieces[i] = region_alloc(&r, bytes);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		for (size_t k = 0; k < bytes; k++)
			assert_int_equal(pieces[i][k], 0);
		memset(pieces[i], (int)(i % 251) + 1, bytes);
	}
	for (size_t i = 0; i < PIECES; i++)
		for (size_t k = 0; k < PIECE; k++)
			assert_int_equal(pieces[i][k], i % 251 + 1);
	assert_false(r.failed);
	region_free(&r);
	assert_null(r.blocks);
}

static void
what_cannot_be_had_fails_for_good(void **state)
{
	struct region r = {0};
	(void)state;

	assert_null(region_alloc(&r, SIZE_MAX / 2));
	assert_true(r.failed);
	assert_non_null(region_alloc(&r, 10));
	assert_true(r.failed);
	region_free(&r);
	assert_false(r.failed);
}

static void
a_large_region_goes_back_whole(void **state)
{
	(void)state;
#if defined(__SANITIZE_ADDRESS__) || !defined(M_MMAP_THRESHOLD)
	skip(); /* an allocator of its own */
#else
	mallopt(M_MMAP_THRESHOLD, 128 << 10); /* as the engine has it */
	struct mallinfo2 before = mallinfo2();
	struct region r = {0};
	for (size_t i = 0; i < PIECES; i++)
		assert_non_null(region_alloc(&r, PIECE));
	struct mallinfo2 full = mallinfo2();
	assert_true(full.uordblks - before.uordblks < 256 << 10); /* the first, small blocks lie in the heap */
	assert_true(full.hblkhd - before.hblkhd >= (size_t)PIECES * PIECE - (256 << 10));
	region_free(&r);
	struct mallinfo2 after = mallinfo2();
	assert_int_equal(after.hblkhd, before.hblkhd);
	assert_int_equal(after.uordblks, before.uordblks);
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_piece_is_zeroed_aligned_and_its_own),
		cmocka_unit_test(what_cannot_be_had_fails_for_good),
		cmocka_unit_test(a_large_region_goes_back_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
