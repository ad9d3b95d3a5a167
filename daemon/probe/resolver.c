/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host names of well-known public DNS-over-HTTPS resolvers, kept by hand and not checked against their operators' lists. Not complete by nature: a
 * resolver under a name of its own is TLS to that name, which policy judges as such.
 */
#include <string.h>

#include "hello.h"

#define R(text) {text, sizeof(text) - 1}

static const struct resolver {
	const char *name;
	uint8_t len; /* compared first: few names are as long as another one */
} resolvers[] = {
	R("dns.google"), R("dns64.dns.google"), R("dns.google.com"), /* Google */
	R("cloudflare-dns.com"), R("one.one.one.one"), /* Cloudflare */
	R("dns.quad9.net"), R("dns9.quad9.net"), R("dns10.quad9.net"), R("dns11.quad9.net"), R("dns12.quad9.net"), /* Quad9 */
	R("dns.adguard.com"), R("dns.adguard-dns.com"), /* AdGuard */
	R("doh.opendns.com"), R("doh.familyshield.opendns.com"), R("doh.sandbox.opendns.com"), R("dns.umbrella.com"), /* Cisco */
	R("dns.nextdns.io"), R("doh3.dns.nextdns.io"), /* NextDNS */
	R("doh.cleanbrowsing.org"), /* CleanBrowsing */
	R("freedns.controld.com"), R("dns.controld.com"), /* Control D */
	R("dns.mullvad.net"), /* Mullvad */
	R("dns.alidns.com"), /* Alibaba */
	R("doh.pub"), R("dns.pub"), R("sm2.doh.pub"), /* Tencent DNSPod */
	R("doh.360.cn"), /* Qihoo 360 */
	R("dns.twnic.tw"), /* TWNIC */
	R("doh.dns.sb"), R("dns.sb"), /* DNS.SB */
	R("doh.dns.apple.com"), /* Apple */
	R("doh.xfinity.com"), /* Comcast */
	R("dns.switch.ch"), /* SWITCH */
	R("odvr.nic.cz"), /* CZ.NIC */
	R("dns0.eu"), R("zero.dns0.eu"), R("kids.dns0.eu"), R("open.dns0.eu"), /* dns0.eu */
	R("unfiltered.joindns4.eu"), R("protective.joindns4.eu"), /* DNS4EU */
	R("ordns.he.net"), /* Hurricane Electric */
	R("wikimedia-dns.org"), /* Wikimedia */
	R("doh.libredns.gr"), /* LibreDNS */
	R("doh.applied-privacy.net"), /* Applied Privacy */
	R("dns.digitale-gesellschaft.ch"), /* Digitale Gesellschaft */
	R("doh.ffmuc.net"), /* Freifunk Munich */
	R("common.dot.dns.yandex.net"), /* Yandex */
};

/* What any label may stand before: operators that give each customer a name. */
static const struct resolver parents[] = {
	R(".cloudflare-dns.com"), R(".adguard-dns.com"), R(".dns.nextdns.io"), R(".dns.controld.com"), R(".dns.mullvad.net"),
};

static bool
listed(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof resolvers / sizeof *resolvers; i++)
		if (resolvers[i].len == len && memcmp(resolvers[i].name, name, len) == 0)
			return true;
	return false;
}

bool
resolver_known(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof parents / sizeof *parents; i++)
		if (parents[i].len < n && memcmp(parents[i].name, name + n - parents[i].len, parents[i].len) == 0)
			return true;
	return listed(name, n);
}
