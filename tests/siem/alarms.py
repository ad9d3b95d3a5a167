# SPDX-License-Identifier: GPL-2.0-or-later
"""A real engine that is made to raise alerts: each for another place, so that each is a record of its own."""

import os
import socket
import subprocess

import fakegate
import geodata
import packet
import scenario
from result import check

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(HERE, "..", "..", "build")))
POLICY = 'outputs:\n  - eve: {path: "@EVE@", types: [alert]}\n'


class Alarms:
    """directory: empty. The log is log/eve.json in it."""

    def __init__(self, directory, policy=POLICY):
        self.directory, self.raised = directory, 0
        self.eve_path = os.path.join(directory, "log", "eve.json")
        for name in ("log", "run"):
            os.makedirs(os.path.join(directory, name))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(directory, "run", "control.sock"))
        self.listener.listen(8)
        self.listener.setblocking(False)
        with open(os.path.join(HERE, "..", "scenario", "base.yaml"), encoding="utf-8") as f:
            text = geodata.fill_in(scenario.merge(policy, f.read()).replace("@EVE@", self.eve_path))
        self.wall_us = scenario.wall_us(scenario.START)
        self.gate = fakegate.FakeGate(os.path.join(BUILD, "lenscap-engine"), directory, [("lenscap.yaml", text)], scenario.LINKS,
                                      self.wall_us, control=self.listener)

    def raise_alerts(self, count, verdict="block"):
        """That many first packets of flows to as many addresses. verdict: what each must get; None: any."""
        for _ in range(count):
            n = self.raised
            self.raised += 1
            to = f"203.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
            ip = packet.ipv4("10.20.0.11", to, packet.UDP, packet.udp(40000, 32100, b"\xf1\x00\x00\x00"))
            got = self.gate.packet(ip, self.wall_us + n * 1000, indev=scenario.LINKS["cam0"], outdev=scenario.LINKS["wan0"],
                                   mac="02:00:00:00:00:01")
            check(got == verdict or not verdict, f"packet {n}: {got}")

    def reopen(self):
        p = subprocess.run([os.path.join(BUILD, "lenscap"), "--run-dir", os.path.join(self.directory, "run"), "reopen"],
                           capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
        check(p.returncode == 0, f"lenscap reopen: {p.returncode} {p.stdout}{p.stderr}{self.gate.log()}")

    def stop(self):
        self.gate.stop()

    def close(self):
        self.gate.close()
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
