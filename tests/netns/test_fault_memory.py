# SPDX-License-Identifier: GPL-2.0-or-later
"""
Memory ends: the n-th allocation of a program fails, once. Either nothing is noticed, or the program says so and ends, and the next one judges;
never a crash, and never a packet of a settled stream.
"""

import contextlib
import os
import re
import signal
import struct
import subprocess

import daemon
from daemon import wait_for
from netcase import CN, NO, OPEN_TO_NO, REJECT_REST, check, gateway, policy, tests
from result import Skip
from settled import Settled
from traffic import Server, tcp

POINTS = int(os.environ.get("LENSCAP_MEMORY_POINTS", "8"))  # of each sweep
GATE, ENGINE, COMMAND, STORE, PLANNER, ROWS = range(6)
FIELDS = ("left", "next", "calls", "failed")
# SIGABRT is none: the C library's regcomp() ends a program by it, with a word, where it had no memory.
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}


class Memory:
    """The rows of tests/netns/short_memory.c."""

    def __init__(self, directory):
        if daemon.sanitized():
            raise Skip("a build for debugging has an allocator of its own")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "short_memory.c")
        self.preload, self.path = (os.path.join(directory, n) for n in ("short_memory.so", "short_memory"))
        flags = ["-O1", "-Wall", "-Wextra", "-D_GNU_SOURCE", *os.environ.get("LENSCAP_MEMORY_CFLAGS", "").split()]
        subprocess.run(["cc", *flags, "-shared", "-fPIC", "-o", self.preload, source], check=True, timeout=60)
        with open(self.path, "wb") as f:
            f.write(bytes(8 * len(FIELDS) * ROWS))
        os.chmod(self.path, 0o666)

    def environment(self):
        return {"LD_PRELOAD": self.preload, "LENSCAP_SHORT_MEMORY": self.path}

    def get(self, who, field):
        with open(self.path, "rb") as f:
            return struct.unpack_from("q", f.read(), 8 * (who * len(FIELDS) + FIELDS.index(field)))[0]

    def put(self, who, field, value):
        with open(self.path, "r+b", buffering=0) as f:
            f.seek(8 * (who * len(FIELDS) + FIELDS.index(field)))
            f.write(struct.pack("q", value))


@contextlib.contextmanager
def preloaded(memory):
    """What is started inside has short memory; all else is as it was."""
    os.environ.update(memory.environment())
    try:
        yield
    finally:
        for name in memory.environment():
            del os.environ[name]


def start(d, memory):
    with preloaded(memory):
        d.spawn()
    wait_for(lambda: d.process.poll() is not None or d.lenscap("status")[0] in (0, 10), 20, f"not ready\n{d.log()}", 0.1)


@contextlib.contextmanager
def short():
    """(lab, daemon, memory, settled streams)"""
    with gateway(policy(OPEN_TO_NO, fail="open"), start=False) as (lab, d), Server(lab.internet, 443):
        memory = Memory(d.directory)
        start(d, memory)
        check(memory.get(ENGINE, "calls") > 100 and memory.get(GATE, "calls") > 100, "the allocations are not counted")
        with Settled(lab) as settled:
            yield lab, d, memory, settled


def spread(most, points=None):
    """Numbers from 1 to `most`: the first few one by one, then ever further apart."""
    points = points or POINTS
    return sorted({max(1, round(most ** (i / max(1, points - 1)))) for i in range(points)} | {1, 2, 3})


def judges(lab, d):
    return (tcp(lab.cameras["cam-2"], NO[0], 443, timeout=0.5) == "answered"
            and tcp(lab.cameras["cam-2"], CN[0], 443, timeout=0.2) in ("timeout", "refused"))


def no_crash(d, what):
    with open(d.stderr_path, errors="replace") as f:
        text = f.read()
    crash = re.search(r"killed by signal (?:11|7|8|4)\b.*", text)
    check(not crash, f"{what}: {crash and crash[0]}\n{text[-3000:]}")


