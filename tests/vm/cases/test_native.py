# SPDX-License-Identifier: GPL-2.0-or-later
"""The stock kernel has nft's own queue statement: the whole way of a flow through it, and what is left when a program dies."""

import os
import signal
import socket
import struct
import time

import packet
from capture import Capture
from daemon import children, wait_for
from netcase import CN, NO, OPEN_TO_ALL, OPEN_TO_NO, REJECT_REST, check, gateway, policy, tests
from traffic import Server, TcpStream, tcp, udp_send

GAP_S = 0.01  # an emulated processor has other things to do as well


def queue_rules(lab):
    """(queue statements of nft's own, xtables targets) of our tables, as nft lists them."""
    text = lab.gateway.run("nft", "-j", "list", "table", "inet", "lenscap")
    return text.count('{"queue"'), text.count('"xt"')


def goes_on(stream, count=20, seconds=10):
    """A settled stream makes further exchanges."""
    before = stream.exchanges
    wait_for(lambda: stream.exchanges >= before + count or stream.ended, seconds, f"a settled stream does not go on: {stream.exchanges} exchanges")
    check(not stream.ended, f"a settled stream ended: {stream.ended}")


@tests.add("the queue rule is nft's own; an allowed flow settles in the kernel, a refused one never arrives, a reload cuts a live one: IPv4 and IPv6")
def native_queue():
    with gateway(policy(OPEN_TO_ALL)) as (lab, d), Server(lab.internet, 443), Capture(lab.internet, "eth0") as c:
        native, xtables = queue_rules(lab)
        check(native > 0 and not xtables, f"{native} queue statements of nft's own, {xtables} xtables targets\n{d.table()}")
        check("managed by iptables" not in d.table(), d.table())
        streams = {a: TcpStream(lab.camera, a, 443, gap_s=GAP_S) for a in (NO[0], CN[0], NO[1], CN[1])}
        for s in streams.values():
            goes_on(s, 5)
        queued = d.queued()
        for s in streams.values():
            goes_on(s, 50)
        check(d.queued() - queued <= 4, f"{d.queued() - queued} packets of settled streams were queued")
        d.reload(policy(REJECT_REST))
        for a in CN:
            wait_for(lambda a=a: streams[a].ended, 5, f"the stream to {a} lives on after the reload")
            check(streams[a].ended[1] == "reset", f"the stream to {a} ended {streams[a].ended}")
        for a in NO:
            goes_on(streams[a])
        mark = len(c.seen)
        got = {a: tcp(lab.camera, a, 443, timeout=3) for a in (*CN, *NO)}
        check([got[a] for a in NO] == ["answered"] * 2, f"what is allowed: {got}")
        check([got[a] for a in CN] == ["refused"] * 2, f"what is rejected: {got}")
        for a in CN:
            udp_send(lab.camera, a, 443, 20)
        time.sleep(0.5)
        late = [p for p in c.seen[mark:] if p.dst in CN]
        check(not late and not c.lost(), f"{len(late)} packets of refused flows arrived: {late[:5]}")
        d.wait_record("alert", "alert.signature_id=1990007", count=2)
        for s in streams.values():
            s.close()
        return f"{native} queue statements; {queued} packets queued for 4 streams of over 50 exchanges each"


def engine_killed(fail):
    with gateway(policy(OPEN_TO_NO, fail=fail)) as (lab, d), Server(lab.internet, 443):
        streams = [TcpStream(lab.camera, a, 443, gap_s=GAP_S) for a in NO]
        for s in streams:
            goes_on(s, 5)
        for _ in range(2):
            old = d.engine()
            os.kill(old, signal.SIGKILL)
            for s in streams:
                goes_on(s, 5)
            wait_for(lambda old=old: d.engine() not in (None, old), 10, "no new engine")
            wait_for(lambda: tcp(lab.camera, NO[1], 443) == "answered", 10, "the new engine does not judge")
            wait_for(lambda: tcp(lab.camera, CN[0], 443, timeout=0.5) == "timeout", 10, "nobody refuses what is not allowed")
        for s in streams:
            goes_on(s, 5)
            s.close()
        d.wait_record("alert", "alert.signature_id=1990006")
        check(queue_rules(lab)[0] > 0, "the queue rule has gone")


@tests.add("behind the native queue the engine is killed twice, fail closed: settled streams go on, the next engine judges")
def native_engine_closed():
    engine_killed("closed")


@tests.add("the same, fail open")
def native_engine_open():
    engine_killed("open")


