# SPDX-License-Identifier: GPL-2.0-or-later
"""
A camera that wants its bytes out: a TCP of its own over raw sockets, and every trick that makes a far stack read something else than
whoever looks on the way.

A trick is a generator. It sends what it likes and yields when it waits for an answer to its SYN.
"""

import random
import socket
import threading
import time

import packet
import speech
from tlslab import CN, NO, SUSPECT

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
HELLO = speech.hello("allowed.example")
LIE = speech.hello("evil.example")
HTTP = speech.http("allowed.example", "/?EVIL")
SHORT = 2  # a TTL that gets through the gateway, and no farther than the router behind it


def pseudo(path, number, length):
    return path.raw_src + path.raw_dst + (number.to_bytes(2, "big") + length.to_bytes(2, "big") if not path.six else
                                          length.to_bytes(4, "big") + number.to_bytes(4, "big"))


class Wire:
    """Raw sockets of the camera, and an ear for SYN-ACKs."""

    def __init__(self, namespace):
        self.four = namespace.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.six = namespace.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.ear = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.ear.bind(("eth0", 3))
        self.ear.settimeout(0.1)
        self.answers, self.acked, self.sent, self.stopping = {}, {}, 0, False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while not self.stopping:
            try:
                frame, where = self.ear.recvfrom(128)
            except TimeoutError:
                continue
            if where[2] == 4 or frame[12:14] not in (b"\x08\0", b"\x86\xdd"):
                continue
            six = frame[12] == 0x86
            if frame[20 if six else 23] != packet.TCP:
                continue
            t = frame[54:] if six else frame[14 + (frame[14] & 15) * 4:]
            port, seq, ack = int.from_bytes(t[2:4], "big"), int.from_bytes(t[4:8], "big"), int.from_bytes(t[8:12], "big")
            if t[13] & (SYN | ACK) == SYN | ACK:
                self.answers[port, ack] = seq
            elif t[13] & ACK:
                self.acked[port] = ack

    def send(self, six, data, dst):
        self.sent += 1
        try:
            (self.six if six else self.four).sendto(data, (dst, 0))
        except OSError:
            pass  # an ICMP error of an earlier packet

    def close(self):
        self.stopping = True
        self.thread.join(1)
        for s in (self.four, self.six, self.ear):
            s.close()


class Flow:
    def __init__(self, wire, kind, port, six, dst=None):
        self.wire, self.kind, self.port, self.six = wire, kind, port, six
        self.src, self.dst = SUSPECT[six], dst or NO[six]
        family = socket.AF_INET6 if six else socket.AF_INET
        self.raw_src, self.raw_dst = (socket.inet_pton(family, a) for a in (self.src, self.dst))
        self.isn = random.randrange(1 << 32)

    def ip(self, number, body, ttl=64):
        if self.six:
            self.wire.send(True, packet.ipv6(self.src, self.dst, number, body, hop=ttl), self.dst)
        else:
            self.wire.send(False, packet.ipv4(self.src, self.dst, number, body, ttl=ttl, ident=random.randrange(65536)), self.dst)

    def checked(self, number, body, at, spoil):
        sum_ = packet.checksum(pseudo(self, number, len(body)) + body) ^ (0x5555 if spoil else 0)
        return body[:at] + (sum_ or 0xffff).to_bytes(2, "big") + body[at + 2:]

    def segment(self, data=b"", at=0, flags=PSH | ACK, isn=None, ttl=64, spoil=False, ack=None):
        """A segment whose data has the place `at` in the stream."""
        seq = (self.isn if isn is None else isn) + (0 if flags & SYN else 1 + at)
        body = packet.tcp(self.port, 443, flags, data, seq=seq & 0xffffffff, ack=self.their() if ack is None and flags & ACK else ack or 0)
        self.ip(packet.TCP, self.checked(packet.TCP, body, 16, spoil), ttl)

    def syn(self, data=b"", **named):
        self.segment(data, flags=SYN, **named)

    def datagram(self, data, port=443, **named):
        self.ip(packet.UDP, self.checked(packet.UDP, packet.udp(self.port, port, data), 6, named.pop("spoil", False)), **named)

    def answered(self):
        return (self.port, (self.isn + 1) & 0xffffffff) in self.wire.answers

    def their(self):
        return (self.wire.answers.get((self.port, (self.isn + 1) & 0xffffffff), 0) + 1) & 0xffffffff


