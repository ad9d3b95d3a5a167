# SPDX-License-Identifier: GPL-2.0-or-later
"""
A clean Debian in a directory: made by mmdebstrap from the mirror of this machine, kept for the next run, used in copies.
Without a mirror there is none, and that is said. It runs as a plain tree (chroot), or booted: its systemd in namespaces of its own.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import time

from daemon import children, wait_for
from result import Skip, check

HERE = os.path.dirname(os.path.abspath(__file__))
INCLUDE = "systemd,systemd-sysv,logrotate,procps,nftables,iproute2"
BOOT_S = 60
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "HOME": "/root"}
APT = ("apt-get", "-y", "-q", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0")


def run(*words, timeout=60, **named):
    """(exit code, stdout and stderr together)"""
    try:
        p = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                           timeout=timeout, **named)
    except subprocess.TimeoutExpired as e:
        raise AssertionError(f"{' '.join(words)[:300]}: not within {timeout} s\n{e.output or ''}") from None
    return p.returncode, p.stdout


def sources():
    """The Debian repositories that apt uses here."""
    code, out = run("apt-get", "indextargets", "--format", "deb $(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages", "Origin: Debian")
    lines = sorted({line for line in out.splitlines() if line.startswith("deb ")}) if code == 0 else []
    if not lines:
        raise Skip("apt on this machine knows no Debian mirror (apt-get update was never run?)")
    return lines


class Tree:
    """
    The kept tree, with what the package depends on downloaded but not installed; copies are made from it. It is made while other things
    are done: begin() starts that, finish() waits for it and downloads.
    """

    def __init__(self, directory):
        self.directory, self.root = directory, os.path.join(directory, "tree")
        self.lines, self.making = sources(), None
        self.remove_leftovers()

    def remove_leftovers(self):
        """Copies of an earlier run that was killed: their name holds a pid that is gone."""
        for name in os.listdir(self.directory) if os.path.isdir(self.directory) else []:
            m = re.match(r"^run-(\d+)$", name)
            if m and not os.path.exists(f"/proc/{m[1]}"):
                remove_tree(os.path.join(self.directory, name))

    def key(self, *words):
        return hashlib.sha256("\n".join([INCLUDE, *self.lines, *words]).encode()).hexdigest()

    def is_there(self, what, key):
        try:
            with open(os.path.join(self.directory, what)) as f:
                return f.read() == key
        except OSError:
            return False

    def mark(self, what, key):
        with open(os.path.join(self.directory, what), "w") as f:
            f.write(key)

    def begin(self):
        if self.making or self.is_there("base", self.key()):
            return
        if not shutil.which("mmdebstrap"):
            raise Skip("no mmdebstrap")
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        self.making = subprocess.Popen(
            ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={INCLUDE}", "--skip=cleanup/apt", "", self.root, *self.lines],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")

    def finish(self, package):
        self.begin()
        if self.making:
            try:
                out, _ = self.making.communicate(timeout=240)
            except subprocess.TimeoutExpired:
                self.close()
                raise Skip("the mirror is too slow: no tree within 240 s") from None
            code, self.making = self.making.returncode, None
            if code:
                raise Skip(f"no mirror answers: {' | '.join(out.strip().splitlines()[-3:])}")
            self.mark("base", self.key())
        depends = self.key(run("dpkg-deb", "-f", package, "Depends", "Pre-Depends")[1])
        if not self.is_there("depends", depends):
            self.download(package)
            self.mark("depends", depends)

    def download(self, package):
        # The chroot needs the names of the mirror while it downloads.
        shutil.copy("/etc/resolv.conf", os.path.join(self.root, "etc/resolv.conf"))
        shutil.copy(package, os.path.join(self.root, "root/first.deb"))
        code, out = run("chroot", self.root, *APT, "install", "--download-only", "/root/first.deb", timeout=120, env=ENVIRONMENT)
        os.unlink(os.path.join(self.root, "root/first.deb"))
        check(code == 0, f"the package's dependencies cannot be had:\n{out}")

    def close(self):
        """Half a tree is none."""
        if not self.making:
            return
        self.making.terminate()
        try:
            self.making.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.making.kill()
            self.making.communicate()
        self.making = None
        shutil.rmtree(self.directory, ignore_errors=True)


class Machine:
    """A copy of the tree in the gateway of a lab."""

    def __init__(self, tree, lab):
        self.lab, self.process, self.init = lab, None, None
        self.root = os.path.join(tree.directory, f"run-{os.getpid()}")
        self.group = f"lcap{os.getpid()}-deb"
        self.console = self.root + ".console"
        try:
            run("cp", "-a", "--reflink=auto", tree.root, self.root, timeout=120)
        except BaseException:
            remove_tree(self.root)
            raise

    def path(self, name):
        return self.root + name

    def read(self, name):
        with open(self.path(name), errors="replace") as f:
            return f.read()

    def run(self, *words, timeout=60, ok=True):
        """A command in the tree: in its namespaces when it is booted. Returns what it said; ok=False: (exit code, what it said)."""
        if self.init:
            enter = ["nsenter", "-t", str(self.init), "-m", "-p", "-i", "-u", "-n", "-C", "-r", "-w", "--"]
        else:
            enter = ["chroot", self.root]
        code, out = run(*enter, *words, timeout=timeout, env=ENVIRONMENT)
        if not ok:
            return code, out
        check(code == 0, f"{' '.join(words)}: exit code {code}\n{out}")
        return out

    def apt(self, *words, ok=True):
        return self.run(*APT, *words, timeout=120, ok=ok)

    # a running systemd

    def boot(self):
        with open(self.console, "wb") as log:
            self.process = self.lab.gateway.start("unshare", "-m", "-i", "-u", os.path.join(HERE, "boot"), self.root, self.group, stdout=log,
                                                  stderr=log)
        deadline = time.monotonic() + BOOT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            started = [p for p in children(self.process.pid) if self.is_systemd(p)]
            if started:
                self.init = started[0]
                code, out = self.run("systemctl", "is-system-running", "--wait", ok=False, timeout=BOOT_S)
                if out.strip() in ("running", "degraded"):
                    return out.strip()
            time.sleep(0.2)
        with open(self.console, errors="replace") as f:
            said = " | ".join(f.read().strip().splitlines()[-3:])
        self.halt()
        raise Skip(f"systemd does not start in namespaces here: {said}")

    @staticmethod
    def is_systemd(pid):
        try:
            return os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "systemd"
        except OSError:
            return False

    def halt(self):
        """The first process of a pid namespace takes all others with it."""
        if self.init:
            try:
                os.kill(self.init, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.process:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait(10)
        self.init = self.process = None

    def close(self):
        self.halt()
        remove_tree(self.root)
        if os.path.exists(self.console):
            os.unlink(self.console)
        remove_groups(self.group, self.root)

    def show(self, unit, what):
        return self.run("systemctl", "show", "-P", what, unit).strip()

    def wait_active(self, unit, seconds=20):
        return wait_for(lambda: self.show(unit, "ActiveState") == "active", seconds, f"{unit} is active: {self.journal(unit)}")

    def read_switch(self, name):
        return self.lab.gateway.read(f"/proc/sys/net/netfilter/nf_conntrack_{name}").strip()

    def journal(self, unit):
        return self.run("journalctl", "-u", unit, "-n", "40", "--no-pager", "-o", "cat", ok=False)[1]


def remove_tree(root):
    """Never through a /proc that is still mounted there."""
    run("umount", "-q", os.path.join(root, "proc"))
    if not os.path.ismount(os.path.join(root, "proc")):
        shutil.rmtree(root, ignore_errors=True)


def remove_groups(name, scratch):
    """The control groups that a tree has left behind are empty directories."""
    mount = scratch + ".cgroup"
    os.makedirs(mount, exist_ok=True)
    if run("mount", "-t", "cgroup2", "cgroup2", mount)[0] == 0:
        deadline = time.monotonic() + 3
        while os.path.isdir(os.path.join(mount, name)) and time.monotonic() < deadline:
            for directory, _, _ in os.walk(os.path.join(mount, name), topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    time.sleep(0.05)
        run("umount", mount)
    os.rmdir(mount)


