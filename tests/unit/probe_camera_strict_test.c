/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the camera probes must not believe: near misses of every form, and the first words of
 * everybody else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe_camera_samples.h"

/* Each differs from a good message in the one thing named. */
static const struct sample refused[] = {
	{"sadp: an envelope around it", &probe_sadp, UDP, 37020,
	 .units = {{"`<Envelope><Probe><Uuid>11223344-55</Uuid><Types>inquiry</Types></Probe></Envelope>`",
		    UP}}},
	{"sadp: WS-Discovery's probe", &probe_sadp, UDP, 37020,
	 .units = {{"`<Probe><Types>dn:NetworkVideoTransmitter</Types></Probe>`", UP}}},
	{"sadp: no id", &probe_sadp, UDP, 37020,
	 .units = {{"`<Probe><Uuid>1234</Uuid><Types>inquiry</Types></Probe>`", UP}}},
	{"sadp: no end", &probe_sadp, UDP, 37020,
	 .units = {{"`<Probe><Uuid>11223344-55</Uuid><Types>inquiry</Types>`", UP}}},
	{"sadp: text behind the end", &probe_sadp, UDP, 37020,
	 .units = {{"`<Probe><Uuid>11223344-55</Uuid><Types>inquiry</Types></Probe>x`", UP}}},
	{"sadp: a control byte", &probe_sadp, UDP, 37020,
	 .units = {{"`<Probe><Uuid>11223344-55</Uuid>` 01 `<Types>inquiry</Types></Probe>`", UP}}},

	{"hik-sdk: other family", &probe_hik_sdk, TCP, 8000,
	 .units = {{"000000e0 5b000000 00000000 00010000 z208", UP}}},
	{"hik-sdk: no key in the login", &probe_hik_sdk, TCP, 8000,
	 .units = {{"000000e0 5a000000 00000000 00010000 z208", UP}}},
	{"hik-sdk: shorter than its header", &probe_hik_sdk, TCP, 8000,
	 .units = {{"00000008 63000000 00000000 00111050", UP}}},
	{"hik-sdk: huge", &probe_hik_sdk, TCP, 8000, .units = {{"00100000 63000000 00000000 00111050", UP}}},
	{"hik-sdk: a control frame that is answered in another tongue", &probe_hik_sdk, TCP, 8000,
	 .units = {{"%W 63000000 00000000 00111050", UP}, {"`SSH-2.0-x\r\n`", DOWN}}},

	{"isup: other root", &probe_isup, UDP, 7660,
	 .units = {{"`<PPVSPMessages><Version>4.0</Version></PPVSPMessages>`", UP}}},
	{"isup: no command", &probe_isup, UDP, 7660,
	 .units = {{"`<PPVSPMessage><Version>4.0</Version><CommandType>REQUEST</CommandType></PPVSPMessage>`",
		    UP}}},
	{"isup: another XML on a stream", &probe_isup, TCP, 7660,
	 .units = {{"`<?xml version=\"1.0\"?><stream:stream xmlns='jabber:client'>` z180", UP}}},

	{"ezviz: unknown command", &probe_ezviz, TCP, 6500,
	 .units = {{"9ebaace9 01000000 00000005 00000000 00002999 z12", UP}}},
	{"ezviz: reserved word", &probe_ezviz, TCP, 6500,
	 .units = {{"9ebaace9 01000000 00000005 00000001 00002001 z12", UP}}},
	{"ezviz: interleaved RTP", &probe_ezviz, TCP, 8554, .units = {{"24 00 0010 8060 013b z16", UP}}},
	{"ezviz: no URL", &probe_ezviz, TCP, 8554, .units = {{"24 00 %H 0000 013b | 0a07 `rtsp://`", UP}}},
	{"ezviz: elements do not fill", &probe_ezviz, UDP, 6002,
	 .units = {{"e200 0b02 00000001 0000 0c 5a 05 09 `sessionk`", UP}}},
	{"ezviz: unknown opcode", &probe_ezviz, UDP, 6002,
	 .units = {{"e200 0b06 00000001 0000 0c 5a ff00", UP}}},

	{"dhip: lengths disagree", &probe_dhip, UDP, 37810,
	 .units = {{"20000000 `DHIP` z8 04000000 z4 05000000 z4 `{\"\":0}`", UP}}},
	{"dhip: reserved word", &probe_dhip, TCP, 5000,
	 .units = {{"20000000 `DHIP` z8 %n 01000000 %n z4 | `{}`", UP}}},
	{"dhip: more than padding", &probe_dhip, UDP, 37810,
	 .units = {{"20000000 `DHIP` z8 02000000 z4 02000000 z4 `{}` 0001", UP}}},
	{"dhip: not JSON", &probe_dhip, UDP, 37810,
	 .units = {{"20000000 `DHIP` z8 %n z4 %n z4 | `hello`", UP}}},
	{"dhip: JSON left open", &probe_dhip, UDP, 37810,
	 .units = {{"20000000 `DHIP` z8 %n z4 %n z4 | `{\"a\":[}`", UP}}},
	{"dhip: length that wraps", &probe_dhip, TCP, 5000,
	 .units = {{"20000000 `DHIP` z8 ffffffff z4 ffffffff z4 `{}`", UP}}},

	{"dvrip: no marker", &probe_dvrip, TCP, 37777, .units = {{"a0010000 z20 05020101 0000a1ab", UP}}},
	{"dvrip: login without the marker", &probe_dvrip, TCP, 37777,
	 .units = {{"a0050000 00000000 z16 05020008 0001a1aa", UP}}},
	{"dvrip: realm request with a payload", &probe_dvrip, TCP, 37777,
	 .units = {{"a0010000 01000000 z16 05020101 0000a1aa 00", UP}}},
	{"dvrip: the client answers", &probe_dvrip, TCP, 37777,
	 .units = {{"b0010078 %n z24 | `Realm:Login to X\r\nRandom:1\r\n`", UP}}},
	{"dvrip: the server asks", &probe_dvrip, TCP, 37777,
	 .units = {{"a0010000 z20 05020101 0000a1aa", DOWN}}},
	{"dvrip: JSON lengths disagree", &probe_dvrip, UDP, 37778,
	 .units = {{"f6000000 %n 01000000 z4 03000000 z4 z8 | `{}`", UP}}},

	{"dahua search: not zero", &probe_dahua_discovery, UDP, 5050,
	 .units = {{"a3010001 z12 02000000 z11 01", UP}}},
	{"dahua answer: no MAC", &probe_dahua_discovery, UDP, 5050,
	 .units = {{"b300 1100 58000000 z8 02000000 z100 `3c:ef:8c:00:00-01`", UP}}},
	{"dahua rendezvous: SSDP", &probe_dahua_p2p, UDP, 1900,
	 .units = {{"`M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n`", UP}}},
	{"dahua rendezvous: unknown path", &probe_dahua_p2p, UDP, 8800,
	 .units = {{"`DHGET /x HTTP/1.1\r\nCSeq: 1\r\n\r\n`", UP}}},
	{"dahua rendezvous: body too long", &probe_dahua_p2p, UDP, 8800,
	 .units = {{"`DHPOST /device/A HTTP/1.1\r\nCSeq: 1\r\nContent-Length: 1\r\n\r\nxx`", UP}}},
	{"dahua rendezvous: length is no number", &probe_dahua_p2p, UDP, 8800,
	 .units = {{"`DHPOST /device/A HTTP/1.1\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\nxx`", UP}}},
	{"dahua tunnel: wrong length", &probe_dahua_p2p, UDP, 4000,
	 .units = {{"`PTCP` z20 10000005 z8 `1234`", UP}}},
	{"dahua nat test: wrong length", &probe_dahua_p2p, UDP, 8801,
	 .units = {{"fffe ffe6 z16 7fd5fff7 z8 fffbfff7 z8", UP}}},
	{"dahua nat test: no known attribute", &probe_dahua_p2p, UDP, 8801,
	 .units = {{"fffe fff3 z16 7fd4fff7 z8", UP}}},
	{"dahua auto-register: no serial", &probe_dahua_autoreg, TCP, 9500,
	 .units = {{"b4000078 40000000 07000000 z20 p64`4A0`", UP}}},
	{"dahua auto-register: not zero", &probe_dahua_autoreg, TCP, 9500,
	 .units = {{"b4000078 40000000 07000000 01 z19 p64`4A0123PAG`", UP}}},

	{"xm: unknown id", &probe_xm_sofia, TCP, 34567, .units = {{XM_FRAME("e703", "{}"), UP}}},
	{"xm: reserved bytes", &probe_xm_sofia, UDP, 34569,
	 .units = {{"ff00 0001 z10 fb05 02000000 `{}`", UP}}},
	{"xm: no body on a stream", &probe_xm_sofia, TCP, 34567,
	 .units = {{"ff00 0000 z10 e803 00000000", UP}}},
	{"xm: Telnet", &probe_xm_sofia, TCP, 23, .units = {{"fffb01 fffd18", UP}}},
	{"xm: wrong length", &probe_xm_sofia, UDP, 34569,
	 .units = {{"ff00 0000 z10 fb05 05000000 `{}`", UP}}},

	{"pppp: wrong length", &probe_pppp, UDP, 32100, .units = {{"f1000001", UP}}},
	{"pppp: unknown opcode", &probe_pppp, UDP, 32100, .units = {{"f1ff0000", UP}}},
	{"pppp: id in small letters", &probe_pppp, UDP, 32100,
	 .units = {{"f141 %H | p8`ppcs` 0000002a p8`ABCDE`", UP}}},
	{"pppp: id with something behind", &probe_pppp, UDP, 32100,
	 .units = {{"f141 %H | `PPCS` 00000001 0000002a p8`ABCDE`", UP}}},
	{"pppp: data of an unknown channel", &probe_pppp, UDP, 20000,
	 .units = {{"f1d0 %H | d1 08 0001 55aa15a8", UP}}},
	{"pppp: acknowledges more than it says", &probe_pppp, UDP, 20000,
	 .units = {{"f1d1 %H | d1 00 0003 0001 0002", UP}}},
	{"pppp, hidden, on another port", &probe_pppp, UDP, 32101,
	 .units = {{"2cba5f5d", UP}, {"2cba5f5d", UP}, {"2cba5f5d", UP}}},
	{"pppp, hidden, with another key", &probe_pppp, UDP, 32100,
	 .units = {{"2dba5f5d", UP}, {"2dba5f5d", UP}, {"2dba5f5d", UP}}},
	{"pppp, hidden, not repeating", &probe_pppp, UDP, 32100,
	 .units = {{"2cba5f5d", UP}, {"2cba5f5e", UP}, {"2cba5f5f", UP}}},

	{"kalay: wrong length", &probe_tutk, UDP, 32761,
	 .units = {{"6e4c9d8c40d140ca3d2da82d00e7cada z51", UP}}},
	{"kalay, not scrambled", &probe_tutk, UDP, 32761,
	 .units = {{"04021a02 %h 0000 01062100 00000000 | z52", UP}}},
	{"kalay: unknown command", &probe_tutk, UDP, 32761,
	 .units = {{"04021a02 %h 0000 09062100 00000000 | z52", UP}}, .cipher = KALAY},
	{"kalay, newer: reserved word", &probe_tutk, UDP, 32761,
	 .units = {{"51cc 0100 0210 %h 0000 0000 | z40", UP}}},

	{"tuya: no end", &probe_tuya, TCP, 6668,
	 .units = {{"000055aa 00000001 00000003 %N | z16 0000aa54", UP}}},
	{"tuya: unknown command", &probe_tuya, TCP, 6668,
	 .units = {{"000055aa 00000001 00000063 %N | z16 0000aa55", UP}}},
	{"tuya: length that wraps", &probe_tuya, TCP, 6668,
	 .units = {{"000055aa 00000001 00000003 ffffffff z16 0000aa55", UP}}},
	{"tuya: one byte more", &probe_tuya, UDP, 6667,
	 .units = {{"000055aa 00000001 00000013 0000000c z8 0000aa55 00", UP}}},

	{"baichuan: unknown class", &probe_baichuan, TCP, 9000,
	 .units = {{"f0debc0a 01000000 00000000 00000001 00001467", UP}}},
	{"baichuan: payload outside", &probe_baichuan, TCP, 9000,
	 .units = {{"f0debc0a 01000000 04000000 00000001 00001464 05000000 z4", UP}}},
	{"baichuan: huge", &probe_baichuan, TCP, 9000,
	 .units = {{"f0debc0a 01000000 00000100 00000001 00001464 00000000", UP}}},
	{"baichuan discovery: wrong length", &probe_baichuan, UDP, 2018,
	 .units = {{"3acf872a 05000000 01000000 z8 11223344", UP}}},

	{"tvt: unknown command", &probe_tvt, UDP, 23456, .units = {{"`MHED` 0900 0100 04000000 z128", UP}}},
	{"tvt: second word", &probe_tvt, UDP, 23456, .units = {{"`MHED` 0900 0200 01000000 z128", UP}}},
	{"tvt: announcement too short", &probe_tvt, UDP, 23456,
	 .units = {{"`MHED` 0800 0100 02000000 z128", UP}}},
	{"tvt: a client that speaks otherwise", &probe_tvt, TCP, 6036,
	 .units = {{"`GET / HTTP/1.0\r\n`", UP}, {"`head` z4", DOWN}}},
	{"tvt: the greeting of nobody", &probe_tvt, TCP, 6036, .units = {{"`header1.`", DOWN}}},

	{"miio: wrong length", &probe_miio, UDP, 54321, .units = {{"21310021 z28", UP}}},
	{"miio: half a hello", &probe_miio, UDP, 54321, .units = {{"21310020 ffffffff z24", UP}}},
	{"miio: not in blocks", &probe_miio, UDP, 54321, .units = {{"2131 %T z28 00112233", UP}}},
	{"vstarcam: no addresses", &probe_vstarcam, UDP, 8600,
	 .units = {{"`DH` 0108 p16`192.168.1.300` p16`255.255.255.0` z240", UP}}},
	{"vstarcam: search and more", &probe_vstarcam, UDP, 8600, .units = {{"44480101 00", UP}}},
	{"kasa: too little", &probe_tplink_shp, UDP, 9999, .units = {{"`{\"a\":1}`", UP}}, .cipher = SHP},
	{"kasa: not JSON", &probe_tplink_shp, UDP, 9999, .units = {{"`{\"system\":get_sysinfo(}}`", UP}},
	 .cipher = SHP},
	{"kasa: in clear", &probe_tplink_shp, UDP, 9999,
	 .units = {{"`{\"system\":{\"get_sysinfo\":{}}}`", UP}}},
	{"foscam: wrong length", &probe_foscam, UDP, 10000,
	 .units = {{"`MO_I` 0000 z9 05000000 05000000 00000001", UP}}},
	{"foscam: not zero", &probe_foscam, UDP, 10000,
	 .units = {{"`MO_I` 0000 01 z8 %n %n | 00000001", UP}}},
	{"dlink: MAC of a group", &probe_dlink, UDP, 62976,
	 .units = {{"ffff0400a000 01005e000001 0a140016", UP}}},
	{"ubiquiti: no MAC", &probe_ubnt_discovery, UDP, 10001, .units = {{"0206 %H | 0b0004 `Gate`", UP}}},
	{"ubiquiti: elements do not fill", &probe_ubnt_discovery, UDP, 10001,
	 .units = {{"0206 %H | 02000a z10 0b0005 `Gate`", UP}}},
	{"gvcp: number zero", &probe_gvcp, UDP, 3956, .units = {{"4211 0002 0000 0000", UP}}},
	{"gvcp: half a register", &probe_gvcp, UDP, 3956, .units = {{"4201 0080 0006 0007 z6", UP}}},
	{"bosch: other question", &probe_bosch, UDP, 1757, .units = {{"9939a427 0c2d3a10 ff0006df", UP}}},
	{"bosch: no netmask", &probe_bosch, UDP, 1758,
	 .units = {{"9939a427 0c2d3a10 00075f000001 0000 0a140018 ff00ff00 z8", UP}}},
	{"bosch: UPnP's description", &probe_bosch, UDP, 1758,
	 .units = {{"`<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device></device></root>`", UP}}},
	{"hanwha: search", &probe_hanwha, UDP, 7701, .units = {{"01 z261", UP}}},
	{"hanwha: no MAC", &probe_hanwha, UDP, 7711,
	 .units = {{"0b z18 p18`00:16:6C:7D:75` p16`172.16.125.55` p16`255.255.0.0` z193", UP}}},
	{"hanwha: no address", &probe_hanwha, UDP, 7711,
	 .units = {{"0b z18 p18`00:16:6C:7D:75:6E` p16`camera` p16`255.255.0.0` z193", UP}}},
	{"vivotek: elements do not fill", &probe_vivotek, UDP, 10000,
	 .units = {{"07 4a5d8f1c 0206 0002d10000", UP}}},
	{"vivotek: last element cut", &probe_vivotek, UDP, 10000,
	 .units = {{"07 4a5d8f1c 0206 0002d1000001 0906 `FD813`", UP}}},
	{"panasonic: no end", &probe_panasonic, UDP, 10669,
	 .units = {{"0001 z4 080023000001 z41 00200004 0a14001a 00a80002 `WV`", UP}}},
	{"panasonic: no model", &probe_panasonic, UDP, 10669,
	 .units = {{"0001 z4 080023000001 z41 00200004 0a14001a ffff 1234", UP}}},
	{"sony: no frame", &probe_sony, UDP, 2380,
	 .units = {{"02 `MAC:aa-bb-cc-dd-ee-ff` ff `MODEL:SNC` ff", UP}}},
	{"sony: no model", &probe_sony, UDP, 2380, .units = {{"02 `MAC:aa-bb-cc-dd-ee-ff` ff 03", UP}}},
	{"360vision: no MAC", &probe_vision360, UDP, 3600,
	 .units = {{"`DISCOVER TYPE=IPDOME KEY='front door' ID=1\n`", UP}}},
	{"360vision: two lines", &probe_vision360, UDP, 3600, .units = {{"`DISCOVER\nDISCOVER\n`", UP}}},
	{"nice: other question", &probe_nice, UDP, 2007, .units = {{"`NICE` 0001 01080001 1f40", UP}}},
	{"nice: MAC of a group", &probe_nice, UDP, 2007,
	 .units = {{"`NICE` 0001 z4 010c84000001 0a14001b ffff0000 0a140001 z46 p16`NVE1004`", UP}}},
	{"nice: no netmask", &probe_nice, UDP, 2007,
	 .units = {{"`NICE` 0001 z4 000c84000001 0a14001b ffff0001 0a140001 z46 p16`NVE1004`", UP}}},
	{"hytera: unknown flags", &probe_hytera, UDP, 30001, .units = {{"324200 c0 0000", UP}}},
	{"hytera: option cut", &probe_hytera, UDP, 30001, .units = {{"324200 24 0000 83 04 000186", UP}}},

	{"bubble: other path", &probe_bubble, TCP, 80,
	 .units = {{"`GET /bubble/livestock HTTP/1.1\r\n\r\n`", UP}}},
	{"bubble: two hosts", &probe_bubble, TCP, 80,
	 .units = {{"`GET /bubble/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`", UP}}},
	{"bubble: blank in the path", &probe_bubble, TCP, 80,
	 .units = {{"`GET /bubble/live?a b HTTP/1.1\r\n\r\n`", UP}}},
	{"bubble: the server is none of HTTP", &probe_bubble, TCP, 80,
	 .units = {{"`GET /bubble/live HTTP/1.1\r\n\r\n`", UP}, {"`SSH-2.0-x\r\n`", DOWN}}},
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct scene scene;
		struct app app = {0};
		scene_of(&scene, &refused[i]);
		if (refused[i].row->inspect(&scene.in, &app) != PROBE_NO)
			fail_msg("%s: not refused", refused[i].what);
		scene_end(&scene);
	}
}