def opened(f):
    f.syn()
    yield
    f.segment(flags=ACK)


def says(data):
    def trick(f):
        yield from opened(f)
        f.segment(data)
    return trick


def pieces(data, cut, order=1):
    def trick(f):
        yield from opened(f)
        edges = [0, *sorted(cut(len(data))), len(data)]
        for a, b in list(zip(edges, edges[1:]))[::order]:
            f.segment(data[a:b], at=a)
    return trick


def halves(n):
    return [random.randrange(1, n)]


def overlapping(f):
    """The wanted hello in two halves, and between them other bytes over the first one."""
    yield from opened(f)
    f.segment(HELLO[:120])
    f.segment(HTTP[:60], at=30)
    f.segment(HELLO[120:], at=120)


def over_gap(f):
    """Other bytes wait behind a gap; the wanted hello comes over them."""
    yield from opened(f)
    f.segment(HTTP, at=10)
    f.segment(HELLO)


def dies_on_the_way(f):
    """The wanted hello does not get there; other bytes come in its place."""
    yield from opened(f)
    f.segment(HELLO, ttl=SHORT)
    yield
    f.segment(HTTP)
    f.segment(LIE)


def dies_in_part(f):
    yield from opened(f)
    f.segment(HELLO[:100])
    f.segment(HELLO[100:], at=100, ttl=SHORT)
    yield
    f.segment(HTTP, at=100)


def spoilt(f):
    yield from opened(f)
    f.segment(HELLO, spoil=True)
    f.segment(HTTP)


def in_syn(f):
    f.syn(HTTP)
    yield
    f.segment(flags=ACK)
    f.segment(HTTP)


def hello_in_syn(f):
    """A server without fast open throws the SYN's data away: the next bytes are the first."""
    f.syn(HELLO)
    yield
    f.segment(flags=ACK)
    f.segment(HTTP)


def urgent(f):
    yield from opened(f)
    f.segment(HELLO, flags=PSH | ACK | URG)
    f.segment(HTTP)


def fin_first(f):
    yield from opened(f)
    f.segment(HELLO[:50], flags=FIN | ACK)
    f.segment(HTTP, at=50)


def before_answer(f):
    f.syn()
    f.segment(HTTP, ack=1)
    f.segment(HTTP, flags=PSH)
    yield


def two_syns(f):
    """The server counts from the first SYN; the second one makes the wanted hello look like the beginning."""
    other = (f.isn - 1000) & 0xffffffff
    f.syn()
    f.syn(isn=other)
    yield
    f.segment(flags=ACK)
    f.segment(HTTP)
    f.segment(HELLO, isn=other)
    yield
    f.segment(HTTP)


def reset_and_again(f):
    """A reset that only the gateway sees, and a second connection over the first."""
    yield from opened(f)
    f.segment(flags=RST | ACK, ttl=SHORT)
    f.syn(isn=(f.isn - 1000) & 0xffffffff)
    f.segment(HELLO, isn=(f.isn - 1000) & 0xffffffff)
    f.segment(HTTP)


def reset_outside(f):
    yield from opened(f)
    f.segment(flags=RST, at=40000)
    f.segment(HTTP)
    f.segment(HELLO)


def reused(f):
    """First a wanted connection to its end; then another one from the same port."""
    yield from opened(f)
    f.segment(HELLO)
    yield
    f.segment(flags=RST | ACK, at=len(HELLO))
    f.isn = (f.isn + 500000) & 0xffffffff
    f.syn()
    yield
    f.segment(flags=ACK)
    f.segment(HTTP)


def error(f):
    """Bytes in an ICMP error about the connection that waits."""
    yield from opened(f)
    quoted = packet.tcp(443, f.port, ACK, b"EVIL" * 20)
    if f.six:
        inner = packet.ipv6(f.dst, f.src, packet.TCP, quoted)
        f.ip(packet.ICMP6, f.checked(packet.ICMP6, packet.icmp(1, 4, 0, 0, inner), 2, False))
    else:
        body = packet.icmp(3, 3, 0, 0, packet.ipv4(f.dst, f.src, packet.TCP, quoted))
        f.ip(packet.ICMP, body[:2] + packet.checksum(body).to_bytes(2, "big") + body[4:])


