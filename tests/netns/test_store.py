# SPDX-License-Identifier: GPL-2.0-or-later
"""Inventory and history: kept over restarts and deaths, asked for over the control socket, and never in a packet's way."""

import json
import os
import signal
import socket
import statistics
import threading
import time

import storewire as wire
from daemon import children, program, wait_for
from netcase import CN, CN2, NO, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, TcpStream, connect, tcp, udp

TEXT = policy(OPEN_TO_NO)


def store_of(d):
    return next((pid for pid in children(d.process.pid) if program(pid) == "lenscap-store"), None)


def history(d, kind, **args):
    """(rows, the last line), as a client of the control socket gets them."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(d.path("run", "view.sock"))
        s.sendall(json.dumps({"id": 1, "cmd": "history", "args": {"kind": kind, **args}}).encode() + b"\n")
        rows = []
        for line in s.makefile():
            answer = json.loads(line)
            if "event" not in answer:
                return rows, answer
            rows.append(answer["event"])
    raise AssertionError("the control socket has closed")


def rows(d, kind, **args):
    got, last = history(d, kind, **args)
    check(last["ok"] and last["data"]["rows"] == len(got), f"history {kind}: {last}")
    return got


def told(d, kind, wanted, **args):
    """Waits for rows of which `wanted` says yes."""
    return wait_for(lambda: [r for r in rows(d, kind, **args) if wanted(r)], 8, f"history {kind} {args}", every=0.1)


@tests.add("flows and refusals are history, also after a stop; devices are known again after a restart with the time they were seen first")
def store_keeps():
    with gateway(TEXT) as (lab, d), Server(lab.internet, 443):
        wait_for(lambda: store_of(d), 5, "no store was started")
        check(tcp(lab.camera, NO[0], 443) == "answered", "the allowed country does not answer")
        tcp(lab.camera, CN[0], 443, timeout=0.3)
        refused = told(d, "flows", lambda r: r["dest_ip"] == CN[0], blocked=True)[0]
        check(refused["country"] == "CN" and refused["decision"] == "block" and refused["device"] == "cam-1", f"{refused}")
        first = told(d, "devices", lambda r: r["device"] == "cam-1" and r["in_policy"])[0]
        live = TcpStream(lab.camera, NO[0], 443)
        time.sleep(0.2)
        d.stop()
        live.close()
        found = wire.rows(d.path("state", "history", "state.db"), f"SELECT flows, bytes_toclient > 0, decision FROM flows WHERE dest_ip = '{NO[0]}'")
        check(found and sum(r[0] for r in found) == 2 and all(r[1:] == (1, "allow") for r in found), f"after the stop: {found}")
        mode = os.stat(d.path("state", "history", "state.db")).st_mode & 0o777
        check(mode == 0o600, f"the database may be read by others: {mode:o}")
        d.start()
        wait_for(lambda: history(d, "devices")[1]["ok"], 5, "the store does not answer")
        again = told(d, "devices", lambda r: r["device"] == "cam-1")[0]
        check(again["first"] == first["first"], f"first seen {first['first']}, then {again['first']}")
        check(len(rows(d, "runs")) == 2, f"{rows(d, 'runs')}")
        check(not history(d, "nothing")[1]["ok"] and not history(d, "flow")[1]["ok"], "a wrong question is answered")
        check(not [p for p in d.status()["problems"] if "history" in p], d.status()["problems"])


@tests.add("what was refused before the store stood, and while none stood, is history all the same")
def store_late():
    with gateway(TEXT, start=False) as (lab, d):
        d.start()
        tcp(lab.camera, CN[0], 443, timeout=0.05)
        d.lenscap("reopen")
        check(history(d, "runs")[1]["ok"], "the first question does not wait for the store")
        told(d, "flows", lambda r: r["dest_ip"] == CN[0])
        told(d, "events", lambda r: r["kind"] == "reopen")
        for wait in (0, 0.4, 0.8): # that is how long the gate waits before it starts another one
            os.kill(store_of(d), signal.SIGKILL)
            wait_for(lambda: not d.status()["history"]["running"], 5, "the engine does not see that the store is gone", every=0.01)
            udp(lab.camera, CN2[0], 5000 + int(wait * 10), b"x", timeout=0.02)
            check(history(d, "runs")[1]["ok"], "a question does not wait for the next store")
            told(d, "flows", lambda r: r["dest_ip"] == CN2[0] and r["dest_port"] == 5000 + int(wait * 10))
        check(d.status()["problems"] == [], d.status()["problems"])


@tests.add("the store, the engine and both are killed: the next ones go on with the same history, and connections do not notice")
def store_killed():
    with gateway(TEXT) as (lab, d), Server(lab.internet, 443):
        stream = TcpStream(lab.camera, NO[0], 443)
        for round_ in range(6):
            store = wait_for(lambda: store_of(d), 15, f"no store\n{d.log()}")
            tcp(lab.camera, CN[round_ % 2], 443, timeout=0.2)
            engine = d.engine()
            if round_ % 3 != 1:
                os.kill(store, signal.SIGKILL)
            if round_ % 3 != 0:
                os.kill(engine, signal.SIGKILL)
            check(tcp(lab.camera, NO[0], 443, timeout=4) == "answered", f"round {round_}: the allowed country does not answer")
            wait_for(lambda: store_of(d) not in (None, store), 15, f"no other store\n{d.log()}")
        tcp(lab.camera, CN2[0], 443, timeout=0.2) # one that the kernel does not refuse by itself yet
        told(d, "flows", lambda r: r["dest_ip"] == CN2[0])
        check(not stream.ended, f"the settled stream ended: {stream.ended}")
        stream.close()
        d.stop()
        wire.rows(d.path("state", "history", "state.db"), "SELECT count(*) FROM flows")
        check(not [f for f in os.listdir(d.path("state", "history")) if "broken" in f], "a database was put aside")


def latency(lab, seconds=1.5):
    """Median of connection times to a host that is allowed, in ms: each is judged by the engine."""
    times, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        begin = time.monotonic()
        s, how = connect(lab.camera, NO[0], 443)
        check(s, f"a connection ended: {how}")
        times.append((time.monotonic() - begin) * 1000)
        s.close()
    return statistics.median(times)


class Load:
    """A store that is told 20,000 things a second, on the same disk."""

    def __init__(self, directory, per_second=20000):
        os.makedirs(directory)
        self.store = wire.Store(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "lenscap-engine")
                                if "BUILD" not in os.environ else os.path.join(os.environ["BUILD"], "lenscap-engine"), directory)
        self.store.inventory()
        self.rows = [wire.evidence(n % 997, n) for n in range(1000)]
        self.n, self.per_second, self.ended = 0, per_second, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        start = time.monotonic()
        while not self.ended:
            due = int((time.monotonic() - start) * self.per_second)
            while self.n + 1000 <= due:
                self.store.say(*self.rows)
                self.n += 1000
            time.sleep(0.005)
        self.rate = self.n / (time.monotonic() - start)

    def end(self):
        self.ended = True
        self.thread.join()
        self.store.end()
        return self.rate


@tests.add("connections take no longer while 20,000 things a second are written, nor while the store stands still", alone=True)
def store_in_nobodys_way():
    with gateway(policy(OPEN_TO_NO, options="new-flows: 1000000")) as (lab, d), Server(lab.internet, 443):
        store = wait_for(lambda: store_of(d), 5, "no store was started")
        latency(lab, 0.2)
        quiet = latency(lab)
        load = Load(d.path("load"))
        busy = latency(lab)
        rate = load.end()
        os.kill(store, signal.SIGSTOP)
        try:
            stopped = latency(lab)
        finally:
            os.kill(store, signal.SIGCONT)
        again = latency(lab, 0.2)
        limit = quiet * 3 + 3
        check(busy < limit and stopped < limit, f"quiet {quiet:.2f} ms, busy {busy:.2f} ms, store stopped {stopped:.2f} ms")
        check(rate > 10000, f"only {rate:.0f} a second were written")
        tcp(lab.camera, CN[0], 443, timeout=0.2)
        told(d, "flows", lambda r: r["dest_ip"] == CN[0])
        return f"median of a connection: quiet {quiet:.2f} ms, {rate:.0f} a second written {busy:.2f} ms, store stopped {stopped:.2f} ms, then {again:.2f} ms"
