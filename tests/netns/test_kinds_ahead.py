# SPDX-License-Identifier: GPL-2.0-or-later
"""DNS first: what the first connection after an answer costs, and what an answer opens to nobody."""

import contextlib
import json
import socket
import threading
import time

import bridgelab
import dnswords
from daemon import wait_for
from lab import FAR_V4
from netcase import CN, NO, check, gateway, policy, tests
from test_bridge import NAMES as BRIDGED
from test_bridge import ask as bridge_ask
from test_bridge import start_resolver as start_bridge_resolver
from test_kinds import QUIET, cost
from tlslab import ask, finish_clients, start_clients, tls_gateway
from tlslab import policy as tls_policy
from traffic import Server, connect, tcp, udp_send

SETS = ("allowt4", "allowt6", "allowu4", "allowu6", "askt4", "askt6")
NAMES = f'{{name: names, from: cameras, to: {{address: {FAR_V4}}}, port: udp/53, protocol: dns, action: allow}}'
REST = "default: {action: block, alert: medium}\n"


def rules(*more):
    return "rules:\n" + "".join(f"  - {r}\n" for r in (NAMES, *more)) + REST


HOME = rules('{name: home, from: cameras, to: {country: "NO"}, action: allow}')


def kinds(lab):
    """{(set, camera, remote, port): milliseconds left}"""
    out = {}
    for name in SETS:
        got = json.loads(lab.gateway.run("nft", "-j", "list", "set", "inet", "lenscap", name))
        for e in next(o["set"] for o in got["nftables"] if "set" in o).get("elem", []):
            _, _, camera, remote, port = e["elem"]["val"]["concat"]
            out[name, camera, remote, port] = e["elem"]["expires"]
    return out


class Resolver:
    """Says what it is told to say: every name that begins like a key has the records of its value. TTL in front: "3 A=198.51.100.47"."""

    def __init__(self, ns, said):
        self.said, self.asked = said, {}
        self.socket = ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((FAR_V4, 53))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            data, peer = self.socket.recvfrom(2048)
            if not data:
                return
            name = ".".join(self.labels(data))
            self.asked[name] = peer
            for key, words in self.said.items():
                if name.startswith(key):
                    ttl, *records = words.split()
                    kind = "AAAA" if data[-3] == 28 else "A"
                    self.socket.sendto(dnswords.answer(name, kind, f"ttl={ttl}", f"id={int.from_bytes(data[:2], 'big')}",
                                                       *(r for r in records if r.startswith(kind + "="))), peer)

    @staticmethod
    def labels(data):
        at = 12
        while data[at]:
            yield data[at + 1:at + 1 + data[at]].decode()
            at += 1 + data[at]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread, though it says that nothing is connected
        self.thread.join(5)
        self.socket.close()


def question(lab, name, kind="A"):
    with lab.camera.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((lab.v4["cam-1"], 0))
        s.settimeout(3)
        s.sendto(dnswords.question(name, kind), (FAR_V4, 53))
        return s.recv(2048)


def forge(lab, d, resolver):
    """Answers to a camera that waits for one: with another number, for another name."""
    name = "slow.cloud.example"
    with lab.camera.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((lab.v4["cam-1"], 0))
        s.settimeout(3)
        s.sendto(dnswords.question(name, "id=77"), (FAR_V4, 53))
        peer = wait_for(lambda: resolver.asked.get(name), 3, "the question does not arrive")
        for words in ((name, "A", "id=78"), ("long.cloud.example", "A", "id=77"), (name, "AAAA", "id=77")):
            resolver.socket.sendto(dnswords.answer(*words, "ttl=60", f"A={NO[0]}"), peer)
            s.recv(2048)
    d.wait_record("dns", "dns.type=answer", count=3)


def use_ipv6(lab, d):
    """The camera shows its IPv6 address."""
    before = d.queued()
    with lab.camera.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.bind((lab.v6["cam-1"], 0))
        s.sendto(b"here", (NO[1], 9))
    wait_for(lambda: d.queued() > before, 3, "no packet over IPv6")


