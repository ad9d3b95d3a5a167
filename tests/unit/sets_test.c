/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of names and of networks against the plain walk, and lists in files: what is an item, what is shared, what is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/policy/list.h"
#include "../../daemon/policy/model.h"
#include "../../daemon/policy/nameset.h"
#include "../../daemon/policy/netset.h"
#include "bundle.h"
#include "policy.h"

static uint64_t seed = UINT64_C(0x243f6a8885a308d3);

static unsigned
chance(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

/* ---- names ---- */

enum { NAMES = 400, ASKED = 20000 };

struct naive {
	char text[64];
	enum nameset_kind kind;
};

static void
name_by_chance(char out[64])
{
	static const char *const labels[] = {"a", "b", "cam", "example", "net", "com"};
	unsigned n = 1 + chance(4);
	out[0] = 0;
	for (unsigned i = 0; i < n; i++) {
		strcat(out, i ? "." : "");
		strcat(out, labels[chance(6)]);
	}
}

static bool
fits(const struct naive *p, const char *name)
{
	size_t len = strlen(name), n = strlen(p->text);
	if (p->kind == NAMESET_EXACT)
		return strcmp(p->text, name) == 0;
	return len > n + 1 && name[len - n - 1] == '.' && strcmp(name + len - n, p->text) == 0;
}

static void
test_names(void **state)
{
	static struct naive list[NAMES];
	char name[64];
	unsigned hits = 0;
	(void)state;
	for (unsigned round = 1; round <= NAMES; round = round * 3 + 1) {
		struct nameset *s = nameset_new(round, round * 64);
		assert_non_null(s);
		for (unsigned i = 0; i < round; i++) {
			bool twice = false;
			name_by_chance(list[i].text);
			list[i].kind = chance(3) ? NAMESET_EXACT : NAMESET_UNDER;
			for (unsigned k = 0; k < i && !twice; k++)
				twice = list[k].kind == list[i].kind && strcmp(list[k].text, list[i].text) == 0;
			assert_int_equal(nameset_add(s, list[i].text, strlen(list[i].text), list[i].kind, i), !twice);
		}
		for (unsigned i = 0; i < ASKED; i++) {
			uint32_t line = UINT32_MAX;
			bool want = false;
			name_by_chance(name);
			for (unsigned k = 0; k < round && !want; k++)
				want = fits(&list[k], name);
			assert_int_equal(nameset_find(s, name, &line), want);
			assert_true(!want || (line < round && fits(&list[line], name)));
			hits += want;
		}
		nameset_free(s);
	}
	assert_true(hits > ASKED / 10);
}

static void
test_names_at_the_edge(void **state)
{
	char huge[2048];
	uint32_t line;
	struct nameset *s = nameset_new(3, 1024);
	(void)state;
	assert_false(nameset_find(s, "", NULL));
	assert_true(nameset_add(s, "com", 3, NAMESET_UNDER, 7));
	assert_false(nameset_find(s, "com", NULL));
	assert_false(nameset_find(s, ".com", NULL));
	assert_false(nameset_find(s, "com.", NULL));
	assert_true(nameset_find(s, "a.com", &line));
	assert_int_equal(line, 7);
	/* Longer than any name, and of nothing but dots. */
	memset(huge, 'a', sizeof(huge));
	strcpy(huge + sizeof(huge) - 5, ".com");
	assert_true(nameset_find(s, huge, NULL));
	memset(huge, '.', sizeof(huge) - 5);
	assert_true(nameset_find(s, huge, NULL));
	huge[sizeof(huge) - 2] = 'n';
	assert_false(nameset_find(s, huge, NULL));
	assert_false(nameset_add(s, huge, 254, NAMESET_EXACT, 1));
	assert_true(nameset_add(s, "", 0, NAMESET_ANY, 9));
	assert_false(nameset_add(s, "", 0, NAMESET_ANY, 10));
	assert_true(nameset_find(s, "whatever", &line));
	assert_int_equal(line, 9);
	assert_true(nameset_add(s, "b", 1, NAMESET_EXACT, 1) && nameset_add(s, "c", 1, NAMESET_EXACT, 1));
	assert_false(nameset_add(s, "d", 1, NAMESET_EXACT, 1)); /* no room */
	nameset_free(s);
}

/* ---- networks ---- */

/* Few bits differ, so that networks are nested, neighbours and far away. */
static struct addr
addr_by_chance(unsigned style)
{
	struct addr a = {{0}};
	if (style == 0)
		addr_from_v4(&a, (const uint8_t[4]){10, (uint8_t)chance(3), (uint8_t)chance(4), (uint8_t)chance(256)});
	else
		for (unsigned i = 0; i < 16; i++)
			a.b[i] = style == 1 ? (uint8_t)(chance(8) ? 0x20 : chance(256)) : (uint8_t)chance(256);
	return a;
}

static struct netset_item
net_by_chance(unsigned style, uint32_t line)
{
	struct netset_item item = {addr_by_chance(style), (uint8_t)(style == 0 ? 100 + chance(29) : chance(129)), line};
	for (unsigned i = 0; i < 128; i++)
		if (i >= item.len)
			item.addr.b[i / 8] &= (uint8_t)~(0x80 >> i % 8);
	return item;
}

static bool
covers(const struct netset_item *i, const struct addr *a)
{
	struct prefix p = {i->addr, i->len};
	return prefix_covers(&p, a);
}

static void
test_nets(void **state)
{
	static const unsigned sizes[] = {0, 1, 2, 3, 17, 200, 1500};
	size_t twice;
	uint32_t line;
	unsigned long hits = 0;
	(void)state;
	for (unsigned style = 0; style < 3; style++) {
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			unsigned n = sizes[k];
			struct netset_item *items = calloc(n + 1, sizeof(*items)), *list = calloc(n + 1, sizeof(*items));
			for (unsigned i = 0; i < n; i++)
				list[i] = items[i] = net_by_chance(style, i);
			struct netset *s = netset_new(items, n, &twice, &line);
			assert_non_null(s);
			for (unsigned i = 0; i < 2000; i++) {
				struct addr a = n && chance(2) ? list[chance(n)].addr : addr_by_chance(style);
				bool want = false;
				if (chance(2))
					a.b[15] ^= (uint8_t)chance(8);
				for (unsigned j = 0; j < n && !want; j++)
					want = covers(&list[j], &a);
				line = UINT32_MAX;
				assert_int_equal(netset_find(s, &a, &line), want);
				assert_true(!want || (line < n && covers(&list[line], &a)));
				hits += want;
			}
			netset_free(s);
			free(list);
		}
	}
	assert_true(hits > 5000);
}

