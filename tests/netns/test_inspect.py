# SPDX-License-Identifier: GPL-2.0-or-later
"""What inspection costs an honest client, and what becomes of payload that waits when something else happens."""

import os
import signal
import socket
import statistics
import struct
import time

import speech
from daemon import wait_for
from netcase import NO, check, tests
from tlsclient import TCP_INFO, TOTAL_RETRANS
from tlslab import ask, finish_clients, policy, start_clients, tls_gateway
from traffic import word

CONNECTIONS = 300


def retransmitted(*namespaces):
    """TCP segments that were sent again, of all sockets of these namespaces since they exist."""
    total = 0
    for ns in namespaces:
        names, values = (line.split() for line in ns.read("/proc/thread-self/net/snmp").splitlines() if line.startswith("Tcp:"))
        total += int(values[names.index("RetransSegs")])
    return total


def percentiles(seconds):
    ms = sorted(s * 1000 for s in seconds)
    return statistics.median(ms), ms[len(ms) * 99 // 100]


def measure(lab):
    got = finish_clients(lab, start_clients(lab, CONNECTIONS, gap_ms=1))
    check(got["succeeded"] == CONNECTIONS and not got["retransmissions"], f"{got['wrong'][:3]}, {got['retransmissions']} retransmissions")
    return got["seconds"]


@tests.add("an allowed TLS connection takes milliseconds longer at most, and no segment is ever sent again", alone=True)
def inspect_latency():
    with tls_gateway(start=False) as (lab, d, server):
        before = measure(lab)
        d.start()
        check(ask(lab, "allowed.example") and ask(lab, "allowed.example", "ask6"), "no answer for the name")
        measure(lab)  # everybody has warmed up
        inspected = measure(lab)
        queued = d.queued()
        d.stop()
        lab.gateway.run("nft", "delete", "table", "inet", "lenscap")
        plain = before + measure(lab)
        again = retransmitted(lab.camera, server.namespace)
        check(2 * CONNECTIONS <= queued < 3 * CONNECTIONS, f"{queued} packets were queued for {2 * CONNECTIONS} connections")
        check(not again, f"{again} segments were sent again")
        (p50, p99), (with50, with99) = percentiles(plain), percentiles(inspected)
        check(with50 - p50 < 5, f"median {p50:.2f} ms without, {with50:.2f} ms with inspection")
        return (f"connect and handshake, plain: p50 {p50:.2f} ms, p99 {p99:.2f} ms; inspected: p50 {with50:.2f} ms, p99 {with99:.2f} ms; "
                f"added {with50 - p50:.2f} / {with99 - p99:.2f} ms; 0 retransmissions")


def greet(lab, address, hello, timeout=3.0):
    """(what came back: answered, reset …; retransmissions; seconds) of a hello that an ordinary socket sends."""
    with lab.camera.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(timeout)
        s.bind((lab.v6["cam-1"] if ":" in address else lab.v4["cam-1"], 0))
        start = time.monotonic()
        try:
            s.connect((address, 443))
            s.sendall(hello)
            how = "answered" if s.recv(4096)[:1] == b"\x16" else "closed"
        except OSError as e:
            how = word(e)
        info = s.getsockopt(socket.IPPROTO_TCP, TCP_INFO, 256)
        return how, struct.unpack_from("=I", info, TOTAL_RETRANS)[0], time.monotonic() - start


@tests.add("hellos of 2 to 14 KiB pass without a retransmission; one that no initial window holds is refused after hold-time")
def inspect_large_hello():
    with tls_gateway() as (lab, d, server):
        for size in (600, 2048, 4096, 8192, 12288, 13900):
            for address in NO:
                how, again, took = greet(lab, address, speech.hello("allowed.example", size=size))
                check((how, again) == ("answered", 0), f"{size} bytes to {address}: {how}, {again} retransmissions, {took:.3f} s\n{d.log()}")
                check(took < 1, f"{size} bytes to {address} took {took:.3f} s")
        # A client may send 10 segments before the first is acknowledged (RFC 6928), and none is before the answer.
        how, again, took = greet(lab, NO[0], speech.hello("allowed.example", size=16000), timeout=8)
        check(how == "reset" and 2 < took < 7, f"16000 bytes: {how} after {took:.1f} s")
        d.wait_record("anomaly", "anomaly.event=hold.too_long")
        return f"16000 bytes: {how} after {took:.1f} s with {again} retransmissions, as the first 14 KiB are never acknowledged"


class Half:
    """A connection whose hello has been sent in part: it waits in the queue."""

    def __init__(self, lab, address=NO[0]):
        self.hello = speech.hello("allowed.example")
        self.socket = lab.camera.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(3)
        self.socket.bind((lab.v4["cam-1"], 0))
        self.socket.connect((address, 443))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(self.hello[:100])

    def finish(self):
        try:
            self.socket.sendall(self.hello[100:])
            return "answered" if self.socket.recv(4096) else "closed"
        except OSError as e:
            return word(e)


def waiting(d):
    return d.queue()[2] if d.queue() else 0


@tests.add("what is held over a reload goes when the rest comes, if the new policy wants it, and falls if not")
def inspect_reload():
    text = policy("rollup: 2s, hold-time: 20s")  # longer than two reloads on a busy machine
    with tls_gateway(text=text) as (lab, d, server):
        kept, lost = Half(lab), Half(lab)
        wait_for(lambda: waiting(d) == 2, 1, "two packets wait in the kernel")
        d.reload(text.replace('name: ["allowed.example"]', 'name: ["allowed.example", "more.example"]'))
        got = kept.finish()
        check(got == "answered", f"the hello's end came after a reload: {got}")
        d.reload(text.replace('name: ["allowed.example"]', 'name: ["never.example"]'))
        got = lost.finish()
        check(got == "reset", f"the new policy does not want it: {got}")
        wait_for(lambda: waiting(d) == 0, 1, "nothing waits any more")


@tests.add("an engine that dies while packets are held, fail closed: none of them leaves, and a new connection works")
def inspect_engine_dies():
    with tls_gateway() as (lab, d, server):
        watch = lab.internet.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        watch.bind(("eth0", 3))
        watch.setblocking(False)
        halves = [Half(lab) for _ in range(5)]
        wait_for(lambda: waiting(d) == 5, 1, "five packets wait in the kernel")
        os.kill(d.engine(), signal.SIGKILL)
        wait_for(lambda: d.engine() and waiting(d) == 0, 5, "a new engine, and nothing waits")
        seen = []
        while True:
            try:
                seen.append(watch.recv(2048))
            except BlockingIOError:
                break
        watch.close()
        leaked = [f for f in seen if halves[0].hello[20:60] in f]
        check(seen and not leaked, f"{len(leaked)} held packets left the gateway")
        check(ask(lab, "allowed.example"), "no answer for the name")
        how, _, _ = greet(lab, NO[0], speech.hello("allowed.example"))
        check(how == "answered", f"after the restart a new connection is {how}")
