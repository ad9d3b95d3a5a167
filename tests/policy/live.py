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
import speech  # noqa: E402

REPLY = 1 << 24  # the kernel's hint: towards who opened the connection
NEW = 2 << 24
CONNECTIONS = 40  # the server lets each of them ask a limited number of questions a second
NAMES = ["a.example.com", "b.example.net", "c.example.org"]
FAR = ["no", "se", "us", "cn", "ru", "nowhere", "lan", "video"]
PORTS = [80, 443, 554, 8080]
CAMERAS = ["cam-1", "cam-2", "nvr", "stranger"]
RESOLVER = ("10.20.0.1", "fd20::53")
KINDS = ("allow", "refuse", "pending")


def policy(dice):
    rules = ["  - {name: names, from: any, to: {address: [10.20.0.1, \"fd20::53\"]}, port: udp/53, protocol: dns, action: allow}"]
    for i in range(14):
        side = dice.choice(["cameras", "any", "{group: dock}", "{device: [cam-1, nvr]}", "{brand: axis}", "{known: true}"])
        to = dice.choice(["any", '{country: ["NO", "SE"]}', '{country: ["CN", "RU"], unknown-country: true}', "video", "{private: true}",
                          "{asn: [64547, 64501]}", '"!home"', "home", '{name: ["*.example.com"], trust-sni: true}', '{name: ["*.example.net"]}',
                          '{name: ["*.example.com", "*.example.org"]}', '{address: ["2001:db8::/32", "198.51.100.0/26"]}'])
        more = dice.choice(["", "", ", port: tcp/443", ", port: [80, 8080]", ", protocol: http", ", protocol: [ssh, rtsp]", ", protocol: unknown",
                            ", when: {days: mon-wed}", ", port: 554, protocol: rtsp", ", direction: any", ", direction: inbound", ", port: udp/443",
                            ", protocol: quic", ", protocol: [dns, quic], direction: any", ", ech: true", ", protocol: dns, query: \"*.example.com\""])
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


class Flow:
    """Two hosts, a transport and a direction: what explain is to be told of it, and its packets."""

    def __init__(self, dice, number, seen):
        self.camera, self.far, self.v6 = dice.choice(CAMERAS), dice.choice(FAR), dice.random() < 0.4
        self.udp = dice.random() < 0.4
        # Whose address it is that is called from outside, is known once the device has sent something from it.
        self.inbound = (self.camera, self.v6) in seen and dice.random() < 0.25
        hosts = [scenario.HOSTS[name] for name in (self.camera, self.far)]
        self.mac, (self.local, self.remote) = hosts[0][0], [h[2 if self.v6 else 1] for h in hosts]
        self.port, self.sport = dice.choice(PORTS), 1024 + number
        far = {"indev": 4 if self.far == "video" else 3, "outdev": 2, "mac": scenario.HOSTS["router"][0]}
        camera = {"indev": 2, "outdev": far["indev"], "mac": self.mac}
        self.forth, self.back = (far, camera) if self.inbound else (camera, far)
        names = [self.mac] + ([self.camera] if self.camera != "stranger" else []) + ([self.local] if (self.camera, self.v6) in seen else [])
        self.args = {"device": dice.choice(names), "dest": self.remote, "port": self.port, "proto": "udp" if self.udp else "tcp", "inbound": self.inbound}

    def __str__(self):
        return f"{self.camera} {'<-' if self.inbound else '->'} [{self.remote}]:{self.port} {self.args['proto']}"

    def packet(self, body, reply=False):
        src, dst = (self.remote, self.local) if self.inbound != reply else (self.local, self.remote)
        make = packet.ipv6 if self.v6 else packet.ipv4
        return make(src, dst, packet.UDP if self.udp else packet.TCP, body)


class Turn:
    """One policy: its engine, what was seen of each camera, and what came out."""

    def __init__(self, gate, asker, dice, counts):
        self.gate, self.asker, self.dice, self.counts = gate, asker, dice, counts
        self.seen = set()

    def send(self, flow, body, reply=False, mark=0):
        where = flow.back if reply else flow.forth
        return self.gate.packet(flow.packet(body, reply), self.gate.wall_us + 1000, mark=REPLY if reply else mark, **where)

    def count(self, flow, said):
        for kind in (said, ("IPv6 " if flow.v6 else "IPv4 ") + said, ("UDP " if flow.udp else "TCP ") + said, "inbound " + said if flow.inbound else "outbound"):
            self.counts[kind] = self.counts.get(kind, 0) + 1

    def resolve(self, camera, v6, name, address):
        """The camera asks the resolver, and is told: from then on the name is proved for this address."""
        mac, *own = scenario.HOSTS[camera]
        local, server, make = own[v6], RESOLVER[v6], packet.ipv6 if v6 else packet.ipv4
        sport = 60000 + self.dice.randrange(4000)
        record = f"{name},AAAA,AAAA={address}" if ":" in address else f"{name},A={address}"
        word = record.rsplit(",", 1)[0]
        self.gate.packet(make(local, server, packet.UDP, packet.udp(sport, 53, speech.say("q:" + word))), self.gate.wall_us + 1000,
                         indev=2, outdev=3, mac=mac, mark=NEW)
        self.gate.packet(make(server, local, packet.UDP, packet.udp(53, sport, speech.say("a:" + record))), self.gate.wall_us + 1000,
                         indev=3, outdev=2, mac=scenario.HOSTS["router"][0], mark=REPLY)
        self.seen.add((camera, v6))


