/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Community IDs: the published examples, and random tuples against a second implementation in Python that was written from the
 * specification's text alone.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "record.h"

struct vector {
	uint8_t proto;
	const char *src, *dst;
	unsigned a, b; /* ports; ICMP: type and code */
	const char *id;
};

static const struct vector published[] = {
	{IPPROTO_TCP, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	{IPPROTO_TCP, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	{IPPROTO_TCP, "10.0.0.1", "10.0.0.2", 10, 11569, "1:SXBGMX1lBOwhhoDrZynfROxnhnM="},
	{IPPROTO_TCP, "192.168.1.42", "192.168.1.42", 42, 41, "1:eRcf7I/xocOxnYo5pbJBV5NhVm0="},
	{IPPROTO_TCP, "192.168.1.42", "192.168.1.42", 41, 42, "1:eRcf7I/xocOxnYo5pbJBV5NhVm0="},
	{IPPROTO_UDP, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
	{IPPROTO_UDP, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
	{IPPROTO_SCTP, "192.168.170.8", "192.168.170.56", 7, 80, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="},
	{IPPROTO_SCTP, "192.168.170.56", "192.168.170.8", 80, 7, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="},
	{IPPROTO_RSVP, "1.2.3.4", "5.6.7.8", 0, 0, "1:ikv3kmf89luf73WPz1jOs49S768="},
	{IPPROTO_ICMP, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
	{IPPROTO_ICMP, "192.168.0.1", "192.168.0.89", 0, 8, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
	{IPPROTO_ICMP, "192.168.0.1", "192.168.0.89", 0, 20, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
	{IPPROTO_ICMP, "192.168.0.89", "192.168.0.1", 20, 0, "1:3o2RFccXzUgjl7zDpqmY7yJi8rI="},
	{IPPROTO_ICMP, "192.168.0.89", "192.168.0.1", 20, 1, "1:tz/fHIDUHs19NkixVVoOZywde+I="},
	{IPPROTO_ICMPV6, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0,
	 "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
	{IPPROTO_ICMPV6, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:507:0:1:260:97ff:fe07:69ea", 3, 0,
	 "1:/OGBt9BN1ofenrmSPWYicpij2Vc="},
	{IPPROTO_ICMPV6, "3ffe:501:0:1802:260:97ff:feb6:7ff0", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0,
	 "1:bnQKq8A2r//dWnkRW2EYcMhShjc="},
	{IPPROTO_TCP, "2001:db8::1", "2001:db8::2", 443, 51000, "1:2TiKiiiSIuDma9IxOEOpx4wCXWM="},
};

static bool
is_icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

static struct tuple
tuple_of(const struct vector *v)
{
	struct tuple t = {.proto = v->proto};

	assert_true(addr_parse(v->src, &t.src));
	assert_true(addr_parse(v->dst, &t.dst));
	t.sport = is_icmp(v->proto) ? 77 : (uint16_t)v->a; /* the identifier has no say */
	t.dport = is_icmp(v->proto) ? (uint16_t)(v->a << 8 | v->b) : (uint16_t)v->b;
	return t;
}

static void
test_published(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
		struct tuple t = tuple_of(&published[i]);
		char id[COMMUNITY_ID_TEXT];
		assert_ptr_equal(community_id(&t, id), id);
		assert_string_equal(id, published[i].id);
	}
}

/* Reads "proto src dst a b" lines, writes an id a line. */
static const char python[] = "import sys,socket,struct,hashlib,base64\n"
			     "two={1:{8:0,0:8,13:14,14:13,15:16,16:15,10:9,9:10,17:18,18:17},\n"
			     " 58:{128:129,129:128,133:134,134:133,135:136,136:135,130:131,131:130,139:140,"
			     "140:139,144:145,145:144}}\n"
			     "for l in sys.stdin:\n"
			     "  p,s,d,a,b=l.split(); p,a,b=int(p),int(a),int(b)\n"
			     "  f=socket.AF_INET6 if ':' in s else socket.AF_INET\n"
			     "  x,y=socket.inet_pton(f,s),socket.inet_pton(f,d)\n"
			     "  fixed=False\n"
			     "  if p in two:\n"
			     "    if a in two[p]: b=two[p][a]\n"
			     "    else: fixed=True\n"
			     "  if not fixed and (y,b)<(x,a): x,y,a,b=y,x,b,a\n"
			     "  m=struct.pack('!H',0)+x+y+struct.pack('!BB',p,0)\n"
			     "  if p in (1,6,17,58,132): m+=struct.pack('!HH',a,b)\n"
			     "  print('1:'+base64.b64encode(hashlib.sha1(m).digest()).decode())\n";

enum { RANDOM_TUPLES = 600 };

static void
random_tuple(struct tuple *t)
{
	static const uint8_t protos[] = {IPPROTO_TCP,	  IPPROTO_UDP,	  IPPROTO_SCTP,
					 IPPROTO_ICMP,	  IPPROTO_ICMPV6, IPPROTO_GRE,
					 IPPROTO_UDPLITE, IPPROTO_DCCP,	  253};
	bool v4 = random() & 1;

	memset(t, 0, sizeof *t);
	for (size_t i = 0; i < 16; i++) {
		t->src.b[i] = (uint8_t)(random() % 3);
		t->dst.b[i] = (uint8_t)(random() % 3);
	}
	t->src.b[0] = t->dst.b[0] = 0x20;
	if (v4) {
		addr_from_v4(&t->src, (uint8_t[4]){10, 0, 0, (uint8_t)(random() % 3)});
		addr_from_v4(&t->dst, (uint8_t[4]){10, 0, 0, (uint8_t)(random() % 3)});
	}
	t->proto = protos[(size_t)random() % sizeof protos];
	t->sport = (uint16_t)(random() % 3 ? random() : 80);
	t->dport = (uint16_t)(is_icmp(t->proto) ? (random() % 150) << 8 | random() % 3
			      : random() % 3	? random()
						: 80);
}

static void
write_tuples(const struct tuple *list, const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (size_t i = 0; i < RANDOM_TUPLES; i++) {
		const struct tuple *t = &list[i];
		char src[ADDR_TEXT], dst[ADDR_TEXT];
		unsigned a = is_icmp(t->proto) ? t->dport >> 8 : t->sport;
		unsigned b = is_icmp(t->proto) ? t->dport & 0xff : t->dport;
		fprintf(f, "%u %s %s %u %u\n", t->proto, addr_print(&t->src, src), addr_print(&t->dst, dst),
			a, b);
	}
	assert_int_equal(fclose(f), 0);
}

static void
test_against_python(void **state)
{
	static struct tuple list[RANDOM_TUPLES];
	char path[] = "/tmp/lenscap-community-XXXXXX", command[sizeof python + 256], line[64];

	(void)state;
	if (system("python3 -c pass 2>/dev/null") != 0) {
		print_message("skipped: no python3\n");
		skip();
	}
	srandom(20261123);
	for (size_t i = 0; i < RANDOM_TUPLES; i++)
		random_tuple(&list[i]);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	write_tuples(list, path);
	snprintf(command, sizeof command, "python3 -c \"%s\" < %s", python, path);
	FILE *p = popen(command, "r");
	assert_non_null(p);
	for (size_t i = 0; i < RANDOM_TUPLES; i++) {
		char id[COMMUNITY_ID_TEXT];
		assert_non_null(fgets(line, sizeof line, p));
		line[strcspn(line, "\n")] = '\0';
		assert_string_equal(community_id(&list[i], id), line);
	}
	assert_int_equal(pclose(p), 0);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_against_python),
	};

	return cmocka_run_group_tests_name("community", tests, NULL, NULL);
}
