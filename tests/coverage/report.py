#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
tests/coverage/report.py BUILD: what of daemon/ has been run, by gcov's counts. Writes BUILD/coverage.txt, prints its table.

Exit code 1 when a function that nothing has run is not in `justified`, or when `justified` tells of one that has been run or is not there.
"""

import concurrent.futures
import fnmatch
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class File:
    """One source file: a file is compiled once, so there is nothing to merge."""

    def __init__(self, name, told):
        self.name = name
        lines = {}
        for line in told["lines"]:  # a line may be told of once for each function that it is in
            seen = lines.setdefault(line["line_number"], [0, []])
            seen[0] += line["count"]
            seen[1] += [b["count"] for b in line["branches"]]
        self.lines, self.missed = len(lines), sorted(n for n, (count, _) in lines.items() if not count)
        branches = [b for _, bs in lines.values() for b in bs]
        self.branches, self.taken = len(branches), sum(1 for b in branches if b)
        self.functions = {f["name"]: f["execution_count"] for f in told["functions"]}

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
    """{"daemon/gate/child.c:function", or "daemon/gate/child.c:*" for a whole file: reason}."""
    out = {}
    with open(os.path.join(HERE, "justified"), encoding="utf-8") as f:
        for n, line in enumerate(f, 1):
            line = line.split("#", 1)[0].strip()
            if line:
                key, _, reason = line.partition(" ")
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


def main(build):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        files = list(pool.map(lambda s: gcov(build, s), sources()))
    counts = {f"{f.name}:{name}": n for f in files for name, n in f.functions.items()}
    reasons, never = justified(), {key for key, n in counts.items() if not n}
    told = {key: next((r for pattern, r in reasons.items() if fnmatch.fnmatchcase(key, pattern)), None) for key in sorted(never)}
    untold = [key for key, reason in told.items() if not reason]
    stale = [pattern for pattern in sorted(reasons) if not fnmatch.filter(never, pattern)]
    lines = list(table(files))
    wrong = [f"never run and not justified: {k}" for k in untold] + [f"justified, but has run or is not there: {k}" for k in stale]
    with open(os.path.join(build, "coverage.txt"), "w", encoding="utf-8") as out:
        out.write("\n".join([*lines, "", "never run, and why", *(f"  {k}: {reason}" for k, reason in told.items() if reason), *wrong, "",
                             "lines that nothing has run", *(f"  {f.name}: {' '.join(f.ranges())}" for f in files if f.missed)]) + "\n")
    print("\n".join([*lines, *wrong]))
    print(f"{len(counts)} functions: {len(counts) - len(never)} run, {len(never) - len(untold)} justified, {len(untold)} neither; {build}/coverage.txt")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