/* What would make a trie large: every second address, one long chain, one network around all. */
static void
test_nets_stay_small(void **state)
{
	enum { N = 100000 };
	size_t twice;
	uint32_t line;
	(void)state;
	for (unsigned style = 0; style < 3; style++) {
		struct netset_item *items = calloc(N, sizeof(*items));
		for (uint32_t i = 0; i < N; i++) {
			items[i] = (struct netset_item){.len = 128, .line = i};
			for (unsigned b = 0; b < 4; b++)
				items[i].addr.b[15 - b] = (uint8_t)((style ? i * 2 : i / 128 * 7) >> 8 * b);
			if (style == 2) /* each in a corner of its own */
				items[i].addr.b[chance(12)] = (uint8_t)(1 << chance(8));
			if (style == 0)
				items[i].addr.b[i % 128 / 8] |= (uint8_t)(0x80 >> i % 8);
		}
		struct netset *s = netset_new(items, N, &twice, &line);
		assert_non_null(s);
		assert_true(netset_bytes(s) <= 64 * (size_t)N);
		netset_free(s);
	}
}

/* ---- lists ---- */

static const char policy_text[] = "version: 1\nmode: monitor\nzones: {cameras: {interfaces: [cam0]}}\n"
				  "rules:\n  - {name: a, from: cameras, to: {address: {file: nets.txt}}, action: block}\n"
				  "  - {name: b, from: cameras, to: {name: {file: names.txt}}, action: block}\ndefault: allow\n";

