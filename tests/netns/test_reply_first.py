# SPDX-License-Identifier: GPL-2.0-or-later
"""A flow in which only the far side sends is still its camera's, although a new engine has not heard the camera yet."""

import os
import signal
import time

import packet
from capture import Capture
from daemon import wait_for
from netcase import NO, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, UdpFlood, tcp

WAN = ("192.0.2.1", "2001:db8:ffff::1")
TO_CAMERA = "rules:\n  - {name: to-cam-1, from: {device: cam-1}, to: any, direction: inbound, action: allow}\ndefault: {action: block, alert: medium}\n"


def gate_again(d):
    d.end(signal.SIGKILL)
    time.sleep(0.2)
    d.start()


def engine_again(d):
    old = d.engine()
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: d.engine() not in (None, old), 2, "no new engine")
    time.sleep(0.5)
    d.reload()


def streams_to_camera(lab):
    """One datagram of the camera opens each, and from then on only the far side sends."""
    streams = []
    for n, address in enumerate(NO):
        hello = UdpFlood(lab.camera, address, 5000, sport=6000 + n)
        time.sleep(0.05)
        hello.close()
        streams.append(UdpFlood(lab.internet, WAN[n], 6000 + n, sport=5000, source=address))
    return streams


def goes_on(restart, fail):
    with gateway(policy(OPEN_TO_NO, fail=fail)) as (lab, d), Capture(lab.camera, "eth0") as c:
        streams = streams_to_camera(lab)
        time.sleep(0.3)
        restart(d)
        time.sleep(0.4)
        before = [len(c.packets(src=a, proto=packet.UDP)) for a in NO]
        time.sleep(0.4)
        more = [len(c.packets(src=a, proto=packet.UDP)) - b for a, b in zip(NO, before)]
        for s in streams:
            s.close()
        check(min(more) > 50, f"packets in 0.4 s afterwards: {more}; {[r['alert']['signature'] for r in d.records('alert')]}")
        d.stop()
        for a in NO:
            check(d.records("flow", f"dest_ip={a}", "lenscap.device.name=cam-1", "lenscap.ended=shutdown"), f"{a}: not told as cam-1's")
        return f"packets in 0.4 s afterwards: {more}"


for again, what in ((gate_again, "the gate is killed and started"), (engine_again, "the engine is killed, then a reload")):
    for mode in ("open", "closed"):
        def case(restart=again, fail=mode):
            return goes_on(restart, fail)
        case.__name__ = f"fail_reply_first_{again.__name__}_{mode}"
        tests.add(f"{what}, fail {mode}: a settled stream towards a camera that says nothing goes on")(case)


def route_inwards(lab):
    lab.internet.ip("route add 10.20.0.0/16 via 192.0.2.1", "route add fd20::/64 via 2001:db8:ffff::1")


@tests.add("a connection comes in to a camera that the gateway has as a neighbour and that has sent nothing through it; one that moves is told anew")
def reply_first_inbound():
    with gateway(policy(TO_CAMERA)) as (lab, d), Server(lab.camera, 80):
        route_inwards(lab)
        got = [tcp(lab.internet, lab.v4["cam-1"], 81, timeout=0.4)]  # a camera that it reached would refuse
        for family in (lab.v4, lab.v6):
            lab.gateway.run("ip", "neigh", "replace", family["cam-1"], "lladdr", lab.macs["cam-1"], "dev", "cam0", "nud", "reachable")
        time.sleep(0.2)
        got += [tcp(lab.internet, family["cam-1"], 80, timeout=1) for family in (lab.v4, lab.v6)]
        lab.gateway.run("ip", "neigh", "replace", lab.v4["cam-1"], "lladdr", lab.macs["cam-2"], "dev", "cam0", "nud", "permanent")
        time.sleep(0.2)
        got.append(tcp(lab.internet, lab.v4["cam-1"], 80, timeout=0.4))
        check(got == ["timeout", "answered", "answered", "timeout"], f"not a neighbour, IPv4, IPv6, another camera's: {got}")
        d.wait_record("alert", f"dest_ip={lab.v4['cam-1']}", "lenscap.device.name=cam-2")
