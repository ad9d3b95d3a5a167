# SPDX-License-Identifier: GPL-2.0-or-later
"""How many trips a connection costs: counted to the packet, and nobody inherits what another was allowed."""

import socket
import time

import packet
import speech
from daemon import wait_for
from netcase import CN, NO, OPEN_TO_NO, check, gateway, policy, tests
from tlslab import finish_clients, start_clients, tls_gateway
from tlslab import policy as tls_policy
from traffic import Server, connect, tcp, udp_send

QUIET = "identify-flows: 0, rollup: 2s"
SPOKEN = 'rules:\n  - {name: spoken, from: cameras, to: {country: "NO"}, protocol: tls, action: allow}\ndefault: {action: block, alert: medium}\n'
ONE = 'rules:\n  - {name: one, from: {device: cam-1}, to: {country: "NO"}, action: allow}\ndefault: {action: block, alert: medium}\n'
LIMITED = ('rules:\n  - {name: some, from: cameras, to: {country: "NO"}, limit: {flows: 1000, per: month}, action: allow}\n'
           "default: {action: block, alert: medium}\n")
TOLD = 'rules:\n  - {name: told, from: cameras, to: {country: "NO"}, action: allow, alert: low}\ndefault: {action: block, alert: medium}\n'


def cost(d, work):
    """Queued packets of what is done here."""
    before = d.queued()
    work()
    return d.queued() - before


def answered(lab, address, count=1, ns=None):
    for _ in range(count):
        got = tcp(ns or lab.camera, address, 443, timeout=3)
        check(got == "answered", f"{address}: {got}")


def hello(lab, address, count=1):
    for _ in range(count):
        s, how = connect(lab.camera, address, 443, 3)
        check(s, f"{address}: {how}")
        with s:
            s.sendall(speech.hello("allowed.example"))
            check(s.recv(4096), f"{address}: no answer")


@tests.add("TLS of a known kind costs one trip a connection, its ClientHello, over IPv4 and IPv6; every record is there")
def kinds_tls():
    with tls_gateway(text=tls_policy(QUIET)) as (lab, d, server):
        finish_clients(lab, start_clients(lab, 4, gap_ms=1))
        got = {}
        queued = cost(d, lambda: got.update(finish_clients(lab, start_clients(lab, 60, gap_ms=1))))
        check(got["succeeded"] == 60 and queued == 60, f"{queued} packets queued for {got['succeeded']} connections; {d.counters()}")
        names = wait_for(lambda: (r := d.records("tls", "tls.sni=allowed.example")) and len(r) >= 64 and r, 5, "64 tls records")
        d.stop()
        flows = d.records("flow", "dest_port=443", "lenscap.decision=allow")
        check(len(flows) == len(names) == 64 and len({(r["src_ip"], r["src_port"], r["flow_id"]) for r in flows}) == 64, f"{len(flows)} flow records")
        return f"{queued} packets queued for 60 connections"


@tests.add("a kind that was decided without payload costs none, TCP and UDP, IPv4 and IPv6; each flow has one record, exact to the byte")
def kinds_decided():
    with gateway(policy(OPEN_TO_NO, options=QUIET)) as (lab, d), Server(lab.internet, 443), Server(lab.internet, 7000):
        for a in NO:
            check(cost(d, lambda a=a: answered(lab, a)) == 1, f"{a}: the first of its kind")
            check(cost(d, lambda a=a: answered(lab, a, 20)) == 0, f"{a}: TCP of a known kind was queued")
            check(cost(d, lambda a=a: udp_send(lab.camera, a, 7000, 1, sport=9000)) == 1, f"{a}: the first datagram")
            check(cost(d, lambda a=a: [udp_send(lab.camera, a, 7000, 3, sport=p) for p in range(9001, 9011)]) == 0, f"{a}: UDP was queued")
        d.stop()
        flows = d.records("flow", "lenscap.device.name=cam-1", "lenscap.rule=home", "lenscap.decision=allow")
        for a in NO:
            streams = [r["flow"] for r in flows if r["dest_ip"] == a and r["proto"] == "TCP"]
            datagrams = [r["flow"] for r in flows if r["dest_ip"] == a and r["proto"] == "UDP"]
            check((len(streams), len(datagrams)) == (21, 11), f"{a}: {len(streams)} and {len(datagrams)} records")
            check(len({(f["bytes_toserver"], f["bytes_toclient"]) for f in streams[1:]}) <= 4, f"{a}: {streams}")
            head = 48 if ":" in a else 28
            check(sorted(f["bytes_toserver"] for f in datagrams) == [head + 20] + [3 * (head + 20)] * 10, f"{a}: {datagrams}")
            check(all(f["bytes_toserver"] > 200 and f["bytes_toclient"] > 150 for f in streams), f"{a}: {streams}")


def raw_syn(lab, sport, options=b"", tcp_options=b"", data=b""):
    body = packet.tcp(sport, 443, packet.TCP_FLAGS["syn"], data, seq=sport * 7, options=tcp_options)
    pseudo = socket.inet_aton(lab.v4["cam-1"]) + socket.inet_aton(NO[0]) + bytes([0, 6]) + len(body).to_bytes(2, "big")
    body = body[:16] + packet.checksum(pseudo + body).to_bytes(2, "big") + body[18:]
    with lab.camera.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(packet.ipv4(lab.v4["cam-1"], NO[0], packet.TCP, body, options=options), (NO[0], 0))


