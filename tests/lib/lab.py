# SPDX-License-Identifier: GPL-2.0-or-later
"""
A camera network, its gateway and an internet, in network namespaces with no way out.

    camera namespaces          switch             gateway                    internet
    cam-1 eth0 ─┐
    cam-2 eth0 ─┼──────── bridge sw0 ── cam0 [forwards, masquerades] wan0 ── eth0, any address we like
    …           ┘

The namespaces carry this process's pid in their name; whatever an earlier run left behind under a pid that is gone is
removed first. Everything that this process starts is killed by pid when it ends, also after Ctrl-C.
"""

import atexit
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from result import Skip

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
GATEWAY_V4, GATEWAY_V6 = "10.20.0.1", "fd20::1"
WAN_V4, WAN_V6 = "192.0.2.1", "2001:db8:ffff::1"
FAR_V4, FAR_V6 = "192.0.2.2", "2001:db8:ffff::2"


def enter_user_namespace():
    """
    Without root: runs this program again as root of its own user namespace, with an empty /run for `ip netns`.
    Returns True inside such a namespace, False for real root.
    """
    if os.environ.get("LENSCAP_USERNS") == "1":
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True, timeout=10)
        os.environ["LENSCAP_USERNS"] = "2"
    if os.environ.get("LENSCAP_USERNS") == "2":
        return True
    if os.geteuid() == 0:
        return False
    os.environ["LENSCAP_USERNS"] = "1"
    try:
        os.execvp("unshare", ["unshare", "-Urnm", "--map-root-user", sys.executable, *sys.argv])
    except OSError as e:
        raise Skip(f"neither root nor user namespaces: {e}") from e


def in_user_namespace():
    return os.environ.get("LENSCAP_USERNS") == "2"


def run(*words, check=True, timeout=30, data=None):
    """A short command; its output as text."""
    p = subprocess.run(words, input=data, capture_output=True, text=True, timeout=timeout)
    if check and p.returncode:
        raise RuntimeError(f"{' '.join(words)}: {p.returncode}: {p.stderr.strip()}")
    return p.stdout


