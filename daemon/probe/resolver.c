/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host names of well-known public DNS-over-HTTPS resolvers, kept by hand and not checked against their operators' lists. A leading dot stands for any label before it: operators that give each customer a name. Not complete by nature: a
 * resolver under a name of its own is TLS to that name, which policy judges as such.
 */
#include <string.h>

#include "hello.h"

static const char *const resolvers[] = {
	"dns.google", "dns64.dns.google", "dns.google.com",			     /* Google */
	"cloudflare-dns.com", ".cloudflare-dns.com", "one.one.one.one",		     /* Cloudflare */
	"dns.quad9.net", "dns9.quad9.net", "dns10.quad9.net", "dns11.quad9.net", "dns12.quad9.net", /* Quad9 */
	"dns.adguard.com", "dns.adguard-dns.com", ".adguard-dns.com",		     /* AdGuard */
	"doh.opendns.com", "doh.familyshield.opendns.com", "doh.sandbox.opendns.com", "dns.umbrella.com", /* Cisco */
	"dns.nextdns.io", ".dns.nextdns.io", "doh3.dns.nextdns.io",		     /* NextDNS */
	"doh.cleanbrowsing.org",						     /* CleanBrowsing */
	"freedns.controld.com", "dns.controld.com", ".dns.controld.com",	     /* Control D */
	"dns.mullvad.net", ".dns.mullvad.net",					     /* Mullvad */
	"dns.alidns.com",							     /* Alibaba */
	"doh.pub", "dns.pub", "sm2.doh.pub",					     /* Tencent DNSPod */
	"doh.360.cn",								     /* Qihoo 360 */
	"dns.twnic.tw",								     /* TWNIC */
	"doh.dns.sb", "dns.sb",							     /* DNS.SB */
	"doh.dns.apple.com",							     /* Apple */
	"doh.xfinity.com",							     /* Comcast */
	"dns.switch.ch",							     /* SWITCH */
	"odvr.nic.cz",								     /* CZ.NIC */
	"dns0.eu", "zero.dns0.eu", "kids.dns0.eu", "open.dns0.eu",		     /* dns0.eu */
	"unfiltered.joindns4.eu", "protective.joindns4.eu",			     /* DNS4EU */
	"ordns.he.net",								     /* Hurricane Electric */
	"wikimedia-dns.org",							     /* Wikimedia */
	"doh.libredns.gr",							     /* LibreDNS */
	"doh.applied-privacy.net",						     /* Applied Privacy */
	"dns.digitale-gesellschaft.ch",						     /* Digitale Gesellschaft */
	"doh.ffmuc.net",							     /* Freifunk Munich */
	"common.dot.dns.yandex.net",						     /* Yandex */
};

static bool
matches(const char *pattern, const char *name)
{
	size_t n = strlen(name), p = strlen(pattern);
	if (pattern[0] != '.')
		return strcmp(pattern, name) == 0;
	return n > p && strcmp(name + n - p, pattern) == 0;
}

bool
resolver_known(const char *name)
{
	for (size_t i = 0; i < sizeof resolvers / sizeof *resolvers; i++)
		if (matches(resolvers[i], name))
			return true;
	return false;
}
