/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table's text: what must be in it, what must never be, and that two runs cannot differ. The kernel's
 * opinion is asked by the netns tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/gate/quarantine.h"
#include "../../daemon/gate/ruleset.h"
#include "discovery.h"
#include "mark.h"

static struct plan
example(void)
{
	struct plan p = {
		.enforce = 1, .n_interfaces = 2, .queue = 2050, .mark_shift = 16, .deny_memory_s = 7, .kind_memory_s = 9, .new_flows = 100, .flood_hold_s = 30};
	strcpy(p.interfaces[0], "cam0");
	strcpy(p.interfaces[1], "eth1.20");
	return p;
}

static size_t
count(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

#define HAS(text, what)	    assert_non_null(strstr(text, what))
#define HAS_NOT(text, what) assert_null(strstr(text, what))

static void
base_comes_before_any_hook(void **state)
{
	char *text = ruleset_base();
	(void)state;
	assert_non_null(text);
	HAS(text, "add chain inet lenscap toq\n");
	HAS_NOT(text, "hook");
	HAS_NOT(text, "add rule");
	HAS_NOT(text, "flush");
	free(text);
}

static void
generation_and_place_of_the_field(void **state)
{
	struct plan p = example();
	struct ruleset r = {.plan = &p, .generation = 254};
	char *text = ruleset_rewrite(&r);
	(void)state;
	HAS(text, "ct mark & 0x07ff0000 == 0x01fe0000 counter name c_offload accept");
	HAS(text, "ct mark & 0x0fff0000 == 0x02fe0000 counter name c_cut drop");
	HAS(text, "meta mark & 0x07ff0000 == 0x01fe0000 ct mark set ct mark and 0xf000ffff or 0x01fe0000");
	HAS_NOT(text, "0x0fff0000 == 0x02ff0000"); /* the stale generation is never saved */
	free(text);

	p.mark_shift = 0;
	r.generation = 1;
	text = ruleset_rewrite(&r);
	HAS(text, "ct mark & 0x000007ff == 0x00000101 counter name c_offload accept");
	HAS(text, "meta mark set meta mark and 0xfffff000");
	free(text);
}

static void
fail_mode_and_mode(void **state)
{
	struct plan p = example();
	struct ruleset r = {.plan = &p, .generation = 1};
	(void)state;
	for (unsigned closed = 0; closed < 2; closed++)
		for (unsigned enforce = 0; enforce < 2; enforce++) {
			p.fail_closed = (uint8_t)closed;
			p.enforce = (uint8_t)enforce;
			char *text = ruleset_rewrite(&r), *toq = ruleset_toq(&p);
			const char *fall_through = strstr(text, "jump toq\nadd rule inet lenscap ask_all ");
			assert_non_null(fall_through);
			HAS(fall_through, closed ? "ask_all drop\n" : "ask_all accept\n");
			HAS(text, enforce ? "ct state invalid counter name c_invalid drop"
					  : "ct state invalid counter name c_invalid accept");
			HAS(toq, closed ? "toq queue to 2050" : "toq queue flags bypass to 2050");
			free(text);
			free(toq);
		}
}

static void
only_camera_traffic_is_touched(void **state)
{
	struct plan p = example();
	struct ruleset r = {.plan = &p, .generation = 3};
	char *text = ruleset_rewrite(&r);
	(void)state;
	assert_int_equal(count(text, "add rule inet lenscap inspect "), 2);
	assert_int_equal(count(text, "add rule inet lenscap apply "), 2);
	for (const char *at = text; (at = strstr(at, "add rule inet lenscap apply ")); at++)
		assert_true(strncmp(at + 28, "iifname @cam", 12) == 0 ||
			    strncmp(at + 28, "oifname @cam", 12) == 0);
	HAS(text, "flush set inet lenscap cam\n");
	HAS(text, "{ \"cam0\" }");
	HAS(text, "{ \"eth1.20\" }");
	assert_int_equal(count(text, "inet nat") + count(text, "flush ruleset") + count(text, "flush table"),
			 0);
	free(text);
}

static void
memory_is_emptied_when_asked(void **state)
{
	struct plan p = example();
	struct ruleset r = {.plan = &p, .generation = 3};
	(void)state;
	char *text = ruleset_rewrite(&r);
	HAS_NOT(text, "delete set inet lenscap drop");
	HAS_NOT(text, "flush set inet lenscap hits");
	free(text);
	r.forget = true;
	text = ruleset_rewrite(&r);
	assert_int_equal(
		count(text, "delete set inet lenscap drop") + count(text, "delete set inet lenscap reject"), 8);
	HAS_NOT(text, "flush set inet lenscap drop"); /* what a packet adds meanwhile would stay */
	HAS_NOT(text, "flush set inet lenscap reject");
	assert_true(strstr(text, "delete set inet lenscap drop4p\nadd set inet lenscap drop4p {") != NULL);
	HAS_NOT(text, "flush set inet lenscap hits"); /* their counts are not told yet */
	free(text);
	r.fresh = true;
	text = ruleset_rewrite(&r);
	assert_int_equal(count(text, "flush set inet lenscap hits"), 4);
	assert_int_equal(count(text, "timeout 7s"), 16); /* 8 that note, 8 that refresh */
	free(text);
}

/*
 * A full set ends the rule that updates it: no verdict may stand behind an update. But for the sets that measure a pace, and those of what a
 * server reads first, where the room is what the rules behind ask for.
 */
static void
no_verdict_depends_on_room_in_a_set(void **state)
{
	struct plan p = example();
	struct ruleset r = {.plan = &p, .generation = 3};
	char *text = ruleset_rewrite(&r), *save = NULL;
	(void)state;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *update = strstr(line, "update @");
		if (update && !strstr(line, "limit rate") && !strstr(line, "@begun"))
			assert_true(strchr(update, '}')[1] == '\0');
	}
	free(text);
}

