# SPDX-License-Identifier: GPL-2.0-or-later
"""
Cameras on ports of a bridge that has their router behind another port. The bridge has no address unless it is given one.

    camera namespaces             gateway                     internet
    cam-1 eth0 ──────── port1 ┐
    cam-2 eth0 ──────── port2 ┼── br0 ── uplink ──────── eth0, the cameras' router, any address we like
    …                         ┘
"""

import contextlib
import json
import os
import socket
import struct

import daemon
import lab as lab_module
import packet
from netcase import HOSTS, TAIL
from result import Skip, check

BRIDGE_V4, BRIDGE_V6 = "10.20.0.2", "fd20::2"
ROUTER_V4, ROUTER_V6 = lab_module.GATEWAY_V4, lab_module.GATEWAY_V6
IPV4, IPV6 = 0x0800, 0x86dd

HEAD = """\
version: 1
zones:
  cameras: {bridge: br0, ports: [port1, port2], networks: ["10.20.0.0/16", "fd20::/64"]}
unknown-devices: block
devices:
  - {name: cam-1, mac: "02:00:00:00:00:01", brand: Axis}
  - {name: cam-2, mac: "02:00:00:00:00:02", brand: LTS}
"""


def policy(rules, mode="enforce", fail="closed", head=HEAD, options="rollup: 2s"):
    return f"{head}mode: {mode}\nfail: {fail}\n{rules}options: {{{options}}}\n{TAIL}"


class BridgeLab(lab_module.Lab):
    def __init__(self, hosts=HOSTS):
        super().__init__(masquerade=False, hosts=hosts)

    def wire_cameras(self):
        if not os.path.exists("/proc/sys/net/bridge"):
            lab_module.run("modprobe", "br_netfilter", check=False)
        if not os.path.exists("/proc/sys/net/bridge"):
            raise Skip("this kernel has no br_netfilter")
        self.gateway.ip("link add br0 type bridge mcast_snooping 0", "link set br0 up")
        for n, (name, ns) in enumerate(self.cameras.items(), 1):
            self.gateway.ip(f"link add port{n} type veth peer name eth0 netns {ns.name}", f"link set port{n} master br0",
                            f"link set port{n} up")
            ns.ip(f"link set eth0 address {self.macs[name]}", "link set eth0 up",
                  f"addr add {self.v4[name]}/16 dev eth0", f"addr add {self.v6[name]}/64 dev eth0 nodad",
                  f"route add default via {ROUTER_V4}", f"route add ::/0 via {ROUTER_V6}")

    def wire_internet(self):
        self.gateway.ip(f"link add uplink type veth peer name eth0 netns {self.internet.name}", "link set uplink master br0",
                        "link set uplink up")
        self.internet.ip("link set eth0 up", f"addr add {ROUTER_V4}/16 dev eth0", f"addr add {ROUTER_V6}/64 dev eth0 nodad")

    def give_address(self):
        self.gateway.ip(f"addr add {BRIDGE_V4}/16 dev br0", f"addr add {BRIDGE_V6}/64 dev br0 nodad")

    def router_mac(self):
        return json.loads(self.internet.run("ip", "-j", "link", "show", "dev", "eth0"))[0]["address"]

    def forget_neighbours(self):
        for n in (self.internet, *self.cameras.values()):
            n.run("ip", "neigh", "flush", "all")

    def neighbours(self, namespace):
        """{address: MAC} of those that it has resolved."""
        rows = (line.split() for line in namespace.run("ip", "neigh", "show", "dev", "eth0").splitlines())
        return {r[0]: r[r.index("lladdr") + 1] for r in rows if "lladdr" in r}


@contextlib.contextmanager
def bridge(text, start=True, address=False):
    """(lab, daemon) with lenscapd running on this policy."""
    with BridgeLab() as the_lab:
        if address:
            the_lab.give_address()
        d = daemon.Daemon(the_lab, text)
        try:
            if start:
                d.start()
            yield the_lab, d
        finally:
            d.close()


def send_frames(namespace, *frames):
    """Whole frames, as a camera that minds no rules sends them."""
    with namespace.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("eth0", 0))
        for f in frames:
            s.send(f)


def frame(src, dst, kind, body, tags=()):
    """tags: (protocol, VLAN) from the outermost."""
    out = bytes.fromhex((dst + src).replace(":", ""))
    for protocol, vlan in tags:
        out += struct.pack("!HH", protocol, vlan)
    return out + struct.pack("!H", kind) + body


def icmp6(src, dst, kind, data, hop=255):
    """With its checksum: hosts and conntrack look at it."""
    body = struct.pack("!BBH", kind, 0, 0) + data
    pseudo = socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + struct.pack("!IHBB", len(body), 0, 0, 58)
    body = body[:2] + struct.pack("!H", packet.checksum(pseudo + body)) + body[4:]
    return packet.ipv6(src, dst, packet.ICMP6, body, hop=hop)


def frame_counters(lab):
    """{name: packets} of the table of the bridge family."""
    listing = json.loads(lab.gateway.run("nft", "-j", "list", "counters", "table", "bridge", "lenscap"))
    return {c["counter"]["name"]: c["counter"]["packets"] for c in listing["nftables"] if "counter" in c}


def switch(lab, name, value=None):
    """One of br_netfilter's; with a value it is set."""
    path = f"/proc/sys/net/bridge/bridge-nf-{name}"
    if value is not None:
        lab.gateway.run("sh", "-c", f"echo {value} > {path}")
    return lab.gateway.read(path).strip()


__all__ = ["BRIDGE_V4", "BRIDGE_V6", "HEAD", "IPV4", "IPV6", "ROUTER_V4", "ROUTER_V6", "BridgeLab", "bridge", "check", "frame",
           "frame_counters", "icmp6", "policy", "send_frames", "switch"]
