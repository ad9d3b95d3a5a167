# SPDX-License-Identifier: GPL-2.0-or-later
"""The load generators of tests/bench in a namespace: more connections a second than Python opens."""

import contextlib
import fcntl
import functools
import json
import os
import signal
import subprocess

import daemon


@functools.cache
def generator(name):
    """The path of tests/bench/NAME.c, built; who runs a test alone may need to. Tests run side by side, and share an object."""
    path = os.path.join(daemon.BUILD, "bench", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.path.join(os.path.dirname(path), "flows-lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "--no-print-directory", "-C", daemon.ROOT, f"BUILD={daemon.BUILD}", path], check=True, timeout=240,
                       stdout=subprocess.DEVNULL, env={**os.environ, "MAKEFLAGS": ""})
    return path


@contextlib.contextmanager
def serving(ns, *ports):
    """Servers of short TLS connections on every address of a namespace."""
    p = ns.start(generator("conn"), "serve", *map(str, ports), stdout=subprocess.PIPE)
    try:
        if p.stdout.readline() != b"ready\n":
            raise AssertionError("no server")
        yield
    finally:
        p.terminate()
        p.wait(5)
        p.stdout.close()
        ns.processes.remove(p)


class Load:
    """One generator in a namespace; end() is what it says of itself. As a context it is ended in any case."""

    def __init__(self, ns, name, *words):
        self.ns, self.said = ns, None
        self.process = ns.start(generator(name), *map(str, words), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def end(self, number=signal.SIGTERM, seconds=20):
        """number: 0 lets it come to its own end."""
        if self.said is None:
            if number and self.process.poll() is None:
                self.process.send_signal(number)
            try:
                self.said = json.loads(self.process.communicate(timeout=seconds)[0] or "{}")
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.communicate()
                raise AssertionError(f"{self.process.args}: not over after {seconds} s") from None
            finally:
                self.ns.processes.remove(self.process)
        return self.said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def asking(ns, address, per_s, *words, port=443):
    """Short TLS connections, per_s of them a second, with a name that is allowed or `-s NAME`."""
    return Load(ns, "conn", "ask", "-a", address, "-p", port, "-r", per_s, "-c", 64, *words)
