# SPDX-License-Identifier: GPL-2.0-or-later
"""While others open 2,000 connections a second: what policy forbids gets no byte of payload out, and what is revoked ends in its time."""

import contextlib
import os
import socket
import threading
import time

from arrivals import counters
from daemon import NFT_MSG_NEWGEN, CommitWatch, wait_for
from loadgen import Load, asking, serving
from netcase import CN, HOSTS, NO, check, gateway, policy, tests
from test_revoke import soon
from traffic import Server, TcpStream, UdpFlood, connect

PER_S, SECONDS = 2000, float(os.environ.get("LENSCAP_LOAD_SECONDS", "6"))
PER_S_LEAST = 200  # of that, on a machine that others use as well: fewer would be no load
SUSPECT = ("198.51.100.41", "2001:db8:47::41")  # in NO as well: the handshake is let through, the answer depends on what is said
OPTIONS = "new-flows: 100000, stats: 1s"
CLOUD = '  - {name: cloud, from: cameras, to: {country: "NO", name: "*.vendor.example", trust-sni: true}, port: tcp/443, protocol: tls, action: allow}\n'
VIDEO = '  - {name: video, from: cameras, to: {country: "NO"}, port: tcp/8443, action: allow}\n'
ABROAD = '  - {name: abroad, from: cameras, to: {country: "CN"}, action: allow}\n'
BLOCK, REJECT = ("default: {action: " + a + ", alert: medium}\n" for a in ("block", "reject"))


def rules(*rows, default=BLOCK):
    return policy("rules:\n" + "".join(rows) + default, options=OPTIONS)


class FarSide:
    """What arrives for the suspects, counted by the kernel of their host: beginnings, segments with payload to the byte, datagrams."""

    def __init__(self, ns):
        self.ns = ns
        rows = []
        for words, address, base in (("ip", SUSPECT[0], 20), ("ip6", SUSPECT[1], 0)):
            rows += [f"{words} daddr {address} tcp flags & (syn | ack) == syn counter name begun;",
                     f"{words} daddr {address} meta l4proto udp counter name datagrams;"]
            rows += [f"{words} daddr {address} tcp doff {d} {words} length > {base + 4 * d} counter name payload;" for d in range(5, 16)]
        ns.run("nft", "-f", "-", data="table inet farside { counter begun { }; counter payload { }; counter datagrams { }; "
               f"chain c {{ type filter hook prerouting priority -300; {' '.join(rows)} }}; }}\n")

    def get(self):
        return counters(self.ns, "farside")


class Nonsense:
    """Connections of a camera to the suspects that say something else than TLS, one after the other, until closed."""

    def __init__(self, ns):
        self.said, self.answers, self.stop = 0, 0, threading.Event()
        self.thread = threading.Thread(target=self.work, args=(ns,), daemon=True)
        self.thread.start()

    def work(self, ns):
        n = 0
        while not self.stop.wait(0.005):
            n += 1
            s, _ = connect(ns, SUSPECT[n % 2], 443, 0.3)
            if s is None:
                continue
            with s, contextlib.suppress(OSError):
                s.settimeout(0.05)
                s.sendall(b"GET /private HTTP/1.0\r\n" + b"x" * 600 if n % 3 else b"\0" * 11)
                self.said += 1
                self.answers += bool(s.recv(100))

    def close(self):
        self.stop.set()
        self.thread.join(5)


