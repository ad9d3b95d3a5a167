# SPDX-License-Identifier: GPL-2.0-or-later
"""
Where the traffic runs, and what may stand in its way.

    cam-1 ─ cam0 ┐
    cam-2 ─ cam1 ┼ gateway ─ wan0 ─ internet: 198.18.0.0/15 and 2001:2::/48 are there, a resolver, servers
    cam-3 ─ cam2 ┘

No switch and no address translation: the bare router costs as little as it can, so what stands in the way shows most.
"""

import contextlib
import os
import random
import socket
import struct
import subprocess
import threading
import time

import machine
from daemon import BUILD, Daemon, wait_for
from lab import GATEWAY_V4, GATEWAY_V6, Lab

FIRST_V4, FIRST_V6 = "198.18.0.5", "2001:2::5"
ADDRESSES = 16
RESOLVER, NAME = "198.18.255.53", "cloud.vendor.example"
TLS, CACHED, BULK = 443, 8443, 4433  # ports: judged by name, judged at the first packet, a long stream (by name)
CAMERAS = ("cam-1", "cam-2", "cam-3")
QUEUE = 77
PREFIXES = 20000  # of the nft set, about what one continent takes
LOAD = os.path.join(BUILD, "bench")
TIME_WAIT_S = 10  # of conntrack: a million connections in a row must not fill its table in any mode


class Road(Lab):
    """The namespaces, each camera on a wire of its own."""

    def __init__(self):
        self.resolver = None
        super().__init__(cameras=CAMERAS, masquerade=False)
        self.internet.ip("route add local 198.18.0.0/15 dev lo", "route add 10.20.0.0/16 via 192.0.2.1",
                         "route add fd20::/64 via 2001:db8:ffff::1", "route add local 2001:2::/48 dev lo")
        self.gateway.sysctl(netfilter__nf_conntrack_tcp_timeout_time_wait=TIME_WAIT_S, netfilter__nf_conntrack_udp_timeout=300)
        for ns in (self.internet, *self.cameras.values()):
            ns.sysctl(ipv4__tcp_tw_reuse=1, ipv4__ip_local_port_range="1024 65535", core__somaxconn=65535, ipv4__tcp_max_syn_backlog=65535,
                      ipv4__tcp_max_tw_buckets=1000000, ipv4__tcp_no_metrics_save=1)
        self.resolver = Resolver(self.internet)
        self.servers = [self.serve("conn", str(TLS), str(CACHED)), self.serve("bulk", str(BULK))]

    def wire_cameras(self):
        for n, (name, ns) in enumerate(self.cameras.items()):
            self.gateway.ip(f"link add cam{n} type veth peer name eth0 netns {ns.name}", f"link set cam{n} up",
                            f"addr add {GATEWAY_V4}/32 dev cam{n}", f"addr add {GATEWAY_V6}/128 dev cam{n} nodad",
                            f"route add {self.v4[name]}/32 dev cam{n}", f"route add {self.v6[name]}/128 dev cam{n}")
            ns.ip(f"link set eth0 address {self.macs[name]}", "link set eth0 up", f"addr add {self.v4[name]}/16 dev eth0",
                  f"addr add {self.v6[name]}/64 dev eth0 nodad", f"route add default via {GATEWAY_V4}",
                  f"route add ::/0 via {GATEWAY_V6}")

    def serve(self, program, *ports):
        p = self.internet.start(os.path.join(LOAD, program), "serve", *ports, stdout=subprocess.PIPE)
        if p.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{program} does not serve")
        return p

    def forget(self):
        """No connection is remembered by the gateway."""
        self.gateway.run("conntrack", "-F", check=False)

    def close(self):
        if self.resolver and not self.closed:
            self.resolver.close()
        super().close()


