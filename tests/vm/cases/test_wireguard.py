# SPDX-License-Identifier: GPL-2.0-or-later
"""Cameras that come in through a WireGuard tunnel: an interface without MAC addresses, whose devices are known by their addresses."""

import os

from capture import Capture
from daemon import wait_for
from lab import run
from netcase import CN, NO, TAIL, check, gateway, tests
from result import Skip
from traffic import Server, tcp, udp_send

POLICY = """\
version: 1
mode: enforce
fail: closed
zones:
  site: {interfaces: [wg0], networks: ["10.60.0.0/24", "fd60::/64"], identify-by: address}
devices:
  - {name: far-1, address: [10.60.0.11, "fd60::11"], brand: Axis}
unknown-devices: block
rules:
  - {name: home, from: site, to: {country: "NO"}, action: allow}
default: {action: reject, alert: medium}
""" + TAIL


def tunnel(lab, d):
    """wg0 in the camera and in the gateway, over the cable between them."""
    keys = {}
    for name in ("camera", "gateway"):
        try:
            secret = run("wg", "genkey")
        except FileNotFoundError as e:
            raise Skip("no wg: package wireguard-tools") from e
        keys[name] = d.path(name + ".key"), run("wg", "pubkey", data=secret).strip()
        with open(keys[name][0], "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
            f.write(secret)
    for ns, own, peer, allowed, more in (
            (lab.gateway, "gateway", "camera", "10.60.0.11/32,fd60::11/128", ("listen-port", "51820")),
            (lab.camera, "camera", "gateway", "0.0.0.0/0,::/0", ())):
        ns.ip("link add wg0 type wireguard")
        end = ("endpoint", "10.20.0.1:51820") if own == "camera" else ()
        ns.run("wg", "set", "wg0", "private-key", keys[own][0], *more, "peer", keys[peer][1], "allowed-ips", allowed, *end)
    lab.gateway.ip("addr add 10.60.0.1/24 dev wg0", "addr add fd60::1/64 dev wg0 nodad", "link set wg0 up")
    lab.camera.ip("addr add 10.60.0.11/32 dev wg0", "addr add fd60::11/128 dev wg0 nodad", "link set wg0 up", "route replace default dev wg0",
                  "route replace ::/0 dev wg0")


@tests.add("cameras behind a WireGuard tunnel are judged by their addresses: allowed, refused, cut by a reload, IPv4 and IPv6; records name wg0")
def wireguard_site():
    with gateway(POLICY, start=False) as (lab, d), Server(lab.internet, 443), Capture(lab.internet, "eth0") as c:
        tunnel(lab, d)
        d.start()
        for address in NO:
            wait_for(lambda address=address: tcp(lab.camera, address, 443, timeout=2) == "answered", 10, f"{address} does not answer\n{d.log()}")
        mark = len(c.seen)
        for address in CN:
            got = tcp(lab.camera, address, 443, timeout=3)
            check(got == "refused", f"{address}: {got}")
            udp_send(lab.camera, address, 443, 5)
            record = d.wait_record("alert", f"dest_ip={address}", "proto=TCP")[-1]
            check(record["in_iface"] == "wg0" and record["lenscap"]["device"]["name"] == "far-1", record)
        late = [p for p in c.seen[mark:] if p.dst in CN]
        check(not late and not c.lost(), f"refused packets left: {late[:4]}")
        d.reload(POLICY.replace('{country: "NO"}', '{country: "CN"}'))
        got = [tcp(lab.camera, a, 443, timeout=3) for a in (*NO, *CN)]
        check(got == ["refused"] * 2 + ["answered"] * 2, f"after the reload: {got}")
