/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the internet's protocols must not be taken for: each message differs from a good one in the one thing that is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "probe_standard_samples.h"

#define ICMP IPPROTO_ICMP

static const struct sample refused[] = {
	{"http: bare line feeds", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\nHost: a.example\n\n`", UP}}},
	{"http: two hosts", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost: a.example\r\nhost: b.example\r\n\r\n`", UP}}},
	{"http: folded field", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost: a.example\r\nX: 1\r\n 2\r\n\r\n`", UP}}},
	{"http: space before the colon", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost : a.example\r\n\r\n`", UP}}},
	{"http: field without colon", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost\r\n\r\n`", UP}}},
	{"http: control byte in a field", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nX: a` 01 `b\r\n\r\n`", UP}}},
	{"http: NUL in the target", &probe_http, TCP, 80, .units = {{"`GET /a` 00 ` HTTP/1.1\r\n\r\n`", UP}}},
	{"http: carriage return inside a line", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nX: a\rb\r\n\r\n`", UP}}},
	{"http: method is no token", &probe_http, TCP, 80, .units = {{"`G(T / HTTP/1.1\r\n\r\n`", UP}}},
	{"http: version 2.0", &probe_http, TCP, 80, .units = {{"`GET / HTTP/2.0\r\n\r\n`", UP}}},
	{"http: no version", &probe_http, TCP, 80, .units = {{"`GET /\r\n`", UP}}},
	{"http: two spaces", &probe_http, TCP, 80, .units = {{"`GET  / HTTP/1.1\r\n\r\n`", UP}}},
	{"http: target of nothing", &probe_http, TCP, 80, .units = {{"`GET foo HTTP/1.1\r\n\r\n`", UP}}},
	{"http: host with a slash", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n`", UP}}},
	{"http: host with user", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost: u@a.example\r\n\r\n`", UP}}},
	{"http: something behind the brackets", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost: [2001:db8::1]x\r\n\r\n`", UP}}},
	{"http: port beyond 65535", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost: a.example:65536\r\n\r\n`", UP}}},
	{"http: port is no number", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost: a.example:x\r\n\r\n`", UP}}},
	{"http: target and host differ", &probe_http, TCP, 80, .units = {{"`GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n`", UP}}},
	{"http: CONNECT to one, Host of another", &probe_http, TCP, 80,
	 .units = {{"`CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n`", UP}}},
	{"http: two lengths", &probe_http, TCP, 80,
	 .units = {{"`POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`", UP}}},
	{"http: length and chunks", &probe_http, TCP, 80,
	 .units = {{"`POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`", UP}}},
	{"http: length is negative", &probe_http, TCP, 80, .units = {{"`POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n`", UP}}},
	{"http: bytes behind a request without a body", &probe_http, TCP, 80,
	 .units = {{"`GET / HTTP/1.1\r\nHost: a.example\r\n\r\n` 00010203", UP}}},
	{"http: bytes behind the body", &probe_http, TCP, 80,
	 .units = {{"`POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab` ff", UP}}},
	{"http: the server speaks it", &probe_http, TCP, 80, .units = {{"`HTTP/1.1 200 OK\r\n\r\n`", UP}}},
	{"http2: no settings", &probe_http2, TCP, 80, .units = {{"`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n` 000000 00 00 00000000", UP}}},
	{"http2: settings of a stream", &probe_http2, TCP, 80, .units = {{"`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n` 000006 04 00 00000001", UP}}},

	{"rtsp: no sequence number", &probe_rtsp, TCP, 554, .units = {{"`OPTIONS * RTSP/1.0\r\nUser-Agent: x\r\n\r\n`", UP}}},
	{"rtsp: unknown method", &probe_rtsp, TCP, 554, .units = {{"`GET rtsp://a.example/ RTSP/1.0\r\nCSeq: 1\r\n\r\n`", UP}}},
	{"rtsp: a path alone", &probe_rtsp, TCP, 554, .units = {{"`OPTIONS /live RTSP/1.0\r\nCSeq: 1\r\n\r\n`", UP}}},
	{"rtsp: http's version", &probe_rtsp, TCP, 554, .units = {{"`OPTIONS rtsp://a.example/ HTTP/1.1\r\nCSeq: 1\r\n\r\n`", UP}}},
	{"sip: no Via", &probe_sip, TCP, 5060,
	 .units = {{"`OPTIONS sip:a@b.example SIP/2.0\r\nFrom: a\r\nTo: b\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n`", UP}}},
	{"sip: not to a SIP address", &probe_sip, TCP, 5060,
	 .units = {{"`OPTIONS http://b.example SIP/2.0\r\nv: x\r\nFrom: a\r\nTo: b\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n`", UP}}},
	{"sip: body longer than the datagram", &probe_sip, UDP, 5060,
	 .units = {{"`OPTIONS sip:a@b.example SIP/2.0\r\nv: x\r\nf: a\r\nt: b\r\ni: 1\r\nCSeq: 1 OPTIONS\r\nl: 5\r\n\r\nabc`", UP}}},
	{"sip: a datagram of something else behind it", &probe_sip, UDP, 5060,
	 .units = {{"`OPTIONS sip:a@b.example SIP/2.0\r\nv: x\r\nf: a\r\nt: b\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n\r\n`", UP}, {"00010203", UP}}},

	{"mqtt: reserved flag", &probe_mqtt, TCP, 1883, .units = {{"10 10 0004 `MQTT` 04 03 003c 0004 `cam1`", UP}}},
	{"mqtt: will without will", &probe_mqtt, TCP, 1883, .units = {{"10 10 0004 `MQTT` 04 22 003c 0004 `cam1`", UP}}},
	{"mqtt: unknown level", &probe_mqtt, TCP, 1883, .units = {{"10 10 0004 `MQTT` 06 02 003c 0004 `cam1`", UP}}},
	{"mqtt: other name", &probe_mqtt, TCP, 1883, .units = {{"10 10 0004 `MQTX`", UP}}},
	{"mqtt: bytes left over", &probe_mqtt, TCP, 1883, .units = {{"10 11 0004 `MQTT` 04 02 003c 0004 `cam1` 00", UP}}},
	{"mqtt: user missing", &probe_mqtt, TCP, 1883, .units = {{"10 10 0004 `MQTT` 04 82 003c 0004 `cam1`", UP}}},
	{"mqtt: length that never ends", &probe_mqtt, TCP, 1883, .units = {{"10 ffffffff 01", UP}}},
	{"mqtt: control byte in the id", &probe_mqtt, TCP, 1883, .units = {{"10 10 0004 `MQTT` 04 02 003c 0004 `ca` 0a `1`", UP}}},
	{"mqtt: a broker's packet behind it", &probe_mqtt, TCP, 1883, .units = {{"10 10 0004 `MQTT` 04 02 003c 0004 `cam1` 20020000", UP}}},

	{"ssh: version 1.5", &probe_ssh, TCP, 22, .units = {{"`SSH-1.5-x\r\n`", UP}}},
	{"ssh: control byte", &probe_ssh, TCP, 22, .units = {{"`SSH-2.0-x` 07 `\r\n`", UP}}},
	{"ssh: endless line", &probe_ssh, TCP, 22, .units = {{"`SSH-2.0-` p260`x`", UP}}},
	{"ssh: the client says something else", &probe_ssh, TCP, 22, .units = {{"`SSH-2.0-x\r\n`", DOWN}, {"`hello\r\n`", UP}}},
	{"ftp: binary in the greeting", &probe_ftp, TCP, 21, .units = {{"`220 FTP` 00 `\r\n`", DOWN}}},
	{"ftp: the client says EHLO", &probe_ftp, TCP, 21, .units = {{"`220 ready\r\n`", DOWN}, {"`EHLO x\r\n`", UP}}},
	{"smtp: the client says USER", &probe_smtp, TCP, 25, .units = {{"`220 ready\r\n`", DOWN}, {"`USER x\r\n`", UP}}},
	{"smtp: binary behind EHLO", &probe_smtp, TCP, 25, .units = {{"`EHLO x\r\n` 0001", UP}}},
	{"imap: no tag", &probe_imap, TCP, 143, .units = {{"`* OK ready\r\n`", DOWN}, {"`CAPABILITY\r\n`", UP}}},
	{"pop3: another greeting", &probe_pop3, TCP, 110, .units = {{"`-ERR no\r\n`", DOWN}}},
	{"telnet: unknown option", &probe_telnet, TCP, 23, .units = {{"fffd01 fffd80", DOWN}}},
	{"telnet: MPEG audio", &probe_telnet, TCP, 23, .units = {{"fffb9064 00000000", DOWN}}},
	{"telnet: a login prompt alone", &probe_telnet, TCP, 23, .units = {{"`login: `", DOWN}}},
	{"telnet: binary behind it", &probe_telnet, TCP, 23, .units = {{"fffd01 01 02", DOWN}}},

	{"rdp: another X.224 user", &probe_rdp, TCP, 102, .units = {{"0300 0016 11 e0 0000 0001 00 c1020100 c2020102 c0010a", UP}}},
	{"rdp: lengths disagree", &probe_rdp, TCP, 3389, .units = {{"0300 0013 0d e0 0000 0000 00 01000800 0b000000", UP}}},
	{"rdp: more behind it", &probe_rdp, TCP, 3389, .units = {{"0300 0013 0e e0 0000 0000 00 01000800 0b000000 00", UP}}},
	{"rdp: a protocol of nobody", &probe_rdp, TCP, 3389, .units = {{"0300 0013 0e e0 0000 0000 00 01000800 00010000", UP}}},
	{"rdp: a negotiation of nobody", &probe_rdp, TCP, 3389, .units = {{"0300 0013 0e e0 0000 0000 00 02000800 0b000000", UP}}},
	{"rdp: a correlation of another length", &probe_rdp, TCP, 3389, .units = {{"0300 0014 0f e0 0000 0000 00 01000800 0b000000 06", UP}}},
	{"rfb: letters for digits", &probe_rfb, TCP, 5900, .units = {{"`RFB 003.00x\n`", DOWN}}},
	{"smb: no dialect", &probe_smb, TCP, 445, .units = {{"00 000066 fe534d42 4000 z58 2400 0000 z34", UP}}},
	{"smb: other letters", &probe_smb, TCP, 445, .units = {{"00 000066 fe534d43", UP}}},
	{"smb: another command first", &probe_smb, TCP, 445, .units = {{"00 000068 fe534d42 4000 z6 0500 z50 2400 0100 z36", UP}}},
	{"socks: no methods", &probe_socks, TCP, 1080, .units = {{"0500", UP}}},
	{"socks: unknown method", &probe_socks, TCP, 1080, .units = {{"0502 0030", UP}}},
	{"socks: a method twice", &probe_socks, TCP, 1080, .units = {{"0502 0000", UP}}},
	{"socks: command 3", &probe_socks, TCP, 1080, .units = {{"0403", UP}}},
	{"socks: port 0", &probe_socks, TCP, 1080, .units = {{"0401 0000 c0000201 00", UP}}},
	{"socks: bytes behind 4", &probe_socks, TCP, 1080, .units = {{"0401 0050 c0000201 00 00", UP}}},
	{"rtmp: C1 of another version without digest", &probe_rtmp, TCP, 1935, .units = {{"03 00000001 09007c02 z1528", UP}}},
	{"rtmp: the server does not answer in kind", &probe_rtmp, TCP, 1935, .units = {{"03", UP}, {"04", DOWN}}},
	{"bittorrent: other name", &probe_bittorrent, TCP, 6881, .units = {{"13 `BitTorrent protocoL`", UP}}},
	{"syslog: priority 192", &probe_syslog, TCP, 514, .units = {{"`<192>text\n`", UP}}},
	{"syslog: leading zero", &probe_syslog, UDP, 514, .units = {{"`<013>some text`", UP}}},
	{"syslog: XML", &probe_syslog, UDP, 514, .units = {{"`<Probe>some text`", UP}}},
	{"syslog: binary", &probe_syslog, UDP, 514, .units = {{"`<13>some` 01 `text`", UP}}},
	{"syslog: binary behind the first line", &probe_syslog, TCP, 514, .units = {{"`<13>some text\n` 01", UP}}},
	{"syslog: binary in a line without end", &probe_syslog, TCP, 514, .units = {{"`<13>some` 01", UP}}},
	{"syslog: count and text differ", &probe_syslog, TCP, 514, .units = {{"`9 hello wor`", UP}}},

	{"dns: reply bit in a query", &probe_dns, UDP, 53, .units = {{"1234 8100 0001 0000 0000 0000 0161 00 0001 0001", UP}}},
	{"dns: no question", &probe_dns, UDP, 53, .units = {{"1234 0100 0000 0000 0000 0000 0161 00 0001 0001", UP}}},
	{"dns: a byte behind it", &probe_dns, UDP, 53, .units = {{"1234 0100 0001 0000 0000 0000 0161 00 0001 0001 00", UP}}},
	{"dns: compressed question", &probe_dns, UDP, 53, .units = {{"1234 0100 0001 0000 0000 0000 c00c 0001 0001", UP}}},
	{"dns: label of 64", &probe_dns, UDP, 53, .units = {{"1234 0100 0001 0000 0000 0000 40 p64`a` 00 0001 0001", UP}}},
	{"dns: type 0", &probe_dns, UDP, 53, .units = {{"1234 0100 0001 0000 0000 0000 0161 00 0000 0001", UP}}},
	{"dns: class 2", &probe_dns, UDP, 53, .units = {{"1234 0100 0001 0000 0000 0000 0161 00 0001 0002", UP}}},
	{"dns: reserved bit", &probe_dns, UDP, 53, .units = {{"1234 0140 0001 0000 0000 0000 0161 00 0001 0001", UP}}},
	{"dns: answers in a query", &probe_dns, UDP, 53,
	 .units = {{"1234 0100 0001 0001 0000 0000 0161 00 0001 0001 c00c 0001 0001 00000000 0004 01020304", UP}}},
	{"dns: pointer forwards", &probe_dns, UDP, 53,
	 .units = {{"1234 0100 0001 0000 0000 0001 0161 00 0001 0001 c01d 0029 1000 00000000 0000", UP}}},
	{"dns: a record's data beyond the end", &probe_dns, UDP, 53,
	 .units = {{"1234 0100 0001 0000 0000 0001 0161 00 0001 0001 00 0029 1000 00000000 0001", UP}}},
	{"dns: a name that does not fit as text", &probe_dns, UDP, 53,
	 .units = {{"1234 0100 0001 0000 0000 0000 3f p63`` 3f p63`` 00 0001 0001", UP}}},
	{"dns: the second query is none", &probe_dns, UDP, 53,
	 .units = {{"1234 0100 0001 0000 0000 0000 0161 00 0001 0001", UP}, {"0102030405", UP}}},
	{"dns: the answer is none", &probe_dns, UDP, 53,
	 .units = {{"1234 0100 0001 0000 0000 0000 0161 00 0001 0001", UP}, {"0102030405", DOWN}}},
	{"dns: length shorter than any message", &probe_dns, TCP, 53, .units = {{"0010 1234", UP}}},
	{"mdns: on another port", &probe_mdns, UDP, 53, .units = {{"0000 0000 0001 0000 0000 0000 0161 00 0001 0001", UP}}},
	{"mdns: recursion desired", &probe_mdns, UDP, 5353, .units = {{"0000 0100 0001 0000 0000 0000 0161 00 0001 0001", UP}}},
	{"llmnr: on another port", &probe_llmnr, UDP, 53, .units = {{"1234 0000 0001 0000 0000 0000 0161 00 0001 0001", UP}}},
	{"netbios: letters beyond P", &probe_netbios, UDP, 137,
	 .units = {{"a7c1 0110 0001 0000 0000 0000 20 `ZOFGFCDADBCACACACACACACACACACACA` 00 0020 0001", UP}}},
	{"netbios: a bit that must be zero", &probe_netbios, UDP, 137,
	 .units = {{"a7c1 0150 0001 0000 0000 0000 20 `EOFGFCDADBCACACACACACACACACACACA` 00 0020 0001", UP}}},
	{"netbios: type of DNS", &probe_netbios, UDP, 137,
	 .units = {{"a7c1 0110 0001 0000 0000 0000 20 `EOFGFCDADBCACACACACACACACACACACA` 00 0001 0001", UP}}},

	{"ntp: private mode", &probe_ntp, UDP, 123, .units = {{"17 00 03 2a z44", UP}}},
	{"ntp: stratum 17", &probe_ntp, UDP, 123, .units = {{"1b 11 z46", UP}}},
	{"ntp: far from the root", &probe_ntp, UDP, 123, .units = {{"1b 00 00 00 00110000 z40", UP}}},
	{"ntp: seconds short", &probe_ntp, UDP, 123, .units = {{"1b z46", UP}}},
	{"ntp: three bytes too many", &probe_ntp, UDP, 123, .units = {{"1b z50", UP}}},
	{"ntp: the client answers", &probe_ntp, UDP, 123, .units = {{"1c z47", UP}}},
	{"ntp: a second datagram of something else", &probe_ntp, UDP, 123, .units = {{"1b z47", UP}, {"`stolen`", UP}}},
	{"dhcp: no message type", &probe_dhcp, UDP, 67, .units = {{"01010600 z232 63825363 0c03 `cam` ff", UP}}},
	{"dhcp: no end", &probe_dhcp, UDP, 67, .units = {{"01010600 z232 63825363 350101", UP}}},
	{"dhcp: bytes behind the end", &probe_dhcp, UDP, 67, .units = {{"01010600 z232 63825363 350101 ff 01", UP}}},
	{"dhcpv6: no id", &probe_dhcpv6, UDP, 547, .units = {{"01a1b2c3 0008 0002 0000", UP}}},
	{"dhcpv6: id of type 9", &probe_dhcpv6, UDP, 547, .units = {{"01a1b2c3 0001 0004 00091122", UP}}},
	{"dhcpv6: id too short", &probe_dhcpv6, UDP, 547, .units = {{"01a1b2c3 0001 0003 000311", UP}}},
	{"dhcpv6: unknown option", &probe_dhcpv6, UDP, 547, .units = {{"01a1b2c3 0001 0004 00031122 f001 0000", UP}}},
	{"ssdp: a target", &probe_ssdp, UDP, 1900, .units = {{"`M-SEARCH /x HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: x\r\n\r\n`", UP}}},
	{"ssdp: nothing sought", &probe_ssdp, UDP, 1900, .units = {{"`M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\n\r\n`", UP}}},
	{"ssdp: http", &probe_ssdp, UDP, 1900, .units = {{"`GET / HTTP/1.1\r\nHost: a.example\r\n\r\n`", UP}}},
	{"ws-discovery: another namespace", &probe_wsdiscovery, UDP, 3702, .units = {{"`<e:Envelope xmlns:e=\"http://example.org/\"></e:Envelope>`", UP}}},
	{"ws-discovery: bytes behind it", &probe_wsdiscovery, UDP, 3702,
	 .units = {{"`<e:Envelope xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"></e:Envelope>x`", UP}}},
	{"srt: cookie in an induction", &probe_srt, UDP, 9001,
	 .units = {{"80000000 00000000 00000001 00000000 00000004 00000002 00000001 000005dc 00002000 00000001 12345678 00000001 z16", UP}}},
	{"rtp: another source", &probe_rtp, UDP, 6970, .units = {{"80600001 00000001 11111111 aabb", UP}, {"80600002 00000001 11111112 aabb", UP}}},
	{"rtp: the same number", &probe_rtp, UDP, 6970, .units = {{"80600001 00000001 11111111 aabb", UP}, {"80600001 00000001 11111111 aabb", UP}}},
	{"rtp: the clock leaps", &probe_rtp, UDP, 6970, .units = {{"80600001 00000001 11111111 aabb", UP}, {"80600002 10000001 11111111 aabb", UP}}},
	{"rtp: reserved type", &probe_rtp, UDP, 6970, .units = {{"80400001 00000001 11111111 aabb", UP}}},
	{"rtp: padding longer than the payload", &probe_rtp, UDP, 6970, .units = {{"a0600001 00000001 11111111 aaff", UP}}},
	{"rtp: no payload", &probe_rtp, UDP, 6970, .units = {{"80600001 00000001 11111111", UP}}},
	{"rtcp: lengths do not fill", &probe_rtcp, UDP, 6971, .units = {{"80c9 0001 11111111 80c9 0002 11111111", UP}}},
	{"coap: critical option of nobody", &probe_coap, UDP, 5683, .units = {{"4001 0001 b161 d10161", UP}}},
	{"coap: token of 9", &probe_coap, UDP, 5683, .units = {{"4901 0001 010203040506070809 b161", UP}}},
	{"coap: a request as an acknowledgement", &probe_coap, UDP, 5683, .units = {{"6001 0001 b161", UP}}},
	{"coap: empty, with a token", &probe_coap, UDP, 5683, .units = {{"4100 0001 aa", UP}}},
	{"coap: version 2", &probe_coap, UDP, 5683, .units = {{"8001 0001 b161", UP}}},
	{"coap: GET with a payload", &probe_coap, UDP, 5683, .units = {{"4001 0001 b161 ff 61", UP}}},
	{"coap: host of no length", &probe_coap, UDP, 5683, .units = {{"4001 0001 30", UP}}},
	{"coap: marker without payload", &probe_coap, UDP, 5683, .units = {{"4001 0001 b161 ff", UP}}},
	{"coap: code of nobody", &probe_coap, UDP, 5683, .units = {{"4029 0001 b161", UP}}},
	{"snmp: lengths disagree", &probe_snmp, UDP, 161,
	 .units = {{"3027 020101 0406 `public` a019 02041a2b3c4d 020100 020100 300b 3009 06052b06010201 0500", UP}}},
	{"snmp: length without end", &probe_snmp, UDP, 161,
	 .units = {{"3080 020101 0406 `public` a019 02041a2b3c4d 020100 020100 300b 3009 06052b06010201 0500", UP}}},
	{"snmp: version 2", &probe_snmp, UDP, 161,
	 .units = {{"3026 020102 0406 `public` a019 02041a2b3c4d 020100 020100 300b 3009 06052b06010201 0500", UP}}},
	{"tftp: unknown mode", &probe_tftp, UDP, 69, .units = {{"0001 `a` 00 `binary` 00", UP}}},
	{"tftp: no end", &probe_tftp, UDP, 69, .units = {{"0001 `a` 00 `octet`", UP}}},
	{"tftp: an option without value", &probe_tftp, UDP, 69, .units = {{"0001 `a` 00 `octet` 00 `tsize` 00", UP}}},
	{"tftp: data", &probe_tftp, UDP, 69, .units = {{"0003 0001 `a` 00 `octet` 00", UP}}},
	{"wireguard: wrong length", &probe_wireguard, UDP, 51820, .units = {{"01000000 z143", UP}}},
	{"wireguard: reserved bytes", &probe_wireguard, UDP, 51820, .units = {{"01000001 z144", UP}}},
	{"openvpn: another key", &probe_openvpn, UDP, 1194, .units = {{"39 0102030405060708 00 00000000", UP}}},
	{"openvpn: packet 1", &probe_openvpn, UDP, 1194, .units = {{"38 0102030405060708 00 00000001", UP}}},
	{"openvpn: replay id 0", &probe_openvpn, UDP, 1194, .units = {{"38 0102030405060708 z20 00000000 6b03f9fb 00 00000000", UP}}},
	{"openvpn: a second datagram too short", &probe_openvpn, UDP, 1194, .units = {{"38 0102030405060708 00 00000000", UP}, {"2801", UP}}},
	{"openvpn: an opcode of nobody", &probe_openvpn, UDP, 1194,
	 .units = {{"38 0102030405060708 00 00000000", UP}, {"f8 0102030405060708 00", UP}}},
	{"openvpn: tcp, huge", &probe_openvpn, TCP, 1194, .units = {{"2000 38", UP}}},
	{"openvpn: wrapped key of another length", &probe_openvpn, UDP, 1194, .units = {{"50 0102030405060708 00000001 6b03f9fb z37 z30 0021", UP}}},
	{"ike: no initiator", &probe_ike, UDP, 500, .units = {{"z16 21 20 22 08 00000000 00000020 00000004", UP}}},
	{"ike: length differs", &probe_ike, UDP, 500, .units = {{"0102030405060708 z8 21 20 22 08 00000000 00000021 00000004", UP}}},
	{"ike: version 3", &probe_ike, UDP, 500, .units = {{"0102030405060708 z8 21 30 22 08 00000000 00000020 00000004", UP}}},
	{"ike: payloads do not fill", &probe_ike, UDP, 500, .units = {{"0102030405060708 z8 21 20 22 08 00000000 00000024 00000004 00000000", UP}}},
	{"esp: on another port", &probe_esp, UDP, 4501, .units = {{"c1d2e3f4 00000001 z32", UP}}},
	{"esp: reserved SPI", &probe_esp, UDP, 4500, .units = {{"000000ff 00000001 z32", UP}}},
	{"esp: another SPI", &probe_esp, UDP, 4500, .units = {{"c1d2e3f4 00000001 z32", UP}, {"c1d2e3f5 00000002 z32", UP}}},
	{"dht: not all of it", &probe_dht, UDP, 6881, .units = {{"`d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:q`", UP}}},
	{"dht: more behind it", &probe_dht, UDP, 6881, .units = {{"`d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qex`", UP}}},
	{"dht: a question without arguments", &probe_dht, UDP, 6881, .units = {{"`d1:q4:ping1:t2:aa1:y1:qe`", UP}}},
	{"dht: lists in lists in lists", &probe_dht, UDP, 6881, .units = {{"`d1:allllllllllllllllllllllleeeeeeeeeeeeeeeeeeeeeee1:t1:a1:y1:qe`", UP}}},
	{"utp: no first packet", &probe_utp, UDP, 6881, .units = {{"2100a1b2 5e3f1a20 00000000 00040000 0001 0000", UP}}},
	{"utp: another connection", &probe_utp, UDP, 6881,
	 .units = {{"4100a1b2 5e3f1a20 00000000 00040000 0001 0000", UP}, {"0100a1b4 5e3f1a20 00000000 00040000 0002 0001", UP}}},
	{"utp: the server answers another", &probe_utp, UDP, 6881,
	 .units = {{"4100a1b2 5e3f1a20 00000000 00040000 0001 0000", UP}, {"2100a1b3 5e3f1a20 00000000 00040000 0002 0001", DOWN}}},
	{"utp: acknowledges something", &probe_utp, UDP, 6881, .units = {{"4100a1b2 5e3f1a20 00000000 00040000 0001 0001", UP}}},
	{"stun: length not of four", &probe_stun, UDP, 3478, .units = {{"00010002 2112a442 z12 0000", UP}}},
	{"stun: attribute beyond the end", &probe_stun, UDP, 3478, .units = {{"00010004 2112a442 z12 80220004", UP}}},
	{"stun: old, without an attribute", &probe_stun, UDP, 3478, .units = {{"00010000 01020304 z12", UP}}},
	{"stun: old, with a new attribute", &probe_stun, UDP, 3478, .units = {{"00010008 01020304 z12 80220004 `abcd`", UP}}},
	{"stun: method 0", &probe_stun, UDP, 3478, .units = {{"00000000 2112a442 z12", UP}}},
	{"stun: method 13", &probe_stun, UDP, 3478, .units = {{"000d0000 2112a442 z12", UP}}},
	{"stun: no message of its kind", &probe_stun, UDP, 3478, .units = {{"40010000 2112a442 z12", UP}}},
	{"stun: tcp, no cookie", &probe_stun, TCP, 3478, .units = {{"00010000 2112a443", UP}}},
	{"stun: more behind it", &probe_stun, UDP, 3478, .units = {{"00010000 2112a442 z12 00", UP}}},
	{"rpc: a reply", &probe_rpc, UDP, 111, .units = {{"12345678 00000001 00000000 z12", UP}}},
	{"rpc: unknown program", &probe_rpc, UDP, 111, .units = {{"12345678 00000000 00000002 000186ff 00000003 00000000 z16", UP}}},
	{"rpc: version 0 of NFS", &probe_rpc, UDP, 2049, .units = {{"12345678 00000000 00000002 000186a3 00000000 00000000 z16", UP}}},
	{"rpc: huge credentials", &probe_rpc, UDP, 2049, .units = {{"12345678 00000000 00000002 000186a3 00000003 00000000 00000001 00000194 z412", UP}}},
	{"icmp: text", &probe_icmp, ICMP, 0x800, .units = {{"`0123456789abcdefSSH-2.0-hidden`", UP}}},
	{"icmp: one byte out of step", &probe_icmp, ICMP, 0x800, .units = {{"z16 101112131415161718191a1b1d1d1e1f", UP}}},
	{"icmp: 17 bytes of its own", &probe_icmp, ICMP, 0x800, .units = {{"0102040810204080 0103070f1f3f7fff 55 0000000000000000 01", UP}}},
	{"icmp: a redirect", &probe_icmp, ICMP, 0x500, .units = {{"z28", UP}}},
};

/* Such a message is refused for good by its row: it does not wait for more. */
static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct scene scene;
		struct app app = {0};

		scene_of(&scene, &refused[i]);
		if (refused[i].row->inspect(&scene.in, &app) != PROBE_NO)
			fail_msg("%s", refused[i].what);
		scene_end(&scene);
	}
}

/* These fit as far as they go: nothing is proved, nothing is excluded. */
static const struct sample waiting[] = {
	{"http: head without its end", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost: a.example\r\n`", UP}}},
	{"http: envelope without namespace yet", &probe_http, TCP, 80,
	 .units = {{"`POST /onvif HTTP/1.1\r\nContent-Type: application/soap+xml\r\nContent-Length: 500\r\n\r\n<s:Envelope `", UP}}},
	{"ftp: any 220", &probe_ftp, TCP, 21, .units = {{"`220 ready\r\n`", DOWN}}},
	{"smtp: any 220", &probe_smtp, TCP, 25, .units = {{"`220 ready\r\n`", DOWN}}},
	{"ftp: a host that is called smtp", &probe_ftp, TCP, 21, .units = {{"`220 smtp.example FTP ready\r\n`", DOWN}}},
	{"smtp: a host that is called smtp", &probe_smtp, TCP, 21, .units = {{"`220 smtp.example FTP ready\r\n`", DOWN}}},
	{"imap: any OK", &probe_imap, TCP, 143, .units = {{"`* OK ready\r\n`", DOWN}}},
	{"pop3: any OK", &probe_pop3, TCP, 110, .units = {{"`+OK\r\n`", DOWN}}},
	{"telnet: one option", &probe_telnet, TCP, 23, .units = {{"fffd01", DOWN}}},
	{"rtp: one packet", &probe_rtp, UDP, 6970, .units = {{"80600001 00000001 11111111 aabb", UP}}},
	{"esp: two packets", &probe_esp, UDP, 4500, .units = {{"c1d2e3f4 00000001 z32", UP}, {"c1d2e3f4 00000002 z32", UP}}},
	{"coap: a short name on another port", &probe_coap, UDP, 5690, .units = {{"4001 0001 b374656d", UP}}},
	{"coap: a ping", &probe_coap, UDP, 5683, .units = {{"40000001", UP}}},
	{"wireguard: a transport packet", &probe_wireguard, UDP, 51820, .units = {{"04000000 z28", UP}}},
	{"wireguard: a cookie nobody gave", &probe_wireguard, UDP, 51820, .units = {{"01000000 z143 01", UP}}},
	{"sip: keep-alive", &probe_sip, UDP, 5060, .units = {{"`\r\n\r\n`", UP}}},
};

static void
test_waiting(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++) {
		struct scene scene;
		struct app app = {0};

		scene_of(&scene, &waiting[i]);
		if (waiting[i].row->inspect(&scene.in, &app) != PROBE_MORE)
			fail_msg("%s", waiting[i].what);
		scene_end(&scene);
	}
}

/* Rarer forms that are right all the same. */
static const struct sample accepted[] = {
	{"http: two requests in a row", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n`", UP}}},
	{"http: a line end too many behind the body", &probe_http, TCP, 80, .units = {{"`POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab\r\n`", UP}}},
	{"http: asks before it sends soap", &probe_http, TCP, 80,
	 .units = {{"`POST / HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 999\r\nExpect: 100-continue\r\n\r\n`", UP}}},
	{"http: host in brackets", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n`", UP}}},
	{"http: empty host", &probe_http, TCP, 80, .units = {{"`GET / HTTP/1.1\r\nHost:\r\n\r\n`", UP}}},
	{"http: absolute target", &probe_http, TCP, 80, .units = {{"`GET http://A.example:80/ HTTP/1.1\r\nHost: a.example\r\n\r\n`", UP}}},
	{"rdp: with a correlation", &probe_rdp, TCP, 3389, .units = {{"0300 0037 32 e0 0000 0000 00 01080800 0b000000 06002400 z32", UP}}},
	{"coap: on another port", &probe_coap, UDP, 5690, .units = {{"4001 0001 b474656d70", UP}}},
	{"telnet: a window size with an escaped byte", &probe_telnet, TCP, 23, .units = {{"fffa1f ffff 50 0018 fff0 fffb01 fffd03", UP}}},
	{"snmp: long lengths", &probe_snmp, UDP, 161,
	 .units = {{"308128 020101 0406 `public` a0811a 02041a2b3c4d 020100 020100 30810b 3009 06052b06010201 0500", UP}}},
	{"openvpn: goes on", &probe_openvpn, UDP, 1194, .units = {{"38 0102030405060708 00 00000000", UP}, {"28 0102030405060708 00", UP}}},
	{"stun: padded attribute", &probe_stun, UDP, 3478, .units = {{"00010008 2112a442 z12 80220001 61000000", UP}}},
	{"stun: then a channel's data", &probe_stun, UDP, 3478, .units = {{"00030000 2112a442 z12", UP}, {"4000 0002 6162", UP}}},
	{"dhcpv6: relayed", &probe_dhcpv6, UDP, 547, .units = {{"0c00 z16 z16 0009 0004 01a1b2c3", UP}}},
	{"dns: update", &probe_dns, UDP, 53, .units = {{"1234 2800 0001 0000 0001 0000 0161 00 0006 0001 c00c 0001 0001 0000003c 0004 01020304", UP}}},
	{"dns: root", &probe_dns, UDP, 53, .units = {{"1234 0100 0001 0000 0000 0000 00 0002 0001", UP}}},
	{"icmp: nothing", &probe_icmp, ICMP, 0x800, .units = {{"", UP}}},
	{"icmp: Cisco", &probe_icmp, ICMP, 0x800, .units = {{"0000000000001234 abcdabcdabcdabcdabcd", UP}}},
	{"ntp: with an extension", &probe_ntp, UDP, 123, .units = {{"23 00 06 20 z44 0104 0014 z16 0204 0010 z12", UP}}},
};

static void
test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
		struct scene scene;
		struct app app = {0};

		scene_of(&scene, &accepted[i]);
		if (accepted[i].row->inspect(&scene.in, &app) != PROBE_DONE)
			fail_msg("%s", accepted[i].what);
		scene_end(&scene);
	}
}

/* C1 of a Flash player: a version, and a digest at the place that one of two sums gives. Made with libcrypto's own HMAC. */
static void
test_rtmp_digest(void **state)
{
	static const char key[] = "Genuine Adobe Flash Player 001";
	(void)state;
	for (size_t base = 8; base <= 772; base += 764) {
		uint8_t c[1537] = {3}, *c1 = c + 1, message[1504], digest[32];
		unsigned n = sizeof digest;
		for (size_t i = 0; i < 1536; i++)
			c1[i] = (uint8_t)(i * 151 + 7);
		size_t at = base + 4 + (size_t)(c1[base] + c1[base + 1] + c1[base + 2] + c1[base + 3]) % 728;
		memcpy(message, c1, at);
		memcpy(message + at, c1 + at + 32, 1536 - at - 32);
		assert_non_null(HMAC(EVP_sha256(), key, (int)strlen(key), message, sizeof message, digest, &n));
		memcpy(c1 + at, digest, 32);
		struct span unit = {c, sizeof c};
		struct probe_input in = {.l4 = TCP, .port = 1935, .side = {{&unit, 1, false}}};
		struct app app = {0};
		assert_int_equal(probe_rtmp.inspect(&in, &app), PROBE_DONE);
		memset(&app, 0, sizeof app);
		c1[at ^ 64] ^= 1;
		assert_int_equal(probe_rtmp.inspect(&in, &app), PROBE_NO);
	}
}

static void
test_samples_have_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_STANDARDS; i++)
		assert_true(standards[i].facts[0] != '?');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_rtmp_digest),
		cmocka_unit_test(test_samples_have_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
