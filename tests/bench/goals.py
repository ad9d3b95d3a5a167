# SPDX-License-Identifier: GPL-2.0-or-later
"""
The goal table: which figure of which row is judged, against what. A ratio is to the bare router ("none") or to the mark floor of the same
round; its median over the rounds counts, its spread is told. Beside each stands what the mark floor reached in the same rounds, the cheapest
program that answers one packet of each connection, and how our figure stands to it.
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
    long: bool = False  # of a row that runs when it is named


FLOOR = "mark"

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
    Goal("first byte beside both at once, p50", "beside-both", "p50_us", 1.7, to="none"),
    Goal("first byte beside both at once, p99", "beside-both", "p99_us", 1.7, to="none"),
    Goal("short connections in a row: refused", "without-end", "refused", 0),
    Goal("short connections in a row: RSS, second half", "without-end", "second_half_growth", 0.05, full_only=True),
    Goal("memory a flow, all processes", "memory-65k", "bytes_a_flow", 320, unit="B"),
    Goal("RSS of the engine, 65,000 flows", "memory-65k", "engine_mib", 40, unit="MiB"),
    Goal("a million in a row: refused", "million", "refused", 0, long=True),
    Goal("a million in a row: refused afterwards", "million", "refused_after", 0, long=True),
    Goal("a million in a row: RSS, 50 % to 100 %", "million", "growth_50_100", 0.05, long=True),
    Goal("a million in a row: engines lost", "million", "engines_lost", 0, long=True),
    Goal("memory a flow, 1,000,000 flows", "memory-1m", "bytes_a_flow", 320, unit="B", long=True),
    Goal("RSS of all processes, 1,000,000 flows", "memory-1m", "rss_mib", 400, unit="MiB", long=True),
    Goal("600,000 flows, 10,000 new a second: engines lost", "crowd", "engines_lost", 0, long=True),
    Goal("the same: packets dropped", "crowd", "dropped", 0, long=True),
    Goal("the same: connections of another camera failed", "crowd", "other_failed", 0, long=True),
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


def floor_of(goal, samples):
    """(what the mark floor reached where we are judged, our figure divided by it), None for what nobody measured."""
    theirs = ratios(samples, goal.row, FLOOR, goal.figure, goal.to) if goal.to else list(values(samples, goal.row, FLOOR, goal.figure).values())
    beside = ratios(samples, goal.row, goal.mode, goal.figure, FLOOR)
    return statistics.median(theirs) if theirs else None, statistics.median(beside) if beside else None


def judge(goal, samples):
    """{"value", "low", "high", "met", "floor", "to_floor"} or None when nothing was measured."""
    if goal.to:
        found = ratios(samples, goal.row, goal.mode, goal.figure, goal.to)
    else:
        found = list(values(samples, goal.row, goal.mode, goal.figure).values())
    if not found:
        return None
    value, (floor, to_floor) = statistics.median(found), floor_of(goal, samples)
    return {"value": value, "low": min(found), "high": max(found), "met": value >= goal.limit if goal.at_least else value <= goal.limit,
            "floor": floor, "to_floor": to_floor}


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


def wanted(goal):
    return ("≥ " if goal.at_least else "≤ ") + number(goal.limit) + (f" of {goal.to}" if goal.to else f" {goal.unit}" if goal.unit else "")


def goal_table(verdicts):
    yield f"{'goal':50} {'wanted':>14} {'measured':>10} {'spread':>17} {'floor':>8} {'to floor':>9}"
    for goal, v in verdicts:
        head = f"{goal.text:50} {wanted(goal):>14}"
        if v is None:
            yield f"{head} {'-':>10} {'':>17} {'':>8} {'':>9}  not measured"
        else:
            to_floor = "" if v["to_floor"] is None else number(v["to_floor"]) + "x"
            yield (f"{head} {number(v['value']):>10} {number(v['low']) + '..' + number(v['high']):>17} "
                   f"{'' if v['floor'] is None else number(v['floor']):>8} {to_floor:>9}  {'met' if v['met'] else 'NOT MET'}")


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


def together(results):
    """
    [(goal, {"values": one a result, "value": their median, "low", "high", "worst", "floor", "met": in how many})] of what these results
    have in common with the table. The worst is that of the single rounds.
    """
    out = []
    for goal in GOALS:
        found = [g for r in results for g in r["goals"] if (g["text"], g["to"]) == (goal.text, goal.to) and g["value"] is not None]
        if not found:
            continue
        low, high = min(g["low"] for g in found), max(g["high"] for g in found)
        floors = [g["floor"] for g in found if g.get("floor") is not None]
        out.append((goal, {"values": [g["value"] for g in found], "value": statistics.median(g["value"] for g in found), "low": low, "high": high,
                           "worst": low if goal.at_least else high, "floor": statistics.median(floors) if floors else None,
                           "met": sum(g["met"] for g in found)}))
    return out


UNITS = {"none": "× none", "mark": "× mark floor"}


def mdoc(results):
    """Lines of the table as the manual shows it: the median of the results, the worst round of all, the floor, the goal."""
    for r in results:
        noise = [s["noise"] for s in r["samples"]]
        yield (f'.\\" {r["machine"]["date"]}: {r["rounds"]} rounds on {r["machine"]["cpus"]} processors, Linux {r["machine"]["kernel"]}; others used '
               f'{number(statistics.median(noise) if noise else 0)} processors (median)')
    for goal, v in together(results):
        unit = UNITS.get(goal.to, goal.unit)
        floor = "" if v["floor"] is None else number(v["floor"])
        yield (f".It {goal.text} Ta {number(v['value'])} {unit}".rstrip() + f" Ta {number(v['worst'])} Ta {floor} Ta "
               f"{'at least' if goal.at_least else 'at most'} {number(goal.limit)}, met in {v['met']} of {len(v['values'])}")


def markdown(results):
    """Lines of the table as a README shows it."""
    yield "| | measured | spread | floor | wanted |"
    yield "|---|---|---|---|---|"
    for goal, v in together(results):
        floor = "" if v["floor"] is None else number(v["floor"])
        yield (f"| {goal.text} | {number(v['value'])} {UNITS.get(goal.to, goal.unit)} | {number(v['low'])} – {number(v['high'])} | {floor} | "
               f"{'≥' if goal.at_least else '≤'} {number(goal.limit)} |")
