# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests as functions with one claim each, and the closing line that tests/run adds up."""

import sys
import time
import traceback


class Skip(Exception):
    """Raised with the reason when this machine lacks what a test needs."""


class Tests:
    """Collects functions and runs them: @tests.add("the claim in one sentence")."""

    def __init__(self):
        self.list = []
        self.passed = self.failed = self.skipped = 0

    def add(self, claim):
        def register(function):
            self.list.append((function.__name__, claim, function))
            return function
        return register

    def run(self, patterns=()):
        """Runs what matches (all without patterns); returns the exit code."""
        for name, claim, function in self.list:
            if not patterns or any(p in name for p in patterns):
                self.run_one(name, claim, function)
        print(closing(self.passed, self.failed, self.skipped))
        return 1 if self.failed else 0

    def run_one(self, name, claim, function):
        start = time.monotonic()
        try:
            said = function()
            self.passed += 1
            word = "ok  "
        except Skip as e:
            self.skipped += 1
            word, said = "skip", str(e)
        except Exception as e:  # a test may fail in any way; the others still run
            self.failed += 1
            word, said = "FAIL", str(e) or type(e).__name__
            if not isinstance(e, AssertionError):
                traceback.print_exc(file=sys.stdout)
        print(f"{word} {name}: {claim} ({time.monotonic() - start:.1f} s)")
        if said:
            print("     " + str(said).replace("\n", "\n     "))
        sys.stdout.flush()


def closing(passed, failed, skipped):
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def check(condition, what):
    """An assertion that also works under python -O."""
    if not condition:
        raise AssertionError(what)
