/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First words of the internet's protocols. Most were sent by the program that the name gives (Debian 12) to a listener on the loopback
 * interface; the others follow their specification. probe_camera.h describes how they are written.
 */
#ifndef LENSCAP_TEST_PROBE_STANDARD_SAMPLES_H
#define LENSCAP_TEST_PROBE_STANDARD_SAMPLES_H

#include <netinet/in.h>

#include "../../daemon/probe/probes.h"
#include "probe_camera.h"

#define UDP  IPPROTO_UDP
#define TCP  IPPROTO_TCP
#define UP   PROBE_TO_SERVER
#define DOWN PROBE_TO_CLIENT

struct standard {
	struct sample s;
	const char *facts; /* as facts_text() writes them */
};

static const struct standard standards[] = {
	{{"tls: curl", &probe_tls, TCP, 443, .units = {
		{"1603010200010001fc0303f0 "
		 "`T!!)1c`"
		 "c638457d5753ad96bc00c251eec1eb383fb36e99557d09fac820e8dbbd6246d24de637d1986d54c10728110b72c7bb3a09a9 "
		 "044ac15d2726ea1f003e130213031301c02cc030009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac014 "
		 "0039c009c0130033009d009c003d003c0035002f00ff0100017500000014001200000f "
		 "`cam.example.com`"
		 "000b000403000102000a00160014001d0017001e00190018010001010102010301040010000e000c02683208 "
		 "`http/1.1`"
		 "001600000017000000310000000d002a0028040305030603080708080809080a080b08040805080604010501060103030301 "
		 "0302040205020602002b0009080304030303020301002d00020101003300260024001d002080ef9a02f0f99f48a65392a902 "
		 "a236ef91da3e8f8556342971c09899958a5138001500ae z174 ", UP}}},
	 "tls name=cam.example.com encrypted tls=0304 alpn=h2,http/1.1 ja4=t13d3112h2_e8f1e7e78f70_b26ce05bbdd6"},
	{{"tls: openssl 1.2", &probe_tls, TCP, 8443, .units = {
		{"16030100ce010000ca0303aa32c36bef6014e24635a5932f531984684331ddae216871812029e78fee1c69000038c02cc030 "
		 "009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d003c0035002f "
		 "00ff0100006900000013001100000e "
		 "`fw.example.org`"
		 "000b000403000102000a000c000a001d0017001e00190018002300000016000000170000000d002a00280403050306030807 "
		 "08080809080a080b080408050806040105010601030303010302040205020602 ", UP}}},
	 "tls name=fw.example.org encrypted tls=0303 ja4=t12d280700_d943125447b4_e7e480e5a997"},
	{{"tls: openssl, four groups", &probe_tls, TCP, 443, .units = {
		{"16030101410100013d0303c1f4f827197f2ae0c4731833dee70b22f31b9efdc3c63dd29892664cfdb7059c20663709032014 "
		 "1de521dc3acfb8bd902000a10c696d8123bbb2795f6ab4523d99003e130213031301c02cc030009fcca9cca8ccaac02bc02f "
		 "009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d003c0035002f00ff010000b6000000130011 "
		 "00000e "
		 "`fw.example.org`"
		 "000b000403000102000a000a0008001d001700180019002300000010000e000c02683208 "
		 "`http/1.1`"
		 "0016000000170000000d002a0028040305030603080708080809080a080b0804080508060401050106010303030103020402 "
		 "05020602002b0009080304030303020301002d00020101003300260024001d002079472615ff8ad98b84364d8b0d85a40823 "
		 "80cf8b2d98ea64d960c7ad25464b10 ", UP}}},
	 "tls name=fw.example.org encrypted tls=0304 alpn=h2,http/1.1 ja4=t13d3111h2_e8f1e7e78f70_1f22a2ca17c4"},
	{{"tls: no extensions worth a name", &probe_tls, TCP, 443, .units = {
		{"16030100710100006d0303b9a473ab2bafb3906724cd3c2a2d94cde7b3acd88e82fb27b38d6c30eba39186000004002f00ff "
		 "01000040002300000016000000170000000d0030002e040305030603080708080809080a080b080408050806040105010601 "
		 "030302030301020103020202040205020602 ", UP}}},
	 "tls encrypted tls=0303 ja4=t12i020400_a5878986a7c9_dd2006f5fa1e"},
	{{"tls: gnutls", &probe_tls, TCP, 443, .units = {
		{"1603010188010001840303f3064088af37d1553b9e478bedad8baf42088024db3e8c04160dab25924876fa203e1f0d5478d9 "
		 "63d09cf67b78fdf6636deaf365969c33cd31a39c7325d0bc669d003a1302130313011304c02ccca9c0adc00ac02bc0acc009 "
		 "c030cca8c014c02fc013009dc09d0035009cc09c002f009fccaac09f0039009ec09e00330100010100050005010000000000 "
		 "0a00160014001700180019001d001e01000101010201030104000b00020100000d0022002004010809080404030807050108 "
		 "0a0805050308080601080b08060603020102030016000000170000002300000033006b0069001700410461d0b64c23b2e2da "
		 "51c770764b78f63a5530dfc4c3cbff1296480f0c665daae72e2c44f4c616c2147cb019a39af3ca813abeeac53a1dc7275ebf "
		 "18d6dbdd0101001d00203f0cbbc15b28a6ff74933a8a71753770c41378c7754d2c68c814d04124682d6c002b000908030403 "
		 "0303020301ff0100010000000014001200000f "
		 "`nvr.example.net`"
		 "002d0003020100001c00024001 ", UP}}},
	 "tls name=nvr.example.net encrypted tls=0304 ja4=t13d291300_723694b0fccc_2cc26d266019"},
	{{"tls: on the port of http", &probe_tls, TCP, 80, .units = {
		{"1603010188010001840303f3064088af37d1553b9e478bedad8baf42088024db3e8c04160dab25924876fa203e1f0d5478d9 "
		 "63d09cf67b78fdf6636deaf365969c33cd31a39c7325d0bc669d003a1302130313011304c02ccca9c0adc00ac02bc0acc009 "
		 "c030cca8c014c02fc013009dc09d0035009cc09c002f009fccaac09f0039009ec09e00330100010100050005010000000000 "
		 "0a00160014001700180019001d001e01000101010201030104000b00020100000d0022002004010809080404030807050108 "
		 "0a0805050308080601080b08060603020102030016000000170000002300000033006b0069001700410461d0b64c23b2e2da "
		 "51c770764b78f63a5530dfc4c3cbff1296480f0c665daae72e2c44f4c616c2147cb019a39af3ca813abeeac53a1dc7275ebf "
		 "18d6dbdd0101001d00203f0cbbc15b28a6ff74933a8a71753770c41378c7754d2c68c814d04124682d6c002b000908030403 "
		 "0303020301ff0100010000000014001200000f "
		 "`nvr.example.net`"
		 "002d0003020100001c00024001 ", UP}}},
	 "tls name=nvr.example.net encrypted tls=0304 ja4=t13d291300_723694b0fccc_2cc26d266019"},
	{{"dot: by its protocol name", &probe_tls, TCP, 8853, .units = {
		{"160301012e0100012a0303f317a7450198fd82921eb9134334b7b1ad63825a13e4a60b239b12254349926f20f42a18b61a6b "
		 "b004773bc2ea005dd9d5378fb0ede124b6b14bec16d6065dbae3003e130213031301c02cc030009fcca9cca8ccaac02bc02f "
		 "009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d003c0035002f00ff010000a3000b00040300 "
		 "0102000a00160014001d0017001e00190018010001010102010301040023000000100006000403646f740016000000170000 "
		 "000d002a0028040305030603080708080809080a080b080408050806040105010601030303010302040205020602002b0009 "
		 "080304030303020301002d00020101003300260024001d0020389ef2e6abb868a56245f19255db4c65f34e1121edcc3c4538 "
		 "f65c495ee77729 ", UP}}},
	 "dot encrypted tls=0304 alpn=dot ja4=t13i3110dt_e8f1e7e78f70_1f22a2ca17c4"},
	{{"dot: by its port", &probe_tls, TCP, 853, .units = {
		{"16030100ce010000ca0303aa32c36bef6014e24635a5932f531984684331ddae216871812029e78fee1c69000038c02cc030 "
		 "009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d003c0035002f "
		 "00ff0100006900000013001100000e "
		 "`fw.example.org`"
		 "000b000403000102000a000c000a001d0017001e00190018002300000016000000170000000d002a00280403050306030807 "
		 "08080809080a080b080408050806040105010601030303010302040205020602 ", UP}}},
	 "dot name=fw.example.org encrypted tls=0303 ja4=t12d280700_d943125447b4_e7e480e5a997"},
	{{"http: curl", &probe_http, TCP, 80, .units = {
		{"`GET /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:8081\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n`", UP}}},
	 "http method=GET path=/x?y=1 agent=curl/7.88.1"},
	{{"http: on the port of tls", &probe_http, TCP, 443, .units = {
		{"`GET /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:8081\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n`", UP}}},
	 "http method=GET path=/x?y=1 agent=curl/7.88.1"},
	{{"http: curl posts", &probe_http, TCP, 8082, .units = {
		{"`POST /post HTTP/1.1\r\nHost: api.example.com:8082\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
		 "Content-Length: 3\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na=b`", UP}}, .enough = 157},
	 "http name=api.example.com method=POST path=/post agent=curl/7.88.1"},
	{{"http: wget", &probe_http, TCP, 80, .units = {
		{"`GET / HTTP/1.1\r\nHost: 127.0.0.1:8085\r\nUser-Agent: Wget/1.21.3\r\nAccept: */*\r\n"
		 "Accept-Encoding: identity\r\nConnection: Keep-Alive\r\n\r\n`", UP}}},
	 "http method=GET path=/ agent=Wget/1.21.3"},
	{{"http: busybox", &probe_http, TCP, 80, .units = {
		{"`GET / HTTP/1.1\r\nHost: 127.0.0.1:8086\r\nUser-Agent: Wget\r\nConnection: close\r\n\r\n`", UP}}},
	 "http method=GET path=/ agent=Wget"},
	{{"http: curl asks a proxy", &probe_http, TCP, 3128, .units = {
		{"`CONNECT cloud.example.com:443 HTTP/1.1\r\nHost: cloud.example.com:443\r\n"
		 "User-Agent: curl/7.88.1\r\nProxy-Connection: Keep-Alive\r\n\r\n`", UP}}},
	 "http name=cloud.example.com method=CONNECT path=cloud.example.com:443 agent=curl/7.88.1"},
	{{"http: answered", &probe_http, TCP, 80, .units = {
		{"`GET /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:8081\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n`", UP},
		{"`HTTP/1.1 401 Unauthorized\r\nServer: App-webs/\r\n"
		 "WWW-Authenticate: Digest qop=\"auth\", realm=\"IP Camera(C1234)\", nonce=\"4e7a\"\r\n"
		 "Content-Length: 0\r\n\r\n`", DOWN}}, .enough = 83},
	 "http method=GET path=/x?y=1 agent=curl/7.88.1 status=401 server=App-webs/ realm=IP Camera(C1234)"},
	{{"websocket", &probe_http, TCP, 80, .units = {
		{"`GET /ws HTTP/1.1\r\nHost: nvr.example.net\r\nUpgrade: WebSocket\r\n"
		 "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		 "Sec-WebSocket-Protocol: rtsp.onvif.org\r\nSec-WebSocket-Version: 13\r\n\r\n`", UP}}},
	 "websocket name=nvr.example.net method=GET path=/ws detail=subprotocol=rtsp.onvif.org"},
	{{"rtsp: tunnelled, the GET", &probe_http, TCP, 80, .units = {
		{"`GET /live.sdp HTTP/1.0\r\nUser-Agent: QTS (qtver=7.6.9)\r\n"
		 "x-sessioncookie: tD9hKgAAfB8ABCftAAAAAw\r\nAccept: application/x-rtsp-tunnelled\r\n"
		 "Pragma: no-cache\r\n\r\n`", UP}}},
	 "rtsp method=GET path=/live.sdp agent=QTS (qtver=7.6.9)"},
	{{"rtsp: tunnelled, the POST", &probe_http, TCP, 80, .units = {
		{"`POST /live.sdp HTTP/1.0\r\nx-sessioncookie: tD9hKgAAfB8ABCftAAAAAw\r\n"
		 "Content-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n\r\n"
		 "REVTQ1JJQkUgcnRzcDovL3ggUlRTUC8xLjANCg0K`", UP}}, .enough = 135},
	 "rtsp method=POST path=/live.sdp"},
	{{"onvif: in the envelope", &probe_http, TCP, 8899, .units = {
		{"`POST /onvif/device_service HTTP/1.1\r\nHost: cam.example.com:8899\r\n"
		 "Content-Type: application/soap+xml; charset=utf-8\r\nContent-Length: 200\r\n\r\n"
		 "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-e"
		 "nvelope\"><s:Body><GetDeviceInformation xmlns=\"http://www.onvif.org/ver10/device/wsdl\"/></s:Bo"
		 "dy></s:Envelope>`", UP}}, .enough = 300},
	 "onvif name=cam.example.com method=POST path=/onvif/device_service"},
	{{"onvif: in the action", &probe_http, TCP, 80, .units = {
		{"`POST /onvif/device_service HTTP/1.1\r\nHost: 192.0.2.7\r\n"
		 "Content-Type: application/soap+xml; charset=utf-8; action=\"http://www.onvif.org/ver10/device/ws"
		 "dl/GetDeviceInformation\"\r\nContent-Length: 400\r\n\r\n`", UP}}},
	 "onvif method=POST path=/onvif/device_service"},
	{{"http: soap of somebody else", &probe_http, TCP, 80, .units = {
		{"`POST /upnp HTTP/1.1\r\nHost: 192.0.2.7\r\nContent-Type: text/xml\r\nContent-Length: 84\r\n\r\n"
		 "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body/></s:Envelope>`", UP}}},
	 "http method=POST path=/upnp"},
	{{"http2: curl", &probe_http2, TCP, 80, .units = {
		{"`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`"
		 "00001204000000000000030000006400040200000000020000000000000408000000000001ff000100001e01050000000182 "
		 "8486418a089d5c0b8170dc780f357a8825b650c3abbcf2e153032a2f2a ", UP}}, .enough = 33},
	 "http2"},
	{{"rtsp: curl", &probe_rtsp, TCP, 554, .units = {
		{"`OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: curl/7.88.1\r\n\r\n`", UP}}},
	 "rtsp method=OPTIONS path=* agent=curl/7.88.1"},
	{{"rtsp: answered", &probe_rtsp, TCP, 80, .units = {
		{"`DESCRIBE rtsp://admin:pw@nvr.example.net:554/Streaming/Channels/101 RTSP/1.0\r\nCSeq: 2\r\n"
		 "Accept: application/sdp\r\nUser-Agent: LibVLC/3.0.18\r\n\r\n`", UP},
		{"`RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nServer: Rtsp Server/3.0\r\n"
		 "WWW-Authenticate: Digest realm=\"IP Camera(C1234)\", nonce=\"77\"\r\n\r\n`", DOWN}}, .enough = 141},
	 "rtsp name=nvr.example.net method=DESCRIBE path=/Streaming/Channels/101 agent=LibVLC/3.0.18 status=401 server=Rtsp Server/3.0 realm=IP Camera(C1234)"},
	{{"sip: sipsak", &probe_sip, UDP, 5060, .units = {
		{"`OPTIONS sip:cam@127.0.0.1:5060 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:47218;branch=z9hG4bK.4ceed119;rport;alias\r\n"
		 "From: sip:sipsak@127.0.0.1:47218;tag=7a3104f\r\nTo: sip:cam@127.0.0.1:5060\r\n"
		 "Call-ID: 128127055@127.0.0.1\r\nCSeq: 1 OPTIONS\r\nContact: sip:sipsak@127.0.0.1:47218\r\n"
		 "Content-Length: 0\r\nMax-Forwards: 70\r\nUser-Agent: sipsak 0.9.8.1\r\nAccept: text/plain\r\n"
		 "\r\n`", UP}}},
	 "sip method=OPTIONS banner=sipsak 0.9.8.1 detail=id=sipsak"},
	{{"sip: over tcp", &probe_sip, TCP, 5060, .units = {
		{"`INVITE sip:200@pbx.example.net;transport=tcp SIP/2.0\r\nv: SIP/2.0/TCP 192.0.2.9\r\n"
		 "f: <sip:100@pbx.example.net>;tag=1\r\nt: <sip:200@pbx.example.net>\r\ni: a84b4c76\r\n"
		 "CSeq: 1 INVITE\r\nl: 0\r\n\r\n`", UP}}},
	 "sip name=pbx.example.net method=INVITE detail=id=100"},
	{{"gb28181: register", &probe_sip, UDP, 5060, .units = {
		{"`REGISTER sip:34020000002000000001@3402000000 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.64:5060;rport;branch=z9hG4bK1371463273\r\n"
		 "From: <sip:34020000001320000001@3402000000>;tag=2043466181\r\n"
		 "To: <sip:34020000001320000001@3402000000>\r\nCall-ID: 1011047669\r\nCSeq: 1 REGISTER\r\n"
		 "Max-Forwards: 70\r\nUser-Agent: IP Camera\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n`", UP}}},
	 "gb28181 method=REGISTER banner=IP Camera detail=id=34020000001320000001"},
	{{"gb28181: register over tcp", &probe_sip, TCP, 7100, .units = {
		{"`REGISTER sip:34020000002000000001@3402000000 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.64:5060;rport;branch=z9hG4bK1371463273\r\n"
		 "From: <sip:34020000001320000001@3402000000>;tag=2043466181\r\n"
		 "To: <sip:34020000001320000001@3402000000>\r\nCall-ID: 1011047669\r\nCSeq: 1 REGISTER\r\n"
		 "Max-Forwards: 70\r\nUser-Agent: IP Camera\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n`", UP}}},
	 "gb28181 method=REGISTER banner=IP Camera detail=id=34020000001320000001"},
	{{"gb28181: keepalive", &probe_sip, UDP, 5061, .units = {
		{"`MESSAGE sip:34020000002000000001@3402000000 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.64:5060;branch=z9hG4bK3\r\nFrom: <sip:camera@3402000000>;tag=5\r\n"
		 "To: <sip:server@3402000000>\r\nCall-ID: 12\r\nCSeq: 20 MESSAGE\r\n"
		 "Content-Type: Application/MANSCDP+xml\r\nContent-Length: 82\r\n\r\n"
		 "<?xml version=\"1.0\"?>\n<Notify>\n<CmdType>Keepalive</CmdType>\n<SN>43</SN>\n</Notify>\n`", UP}}},
	 "gb28181 method=MESSAGE detail=id=camera"},
	{{"mqtt: 3.1.1", &probe_mqtt, TCP, 1883, .units = {
		{"102300044d51545404c2003c0008 "
		 "`cam-0042`"
		 "0005616c6963650006 "
		 "`secret`", UP}}},
	 "mqtt banner=cam-0042 detail=user=alice"},
	{{"mqtt: 5 with a will", &probe_mqtt, TCP, 1883, .units = {
		{"102100044d5154540506003c032100140008 "
		 "`cam-0042`"
		 "000001770003627965 ", UP}}},
	 "mqtt banner=cam-0042"},
	{{"mqtt: 3.1", &probe_mqtt, TCP, 8883, .units = {
		{"10160006 "
		 "`MQIsdp`"
		 "0302003c0008 "
		 "`cam-0042`", UP}}},
	 "mqtt banner=cam-0042"},
	{{"mqtt: goes on at once", &probe_mqtt, TCP, 1883, .units = {
		{"10160006 "
		 "`MQIsdp`"
		 "0302003c0008 "
		 "`cam-00420`"
		 "050001616869 ", UP}}, .enough = 24},
	 "mqtt banner=cam-0042"},
	{{"ssh: client", &probe_ssh, TCP, 22, .units = {
		{"`SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u6\r\n`", UP}}},
	 "ssh encrypted detail=client=SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u6"},
	{{"ssh: server", &probe_ssh, TCP, 2222, .units = {
		{"`SSH-2.0-dropbear_2020.81\r\n`", DOWN}}},
	 "ssh encrypted banner=SSH-2.0-dropbear_2020.81"},
	{{"ssh: both", &probe_ssh, TCP, 443, .units = {
		{"`SSH-2.0-dropbear_2020.81\r\n`", DOWN},
		{"`SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u6\r\n`", UP}}, .enough = 26},
	 "ssh encrypted banner=SSH-2.0-dropbear_2020.81 detail=client=SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u6"},
	{{"ftp: by its greeting", &probe_ftp, TCP, 21, .units = {
		{"`220 (vsFTPd 3.0.3)\r\n`", DOWN}}},
	 "ftp banner=220 (vsFTPd 3.0.3)"},
	{{"ftp: by the first command", &probe_ftp, TCP, 21, .units = {
		{"`220 ready\r\n`", DOWN},
		{"`USER anonymous\r\n`", UP}}},
	 "ftp banner=220 ready"},
	{{"smtp: by its greeting", &probe_smtp, TCP, 25, .units = {
		{"`220-mx.example.net ESMTP Postfix\r\n220 ready\r\n`", DOWN}}, .enough = 34},
	 "smtp banner=220-mx.example.net ESMTP Postfix"},
	{{"smtp: by EHLO", &probe_smtp, TCP, 587, .units = {
		{"`220 ready\r\n`", DOWN},
		{"`EHLO dock-3\r\n`", UP}}},
	 "smtp banner=220 ready"},
	{{"imap: by its greeting", &probe_imap, TCP, 143, .units = {
		{"`* OK [CAPABILITY IMAP4rev1 STARTTLS] Dovecot ready.\r\n`", DOWN}}},
	 "imap banner=* OK [CAPABILITY IMAP4rev1 STARTTLS] Dovecot ready."},
	{{"imap: by the first command", &probe_imap, TCP, 143, .units = {
		{"`* OK ready\r\n`", DOWN},
		{"`A001 CAPABILITY\r\n`", UP}}},
	 "imap banner=* OK ready"},
	{{"pop3: by the first command", &probe_pop3, TCP, 110, .units = {
		{"`+OK Dovecot ready.\r\n`", DOWN},
		{"`CAPA\r\n`", UP}}},
	 "pop3 banner=+OK Dovecot ready."},
	{{"pop3: by its greeting", &probe_pop3, TCP, 110, .units = {
		{"`+OK POP3 ready <1.2@mx>\r\n`", DOWN}}},
	 "pop3 banner=+OK POP3 ready <1.2@mx>"},
	{{"telnet: busybox asks", &probe_telnet, TCP, 23, .units = {
		{"fffd01fffd1ffffb01fffb03 ", DOWN}}, .enough = 6},
	 "telnet"},
	{{"telnet: busybox answers", &probe_telnet, TCP, 2323, .units = {
		{"fffc01fffb1ffffa1f00500018fff0fffd01fffd03 ", UP}}, .enough = 6},
	 "telnet"},
	{{"telnet: one word each", &probe_telnet, TCP, 23, .units = {
		{"fffd18 ", DOWN},
		{"fffb18 ", UP}}},
	 "telnet"},
	{{"rdp", &probe_rdp, TCP, 3389, .units = {
		{"0300002b26e00000000000 "
		 "`Cookie: mstshash=admin\r\n`"
		 "010008000b000000 ", UP}}},
	 "rdp detail=cookie=mstshash=admin"},
	{{"rfb: server", &probe_rfb, TCP, 5900, .units = {
		{"`RFB 003.008\n`", DOWN}}},
	 "rfb banner=RFB 003.008"},
	{{"rfb: both", &probe_rfb, TCP, 5901, .units = {
		{"`RFB 003.889\n`", DOWN},
		{"`RFB 003.003\n`", UP}}, .enough = 12},
	 "rfb banner=RFB 003.889"},
	{{"smb: 2 and 3", &probe_smb, TCP, 445, .units = {
		{"000000e2fe534d42400000000000000000001f z49 "
		 "24000500010000007f000000a4fb4f95c299cf48b5f00f4e422470b170000000040000000202100200030203110300000100 "
		 "26000000000001002000010046e515d87f9624ffd956f14c30eac4ea550d39b1837cde511f6afd714141da17000002000a00 "
		 "0000000004000200010004000300000000000000080008000000000003000200010000000500120000000000310032003700 "
		 "2e0030002e0030002e003100 ", UP}}},
	 "smb"},
	{{"smb: 1", &probe_smb, TCP, 445, .units = {
		{"0000003eff534d4272000000001843c8 z14 feff00000000001b0002 "
		 "`NT LANMAN 1.0`"
		 "0002 "
		 "`NT LM 0.12`"
		 "00 ", UP}}},
	 "smb"},
	{{"smb: behind a session request", &probe_smb, TCP, 139, .units = {
		{"810000 "
		 "`D CKFDENECFDEFFCFGEFFCCACACACACACA`"
		 "00 "
		 "` EIEPFDFECACACACACACACACACACACACA`"
		 "00000000e2fe534d42400000000000000000001f z49 "
		 "24000500010000007f000000a4fb4f95c299cf48b5f00f4e422470b170000000040000000202100200030203110300000100 "
		 "26000000000001002000010046e515d87f9624ffd956f14c30eac4ea550d39b1837cde511f6afd714141da17000002000a00 "
		 "0000000004000200010004000300000000000000080008000000000003000200010000000500120000000000310032003700 "
		 "2e0030002e0030002e003100 ", UP}}},
	 "smb"},
	{{"socks: curl 5", &probe_socks, TCP, 1080, .units = {
		{"05020001 ", UP}}},
	 "socks"},
	{{"socks: curl 4", &probe_socks, TCP, 1080, .units = {
		{"04010050c000020100 ", UP}}},
	 "socks"},
	{{"socks: curl 4a", &probe_socks, TCP, 9050, .units = {
		{"040100500000000100 "
		 "`x.example`"
		 "00 ", UP}}},
	 "socks name=x.example"},
	{{"rtmp: rtmpdump", &probe_rtmp, TCP, 1935, .units = {
		{"03003fbcf00000000067458b6bc6237b326998 "
		 "`<dsH3fQ`"
		 "dcb074ff5c49194a94e82aec585562291f8e23cd7ce846ba581b3dabd77e50f241b12efb1eb741e3a9e27946e145757c005f "
		 "51c262d05b54082012f827b14d1b231602e8e9161fe7cd90118d43ef66760f0e145a2552332ef99c106372ed0d33c2dc7f9f "
		 "d7ef1bc9c4a7419a07686b66fb6a4e325de4250d509b51b7d71b4331ba2d3f58e4837ca33071255ad9bb "
		 "`b%alC]`"
		 "898c6205b13a3317a31d7258a84324e95a1d2d5e846367d4a8a275abbded08b28c8379cdd05343c6e0030b9b769a18b49ee4 "
		 "545424f3711186a82c0ec43608821d900274f8953a4186130821f57f1e3dbd3d7cdc8d7b7387f0ea6c701a2222e9dd16453e "
		 "c80630a1d44f6141c29a41e1f87755fcad0b44672307053e820438015f46777ec62477972a485ceab96324dc4a885e6bd3ea "
		 "519677512d8fd70b5838a43e155c5855382a4ea670ec42236ab07c482a3bd44e1dfb065a72329ad82cafcce4573c8d6d7a54 "
		 "8f584bec892254181be96ddb7f43385ca4447602f9ff321a484a68fe78945743bb9a74fb40c23dfa26a01baadea1793ac3c6 "
		 "75fb85e61229a5c670d1ed0e52e63f4a3705f04e4f3cc1f9237cb79b6494c7 "
		 "`Z'ue89`"
		 "d80ff11cbe15011861a85b23898c3947f9e94f355cafb515bb261274a8b6340d993c23100fb66a3f95405761b1570c7eeb35 "
		 "ae77f1e49b57b3500c31057ef85fef5d302ff70ba72500bfba1de984d04aa1ea481f3a828113e50ab75dca8f0f100b709065 "
		 "cb4a0115d07f5e5f48318a0947029d796447b906bd96c2421f128e16235dba1e1e3f1e66a89ec75d1c470a547beed37b64c5 "
		 "d951c5fd3e61142bf70b737b44115a3e9642c582030a5eb1f2084b23321a79d30f3b632feb683b81624970dfb66064eea506 "
		 "2406331411caff7f9e70271a0911ea71dc590f10aae0b77fd45beb06acd96d6ff21142091b5e880010212776afa8044c3b70 "
		 "1617337ee114cde72232e30ede7450c5eb6848d6f62d47d4b74615c32a4a5c01ee39bb4ffc576f01c10c2284f1431901ef60 "
		 "ba24f3269b57017f7d30da49f5a555700b37b85fe11e80501aac88041c01b85f7f8fa76a23bd7276f85ac76f29705f6af818 "
		 "5e7da434355f1b82a1731377e67db5555c55ca2aa63f4ee7fc14e8d33d6a9812c97132f6da0938992953e0e8bf1f79ca9250 "
		 "4d5c541d3deaad59341a8f28bc5d152a5f6e9f1d4e1b7e0977820851fac5a01ccb "
		 "`KXSl(^A`"
		 "05fd587cac6ad82386d4e64521fe105c2bfa7f0eaa91593c1a59d84b556adf78a2aab739be8d0d2b70ec806cb5219e3773e3 "
		 "69003b17272c04099b4c5cb7a76ad329f01d36ff75569450d13db312b03dafc90827e2ac255bf0fc5d17e4e3974f9e0a3b05 "
		 "4f6bfd3432ff1559158d435649319e51fd4a6e2c82b5a1174e2ef74da9b54650088a885d702c082ad4afc65eb21be2198a85 "
		 "e075291aa65754c699534813ee209a0627440ae8370bbcf65721d51d4e700ef1d25718aeff0ba8473e0e44f0482eacfed049 "
		 "5b5aee4bf3b951558eabf6244c574c63d79de9242db6312a9bc24918099dff7d42437500e5f3e76906e86d2ac4f816183322 "
		 "df37af9db47acd829f75a34ee761844d7b597f9e810f2dd4c757ad672131d4641b6376e7b578476e4875de4c536e32de0d1a "
		 "1c8c9665ec3d26464a8c0d26c4d3d473302e6f74f68ade6f202ec33f23e8c0498536d5146c850f23fb85aa6eb2ec063f0748 "
		 "593b0423aa6cf42f7c3fec3b41250b0b1817b9289357205e205dbaa8cc1186ab324dc3ac073f3ef6476b054ab45cf180cf16 "
		 "ec5d691cd9aecf3f6768850f33ccb111b7fb222e9946932950584877a3394974e3d2a04f142c1d6bd367b868d95d7f3f345a "
		 "e02af74f79325e945454a0dfef4df2d5232110815b13a8274909f6f8cd0d05b1d75294638a2e0104e624bed96a2ab4c1aa0b "
		 "bcacb23644859d77786eb24afaa2fa2149cf515469ef8161e600643e237e2114d05707711acd1550da794442699e9a1a6a25 "
		 "5e477eb38d "
		 "`6Lq;j~Q{2Q`"
		 "1b461f25cfba29b3ab5b5d486bbf5184630f7e538b4b2b3a41e37294e46a11fbb29434313ab1009995426490161f63323e97 "
		 "25576fad0e44d8c96eeeea495c9bf44a06bc467c39 ", UP}}},
	 "rtmp"},
	{{"bittorrent", &probe_bittorrent, TCP, 6881, .units = {
		{"13 "
		 "`BitTorrent protocol`"
		 "00000000001000051111111111111111111111111111111111111111 "
		 "`-TR3000-0123456789ab`", UP}}, .enough = 48},
	 "bittorrent"},
	{{"openvpn: udp", &probe_openvpn, UDP, 1194, .units = {
		{"3839270c6d237176060000000000 ", UP}}},
	 "openvpn encrypted"},
	{{"openvpn: tls-auth", &probe_openvpn, UDP, 1194, .units = {
		{"3884e77d6f38983bd934072fe624b317bd6e6d27f071911cfda79e5a28000000016b03f9f10000000000 ", UP}}},
	 "openvpn encrypted"},
	{{"openvpn: tls-auth, SHA-256", &probe_openvpn, UDP, 443, .units = {
		{"3808a7b9484429dc34b45f1d9e6130b8da3ec4fb6e5ec0e272daef3cba8a07b73103cd1c5c35030e52000000016b03f9f600 "
		 "00000000 ", UP}}},
	 "openvpn encrypted"},
	{{"openvpn: tls-crypt", &probe_openvpn, UDP, 1194, .units = {
		{"3825272a0ebc9e1d2b000000016b03f9fb678034c9c8cf "
		 "`#zO|i%`"
		 "836a5c4ae76b1e07b5c7d46afbf4ea6ea25959f7d7c6aad7d5 ", UP}}},
	 "openvpn encrypted"},
	{{"openvpn: tls-crypt-v2", &probe_openvpn, UDP, 1194, .units = {
		{"50aabf06e87bfd988e0f0000016b03fa00854585b4dfcd349d9e3d9c4e6e68c71cc9956537300f937c9bf1e650a3704b8b1e "
		 "75cc79b3596fe2735b7c47a6abb648bc30a56308d4c39fd90ae88a1b5c1479f82dbf27faeeae5dfbe77cca27868fb9e78d30 "
		 "74d2e1fd97c779562e19c3962cd67c9092afc78ddd31277768cf6873478db78e2841bc9f90d666fc01778160e8ce5e3e167b "
		 "b35909f18a69d19f9d207046feb20be95a0ee32654bf22113c265fc466414055e47719f36a9aa27c6c904fe4186591ce1a83 "
		 "254fd530b98d86feefe5416751f733f5b15f95f98df275d6d58c70b0aa658f1d1cb4ca56eefc1521f38a465f3aeeeac2a74c "
		 "cf7c7e2077963b1b60aeaa17e04ed3857f76081e221c5c1b53ef23ce11d00cba48c0e91cfacbd0a353275e375efee2c87538 "
		 "f25ce5d2f7d5b6580c4b11eeffadbac559cb45607d3407af3753fb87a103e62308aea6e3cf18498c245abb81b33d4778d78b "
		 "a5012b ", UP}}},
	 "openvpn encrypted"},
	{{"openvpn: tcp", &probe_openvpn, TCP, 443, .units = {
		{"000e381fb9dae5a2dfd5560000000000000e381fb9dae5a2dfd5560000000000 ", UP}}, .enough = 16},
	 "openvpn encrypted"},
	{{"dns: dig", &probe_dns, UDP, 53, .units = {
		{"224f012000010000000000010377777707 "
		 "`example`"
		 "03636f6d000001000100002904d000000000000c000a00081b8421c581abf1c3 ", UP}}},
	 "dns query=www.example.com/1/1"},
	{{"dns: nslookup", &probe_dns, UDP, 5353, .units = {
		{"2076010000010000000000000350545207 "
		 "`example`"
		 "03636f6d0000010001 ", UP}}},
	 "dns query=ptr.example.com/1/1"},
	{{"dns: busybox", &probe_dns, UDP, 53, .units = {
		{"cb19010000010000000000000363616d07 "
		 "`example`"
		 "03636f6d0000010001 ", UP}}},
	 "dns query=cam.example.com/1/1"},
	{{"dns: two questions", &probe_dns, UDP, 53, .units = {
		{"224f012000010000000000010377777707 "
		 "`example`"
		 "03636f6d000001000100002904d000000000000c000a00081b8421c581abf1c3 ", UP},
		{"cb19010000010000000000000363616d07 "
		 "`example`"
		 "03636f6d0000010001 ", UP}}},
	 "dns query=cam.example.com/1/1"},
	{{"dns: answered", &probe_dns, UDP, 53, .units = {
		{"cb19010000010000000000000363616d07 "
		 "`example`"
		 "03636f6d0000010001 ", UP},
		{"cb19818000010001000000000363616d07 "
		 "`example`"
		 "03636f6d0000010001c00c000100010000003c0004cb007109 ", DOWN}}},
	 "dns query=cam.example.com/1/1"},
	{{"dns: tcp", &probe_dns, TCP, 53, .units = {
		{"003867e8012000010000000000010374637007 "
		 "`example`"
		 "03636f6d00001c000100002904d000000000000c000a00085f3e822bfd53a279 ", UP}}},
	 "dns query=tcp.example.com/28/1"},
	{{"dns: tcp, two in a row", &probe_dns, TCP, 53, .units = {
		{"003867e8012000010000000000010374637007 "
		 "`example`"
		 "03636f6d00001c000100002904d000000000000c000a00085f3e822bfd53a2790021cb19010000010000000000000363616d 07 "
		 "`example`"
		 "03636f6d0000010001 ", UP}}, .enough = 58},
	 "dns query=cam.example.com/1/1"},
	{{"mdns: asks", &probe_mdns, UDP, 5353, .units = {
		{"000000000002000000000000055f72747370045f746370056c6f63616c00000c8001055f68747470c012000c0001 ", UP}}},
	 "mdns query=_rtsp._tcp.local/12/1"},
	{{"mdns: announces", &probe_mdns, UDP, 5353, .units = {
		{"0000840000000001000000000b "
		 "`_axis-video`"
		 "045f746370056c6f63616c00000c0001000011940002c00c ", UP}}},
	 "mdns"},
	{{"llmnr", &probe_llmnr, UDP, 5355, .units = {
		{"1a2b0000000100000000000006 "
		 "`NVR-01`"
		 "00001c0001 ", UP}}},
	 "llmnr query=nvr-01/28/1"},
	{{"netbios: asks", &probe_netbios, UDP, 137, .units = {
		{"a7c101100001000000000000 "
		 "` EOFGFCDADBCACACACACACACACACACACA`"
		 "0000200001 ", UP}}},
	 "netbios-ns query=NVR01/32/1"},
	{{"netbios: asks for status", &probe_netbios, UDP, 137, .units = {
		{"a7c100000001000000000000 "
		 "` CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`"
		 "0000210001 ", UP}}},
	 "netbios-ns query=*/33/1"},
	{{"ntp: ntpdig", &probe_ntp, UDP, 123, .units = {
		{"e3 z39 eeae78052fa03000 ", UP}}},
	 "ntp"},
	{{"ntp: sntp of a camera", &probe_ntp, UDP, 123, .units = {
		{"1b z47 ", UP}}},
	 "ntp"},
	{{"ntp: ntpd with a key", &probe_ntp, UDP, 123, .units = {
		{"230306ec0000021900000a4bc0000201ea8d1b27 z20 ea8d1b3a1234567800000001 "
		 "`wwwwwwwwwwwwwwww`", UP}}, .enough = 48},
	 "ntp"},
	{{"ntp: answered", &probe_ntp, UDP, 123, .units = {
		{"1b z47 ", UP},
		{"1c0103ec000000000000001147505300ea8d1b27ea8d1b27ea8d1b27ea8d1b27ea8d1b27ea8d1b27ea8d1b27ea8d1b27 ", DOWN}}},
	 "ntp"},
	{{"dhcp: udhcpc", &probe_dhcp, UDP, 67, .units = {
		{"01010600c88bee62 z20 b6d983d74063 z202 638253633501013902024037070103060c0f1c2a0c08 "
		 "`DCS-935L<`"
		 "0c "
		 "`udhcp 1.35.0=`"
		 "0701b6d983d74063ff00000000000000000000 ", UP}}, .enough = 290},
	 "dhcp banner=udhcp 1.35.0 detail=name=DCS-935L"},
	{{"dhcpv6: solicit", &probe_dhcpv6, UDP, 547, .units = {
		{"01a1b2c30001000e000100012a3b4c5d4419b600002100060004001700180008000200000003000c0000000100000e100000 1518 ", UP}}, .enough = 22},
	 "dhcpv6 detail=mac=44:19:b6:00:00:21"},
	{{"ssdp: searches", &probe_ssdp, UDP, 1900, .units = {
		{"`M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 3\r\n"
		 "ST: upnp:rootdevice\r\n\r\n`", UP}}},
	 "ssdp detail=id=upnp:rootdevice"},
	{{"ssdp: announces", &probe_ssdp, UDP, 1900, .units = {
		{"`NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=1800\r\n"
		 "LOCATION: http://192.0.2.64:49152/upnp.xml\r\nNT: upnp:rootdevice\r\nNTS: ssdp:alive\r\n"
		 "SERVER: Linux/2.6 UPnP/1.0 DLNADOC/1.50\r\n"
		 "USN: uuid:4d454930-0000-1000-8000-4419b6000021::upnp:rootdevice\r\n\r\n`", UP}}},
	 "ssdp banner=Linux/2.6 UPnP/1.0 DLNADOC/1.50 detail=id=uuid:4d454930-0000-1000-8000-4419b6000021::upnp:rootdevice"},
	{{"ssdp: answers", &probe_ssdp, UDP, 40000, .units = {
		{"`HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:4d454930::upnp:rootdevice\r\n"
		 "LOCATION: http://192.0.2.64/upnp.xml\r\nSERVER: Linux UPnP/1.0\r\n\r\n`", UP}}},
	 "ssdp banner=Linux UPnP/1.0 detail=id=uuid:4d454930::upnp:rootdevice"},
	{{"ws-discovery: asks", &probe_wsdiscovery, UDP, 3702, .units = {
		{"`<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-e"
		 "nvelope\" xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><e:Body><d:Probe><d:Types>"
		 "dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>`", UP}}},
	 "ws-discovery"},
	{{"ws-discovery: answered", &probe_wsdiscovery, UDP, 3702, .units = {
		{"`<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-e"
		 "nvelope\" xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><e:Body><d:Probe><d:Types>"
		 "dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>`", UP},
		{"`<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:Envelope xmlns:d=\"http://schemas.xmlsoap.org/ws/"
		 "2005/04/discovery\"><e:Body><d:ProbeMatches><d:ProbeMatch><d:Scopes>onvif://www.onvif.org/type/p"
		 "tz onvif://www.onvif.org/hardware/DS-2CD2042WD onvif://www.onvif.org/name/X</d:Scopes></d:ProbeM"
		 "atch></d:ProbeMatches></e:Body></e:Envelope>\n`", DOWN}}, .enough = 325},
	 "ws-discovery detail=model=DS-2CD2042WD"},
	{{"srt: srt-live-transmit", &probe_srt, UDP, 9001, .units = {
		{"800000000000000000000db40000000000000004000000023a8987e8000005dc0000200000000001364f910f000000000100 007f z12 ", UP}}},
	 "srt"},
	{{"rtp: two packets", &probe_rtp, UDP, 6970, .units = {
		{"8060ffff000003e8decafbad6742001f000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
		 "` !\"#$%&'`", UP},
		{"8060000000000fa0decafbad6742001f000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
		 "` !\"#$%&'`", UP}}, .enough = 13},
	 "rtp"},
	{{"rtp: from the server", &probe_rtp, UDP, 8000, .units = {
		{"80600007000003e8decafbad6742001f000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
		 "` !\"#$%&'`", DOWN},
		{"8060000900000fa0decafbad6742001f000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
		 "` !\"#$%&'`", DOWN}}, .enough = 13},
	 "rtp"},
	{{"rtcp: a compound", &probe_rtcp, UDP, 6971, .units = {
		{"80c80006decafbadea8d1b2700000000000010000000000a0000100081ca0004decafbad0106 "
		 "`cam--3`"
		 "00000000 ", UP}}},
	 "rtcp"},
	{{"coap: get", &probe_coap, UDP, 5683, .units = {
		{"41013c7d01b7 "
		 "`sensors`"
		 "04 "
		 "`tempCx=1`", UP}}, .enough = 13},
	 "coap path=/sensors/temp"},
	{{"coap: put", &probe_coap, UDP, 5683, .units = {
		{"41038ab80172163441610162ff780a ", UP}}, .enough = 10},
	 "coap path=/a/b"},
	{{"snmp: 1", &probe_snmp, UDP, 161, .units = {
		{"30290201000406 "
		 "`public`"
		 "a01c02043c29bc1b020100020100300e300c06082b060102010101000500 ", UP}}},
	 "snmp"},
	{{"snmp: 2c, bulk", &probe_snmp, UDP, 161, .units = {
		{"30270201010406 "
		 "`public`"
		 "a51a020430add82602010002010a300c300a06062b06010201010500 ", UP}}},
	 "snmp"},
	{{"snmp: 3", &probe_snmp, UDP, 161, .units = {
		{"303e0201033011020471d48e4d020300ffe30401040201030410300e0400020100020100040004000400301404000400a00e "
		 "020425c987000201000201003000 ", UP}}},
	 "snmp"},
	{{"snmp: trap 1", &probe_snmp, UDP, 161, .units = {
		{"30270201000406 "
		 "`public`"
		 "a41a06072b06010401bf084004c00002010201060201114301643000 ", UP}}},
	 "snmp"},
	{{"snmp: trap 2", &probe_snmp, UDP, 161, .units = {
		{"30430201010406 "
		 "`public`"
		 "a73602045c4c89ef0201000201003028300d06082b060102010103004301643017060a2b06010603010104010006092b0601 "
		 "060301010501 ", UP}}},
	 "snmp"},
	{{"tftp: curl", &probe_tftp, UDP, 69, .units = {
		{"0001 "
		 "`fw.bin`"
		 "006f63746574007473697a65003000 "
		 "`blksize`"
		 "0035313200 "
		 "`timeout`"
		 "003100 ", UP}}, .enough = 15},
	 "tftp detail=file=fw.bin"},
	{{"syslog: RFC 5424", &probe_syslog, UDP, 514, .units = {
		{"`<13>1 2026-11-23T08:29:59.211366+00:00 vm root - - [timeQuality tzKnown=\"1\" isSynced=\"0\"] he"
		 "llo from a camera`", UP}}, .enough = 8},
	 "syslog"},
	{{"syslog: RFC 3164", &probe_syslog, UDP, 514, .units = {
		{"`<13>Nov 23 08:30:01 vm root: hello from a camera`", UP}}, .enough = 8},
	 "syslog"},
	{{"syslog: tcp, counted", &probe_syslog, TCP, 514, .units = {
		{"`109 <13>1 2026-11-23T08:30:03.258602+00:00 vm root - - [timeQuality tzKnown=\"1\" isSynced=\"0\""
		 "] hello from a camera`", UP}}},
	 "syslog"},
	{{"syslog: tcp, lines", &probe_syslog, TCP, 601, .units = {
		{"`<13>1 2026-11-23T08:30:03.270740+00:00 vm root - - [timeQuality tzKnown=\"1\" isSynced=\"0\"] he"
		 "llo from a camera\n`", UP}}},
	 "syslog"},
	{{"wireguard: initiation", &probe_wireguard, UDP, 51820, .units = {
		{"01000000a1b2c3d40b30557a9fc4e90e33587da2c7ec11365b80a5caef14395e83a8cdf2173c6186abd0f51a3f6489aed3f8 "
		 "1d42678cb1d6fb20456a8fb4d9fe23486d92b7dc01264b7095badf04294e7398bde2072c51769bc0e50a2f54799ec3e80d32 "
		 "577ca1c6eb10355a7fa4c9ee13385d820560bb1671cc2782dd3893ee49a4ff5a z16 ", UP}}},
	 "wireguard encrypted"},
	{{"wireguard: answered", &probe_wireguard, UDP, 443, .units = {
		{"01000000a1b2c3d40b30557a9fc4e90e33587da2c7ec11365b80a5caef14395e83a8cdf2173c6186abd0f51a3f6489aed3f8 "
		 "1d42678cb1d6fb20456a8fb4d9fe23486d92b7dc01264b7095badf04294e7398bde2072c51769bc0e50a2f54799ec3e80d32 "
		 "577ca1c6eb10355a7fa4c9ee13385d820560bb1671cc2782dd3893ee49a4ff "
		 "`ZUUUUUUUUUUUUUUUU`", UP},
		{"0200000011223344a1b2c3d40314 "
		 "`%6GXiz`"
		 "8b9cadbecfe0f10213 "
		 "`$5FWhy`"
		 "8a9bacbdcedff00112 "
		 "`#4EVgx`"
		 "899aabbccddeef0011 "
		 "`\"3DUfw`"
		 "8899aabbccddeeff102132 z16 ", DOWN}}},
	 "wireguard encrypted"},
	{{"ike: 1", &probe_ike, UDP, 500, .units = {
		{"29da02dd1747b7b0000000000000000001100200000000000000015000000134000000010000000100000128010100080300 "
		 "00240101000080010005800200028003000180040002800b0001000c00040000708003000024020100008001000580020001 "
		 "8003000180040002800b0001000c000400007080030000240301000080010001800200028003000180040002800b0001000c "
		 "000400007080030000240401000080010001800200018003000180040002800b0001000c0004000070800300002405010000 "
		 "80010005800200028003000180040001800b0001000c00040000708003000024060100008001000580020001800300018004 "
		 "0001800b0001000c000400007080030000240701000080010001800200028003000180040001800b0001000c000400007080 "
		 "000000240801000080010001800200018003000180040001800b0001000c000400007080 ", UP}}},
	 "ike encrypted"},
	{{"ike: 2", &probe_ike, UDP, 500, .units = {
		{"9eea93a85387643800000000000000002120220800000000000001282200006c000000680101000b0300000c0100000c800e "
		 "01000300000c0100000c800e0080030000080100000303000008010000020300000802000002030000080200000103000008 "
		 "03000002030000080300000103000008040000020300000804000005000000080400000e28000088000200006c89758df413 "
		 "563ead783f7ee86d4c60fab438074e9c66570c338cd97787cfb2348b4391f117962cbb887f6a1086f4fd345977ca2ed2b746 "
		 "70c0b6b0b29ed4e8869068793e6ca4043f2de69de7af97042403edbc3589ed401fbca75232bb991955dd68e240eb9fad3338 "
		 "34eb484f106ea819995cb1db271c48a468deeaad55dc00000018fd07ada9f365de4b55d4aee4413b96a8a55d8a7b ", UP}}},
	 "ike encrypted"},
	{{"ike: behind a translation", &probe_ike, UDP, 4500, .units = {
		{"000000008294aefb76d307700000000000000000011002000000000000000150000001340000000100000001000001280101 "
		 "0008030000240101000080010005800200028003000180040002800b0001000c000400007080030000240201000080010005 "
		 "800200018003000180040002800b0001000c000400007080030000240301000080010001800200028003000180040002800b "
		 "0001000c000400007080030000240401000080010001800200018003000180040002800b0001000c00040000708003000024 "
		 "0501000080010005800200028003000180040001800b0001000c000400007080030000240601000080010005800200018003 "
		 "000180040001800b0001000c000400007080030000240701000080010001800200028003000180040001800b0001000c0004 "
		 "00007080000000240801000080010001800200018003000180040001800b0001000c000400007080 ", UP}}},
	 "ike encrypted"},
	{{"esp: three in a row", &probe_esp, UDP, 4500, .units = {
		{"c1d2e3f40000002907305982abd4fd264f78a1caf31c456e97c0e9123b648db6df08315a83acd5fe275079a2cbf41d466f98 "
		 "c1ea133c658eb7e009325b84add6ff28517aa3ccf51e ", UP},
		{"c1d2e3f40000002a07315b85afd9032d5781abd5ff29537da7d1fb254f79a3cdf7214b759fc9f31d47719bc5ef19436d97c1 "
		 "eb153f6993bde7113b658fb9e30d37618bb5df09335d ", UP},
		{"c1d2e3f40000002b07325d88b3de09345f8ab5e00b36618cb7e20d38638eb9e40f3a6590bbe6113c6792bde8133e6994bfea "
		 "15406b96c1ec17426d98c3ee19446f9ac5f01b46719c ", UP}}, .enough = 28},
	 "ipsec-nat-t encrypted"},
	{{"bittorrent-dht: aria2", &probe_dht, UDP, 6881, .units = {
		{"`d1:ad2:id20:;`"
		 "104217bce96c62f3785558046c431677300bd4 "
		 "`e1:q4:ping1:t4:+`"
		 "f293 "
		 "`D1:v4:A2`"
		 "0003 "
		 "`1:y1:qe`", UP}}},
	 "bittorrent-dht"},
	{{"utp", &probe_utp, UDP, 6881, .units = {
		{"4100a1b25e3f1a20000000000004000000010000 ", UP}}},
	 "utp"},
	{{"utp: with an extension", &probe_utp, UDP, 6881, .units = {
		{"4102a1b25e3f1a2000000000000400008f31000000080000000000000000 ", UP}}},
	 "utp"},
	{{"stun: coturn", &probe_stun, UDP, 3478, .units = {
		{"000100002112a44214c76f0f63e7f4732d0b1acc ", UP}}},
	 "stun"},
	{{"stun: old, asks to change", &probe_stun, UDP, 3478, .units = {
		{"000100080011 "
		 "`\"3DUfw`"
		 "8899aabbccddeeff0003000400000006 ", UP}}},
	 "stun"},
	{{"turn: coturn", &probe_stun, UDP, 3478, .units = {
		{"000300202112a4423f60cc3cbd9e3787a564cb0d0019000411000000000d000400000309001800018000000080280004e5da 7864 ", UP}}},
	 "turn"},
	{{"stun: tcp", &probe_stun, TCP, 3478, .units = {
		{"000100002112a44214c76f0f63e7f4732d0b1acc ", UP}}},
	 "stun"},
	{{"dtls: openssl", &probe_dtls, UDP, 4433, .units = {
		{"16feff000000000000000000d6010000ca00000000000000cafefd46be8d5e485111af126f41b72128a217db2b6dc6cfb39f "
		 "6384af60b379a3b93200000038c02cc030009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c0 "
		 "09c0130033009d009c003d003c0035002f00ff010000680000001200100000 "
		 "`\rd.example.com`"
		 "000b000403000102000a000c000a001d0017001e00190018002300000016000000170000000d002a00280403050306030807 "
		 "08080809080a080b080408050806040105010601030303010302040205020602 ", UP}}},
	 "dtls name=d.example.com encrypted tls=fefd ja4=dd2d280700_d943125447b4_e7e480e5a997"},
	{{"dtls: openssl 1.0", &probe_dtls, UDP, 4433, .units = {
		{"16feff000000000000000000880100007c000000000000007cfeff19d70153a34a58050ebf996b36e2278841428d5e139d6b "
		 "bb7c51d8b12c3148a20000002ec00ac0140039003800880087c019003a0089c009c0130033003200450044c0180034004600 "
		 "350084002f004100ff01000024000b000403000102000a000c000a001d0017001e00190018002300000016000000170000 ", UP}}},
	 "dtls encrypted tls=feff ja4=dd1i230500_44099cda8a52_195413a0cc0f"},
	{{"dtls: gnutls", &probe_dtls, UDP, 443, .units = {
		{"16feff000000000000000000e4010000d800000000000000d8fefd33e8c685fba42866efa617fba9b3046353151c9cea115b "
		 "88a5d5c849a9c6f25b00000032c02ccca9c0adc00ac02bc0acc009c030cca8c014c02fc013009dc09d0035009cc09c002f00 "
		 "9fccaac09f0039009ec09e00330100007c000500050100000000000a00160014001700180019001d001e0100010101020103 "
		 "0104000b00020100000d00220020040108090804040308070501080a0805050308080601080b080606030201020300160000 "
		 "0017000000230000ff010001000000001200100000 "
		 "`\rg.example.com`"
		 "001c00024000 ", UP}}},
	 "dtls name=g.example.com encrypted tls=fefd ja4=dd2d251000_7415a186c913_577ffa9d9a5c"},
	{{"nfs: tcp", &probe_rpc, TCP, 2049, .units = {
		{"800000281234abcd0000000000000002000186a300000003 z20 ", UP}}},
	 "nfs"},
	{{"nfs: udp", &probe_rpc, UDP, 2049, .units = {
		{"1234abcd0000000000000002000186a300000003 z20 ", UP}}},
	 "nfs"},
	{{"sunrpc: asks for a port", &probe_rpc, UDP, 111, .units = {
		{"1234abcd0000000000000002000186a00000000200000003 z17 0186a3000000030000000600000000 ", UP}}, .enough = 40},
	 "sunrpc"},
	{{"sunrpc: asks for a port, tcp", &probe_rpc, TCP, 111, .units = {
		{"800000381234abcd0000000000000002000186a00000000200000003 z17 0186a3000000030000000600000000 ", UP}}},
	 "sunrpc"},
	{{"icmp: iputils", &probe_icmp, IPPROTO_ICMP, 2048, .units = {
		{"18fa036b000000002f460b0000000000101112131415161718191a1b1c1d1e1f "
		 "` !\"#$%&'()*+,-./01234567`", UP}}, .enough = 1},
	 "icmp"},
	{{"icmp: iputils, long", &probe_icmp, IPPROTO_ICMP, 2048, .units = {
		{"18fa036b00000000045d0b0000000000101112131415161718191a1b1c1d1e1f "
		 "` !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[`"
		 "5c5d5e5f60 "
		 "`abcdefghijklmnopqrstuvwxyz{|}~`"
		 "7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0 "
		 "b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2 "
		 "e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f1011121314 "
		 "15161718191a1b1c1d1e1f "
		 "` !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[`"
		 "5c5d5e5f60 "
		 "`abcdefghijklmnopqrstuvwxyz{|}~`"
		 "7f808182838485868788898a8b8c8d8e8f ", UP}}, .enough = 1},
	 "icmp"},
	{{"icmp: iputils, pattern", &probe_icmp, IPPROTO_ICMP, 2048, .units = {
		{"18fa036b00000000d7760b0000000000abababababababababababababababababababababababababababababababababab "
		 "abababababab ", UP}}, .enough = 1},
	 "icmp"},
	{{"icmp: busybox", &probe_icmp, IPPROTO_ICMP, 2048, .units = {
		{"c1b2ad17 z52 ", UP}}, .enough = 1},
	 "icmp"},
	{{"icmp: iputils, IPv6", &probe_icmp, IPPROTO_ICMPV6, 32768, .units = {
		{"18fa036b000000002ea70b0000000000101112131415161718191a1b1c1d1e1f "
		 "` !\"#$%&'()*+,-./01234567`", UP}}, .enough = 1},
	 "icmp"},
	{{"icmp: windows", &probe_icmp, IPPROTO_ICMP, 2048, .units = {
		{"`abcdefghijklmnopqrstuvwabcdefghi`", UP},
		{"`abcdefghijklmnopqrstuvwabcdefghi`", DOWN}}, .enough = 1},
	 "icmp"},
	{{"icmp: asks the time", &probe_icmp, IPPROTO_ICMP, 3328, .units = {
		{"z12 ", UP}}},
	 "icmp"},
	{{"icmp-tunnel: text", &probe_icmp_tunnel, IPPROTO_ICMP, 2048, .units = {
		{"`GET / HTTP/1.1\r\nHost: exfil.example\r\n\r\n`", UP}}, .enough = 20},
	 "icmp-tunnel"},
	{{"icmp-tunnel: another answer", &probe_icmp_tunnel, IPPROTO_ICMP, 2048, .units = {
		{"`abcdefghijklmnopqrstuvwabcdefghi`", UP},
		{"z32 ", DOWN}}, .enough = 1},
	 "icmp-tunnel"},
};

enum { N_STANDARDS = sizeof standards / sizeof *standards };

#endif