class Resolver:
    """Answers every question about an address with the ADDRESSES that are there."""

    def __init__(self, ns):
        self.closing = False
        self.socket = ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((RESOLVER, 53))
        first = struct.unpack("!I", socket.inet_aton(FIRST_V4))[0]
        self.records = b"".join(struct.pack("!HHHIHI", 0xc00c, 1, 1, 3600, 4, first + n) for n in range(ADDRESSES))
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while not self.closing:
            try:
                q, who = self.socket.recvfrom(512)
            except OSError:
                return
            if len(q) < 17 or b"\0" not in q[12:]:
                continue
            end = q.index(b"\0", 12) + 5
            with contextlib.suppress(OSError):
                self.socket.sendto(q[:2] + struct.pack("!HHHHH", 0x8180, 1, ADDRESSES, 0, 0) + q[12:end] + self.records, who)

    def close(self):
        self.closing = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def resolve(camera, name=NAME, tries=40):
    """Asks for the name as a camera does, through the gateway, so that the addresses are bound to it. Raises after `tries` of 0.1 s."""
    labels = b"".join(bytes([len(word)]) + word.encode() for word in name.split(".")) + b"\0"
    with camera.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.1)
        s.connect((RESOLVER, 53))
        for n in range(tries):
            try:
                s.send(struct.pack("!HHHHHH", 0x5100 + n, 0x100, 1, 0, 0, 0) + labels + b"\0\1\0\1")
                if len(s.recv(1024)) > 200:
                    return
            except TimeoutError:
                pass
            except OSError:
                time.sleep(0.1)
    raise RuntimeError(f"{camera.name}: no answer for {name}")


# What stands in the way: each mode is a context that yields a function: the pids of its processes.

@contextlib.contextmanager
def none(_road, _policy):
    yield list


def prefixes():
    """The same every time: PREFIXES networks that are not ours."""
    dice = random.Random(7)
    return sorted({f"{dice.randrange(1, 190)}.{dice.randrange(256)}.{dice.randrange(256)}.0/24" for _ in range(PREFIXES)})


@contextlib.contextmanager
def nft_set(road, _policy):
    """What a set of networks in the kernel does alone: countries by address, no name, no protocol, no device."""
    text = ("table inet benchset {\n set home { type ipv4_addr; flags interval; auto-merge; elements = { 198.18.0.0/15, " +
            ", ".join(prefixes()) + " } }\n chain f { type filter hook forward priority 0; policy drop;\n"
            " ct state established,related accept\n ip daddr @home accept\n ip6 daddr 2001:2::/48 accept\n }\n}\n")
    road.gateway.run("nft", "-f", "-", data=text)
    try:
        yield list
    finally:
        road.gateway.run("nft", "delete", "table", "inet", "benchset")


def iptables(road, *rules):
    """Rules that send to a queue. iptables, because some kernels lack nft's own queue statement; nft carries both the same way."""
    for words in rules:
        for program in ("iptables", "ip6tables"):
            road.gateway.run(program, "-w", *words.split())


@contextlib.contextmanager
def floor_program(road, mark, rules):
    p = road.gateway.start(os.path.join(LOAD, "floor"), str(QUEUE), mark, stdout=subprocess.PIPE)
    try:
        if p.stdout.readline() != b"ready\n":
            raise RuntimeError("floor: no queue")
        iptables(road, *(f"{table} -A {rule}" for table, rule in rules))
        yield lambda: [p.pid]
    finally:
        iptables(road, *(f"{table} -D {rule}" for table, rule in reversed(rules)))
        p.terminate()
        p.wait(5)
        p.stdout.close()
        road.gateway.processes.remove(p)


SEND = ("-t filter", f"FORWARD -j NFQUEUE --queue-num {QUEUE} --queue-bypass")
SETTLED = ("-t filter", "FORWARD -m connmark --mark 1/1 -j ACCEPT")
SETTLE = ("-t mangle", "POSTROUTING -m mark --mark 1/1 -j CONNMARK --save-mark --nfmask 1 --ctmask 1")


def accept_floor(road, _policy):
    return floor_program(road, "0", (SEND,))


def mark_floor(road, _policy):
    return floor_program(road, "1", (SETTLED, SEND, SETTLE))


