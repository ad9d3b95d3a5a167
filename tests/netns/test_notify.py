# SPDX-License-Identifier: GPL-2.0-or-later
"""What a service manager hears: READY, RELOADING, STATUS, WATCHDOG, STOPPING, in this order and in time."""

import os
import signal
import socket
import time

from netcase import OPEN_TO_NO, REJECT_REST, check, gateway, policy, tests


class Manager:
    """A listening NOTIFY_SOCKET."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o777)
        self.heard = []

    def hear(self, wanted, seconds):
        """The first message from now on that holds `wanted`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                text = self.socket.recv(4096).decode()
            except TimeoutError:
                break
            self.heard.append((time.monotonic(), text))
            if wanted in text:
                return text
        raise AssertionError(f"no {wanted} within {seconds} s; heard {[t for _, t in self.heard]}")

    def watchdogs(self, seconds):
        """How many WATCHDOG=1 come in that time."""
        before, deadline = len(self.heard), time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                self.heard.append((time.monotonic(), self.socket.recv(4096).decode()))
            except TimeoutError:
                pass
        return sum("WATCHDOG=1" in t for _, t in self.heard[before:])


@tests.add("a service manager hears READY, STATUS, RELOADING with its time, READY again also after a refusal, WATCHDOG in time, STOPPING")
def life_service_manager():
    os.environ["WATCHDOG_USEC"] = "900000"
    try:
        with gateway(policy(OPEN_TO_NO), start=False) as (_lab, d):
            m = Manager(d.path("manager"))
            d.spawn(d.path("manager"))
            first = m.hear("READY=1", 10)
            check("STATUS=enforce, fail closed, policy " in first, first)
            check(m.watchdogs(1.8) >= 3, "fewer than one WATCHDOG=1 in each half of WATCHDOG_USEC")
            d.write_policy(policy(REJECT_REST))
            for write in (REJECT_REST, "rulez: []\n"):
                d.write_policy(policy(write))
                d.process.send_signal(signal.SIGHUP)
                reloading = m.hear("RELOADING=1", 3)
                check(int(reloading.split("MONOTONIC_USEC=")[1].split()[0]) > 0, reloading)
                ready = m.hear("READY=1", 5)
                check("generation 2" in ready, ready)
            os.kill(d.engine(), signal.SIGSTOP)
            check(m.watchdogs(1.8) >= 3, "the gate stops answering the watchdog when its engine hangs")
            d.process.send_signal(signal.SIGTERM)
            m.hear("STOPPING=1", 3)
            check(d.process.wait(5) == 0, "exit code")
            return f"{len(m.heard)} messages"
    finally:
        del os.environ["WATCHDOG_USEC"]