@tests.add("the first TLS connection after an answer costs one trip, its ClientHello, over IPv4 and IPv6; its records are there")
def kinds_ahead_tls():
    with tls_gateway(text=tls_policy(QUIET)) as (lab, d, _server):
        check(("askt4", lab.v4["cam-1"], NO[0], 443) in kinds(lab), f"not prepared: {kinds(lab)}")
        use_ipv6(lab, d)
        check(ask(lab, "allowed.example", "ask6"), "no answer")
        for a in NO:
            got = {}
            queued = cost(d, lambda a=a, got=got: got.update(finish_clients(lab, start_clients(lab, 1, addresses=(a,)))))
            check(got["succeeded"] == 1 and 1 <= queued <= 1 + got["retransmissions"], f"{a}: {queued} packets queued, {got}")
        check(not [k for k in kinds(lab) if k[2] in CN], "a name that policy refuses is prepared")
        d.stop()
        for a in NO:
            flows = d.records("flow", f"dest_ip={a}", "dest_port=443", "lenscap.rule=good", "lenscap.dest.name=allowed.example")
            check(len(flows) == 1 and flows[0]["lenscap"]["decision"] == "allow", f"{a}: {flows}")
            check(len(d.records("tls", f"dest_ip={a}", "tls.sni=allowed.example")) == 1, f"{a}: no tls record")
        stats = d.records("stats")[-1]["lenscap"]
        check(stats["stats"]["kinds_ahead"] >= 2 and stats["kernel"]["kinds_refused"] == 0, f"{stats}")


def first_connections(lab, d, resolver):
    """What is recorded of first connections to an address that was just answered: TCP and UDP, IPv4 and IPv6."""
    resolver.said["home."] = f"60 A={NO[0]} AAAA={NO[1]}"
    use_ipv6(lab, d)
    question(lab, "home.example")
    question(lab, "home.example", "AAAA")
    queued = cost(d, lambda: [check(tcp(lab.camera, a, 443, timeout=3) == "answered", f"{a}: no answer") for a in NO] +
                  [udp_send(lab.camera, a, 443, 3, sport=9100) for a in NO])
    d.stop()
    flows = [r for r in d.records("flow", "dest_port=443") if r["dest_ip"] in NO]
    told = {(r["proto"], r["dest_ip"]): (r["lenscap"]["rule"], r["lenscap"]["decision"], r["lenscap"]["dest"].get("name"), r["lenscap"].get("reason"),
                                         r["lenscap"]["device"]["name"], r["flow"]["pkts_toserver"]) for r in flows if r["proto"] == "UDP"}
    told |= {(r["proto"], r["dest_ip"]): (r["lenscap"]["rule"], r["lenscap"]["decision"], r["lenscap"]["dest"].get("name"), r["lenscap"].get("reason"),
                                          r["lenscap"]["device"]["name"]) for r in flows if r["proto"] == "TCP"}
    check(len(flows) == len(told) == 4, f"{len(flows)} flow records: {told}")
    return queued, {flow: [str(w).replace(d.directory, "") for w in words] for flow, words in told.items()}


@tests.add("a first connection that its address alone decides costs none after an answer, and is told of as one that was asked for")
def kinds_ahead_decided():
    got = []
    for options in (QUIET, QUIET + ", kind-memory: 0s"):
        with gateway(policy(HOME, options=options)) as (lab, d), Resolver(lab.internet, {}) as r, Server(lab.internet, 443):
            got.append(first_connections(lab, d, r))
    (queued, told), (asked, plain) = got
    check(queued == 0 and asked >= 4, f"{queued} packets queued, {asked} without")
    check(told == plain, f"{told}\n{plain}")
    return f"{queued} packets queued for the first four flows, {asked} without kind-memory"


@tests.add("what an answer has prepared ends with its name, and with a reload; a forged answer prepares nothing")
def kinds_ahead_ends():
    cloud = rules('{name: cloud, from: cameras, to: {name: ["*.cloud.example"]}, protocol: tls, action: allow}')
    with gateway(policy(cloud, options=QUIET + ", name-grace: 0s")) as (lab, d), Server(lab.internet, 443) as far, \
            Resolver(lab.internet, {"short.": f"4 A={NO[0]}", "long.": f"60 A={NO[0]}"}) as r:
        mine = ("askt4", lab.v4["cam-1"], NO[0], 443)
        forge(lab, d, r)
        check(not kinds(lab), f"prepared by a forged answer: {kinds(lab)}")
        question(lab, "short.cloud.example")
        left = kinds(lab).get(mine)
        check(left is not None and left <= 4, f"{left} s left of a name that holds 4 s")
        wait_for(lambda: mine not in kinds(lab), 8, "it outlives its name", every=0.3)
        check(tcp(lab.camera, NO[0], 443, timeout=0.5) == "timeout" and far.connections == 0, "let through behind the name's end")
        # What was refused is judged anew by then, and each new generation begins with nothing.
        wait_for(lambda: question(lab, "long.cloud.example") and mine in kinds(lab), 5, "not prepared")
        d.reload()
        check(mine not in kinds(lab), "it outlives a reload")
        question(lab, "long.cloud.example")
        check(mine in kinds(lab), "not prepared under the next generation")
        d.reload(policy(rules(), options=QUIET))
        check(mine not in kinds(lab), "it outlives its rule")
        check(tcp(lab.camera, NO[0], 443, timeout=0.5) == "timeout", "let through without its rule")


