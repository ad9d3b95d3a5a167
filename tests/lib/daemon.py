# SPDX-License-Identifier: GPL-2.0-or-later
"""One lenscapd in the gateway of a lab: started, watched, asked, stopped, always by its own pid."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import eve
import geodata
import lab as lab_module
from result import check

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
START_S = 15
NFNLGRP_NFTABLES, NFT_MSG_NEWGEN = 7, 10 << 8 | 15


def sanitized():
    """The programs are built with AddressSanitizer: an allocator of its own, freed memory kept for a while, no sandbox."""
    with open(os.path.join(BUILD, "lenscapd"), "rb") as f:
        return b"__asan_init" in f.read()


def wait_for(question, seconds=5, what="", every=0.02):
    """The first true answer of question(); AssertionError with `what` when none came in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or question}")
        time.sleep(every)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(c) for c in f.read().split()]
    except OSError:
        return []


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def program(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


class Daemon:
    """policy: YAML text in which @EVE@ stands for the log's path."""

    def __init__(self, lab, policy, build=BUILD, args=()):
        self.lab, self.build, self.args = lab, build, list(args)
        self.user = "root" if lab_module.in_user_namespace() else "nobody"
        self.directory = tempfile.mkdtemp(prefix="lenscap-test-")
        os.chmod(self.directory, 0o755)
        self.policy_path = os.path.join(self.directory, "lenscap.yaml")
        self.eve_path = os.path.join(self.directory, "log", "eve.json")
        self.stderr_path = os.path.join(self.directory, "stderr")
        os.mkdir(os.path.dirname(self.eve_path))
        os.chown(os.path.dirname(self.eve_path), pwd.getpwnam(self.user).pw_uid, -1)
        self.process = None
        self.write_policy(policy)

    def write_policy(self, text):
        with open(self.policy_path, "w") as f:
            f.write(geodata.fill_in(text.replace("@EVE@", self.eve_path)))

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    # life

    def spawn(self, notify=None):
        environment = dict(os.environ, NOTIFY_SOCKET=notify or "")
        if not notify:
            del environment["NOTIFY_SOCKET"]
        with open(self.stderr_path, "ab") as log:
            self.process = self.lab.gateway.start(
                os.path.join(self.build, "lenscapd"), "-f", "-c", self.policy_path, "--run-dir", self.path("run"),
                "--state-dir", self.path("state"), "--user", self.user, *self.args, stdout=log, stderr=log,
                env=environment)

    def start(self):
        """Starts it and returns when it says READY=1."""
        notify = self.path("notify")
        if os.path.exists(notify):
            os.unlink(notify)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(notify)
            os.chmod(notify, 0o777)
            s.settimeout(0.1)
            self.spawn(notify)
            deadline = time.monotonic() + START_S
            while time.monotonic() < deadline:
                try:
                    if b"READY=1" in s.recv(4096):
                        return self
                except TimeoutError:
                    pass
                check(self.process.poll() is None, f"lenscapd ended with {self.process.returncode}\n{self.log()}")
        raise AssertionError(f"lenscapd was not ready within {START_S} s\n{self.log()}")

    def stop(self):
        """SIGTERM; returns the exit code."""
        return self.end(signal.SIGTERM)

    def end(self, number):
        if self.process is None:
            return None
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        code = self.process.wait(10)
        if self.process in self.lab.gateway.processes:
            self.lab.gateway.processes.remove(self.process)
        self.process = None
        return code

    def engine(self):
        """The engine's pid, or None while there is none."""
        for pid in children(self.process.pid):
            if program(pid).startswith("lenscap-engine"):
                return pid
        return None

    def close(self):
        if self.process:
            self.stop()
        log = self.log()
        self.remove()
        check("Sanitizer" not in log and "runtime error:" not in log, f"a sanitizer has something to say:\n{log}")

    def remove(self):
        keep = os.environ.get("LENSCAP_KEEP")
        if keep and os.path.exists(self.eve_path):
            os.makedirs(keep, exist_ok=True)
            shutil.copy(self.eve_path, os.path.join(keep, os.path.basename(self.directory) + ".json"))
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    # asking

    def lenscap(self, *words, timeout=15):
        """Runs the command; (exit code, stdout, stderr)."""
        p = subprocess.run([os.path.join(self.build, "lenscap"), "--run-dir", self.path("run"), *words],
                           capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
        check("Sanitizer" not in p.stderr and "runtime error:" not in p.stderr, f"a sanitizer has something to say of lenscap {words}:\n{p.stderr}")
        return p.returncode, p.stdout, p.stderr

    def reload(self, policy=None):
        if policy is not None:
            self.write_policy(policy)
        code, out, err = self.lenscap("reload")
        check(code == 0, f"reload: {code}\n{out}{err}{self.log()}")

    def status(self):
        code, out, err = self.lenscap("status", "--json")
        check(code in (0, 10), f"status: {code} {out}{err}")
        return json.loads(out)

    def counters(self):
        """{name: packets} of the table's counters."""
        listing = json.loads(self.lab.gateway.run("nft", "-j", "list", "counters", "table", "inet", "lenscap"))
        return {c["counter"]["name"]: c["counter"]["packets"] for c in listing["nftables"] if "counter" in c}

    def table(self):
        """The table as nft lists it, "" when it is not there."""
        return self.lab.gateway.run("nft", "list", "table", "inet", "lenscap", check=False)

    def queue(self):
        """The row of our queue in /proc/net/netfilter/nfnetlink_queue as numbers, [] when nobody listens."""
        rows = self.lab.gateway.read("/proc/thread-self/net/netfilter/nfnetlink_queue").splitlines()
        return [int(n) for n in rows[0].split()] if rows else []

    def queued(self):
        """Packets ever handed to the queue rule."""
        return self.counters()["c_queue"]

    def records(self, kind=None, *terms):
        records = eve.load(self.eve_path)
        return eve.find(records, kind, *terms) if kind else records

    def wait_record(self, kind, *terms, seconds=5, count=1):
        """The records that match, as soon as there are `count`."""
        def question():
            found = self.records(kind, *terms)
            return found if len(found) >= count else None
        try:
            return wait_for(question, seconds, f"{count} × {kind} {' '.join(terms)}")
        except AssertionError as e:
            raise AssertionError(f"{e}{self.nearest(kind, terms)}") from None

    def nearest(self, kind, terms):
        failed, record = eve.closest(self.records(), kind, terms)
        return f"\nclosest differs in {failed}: {json.dumps(record)[:1500]}" if record else "\nno record of this type"

    def log(self):
        try:
            with open(self.stderr_path, errors="replace") as f:
                return f.read()[-6000:]
        except OSError:
            return ""


class CommitWatch:
    """Notes the moment of each nftables transaction in a namespace (NFT_MSG_NEWGEN events)."""

    def __init__(self, namespace):
        self.socket = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.socket.bind((0, 1 << (NFNLGRP_NFTABLES - 1)))
        self.socket.settimeout(0.05)

    def next(self, seconds=5):
        """Monotonic time of the next transaction's end, read as soon as the kernel says so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                continue
            now = time.monotonic()
            while len(data) >= 16:
                length, kind = int.from_bytes(data[0:4], "little"), int.from_bytes(data[4:6], "little")
                if kind == NFT_MSG_NEWGEN:
                    return now
                data = data[(length + 3) & ~3:]
        raise AssertionError("no nftables transaction was seen")

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