@tests.add("a SYN passes by its kind only where it carries nothing: not with data, not with IP options")
def kinds_exact():
    with gateway(policy(OPEN_TO_NO, options=QUIET)) as (lab, d), Server(lab.internet, 443):
        answered(lab, NO[0])
        cases = (("plain", 0, {}), ("TCP options", 0, {"tcp_options": b"\2\4\5\xb4" + b"\1" * 36}), ("data", 1, {"data": b"x"}),
                 ("IP options", 1, {"options": b"\1\1\1\0"}), ("data as long as options", 1, {"data": b"x" * 20}))
        for n, (what, queued, how) in enumerate(cases):
            before = d.queued()
            raw_syn(lab, 30000 + n, **how)
            wait_for(lambda n=n: f"sport={30000 + n}" in lab.gateway.read("/proc/thread-self/net/nf_conntrack"), 2, f"{what}: it does not pass")
            check(d.queued() - before == queued, f"{what}: {d.queued() - before} queued")


@tests.add("another camera that takes a camera's address inherits nothing, and a camera that changes its MAC begins anew")
def kinds_spoofed():
    with gateway(policy(ONE, options=QUIET)) as (lab, d), Server(lab.internet, 443):
        answered(lab, NO[0])
        check(cost(d, lambda: answered(lab, NO[0], 3)) == 0, "cam-1's kind is not remembered")
        other = lab.cameras["cam-2"]
        lab.camera.ip("link set eth0 down")
        other.ip(f"addr add {lab.v4['cam-1']}/16 dev eth0")
        lab.gateway.run("ip", "neigh", "flush", "dev", "cam0")
        s = other.socket(socket.AF_INET, socket.SOCK_STREAM)
        with s:
            s.settimeout(1)
            s.bind((lab.v4["cam-1"], 0))
            try:
                s.connect((NO[0], 443))
                how = "connected"
            except OSError:
                how = "refused"
        check(how == "refused", "cam-2 has what cam-1 was allowed")
        d.wait_record("alert", "lenscap.device.name=cam-2", "alert.action=blocked")


@tests.add("a reload forgets every kind at once: what the new policy refuses has no way, and what it allows is asked for again")
def kinds_reload():
    with gateway(policy(OPEN_TO_NO, options=QUIET)) as (lab, d), Server(lab.internet, 443):
        answered(lab, NO[0], 2)
        d.reload()
        check(cost(d, lambda: answered(lab, NO[0])) == 1, "not asked for after a reload")
        check(cost(d, lambda: answered(lab, NO[0], 5)) == 0, "not remembered after a reload")
        d.reload(policy(OPEN_TO_NO.replace('"NO"', '"SE"'), options=QUIET))
        check(tcp(lab.camera, NO[0], 443, timeout=0.5) == "timeout", "a kind survived its policy")


@tests.add("what must be seen of each flow is never a kind: budgets, alerts, an edge of a schedule within the time; nor is anything where it is switched off")
def kinds_never():
    now = time.gmtime()
    edge = (now.tm_hour * 60 + now.tm_min + 3) % 1440
    hours = f'when: {{time: "{(edge - 120) % 1440 // 60:02}:{(edge - 120) % 60:02}-{edge // 60:02}:{edge % 60:02}", zone: UTC}}'
    near = OPEN_TO_NO.replace("action: allow", f"{hours}, action: allow")
    cases = (("a budget", LIMITED, QUIET), ("an alert", TOLD, QUIET), ("switched off", OPEN_TO_NO, QUIET + ", kind-memory: 0s"),
             ("an edge", near, QUIET + ", kind-memory: 300s"))
    for what, rules, options in cases:
        with gateway(policy(rules, options=options)) as (lab, d), Server(lab.internet, 443):
            answered(lab, NO[0])
            queued = cost(d, lambda: answered(lab, NO[0], 5))
            check(queued >= 5 and d.counters()["c_kind"] == 0, f"{what}: {queued} queued for 5 connections, {d.counters()}")


@tests.add("connections by kind that never speak leave a record each; one that speaks something else is judged by that")
def kinds_silent():
    with gateway(policy(SPOKEN, options=QUIET)) as (lab, d), Server(lab.internet, 443):
        hello(lab, NO[0])
        check(cost(d, lambda: hello(lab, NO[0], 3)) <= 6, "not one or two trips")  # the server echoes, so its answer is no ServerHello
        for _ in range(5):
            s, how = connect(lab.camera, NO[0], 443, 3)
            check(s, how)
            s.close()
        check(d.counters()["c_kind"] == 8, f"not all passed by their kind: {d.counters()}")
        check(tcp(lab.camera, NO[0], 443, data=b"GET / HTTP/1.1\r\nHost: allowed.example\r\n\r\n", timeout=3) == "reset", "http was let through")
        d.stop()
        flows = d.records("flow", f"dest_ip={NO[0]}")
        by = [r["lenscap"]["decision"] for r in flows]
        check((by.count("pending"), by.count("allow"), by.count("block")) == (5, 4, 1), f"{by}")


@tests.add("a country that is refused stays refused at the first packet while the kinds of others pass")
def kinds_and_refusals():
    with gateway(policy(OPEN_TO_NO, options=QUIET)) as (lab, d), Server(lab.internet, 443) as far:
        answered(lab, NO[0], 3)
        before = far.connections
        check([tcp(lab.camera, a, 443, timeout=0.3) for a in CN] == ["timeout", "timeout"], "a refused country answers")
        check(cost(d, lambda: answered(lab, NO[0], 3)) == 0 and far.connections == before + 3, "the kinds have suffered")
