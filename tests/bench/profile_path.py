# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the time goes at as many new connections as there can be: user and kernel, function by function, call by call."""

import contextlib
import os
import re
import shutil
import signal
import subprocess

import machine
from daemon import BUILD
from road import lenscap_running, queued, resolve
from rows import ask

SECONDS, CALL_SECONDS, SHOWN = 8, 3, 25
RATE_HZ = 1999
ROW = re.compile(r"\s*([\d.]+)%\s+(\S+)\s+\[([k.])\]\s+(\S+)")


def name_of(pid):
    with open(f"/proc/{pid}/comm") as f:
        return f.read().strip()


@contextlib.contextmanager
def watched_by(*words):
    """A program that watches until the block ends."""
    p = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        p.send_signal(signal.SIGINT)
        try:
            p.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()


def split(road, d):
    """Lines: user and kernel time of each process a connection."""
    pids = d.pids()
    before, packets = {p: machine.times(p) for p in pids}, queued(road)
    got = ask(road, "-t", str(SECONDS))
    after, packets = {p: machine.times(p) for p in pids}, queued(road) - packets
    done = max(1, got["done"])
    yield f"{got['per_s']:.0f} connections a second, {packets / done:.2f} packets queued a connection; microseconds a connection:"
    for p in pids:
        user, kernel = (1e6 * (b - a) / done for a, b in zip(before[p], after[p]))
        yield f"  {name_of(p):16} user {user:6.1f}  kernel {kernel:6.1f}"


def functions(road, d):
    """Lines: the functions that took the most, of our processes alone."""
    perf, data = shutil.which("perf"), os.path.join(BUILD, "bench", "perf.data")
    if not perf:
        yield "no perf on this machine (linux-perf)"
        return
    with watched_by(perf, "record", "-q", "-e", "cpu-clock", "-F", str(RATE_HZ), "-o", data, "-p", ",".join(map(str, d.pids()))):
        ask(road, "-t", str(SECONDS))
    p = subprocess.run([perf, "report", "--stdio", "-q", "-i", data, "--sort", "comm,symbol", "-w", "16,60"], capture_output=True, text=True,
                       timeout=120, stdin=subprocess.DEVNULL)
    found = [ROW.match(line) for line in p.stdout.splitlines()]
    found = [(float(m[1]), m[2], m[3], m[4]) for m in found if m]
    for comm in sorted({f[1] for f in found}):
        kernel, user = (sum(f[0] for f in found if f[1] == comm and f[2] == kind) for kind in "k.")
        yield f"  {comm:16} user {user:5.1f} %  kernel {kernel:5.1f} %"
    yield from (f"  {share:5.2f} % {comm:16} {'kernel' if kind == 'k' else 'user  '} {symbol}" for share, comm, kind, symbol in found[:SHOWN])
    if not found:
        yield p.stderr.strip() or "perf saw nothing"


def calls(road, d):
    """Lines: system calls of each process a connection. Counting slows the processes, so only the counts mean something."""
    strace = shutil.which("strace")
    if not strace:
        yield "no strace on this machine"
        return
    for pid in d.pids():
        out = os.path.join(BUILD, "bench", f"calls-{name_of(pid)}")
        with watched_by(strace, "-f", "-c", "-S", "calls", "-o", out, "-p", str(pid)):
            got = ask(road, "-t", str(CALL_SECONDS))
        yield f"{name_of(pid)}:"
        with open(out) as f:
            rows = [line.split() for line in f if re.match(r"\s*\d+\.\d+\s", line)]
        for row in rows[:8]:
            if row[-1] != "total":
                yield f"  {row[-1]:16} {int(row[3]) / max(1, got['done']):6.3f} a connection"


def run(_run, road):
    with lenscap_running(road, "enforce") as d:
        resolve(road.camera)
        for part in (split, functions, calls):
            for line in part(road, d):
                print(line, flush=True)
            print()
    return 0
