# SPDX-License-Identifier: GPL-2.0-or-later
"""Not one payload byte before the answer: ten thousand hostile flows among a thousand honest ones, through the real queue."""

import os
import socket
import threading
import time
from collections import Counter

import hostile
from netcase import check, tests
from tlslab import SUSPECT, finish_clients, start_clients, tls_gateway

HOSTILE = int(os.environ.get("LENSCAP_HOSTILE", "10000"))
HONEST = int(os.environ.get("LENSCAP_HONEST", "1000"))


class Outside:
    """Payload of suspects on the first wire behind the gateway: [(port, bytes)]."""

    def __init__(self, namespace):
        self.seen, self.packets, self.stopping = [], 0, False
        self.suspects = {socket.inet_pton(socket.AF_INET, SUSPECT[0]), socket.inet_pton(socket.AF_INET6, SUSPECT[1])}
        self.socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 20)
        self.socket.bind(("eth0", 3))
        self.socket.settimeout(0.1)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.stopping:
            try:
                frame, where = self.socket.recvfrom(2048)
            except TimeoutError:
                continue
            if where[2] == 4:
                continue
            six = frame[12:14] == b"\x86\xdd"
            if (frame[22:38] if six else frame[26:30]) in self.suspects:
                self.packet(frame, six)

    def packet(self, frame, six):
        """IPv6 neighbour discovery does not get here: the gateway forwards."""
        self.packets += 1
        head = 54 if six else 14 + (frame[14] & 15) * 4
        total = 54 + int.from_bytes(frame[18:20], "big") if six else 14 + int.from_bytes(frame[16:18], "big")
        number, t = frame[20 if six else 23], frame[head:total]
        payload = t[(t[12] >> 4) * 4:] if number == 6 else t[8:]
        if payload:
            self.seen.append((int.from_bytes(t[:2], "big"), bytes(payload)))

    def close(self):
        time.sleep(0.3)
        self.stopping = True
        self.thread.join(1)
        lost = int.from_bytes(self.socket.getsockopt(263, 6, 8)[4:8], "little")
        self.socket.close()
        check(not lost, f"the capture itself lost {lost} packets")


def leaks_on_the_wire(outside, kinds):
    """Bytes by trick that are not pieces of the wanted hello of a trick that may show it; and how many bytes of that there were."""
    leaked, shown = Counter(), 0
    for port, payload in outside.seen:
        kind = kinds.get(port, f"port {port}")
        if kind in hostile.SHOWS_HELLO and payload in hostile.HELLO:
            shown += len(payload)
        else:
            leaked[kind] += len(payload)
    return leaked, shown


def leaks_at_the_server(report, kinds):
    leaked = Counter()
    for _address, port, data in report["suspects"]:
        kind = kinds.get(port, f"port {port}")
        if not (kind in ("port reused", "dies in part") and hostile.HELLO.startswith(bytes.fromhex(data))):
            leaked[kind] += len(data) // 2
    return leaked


@tests.add("hostile flows deliver no payload byte, on the wire or to the server, while every honest TLS connection works", alone=True)
def leak_nothing():
    with tls_gateway() as (lab, d, server):
        outside, attack = Outside(lab.internet), hostile.Attack(lab.camera)
        start = time.monotonic()
        clients = start_clients(lab, HONEST, gap_ms=15)
        attack.run(HOSTILE)
        honest = finish_clients(lab, clients)
        took = time.monotonic() - start
        attack.close()
        outside.close()
        stats, rules = d.counters(), d.status()
        report = server.report()
        wire, shown = leaks_on_the_wire(outside, attack.kinds)
        served = leaks_at_the_server(report, attack.kinds)
        check(attack.done == HOSTILE and attack.wire.sent > HOSTILE, f"only {attack.done} flows, {attack.wire.sent} packets were sent")
        check(not wire, f"payload left the gateway: {dict(wire)}")
        check(not served, f"payload reached the server: {dict(served)}")
        answered = len({port for port, _ in attack.wire.answers})
        check(answered > HOSTILE / 3, f"only {answered} hostile flows got as far as a handshake")
        check(shown > 0, "no wanted hello of a trick was seen: the capture does not work")
        check(honest["succeeded"] == HONEST, f"{HONEST - honest['succeeded']} honest clients failed: {honest['wrong'][:5]}\n{rules}\n{d.log()}")
        return (f"{HOSTILE} hostile flows of {len(hostile.TRICKS) + len(hostile.ELSEWHERE)} kinds, {attack.wire.sent} packets, {answered} "
                f"handshakes: 0 bytes on the wire (and {shown} of hellos that were allowed), 0 bytes at the server; {honest['succeeded']} of "
                f"{HONEST} honest connections, {honest['retransmissions']} retransmissions; {stats['c_queue']} packets queued; {took:.0f} s")
