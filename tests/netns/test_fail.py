# SPDX-License-Identifier: GPL-2.0-or-later
"""Either program may die; the network does what the policy said it should do then."""

import os
import signal
import threading
import time

from daemon import wait_for
from netcase import CN, NO, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, TcpStream, tcp


class Load:
    """New connections to one address at a steady rate; counts what happened to them."""

    def __init__(self, ns, address, port, rate):
        self.words, self.stop, self.threads = {}, threading.Event(), []
        for _ in range(10):
            t = threading.Thread(target=self.work, args=(ns, address, port, 10 / rate), daemon=True)
            t.start()
            self.threads.append(t)

    def work(self, ns, address, port, gap):
        due = time.monotonic()
        while not self.stop.is_set():
            got = tcp(ns, address, port, timeout=1.5)
            self.words[got] = self.words.get(got, 0) + 1
            due = max(due + gap, time.monotonic() - 1)
            time.sleep(max(0, due - time.monotonic()))

    def close(self):
        self.stop.set()
        for t in self.threads:
            t.join(3)
        return self.words


def kill_engine_rounds(rounds, fail):
    with gateway(policy(OPEN_TO_NO, fail=fail)) as (lab, d), Server(lab.internet, 443) as server:
        streams = [TcpStream(lab.camera, a, 443) for a in NO]
        time.sleep(0.3)
        load = Load(lab.cameras["cam-2"], NO[0], 443, 500)
        slowest = 0.0
        for _ in range(rounds):
            old = d.engine()
            start = time.monotonic()
            os.kill(old, signal.SIGKILL)
            wait_for(lambda: d.engine() not in (None, old), 2, "no new engine")
            wait_for(lambda: tcp(lab.camera, NO[1], 443, timeout=0.2) == "answered", 2, "the new engine does not judge")
            slowest = max(slowest, time.monotonic() - start)
            time.sleep(0.2)
        words = load.close()
        for s in streams:
            s.close()
        check(not any(s.ended for s in streams), f"settled streams ended: {[s.ended for s in streams]}")
        time.sleep(0.1)
        # The server's IPv4 address also serves the new connections, some of which lose packets.
        lost = sum(s.retransmitted for s in streams) + (server.retransmitted[NO[1]] if fail == "open" else 0)
        check(lost == 0, f"the settled streams lost {lost} segments")
        check(slowest < 1.0, f"an engine was back only after {slowest:.2f} s")
        check(tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", "after the last death a blocked flow passes")
        d.wait_record("alert", "alert.signature_id=1990006", count=1)
        return words, slowest, wait_for(lambda: d.status()["queue"]["uninspected"], 3, "uninspected packets are not counted")


@tests.add("the engine is killed ten times under 500 connections a second, fail closed: settled streams lose nothing, it is back within a second")
def fail_engine_closed():
    words, slowest, uninspected = kill_engine_rounds(10, "closed")
    check(words.get("answered", 0) > 100 and not set(words) - {"answered", "timeout"}, f"connections ended {words}")
    return f"back after {slowest * 1000:.0f} ms at most; new connections: {words}; {uninspected} packets answered without a judgement"


@tests.add("the same, fail open: no new connection is lost either")
def fail_engine_open():
    words, slowest, uninspected = kill_engine_rounds(10, "open")
    check(set(words) == {"answered"}, f"connections ended {words}")
    return f"back after {slowest * 1000:.0f} ms at most; new connections: {words}; {uninspected} packets answered without a judgement"


@tests.add("a stopped engine (SIGSTOP) is replaced after its deadline; what waited gets the fail mode")
def fail_engine_hangs():
    with gateway(policy(OPEN_TO_NO, fail="open")) as (lab, d), Server(lab.internet, 443):
        old = d.engine()
        os.kill(old, signal.SIGSTOP)
        start = time.monotonic()
        got = tcp(lab.camera, CN[0], 443, timeout=4)
        took = time.monotonic() - start
        check(got == "answered", f"fail open, and the connection ended {got}")
        wait_for(lambda: d.engine() not in (None, old), 3, "no new engine")
        wait_for(lambda: tcp(lab.camera, CN[1], 443, timeout=0.3) == "timeout", 3, "nobody judges")
        d.wait_record("alert", "alert.signature_id=1990020")
        return f"the waiting connection passed after {took:.2f} s, uninspected and told so"


def gate_dies(fail, during):
    with gateway(policy(OPEN_TO_NO, fail=fail)) as (lab, d), Server(lab.internet, 443):
        stream = TcpStream(lab.camera, NO[0], 443)
        time.sleep(0.2)
        engine = d.engine()
        d.end(signal.SIGKILL)
        wait_for(lambda: not os.path.exists(f"/proc/{engine}"), 2, "the engine outlives the gate")
        got = [tcp(lab.camera, a, 443, timeout=0.5) for a in (CN[0], CN[1])]
        check(got == [during, during], f"without a gate new connections end {got}")
        time.sleep(0.2)
        d.start()
        time.sleep(0.3)
        check(not stream.ended, f"the settled stream ended: {stream.ended}")
        check(tcp(lab.camera, NO[0], 443) == "answered", "after the restart the allowed country does not answer")
        check(tcp(lab.camera, CN[0], 443, timeout=0.4) == "timeout", "after the restart the blocked country answers")
        stream.close()
        check(stream.retransmitted == 0, f"the settled stream lost {stream.retransmitted} segments")
        return f"new connections meanwhile: {during}; the settled stream made {stream.exchanges} exchanges"


@tests.add("the gate is killed, fail open: undecided packets pass; after the restart settled flows go on and the rest is judged")
def fail_gate_open():
    return gate_dies("open", "answered")


@tests.add("the gate is killed, fail closed: undecided packets drop; settled flows go on all the time")
def fail_gate_closed():
    return gate_dies("closed", "timeout")