@tests.add("the engine's n-th allocation fails at its start: it works or ends with a word, the next one judges, settled streams lose nothing")
def fault_memory_start():
    with short() as (lab, d, memory, settled):
        os.kill(d.engine(), signal.SIGKILL)
        before = memory.get(ENGINE, "calls")
        wait_for(lambda: judges(lab, d), 10, "no engine")
        points = spread(memory.get(ENGINE, "calls") - before)
        failed = memory.get(ENGINE, "failed")
        for n in points:
            old = wait_for(d.engine, 5, "no engine")
            memory.put(ENGINE, "next", n)
            os.kill(old, signal.SIGKILL)
            wait_for(lambda: d.engine() not in (None, old) and judges(lab, d), 15, f"allocation {n}: nobody judges\n{d.log()}")
            no_crash(d, f"allocation {n} of the engine's start")
        failed = memory.get(ENGINE, "failed") - failed
        check(failed >= len(points) // 2, f"only {failed} of {len(points)} allocations failed")
        settled.went_on()
    return f"{failed} allocations failed, of numbers up to {points[-1]}; {settled.said()}"


@tests.add("the engine's n-th allocation fails during a reload and new connections: the same, and a reload says what became of it")
def fault_memory_reload():
    with short() as (lab, d, memory, settled):
        texts = [policy(OPEN_TO_NO, fail="open"), policy(REJECT_REST, fail="open")]
        before = memory.get(ENGINE, "calls")
        d.reload(texts[1])
        wait_for(lambda: judges(lab, d), 5)
        points, restarts, refused = spread(memory.get(ENGINE, "calls") - before), 0, 0
        failed = memory.get(ENGINE, "failed")
        for i, n in enumerate(points):
            old = wait_for(d.engine, 5, "no engine")
            d.write_policy(texts[i % 2])
            memory.put(ENGINE, "left", n)
            code, out, err = d.lenscap("reload", timeout=30)
            check(code in (0, 1, 3, 4) and (code == 0 or out + err), f"reload: {code} {out}{err}")
            refused += code != 0
            wait_for(lambda: judges(lab, d), 15, f"allocation {n}: nobody judges\n{d.log()}")
            restarts += d.engine() != old
            no_crash(d, f"allocation {n} of a reload")
        memory.put(ENGINE, "left", 0)
        d.reload()
        failed = memory.get(ENGINE, "failed") - failed
        check(failed >= len(points) // 2, f"only {failed} of {len(points)} allocations failed")
        settled.went_on()
    return f"{failed} allocations failed: {refused} reloads not answered by success, {restarts} engines replaced; {settled.said()}"


@tests.add("the reader of policies runs out of memory: the reload is refused and says why, the old policy stays")
def fault_memory_planner():
    with short() as (lab, d, memory, settled):
        before = memory.get(PLANNER, "calls")
        d.reload()
        points, refused = spread(memory.get(PLANNER, "calls") - before), 0
        for n in points:
            memory.put(PLANNER, "next", n)
            code, out, err = d.lenscap("reload", timeout=30)
            check(code in (0, 1) and (code == 0 or out + err), f"allocation {n}: reload: {code} {out}{err}")
            refused += code != 0
        no_crash(d, "the reader of policies")
        check(refused and judges(lab, d), f"{refused} refused")
        settled.went_on()
    return f"{len(points)} reloads, {refused} refused; {settled.said()}"


@tests.add("the gate's n-th allocation fails during a reload: it works, refuses, or ends with a word; settled streams lose nothing")
def fault_memory_gate():
    with short() as (lab, d, memory, settled):
        before = memory.get(GATE, "calls")
        d.reload()
        points, ends, refused = spread(memory.get(GATE, "calls") - before, POINTS // 2), 0, 0
        for n in points:
            memory.put(GATE, "left", n)
            code, out, err = d.lenscap("reload", timeout=30)
            check(out + err or code == 0, f"allocation {n}: reload: {code}")
            refused += code != 0
            if d.process.poll() is not None:
                ends += 1
                check(-d.process.returncode not in CRASHES, f"allocation {n}: the gate ended with {d.process.returncode}\n{d.log()}")
                check(d.log().strip(), "the gate ended without a word")
                d.end(signal.SIGKILL)
                memory.put(GATE, "left", 0)
                settled.went_on()
                with settled.excused():
                    start(d, memory)
                    settled.went_on()
            wait_for(lambda: judges(lab, d), 15, f"allocation {n}: nobody judges\n{d.log()}")
        no_crash(d, "the gate's children")
        check(memory.get(GATE, "failed") >= len(points) // 2, f"only {memory.get(GATE, 'failed')} allocations failed")
        settled.went_on()
        failed = memory.get(GATE, "failed")
    return f"{failed} allocations failed: {refused} reloads refused or unanswered, {ends} gates ended; {settled.said()}"


@tests.add("the n-th allocation of `lenscap check` fails: a word and an exit code, never a crash")
def fault_memory_check():
    with gateway(policy(OPEN_TO_NO), start=False) as (_, d):
        memory, codes, silent = Memory(d.directory), {}, []

        def run(n):
            memory.put(COMMAND, "next", n)
            with preloaded(memory):
                return d.lenscap("check", d.policy_path)
        run(0)
        points = spread(memory.get(COMMAND, "calls"), POINTS * 4)
        for n in points:
            code, out, err = run(n)
            codes[code] = codes.get(code, 0) + 1
            check(-code not in CRASHES, f"allocation {n}: `check` ended with {code}\n{out}{err}")
            if code and not out + err:
                silent.append((n, code))
        check(not silent, f"ended without a word: {silent}")
        check(len(codes) > 1 and memory.get(COMMAND, "failed") >= len(points) - 2, f"{codes}, {memory.get(COMMAND, 'failed')} failed")
    return f"{len(points)} runs; exit codes {codes}"
