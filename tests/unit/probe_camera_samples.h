/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One message or more of each form that the camera probes know. */
#ifndef LENSCAP_TEST_PROBE_CAMERA_SAMPLES_H
#define LENSCAP_TEST_PROBE_CAMERA_SAMPLES_H

#include <netinet/in.h>

#include "../../daemon/probe/probes.h"
#include "probe_camera.h"

#define UDP  IPPROTO_UDP
#define TCP  IPPROTO_TCP
#define UP   PROBE_TO_SERVER
#define DOWN PROBE_TO_CLIENT

#define SADP_REPLY                                                                                           \
	"`<?xml version=\"1.0\" "                                                                            \
	"encoding=\"UTF-8\"?>\n<ProbeMatch><Uuid>11223344-5566-7788-9900-112233445566</Uuid>\n"              \
	"<Types>inquiry</Types>\n<DeviceType>123456</DeviceType>\n<DeviceDescription>DS-2CD2042WD-I</"       \
	"DeviceDescription>\n"                                                                               \
	"<DeviceSN>DS-2CD2042WD-I20150101AAWR123456789</DeviceSN>\n<CommandPort>8000</CommandPort>\n"        \
	"<MAC>44-19-b6-00-00-21</MAC>\n<SoftwareVersion>V5.4.5build "                                        \
	"170124</SoftwareVersion>\n</ProbeMatch>`"

#define HIK_LOGIN                                                                                            \
	"000000e0 5a000000 00000000 00010000 05013d4b 00000001 380200c0 0000000000006f00 p48`admin` "        \
	"30818902818100 z133"

#define ISUP_REGISTER                                                                                        \
	"`<?xml version=\"1.0\" "                                                                            \
	"encoding=\"GB2312\"?>\n<PPVSPMessage>\n<Version>4.0</Version>\n<Sequence>1</Sequence>\n"            \
	"<CommandType>REQUEST</CommandType>\n<Method>REGISTER</Method>\n<Command>REGISTER</"                 \
	"Command>\n<Params>\n"                                                                               \
	"<SerialNumber>DS-7608N0123</SerialNumber><NetUnitType>PU</NetUnitType><DeviceID>site-9</DeviceID>"  \
	"<FirmwareVersion>V4.22.105</FirmwareVersion><DevType>31</DevType><Manufacture>hikvision</"          \
	"Manufacture>\n"                                                                                     \
	"</Params>\n</PPVSPMessage>`"

#define DHIP_FRAME(json)   "20000000 `DHIP` z8 %n z4 %n z4 | `" json "`"
#define XM_FRAME(id, json) "ff00 0000 z8 0000 " id " %n | `" json "` 0a00"
#define TVT_ANNOUNCE                                                                                         \
	"`MHED` 0800 0100 02000000 p20`Door` 585b69000001 z2 0a140015 ffff0000 0a140001 z88 "                \
	"p16`NB8AF056T0D2` p40`5.1.3.0` "                                                                    \
	"p16`TD-9541S4` p16`TVT` z12"
#define VSTARCAM_ANSWER                                                                                      \
	"`DH` 0108 p16`192.168.1.100` p16`255.255.255.0` p16`192.168.1.1` z32 485754000001 5000 "            \
	"p32`VSTC123456ABCDE` "                                                                              \
	"p32`IPCAM` z48 p16`48.53.75.100` z84"
#define GVCP_ACK                                                                                             \
	"0000 0003 %H 0001 | 0001 0002 z6 0030531a2b3c z56 p32`Basler` p32`acA1300-60gm` p32`106882-14` "    \
	"z48 p16`21900345` z16"
#define HANWHA_ANSWER                                                                                        \
	"0b ad2cda75c66ee0faa85d6cb798fa9b814f11 p18`00:16:6C:7D:75:6E` p16`172.16.125.55` "                 \
	"p16`255.255.0.0` p16`172.16.0.1` "                                                                  \
	"z24 p10`SND-6083` z14 p39`http://172.16.125.55/index.htm` z90"
