/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every code that a finding can carry. Codes are stable: people script against them, so a row is added and
 * never renumbered.
 */
#include <string.h>

#include "diag.h"

/* clang-format off */
static const struct diag_code codes[] = {
	{"E101", "not YAML",
	 "The file cannot be read as YAML from this place on; what stands below was not looked at."},
	{"E102", "unknown key",
	 "No such key exists in this map. A key that is not understood is refused, because a condition "
	 "that is silently left out would widen its rule."},
	{"E103", "wrong shape",
	 "A map, a list or a single value stands where another of the three is expected."},
	{"E104", "unknown zone",
	 "The name is not a key of zones:."},
	{"E105", "unknown device, group or brand",
	 "No device in devices: has this name, group or brand."},
	{"E106", "unknown set or zone",
	 "to: takes any, the name of a set or zone (\"!NAME\" for all else), or a map of conditions."},
	{"E107", "missing key",
	 "The map lacks a key that has no safe default."},
	{"E108", "key twice",
	 "The same key stands twice in one map, or in two files whose maps are joined."},
	{"E109", "character not allowed",
	 "The file holds bytes that are not UTF-8, or characters that show nothing or change how the "
	 "text looks."},
	{"E110", "tab",
	 "Tabs are refused outside of comments and quotes, since they look like spaces and are not."},
	{"E111", "anchor or alias",
	 "& and * make values depend on distant lines. Write the value out, or name it in sets:."},
	{"E112", "tag",
	 "An unquoted ! begins a YAML tag, also in !NAME: negated sets are written in quotes."},
	{"E113", "second document or directive",
	 "A policy file is one YAML document without % lines."},
	{"E114", "empty file",
	 "The file holds nothing but comments, or nothing at all. That a list of items is empty is an error, since downloads that fail "
	 "leave such files."},
	{"E115", "too much",
	 "A limit on depth or number was reached; limits keep the time and memory of judging bounded."},
	{"E116", "value over several lines",
	 "Every value stands on one line."},
	{"E117", "missing value",
	 "The key has no value. An empty text is written as \"\"."},
	{"E118", "bad name",
	 "Names go into records and messages: letters, digits, dot, underscore and dash, at most 63."},
	{"E119", "bad number",
	 "Numbers are decimal, without leading zeros, and within the range that the message tells."},
	{"E120", "not one of the words",
	 "The value must be one of the words that the message lists."},
	{"E121", "unknown country",
	 "Countries are ISO 3166-1 alpha-2 codes in capitals, such as NO."},
	{"E122", "unknown continent",
	 "Continents are AF AN AS EU NA OC SA."},
	{"E123", "bad address",
	 "An IPv4 or IPv6 address, or a network in CIDR form whose host bits are zero."},
	{"E124", "bad MAC address",
	 "Six bytes in hexadecimal with : or - between them, neither all zero nor a group address."},
	{"E125", "bad AS number",
	 "A number from 1 to 4294967295, with or without AS in front."},
	{"E126", "bad port",
	 "tcp/443, udp/10000-20000, 443 for both, or the name of a protocol without ports such as "
	 "icmp."},
	{"E127", "bad duration",
	 "A number and one of ms, s, m, h, d."},
	{"E128", "bad size",
	 "A number, alone or with kB, MB, GB, KiB, MiB or GiB."},
	{"E129", "bad path",
	 "Paths are absolute: they begin with / and have at most 1023 bytes."},
	{"E130", "bad day or time",
	 "Days are mon tue wed thu fri sat sun; times are \"HH:MM-HH:MM\"; moments are \"YYYY-MM-DD "
	 "HH:MM\" in UTC."},
	{"E131", "unknown time zone",
	 "Zones have the names of the system's time zone files, such as Europe/Oslo, or UTC."},
	{"E132", "bad interface name",
	 "One network interface; there are no patterns."},
	{"E133", "used twice",
	 "A name, network, interface, MAC, address or path can belong to one thing only."},
	{"E134", "unknown rule",
	 "The name is not that of a rule, or not of one in a file that was read before."},
	{"E135", "nothing is watched",
	 "At least one zone needs interfaces:, or ports: of a bridge:, behind which its devices are."},
	{"E136", "fail is not said",
	 "Where anything is enforced, fail: open or fail: closed must be said: it decides what happens "
	 "when lenscap cannot."},
	{"E137", "signature id",
	 "Two rules have the same signature id, or id: lies in the range of built-in detections. "
	 "Rename one or give it an id: of its own."},
	{"E138", "key at the wrong place",
	 "The key exists, but belongs to another map."},
	{"E139", "reserved name",
	 "any, zones, default and unknown-devices have a meaning of their own."},
	{"E140", "empty",
	 "A list or map without entries matches nothing; say what is meant."},
	{"E141", "unknown version",
	 "The policy is written in a version of the language that this program does not know."},
	{"E142", "device without identity",
	 "A device is recognised by its mac:, or by its address: where a router stands between."},
	{"E143", "unknown protocol",
	 "protocol: takes the names that records show as app_proto, and unknown."},
	{"E144", "silent alert",
	 "action: alert means allow and tell; with alert: none nothing would be told."},
	{"E145", "bad name",
	 "A DNS name such as cam.example.com, or *.example.com for everything under example.com."},
	{"E146", "unknown maker",
	 "No maker of the catalogue has this id. lenscap-catalogue(5) tells where they are listed and how to add one."},
	{"E147", "unknown cloud",
	 "No cloud of the catalogue has this id, or the catalogue has no row by which it could be recognised."},
	{"E148", "bridge and ports",
	 "bridge: names a bridge, and ports: those of its ports behind which the zone's devices are. A zone has both, or interfaces: instead."},
	{"E150", "test failed",
	 "An entry of tests: got another answer than it expects. A policy whose tests fail is not put "
	 "to use."},
	{"E151", "test without zone",
	 "Several zones are watched and the device has no address, so the test must say zone:."},
	{"E152", "test without time",
	 "A rule with when: was looked at, so the test must say at:."},
	{"E160", "not a file of the catalogue",
	 "A catalogue's file begins with \"# lenscap-catalogue 1 KIND\" and a line that names the kind's columns."},
	{"E161", "bad row",
	 "A row has as many columns as its kind, cut by tabs; an empty one is written as -. It is UTF-8 without control characters."},
	{"E162", "unknown maker in the catalogue",
	 "Rows refer to makers by the ids of the kind makers. Add the maker, in a file of your own."},
	{"E163", "bad pattern or value",
	 "An expression that does not compile, hexadecimal digits that are none, or a name, address, port or protocol that is none."},
	{"E164", "bad word or number in the catalogue",
	 "The column takes certain words, a number or an id only."},
	{"E165", "bad MAC prefix",
	 "AA:BB:CC for 24 bits, or AA:BB:CC:D0:00:00/28 and /36; the bits behind the prefix are zero."},
	{"E166", "row twice",
	 "The same row stands in one file twice. In two files it may: the later file's row is taken."},
	{"E167", "too many rows",
	 "Limits on rows keep the memory and the time of a lookup bounded."},
	{"E190", "not enough memory",
	 "The policy is larger than the memory that is left."},
	{"E191", "file cannot be read",
	 "The policy, one of its drop-ins or a list that it names is missing, unreadable, not a regular file or too large."},
	{"W310", "rule can never match",
	 "An earlier rule matches everything that this one does, and the first match wins."},
	{"W311", "unused set",
	 "No rule names this set."},
	{"W312", "rule allows everything",
	 "The rule allows its devices to reach every address on every port. Say where to, or which "
	 "port."},
	{"W313", "unknown country allowed",
	 "An address whose country no database knows is outside of every list of countries, so to: "
	 "\"!SET\" allows it. Add unknown-country: true to the set."},
	{"W314", "inventory without effect",
	 "unknown-devices: allow in enforce mode lets a device that is not in devices: use every rule "
	 "that does not ask for a device."},
	{"W315", "everything is blocked",
	 "unknown-devices: block without devices: blocks every device."},
	{"W316", "no catalogue",
	 "The files that name makers, brands and clouds were found neither beside the program nor where it is installed. Rules with "
	 "maker, covered, unmasked or cloud cannot match or load."},
	{"W317", "contradiction",
	 "Two conditions of the rule or the set can never hold together, so it matches nothing; \"!SET\" then matches everything."},
	{"W318", "not the camera side",
	 "from: is always the side that is watched, whoever opens the connection, and this zone has no interfaces: to watch. What it "
	 "opens itself is direction: inbound."},
	{"W319", "default never decides",
	 "The rules before it match everything, in both directions, and answer the other way."},
	{"W320", "wide allow rule",
	 "In enforce mode the rule allows every port of every host in whole countries, or everywhere else than in them. Any of these "
	 "hosts may pass data on to anywhere. Say which port:, protocol: or name: is needed."},
	{"W321", "covered makers allowed",
	 "The rule lets devices out whose makers section 889 of P.L. 115-232 covers. Allow them zones, private or single addresses, or "
	 "nothing."},
	{"W322", "items twice",
	 "Items of a list in a file stand there more than once; the first of each is kept."},
	{"W401", "old geo database",
	 "A database is older than geo: warn-older-than. `lenscap geo status` says how to get a newer one."},
	{"H501", "word of YAML 1.1",
	 "Here the value is text. Programs of YAML 1.1 read it as a boolean or as nothing."},
	{"H502", "number of YAML 1.1",
	 "Here the value is text. Programs of YAML 1.1 read digits with colons as a number to the base "
	 "of 60."},
};
/* clang-format on */

enum {
	N_CODES = sizeof(codes) / sizeof(codes[0]),
};

const struct diag_code *
diag_codes(size_t *ret_n)
{
	*ret_n = N_CODES;
	return codes;
}

const struct diag_code *
diag_code_find(const char *code)
{
	for (size_t i = 0; i < N_CODES; i++)
		if (strcmp(codes[i].code, code) == 0)
			return &codes[i];
	return NULL;
}
