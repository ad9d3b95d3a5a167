# SPDX-License-Identifier: GPL-2.0-or-later
"""The engine stands still, is slow, or the gate does; signals come in storms. Settled streams notice nothing of it."""

import os
import signal
import threading
import time

from daemon import rss_kib, wait_for
from netcase import CN, NO, OPEN_TO_NO, REJECT_REST, check, gateway, policy, tests
from settled import Settled
from traffic import Server, tcp


def hangs(fail, during):
    with gateway(policy(OPEN_TO_NO, fail=fail)) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        other = lab.cameras["cam-2"]
        old, start = d.engine(), time.monotonic()
        os.kill(old, signal.SIGSTOP)
        got = tcp(other, CN[0], 443, timeout=4)
        check(got == during, f"fail {fail}, and the connection ended {got}")
        wait_for(lambda: d.engine() not in (None, old), 5, "no new engine")
        wait_for(lambda: tcp(other, CN[1], 443, timeout=0.3) == "timeout" and tcp(other, NO[0], 443, timeout=0.5) == "answered", 8, "nobody judges")
        took = time.monotonic() - start
        settled.went_on()
        counted = wait_for(lambda: d.status()["queue"]["uninspected"], 8, "not counted")
        d.wait_record("alert", "alert.signature_id=1990020", seconds=8)
        d.wait_record("alert", "alert.signature_id=1990006", seconds=8)
    return f"replaced after {took:.1f} s, {counted} packets {'passed' if fail == 'open' else 'dropped'} uninspected; {settled.said()}"


@tests.add("the engine hangs (SIGSTOP), fail open: past its deadline it is replaced, what waited passes, counted, alerted; settled streams lose nothing")
def fault_engine_hangs_open():
    return hangs("open", "answered")


@tests.add("the engine hangs (SIGSTOP), fail closed: past its deadline it is replaced, what waited drops, counted, alerted; settled streams lose nothing")
def fault_engine_hangs_closed():
    return hangs("closed", "timeout")


class Stutter:
    """Stops a process for `still` of every `period` seconds."""

    def __init__(self, pid, still, period):
        self.pid, self.times, self.stop = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.work, args=(still, period), daemon=True)
        self.thread.start()

    def work(self, still, period):
        while not self.stop.is_set():
            os.kill(self.pid, signal.SIGSTOP)
            time.sleep(still)
            os.kill(self.pid, signal.SIGCONT)
            self.times += 1
            self.stop.wait(period - still)

    def close(self):
        self.stop.set()
        self.thread.join(10)


@tests.add("the engine is slow but within its deadline: everything is judged, nothing is told as unjudged; settled streams lose nothing")
def fault_engine_slow():
    # A deadline that a busy machine keeps as well.
    with gateway(policy(OPEN_TO_NO, options="engine-deadline: 6s")) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        other, engine = lab.cameras["cam-2"], d.engine()
        slow = Stutter(engine, 0.25, 0.3)
        try:
            words = [tcp(other, a, 443, timeout=8) for a in NO * 4]
            blocked = [tcp(other, a, 443, timeout=0.6) for a in CN]
        finally:
            slow.close()
        check(set(words) == {"answered"} and set(blocked) == {"timeout"}, f"allowed: {words}, blocked: {blocked}")
        settled.went_on()
        time.sleep(2.5)  # what is not judged is told when readings agree
        check(d.engine() == engine and d.status()["queue"]["uninspected"] == 0, f"{d.status()['queue']}")
    return f"stopped {slow.times} times for 250 ms; {settled.said()}"


@tests.add("the gate stands still for two seconds: settled streams lose nothing, what waits is judged afterwards")
def fault_gate_hangs():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        engine, got = d.engine(), []
        os.kill(d.process.pid, signal.SIGSTOP)
        t = threading.Thread(target=lambda: got.append(tcp(lab.cameras["cam-2"], NO[0], 443, timeout=10)))
        t.start()
        time.sleep(2)
        settled.went_on()
        os.kill(d.process.pid, signal.SIGCONT)
        t.join(12)
        check(got == ["answered"], f"the connection that waited ended {got}")
        check(tcp(lab.cameras["cam-2"], CN[0], 443, timeout=0.3) == "timeout", "the blocked country answers")
        check(d.engine() == engine, "the engine was replaced")
    return settled.said()


@tests.add("a storm of SIGHUPs under load: every connection is answered, both processes live, memory is flat, the last policy is in force")
def fault_hangup_storm():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        engine, pid = d.engine(), d.process.pid
        fds = len(os.listdir(f"/proc/{pid}/fd"))
        words, sent, deadline = {}, 0, time.monotonic() + 2.5
        while time.monotonic() < deadline:
            for _ in range(100):
                d.process.send_signal(signal.SIGHUP)
                sent += 1
            got = tcp(lab.cameras["cam-2"], NO[0], 443, timeout=10)
            words[got] = words.get(got, 0) + 1
        d.write_policy(policy(REJECT_REST))
        d.process.send_signal(signal.SIGHUP)
        wait_for(lambda: tcp(lab.cameras["cam-2"], CN[0], 443, timeout=0.3) == "refused", 10, "the last policy does not come into force")
        check(set(words) == {"answered"}, f"connections ended {words}")
        check(d.engine() == engine and d.process.pid == pid, "a process was replaced")
        wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= fds + 2, 5, "the gate holds more descriptors than before")
        reloads = d.status()["generation"]
        settled.went_on()
    return f"{sent} signals, generation {reloads}, connections {words}; {settled.said()}"


@tests.add("the engine is killed, and its successors before they are ready: the wait grows, then it judges; settled streams lose nothing")
def fault_engine_dies_again():
    with gateway(policy(OPEN_TO_NO, fail="open")) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        other, killed, start = lab.cameras["cam-2"], set(), time.monotonic()
        while len(killed) < 5 and time.monotonic() - start < 20:
            pid = d.engine()
            if pid and pid not in killed:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            time.sleep(0.005)
        took = time.monotonic() - start
        check(len(killed) == 5, f"only {len(killed)} engines came within 20 s")
        check(took > 0.5, f"5 engines within {took:.2f} s: the gate does not wait between them")
        check(tcp(other, CN[0], 443) in ("answered", "timeout"), "an answer that is none")
        wait_for(lambda: tcp(other, CN[1], 443, timeout=0.3) == "timeout" and tcp(other, NO[1], 443) == "answered", 10, "nobody judges")
        d.wait_record("alert", "alert.signature_id=1990006", seconds=8)
        check(rss_kib(d.process.pid) < 100000, "the gate grows")
        settled.went_on()
    return f"5 engines killed in {took:.1f} s; {settled.said()}"
