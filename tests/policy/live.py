# SPDX-License-Identifier: GPL-2.0-or-later
"""What `explain` says of a flow is what becomes of it: made-up flows through a real engine, each asked about before its packets."""

import json
import os
import random
import socket
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import fakegate  # noqa: E402
import geodata  # noqa: E402
import packet  # noqa: E402
import scenario  # noqa: E402

REPLY = 1 << 24  # the kernel's hint: towards who opened the connection
NEW = 2 << 24
CONNECTIONS = 40  # the server lets each of them ask a limited number of questions a second
NAMES = ["a.example.com", "b.example.net", "c.example.org"]
DESTS = ["198.51.100.47", "198.51.100.46", "198.51.100.1", "203.0.113.86", "203.0.113.7", "8.0.0.1", "192.168.7.7", "10.30.0.5"]
PORTS = [80, 443, 554, 8080]
CAMERAS = ["cam-1", "cam-2", "nvr", "stranger"]


def policy(dice):
    rules = []
    for i in range(14):
        side = dice.choice(["cameras", "any", "{group: dock}", "{device: [cam-1, nvr]}", "{brand: axis}", "{known: true}"])
        to = dice.choice(["any", '{country: ["NO", "SE"]}', '{country: ["CN", "RU"], unknown-country: true}', "video", "{private: true}",
                          "{asn: [64547, 64501]}", '"!home"', "home", '{name: ["*.example.com"], trust-sni: true}', '{name: ["*.example.net"]}'])
        more = dice.choice(["", "", ", port: tcp/443", ", port: [80, 8080]", ", protocol: http", ", protocol: [ssh, rtsp]", ", protocol: unknown",
                            ", when: {days: mon-wed}", ", port: 554, protocol: rtsp", ", direction: any"])
        if to == "any" and not more:
            more = ", protocol: http"
        rules.append(f"  - {{name: r{i}, from: {side}, to: {to}{more}, action: {dice.choice(['allow', 'allow', 'alert', 'block', 'reject'])}}}")
    return ('sets:\n  home: {country: ["NO", "US"]}\nrules:\n' + "\n".join(rules) +
            f"\nunknown-devices: {dice.choice(['allow', 'alert', 'block'])}\ndefault: {dice.choice(['block', 'block', 'allow'])}\n")


class Asker:
    """Asks in turns over several connections."""

    def __init__(self, path):
        self.files, self.next = [], 0
        for _ in range(CONNECTIONS):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(20)
            s.connect(path)
            self.files.append(s.makefile("rw"))

    def ask(self, **args):
        f = self.files[self.next % CONNECTIONS]
        self.next += 1
        f.write(json.dumps({"id": self.next, "cmd": "explain", "args": args}) + "\n")
        f.flush()
        answer = json.loads(f.readline())
        if not answer["ok"]:
            raise AssertionError(f"explain {args}: {answer.get('error')}")
        return answer["data"]


def spoken(dice, name):
    """(protocol, name that is said or "", bytes)."""
    host = f"Host: {name}\r\n" if name else ""
    return dice.choice([("http", name, f"GET / HTTP/1.1\r\n{host}User-Agent: x\r\n\r\n"), ("ssh", "", "SSH-2.0-OpenSSH_9.2\r\n"),
                        ("rtsp", "", "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")])


def said(data):
    return {"allow": "allow", "block": "refuse", "reject": "refuse", "pending": "pending"}[data["decision"]]


def done(verdict):
    return "refuse" if verdict in ("block", "reject", "refuse", "drop") else "pending" if verdict in ("watch", "pending", "held") else "allow"


def one(gate, asker, dice, number, counts, seen):
    """One flow: asked and sent. "" or what was wrong."""
    camera, dest, port = dice.choice(CAMERAS), dice.choice(DESTS), dice.choice(PORTS)
    mac, local, _ = scenario.HOSTS[camera]
    sport = 1024 + number
    where = {"indev": 2, "outdev": 4 if dest.startswith("10.30") else 3, "mac": mac}
    name = dice.choice(NAMES)
    # Whose address it is, is known once the device has sent something.
    device = dice.choice([mac] + ([local] if camera in seen else []) + ([camera] if camera != "stranger" else []))
    seen.add(camera)
    first = asker.ask(device=device, dest=dest, port=port, proto="tcp", at=gate.wall_us // 1000000)
    syn = packet.ipv4(local, dest, packet.TCP, packet.tcp(sport, port, packet.TCP_FLAGS["syn"]))
    got = gate.packet(syn, gate.wall_us + 1000, mark=NEW, **where)
    counts[said(first)] += 1
    if done(got) != said(first):
        return f"{camera} {dest}:{port}: explain says {first['decision']} {first['rule']}, the SYN got {got}"
    if said(first) != "pending":
        return ""
    protocol, host, data = spoken(dice, name)
    then = asker.ask(device=device, dest=dest, port=port, proto="tcp", protocol=protocol, name=host, at=gate.wall_us // 1000000)
    syn_ack = packet.ipv4(dest, local, packet.TCP, packet.tcp(port, sport, packet.TCP_FLAGS["syn"] | packet.TCP_FLAGS["ack"], seq=5000, ack=1001))
    back = {"indev": where["outdev"], "outdev": 2, "mark": REPLY}
    gate.packet(syn_ack, gate.wall_us + 1000, **back)
    body = packet.tcp(sport, port, packet.TCP_FLAGS["psh"] | packet.TCP_FLAGS["ack"], data.encode(), seq=1001, ack=5001)
    got = gate.packet(packet.ipv4(local, dest, packet.TCP, body), gate.wall_us + 1000, **where)
    counts["later " + said(then)] = counts.get("later " + said(then), 0) + 1
    # An answer of the first bytes may still be confirmed by the far side: a flow that is watched has been let through.
    passed = "allow" if got == "watch" else done(got)
    if passed != said(then):
        return f"{camera} {dest}:{port} {protocol} {host}: explain says {then['decision']} {then['rule']}, its first bytes got {got}"
    return ""


def agreement(engine, number=1000, seed=20261123):
    dice = random.Random(seed)
    with open(os.path.join(HERE, "..", "scenario", "base.yaml"), encoding="utf-8") as f:
        base = f.read()
    counts = {"allow": 0, "refuse": 0, "pending": 0}
    for turn in range(5):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
            path = os.path.join(folder, "control.sock")
            listener.bind(path)
            listener.listen(64)
            listener.setblocking(False)
            text = geodata.fill_in(scenario.merge(policy(dice), base).replace("@EVE@", os.path.join(folder, "eve.json")))
            gate = fakegate.FakeGate(engine, folder, [("lenscap.yaml", text)], scenario.LINKS, scenario.wall_us(scenario.START), control=listener)
            try:
                asker = Asker(path)
                seen = set()
                for i in range(number // 5):
                    wrong = one(gate, asker, dice, i, counts, seen)
                    if wrong:
                        return f"policy {turn}, flow {i}: {wrong}\n{text}"
                gate.stop()
            finally:
                gate.close()
    few = [kind for kind in ("allow", "refuse", "pending") if counts[kind] < number // 50]
    if os.environ.get("LENSCAP_VERBOSE"):
        print(counts)
    return f"nothing was shown of {few}: {counts}" if few else ""