POLICY = """\
version: 1
mode: @MODE@
fail: closed
zones:
  cameras: {interfaces: [cam0, cam1, cam2], networks: ["10.20.0.0/16", "fd20::/64"]}
devices:
  - {name: cam-1, mac: "02:00:00:00:00:01", brand: Axis}
  - {name: cam-2, mac: "02:00:00:00:00:02", brand: LTS}
  - {name: cam-3, mac: "02:00:00:00:00:03", brand: Dahua}
unknown-devices: block
sets:
  home: {country: ["NO", "SE", "DK"]}
rules:
  - {name: names, from: cameras, to: {address: 198.18.255.53}, port: udp/53, protocol: dns, action: allow}
  - {name: cloud, from: cameras, to: {country: "NO", name: ["*.vendor.example"]}, port: [tcp/443, tcp/4433], protocol: tls, action: allow}
  - {name: upload, from: cameras, to: home, port: tcp/8443, action: allow}
  - {name: media, from: cameras, to: home, port: udp/10000-59999, action: allow}
@RULES@default: {action: block, alert: medium}
options: {@OPTIONS@}
geo:
  country: ["@DATA@/enterprise.mmdb"]
  asn: ["@DATA@/isp.mmdb"]
  overrides:
    - {network: "198.18.0.0/15", country: "NO", asn: 64547}
    - {network: "2001:2::/48", country: "NO", asn: 64547}
outputs:
  - eve: {path: "@EVE@", types: [all]}
"""


def policy_text(mode, options=None, rules=""):
    """options: more of the policy's options. Here any camera may open as many connections as it can."""
    values = {"new-flows": 1000000, "flows": 1048576, **(options or {})}
    inline = ", ".join(f"{k}: {v}" for k, v in values.items() if v is not None)
    return POLICY.replace("@MODE@", mode).replace("@OPTIONS@", inline).replace("@RULES@", rules)


class Gateway(Daemon):
    """Lenscap under test."""

    def pids(self):
        return machine.tree(self.process.pid)


def lenscap_running(road, mode, named=None):
    return lenscap_text(road, policy_text(mode, **(named or {})))


def lenscap_text(road, text):
    return started(road, Gateway(road, text))


@contextlib.contextmanager
def started(road, d):
    try:
        d.start()
        yield d
    finally:
        d.close()
        # With `fail: closed` the table stays and blocks; the next mode needs a bare router.
        road.gateway.run("nft", "delete", "table", "inet", "lenscap", check=False)


@contextlib.contextmanager
def lenscap_monitor(road, named):
    with lenscap_running(road, "monitor", named) as d:
        yield d.pids


@contextlib.contextmanager
def lenscap_enforce(road, named):
    with lenscap_running(road, "enforce", named) as d:
        yield d.pids


MODES = {"none": none, "set": nft_set, "accept": accept_floor, "mark": mark_floor, "monitor": lenscap_monitor, "enforce": lenscap_enforce}
EXPLAIN = {
    "none": "a bare router",
    "set": f"nft alone, a set of {PREFIXES} networks",
    "accept": "every packet to a program that accepts it",
    "mark": "each connection's first packet to that program",
    "monitor": "lenscap, watching",
    "enforce": "lenscap, enforcing",
}


def queued(road):
    """Packets that the gateway has ever given to a queue that exists now."""
    try:
        rows = road.gateway.read("/proc/thread-self/net/netfilter/nfnetlink_queue").splitlines()
    except OSError:
        return 0
    return sum(int(row.split()[7]) for row in rows)


def queue_lost(road):
    rows = road.gateway.read("/proc/thread-self/net/netfilter/nfnetlink_queue").splitlines()
    return sum(int(row.split()[5]) + int(row.split()[6]) for row in rows)


__all__ = ["ADDRESSES", "BULK", "CACHED", "EXPLAIN", "FIRST_V4", "LOAD", "MODES", "NAME", "Gateway", "Road", "TLS", "lenscap_running", "lenscap_text",
           "policy_text", "queue_lost", "queued", "resolve", "wait_for"]