/* Well-formed, but others may say it as well: more is needed, on any port but the protocol's own. */
static const struct sample undecided[] = {
	{"pppp hello", &probe_pppp, UDP, 5000, .units = {{"f1000000", UP}}},
	{"pppp, hidden, twice", &probe_pppp, UDP, 32100, .units = {{"2cba5f5d", UP}, {"2cba5f5d", UP}}},
	{"pppp, the server speaks first", &probe_pppp, UDP, 32100, .units = {{"2cba5f5d", DOWN}}},
	{"ubiquiti search", &probe_ubnt_discovery, UDP, 5000, .units = {{"01000000", UP}}},
	{"vivotek search", &probe_vivotek, UDP, 5000, .units = {{"07 4a5d8f1c", UP}}},
	{"vstarcam search", &probe_vstarcam, UDP, 5000, .units = {{"44480101", UP}}},
	{"360vision search", &probe_vision360, UDP, 5000, .units = {{"`DISCOVER\n`", UP}}},
	{"one hytera heartbeat", &probe_hytera, UDP, 30001, .units = {{"324200 02 0000", UP}}},
	{"one ezviz datagram", &probe_ezviz, UDP, 6002,
	 .units = {{"e200 0b02 00000001 0000 0c 5a 05 08 `sessionk` ff00", UP}}},
	{"dahua: an answer without the question", &probe_dahua_p2p, UDP, 8800,
	 .units = {{"`HTTP/1.1 200 OK\r\nCSeq: 2\r\n\r\n`", DOWN}}},
	{"dahua: acknowledgements", &probe_dahua_p2p, UDP, 8800,
	 .units = {{"`PTCP` z20", UP}, {"`PTCP` z20", DOWN}}},
	{"hik-sdk: an answer without the question", &probe_hik_sdk, TCP, 8000,
	 .units = {{"000000d0 00000001 00000001 00000000", DOWN}}},
	{"gvcp: an acknowledgement without the command", &probe_gvcp, UDP, 3956,
	 .units = {{"0000 0081 0004 0007 z4", DOWN}}},
};