/* Every length of a TCP header and nothing else, for both families; what passes so is TCP of an open flow, or a first SYN. */
static void
no_payload_is_exact(void **state)
{
	struct plan p = example();
	struct ruleset r = {.plan = &p, .generation = 3};
	char *text = ruleset_rewrite(&r), line[120];
	(void)state;
	for (unsigned doff = 5; doff < 16; doff++) {
		snprintf(line, sizeof line, "bare4 ip length %u tcp doff %u counter name c_bare accept\n", 20 + 4 * doff, doff);
		assert_int_equal(count(text, line), 1);
		snprintf(line, sizeof line, "bare6 ip6 length %u tcp doff %u counter name c_bare accept\n", 4 * doff, doff);
		assert_int_equal(count(text, line), 1);
		snprintf(line, sizeof line, "syn4 ip length %u tcp doff %u goto kind4\n", 20 + 4 * doff, doff);
		assert_int_equal(count(text, line), 1);
	}
	assert_int_equal(count(text, "counter name c_bare accept"), 22);
	HAS(text, "bare ip hdrlength 5 goto bare4\n");
	HAS(text, "bare ip6 nexthdr tcp goto bare6\n");
	HAS(text, "kind ip hdrlength 5 goto syn4\n");
	HAS(text, "look meta l4proto tcp ct mark & 0x04ff0000 == 0x04030000 goto half\n");
	free(text);
}

/* What is remembered of kinds goes with each generation, is keyed with the MAC, and is not there at all when it is switched off. */
static void
kinds_of_flows(void **state)
{
	struct plan p = example();
	struct ruleset r = {.plan = &p, .generation = 3};
	(void)state;
	char *text = ruleset_rewrite(&r);
	assert_int_equal(count(text, "delete set inet lenscap allow") + count(text, "delete set inet lenscap ask"), 6);
	assert_int_equal(count(text, "timeout 9s"), 6);
	HAS(text, "learn_ask update @askt4 { meta iif . ether saddr . ip saddr . ip daddr . tcp dport timeout 9s }\n");
	HAS(text, "kind6 meta iif . ether saddr . ip6 saddr . ip6 daddr . tcp dport @allowt6 ct mark set ct mark and 0xf000ffff or 0x09030000 counter");
	HAS(text, "kind4 meta iif . ether saddr . ip saddr . ip daddr . tcp dport @askt4 ct mark set ct mark and 0xf000ffff or 0x0c030000 counter");
	free(text);
	p.kind_memory_s = 0;
	text = ruleset_rewrite(&r);
	HAS_NOT(text, "update @allow");
	HAS_NOT(text, "update @ask");
	HAS_NOT(text, "jump kind");
	free(text);
}