def gate_killed(fail, meanwhile):
    with gateway(policy(OPEN_TO_NO, fail=fail)) as (lab, d), Server(lab.internet, 443):
        stream = TcpStream(lab.camera, NO[0], 443, gap_s=GAP_S)
        goes_on(stream, 5)
        bypass = '"bypass"' in lab.gateway.run("nft", "-j", "list", "table", "inet", "lenscap")
        check(bypass == (fail == "open"), f"fail {fail}, and the queue rule says bypass: {bypass}")
        engine = children(d.process.pid)
        d.end(signal.SIGKILL)
        wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in engine), 5, "the engine outlives the gate")
        got = [tcp(lab.camera, a, 443, timeout=1) for a in CN]
        check(got == [meanwhile] * 2, f"without a gate new connections end {got}")
        goes_on(stream)
        d.start()
        check(tcp(lab.camera, NO[1], 443, timeout=3) == "answered", "after the restart what is allowed does not answer")
        check([tcp(lab.camera, a, 443, timeout=1) for a in CN] == ["timeout"] * 2, "after the restart what is refused answers")
        goes_on(stream)
        stream.close()


@tests.add("the gate is killed, fail open: the native queue's bypass passes what is undecided, settled flows go on, the next gate judges again")
def native_gate_open():
    gate_killed("open", "answered")


@tests.add("the gate is killed, fail closed: what is undecided drops, settled flows go on")
def native_gate_closed():
    gate_killed("closed", "timeout")


# nfnetlink_queue: what another program on the same gateway does. The kernel's names.
SUBSYSTEM, VERDICT, CONFIG = 3, 1, 2
F_REQUEST, F_ACK = 1, 4
CFG_CMD, CFG_PARAMS, CFG_MASK, CFG_FLAGS, CFG_F_CONNTRACK = 1, 2, 4, 5, 1 << 1
A_PACKET_HDR, A_VERDICT_HDR, A_CT = 1, 2, 11


def attribute(kind, data):
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def message(kind, queue, *attributes, flags=F_REQUEST):
    body = struct.pack("!BBH", 0, 0, queue) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), SUBSYSTEM << 8 | kind, flags, 0, 0) + body


def attributes_of(data):
    out, at = {}, 20
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        out[kind & 0x7fff] = data[at + 4:at + length]
        at += length + 3 & ~3
    return out


class OtherProgram:
    """Listens on a queue of its own and wants the conntrack entry with each packet."""

    def __init__(self, ns, queue):
        self.queue = queue
        self.socket = ns.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.socket.bind((0, 0))
        self.socket.settimeout(5)
        flag = struct.pack("!I", CFG_F_CONNTRACK)
        for attributes in ([attribute(CFG_CMD, struct.pack("!BBH", 1, 0, 0))], [attribute(CFG_PARAMS, struct.pack("!IB", 2048, 2))],
                           [attribute(CFG_FLAGS, flag), attribute(CFG_MASK, flag)]):
            self.socket.send(message(CONFIG, queue, *attributes, flags=F_REQUEST | F_ACK))
            error = struct.unpack_from("=i", self.socket.recv(4096), 16)[0]
            check(error == 0, f"queue {queue}: errno {-error}")

    def accept_one(self):
        """The attributes of the next packet, which passes."""
        a = attributes_of(self.socket.recv(65536))
        self.socket.send(message(VERDICT, self.queue, attribute(A_VERDICT_HDR, struct.pack("!I", 1) + a[A_PACKET_HDR][:4])))
        return a


@tests.add("beside a program that has the kernel send conntrack entries with its packets (NFQA_CT), our queue judges as ever")
def native_conntrack_attribute():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 5000), Capture(lab.internet, "eth0") as c:
        lab.gateway.run("nft", "-f", "-", data="table inet other { chain f { type filter hook forward priority 10; "
                        "iifname cam0 meta l4proto udp queue to 77; }; }\n")
        other = OtherProgram(lab.gateway, 77)
        for address in NO:
            udp_send(lab.camera, address, 5000, 1)
            a = other.accept_one()
            check(len(a.get(A_CT, b"")) > 40, f"no conntrack entry with the packet: {sorted(a)}")
        wait_for(lambda: len(c.packets(dport=5000, proto=packet.UDP)) == 2, 5, "what both allow does not arrive")
        for address in CN:
            udp_send(lab.camera, address, 5000, 3)
        d.wait_record("alert", f"dest_ip={CN[1]}", "alert.action=blocked")
        check(not [p for p in c.packets(proto=packet.UDP) if p.dst in CN], "what we refuse arrives")
        other.socket.settimeout(0.3)
        try:
            told = other.socket.recv(65536)
        except TimeoutError:
            told = b""
        check(not told, f"the other program sees what we have refused: {sorted(attributes_of(told))}")
        other.socket.close()
