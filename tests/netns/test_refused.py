# SPDX-License-Identifier: GPL-2.0-or-later
"""What policy forbids never leaves the gateway, and every refusal is told of, once and exactly."""

import socket
import time

import packet
from capture import Capture
from netcase import CN, CN2, CN3, NO, OPEN_TO_NO, REJECT_REST, check, gateway, policy, repeats, tests
from traffic import Server, family, ping, tcp, udp, udp_send

PROTOCOLS = (packet.TCP, packet.UDP, packet.ICMP, packet.ICMP6)


def syns(ns, address, port, count):
    """That many connection attempts, one SYN each: closed before the first repeats itself."""
    sockets = []
    for _ in range(count):
        s = ns.socket(family(address), socket.SOCK_STREAM)
        s.setblocking(False)
        s.connect_ex((address, port))
        sockets.append(s)
    time.sleep(0.3)
    for s in sockets:
        s.close()


@tests.add("TCP, UDP and ICMP to a blocked country, IPv4 and IPv6: no packet arrives, the alert says all, the client hears nothing")
def refused_silently():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443) as server, Capture(lab.internet, "eth0") as c:
        heard = [f(lab.camera, *to) for v in (0, 1) for f, to in ((tcp, (CN[v], 443)), (udp, (CN2[v], 443)), (ping, (CN3[v],)))]
        check(heard == ["timeout"] * 6, f"the client heard {heard}")
        check(tcp(lab.camera, NO[0], 443) == tcp(lab.camera, NO[1], 443) == "answered", "the allowed country does not answer")
        out = [p for a in CN + CN2 + CN3 for p in c.packets(dst=a) if p.proto in PROTOCOLS]
        check(not out and not c.lost(), f"{out} left, capture lost {c.lost()}")
        check(server.connections == 2 and server.datagrams == 0, "the server saw a blocked flow")
        for v, icmp in ((0, "ICMP"), (1, "IPv6-ICMP")):
            for address, proto in ((CN[v], "TCP"), (CN2[v], "UDP"), (CN3[v], icmp)):
                alert_is_complete(d, address, proto)
        return "6 kinds of flows: 0 packets at the server, 6 complete alerts"


def alert_is_complete(d, address, proto):
    d.wait_record("alert", f"dest_ip={address}", f"proto={proto}", "lenscap.rule=default", "alert.action=blocked",
                  "lenscap.dest.country=CN", "lenscap.dest.asn=64586", "lenscap.dest.country_source=override",
                  "lenscap.rule_file~lenscap.yaml$", "lenscap.rule_line>=1", "lenscap.device.name=cam-1", "in_iface=cam0",
                  "alert.signature~CN AS64586")


@tests.add("200 retries of a blocked flow cost at most 20 queued packets, and repeat counts all of them exactly", alone=True)
def refused_retries():
    said = []
    for udp_to, tcp_to in zip(CN, CN2):
        with gateway(policy(OPEN_TO_NO, options="rollup: 4s")) as (lab, d), Capture(lab.internet, "eth0") as c:
            udp_send(lab.camera, udp_to, 5000, 200, gap_s=0.001)
            after_udp = d.queued()
            syns(lab.camera, tcp_to, 443, 200)
            queued = after_udp, d.queued() - after_udp
            check(max(queued) <= 20, f"queued {queued[0]} of 200 datagrams, {queued[1]} of 200 SYNs")
            check(not c.packets(dst=udp_to, proto=packet.UDP) + c.packets(dst=tcp_to, proto=packet.TCP), "a packet left")
            time.sleep(2.5)  # the gate counts the kernel's refusals every 2 s
            d.stop()
            for proto in ("UDP", "TCP"):
                total = repeats(d.records("alert", f"proto={proto}", "lenscap.rule=default"))
                check(total == 200, f"{proto}: repeat adds up to {total}, sent 200")
            said.append(f"{udp_to}: queued {queued[0]} of 200 datagrams, {queued[1]} of 200 SYNs; repeat 200 and 200")
    return "\n".join(said)


@tests.add("ICMP retries: the set without ports counts them too", alone=True)
def refused_pings():
    with gateway(policy(OPEN_TO_NO)) as (lab, d):
        for address in CN:
            ping(lab.camera, address, count=100, timeout=0.3, gap_s=0.001)
        queued = d.queued()
        time.sleep(2.5)
        d.stop()
        total = repeats(d.records("alert", "lenscap.rule=default", "proto~ICMP"))
        check(queued <= 20 and total == 200, f"{queued} queued, repeat {total} of 200")
        return f"{queued} of 200 queued, repeat 200"


@tests.add("reject answers at once: refused, prohibited, and still nothing leaves")
def refused_loudly():
    with gateway(policy(REJECT_REST)) as (lab, d), Capture(lab.internet, "eth0") as c:
        start, heard = time.monotonic(), []
        for address in CN:
            for _ in range(2):  # first by the queue's verdict, then from the kernel's memory
                heard += [tcp(lab.camera, address, 443), udp(lab.camera, address, 443), ping(lab.camera, address)]
        check(all(h in ("refused", "reset", "prohibited", "unreachable") for h in heard), f"the client heard {heard}")
        check(not [p for a in CN for p in c.packets(dst=a) if p.proto in PROTOCOLS], "a packet left")
        d.wait_record("alert", "lenscap.decision=reject", "proto=TCP")
        return f"12 answers in {time.monotonic() - start:.2f} s: {' '.join(sorted(set(heard)))}"


@tests.add("monitor mode never drops: everything is answered, and the records say what would have been")
def monitor_passes():
    with gateway(policy(REJECT_REST, mode="monitor", fail="open")) as (lab, d), Server(lab.internet, 443):
        heard = [f(lab.camera, a, *port) for a in CN + NO for f, port in ((tcp, (443,)), (udp, (443,)), (ping, ()))]
        check(heard == ["answered"] * 12, f"the client heard {heard}")
        d.wait_record("alert", "lenscap.would=reject", "alert.action=allowed", "lenscap.dest.country=CN", count=2)
        d.stop()
        check(repeats(d.records("alert", "lenscap.would=reject")) == 6, "the alerts do not add up to 6 flows")
        check(not d.records("alert", "alert.action=blocked"), "an alert says blocked")
        return "12 of 12 answered, none blocked"