def spoken(dice, name, udp):
    """(what explain is told, the bytes): of TCP after the handshake, of UDP at once."""
    if udp:
        return dice.choice([({"protocol": "quic", "name": name}, speech.say("quic:" + name)), ({"protocol": "quic", "name": ""}, speech.say("quic")),
                            ({"protocol": "quic", "name": name, "ech": True}, speech.say("quic-ech:" + name)),
                            ({"protocol": "dns", "query": name}, speech.say("q:" + name)), ({"protocol": "unknown", "name": ""}, speech.say("noise"))])
    host = f"Host: {name}\r\n" if dice.random() < 0.8 else ""
    http = f"GET / HTTP/1.1\r\n{host}User-Agent: x\r\n\r\n".encode()
    return dice.choice([({"protocol": "http", "name": name if host else ""}, http), ({"protocol": "tls", "name": name}, speech.say("tls:" + name)),
                        ({"protocol": "tls", "name": name, "ech": True}, speech.say("ech:" + name)), ({"protocol": "ssh", "name": ""}, speech.say("ssh")),
                        ({"protocol": "rtsp", "name": ""}, b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")])


def said(data):
    return {"allow": "allow", "block": "refuse", "reject": "refuse", "pending": "pending"}[data["decision"]]


GOES_ON = ("watch", "open", "confirm", "confirm+")


def done(verdict):
    return "refuse" if verdict in ("block", "reject", "refuse", "drop") else "pending" if verdict in (*GOES_ON, "pending", "held") else "allow"


def one(turn, number):
    """One flow: asked and sent. "" or what was wrong."""
    dice, gate = turn.dice, turn.gate
    flow = Flow(dice, number, turn.seen)
    turn.seen.add((flow.camera, flow.v6))
    now = gate.wall_us // 1000000
    words, data = spoken(dice, dice.choice(NAMES), flow.udp)
    first = turn.asker.ask(**flow.args, at=now)
    turn.count(flow, said(first))
    if not flow.udp:
        got = turn.send(flow, packet.tcp(flow.sport, flow.port, packet.TCP_FLAGS["syn"]), mark=NEW)
        if done(got) != said(first):
            return f"{flow}: explain says {first['decision']} {first['rule']}, the SYN got {got}"
        if said(first) != "pending":
            return ""
    then = first if said(first) != "pending" else turn.asker.ask(**flow.args, **words, at=now)
    if flow.udp:
        got = turn.send(flow, packet.udp(flow.sport, flow.port, data), mark=NEW)
    else:
        ack = packet.TCP_FLAGS["ack"]
        turn.send(flow, packet.tcp(flow.port, flow.sport, packet.TCP_FLAGS["syn"] | ack, seq=5000, ack=1001), reply=True)
        got = turn.send(flow, packet.tcp(flow.sport, flow.port, packet.TCP_FLAGS["psh"] | ack, data, seq=1001, ack=5001))
    turn.count(flow, "later " + said(then))
    # An answer of the first bytes may still be confirmed by the far side, and DNS is judged by each question: a flow that is watched has been let through.
    passed = "allow" if got in GOES_ON else done(got)
    if passed != said(then):
        return f"{flow} {words}: explain says {then['decision']} {then['rule']}, its first bytes got {got}; names bound: {then['bindings']}"
    named = any(r["decides"] and "name" in [c["key"] for c in r["conditions"]] for r in then["rules"])
    turn.counts["by a proved name"] = turn.counts.get("by a proved name", 0) + (named and bool(then["bindings"]))
    return ""


def resolve_some(turn):
    """Each camera learns some names of some places; the same name may be at several."""
    for camera in CAMERAS:
        for far in turn.dice.sample(FAR[:6], 3):
            v6 = turn.dice.random() < 0.5
            turn.resolve(camera, turn.dice.random() < 0.5, turn.dice.choice(NAMES), scenario.HOSTS[far][2 if v6 else 1])


POLICIES = 8


def agreement(engine, number=1200, seed=20261123):
    dice = random.Random(seed)
    with open(os.path.join(HERE, "..", "scenario", "base.yaml"), encoding="utf-8") as f:
        base = f.read()
    counts = {}
    for number_of_policy in range(POLICIES):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
            path = os.path.join(folder, "control.sock")
            listener.bind(path)
            listener.listen(64)
            listener.setblocking(False)
            text = geodata.fill_in(scenario.merge(policy(dice), base).replace("@EVE@", os.path.join(folder, "eve.json")))
            gate = fakegate.FakeGate(engine, folder, [("lenscap.yaml", text)], scenario.LINKS, scenario.wall_us(scenario.START), control=listener)
            try:
                asker = Asker(path)
                turn = Turn(gate, asker, dice, counts)
                for i in range(number // POLICIES):
                    if i % 50 == 0:
                        resolve_some(turn)
                    wrong = one(turn, i)
                    if wrong:
                        return f"policy {number_of_policy}, flow {i}: {wrong}\n{text}"
                gate.stop()
            finally:
                gate.close()
    wanted = [*KINDS, *(f"{way} {kind}" for way in ("IPv4", "IPv6", "TCP", "UDP") for kind in KINDS), *(f"inbound {kind}" for kind in KINDS),
              "later allow", "later refuse", "by a proved name"]
    few = [kind for kind in wanted if counts.get(kind, 0) < number // 100]
    if os.environ.get("LENSCAP_VERBOSE"):
        print(counts)
    return f"nothing was shown of {few}: {counts}" if few else ""
