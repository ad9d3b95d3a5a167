# SPDX-License-Identifier: GPL-2.0-or-later
"""What the namespace tests share: hosts with a country, policies, a gateway under test."""

import contextlib
import json

import daemon
import lab
from result import Tests, check

tests = Tests()

# Documentation addresses that overrides put into countries: (IPv4, IPv6). Three of China: equal alerts are rolled up by address.
NO = ("198.51.100.47", "2001:db8:47::1")
CN, CN2, CN3 = ((f"203.0.113.8{n}", f"2001:db8:86::{n}") for n in (1, 2, 3))
HOSTS = NO + CN + CN2 + CN3
PLACES = (("198.51.100.40/29", "NO", 64547), ("2001:db8:47::/48", "NO", 64547),
          ("203.0.113.80/28", "CN", 64586), ("2001:db8:86::/48", "CN", 64586))

HEAD = """\
version: 1
zones:
  cameras: {interfaces: [cam0], networks: ["10.20.0.0/16", "fd20::/64"]}
unknown-devices: block
devices:
  - {name: cam-1, mac: "02:00:00:00:00:01", brand: Axis}
  - {name: cam-2, mac: "02:00:00:00:00:02", brand: LTS}
"""

OVERRIDES = "".join(f'    - {{network: "{network}", country: "{cc}", asn: {asn}}}\n' for network, cc, asn in PLACES)

TAIL = f"""\
geo:
  country: ["@DATA@/enterprise.mmdb"]
  asn: ["@DATA@/isp.mmdb"]
  overrides:
{OVERRIDES}outputs:
  - eve: {{path: "@EVE@", types: [all]}}
"""

OPEN_TO_NO = 'rules:\n  - {name: home, from: cameras, to: {country: "NO"}, action: allow}\ndefault: {action: block, alert: medium}\n'
OPEN_TO_ALL = "rules:\n  - {name: all, from: cameras, to: any, direction: any, action: allow}\ndefault: {action: block, alert: medium}\n"
REJECT_REST = 'rules:\n  - {name: home, from: cameras, to: {country: "NO"}, action: allow}\ndefault: {action: reject, alert: medium}\n'
NOTHING = "default: {action: block, alert: medium}\n"


def policy(rules, mode="enforce", fail="closed", tail=TAIL, options=""):
    """A whole policy file from its rules and default. options: inline YAML such as "rollup: 2s"."""
    more = f"options: {{{options}}}\n" if options else ""
    return f"{HEAD}mode: {mode}\nfail: {fail}\n{rules}{more}{tail}"


@contextlib.contextmanager
def gateway(text, hosts=HOSTS, start=True, **named):
    """(lab, daemon) with lenscapd running on this policy."""
    with lab.Lab(hosts=hosts) as the_lab:
        d = daemon.Daemon(the_lab, text, **named)
        try:
            if start:
                d.start()
            yield the_lab, d
        finally:
            d.close()


def packets_of(namespace, interface):
    """Packets that an interface has received and sent."""
    link = json.loads(namespace.run("ip", "-j", "-s", "link", "show", "dev", interface))[0]["stats64"]
    return link["rx"]["packets"], link["tx"]["packets"]


def repeats(records):
    return sum(r["lenscap"].get("repeat") or 1 for r in records)


__all__ = ["CN", "CN2", "CN3", "HOSTS", "NO", "NOTHING", "OPEN_TO_ALL", "OPEN_TO_NO", "REJECT_REST", "TAIL", "check", "gateway",
           "packets_of", "policy", "repeats", "tests"]