def echo(f):
    if f.six:
        f.ip(packet.ICMP6, f.checked(packet.ICMP6, packet.icmp(128, 0, f.port, 1, HTTP), 2, False))
    else:
        body = packet.icmp(8, 0, f.port, 1, HTTP)
        f.ip(packet.ICMP, body[:2] + packet.checksum(body).to_bytes(2, "big") + body[4:])
    return
    yield


def throws(data, **named):
    def trick(f):
        f.datagram(data, **named)
        f.datagram(data, **named)
        return
        yield
    return trick


# What may be seen of a trick on the wire: nothing, or pieces of the wanted hello, which was allowed.
TRICKS = {
    "wrong name": says(LIE), "http": says(HTTP), "noise": says(b"\xb7\x91" * 60 + b"EVIL"), "record only": says(LIE[:5]),
    "connect": says(b"CONNECT allowed.example:443 HTTP/1.1\r\n\r\n" + HELLO), "byte before": says(b"\0" + HELLO),
    "tls in socks": says(b"\5\1\0" + HELLO), "encrypted name": says(speech.hello("allowed.example", ech=True)),
    "cut": pieces(LIE, halves), "cut, reversed": pieces(LIE, halves, -1), "single bytes": pieces(LIE, lambda n: range(1, 20)),
    "single bytes, reversed": pieces(LIE, lambda n: range(1, 20), -1), "small records": says(speech.hello("evil.example", at_most=9)),
    "8 KiB": pieces(speech.hello("evil.example", size=8192), lambda n: range(1400, n, 1400)), "never complete": says(HELLO[:-1]),
    "overlapping": overlapping, "over a gap": over_gap, "dies on the way": dies_on_the_way, "dies in part": dies_in_part,
    "wrong checksum": spoilt, "data in SYN": in_syn, "hello in SYN": hello_in_syn, "urgent": urgent, "FIN first": fin_first,
    "before the answer": before_answer, "two SYNs": two_syns, "reset and again": reset_and_again, "reset outside": reset_outside,
    "port reused": reused, "ICMP error": error, "ICMP echo": echo,
    "quic": throws(speech.quic("evil.example")), "quic, right name": throws(speech.quic("allowed.example")),
    "quic, hidden": throws(speech.quic("allowed.example", ech=True)), "quic, spoilt": throws(speech.quic("allowed.example", spoil=True)),
    "quic, version 7": throws(speech.quic("allowed.example", version=7)), "dtls": throws(speech.dtls("allowed.example")),
    "stun": throws(speech.stun()), "pppp": throws(speech.pppp(), port=32100), "udp noise": throws(b"EVIL" * 9),
    "udp, wrong checksum": throws(b"EVIL" * 9, spoil=True), "question elsewhere": throws(speech.dns_question("evil.example"), port=443),
}
SHOWS_HELLO = ("dies on the way", "dies in part", "hello in SYN", "port reused")
ELSEWHERE = {"right name, no proof": says(HELLO), "no name": says(speech.hello())}  # to an address that has another name


class Attack:
    """Runs `count` flows in batches, each trick as often as any other, both families."""

    def __init__(self, namespace, batch=200):
        self.wire, self.batch = Wire(namespace), batch
        self.kinds = {}  # port: kind
        self.done = 0

    def flows(self, count):
        names = [*TRICKS, *ELSEWHERE]
        for n in range(count):
            name, port = names[n % len(names)], 2000 + n
            self.kinds[port] = name
            six = bool(n // len(names) & 1)
            yield Flow(self.wire, name, port, six, CN[six] if name in ELSEWHERE else None)

    def run(self, count, between=lambda: None):
        waiting = []
        for f in self.flows(count):
            waiting.append((f, (TRICKS.get(f.kind) or ELSEWHERE[f.kind])(f)))
            if len(waiting) == self.batch:
                self.play(waiting)
                waiting = []
                between()
        self.play(waiting)

    def play(self, flows):
        left = flows
        while left:
            left = [(f, t) for f, t in left if next(t, t) is not t]
            deadline = time.monotonic() + 0.15
            while time.monotonic() < deadline and not all(f.answered() for f, _ in left):
                time.sleep(0.005)
            time.sleep(0.01)
        self.done += len(flows)

    def close(self):
        self.wire.close()
