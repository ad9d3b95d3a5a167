/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The questions of lenscap vet, one row each. They are the searches that the makers' own tools send, and the first words of protocols
 * that answer strangers. None logs in: where a protocol begins with a login, only what comes before the name is said.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "vet.h"

static const char sadp_search[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Probe>"
				  "<Uuid>13A888A9-F1B1-4020-AE9F-05607682D23B</Uuid><Types>inquiry</Types></Probe>";

static const char wsd_search[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
	"<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:w=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
	"xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\" xmlns:dn=\"http://www.onvif.org/ver10/network/wsdl\"><e:Header>"
	"<w:MessageID>uuid:7a1c0d7e-5a4b-4f0e-9f0d-6c656e736361</w:MessageID>"
	"<w:To e:mustUnderstand=\"true\">urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
	"<w:Action e:mustUnderstand=\"true\">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>"
	"<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>";

static const char ssdp_search[] = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n"
				  "ST: upnp:rootdevice\r\n\r\n";

static const char device_information[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body>"
	"<GetDeviceInformation xmlns=\"http://www.onvif.org/ver10/device/wsdl\"/></s:Body></s:Envelope>";

/* Multicast DNS: who offers any of these? Asked from another port than 5353, so the answers come to us alone (RFC 6762, 6.7). */
static const char *const services[] = {"_axis-video", "_rtsp", "_http", "_arec", "_ipp"};

static size_t
put(char *out, const void *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return len;
}

/* Little endian, as the makers' C structures have it. */
static void
put_le32(char *out, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		out[i] = (char)(v >> 8 * i & 0xff);
}

static size_t
say_sadp(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	return put(out, sadp_search, sizeof sadp_search - 1);
}

static size_t
say_dhip(char out[VET_WORDS], const struct addr *to)
{
	static const char json[] = "{\"method\":\"DHDiscover.search\",\"params\":{\"mac\":\"\",\"uni\":1}}\n";

	(void)to;
	memset(out, 0, 32);
	out[0] = 0x20;
	memcpy(out + 4, "DHIP", 4);
	put_le32(out + 16, sizeof json - 1);
	put_le32(out + 24, sizeof json - 1);
	return 32 + put(out + 32, json, sizeof json - 1);
}

static size_t
say_dahua(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	memset(out, 0, 32);
	memcpy(out, "\xa3\x01\x00\x01", 4);
	out[16] = 2;
	return 32;
}

static size_t
say_wsd(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	return put(out, wsd_search, sizeof wsd_search - 1);
}

static size_t
say_ssdp(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	return put(out, ssdp_search, sizeof ssdp_search - 1);
}

static size_t
put_label(char *out, const char *label)
{
	size_t n = strlen(label);
	out[0] = (char)n;
	memcpy(out + 1, label, n);
	return n + 1;
}

static size_t
say_mdns(char out[VET_WORDS], const struct addr *to)
{
	size_t n = 12, count = sizeof services / sizeof *services;

	(void)to;
	memset(out, 0, n);
	out[5] = (char)count;
	for (size_t i = 0; i < count; i++) {
		n += put_label(out + n, services[i]);
		n += put_label(out + n, "_tcp");
		n += put_label(out + n, "local");
		n += put(out + n, "\0\0\14\0\1", 5); /* the end of the name; PTR, IN */
	}
	return n;
}

static size_t
say_hanwha(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	memset(out, 0, 262);
	out[0] = 1;
	return 262;
}

static size_t
say_xm(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	memset(out, 0, 20);
	memcpy(out, "\xff", 1);
	memcpy(out + 14, "\xfa\x05", 2);
	return 20;
}

static size_t
say_tvt(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	memset(out, 0, 140);
	memcpy(out, "MHED\x09\0\1\0\1", 9);
	return 140;
}

static size_t
say_miio(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	memset(out, 0xff, 32);
	memcpy(out, "\x21\x31\0\x20", 4);
	return 32;
}

static size_t
say_ubiquiti(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	return put(out, "\1\0\0\0", 4);
}

static size_t
say_vstarcam(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	return put(out, "DH\1\1", 4);
}

/* In brackets where a URL wants them. */
static const char *
host(const struct addr *to, char out[ADDR_TEXT + 2])
{
	char text[ADDR_TEXT];
	snprintf(out, ADDR_TEXT + 2, addr_is_v4(to) ? "%s" : "[%s]", addr_print(to, text));
	return out;
}

static size_t
say_http(char out[VET_WORDS], const struct addr *to)
{
	char h[ADDR_TEXT + 2];
	return (size_t)snprintf(out, VET_WORDS,
				"GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: lenscap-vet\r\nAccept: */*\r\nConnection: close\r\n\r\n",
				host(to, h));
}

/* ISAPI's answer to a stranger is its realm; who has no ISAPI says 404. */
static size_t
say_isapi(char out[VET_WORDS], const struct addr *to)
{
	char h[ADDR_TEXT + 2];
	return (size_t)snprintf(out, VET_WORDS,
				"GET /ISAPI/System/deviceInfo HTTP/1.1\r\nHost: %s\r\nUser-Agent: lenscap-vet\r\nAccept: */*\r\n"
				"Connection: close\r\n\r\n",
				host(to, h));
}

static size_t
say_onvif(char out[VET_WORDS], const struct addr *to)
{
	char h[ADDR_TEXT + 2];
	return (size_t)snprintf(out, VET_WORDS,
				"POST /onvif/device_service HTTP/1.1\r\nHost: %s\r\nUser-Agent: lenscap-vet\r\n"
				"Content-Type: application/soap+xml; charset=utf-8; "
				"action=\"http://www.onvif.org/ver10/device/wsdl/GetDeviceInformation\"\r\n"
				"Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
				host(to, h), sizeof device_information - 1, device_information);
}

static size_t
say_rtsp_options(char out[VET_WORDS], const struct addr *to)
{
	char h[ADDR_TEXT + 2];
	return (size_t)snprintf(out, VET_WORDS, "OPTIONS rtsp://%s/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: lenscap-vet\r\n\r\n", host(to, h));
}

static size_t
say_rtsp_describe(char out[VET_WORDS], const struct addr *to)
{
	char h[ADDR_TEXT + 2];
	return (size_t)snprintf(out, VET_WORDS,
				"DESCRIBE rtsp://%s/ RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\nUser-Agent: lenscap-vet\r\n\r\n",
				host(to, h));
}

/*
 * A ClientHello of TLS 1.2, for in 1.3 the certificate travels in cipher. Suites that old cameras have as well. No name is asked for: the
 * address is all we know. The random bytes are constants, since nothing will ever be secret here.
 */
static size_t
say_tls(char out[VET_WORDS], const struct addr *to)
{
	static const char suites[] = "\xc0\x2f\xc0\x2b\xc0\x30\xc0\x2c\xc0\x13\xc0\x14\xc0\x09\xc0\x0a\0\x9c\0\x9d\0\x2f\0\x35\0\x3c\0\x0a";
	static const char extensions[] = "\0\x0a\0\x08\0\x06\0\x1d\0\x17\0\x18"		  /* groups */
					 "\0\x0b\0\x02\1\0"				  /* uncompressed points */
					 "\0\x0d\0\x12\0\x10\4\3\x08\4\4\1\5\3\x08\5\5\1\x08\6\6\1" /* signatures */
					 "\0\x17\0\0";					  /* extended master secret */
	size_t body = 2 + 32 + 1 + 2 + (sizeof suites - 1) + 2 + 2 + (sizeof extensions - 1), n = 0;

	(void)to;
	const uint8_t head[] = {22, 3, 1, 0, (uint8_t)(body + 4), 1, 0, 0, (uint8_t)body, 3, 3};
	n += put(out + n, head, sizeof head);
	for (size_t i = 0; i < 32; i++)
		out[n++] = (char)(i * 7 + 1);
	n += put(out + n, "\0\0", 2); /* no session; the high byte of the suites' length */
	out[n++] = (char)(sizeof suites - 1);
	n += put(out + n, suites, sizeof suites - 1);
	n += put(out + n, "\1\0\0", 3); /* no compression; the high byte of the extensions' length */
	out[n++] = (char)(sizeof extensions - 1);
	return n + put(out + n, extensions, sizeof extensions - 1);
}

/* A header of no family that the SDK knows: it is refused, in words of its own. */
static size_t
say_hik_sdk(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	memset(out, 0, 16);
	out[3] = 16;
	return 16;
}

/* The realm that a login would need; the login does not follow. */
static size_t
say_dvrip(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	memset(out, 0, 32);
	memcpy(out, "\xa0\x01", 2);
	memcpy(out + 24, "\5\2\1\1\0\0\xa1\xaa", 8);
	return 32;
}

/* Which encryption would you like for a login? The header that a client sends before it names anybody. */
static size_t
say_baichuan(char out[VET_WORDS], const struct addr *to)
{
	(void)to;
	return put(out, "\xf0\xde\xbc\x0a\1\0\0\0\0\0\0\0\0\0\0\1\1\xdc\x14\x65", 20);
}

static size_t
say_nothing(char out[VET_WORDS], const struct addr *to)
{
	(void)out;
	(void)to;
	return 0;
}

static const struct vet_question questions[] = {
	{"sadp", IPPROTO_UDP, 37020, 37020, "239.255.255.250", "239.255.255.250", say_sadp},
	{"dhip", IPPROTO_UDP, 37810, 0, "239.255.255.251", NULL, say_dhip},
	{"dahua-discovery", IPPROTO_UDP, 5050, 0, NULL, NULL, say_dahua},
	{"ws-discovery", IPPROTO_UDP, 3702, 0, "239.255.255.250", NULL, say_wsd},
	{"ssdp", IPPROTO_UDP, 1900, 0, "239.255.255.250", NULL, say_ssdp},
	{"mdns", IPPROTO_UDP, 5353, 0, "224.0.0.251", NULL, say_mdns},
	{"xm", IPPROTO_UDP, 34569, 34569, NULL, NULL, say_xm},
	{"tvt", IPPROTO_UDP, 23456, 23456, "234.55.55.55", "234.55.55.56", say_tvt},
	{"hanwha", IPPROTO_UDP, 7701, 7711, NULL, NULL, say_hanwha},
	{"miio", IPPROTO_UDP, 54321, 0, NULL, NULL, say_miio},
	{"ubiquiti", IPPROTO_UDP, 10001, 0, "233.89.188.1", NULL, say_ubiquiti},
	{"vstarcam", IPPROTO_UDP, 8600, 0, NULL, NULL, say_vstarcam},
	/* Tuya's devices tell about themselves every few seconds, to everybody. */
	{"tuya", IPPROTO_UDP, 6666, 6666, NULL, NULL, say_nothing},
	{"tuya", IPPROTO_UDP, 6667, 6667, NULL, NULL, say_nothing},

	{"http", IPPROTO_TCP, 80, 0, NULL, NULL, say_http},
	{"isapi", IPPROTO_TCP, 80, 0, NULL, NULL, say_isapi},
	{"onvif", IPPROTO_TCP, 80, 0, NULL, NULL, say_onvif},
	{"tls", IPPROTO_TCP, 443, 0, NULL, NULL, say_tls},
	{"rtsp", IPPROTO_TCP, 554, 0, NULL, NULL, say_rtsp_options},
	{"rtsp", IPPROTO_TCP, 554, 0, NULL, NULL, say_rtsp_describe},
	{"hik-sdk", IPPROTO_TCP, 8000, 0, NULL, NULL, say_hik_sdk},
	{"onvif", IPPROTO_TCP, 8000, 0, NULL, NULL, say_onvif},
	{"dvrip", IPPROTO_TCP, 37777, 0, NULL, NULL, say_dvrip},
	{"baichuan", IPPROTO_TCP, 9000, 0, NULL, NULL, say_baichuan},
	{"tvt", IPPROTO_TCP, 6036, 0, NULL, NULL, say_nothing},
	{"onvif", IPPROTO_TCP, 8899, 0, NULL, NULL, say_onvif},
	{"onvif", IPPROTO_TCP, 2020, 0, NULL, NULL, say_onvif},
	{"http", IPPROTO_TCP, 8080, 0, NULL, NULL, say_http},
	{"rtsp", IPPROTO_TCP, 8554, 0, NULL, NULL, say_rtsp_describe},
};

const struct vet_question *
vet_questions(size_t *ret_n)
{
	*ret_n = sizeof questions / sizeof *questions;
	return questions;
}