class Namespace:
    """One network namespace."""

    def __init__(self, name):
        self.name, self.path = name, f"/run/netns/{name}"
        self.processes = []
        run("ip", "netns", "add", name)

    def inside(self, function, *args, **named):
        """Calls a function with this namespace around it; what it opens stays here. A thread of its own pays the entry."""
        out = {}

        def work():
            try:
                out["value"] = self.entered(function, *args, **named)
            except BaseException as e:
                out["error"] = e

        t = threading.Thread(target=work)
        t.start()
        t.join()
        if "error" in out:
            raise out["error"]
        return out["value"]

    def entered(self, function, *args, **named):
        """For a thread that ends afterwards: it stays in this namespace."""
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if LIBC.setns(fd, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {self.name}")
            return function(*args, **named)
        finally:
            os.close(fd)

    def socket(self, family, kind, proto=0):
        return self.inside(socket.socket, family, kind, proto)

    def command(self, *words):
        return ["nsenter", "--net=" + self.path, "--", *words]

    def run(self, *words, **named):
        return run(*self.command(*words), **named)

    def start(self, *words, **named):
        """A program that runs on. nsenter becomes the program, so the pid is the program's."""
        named.setdefault("stdin", subprocess.DEVNULL)
        p = subprocess.Popen(self.command(*words), **named)
        self.processes.append(p)
        return p

    def ip(self, *lines):
        run("ip", "-n", self.name, "-batch", "-", data="\n".join(lines) + "\n")

    def sysctl(self, **values):
        def write():
            for key, value in values.items():
                path = "/proc/sys/net/" + key.replace("__", "/")
                if os.path.exists(path):
                    with open(path, "w") as f:
                        f.write(str(value))
        self.inside(write)

    def read(self, path):
        def work():
            with open(path) as f:
                return f.read()
        return self.inside(work)

    def close(self):
        stop_processes(self.processes)
        kill_all(self.name)
        run("ip", "netns", "del", self.name, check=False)


def stop_processes(processes):
    """TERM, a second of patience, KILL."""
    for p in processes:
        if p.poll() is None:
            p.terminate()
    deadline = time.monotonic() + 1
    for p in processes:
        try:
            p.wait(max(0.01, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
    processes.clear()


def kill_all(name):
    """What still lives in a namespace of ours: children of programs that we started."""
    for pid in run("ip", "netns", "pids", name, check=False).split():
        if int(pid) != os.getpid():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass


def remove_leftovers():
    """Namespaces of an earlier run that was killed: their name holds a pid that is gone."""
    for line in run("ip", "netns", "list", check=False).splitlines():
        m = re.match(r"^(lcap(\d+)-\S+)", line)
        if m and not os.path.exists(f"/proc/{m.group(2)}"):
            kill_all(m.group(1))
            run("ip", "netns", "del", m.group(1), check=False)


class Lab:
    """cameras: names in order; camera n has 10.20.0.(10+n), fd20::(10+n) and the MAC in macs or 02:00:00:00:00:n."""

    live = []

    def __init__(self, cameras=("cam-1", "cam-2"), macs=None, masquerade=True, hosts=()):
        if not Lab.live:
            remove_leftovers()
        install_cleanup()
        Lab.live.append(self)
        self.namespaces = []
        self.closed = False
        self.macs = {name: (macs or {}).get(name, f"02:00:00:00:00:{n:02x}") for n, name in enumerate(cameras, 1)}
        self.v4 = {name: f"10.20.0.{10 + n}" for n, name in enumerate(cameras, 1)}
        self.v6 = {name: f"fd20::{10 + n}" for n, name in enumerate(cameras, 1)}
        self.switch, self.gateway, self.internet = (self.namespace(n) for n in ("switch", "gw", "inet"))
        self.cameras = {name: self.namespace(name) for name in cameras}
        self.camera = self.cameras[cameras[0]]
        self.wire_cameras()
        self.wire_internet()
        if masquerade:
            self.masquerade()
        self.add_hosts(*hosts)

    def namespace(self, suffix):
        n = Namespace(f"lcap{os.getpid()}-{suffix}")
        self.namespaces.append(n)
        n.sysctl(ipv6__conf__all__accept_dad=0, ipv6__conf__default__accept_dad=0,
                 ipv6__conf__default__accept_ra=0, ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
                 bridge__bridge_nf_call_iptables=0)
        n.ip("link set lo up")
        return n

    def wire_cameras(self):
        self.switch.ip("link add sw0 type bridge mcast_snooping 0", "link set sw0 up",
                       f"link add cam0 netns {self.gateway.name} type veth peer name up0",
                       "link set up0 master sw0", "link set up0 up")
        self.gateway.ip("link set cam0 up", f"addr add {GATEWAY_V4}/16 dev cam0", f"addr add {GATEWAY_V6}/64 dev cam0 nodad")
        for n, (name, ns) in enumerate(self.cameras.items()):
            self.switch.ip(f"link add eth0 netns {ns.name} type veth peer name p{n}", f"link set p{n} master sw0",
                           f"link set p{n} up")
            ns.ip(f"link set eth0 address {self.macs[name]}", "link set eth0 up",
                  f"addr add {self.v4[name]}/16 dev eth0", f"addr add {self.v6[name]}/64 dev eth0 nodad",
                  f"route add default via {GATEWAY_V4}", f"route add ::/0 via {GATEWAY_V6}")

    def wire_internet(self):
        self.gateway.ip(f"link add wan0 type veth peer name eth0 netns {self.internet.name}", "link set wan0 up",
                        f"addr add {WAN_V4}/24 dev wan0", f"addr add {WAN_V6}/64 dev wan0 nodad")
        self.internet.ip("link set eth0 up", f"addr add {FAR_V4}/24 dev eth0", f"addr add {FAR_V6}/64 dev eth0 nodad")
        self.gateway.ip(f"route add default via {FAR_V4}", f"route add ::/0 via {FAR_V6}")
        self.gateway.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)

    def masquerade(self):
        self.gateway.run("nft", "-f", "-", data='table inet nat { chain post { type nat hook postrouting priority srcnat; '
                         'oifname "wan0" masquerade; }; }\n')

    def add_hosts(self, *addresses):
        """Gives the internet further addresses."""
        lines = [f"addr add {a}/128 dev eth0 nodad" if ":" in a else f"addr add {a}/32 dev eth0" for a in addresses]
        if lines:
            self.internet.ip(*lines)

    def close(self):
        if self.closed:
            return
        self.closed = True
        for n in self.namespaces:
            stop_processes(n.processes)
        for n in self.namespaces:
            n.close()
        Lab.live.remove(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def close_all():
    for lab in list(Lab.live):
        lab.close()


def on_signal(number, _frame):
    # A second Ctrl-C must not stop the cleaning up half way.
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, signal.SIG_IGN)
    raise SystemExit(128 + number)


def install_cleanup(done=[]):
    """Once a process: every way out except SIGKILL removes the labs."""
    if not done:
        done.append(True)
        atexit.register(close_all)
        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(s, on_signal)