static void
recreate_is_one_text(void **state)
{
	struct plan p = example();
	struct ruleset r = {.plan = &p, .generation = 3};
	(void)state;
	char *native = ruleset_recreate(&r, true), *compat = ruleset_recreate(&r, false);
	assert_true(strncmp(native, "add table inet lenscap\ndelete table inet lenscap\n", 49) == 0);
	HAS(native, "queue flags bypass to 2050");
	HAS_NOT(compat, "queue flags");
	free(native);
	free(compat);
}

/* Asked for before anything is settled, in both directions, and over DNS with the gateway as well. */
static void
quarantine_comes_first(void **state)
{
	struct plan p = example();
	struct quarantine *q = quarantine_new();
	struct channel_quarantine m = {.mac = {{2, 0, 0, 0, 0, 9}}, .seconds = 100};
	struct ruleset r = {.plan = &p, .generation = 3, .quarantine = q, .now_s = 1000};
	(void)state;
	assert_true(addr_parse("10.20.0.9", &m.addr));
	quarantine_take(q, &m, 1000);
	char *text = ruleset_rewrite(&r);
	HAS(text, "inspect iifname @cam goto leaving\n");
	HAS(text, "inspect oifname @cam goto arriving\n");
	HAS(text, "inspect_input iifname @cam meta l4proto { tcp, udp } th dport 53 goto leaving\n");
	HAS(text, "inspect_output oifname @cam meta l4proto { tcp, udp } th sport 53 goto arriving\n");
	assert_true(strstr(text, "leaving ether saddr @jail goto jailed") < strstr(text, "leaving goto look"));
	HAS(text, "flush set inet lenscap jail\n");
	HAS(text, "add element inet lenscap jail { 02:00:00:00:00:09 timeout 160s }\n");
	HAS(text, "add element inet lenscap jail4 { 10.20.0.9 timeout 160s }\n");
	free(text);
	/* Alone it touches nothing else. */
	text = ruleset_jail(q, 1000);
	assert_int_equal(count(text, "flush set"), 3);
	assert_int_equal(count(text, "add element"), 2);
	assert_int_equal(count(text, "flush chain"), 2);
	assert_int_equal(count(text, "add rule"), 9);
	assert_int_equal(count(text, "\n"), 16);
	free(text);
	/* Nobody in it: no look-up stands in the way of what is settled. */
	quarantine_expire(q, 1100);
	text = ruleset_jail(q, 1100);
	HAS_NOT(text, "@jail");
	HAS(text, "add rule inet lenscap leaving goto look\n");
	HAS(text, "add rule inet lenscap arriving goto look\n");
	free(text);
	quarantine_free(q);
}

/* Who opens too many connections is known by its MAC, behind a router by its address. */
static void
pace_of_each_device(void **state)
{
	struct plan p = example();
	struct ruleset r = {.plan = &p, .generation = 3};
	(void)state;
	p.by_address[1] = 1;
	char *text = ruleset_rewrite(&r);
	HAS(text, "newcomer_ update @rate { ether saddr limit rate 100/second burst 200 packets } return\n");
	HAS(text, "newcomer6 update @rate6 { ip6 saddr limit rate 100/second burst 200 packets } return\n");
	HAS(text, "newcomer_ ether saddr @met update @flood { ether saddr timeout 30s }\n");
	HAS(text, "add element inet lenscap far { \"eth1.20\" }\n");
	HAS_NOT(text, "add element inet lenscap far { \"cam0\" }");
	assert_true(strstr(text, "unremembered jump known") < strstr(text, "jump newcomer"));
	assert_true(strstr(text, "jump newcomer") < strstr(text, "jump kind"));
	assert_true(strstr(text, "ask ct state new ct status ! confirmed jump unremembered") < strstr(text, "jump toq"));
	free(text);
}