#define SHP_REPLY                                                                                            \
	"`{\"system\":{\"get_sysinfo\":{\"sw_ver\":\"2.3.6\",\"model\":\"KC120(US)\",\"deviceId\":"          \
	"\"80121C1874CF2DEA\","                                                                              \
	"\"mic_mac\":\"B0BE76000001\",\"alias\":\"Hall\"}}}`"

static const struct sample samples[] = {
	{"sadp search", &probe_sadp, UDP, 37020,
	 .units = {{"`<?xml version=\"1.0\" "
		    "encoding=\"utf-8\"?><Probe><Uuid>13A888A9-F1B1-4020-AE9F-05607682D23B</Uuid>"
		    "<Types>inquiry</Types></Probe>`",
		    UP}}},
	{"sadp answer", &probe_sadp, UDP, 37020, .units = {{SADP_REPLY, UP}},
	 .detail = "serial=DS-2CD2042WD-I20150101AAWR123456789; model=DS-2CD2042WD-I; mac=44-19-b6-00-00-21",
	 .banner = "V5.4.5build 170124"},
	{"sadp reset", &probe_sadp, UDP, 37020,
	 .units = {{"`<Probe><Uuid>11223344-5566-7788-9900-112233445566</Uuid><Types>reset</Types></Probe>`",
		    UP}},
	 .detail = "request=reset"},

	{"hik-sdk login", &probe_hik_sdk, TCP, 8000, .units = {{HIK_LOGIN, UP}}},
	{"hik-sdk login answered", &probe_hik_sdk, TCP, 8000,
	 .units = {{HIK_LOGIN, UP}, {"000000d0 00000001 00000001 00000000", DOWN}}},
	{"hik-sdk control", &probe_hik_sdk, TCP, 8000,
	 .units = {{"%W 63000000 0012abcd 00111050 c0000238 0000000b 00000000", UP}}},

	{"isup datagram", &probe_isup, UDP, 7660, .units = {{ISUP_REGISTER, UP}},
	 .detail = "serial=DS-7608N0123; id=site-9; model=31; vendor=hikvision", .banner = "V4.22.105"},
	{"isup stream", &probe_isup, TCP, 7660, .units = {{ISUP_REGISTER, UP}},
	 .detail = "serial=DS-7608N0123; id=site-9; model=31; vendor=hikvision", .banner = "V4.22.105"},

	{"ezviz broker", &probe_ezviz, TCP, 6500,
	 .units = {{"9ebaace9 01000000 00000005 00000000 00002001 00000000 %N 00000000 | `<?xml "
		    "version=\"1.0\"?>\n<Request>\n"
		    "<ClientID>x</ClientID><DevSerial>C12345678</DevSerial></Request>\n`",
		    UP}},
	 .detail = "serial=C12345678"},
	{"ezviz broker, ciphered", &probe_ezviz, TCP, 9010,
	 .units = {{"9ebaace9 01000000 00000001 00000000 00002011 ffffffff %N 00000020 | "
		    "8899aabbccddeeff0011223344556677",
		    UP}}},
	{"ezviz replay", &probe_ezviz, TCP, 6500,
	 .units = {{"9ebaace9 00000001 00000001 00000000 00005010 00000000 00000000 00000000", UP}}},
	{"ezviz relay", &probe_ezviz, TCP, 8554,
	 .units = {{"24 00 %H 0000 013b | 0a40 "
		    "`ysproto://vtm.example:8554/live?dev=C12345678&chn=1&stream=1&cln=9`",
		    UP}},
	 .detail = "serial=C12345678"},
	{"ezviz p2p", &probe_ezviz, UDP, 6002,
	 .units = {{"e200 0b02 00000001 0000 0c 5a 05 08 `sessionk` 0401 02 ff00", UP},
		   {"e280 0c02 00000002 0000 0c 11 00112233445566778899aabbccddeeff", UP}}},

	{"dhip search", &probe_dhip, UDP, 37810,
	 .units = {{DHIP_FRAME("{\"method\":\"DHDiscover.search\",\"params\":{\"mac\":\"\",\"uni\":1}}"),
		    UP}}},
	{"dhip answer", &probe_dhip, UDP, 37810,
	 .units = {{DHIP_FRAME("{\"mac\":\"3c:ef:8c:00:00:01\",\"method\":\"client.notifyDevInfo\","
			       "\"params\":{\"deviceInfo\":{"
			       "\"DeviceType\":\"IPC-HDW2431\",\"SerialNo\":\"4A0123PAG00001\",\"Vendor\":"
			       "\"General\","
			       "\"Version\":\"2.800.0000000.16.R\",\"MachineName\":\"Dock\"}}}\n"),
		    UP}},
	 .detail =
		 "serial=4A0123PAG00001; model=IPC-HDW2431; mac=3c:ef:8c:00:00:01; vendor=General; name=Dock",
	 .banner = "2.800.0000000.16.R"},
	{"dhip search, padded", &probe_dhip, UDP, 37810,
	 .units = {{"20000000 `DHIP` z8 02000000 z4 02000000 z4 `{}` z2", UP}}, .enough = 34},
	{"dhip login", &probe_dhip, TCP, 5000,
	 .units = {{DHIP_FRAME("{\"id\":1,\"method\":\"global.login\",\"params\":{\"userName\":\"admin\"}}"),
		    UP}}},

	{"dvrip realm", &probe_dvrip, TCP, 37777, .units = {{"a0010000 z20 05020101 0000a1aa", UP}}},
	{"dvrip realm answer", &probe_dvrip, TCP, 37777,
	 .units = {{"a0010000 z20 05020101 0000a1aa", UP},
		   {"b0010078 %n z24 | `Realm:Login to 4A0123PAG00001\r\nRandom:1234567890\r\n\r\n`", DOWN}},
	 .detail = "serial=4A0123PAG00001"},
	{"dvrip login", &probe_dvrip, TCP, 37777,
	 .units = {{"a0050000 %n z16 05020008 0000a1aa | `admin&&0123456789ABCDEF0123456789ABCDEF`", UP}}},
	{"dvrip old login", &probe_dvrip, TCP, 37777,
	 .units = {{"a0000060 00000000 p8`admin` p8`admin` 04020001 0000a1aa", UP}}},
	{"dvrip json", &probe_dvrip, UDP, 37778,
	 .units = {{"f6000000 %n 01000000 z4 %n z4 11223344 z4 | "
		    "`{\"id\":1,\"method\":\"magicBox.getSerialNo\"}`",
		    UP}}},

	{"dahua search", &probe_dahua_discovery, UDP, 5050, .units = {{"a3010001 z12 02000000 z12", UP}}},
	{"dahua answer", &probe_dahua_discovery, UDP, 5050,
	 .units = {{"b300 1c00 58000000 z8 02000000 3900 z18 p16`IPC` 0a140015 ffff0000 z56 "
		    "`3c:ef:8c:00:00:01` `IPC-HDW2431` "
		    "`Name:Dahua\r\nDevice:IPC-HDW2431\r\nSerialNo:4A0123PAG00001\r\n`",
		    UP}},
	 .detail = "name=Dahua; model=IPC-HDW2431; serial=4A0123PAG00001; mac=3c:ef:8c:00:00:01",
	 .enough = 148},

	{"dahua rendezvous", &probe_dahua_p2p, UDP, 8800,
	 .units = {{"`DHGET /online/p2psrv/4A0123PAG00001 HTTP/1.1\r\nCSeq: 2\r\nAuthorization: WSSE "
		    "profile=\"UsernameToken\"\r\n\r\n`",
		    UP},
		   {"`HTTP/1.1 200 OK\r\nCSeq: 2\r\nContent-Length: 0\r\n\r\n`", DOWN}},
	 .detail = "serial=4A0123PAG00001"},
	{"dahua rendezvous of a device", &probe_dahua_p2p, UDP, 8800,
	 .units = {{"`DHPOST /device/4A0123PAG00001/p2p-channel HTTP/1.1\r\nCSeq: 9\r\nContent-Type: "
		    "\r\nContent-Length: 35\r\n\r\n<body><Identify>a</Identify></body>`",
		    UP}},
	 .detail = "serial=4A0123PAG00001"},
	{"dahua tunnel", &probe_dahua_p2p, UDP, 41234,
	 .units = {{"`PTCP` z8 0002ffff 00000000 00000000 00030100", UP}}},
	{"dahua tunnel data", &probe_dahua_p2p, UDP, 41234,
	 .units = {{"`PTCP` 00000010 00000020 0000fffe 00000003 00000004", DOWN},
		   {"`PTCP` 00000010 00000020 0000fffe 00000003 00000004 10 00000b 5f3a1122 00000000 "
		    "`OPTIONS rts`",
		    UP}}},
	{"dahua nat test", &probe_dahua_p2p, UDP, 8801,
	 .units = {{"fffe ffe7 00112233445566778899aabbccddeeff 7fd5fff7 0102030405060708 fffbfff7 "
		    "1112131415161718",
		    UP}}},

	{"dahua auto-register", &probe_dahua_autoreg, TCP, 9500,
	 .units = {{"b4000078 40000000 07000000 z20 p64`4A0123PAG00001`", UP}},
	 .detail = "serial=4A0123PAG00001"},

	{"xm login", &probe_xm_sofia, TCP, 34567,
	 .units = {{XM_FRAME("e803", "{\"EncryptType\":\"MD5\",\"LoginType\":\"DVRIP-Web\",\"PassWord\":"
				     "\"tlJwpbo6\",\"UserName\":\"admin\"}"),
		    UP}}},
	{"xm search", &probe_xm_sofia, UDP, 34569,
	 .units = {{"ff000000 00000000 00000000 0000fa05 00000000", UP}}},
	{"xm answer", &probe_xm_sofia, UDP, 34569,
	 .units = {{XM_FRAME("fb05", "{ \"NetWork.NetCommon\" : { \"HostIP\" : \"0x0A01A8C0\", \"HostName\" "
				     ": \"LocalHost\", \"MAC\" : "
				     "\"00:12:12:00:00:01\", \"SN\" : \"ab0123456789\" }, \"Ret\" : 100 }"),
		    UP}},
	 .detail = "serial=ab0123456789; mac=00:12:12:00:00:01; name=LocalHost"},

	{"pppp hello", &probe_pppp, UDP, 32100, .units = {{"f1000000", UP}}},
	{"pppp hello elsewhere", &probe_pppp, UDP, 40000, .units = {{"f1000000", UP}, {"f1e00000", DOWN}}},
	{"pppp address", &probe_pppp, UDP, 32100,
	 .units = {{"f1000000", UP}, {"f1010010 0002d82e5fe46882 z8", DOWN}}},
	{"pppp hidden login", &probe_pppp, UDP, 32100,
	 .units = {{"f112 %H | z44", UP}, {"f1130008 z8", DOWN}}},
	{"pppp login", &probe_pppp, UDP, 32100,
	 .units = {{"f110 %H | p8`VSTC` 0001e240 p8`VWXYZ` 00030201 0002d82e0a140015 z8", UP}},
	 .detail = "uid=VSTC-123456-VWXYZ"},
	{"pppp punch", &probe_pppp, UDP, 20000, .units = {{"f141 %H | p8`PPCS` 0000002a p8`ABCDE`", UP}},
	 .detail = "uid=PPCS-000042-ABCDE"},
	{"pppp relay", &probe_pppp, UDP, 20000,
	 .units = {{"f183 %H | 11223344 p8`XYZ` 0000002a p8`ABCDE` 01000000", UP}},
	 .detail = "uid=XYZ-000042-ABCDE"},
	{"pppp data", &probe_pppp, UDP, 20000, .units = {{"f1d0 %H | d1 00 0001 55aa15a8 z12", UP}}},
	{"pppp data acknowledged", &probe_pppp, UDP, 20000,
	 .units = {{"f1d1 %H | d1 00 0002 0001 0002", DOWN}}},
	{"pppp hidden", &probe_pppp, UDP, 32100,
	 .units = {{"2cba5f5d", UP}, {"2cba5f5d", UP}, {"2cba5f5d", UP}, {"2c00112233445566", DOWN}}},

	{"kalay search", &probe_tutk, UDP, 32761, .units = {{"6e4c9d8c40d140ca3d2da82d00e7cada z52", UP}}},
	{"kalay search with id", &probe_tutk, UDP, 10001,
	 .units = {{"04021a02 %h 0000 01062100 00000000 | `ABCDEFGHJ123456789AB` z28 0102030405060708 01 z19",
		    UP}},
	 .detail = "uid=ABCDEFGHJ123456789AB", .cipher = KALAY},
	{"kalay ping", &probe_tutk, UDP, 33333,
	 .units = {{"0402190a %h 0000 28041200 00000000 | 7ecc93c456c2561f", DOWN}}, .cipher = KALAY},
	{"kalay, newer", &probe_tutk, UDP, 32761,
	 .units = {{"51cc 0000 0210 %h 0000 0000 | 0000 0000 1122760a9d2488ba 00080304 1d000000 z20", UP}}},
	{"kalay, newer, DTLS", &probe_tutk, UDP, 32761,
	 .units = {{"51cc 0000 0215 %h 0000 0000 | 1000 3412 1122760a9d2488ba 01000000 "
		    "16feff0000000000000000000400112233 z20",
		    UP}}},

	{"tuya announcement", &probe_tuya, UDP, 6666,
	 .units = {{"000055aa 00000000 00000013 %N | 00000000 "
		    "`{\"ip\":\"10.20.0.33\",\"gwId\":\"bf0123456789abcdef\",\"productKey\":\"keyabc\","
		    "\"version\":\"3.1\"}` 11223344 0000aa55",
		    UP}},
	 .detail = "uid=bf0123456789abcdef; model=keyabc", .banner = "3.1"},
	{"tuya control", &probe_tuya, TCP, 6668,
	 .units = {{"000055aa 00000001 00000003 %N | 0011223344556677 z32 0000aa55", UP}}},
	{"tuya 3.5", &probe_tuya, TCP, 6668,
	 .units = {{"00006699 0000 00000001 00000003 0000002c z44 00009966", UP}}},

	{"baichuan login", &probe_baichuan, TCP, 9000,
	 .units = {{"f0debc0a 01000000 2c070000 00000001 01dc1465 z1836", UP}}},
	{"baichuan answer", &probe_baichuan, TCP, 9000,
	 .units = {{"f0debc0a 01000000 %n 00000001 02dd1466 | 23124426 z141", DOWN}}},
	{"baichuan long header", &probe_baichuan, TCP, 9000,
	 .units = {{"f0debc0a 01000000 %n 00000001 00001464 00000000 | z296", UP}}},
	{"baichuan discovery", &probe_baichuan, UDP, 2018,
	 .units = {{"3acf872a %n 01000000 78563412 0a0b0c0d | "
		    "`<P2P>\n<C2D_C>\n<uid>95270000YGAKNWKJ</uid>\n<cid>849013</cid>\n</C2D_C>\n</P2P>\n`",
		    UP}},
	 .detail = "uid=95270000YGAKNWKJ", .cipher = REOLINK},
	{"baichuan data", &probe_baichuan, UDP, 53500,
	 .units = {{"10cf872a c0000000 00000000 01000000 %n | z40", UP}}},
	{"baichuan acknowledgement", &probe_baichuan, UDP, 53500,
	 .units = {{"20cf872a c0000000 00000000 00000000 01000000 d6010000 %n | 000101", UP}}},

	{"tvt search", &probe_tvt, UDP, 23456, .units = {{"`MHED` 0900 0100 01000000 z128", UP}}},
	{"tvt announcement", &probe_tvt, UDP, 23456, .units = {{TVT_ANNOUNCE, UP}},
	 .detail = "serial=NB8AF056T0D2; model=TD-9541S4; mac=58:5b:69:00:00:01; vendor=TVT; name=Door",
	 .banner = "5.1.3.0"},
	{"tvt set", &probe_tvt, UDP, 23456, .units = {{"`MHED` 0900 0100 03000000 z128", UP}},
	 .detail = "request=set-address"},
	{"tvt greeting", &probe_tvt, TCP, 6036, .units = {{"`head` z4", DOWN}}},
	{"tvt guid", &probe_tvt, TCP, 4567, .units = {{"`{D79E94C5-70F0-46BD-965B-E17497CCB598}`", UP}}},

	{"miio hello", &probe_miio, UDP, 54321,
	 .units = {{"21310020 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff", UP},
		   {"21310020 00000000 03b1fb10 00000a1b ffffffff ffffffff ffffffff ffffffff", DOWN}},
	 .detail = "id=61995792"},
	{"miio command", &probe_miio, UDP, 54321,
	 .units = {{"2131 %T 00000000 03b1fb10 00000a1c 00112233445566778899aabbccddeeff z32", UP}},
	 .detail = "id=61995792"},

	{"vstarcam search", &probe_vstarcam, UDP, 8600, .units = {{"44480101", UP}}},
	{"vstarcam answer", &probe_vstarcam, UDP, 8600, .units = {{VSTARCAM_ANSWER, UP}},
	 .detail = "uid=VSTC123456ABCDE; mac=48:57:54:00:00:01; name=IPCAM", .banner = "48.53.75.100",
	 .enough = 256},

	{"kasa answer", &probe_tplink_shp, UDP, 9999, .units = {{SHP_REPLY, DOWN}},
	 .detail = "serial=80121C1874CF2DEA; model=KC120(US); mac=B0BE76000001; name=Hall", .banner = "2.3.6",
	 .cipher = SHP},
	{"kasa over TCP", &probe_tplink_shp, TCP, 9999,
	 .units = {{"%N | `{\"system\":{\"get_sysinfo\":{}}}`", UP}}, .cipher = SHP_STREAM},

	{"foscam search", &probe_foscam, UDP, 10000, .units = {{"`MO_I` 0000 z9 %n %n | 00000001", UP}}},
	{"foscam answer", &probe_foscam, UDP, 10000,
	 .units = {{"`MO_I` 0100 z9 %n %n | p13`00626E000001` p21`FI8910W` 0a140015 ffff0000 0a140001 "
		    "08080808 z4 0b250236 02040a0a 5000 00",
		    DOWN}},
	 .detail = "serial=00626E000001; name=FI8910W"},

	{"dlink announcement", &probe_dlink, UDP, 62976,
	 .units = {{"ffff0400a000 b0c554000001 0a140016 z20", UP}}, .detail = "mac=b0:c5:54:00:00:01",
	 .enough = 16},
	{"dlink search", &probe_dlink, UDP, 62976, .units = {{"fdfd 0001 a100 ffffffffffff z6 0002 z4", UP}}},

	{"ubiquiti search", &probe_ubnt_discovery, UDP, 10001, .units = {{"01000000", UP}}},
	{"ubiquiti answer", &probe_ubnt_discovery, UDP, 10001,
	 .units = {{"0206 %H | 02000a fcecda000001 0a140017 0b0004 `Gate` 0c0003 `UVC` 030007 `v4.30.0`",
		    UP}},
	 .detail = "mac=fc:ec:da:00:00:01; name=Gate; model=UVC", .banner = "v4.30.0"},

	{"gvcp discovery", &probe_gvcp, UDP, 3956, .units = {{"4211 0002 0000 0001", UP}}},
	{"gvcp discovery answer", &probe_gvcp, UDP, 3956,
	 .units = {{"4211 0002 0000 0001", UP}, {GVCP_ACK, DOWN}},
	 .detail = "serial=21900345; model=acA1300-60gm; vendor=Basler; mac=00:30:53:1a:2b:3c",
	 .banner = "106882-14"},
	{"gvcp registers", &probe_gvcp, UDP, 3956, .units = {{"4201 0080 0008 0007 00000a00 00000a04", UP}}},

	{"bosch search", &probe_bosch, UDP, 1757, .units = {{"9939a427 0c2d3a10 ff0006de", UP}}},
	{"bosch answer", &probe_bosch, UDP, 1758,
	 .units = {{"9939a427 0c2d3a10 00075f000001 0000 0a140018 ffff0000 0a140001 00000000", UP}},
	 .detail = "mac=00:07:5f:00:00:01"},
	{"bosch description", &probe_bosch, UDP, 1758,
	 .units = {{"`<?xml version=\"1.0\" encoding=\"UTF-8\"?><root "
		    "xmlns=\"OEMExt00:device-1-0\"><device><deviceType>x</deviceType>"
		    "<friendlyName>NDC-265-P</friendlyName><unitName></unitName><serialNumber>12345678</"
		    "serialNumber>"
		    "<physAddress>00-07-5f-00-00-01</physAddress></device></root>`",
		    UP}},
	 .detail = "serial=12345678; model=NDC-265-P; mac=00-07-5f-00-00-01"},

	{"hanwha answer", &probe_hanwha, UDP, 7711, .units = {{HANWHA_ANSWER, UP}},
	 .detail = "model=SND-6083; mac=00:16:6C:7D:75:6E"},

	{"vivotek search", &probe_vivotek, UDP, 10000, .units = {{"07 4a5d8f1c", UP}}},
	{"vivotek answer", &probe_vivotek, UDP, 0,
	 .units = {{"07 4a5d8f1c 0105 `Lobby` 0206 0002d1000001 0304 0a140019 04 50 0906 `FD8136`", UP}},
	 .detail = "name=Lobby; mac=00:02:d1:00:00:01; model=FD8136", .enough = 20},

	{"panasonic search", &probe_panasonic, UDP, 10670,
	 .units = {{"00010000 000d0000 00000000 ffffffffffff ffffffff 00012011 1e11231f 1e191300 00020000 z8 "
		    "0000ffff 0000",
		    UP}}},
	{"panasonic answer", &probe_panasonic, UDP, 10669,
	 .units = {{"0001 z4 080023000001 z41 0020 0004 0a14001a 0021 0004 ffff0000 00a8 0007 `WV-S113` ffff "
		    "1234",
		    UP}},
	 .detail = "model=WV-S113; mac=08:00:23:00:00:01"},

	{"sony search", &probe_sony, UDP, 2380, .units = {{"02 `ENQ:allinfo` ff 03", UP}}},
	{"sony answer", &probe_sony, UDP, 2380,
	 .units = {{"02 `MAC:aa-bb-cc-dd-ee-ff` ff `MODEL:SNC-VB600` ff `SERIAL:123456789` ff `GATEWAY:` ff "
		    "`SOFTVERSION:3.0.0` ff 03",
		    UP}},
	 .detail = "mac=aa-bb-cc-dd-ee-ff; model=SNC-VB600; serial=123456789", .banner = "3.0.0"},

	{"360vision search", &probe_vision360, UDP, 3600, .units = {{"`DISCOVER\n`", UP}}},
	{"360vision answer", &probe_vision360, UDP, 3600,
	 .units = {{"`DISCOVER TYPE=IPDOME KEY='00:60:35:32:26:cd' ID=2210376922\n`", UP}},
	 .detail = "serial=2210376922; model=IPDOME; mac=00:60:35:32:26:cd"},

	{"nice search", &probe_nice, UDP, 2007, .units = {{"`NICE` 0001 01080000 1f40", UP}}},
	{"nice answer", &probe_nice, UDP, 2007,
	 .units = {{"`NICE` 0001 z4 000c84000001 0a14001b ffff0000 0a140001 z2 0009 0002 0001 0000 z36 "
		    "p16`NVE1004`",
		    UP}},
	 .detail = "mac=00:0c:84:00:00:01; name=NVE1004"},

	{"hytera connect", &probe_hytera, UDP, 30001,
	 .units = {{"324200 24 0000 83 04 0001869f 04 01 02", UP}}, .detail = "id=99999"},
	{"hytera heartbeats", &probe_hytera, UDP, 30001,
	 .units = {{"324200 02 0000", UP}, {"324200 02 0000", DOWN}}},

	{"bubble", &probe_bubble, TCP, 80,
	 .units = {{"`GET /bubble/live?ch=0&stream=0 HTTP/1.1\r\nHost: Cam.Example.\r\nAuthorization: Basic "
		    "YWRtaW46\r\n\r\n`",
		    UP}}},
};

enum { N_SAMPLES = sizeof samples / sizeof *samples };

#endif
