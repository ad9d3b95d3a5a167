# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests as functions with one claim each, and the closing line that tests/run adds up."""

import sys
import time
import traceback


AGAIN_MAX = 3  # more than this is no chance


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

    def run(self, patterns=(), again=False):
        """
        Runs what matches (all without patterns); returns the exit code. again: what failed runs once more when all others are through,
        and what passes then is told as such: for claims about time, on machines that others use as well.
        """
        wanted = [t for t in self.list if not patterns or any(p in t[0] for p in patterns)]
        failed = [t for t in wanted if not self.run_one(*t)]
        if again and 0 < len(failed) <= AGAIN_MAX:
            self.failed = 0
            for t in failed:
                print(f"again {t[0]}")
                self.run_one(*t)
        print(closing(self.passed, self.failed, self.skipped))
        return 1 if self.failed else 0

    def run_one(self, name, claim, function):
        """False: it failed."""
        start, failed = time.monotonic(), self.failed
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
        return self.failed == failed


def closing(passed, failed, skipped):
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def check(condition, what):
    """An assertion that also works under python -O."""
    if not condition:
        raise AssertionError(what)
