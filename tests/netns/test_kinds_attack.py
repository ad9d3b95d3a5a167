# SPDX-License-Identifier: GPL-2.0-or-later
"""A camera whose SYN passes by its kind, and which wants other bytes out than those that were looked at."""

import json
import socket

import hostile
import packet
from daemon import wait_for
from hostile import ACK, HELLO, HTTP, LIE, PSH, SYN, Flow, Wire
from netcase import NO, check, tests
from test_leak import Outside
from tlslab import SUSPECT, policy, tls_gateway

QUIET = "identify-flows: 0, rollup: 2s"


class Forger:
    """Frames that the camera hands to the gateway in somebody else's name, for itself."""

    def __init__(self, lab):
        self.socket = lab.camera.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind(("eth0", 0))
        mac = json.loads(lab.gateway.run("ip", "-j", "link", "show", "dev", "cam0"))[0]["address"]
        self.head = bytes.fromhex(mac.replace(":", "")) + self.socket.getsockname()[4]

    def send(self, f, flags, seq, ack, data=b""):
        """A segment from the server of this flow to its camera."""
        body = packet.tcp(443, f.port, flags, data, seq=seq & 0xffffffff, ack=ack & 0xffffffff)
        body = f.checked(packet.TCP, body, 16, False)  # the sum is the same in both directions
        if f.six:
            self.socket.send(self.head + b"\x86\xdd" + packet.ipv6(f.dst, f.src, packet.TCP, body))
        else:
            self.socket.send(self.head + b"\x08\0" + packet.ipv4(f.dst, f.src, packet.TCP, body))

    def close(self):
        self.socket.close()


def wait_answered(f):
    wait_for(f.answered, 3, f"{f.kind}: no answer to the SYN")


def learn(wire, d, six):
    """The kind of a suspect's TLS to one server is known from here on."""
    f = Flow(wire, "learn", 1900 + six, six)
    f.syn()
    wait_answered(f)
    f.segment(flags=ACK)
    f.segment(HELLO)
    name = "askt6" if six else "askt4"
    wait_for(lambda: SUSPECT[six] in d.lab.gateway.run("nft", "list", "set", "inet", "lenscap", name), 3, f"nothing in {name}")


def by_kind(wire, d, kind, port, six):
    """A flow of a known kind whose SYN has passed in the kernel."""
    before = d.counters()["c_kind"]
    f = Flow(wire, kind, port, six)
    f.syn()
    wait_answered(f)
    check(d.counters()["c_kind"] > before, f"{kind}: its SYN did not pass by its kind")
    f.segment(flags=ACK)
    return f


def nothing_else(outside, server, ports):
    outside.close()
    wire = [(port, data[:40]) for port, data in outside.seen if port in ports and data not in HELLO]
    check(not wire, f"payload left the gateway: {wire}")
    served = [(port, data) for _a, port, data in server.report()["suspects"] if port in ports and not HELLO.startswith(bytes.fromhex(data))]
    check(not served, f"payload reached the server: {served}")


@tests.add("a camera that sends itself its server's SYN and ServerHello gets nothing out by them, IPv4 and IPv6")
def kinds_forged():
    with tls_gateway(text=policy(QUIET)) as (lab, d, server):
        lab.gateway.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.cam0.rp_filter=0")
        wire, forger, outside, ports = Wire(lab.camera), Forger(lab), Outside(lab.internet), set()
        for six in (False, True):
            learn(wire, d, six)
            # What the SYN in the server's name says lies before what the server reads: the hello is old to it.
            f = by_kind(wire, d, "hello before the beginning", 2100 + six, six)
            forger.send(f, SYN | ACK, f.their() - 1, f.isn + 1 - len(HELLO))
            queued = d.queued()
            f.segment(HELLO, at=-len(HELLO))
            wait_for(lambda queued=queued: d.queued() > queued, 2, "the hello is not asked for")
            f.segment(HTTP)
            f.segment(HELLO[-1:] + HTTP, at=-1)
            # The hello dies on its way, and the camera answers it itself.
            g = by_kind(wire, d, "own ServerHello", 2200 + six, six)
            queued = d.queued()
            g.segment(HELLO, ttl=hostile.SHORT)
            wait_for(lambda queued=queued: d.queued() > queued, 2, "the hello is not asked for")
            offload = d.counters()["c_offload"]
            forger.send(g, PSH | ACK, g.their(), g.isn + 1 + len(HELLO), b"\x16\3\3\0\x46\2" + b"\0" * 69)
            g.segment(HTTP)
            g.segment(LIE)
            check(d.counters()["c_offload"] == offload, "the kernel believes it")
            ports |= {f.port, g.port}
        nothing_else(outside, server, ports)
        wire.close()
        forger.close()