static void
test_undecided(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof undecided / sizeof *undecided; i++) {
		struct scene scene;
		struct app app = {0};
		scene_of(&scene, &undecided[i]);
		if (undecided[i].row->inspect(&scene.in, &app) != PROBE_MORE)
			fail_msg("%s: decided", undecided[i].what);
		scene_end(&scene);
	}
}

/* The first words of other protocols. */
static const struct {
	uint8_t l4;
	int side;
	const char *text;
} ordinary[] = {
	{UDP, UP, "1a2b 0100 0001 0000 0000 0000 03 `www` 07 `example` 03 `com` 00 0001 0001"}, /* DNS */
	{UDP, DOWN,
	 "1a2b 8180 0001 0001 0000 0000 03 `www` 07 `example` 03 `com` 00 00010001 c00c 00010001 0000003c "
	 "0004 c0000201"},
	{TCP, UP, "001d 1a2b 0100 0001 0000 0000 0000 03 `www` 07 `example` 03 `com` 00 0001 0001"},
	{UDP, UP, "23 z47"},
	{UDP, DOWN, "24 01 00 ec z44"},				       /* NTP */
	{UDP, UP, "01 01 06 00 11223344 z208 z20 63825363 350101 ff"}, /* DHCP */
	{UDP, UP, "01 112233 0001000a 00030001 44192b000021"},	       /* DHCPv6 */
	{UDP, UP,
	 "30 26 02 01 01 04 06 `public` a0 19 0204 11223344 020100 020100 300b 3009 06052b06010201 "
	 "0500"},						  /* SNMP */
	{UDP, UP, "`<134>Nov 23 08:00:00 cam app: hello`"},	  /* syslog */
	{UDP, UP, "0001 `file.bin` 00 `octet` 00"},		  /* TFTP */
	{UDP, UP, "0001 0000 2112a442 00112233445566778899aabb"}, /* STUN */
	{UDP, UP, "40 01 1234 bb `.well-known` 04 `core`"},	  /* CoAP */
	{UDP, UP, "01000000 z144"},
	{UDP, DOWN, "02000000 z88"},
	{UDP, UP, "04000000 z28"},					      /* WireGuard */
	{UDP, UP, "38 1122334455667788 00 00000000"},			      /* OpenVPN */
	{UDP, UP, "1122334455667788 z8 21 20 22 08 00000000 0000001c"},	      /* IKE */
	{UDP, UP, "ff"},						      /* NAT keepalive */
	{UDP, UP, "c3 00000001 08 1122334455667788 00 00 4480 z1163"},	      /* QUIC */
	{UDP, UP, "f1 00000001 08 1122334455667788 08 0011223344556677 z40"}, /* QUIC Retry */
	{UDP, UP, "e2 6b3343cf 08 1122334455667788 00 00 44c0 z1180"},	      /* QUIC 2 */
	{UDP, UP, "16 feff 0000 000000000000 0004 01000000"},		      /* DTLS */
	{UDP, UP, "80 60 0001 00000001 11223344 z160"},
	{UDP, DOWN, "81 c8 000c 11223344 z44"},					 /* RTP, RTCP */
	{UDP, UP, "80000000 z12 00000004 0000 4a17 z40"},			 /* SRT */
	{UDP, UP, "`d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe`"}, /* DHT */
	{UDP, UP, "41 02 1234 00000001 00000000 00100000 0001 0000"},		 /* uTP */
	{UDP, UP,
	 "`M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: "
	 "ssdp:all\r\n\r\n`"},
	{UDP, DOWN, "`HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:1\r\n\r\n`"},
	{UDP, UP,
	 "`<?xml version=\"1.0\"?><s:Envelope "
	 "xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body><d:Probe/></s:Body></s:Envelope>`"},
	{UDP, UP, "`REGISTER sip:34020000002000000001@3402000000 SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n`"},
	{UDP, DOWN, "`SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\n\r\n`"},
	{TCP, UP, "16 0301 0040 01 00003c 0303 z58"}, /* TLS */
	{TCP, UP, "`GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n`"},
	{TCP, DOWN, "`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}`"},
	{TCP, UP, "`POST /onvif/device_service HTTP/1.1\r\nContent-Length: 0\r\n\r\n`"},
	{TCP, UP, "`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n` 000000 04 00 00000000"},
	{TCP, UP, "`OPTIONS rtsp://10.0.0.1/ RTSP/1.0\r\nCSeq: 1\r\n\r\n`"},
	{TCP, UP, "`SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n`"},
	{TCP, DOWN, "`SSH-2.0-dropbear_2019.78\r\n`"},
	{TCP, DOWN, "`220 mail.example.com ESMTP\r\n`"},
	{TCP, UP, "`EHLO cam\r\n`"},
	{TCP, DOWN, "`220 (vsFTPd 3.0.3)\r\n`"},
	{TCP, DOWN, "fffd18 fffd20 fffd23 fffd27"},	       /* Telnet */
	{TCP, UP, "10 10 0004 `MQTT` 04 02 003c 0004 `cam1`"}, /* MQTT */
	{TCP, UP, "03 00000000 z1532"},			       /* RTMP */
	{TCP, UP, "00000045 ff534d42 72 z64"},
	{TCP, UP, "00000040 fe534d42 4000 z58"},		       /* SMB */
	{TCP, UP, "0300 0013 0e e0 0000 0000 00 01 00 0800 03000000"}, /* RDP */
	{TCP, DOWN, "`RFB 003.008\n`"},
	{TCP, UP, "05 01 00"},
	{TCP, UP, "04 01 0050 c0000201 00"},
	{TCP, UP, "80000028 11223344 00000000 00000002 000186a3 00000003 z20"}, /* NFS */
	{TCP, UP, "43 87 0000 z44"},						/* iSCSI */
	{TCP, UP, "13 `BitTorrent protocol` z48"},
	{TCP, UP, "`{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n`"},
	{TCP, UP, "`{\"system\":{\"get_sysinfo\":{}}}`"},
	{UDP, UP, "`{\"system\":{\"get_sysinfo\":{}}}`"},
};

