# SPDX-License-Identifier: GPL-2.0-or-later
"""
Rows that take minutes: they run when they are named, or all with --long. What they have in common is a large number, and that
memory is looked at while it is reached.
"""

import contextlib
import json
import os
import subprocess
import time

import machine
from daemon import program
from road import ADDRESSES, FIRST_V4, LOAD, TLS, lenscap_running, resolve
from rows import AT_ONCE, SINGLES, ask, flows_memory, log_size, refusals

LONG = set()
ALLOWED_BY_TIME = 4  # seconds that a status may be behind: news of conntrack come when they come


def long_row(name):
    """A single row that nobody gets who has not asked for it."""
    def register(function):
        SINGLES[name] = function
        LONG.add(name)
        return function
    return register


CONNTRACK_MAX = "/proc/sys/net/netfilter/nf_conntrack_max"


@contextlib.contextmanager
def conntrack_room(n):
    """Room for n connections in conntrack: that limit is one for all namespaces, and is put back."""
    with open(CONNTRACK_MAX) as f:
        before = int(f.read())
    try:
        if before < n:
            with open(CONNTRACK_MAX, "w") as f:
                f.write(str(n))
        yield
    finally:
        if before < n:
            with open(CONNTRACK_MAX, "w") as f:
                f.write(str(before))


def memory_by_program(d):
    """{program: MiB resident}, and "all"."""
    out = {}
    for pid in d.pids():
        out[program(pid)] = out.get(program(pid), 0) + machine.memory_kib([pid])["rss"] / 1024
    return {**out, "all": sum(out.values())}


def unharmed(d):
    """{figure: number} of what must not have happened."""
    s = d.status()
    return {"engines_lost": s["engine_restarts"], "dropped": s["queue"]["dropped"], "uninspected": s["queue"]["uninspected"]}


# A million connections

PARTS = (10, 50, 100)  # per cent of them at which memory is looked at
LOG_ROOM = 128 << 20


