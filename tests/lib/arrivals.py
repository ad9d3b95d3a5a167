# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets counted by the kernel where they arrive or pass, so that a busy machine loses no count."""

import json


def counters(ns, table, family="inet"):
    """{name: packets} of the named counters of a table."""
    listing = json.loads(ns.run("nft", "-j", "list", "counters", "table", family, table))
    return {c["counter"]["name"]: c["counter"]["packets"] for c in listing["nftables"] if "counter" in c}


class Arrivals:
    """UDP datagrams to ports that nobody serves: counted at a host and then dropped, so that it answers nothing."""

    def __init__(self, ns, *ports):
        self.ns = ns
        rules = " ".join(f"udp dport {p} counter name p{p} drop;" for p in ports)
        names = " ".join(f"counter p{p} {{ }};" for p in ports)
        ns.run("nft", "-f", "-", data=f"table inet arrivals {{ {names} chain c {{ type filter hook prerouting priority -300; {rules} }}; }}\n")

    def get(self, port):
        return counters(self.ns, "arrivals")[f"p{port}"]


class Passing:
    """All that a gateway is asked to forward from and to an interface, before anybody else looks at it."""

    def __init__(self, ns, interface):
        self.ns = ns
        ns.run("nft", "-f", "-", data=f'table inet passing {{ counter out {{ }}; counter in {{ }}; chain c {{ type filter hook forward priority -300; '
               f'iifname "{interface}" counter name out; oifname "{interface}" counter name in; }}; }}\n')

    def get(self):
        """(from that side, to it)"""
        c = counters(self.ns, "passing")
        return c["out"], c["in"]