static void
test_ordinary(void **state)
{
	static struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++) {
		struct scene scene;
		message_build(&m, ordinary[i].text);
		scene_begin(&scene, ordinary[i].l4, 0);
		scene_add(&scene, ordinary[i].side, m.bytes, m.len);
		for (size_t k = 0; k < N_SAMPLES; k++) {
			struct app app = {0};
			scene.in.port = samples[k].port; /* and on the other's own port */
			if ((!samples[k].row->l4 || samples[k].row->l4 == scene.in.l4) &&
			    samples[k].row->inspect(&scene.in, &app) == PROBE_DONE)
				fail_msg("%.40s: claimed by %s", ordinary[i].text, samples[k].row->name);
		}
		scene_end(&scene);
	}
}

/* Neither transport: the rows for both must not guess. */
static void
test_other_transport(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct scene scene;
		struct app app = {0};
		scene_of(&scene, &samples[i]);
		scene.in.l4 = IPPROTO_SCTP;
		if (!samples[i].row->l4)
			assert_int_equal(samples[i].row->inspect(&scene.in, &app), PROBE_NO);
		scene_end(&scene);
	}
}

/* Host names go where policy looks for them. */
static void
test_bubble_name(void **state)
{
	static const struct {
		const char *header, *name;
	} hosts[] = {
		{"Cam.Example.", "cam.example"},
		{"cam.example:8080", "cam.example"},
		{"[2001:db8::1]:80", ""},
		{"bad_name", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		char text[128];
		struct scene scene;
		struct app app = {0};
		int n = snprintf(text, sizeof text, "GET /bubble/live HTTP/1.1\r\nhost: %s\r\n\r\n",
				 hosts[i].header);
		scene_begin(&scene, TCP, 80);
		scene_add(&scene, UP, (const uint8_t *)text, (size_t)n);
		assert_int_equal(probe_bubble.inspect(&scene.in, &app), PROBE_DONE);
		assert_string_equal(app.name, hosts[i].name);
		assert_int_equal(app.has_name, hosts[i].name[0] != 0);
		assert_string_equal(app.http_path, "/bubble/live");
		scene_end(&scene);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	    cmocka_unit_test(test_undecided),
		cmocka_unit_test(test_ordinary),    cmocka_unit_test(test_other_transport),
		cmocka_unit_test(test_bubble_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