static struct policy *
load(const char *nets, const char *names, const struct policy *previous, unsigned *ret_errors)
{
	struct diags diags = {0};
	struct bundle *b = bundle_from_text("t.yaml", policy_text, sizeof(policy_text) - 1);
	assert_true(bundle_add_list_text(b, "nets.txt", nets, strlen(nets)) && bundle_add_list_text(b, "names.txt", names, strlen(names)));
	struct policy *p = policy_load_sharing(b, &diags, previous);
	*ret_errors = diags.errors;
	diags_free(&diags);
	bundle_free(b);
	return p;
}

static void
test_shared(void **state)
{
	unsigned errors;
	uint32_t line;
	struct addr a;
	(void)state;
	struct policy *first = load("192.0.2.1\n", "a.test\n", NULL, &errors);
	assert_non_null(first);
	struct policy *second = load("192.0.2.1\n", "b.test\n", first, &errors);
	assert_non_null(second);
	struct list *const *before = first->lists.items, *const *after = second->lists.items;
	assert_ptr_equal(before[0], after[0]); /* the same bytes */
	assert_ptr_not_equal(before[1], after[1]);
	assert_string_not_equal(policy_id(first), policy_id(second));
	policy_free(first);
	assert_true(addr_parse("192.0.2.1", &a) && list_has_addr(after[0], &a, &line));
	assert_int_equal(line, 1);
	assert_true(list_has_name(after[1], "b.test", NULL) && !list_has_name(after[1], "a.test", NULL));
	policy_free(second);
	assert_null(load("192.0.2.1\n", "", NULL, &errors));
	assert_int_equal(errors, 1);
}

/* The id covers lists, and they come through the serialised form as they are, NULs and all. */
static void
test_bundle(void **state)
{
	static const char list[] = "192.0.2.1\0\n";
	struct bundle *b = bundle_from_text("t.yaml", policy_text, sizeof(policy_text) - 1);
	char id[13], path[] = "/tmp/lenscap-lists-XXXXXX";
	(void)state;
	memcpy(id, b->id, sizeof(id));
	assert_true(bundle_add_list_text(b, "x", list, sizeof(list) - 1));
	assert_string_not_equal(id, b->id);
	int fd = mkstemp(path);
	assert_true(fd >= 0 && unlink(path) == 0);
	assert_int_equal(bundle_save(b, fd), 0);
	struct bundle *again = bundle_load(fd);
	assert_non_null(again);
	assert_string_equal(again->id, b->id);
	assert_int_equal(again->n_lists, 1);
	assert_int_equal(again->lists[0].len, sizeof(list) - 1);
	assert_memory_equal(again->lists[0].text, list, sizeof(list) - 1);
	assert_true(bundle_list_sum(&again->lists[0]) == bundle_list_sum(&b->lists[0]));
	bundle_free(again);
	/* One that could not be read is noted, and nothing of it is ever handed on. */
	assert_true(bundle_add_list(b, "/nonexistent/list"));
	assert_null(bundle_list_find(b, "/nonexistent/list")->text);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(bundle_save(b, fd), -1);
	for (unsigned i = (unsigned)b->n_lists; i < BUNDLE_LISTS_MAX; i++) {
		snprintf(path, sizeof(path), "%u", i);
		assert_true(bundle_add_list(b, path));
	}
	assert_false(bundle_add_list(b, "one more"));
	bundle_free(b);
	close(fd);
}

static void
test_fifo_does_not_wait(void **state)
{
	char dir[] = "/tmp/lenscap-lists-XXXXXX", path[64];
	struct bundle *b = bundle_from_text("t.yaml", "", 0);
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(bundle_add_list(b, path) && bundle_add_list(b, dir) && bundle_add_list(b, "/dev/zero"));
	for (size_t i = 0; i < b->n_lists; i++)
		assert_true(!b->lists[i].text && b->lists[i].error);
	bundle_free(b);
	unlink(path);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_at_the_edge),
		cmocka_unit_test(test_nets),
		cmocka_unit_test(test_nets_stay_small),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_bundle),
		cmocka_unit_test(test_fifo_does_not_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