static void
announcements_where_the_kernel_can(void **state)
{
	struct plan p = example();
	struct ruleset r = {.plan = &p, .generation = 3};
	char word[16];
	(void)state;
	char *text = ruleset_rewrite(&r);
	HAS_NOT(text, "log group");
	HAS_NOT(text, "hook prerouting");
	free(text);
	r.hears = true;
	text = ruleset_rewrite(&r);
	HAS(text, "log group 2050 snaplen 2048 return\n");
	HAS(text, "observe meta l4proto udp iifname @cam goto heard\n");
	const char *ports = strstr(text, "heard udp dport");
	assert_non_null(ports);
	for (size_t i = 0; i < discovery_n_ports; i++) {
		snprintf(word, sizeof word, " %u%s", discovery_ports[i].port, i + 1 < discovery_n_ports ? "," : " }");
		HAS(ports, word);
		assert_true(discovery_is_port(discovery_ports[i].port));
		assert_true(i == 0 || discovery_ports[i].port > discovery_ports[i - 1].port);
	}
	assert_false(discovery_is_port(443) || discovery_is_port(0) || discovery_is_port(65535));
	free(text);
}

/* Ports stand in the bridge's own table, their bridge's name in ours, and no port among the interfaces that packets are routed from. */
static void
ports_of_a_bridge(void **state)
{
	struct plan p = example();
	struct ruleset r = {.plan = &p, .generation = 3, .bridges = true};
	(void)state;
	char *text = ruleset_rewrite(&r);
	HAS_NOT(text, "delete table"); /* no hook goes without need: the kernel would drop all that waits in queues */
	HAS_NOT(text, "delete chain");
	HAS_NOT(text, "alone");
	free(text);
	r.bridged = true;
	text = ruleset_rewrite(&r);
	HAS(text, "delete table bridge lenscap\n"); /* of a policy before */
	HAS_NOT(text, "add chain bridge");
	HAS(text, "delete chain inet lenscap alone\n");
	HAS_NOT(text, "add element inet lenscap bridges");
	free(text);
	r.bridges = false; /* a kernel without that family is not asked for it */
	text = ruleset_rewrite(&r);
	HAS_NOT(text, "table bridge");
	free(text);

	r.bridges = true;
	strcpy(p.bridges[1], "br0");
	p.by_address[1] = 1;
	for (unsigned closed = 0; closed < 2; closed++) {
		p.fail_closed = (uint8_t)closed;
		text = ruleset_rewrite(&r);
		HAS(text, "add element inet lenscap cam { \"cam0\" }");
		HAS_NOT(text, "add element inet lenscap cam { \"eth1.20\" }");
		HAS(text, "add element inet lenscap bridges { \"br0\" }");
		HAS(text, "add element inet lenscap far { \"br0\" }");
		HAS(text, "bridge lenscap came iifname { \"eth1.20\" } meta protocol { ip, ip6 } meta mark set");
		HAS(text, "bridge lenscap before iifname { \"eth1.20\" } oifname { \"eth1.20\" } ");
		HAS(text, closed ? "seen counter name c_unseen drop\n" : "seen counter name c_unseen accept\n");
		HAS(text, "link_vlan vlan id & 0x800 != 0 meta priority set meta priority or 0x00000800\n");
		HAS(text, "inet lenscap inspect iifname @bridges jump bridged\n");
		HAS_NOT(text, "delete table");
		free(text);
	}
	text = ruleset_recreate(&r, true);
	HAS(text, "delete table inet lenscap\nadd table bridge lenscap\ndelete table bridge lenscap\n");
	free(text);
	text = ruleset_end(true);
	HAS(text, "delete table bridge lenscap\n");
	free(text);
	text = ruleset_end(false);
	HAS_NOT(text, "bridge");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_comes_before_any_hook),
		cmocka_unit_test(generation_and_place_of_the_field),
		cmocka_unit_test(fail_mode_and_mode),
		cmocka_unit_test(only_camera_traffic_is_touched),
		cmocka_unit_test(memory_is_emptied_when_asked),
		cmocka_unit_test(no_verdict_depends_on_room_in_a_set),
		cmocka_unit_test(no_payload_is_exact), cmocka_unit_test(kinds_of_flows), cmocka_unit_test(recreate_is_one_text),
		cmocka_unit_test(quarantine_comes_first),
		cmocka_unit_test(pace_of_each_device),
		cmocka_unit_test(announcements_where_the_kernel_can),
		cmocka_unit_test(ports_of_a_bridge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
