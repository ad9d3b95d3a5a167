# SPDX-License-Identifier: GPL-2.0-or-later
"""Budgets: a running upload is cut at its line, others go on, and a restart gives nobody a fresh one."""

import os
import signal
import socket
import threading
import time

from daemon import wait_for
from netcase import NO, check, gateway, policy, tests
from traffic import Server, tcp

PORT = 8443


def rules(limit, action="block"):
    return (f'rules:\n  - {{name: upload, from: cameras, to: {{country: "NO"}}, limit: {limit}, action: allow}}\n'
            f'default: {{action: {action}, alert: medium}}\n')


class Sink:
    """Takes all that comes on one port and counts it, in bytes of payload."""

    def __init__(self, ns):
        self.got, self.last = 0, time.monotonic()
        self.listener = ns.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.listener.bind(("::", PORT))
        self.listener.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.take, args=(s,), daemon=True).start()

    def take(self, s):
        with s:
            try:
                while data := s.recv(1 << 18):
                    self.got += len(data)
                    self.last = time.monotonic()
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


class Upload:
    """One connection that sends so many bytes a second until it may not."""

    def __init__(self, ns, address, rate):
        self.rate, self.sent, self.over, self.error = rate, 0, False, ""
        self.socket = ns.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(5)
        self.socket.connect((address, PORT))
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.begun = time.monotonic()
        self.thread.start()

    def work(self):
        block = b"u" * 16384
        try:
            while not self.over:
                ahead = self.sent - (time.monotonic() - self.begun) * self.rate
                if ahead > 0:
                    time.sleep(min(ahead / self.rate, 0.1))
                    continue
                self.socket.sendall(block)
                self.sent += len(block)
        except OSError as e:
            self.error = str(e) or type(e).__name__
        self.ended = time.monotonic()
        self.socket.close()

    def wait(self, seconds):
        self.thread.join(seconds)
        running = self.thread.is_alive()
        self.over = True
        check(not running and self.error, f"the upload was not stopped: {self.sent} bytes in {seconds} s")

    def close(self):
        self.over = True
        self.thread.join(6)


def cut(limit_mb, rate_mb, seconds):
    """What got through of an upload, and how long after its line it was stopped."""
    limit = limit_mb * 1000000
    with gateway(policy(rules(f"{{bytes: {limit_mb}MB, per: month}}"))) as (lab, d), Sink(lab.internet) as sink:
        upload = Upload(lab.camera, NO[0], rate_mb * 1000000)
        upload.wait(seconds)
        d.wait_record("alert", "alert.signature_id=1990021", "lenscap.device.name=cam-1", "lenscap.rule=upload")
        d.wait_record("alert", "alert.signature_id=1990007", "lenscap.device.name=cam-1")
        got = sink.got
        check(0.85 * limit < got < 1.1 * limit, f"{got} bytes came through of {limit}{d.log()}")
        check(tcp(lab.camera, NO[0], PORT, timeout=0.3) == "timeout", "it may go on with another connection")
        check(sink.got == got, f"{sink.got - got} bytes more")
        # Another device has a budget of its own.
        other, before = Upload(lab.cameras["cam-2"], NO[0], 2000000), sink.got
        wait_for(lambda: sink.got - before > 500000, 10, "the second device is cut as well")
        other.close()
        return f"{limit_mb} MB at {rate_mb} MB/s: {100 * got / limit - 100:+.1f} % of payload"


@tests.add("a budget of bytes stops a running upload at its line, slow", alone=True)
def limit_slow():
    return cut(8, 2, 30)


@tests.add("a budget of bytes stops a running upload at its line, fast", alone=True)
def limit_fast():
    return cut(20, 20, 30)


@tests.add("a budget whose flows the kernel carries first is met all the same")
def limit_carried():
    limit = 100 * 1000000
    with gateway(policy(rules("{bytes: 100MB, per: month}"))) as (lab, d), Sink(lab.internet) as sink:
        upload = Upload(lab.camera, NO[0], 15 * 1000000)
        wait_for(lambda: sink.got > 5000000, 10, "the upload does not run")
        check(d.counters()["c_offload"] > 500, f"the kernel does not carry it: {d.counters()}")
        upload.wait(60)
        check(0.85 * limit < sink.got < 1.1 * limit, f"{sink.got} bytes came through of {limit}{d.log()}")
        return f"{100 * sink.got / limit - 100:+.1f} % of payload"


@tests.add("what was used stays used: after a stop, after the engine dies, and after a reload")
def limit_kept():
    with gateway(policy(rules("{bytes: 3MB, per: month}"))) as (lab, d), Sink(lab.internet) as sink:
        Upload(lab.camera, NO[0], 20000000).wait(20)
        d.stop()
        d.start()
        check(tcp(lab.camera, NO[0], PORT, timeout=0.5) == "timeout", "a restart gave it a fresh budget")
        engine = d.engine()
        os.kill(engine, signal.SIGKILL)
        wait_for(lambda: d.engine() not in (None, engine), 10, "no other engine comes")
        check(tcp(lab.camera, NO[0], PORT, timeout=0.5) != "answered", "a new engine gave it a fresh budget")
        code, out, err = d.lenscap("explain", "cam-1", f"{NO[0]}:{PORT}/tcp")
        check("of 3.0 MB used this month" in out, f"explain: {code} {out}{err}")
        d.reload(policy(rules("{bytes: 3200kB, per: month}")))
        before = sink.got
        Upload(lab.cameras["cam-2"], NO[0], 20000000).wait(20)
        check(2.5e6 < sink.got - before < 3.6e6, f"cam-2 moved {sink.got - before}")
        before = sink.got
        Upload(lab.camera, NO[0], 20000000).wait(20)
        check(sink.got - before < 600000, f"a reload gave a fresh budget: {sink.got - before} bytes more")


@tests.add("a budget of flows: what was counted goes on, more is refused, and the next minute is new")
def limit_flows():
    with gateway(policy(rules("{flows: 3, per: minute}", "reject"))) as (lab, d), Server(lab.internet, 443):
        wait_for(lambda: 30 < time.time() % 60 < 50, 60, "the clock stands", every=0.5)  # enough of the minute left, and not too much
        answers = [tcp(lab.camera, NO[0], 443, timeout=1) for _ in range(5)]
        check(answers[:3] == ["answered"] * 3 and "answered" not in answers[3:], f"{answers}")
        check(tcp(lab.cameras["cam-2"], NO[0], 443) == "answered", "another device is refused")
        d.wait_record("alert", "alert.signature_id=1990021", "lenscap.device.name=cam-1")
        wait_for(lambda: tcp(lab.camera, NO[0], 443, timeout=0.5) == "answered", 65 - time.time() % 60, "no fresh minute", every=0.5)