@tests.add("behind a SYN that passed by its kind payload hides in no header: IP options, extension headers, flags, keep-alives, IPv4 and IPv6")
def kinds_hidden():
    with tls_gateway(text=policy(QUIET)) as (lab, d, server):
        wire, outside, ports = Wire(lab.camera), Outside(lab.internet), set()
        for six in (False, True):
            learn(wire, d, six)
            cases = {"fin": hostile.FIN | ACK, "rst": hostile.RST | ACK, "urgent": hostile.URG | ACK, "no ack": PSH, "all": 0x3f, "none": 0}
            for n, (kind, flags) in enumerate(cases.items()):
                f = by_kind(wire, d, kind, 2300 + 2 * n + six, six)
                f.segment(LIE, flags=flags)
                f.segment(HTTP)
                ports.add(f.port)
            f = by_kind(wire, d, "keep-alives", 2400 + six, six)
            for data in HTTP[:60]:
                f.segment(bytes([data]), at=-1, flags=ACK)
            ports.add(f.port)
            f = by_kind(wire, d, "options", 2402 + six, six)
            body = packet.tcp(f.port, 443, PSH | ACK, LIE, seq=(f.isn + 1) & 0xffffffff, ack=f.their())
            body = f.checked(packet.TCP, body, 16, False)
            if six:
                for chain in (("hop",), ("dst",), ("dst", "dst"), ("hop", "dst")):
                    wire.send(True, packet.ipv6(f.src, f.dst, packet.TCP, body, extensions=chain), f.dst)
            else:
                for options in (b"\1\1\1\0", b"\x94\4\0\0", b"\1" * 39 + b"\0"):
                    wire.send(False, packet.ipv4(f.src, f.dst, packet.TCP, body, options=options), f.dst)
            ports.add(f.port)
        nothing_else(outside, server, ports)
        wire.close()
        return f"{len(ports)} connections by their kind, no byte"


@tests.add("a hello that was let go and has no answer yet: a reload takes it back, and nothing follows it under the new policy, IPv4 and IPv6")
def kinds_confirm_reload():
    text = policy(QUIET)
    with tls_gateway(text=text) as (lab, d, server):
        wire, outside, flows = Wire(lab.camera), Outside(lab.internet), []
        for six in (False, True):
            learn(wire, d, six)
            f = by_kind(wire, d, "unanswered", 2500 + six, six)
            f.segment(HELLO)
            flows.append(f)
        wait_for(lambda: len({p for p, data in outside.seen if data == HELLO and p >= 2500}) == 2, 3, "the hellos do not leave")
        d.reload(text.replace('name: ["allowed.example"]', 'name: ["never.example"]'))
        before, queued = len(outside.seen), d.queued()
        for f in flows:
            f.segment(HTTP, at=len(HELLO))
            f.segment(LIE)
            f.segment(HELLO)
        wait_for(lambda: d.queued() >= queued + 2, 3, "they are not judged again")
        for f in flows:
            f.segment(HTTP, at=len(HELLO))
        outside.close()
        check(len(outside.seen) == before, f"a policy that does not want them, and they speak: {outside.seen[before:]}")
        d.stop()
        ended = d.records("flow", "lenscap.ended=revoked")
        check({f.port for f in flows} <= {r["src_port"] for r in ended}, f"not revoked: {ended}")
        leaked = [(p, data[:40]) for p, data in outside.seen if data != HELLO]
        check(not leaked and len(outside.seen) == 4, f"{len(outside.seen)} segments with payload; {leaked}")
        wire.close()


@tests.add("where only the hash of a hello is kept, other bytes in its place are refused, whole or in parts, and its own may come again, IPv4 and IPv6")
def kinds_hash():
    with tls_gateway(text=policy(QUIET + ", watched-flows: 64")) as (lab, d, server):
        wire, outside = Wire(lab.camera), Outside(lab.internet)
        for six in (False, True):
            learn(wire, d, six)
        many = [by_kind(wire, d, "keeps its bytes", 2600 + n, n % 2 == 1) for n in range(6)]
        for f in many:
            f.segment(HELLO)
        other = HELLO[:-30] + b"EVIL-NAMES-EVIL-NAMES-EVIL-NAM"
        for six in (False, True):
            whole, parts, same = (by_kind(wire, d, kind, 2700 + 2 * n + six, six) for n, kind in enumerate(("whole", "parts", "same")))
            for f in (whole, parts, same):
                f.segment(HELLO, ttl=hostile.SHORT)
            wait_for(lambda six=six: len([p for p, data in outside.seen if p >= 2700 and p % 2 == six]) == 3, 3, "the hellos do not leave")
            whole.segment(other)
            whole.segment(HTTP, at=len(HELLO))
            parts.segment(other[:100])
            parts.segment(other[100:], at=100)
            parts.segment(HTTP, at=50)
            same.segment(HELLO[:100])
            same.segment(HELLO[100:], at=100)
            wait_for(lambda port=same.port: sum(len(data) for p, data in outside.seen if p == port) == 2 * len(HELLO), 3, "its own bytes do not pass")
        outside.close()
        leaked = [(p, data[:40]) for p, data in outside.seen if data not in HELLO]
        check(not leaked, f"other bytes than those that were looked at: {leaked}")
        events = d.wait_record("anomaly", "anomaly.event=stream.overlap_other_data", count=4)
        wire.close()
        return f"{len(events)} attempts told of"
