# SPDX-License-Identifier: GPL-2.0-or-later
"""One rsyslogd of our own: its configuration, its directory, its pid; no part of the machine's."""

import os
import shutil
import signal
import socket
import subprocess

from daemon import wait_for
from result import Skip, check

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SNIPPETS = os.path.join(ROOT, "config", "siem")
MODULES = ("imfile", "imrelp", "omrelp", "mmjsonparse", "imuxsock")

# The order of Debian's rsyslog.conf: a module, where things go, then rsyslog.d.
MAIN = """module(load="imuxsock" sysSock.use="off")
{input}
global(workDirectory="{spool}")
include(file="{snippet}")
*.* action(type="omfile" file="{other}")
"""


def needed():
    """rsyslogd's path; Skip without it or one of the modules."""
    path = shutil.which("rsyslogd", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not path:
        raise Skip("no rsyslogd: tests/deps --all")
    places = [os.path.join(base, "rsyslog") for base in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/lib64")]
    lacks = [m for m in MODULES if not any(os.path.exists(os.path.join(p, m + ".so")) for p in places)]
    if lacks:
        raise Skip(f"rsyslog has no {', '.join(lacks)}: tests/deps --all")
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def snippet(name, changes):
    """A shipped file with other paths and ports. Each must stand there exactly once, so that a test cannot run something else."""
    with open(os.path.join(SNIPPETS, name), encoding="utf-8") as f:
        text = f.read()
    for old, new in changes.items():
        check(text.count(old) == 1, f"{name}: {old!r} stands there {text.count(old)} times")
        text = text.replace(old, new)
    return text


def lines(path):
    """Whole lines, and what stands behind the last."""
    if not os.path.exists(path):
        return [], b""
    with open(path, "rb") as f:
        *whole, rest = f.read().split(b"\n")
    return whole, rest


class Rsyslog:
    """directory: empty and ours. input: lines before the snippet."""

    def __init__(self, directory, text, input=""):
        self.program, self.directory, self.process = needed(), directory, None
        os.makedirs(self.path("spool"), exist_ok=True)
        self.write("snippet.conf", text)
        self.write("main.conf", MAIN.format(spool=self.path("spool"), snippet=self.path("snippet.conf"), other=self.path("other"), input=input))

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def check_config(self):
        p = subprocess.run([self.program, "-N1", "-f", self.path("main.conf")], capture_output=True, text=True, timeout=20)
        check(p.returncode == 0 and "error" not in p.stderr.lower(), f"rsyslogd -N1: {p.returncode}\n{p.stderr}")

    def start(self):
        check(self.process is None, "it runs already")
        with open(self.path("stderr"), "ab") as log:
            self.process = subprocess.Popen([self.program, "-n", "-f", self.path("main.conf"), "-i", self.path("pid")],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: self.running(), 10, f"rsyslogd does not start: {self.log()}")
        return self

    def running(self):
        check(self.process.poll() is None, f"rsyslogd ended with {self.process.returncode}\n{self.log()}")
        return os.path.exists(self.path("pid"))

    def kill(self):
        """As a power cut does it: it saves nothing."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process = None
        if os.path.exists(self.path("pid")):
            os.unlink(self.path("pid"))

    def close(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def log(self):
        out = ""
        for name in ("stderr", "other"):
            if os.path.exists(self.path(name)):
                with open(self.path(name), errors="replace") as f:
                    out += f.read()[-3000:]
        return out

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
