# SPDX-License-Identifier: GPL-2.0-or-later
"""
The goal table: which figure of which row is judged, against what. A ratio is to the bare router ("none") or to the mark floor of the same
round; its median over the rounds counts, its spread is told.
"""

import statistics
from dataclasses import dataclass


@dataclass
class Goal:
    text: str
    row: str
    figure: str
    limit: float
    at_least: bool = False
    to: str = ""        # the mode that the figure is divided by; "": judged as it is
    mode: str = "enforce"
    unit: str = ""
    full_only: bool = False


GOALS = [
    Goal("settled TCP stream", "stream", "gbit_s", 0.95, True, "none"),
    Goal("settled TCP stream, our CPU", "stream", "cpu_s_gb", 0.005, unit="s/GB"),
    Goal("new TLS connections, name proved", "connect", "per_s", 0.80, True, "none"),
    Goal("new TLS connections, name proved", "connect", "per_s", 0.95, True, "mark"),
    Goal("new connections decided without payload", "cached", "per_s", 0.90, True, "none"),
    Goal("CPU of all our processes a connection", "connect", "cpu_us", 25, unit="us"),
    Goal("the same, until its record is written", "records", "cpu_us", 25, unit="us"),
    Goal("first byte, idle, p50", "idle", "p50_us", 1.6, to="none"),
    Goal("first byte, idle, p99", "idle", "p99_us", 1.5, to="none"),
    Goal("first byte beside 1 Gbit/s, p50", "beside-stream", "p50_us", 1.7, to="none"),
    Goal("first byte beside 1 Gbit/s, p99", "beside-stream", "p99_us", 1.7, to="none"),
    Goal("first byte beside 20,000 new flows/s, p50", "beside-flood", "p50_us", 1.7, to="none"),
    Goal("first byte beside 20,000 new flows/s, p99", "beside-flood", "p99_us", 1.7, to="none"),
    Goal("short connections in a row: refused", "without-end", "refused", 0),
    Goal("short connections in a row: RSS, second half", "without-end", "second_half_growth", 0.05, full_only=True),
    Goal("memory a flow, all processes", "memory-65k", "bytes_a_flow", 320, unit="B"),
    Goal("RSS of the engine, 65,000 flows", "memory-65k", "engine_mib", 40, unit="MiB"),
    Goal("RSS of the engine, 1,000,000 flows", "memory-1m", "engine_mib", 400, unit="MiB", full_only=True),
    Goal("10,000 rules, 1M names, 1M prefixes: load", "policy", "load_s", 2, unit="s"),
    Goal("reload of that under load: longest pause", "policy", "pause_ms", 50, unit="ms"),
    Goal("reload under load: longest pause", "reload", "pause_ms", 50, unit="ms"),
    Goal("reload under load: packets lost", "reload", "queue_lost", 0),
    Goal("reload under load: connections failed", "reload", "failed", 0),
    Goal("start to the first verdict", "start", "first_verdict_ms", 200, unit="ms"),
]


def values(samples, row, mode, figure):
    """{round: value}"""
    return {s["round"]: s["figures"][figure] for s in samples if s["row"] == row and s["mode"] == mode and
            s["figures"].get(figure) is not None}


def ratios(samples, row, mode, figure, to):
    ours, theirs = values(samples, row, mode, figure), values(samples, row, to, figure)
    return [v / theirs[n] for n, v in ours.items() if theirs.get(n)]


def judge(goal, samples):
    """{"value", "low", "high", "met"} or None when nothing was measured."""
    if goal.to:
        found = ratios(samples, goal.row, goal.mode, goal.figure, goal.to)
    else:
        found = list(values(samples, goal.row, goal.mode, goal.figure).values())
    if not found:
        return None
    value = statistics.median(found)
    return {"value": value, "low": min(found), "high": max(found), "met": value >= goal.limit if goal.at_least else value <= goal.limit}


def number(v):
    if v is None:
        return "-"
    if v == 0 or (abs(v) >= 100 and v == int(v)):
        return f"{v:.0f}"
    return f"{v:.0f}" if abs(v) >= 1000 else f"{v:.1f}" if abs(v) >= 10 else f"{v:.2f}" if abs(v) >= 0.1 else f"{v:.4f}"


SHOWN = ("gbit_s", "cpu_s_gb", "per_s", "p50_us", "p99_us", "cpu_us", "machine_us", "queued", "failed", "retransmitted", "beside_per_s", "beside_gbit_s")


def traffic_table(samples, rows, modes):
    """Lines: each figure of each traffic row, mode beside mode: median, and the median ratio to none."""
    for row in rows:
        figures = [f for f in SHOWN if any(values(samples, row, m, f) for m in modes)]
        if not figures:
            continue
        yield f"{row}"
        yield f"  {'':14}" + "".join(f"{m:>16}" for m in modes)
        for figure in figures:
            cells = []
            for m in modes:
                v = list(values(samples, row, m, figure).values())
                r = ratios(samples, row, m, figure, "none") if figure in ("gbit_s", "per_s", "p50_us", "p99_us") else []
                cells.append(f"{number(statistics.median(v)) if v else '-':>9}" + (f" {statistics.median(r):5.2f}x" if r else " " * 7))
            yield f"  {figure:14}" + "".join(cells)


def goal_table(verdicts):
    yield f"{'goal':47} {'measured':>10} {'spread':>17} {'wanted':>14}"
    for goal, v in verdicts:
        wanted = ("≥ " if goal.at_least else "≤ ") + number(goal.limit) + (f" of {goal.to}" if goal.to else f" {goal.unit}" if goal.unit else "")
        if v is None:
            yield f"{goal.text:47} {'-':>10} {'':>17} {wanted:>14}  not measured"
        else:
            yield (f"{goal.text:47} {number(v['value']):>10} {number(v['low']) + '..' + number(v['high']):>17} {wanted:>14}  "
                   f"{'met' if v['met'] else 'NOT MET'}")


def compare(old, new):
    """Lines: what differs between two results; a goal that is no longer met comes with a !."""
    before = {(g["text"], g["to"]): g for g in old["goals"]}
    yield f"{'':2}{'goal':47} {'before':>10} {'now':>10} {'change':>8}"
    for g in new["goals"]:
        b = before.get((g["text"], g["to"]))
        if not b or b["value"] is None or g["value"] is None:
            continue
        change = (g["value"] / b["value"] - 1) * 100 if b["value"] else 0.0
        yield f"{'! ' if b['met'] and not g['met'] else '  '}{g['text']:47} {number(b['value']):>10} {number(g['value']):>10} {change:>+7.0f}%"


def markdown(result):
    """Lines of the goal table as the README shows it."""
    yield "| | measured | spread | wanted |"
    yield "|---|---|---|---|"
    known = {(g.text, g.to): g for g in GOALS}
    for g in result["goals"]:
        if g["value"] is None:
            continue
        goal = known[(g["text"], g["to"])]
        unit = {"none": "× none", "mark": "× mark floor"}.get(goal.to, goal.unit)
        yield (f"| {goal.text} | {number(g['value'])} {unit} | {number(g['low'])} – {number(g['high'])} | "
               f"{'≥' if goal.at_least else '≤'} {number(goal.limit)} |")
