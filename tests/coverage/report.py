#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
tests/coverage/report.py BUILD: what of daemon/ has been run, by gcov's counts. Writes BUILD/coverage.txt, prints its table.

Exit code 1 when a function that nothing has run, or a block of BLOCK lines of code and more in one that has run, is not in `justified`, or when
`justified` tells of one that has been run or is not there.
"""

import concurrent.futures
import fnmatch
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BLOCK = 5  # lines of code in a row, comments and braces not counted


def blocks_of(lines):
    """(function, line numbers) of each BLOCK and more lines of one function in a row that nothing has run. lines: {number: [count, _, function]}."""
    out, run = [], []
    for n in sorted(lines):
        count, _, function = lines[n]
        if run and (count or function != run[0][1]):
            out.append(run)
            run = []
        if not count:
            run.append((n, function))
    return [(run[0][1], [n for n, _ in run]) for run in [*out, run] if len(run) >= BLOCK]


class File:
    """One source file: a file is compiled once, so there is nothing to merge."""

    def __init__(self, name, told):
        self.name = name
        lines = {}
        self.functions = {f["name"]: f["execution_count"] for f in told["functions"]}
        for line in told["lines"]:  # a line may be told of once for each function that it is in
            seen = lines.setdefault(line["line_number"], [0, [], line.get("function_name", "")])
            seen[0] += line["count"]
            seen[1] += [b["count"] for b in line["branches"]]
        self.lines, self.missed = len(lines), sorted(n for n, (count, *_) in lines.items() if not count)
        self.blocks = [(function, numbers) for function, numbers in blocks_of(lines) if self.functions.get(function)]
        branches = [b for _, bs, _ in lines.values() for b in bs]
        self.branches, self.taken = len(branches), sum(1 for b in branches if b)

    @property
    def share(self):
        return 1 - len(self.missed) / self.lines if self.lines else 1.0

    def ranges(self):
        out, numbers = [], list(self.missed)
        while numbers:
            first = last = numbers.pop(0)
            while numbers and numbers[0] == last + 1:
                last = numbers.pop(0)
            out.append(str(first) if first == last else f"{first}-{last}")
        return out


def gcov(build, source):
    base = os.path.join(build, source[:-2])
    if os.path.exists(base + ".gcda") and not os.path.getsize(base + ".gcda"):
        os.unlink(base + ".gcda")  # made empty and never written: nothing has run
    p = subprocess.run(["gcov", "-t", "-j", "-b", base + ".gcno"], capture_output=True, text=True, timeout=120, cwd=ROOT)
    for line in p.stdout.splitlines():
        for f in json.loads(line)["files"]:
            if os.path.relpath(os.path.join(ROOT, f["file"]), ROOT) == source:
                return File(source, f)
    if "no functions found" in p.stderr:  # tables alone
        return File(source, {"lines": [], "functions": []})
    raise SystemExit(f"gcov says nothing of {source}: {p.stderr.strip()[:300]}")


def sources():
    for directory in sorted(os.listdir(os.path.join(ROOT, "daemon"))):
        for name in sorted(os.listdir(os.path.join(ROOT, "daemon", directory))):
            if name.endswith(".c"):
                yield f"daemon/{directory}/{name}"


def justified():
    """{"daemon/gate/child.c:function", or "daemon/gate/child.c:*" for a whole file: reason}; with "block " before it, of blocks in one that has run."""
    out = {}
    with open(os.path.join(HERE, "justified"), encoding="utf-8") as f:
        for n, line in enumerate(f, 1):
            line = line.split("#", 1)[0].strip()
            if line:
                key, _, reason = line.removeprefix("block ").partition(" ")
                key = "block " * line.startswith("block ") + key
                if not reason.strip() or key in out:
                    raise SystemExit(f"tests/coverage/justified:{n}: no reason, or told twice")
                out[key] = reason.strip()
    return out


def table(files):
    yield f"{'lines':>7} {'branches':>9}  {'of':>6}  file"
    for f in sorted((f for f in files if f.lines), key=lambda f: (f.share, f.name)):
        taken = f"{100 * f.taken / f.branches:8.1f}%" if f.branches else " " * 9
        yield f"{100 * f.share:6.1f}% {taken}  {f.lines:6}  {f.name}"
    lines, missed, branches, taken = (sum(n) for n in zip(*((f.lines, len(f.missed), f.branches, f.taken) for f in files)))
    yield f"{100 - 100 * missed / lines:6.1f}% {100 * taken / branches:8.1f}%  {lines:6}  all {len(files)} files of daemon/"


def judge(never, reasons):
    """{key: its reason or None}, and what is told of without being there. never: what nothing has run."""
    told = {key: next((r for pattern, r in reasons.items() if fnmatch.fnmatchcase(key, pattern)), None) for key in sorted(never)}
    return told, [pattern for pattern in sorted(reasons) if not fnmatch.filter(never, pattern)]


def main(build):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        files = list(pool.map(lambda s: gcov(build, s), sources()))
    counts = {f"{f.name}:{name}": n for f in files for name, n in f.functions.items()}
    places = {}
    for f in files:
        for function, numbers in f.blocks:
            places.setdefault(f"block {f.name}:{function}", []).append(f"{numbers[0]}-{numbers[-1]}")
    never = {key for key, n in counts.items() if not n}
    told, stale = judge(never | set(places), justified())
    untold = [key for key, reason in told.items() if not reason]
    lines = list(table(files))
    wrong = [f"never run and not justified: {k} {' '.join(places.get(k, []))}".rstrip() for k in untold]
    # A block that a race or a failed allocation leads to may have run this time; its function must be there.
    wrong += [f"justified, but has run or is not there: {k}" for k in stale if k.removeprefix("block ") not in counts or not k.startswith("block ")]
    with open(os.path.join(build, "coverage.txt"), "w", encoding="utf-8") as out:
        out.write("\n".join([*lines, "", "never run, and why",
                             *(" ".join([" ", k, *places.get(k, [])]) + f": {reason}" for k, reason in told.items() if reason), *wrong, "",
                             "lines that nothing has run", *(f"  {f.name}: {' '.join(f.ranges())}" for f in files if f.missed)]) + "\n")
    print("\n".join([*lines, *wrong]))
    functions = sum(1 for k in untold if k in never)
    print(f"{len(counts)} functions: {len(counts) - len(never)} run, {len(never) - functions} justified, {functions} neither; "
          f"{len(places)} with blocks of {BLOCK} lines and more that nothing has run, {len(untold) - functions} not justified; {build}/coverage.txt")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
