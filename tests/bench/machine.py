# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a piece of work cost: processor time of a set of processes, of the whole machine, and of everybody who is not ours.

The kernel adds a process's time to its parent's when the parent waits for it, so the sum over all processes of own and waited time
never loses any: the difference of two such sums is what ran in between, also in programs that began and ended meanwhile.
"""

import os
import time

from daemon import children

TICK = os.sysconf("SC_CLK_TCK")
BUSY = (0, 1, 2, 5, 6)  # user, nice, system, irq, softirq of /proc/stat; the rest is idle or somebody else's guest
STEAL = 7


def stat(pid):
    """(own seconds, own and waited-for seconds) of a process; zeros when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            field = f.read().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    own, waited = int(field[11]) + int(field[12]), int(field[13]) + int(field[14])
    return own / TICK, (own + waited) / TICK


def times(pid):
    """(user seconds, system seconds) of a process."""
    with open(f"/proc/{pid}/stat") as f:
        field = f.read().rpartition(")")[2].split()
    return int(field[11]) / TICK, int(field[12]) / TICK


def tree(pid):
    """A process and all below it."""
    out, todo = [], [pid]
    while todo:
        out.append(todo.pop())
        todo += children(out[-1])
    return out


def everybody():
    return [int(p) for p in os.listdir("/proc") if p.isdigit()]


class Snapshot:
    """The counters of one moment. pids: the processes under test."""

    def __init__(self, pids):
        with open("/proc/stat") as f:
            cpu = [int(n) for n in f.readline().split()[1:]]
        self.time = time.monotonic()
        self.busy, self.steal = sum(cpu[i] for i in BUSY) / TICK, cpu[STEAL] / TICK
        self.tested = sum(stat(p)[0] for p in pids)
        every, ours = {p: stat(p) for p in everybody()}, tree(os.getpid())
        self.all = sum(both for _, both in every.values())
        self.ours = sum(stat(p)[1] for p in ours)
        self.others = {p: own for p, (own, _) in every.items() if p not in ours}


class Cost:
    """
    with Cost(pids) as c: …; then c.tested, c.busy, c.foreign, c.wall in seconds. pids() names the processes under test at the moment:
    one may begin late.
    """

    def __init__(self, pids=list):
        self.pids = pids

    def __enter__(self):
        self.before = Snapshot(self.pids())
        return self

    def __exit__(self, *_):
        a, b = self.before, Snapshot(self.pids())
        self.wall = b.time - a.time
        self.tested, self.busy, self.steal = b.tested - a.tested, b.busy - a.busy, b.steal - a.steal
        # Where nobody waits for a process its time is lost to the sum, so those that live count by themselves as well.
        alive = sum(max(0.0, own - a.others.get(p, 0.0)) for p, own in b.others.items())
        self.foreign = max(0.0, (b.all - a.all) - (b.ours - a.ours), alive)

    def noise(self):
        """Processors that others used meanwhile, 0 to the number there are."""
        return (self.foreign + self.steal) / max(self.wall, 0.01)


def idle_share(seconds=0.25):
    def read():
        with open("/proc/stat") as f:
            return [int(n) for n in f.readline().split()[1:9]]
    a = read()
    time.sleep(seconds)
    d = [y - x for x, y in zip(a, read())]
    return (d[3] + d[4]) / max(1, sum(d))


def wait_for_quiet(limit_s, share=0.9):
    """Until nearly nobody else works here, or limit_s have passed."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline and idle_share() < share:
        pass


def memory_kib(pids):
    """{"rss", "anon"} of these processes together; rss counts shared pages once in each."""
    out = {"rss": 0, "anon": 0}
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status") as f:
                rows = dict(line.split(":", 1) for line in f if ":" in line)
        except OSError:
            continue
        out["rss"] += int(rows.get("VmRSS", "0").split()[0])
        out["anon"] += int(rows.get("RssAnon", "0").split()[0])
    return out
