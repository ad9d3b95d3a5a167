# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests as functions with one claim each, and the closing line that tests/run adds up."""

import concurrent.futures
import re
import signal
import subprocess
import sys
import time
import traceback


AGAIN_MAX = 6  # more than this is no chance
TEST_MAX_S = 300
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)


class Skip(Exception):
    """Raised with the reason when this machine lacks what a test needs."""


class Tests:
    """Collects functions and runs them: @tests.add("the claim in one sentence")."""

    def __init__(self):
        self.list = []
        self.alone = set()
        self.passed = self.failed = self.skipped = 0

    def add(self, claim, alone=False):
        """alone: it measures time, so nothing else of ours runs beside it."""
        def register(function):
            self.list.append((function.__name__, claim, function))
            if alone:
                self.alone.add(function.__name__)
            return function
        return register

    def run(self, words=(), again=False, jobs=1):
        """
        Runs what matches a word (all without words; "--exactly NAME" one); returns the exit code. jobs: how many at once, in processes of
        their own. again: what failed runs once more when all others are through, and what passes then is told as such: for claims
        about time, on machines that others use as well.
        """
        exactly = len(words) == 2 and words[0] == "--exactly"
        wanted = [t for t in self.list if not words or (t[0] == words[1] if exactly else any(w in t[0] for w in words))]
        together = [t for t in wanted if t[0] not in self.alone] if jobs > 1 and len(wanted) > 2 else []
        failed = self.run_together(together, jobs) + [t for t in wanted if t not in together and not self.run_one(*t)]
        if again and not exactly and 0 < len(failed) <= AGAIN_MAX:
            self.failed = 0
            for t in failed:
                print(f"again {t[0]}")
                self.run_one(*t)
        print(closing(self.passed, self.failed, self.skipped))
        return 1 if self.failed else 0

    def run_together(self, together, jobs):
        """Each in a process of its own; the list of those that failed."""
        running, failed = set(), []

        def one(test):
            with subprocess.Popen([sys.executable, sys.argv[0], "--exactly", test[0]], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as p:
                running.add(p)
                try:
                    return test, p.communicate(timeout=TEST_MAX_S)[0]
                except subprocess.TimeoutExpired:
                    p.terminate()
                    return test, p.communicate(timeout=30)[0] + f"FAIL {test[0]}: not over after {TEST_MAX_S} s\n"
                finally:
                    running.discard(p)

        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        pool = concurrent.futures.ThreadPoolExecutor(jobs)
        try:
            for done in concurrent.futures.as_completed([pool.submit(one, t) for t in together]):
                test, out = done.result()
                counts = CLOSING.search(out)
                passed, _, skipped = (int(n) for n in counts.groups()) if counts else (0, 0, 0)
                if not passed + skipped:
                    failed.append(test)
                self.passed, self.skipped = self.passed + passed, self.skipped + skipped
                print(CLOSING.sub("", out).rstrip(), flush=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for p in list(running):
                p.terminate()
            signal.signal(signal.SIGTERM, before)
        self.failed += len(failed)
        return failed

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
