/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kinds the gate believes that the engine could have seen coming, and in which set the kernel looks for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "../../daemon/gate/ahead.h"
#include "../../daemon/gate/ruleset.h"
#include "channel.h"

static struct channel_kind
good(void)
{
	struct channel_kind k = {.ifindex = 3, .ms = 1, .port = 443, .mac = {{2, 0, 0, 0, 0, 1}}, .proto = IPPROTO_TCP, .ask = 1};

	addr_parse("10.0.0.1", &k.camera);
	addr_parse("198.51.100.1", &k.remote);
	return k;
}

static void
what_is_believed(void **state)
{
	struct channel_kind k = good();
	(void)state;

	assert_true(ahead_valid(&k));
	k.ask = 0;
	k.proto = IPPROTO_UDP;
	assert_true(ahead_valid(&k));
	k.ask = 1;
	assert_false(ahead_valid(&k)); /* UDP has no segment without payload */
	const struct {
		size_t at, len;
		uint8_t value;
	} wrong[] = {
		{offsetof(struct channel_kind, ifindex), 4, 0},	     {offsetof(struct channel_kind, ms), 4, 0},
		{offsetof(struct channel_kind, port), 2, 0},	     {offsetof(struct channel_kind, mac), 6, 0},
		{offsetof(struct channel_kind, mac), 6, 0xff},	     {offsetof(struct channel_kind, proto), 1, IPPROTO_ICMP},
		{offsetof(struct channel_kind, ask), 1, 2},	     {offsetof(struct channel_kind, camera), 16, 0x20},
		{offsetof(struct channel_kind, remote), 16, 0x20},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		k = good();
		memset((char *)&k + wrong[i].at, wrong[i].value, wrong[i].len);
		assert_false(ahead_valid(&k));
	}
	k = good();
	k.port = 53;
	assert_false(ahead_valid(&k)); /* each question is judged */
}

static void
which_set(void **state)
{
	static const struct {
		uint8_t proto;
		bool ask, v4;
		const char *set;
	} rows[] = {
		{IPPROTO_TCP, false, true, "allowt4"}, {IPPROTO_TCP, false, false, "allowt6"}, {IPPROTO_TCP, true, true, "askt4"},
		{IPPROTO_TCP, true, false, "askt6"},   {IPPROTO_UDP, false, true, "allowu4"},  {IPPROTO_UDP, false, false, "allowu6"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_string_equal(ruleset_kind_set(rows[i].proto, rows[i].ask, rows[i].v4), rows[i].set);
		assert_true(ruleset_is_kind_set(rows[i].set));
	}
	assert_false(ruleset_is_kind_set("jail"));
	assert_false(ruleset_is_kind_set(RULESET_CAM));
	assert_false(ruleset_is_kind_set(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_believed), cmocka_unit_test(which_set)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