@contextlib.contextmanager
def others(lab):
    """2,000 connections a second of another camera, half of them over IPv6; what became of them is in the list afterwards."""
    said = []
    with contextlib.ExitStack() as stack:
        loads = [stack.enter_context(asking(lab.cameras["cam-2"], a, PER_S // 2, "-w", 15000)) for a in NO]
        yield said
        said += [load.end() for load in loads]


def went_well(said, seconds):
    """None of the others' connections failed; how many there were a second."""
    failed, done = (sum(s[k] for s in said) for k in ("failed", "done"))
    check(failed == 0, f"{failed} allowed connections failed: {said}")
    check(done / seconds > PER_S_LEAST, f"only {done / seconds:.0f} connections a second: that is no load")
    return done / seconds


def forbidden(lab, d, texts):
    """Everything that is forbidden at once, while the policy changes between `texts`; what its senders said."""
    one = lab.camera
    with contextlib.ExitStack() as stack:
        wrong = [stack.enter_context(asking(one, a, 100, "-s", "evil.example", "-w", 300)) for a in SUSPECT]
        abroad = [stack.enter_context(asking(one, a, 50, "-w", 300)) for a in CN]
        datagrams = [stack.enter_context(Load(one, "flows", "-a", a, "-r", 200)) for a in SUSPECT]
        nonsense = stack.enter_context(contextlib.closing(Nonsense(one)))
        start, n = time.monotonic(), 0
        while time.monotonic() - start < SECONDS:
            time.sleep(0.5)
            n += 1
            d.reload(texts[n % len(texts)])
        return [w.end() for w in wrong], [a.end() for a in abroad], [f.end() for f in datagrams], nonsense, n


@tests.add("beside 2,000 new connections a second and reloads, the payload of connections that are refused never arrives, IPv4 and IPv6", alone=True)
def load_leaks_nothing():
    texts = rules(CLOUD, VIDEO), rules(VIDEO, CLOUD)
    with gateway(texts[0], hosts=(*HOSTS, *SUSPECT)) as (lab, d), serving(lab.internet, 443):
        far, start = FarSide(lab.internet), time.monotonic()
        with others(lab) as said:
            wrong, abroad, datagrams, nonsense, reloads = forbidden(lab, d, texts)
        rate = went_well(said, time.monotonic() - start)
        time.sleep(0.3)
        got, queue = far.get(), d.status()["queue"]
        tried, sent = sum(w["begun"] for w in wrong + abroad), sum(f["sent"] for f in datagrams)
        check(sum(w["done"] for w in wrong + abroad) == 0 and nonsense.answers == 0, f"a forbidden connection was answered: {wrong} {abroad}")
        check(min(w["begun"] for w in wrong) > 100 and nonsense.said > 10 and sent > 500, f"too little was tried: {tried}, {nonsense.said}, {sent}")
        check(got["begun"] > 100, f"only {got['begun']} of the forbidden got as far as a SYN, so their payload was not tried")
        check(got["payload"] == got["datagrams"] == 0, f"it arrived: {got} {queue}")
        check(d.status()["engine_restarts"] == 0, f"an engine was lost\n{d.log()}")
        # The counter that stayed at 0 counts: the same camera says an allowed name to the same addresses.
        proof = [asking(lab.camera, a, 20, "-N", 20).end(0) for a in SUSPECT]
        shown = far.get()["payload"]
        check(shown >= sum(p["done"] for p in proof) > 0, f"allowed connections to the same place: {proof}, {shown} segments counted")
        return (f"{rate:.0f} allowed connections a second, none failed, beside {reloads} reloads; {tried} connections with a wrong name or country, "
                f"{nonsense.said} that speak no TLS, {sent} datagrams: {got['begun']} SYNs and 0 bytes of payload arrived ({shown} segments of "
                f"{sum(p['done'] for p in proof)} allowed ones did)")


class Listener:
    """Takes datagrams and notes when the last one came."""

    def __init__(self, ns, port):
        self.count, self.last, self.closing = 0, 0.0, False
        self.socket = ns.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(("::", port))
        self.socket.settimeout(0.1)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.closing:
            try:
                self.socket.recv(2048)
            except TimeoutError:
                continue
            self.last, self.count = time.monotonic(), self.count + 1

    def silent_after(self, since):
        """Seconds from `since` until the last one; below zero when that was before."""
        wait_for(lambda: time.monotonic() - max(self.last, since) > 0.3, 5, "the datagrams do not end")
        return self.last - since

    def close(self):
        self.closing = True
        self.thread.join(2)
        self.socket.close()


NFT_MSG_NEWRULE, SO_RCVBUFFORCE = 10 << 8 | 6, 33


def rules_are_new(watch, seconds=10):
    """Monotonic time at which a transaction with rules ended: under load every second of them only adds to a set."""
    with contextlib.suppress(PermissionError):
        watch.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
    found, deadline = False, time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            data = watch.socket.recv(1 << 16)
        except TimeoutError:
            continue
        now = time.monotonic()
        while len(data) >= 16:
            kind = int.from_bytes(data[4:6], "little")
            if found and kind == NFT_MSG_NEWGEN:
                return now
            found |= kind == NFT_MSG_NEWRULE
            data = data[(int.from_bytes(data[0:4], "little") + 3) & ~3:]
    raise AssertionError("no transaction with rules was seen")


def reload_at(lab, d, text):
    """The moment at which the kernel had the new rules."""
    d.write_policy(text)
    with CommitWatch(lab.gateway) as watch:
        t = threading.Thread(target=d.reload)
        t.start()
        try:
            return rules_are_new(watch)
        finally:
            t.join()


def cut_under_load():
    with gateway(rules(CLOUD, VIDEO, ABROAD)) as (lab, d), serving(lab.internet, 443), Server(lab.internet, 8443) as server:
        start, listener = time.monotonic(), Listener(lab.internet, 5000)
        with others(lab) as said, contextlib.closing(listener):
            streams = [TcpStream(lab.camera, a, 8443) for a in CN]
            datagrams = [UdpFlood(lab.camera, a, 5000) for a in CN]
            neighbour = TcpStream(lab.cameras["cam-2"], NO[0], 8443)
            time.sleep(1)
            check(listener.count > 50 and min(s.exchanges for s in streams) > 5, "the streams do not run")
            before = neighbour.exchanges
            commit = reload_at(lab, d, rules(CLOUD, VIDEO, default=REJECT))
            silent = listener.silent_after(commit)
            wait_for(lambda: all(s.ended for s in streams), 5, f"the streams go on: {[s.ended for s in streams]}")
            wait_for(lambda: neighbour.exchanges > before + 30 or neighbour.ended, 10, "the neighbour stands still")
            for s in (*streams, *datagrams, neighbour):
                s.close()
        rate = went_well(said, time.monotonic() - start)
        check(all(s.ended[1] == "reset" for s in streams), f"the streams ended {[s.ended for s in streams]}")
        check(not neighbour.ended, f"the neighbour ended: {neighbour.ended}")
        wait_for(lambda: NO[0] in server.retransmitted, 5, "the server does not see the end")
        return [s.ended[0] - commit for s in streams] + [silent], f" (TCP, TCP, UDP), beside {rate:.0f} connections a second of which none failed"


@tests.add("beside 2,000 new connections a second a reload that revokes ends settled streams in time; neighbours and newcomers go on", alone=True)
def load_revokes():
    return soon(cut_under_load)