class Log:
    """A log that is made new when it has grown, as logrotate does it: a million connections are 2.5 GB. Refusals in it are counted first."""

    def __init__(self, d):
        self.d, self.blocked, self.bytes, self.files = d, 0, 0, 0

    def count(self, path):
        """Of a file that nobody writes to any more; it is removed."""
        self.blocked, self.bytes = self.blocked + refusals(path), self.bytes + os.path.getsize(path)
        os.unlink(path)

    def turn(self):
        old = f"{self.d.eve_path}.{self.files}"
        self.files += 1
        os.rename(self.d.eve_path, old)
        code, out, err = self.d.lenscap("reopen")
        if code:
            raise RuntimeError(f"reopen: {code} {out}{err}")
        deadline = time.monotonic() + 10
        while not os.path.exists(self.d.eve_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.count(old)

    def look(self):
        if log_size(self.d) > LOG_ROOM:
            self.turn()


def accepted(ns):
    """Connections that the servers of a namespace have taken."""
    names, values = [line.split() for line in ns.read("/proc/thread-self/net/snmp").splitlines() if line.startswith("Tcp:")]
    return int(values[names.index("PassiveOpens")])


class Million:
    """All cameras together, until they have had their connections; memory at each of PARTS."""

    def __init__(self, road, d, count):
        self.road, self.d, self.log = road, d, Log(d)
        self.parts = {p: count * p // 100 for p in PARTS}
        self.marks, self.curve, self.start = {}, [], time.monotonic()
        self.before = accepted(road.internet)
        share = -(-count // len(road.cameras))
        self.clients = [ns.start(os.path.join(LOAD, "conn"), "ask", "-a", FIRST_V4, "-n", str(ADDRESSES), "-p", str(TLS), "-c",
                                 str(AT_ONCE // 2), "-N", str(share), stdout=subprocess.PIPE, text=True) for ns in road.cameras.values()]

    def look(self):
        done, memory = accepted(self.road.internet) - self.before, memory_by_program(self.d)
        self.curve.append((round(time.monotonic() - self.start, 1), done, {k: round(v, 2) for k, v in memory.items()}))
        for part, at in self.parts.items():
            if done >= at:
                self.marks.setdefault(part, memory)
        self.log.look()

    def run(self, limit_s):
        """What the clients said. Raises RuntimeError when it takes longer than limit_s."""
        while any(p.poll() is None for p in self.clients):
            if time.monotonic() - self.start > limit_s:
                raise RuntimeError(f"not over after {limit_s} s: {self.curve[-1]}")
            self.look()
            time.sleep(0.5)
        self.look()
        # Some may never have arrived: then the end is what there is at the end.
        self.marks.setdefault(PARTS[-1], memory_by_program(self.d))
        said = [json.loads(p.communicate(timeout=5)[0]) for p in self.clients]
        for ns, p in zip(self.road.cameras.values(), self.clients):
            ns.processes.remove(p)
        return said


def growth(marks, a, b):
    """By how much the process that grew most has grown between two parts, as a share of what it was."""
    return max(marks[b][name] / marks[a][name] - 1 for name in marks[a] if marks[a][name] > 0)


@long_row("million")
def million(road, run):
    """1,000,000 short TLS connections in a row from three cameras: none refused that policy allows, memory flat, no lock-out."""
    count = 50000 if run.quick else 1000000
    with conntrack_room(400000), lenscap_running(road, "enforce") as d:
        for camera in road.cameras.values():
            resolve(camera)
        m = Million(road, d, count)
        said = m.run(1500)
        after = ask(road, "-N", "2000", at_once=1)  # who is locked out now?
        found = unharmed(d)
        dropped_records = sum(o["dropped"] for o in d.status()["outputs"])
        m.log.turn()
    seconds = max(s["seconds"] for s in said)
    run.tell("million", marks=m.marks, curve=m.curve[::max(1, len(m.curve) // 60)], clients=said, after=after)
    resident = {f"{name}_mib_{part}": v for part, memory in m.marks.items() for name, v in memory.items()}
    return {"begun": sum(s["begun"] for s in said), "refused": sum(s["failed"] for s in said), "blocked_alerts": m.log.blocked,
            "refused_after": after["failed"], "longest_gap_ms": max(s["longest_gap_us"] for s in said) / 1e3, "per_s": sum(s["done"] for s in said) / seconds,
            "seconds": seconds, "growth_50_100": growth(m.marks, 50, 100), "growth_10_100": growth(m.marks, 10, 100),
            "log_mb": m.log.bytes / 1e6, "log_dropped": dropped_records, **found, **resident}


# Very many at a time

@long_row("memory-1m")
def memory_1m(road, _run):
    """Resident memory of all processes with 1,000,000 live flows."""
    with conntrack_room(1100000):
        return flows_memory(road, 1000000, 1048576)


CROWD_PER_S = 10000


@long_row("crowd")
def crowd(road, run):
    """600,000 live flows that came at 10,000 a second, and another camera's connections meanwhile: no engine lost, no packet dropped."""
    count = 100000 if run.quick else 600000
    with conntrack_room(700000), lenscap_running(road, "enforce") as d:
        for name in ("cam-1", "cam-2"):
            resolve(road.cameras[name])
        flood = road.camera.start(os.path.join(LOAD, "flows"), "-a", FIRST_V4, "-n", "64", "-r", str(CROWD_PER_S), "-N", str(count),
                                  stdout=subprocess.PIPE, text=True)
        other, curve = [], []
        while flood.poll() is None and len(other) < 200:
            other.append(ask(road, "-t", "2", "-r", "20", at_once=1, camera="cam-2"))
            curve.append((d.status()["flows"]["active"], round(memory_by_program(d)["all"], 1)))
        said = json.loads(flood.communicate(timeout=5)[0])
        road.camera.processes.remove(flood)
        deadline = time.monotonic() + ALLOWED_BY_TIME * 5
        while (flows := d.status()["flows"]["active"]) < said["sent"] and time.monotonic() < deadline:
            time.sleep(0.3)
        found, memory = unharmed(d), memory_by_program(d)
    road.forget()
    run.tell("crowd", curve=curve, other=other)
    return {"sent": said["sent"], "per_s": said["per_s"], "flows": flows, "missing": max(0, said["sent"] - flows), "rss_mib": memory["all"],
            "other_done": sum(o["done"] for o in other), "other_failed": sum(o["failed"] for o in other),
            "other_p99_us": max(o["first_byte_us"].get("p99", 0) for o in other), **found}
