# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of single functions, from a program of their own (tests/bench/micro). What it has measured when time is up counts."""

import os
import re
import signal
import subprocess

from daemon import BUILD
from goals import number

MICRO = os.path.join(BUILD, "bench", "micro")
LINE = re.compile(r"^(?P<name>.+?) +(?P<median>-?[\d.]+) (?P<unit>\S+) +± *(?P<spread>-?[\d.]+) *(?:goal (?P<goal>\d+))?")
ABSENT = re.compile(r"^(?P<name>.+?) +not measured: (?P<why>.*)")


def case(line):
    """One line of the program as {"name", "median", "unit", "spread", "goal"}, or None."""
    if m := LINE.match(line):
        return {"name": m["name"].strip(), "median": float(m["median"]), "unit": m["unit"], "spread": float(m["spread"]),
                "goal": float(m["goal"]) if m["goal"] is not None else None}
    if m := ABSENT.match(line):
        return {"name": m["name"].strip(), "median": None, "unit": "", "spread": 0.0, "goal": None, "absent": m["why"]}
    return None


def measure(quick, limit_s):
    """(cases, what is wrong or "")."""
    if not os.path.exists(MICRO):
        return [], "micro: not built"
    with subprocess.Popen([MICRO, *(["--quick"] if quick else [])], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                          text=True, start_new_session=True) as p:
        wrong = ""
        try:
            out, _ = p.communicate(timeout=max(1, limit_s))
            if p.returncode:
                wrong = f"micro: ended with {p.returncode}"
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)  # each case is a process of its own
            out, _ = p.communicate()
            wrong = f"micro: only as far as {limit_s:.0f} s went"
    return [c for c in map(case, out.splitlines()) if c], wrong


def table(cases):
    for c in cases:
        goal, median = c.get("goal"), c["median"]
        verdict = "" if goal is None or median is None else f"  {'met' if median <= goal else 'NOT MET'}"
        limit = "" if goal is None else "≤ " + number(goal)
        yield f"{c['name']:50} {limit:>14} {number(median):>7} {c['unit']:5} {'± ' + number(c['spread']):>14}{verdict}" + (c.get("absent") or "")