@tests.add("what must be seen of a first packet is not prepared: refusals, alerts, budgets, an edge of a schedule, a camera that is still looked at")
def kinds_ahead_never():
    rule = '{name: home, from: cameras, to: {country: "NO"}, action: allow%s}'
    cloud = '{name: cloud, from: cameras, to: {name: ["*.cloud.example"]}, protocol: tls, %s action: allow}'
    now = time.gmtime()
    edge = (now.tm_hour * 60 + now.tm_min + 3) % 1440
    hours = f'when: {{time: "{(edge - 120) % 1440 // 60:02}:{(edge - 120) % 60:02}-{edge // 60:02}:{edge % 60:02}", zone: UTC}}, '
    cases = {
        "an edge": (rules(rule.replace("action", hours + "action") % ""), QUIET + ", kind-memory: 300s"),
        "refused": (rules('{name: home, from: cameras, to: {country: "SE"}, action: allow}'), QUIET),
        "an alert": (rules(rule % ", alert: low"), QUIET),
        "a budget": (rules(rule.replace("action", "limit: {flows: 1000, per: month}, action") % ""), QUIET),
        "a budget behind a name": (rules(cloud % "limit: {flows: 1000, per: month},"), QUIET),
        "looked at": (rules(rule % ""), "rollup: 2s, identify-flows: 100"),
        "switched off": (rules(rule % ""), QUIET + ", kind-memory: 0s"),
        "monitored": (rules(rule % ""), QUIET),
    }
    for what, (text, options) in cases.items():
        mode = "monitor" if what == "monitored" else "enforce"
        with gateway(policy(text, options=options, mode=mode)) as (lab, d), Resolver(lab.internet, {"x.": f"60 A={NO[0]} A={CN[0]}"}):
            question(lab, "x.cloud.example")
            check(what == "switched off" or not kinds(lab), f"{what}: {kinds(lab)}")
            before = d.queued()
            udp_send(lab.camera, NO[0], 443, 1, sport=9200)
            wait_for(lambda before=before: d.queued() > before, 3, f"{what}: the first packet is not asked for")
            check(d.counters()["c_kind"] == 0, f"{what}: {d.counters()}")
            if what == "refused":
                d.wait_record("alert", "alert.action=blocked", f"dest_ip={NO[0]}")


@tests.add("a camera that asks for a thousand names prepares a bounded number, the rest is counted, and its neighbour's first connection costs none")
def kinds_ahead_hostile():
    addresses = [f"198.51.100.{40 + n}" for n in range(8)]
    with gateway(policy(HOME, options=QUIET)) as (lab, d), \
            Resolver(lab.internet, {"home.": f"60 A={NO[0]}", "n": "60 " + " ".join(f"A={a}" for a in addresses)}), Server(lab.internet, 443):
        answered = 0
        with lab.camera.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((lab.v4["cam-1"], 0))
            s.settimeout(3)
            for n in range(1000):
                s.sendto(dnswords.question(f"n{n}.example", "A", f"id={n + 1}"), (FAR_V4, 53))
                answered += len(s.recv(2048)) > 0
        got = kinds(lab)
        check(answered == 1000 and 0 < len(got) <= 8 * 5, f"{len(got)} prepared")
        d.stop()
        stats = d.records("stats")[-1]["lenscap"]["stats"]
        check(stats["kinds_not_ahead"] > 500 and stats["kinds_ahead"] <= 400, f"{stats}")
        d.start()
        other = lab.cameras["cam-2"]
        with other.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(3)
            s.sendto(dnswords.question("home.example", "A", "id=9"), (FAR_V4, 53))
            s.recv(2048)
        check(cost(d, lambda: check(tcp(other, NO[0], 443, timeout=3) == "answered", "no answer")) == 0, "the neighbour is asked for")
        return f"{stats['kinds_ahead']} kinds of 1000 answers, {stats['kinds_not_ahead']} left out"


@tests.add("cameras on ports of a bridge: the first SYN after an answer passes by its kind as well")
def kinds_ahead_bridge():
    with bridgelab.bridge(bridgelab.policy(BRIDGED, options=QUIET)) as (lab, d), Server(lab.internet, 443):
        start_bridge_resolver(lab)
        check(bridge_ask(lab, "ask:allowed.example"), f"no answer\n{d.log()}")
        wait_for(lambda: ("askt4", lab.v4["cam-1"], NO[0], 443) in kinds(lab), 3, f"not prepared: {kinds(lab)}")
        before = d.counters()["c_kind"], d.queued()
        s, how = connect(lab.camera, NO[0], 443, 3)
        check(s, how)
        s.close()
        check((d.counters()["c_kind"], d.queued()) == (before[0] + 1, before[1]), f"{before}: {d.counters()}")
