# SPDX-License-Identifier: GPL-2.0-or-later
"""802.1Q: each VLAN is an interface and a zone of its own, over one cable."""

import contextlib

import packet
from capture import Capture
from daemon import wait_for
from netcase import CN, NO, TAIL, check, gateway, tests
from traffic import Server, tcp, udp_send

ZONES = """\
version: 1
mode: enforce
fail: closed
zones:
  gate: {interfaces: [cam0.40], networks: ["10.40.0.0/24", "fd40::/64"]}
  dock: {interfaces: [cam0.41], networks: ["10.41.0.0/24", "fd41::/64"]}
devices:
  - {name: cam-1, mac: "02:00:00:00:00:01", brand: Axis}
  - {name: cam-2, mac: "02:00:00:00:00:02", brand: LTS}
rules:
  - {name: apart, from: [gate, dock], to: [gate, dock], action: block}
  - {name: gate-home, from: gate, to: {country: "NO"}, action: allow}
  - {name: dock-away, from: dock, to: {country: "CN"}, action: allow}
default: {action: reject, alert: medium}
"""


def tag(lab, name, vlan):
    """Gives a camera its VLAN, and the gateway an interface for it."""
    lab.gateway.ip(f"link add link cam0 name cam0.{vlan} type vlan id {vlan}", f"addr add 10.{vlan}.0.1/24 dev cam0.{vlan}",
                   f"addr add fd{vlan}::1/64 dev cam0.{vlan} nodad", f"link set cam0.{vlan} up")
    lab.cameras[name].ip(f"link add link eth0 name eth0.{vlan} type vlan id {vlan}", f"addr add 10.{vlan}.0.11/24 dev eth0.{vlan}",
                         f"addr add fd{vlan}::11/64 dev eth0.{vlan} nodad", f"link set eth0.{vlan} up",
                         f"route replace default via 10.{vlan}.0.1", f"route replace ::/0 via fd{vlan}::1")


@contextlib.contextmanager
def trunk():
    """(lab, daemon): one VLAN is there before the daemon, one comes later."""
    with gateway(ZONES + TAIL, start=False) as (lab, d):
        tag(lab, "cam-1", 40)
        d.start()
        tag(lab, "cam-2", 41)
        yield lab, d


@tests.add("two VLANs over one cable are zones with rules of their own, IPv4 and IPv6, and the records name the interface")
def vlan_zones():
    with trunk() as (lab, d), Server(lab.internet, 443), Capture(lab.internet, "eth0") as c:
        for name, vlan, good, bad in (("cam-1", 40, NO, CN), ("cam-2", 41, CN, NO)):
            ns = lab.cameras[name]
            for address in good:
                wait_for(lambda ns=ns, address=address: tcp(ns, address, 443) == "answered", 10, f"{name} does not get to {address}\n{d.log()}")
            mark = len(c.seen)
            for address in bad:
                got = tcp(ns, address, 443, timeout=3)
                check(got == "refused", f"{name} to {address}: {got}")
            late = [p for p in c.seen[mark:] if p.dst in bad]
            check(not late and not c.lost(), f"refused packets of {name} left: {late[:4]}")
            for address in bad:
                record = d.wait_record("alert", f"dest_ip={address}")[-1]
                check(record["in_iface"] == f"cam0.{vlan}", record)
                check(record["lenscap"]["device"]["name"] == name and record["ether"]["src_mac"].startswith("02:00:00"), record)
        return "cam0.40 was there before the daemon, cam0.41 came later"


@tests.add("cameras of two VLANs do not reach each other through the gateway, and a reload changes one VLAN's rule and not the other's")
def vlan_apart():
    with trunk() as (lab, d), Server(lab.internet, 443), Server(lab.cameras["cam-2"], 80) as server:
        wait_for(lambda: tcp(lab.cameras["cam-2"], CN[0], 443) == "answered", 10, "cam-2 does not get out")
        with Capture(lab.cameras["cam-2"], "eth0.41") as c:
            for address in ("10.41.0.11", "fd41::11"):
                check(tcp(lab.camera, address, 80, timeout=0.5) == "timeout", f"cam-1 reaches {address}")
                udp_send(lab.camera, address, 80, 5)
            d.wait_record("alert", "lenscap.rule=apart", "proto=TCP", "ip_v=6")
            late = [p for p in c.packets() if p.dport == 80 and p.proto in (packet.TCP, packet.UDP)]
            check(not late and not server.connections and not server.datagrams, f"cam-1's packets arrive at cam-2: {late[:4]}")
        d.reload((ZONES + TAIL).replace('{country: "NO"}', '{country: "CN"}'))
        check([tcp(lab.camera, a, 443, timeout=3) for a in (*NO, *CN)] == ["refused"] * 2 + ["answered"] * 2, "VLAN 40 has not the new rule")
        check([tcp(lab.cameras["cam-2"], a, 443, timeout=3) for a in (*NO, *CN)] == ["refused"] * 2 + ["answered"] * 2, "VLAN 41 has lost its rule")
