# SPDX-License-Identifier: GPL-2.0-or-later
"""Who made it, found by listening: a whole network of simulated devices, a label that lies, a rule that follows, clouds under any address."""

import contextlib
import datetime
import json
import time

import cameralab
import daemon
import speech
import traffic
from cameralab import DEVICES, NAMES
from cameras.recorder import Recorder
from daemon import wait_for
from netcase import NO, TAIL, tests
from result import check

SID_UNMASKED, SID_CHANGED, SID_CLOUD = 1990011, 1990013, 1990014
LISTEN_S = 40
US = ("203.0.113.30", "203.0.113.31")
TO_US = '    - {network: "203.0.113.16/28", country: "US", asn: 64555}\n'
WITH_US = TAIL.replace("outputs:", TO_US + "outputs:")
WATCH = f"rules:\n{NAMES}default: {{action: block, alert: none}}\n"


@contextlib.contextmanager
def gateway(rows, rules, hosts=(), tail=TAIL):
    """(lab, daemon): running; the devices are not."""
    with cameralab.network(rows, hosts=hosts) as lab:
        d = daemon.Daemon(lab, cameralab.head(rows) + rules + tail)
        try:
            d.start()
            yield lab, d
        finally:
            d.close()


def inventory(d):
    """{MAC: what the daemon knows}."""
    code, out, err = d.lenscap("devices", "--json")
    check(code == 0, f"devices: {code}\n{out}{err}{d.log()}")
    return {one["mac"]: one for one in json.loads(out)}


def makers(d):
    known = inventory(d)
    return {r.name: (known.get(r.mac) or {}).get("maker") or "" for r in DEVICES}


def seconds_of(stamp):
    return datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


@tests.add("seventeen devices, 40 seconds of listening: every maker whose evidence suffices, not one wrong; printer and laptop left alone")
def identity_network():
    with gateway(DEVICES, WATCH, hosts=NO[:1]) as (lab, d):
        with cameralab.devices(lab, DEVICES, d.directory):
            recorder = Recorder(lab.internet, [(lab.v4[r.name], r.polls) for r in DEVICES if r.polls])
            try:
                begin, found = time.monotonic(), {}
                while time.monotonic() - begin < LISTEN_S and any(r.passive and found.get(r.name) != r.passive for r in DEVICES):
                    time.sleep(0.5)
                    found = makers(d)
                took, rounds = time.monotonic() - begin, recorder.rounds
                # One more round of everything: what is known must stay, and nobody else may join.
                wait_for(lambda: recorder.rounds >= rounds + 2, 30, "the recorder goes round")
                found = makers(d)
            finally:
                recorder.close()
        precision, recall, wrong = cameralab.report(found, "passive")
        missing = {r.name: r.passive for r in DEVICES if r.passive and found[r.name] != r.passive}
        more = {r.name: found[r.name] for r in DEVICES if not r.passive and found[r.name]}
        detail = "\n".join(json.dumps(one)[:1500] for one in inventory(d).values() if any(
            one["mac"] == r.mac and (r.name in missing or r.name in more or r.name in wrong) for r in DEVICES))
        check(not wrong, f"wrong makers: {wrong}\n{detail}")
        check(not missing, f"not found: {missing}\n{detail}")
        check(not more, f"decided on too little: {more}\n{detail}")
        changed = d.records("alert", f"alert.signature_id={SID_CHANGED}")
        check(not changed, f"nobody became another one: {[r['alert']['signature'] for r in changed]}")
        return f"all after {took:.1f} s; precision {precision:.2f}, recall {recall:.2f}"


ONLY_LTS = [r for r in DEVICES if r.name == "cam-lts"]


@tests.add("a label that lies: the alert comes within 5 seconds of the deciding evidence and carries it")
def identity_unmasked():
    with gateway(ONLY_LTS, WATCH) as (lab, d):
        with cameralab.devices(lab, ONLY_LTS, d.directory):
            alert = d.wait_record("alert", f"alert.signature_id={SID_UNMASKED}", seconds=20)[0]
        evidence = alert["lenscap"]["evidence"]
        check(evidence and all(e.get("channel") for e in evidence), f"{json.dumps(alert)}")
        device = alert["lenscap"]["device"]
        check(device["maker"] == "hikvision" and device["unmasked"] is True and device["covered"] is True, f"{json.dumps(device)}")
        told = " ".join(d.lenscap("explain", device["name"], NO[0])[1].split())
        check("made by hikvision (score " in told and ", UNMASKED, covered" in told, told)
        late = seconds_of(alert["timestamp"]) - max(seconds_of(e["time"]) for e in evidence)
        check(late <= 5, f"{late:.3f} s after the deciding evidence")
        check(len(json.dumps(alert)) <= 8192, f"{len(json.dumps(alert))} bytes")
        return f"{late * 1000:.0f} ms after the evidence, {len(evidence)} rows of it"


@tests.add("a flow runs, then its device turns out to be of a maker that a rule blocks: the flow is cut")
def identity_cuts():
    rules = f"""rules:
{NAMES}  - {{name: never, from: {{maker: hikvision}}, to: any, action: block, alert: high}}
  - {{name: home, from: cameras, to: {{country: "NO"}}, action: allow}}
default: {{action: block, alert: none}}
"""
    with gateway(ONLY_LTS, rules, hosts=NO[:1]) as (lab, d), traffic.Server(lab.internet, 7000):
        with cameralab.devices(lab, ONLY_LTS, d.directory, quiet=True) as running:
            stream = traffic.TcpStream(lab.cameras["cam-lts"], NO[0], 7000)
            try:
                wait_for(lambda: stream.exchanges > 200, 10, "the flow runs")
                before = makers(d)["cam-lts"]
                check(before == "", f"already known: {before}")
                said = time.monotonic()
                running["cam-lts"].say()
                exchanges = wait_for(lambda: stopped(stream), 10, "the flow stops")
                took = time.monotonic() - said
            finally:
                stream.close()
            check(makers(d)["cam-lts"] == "hikvision", f"{inventory(d)}")
            how = traffic.tcp(lab.cameras["cam-lts"], NO[0], 7000)
            check(how == "timeout", f"a new flow of it: {how}")
            check(took <= 5, f"{took:.1f} s")
            return f"{exchanges} exchanges, cut {took:.2f} s after the announcement (one of it is the wait for silence)"


def stopped(stream):
    """Exchanges so far, when there was none for a second; else 0."""
    before = stream.exchanges
    end = time.monotonic() + 1
    while time.monotonic() < end:
        if stream.exchanges != before:
            return 0
        time.sleep(0.02)
    return before


# PPPP between two peers, on a port of their own choice: the hole puncher, which names a device.
PUNCH = bytes.fromhex("f1410014") + b"PPCS\0\0\0\0" + bytes.fromhex("0000002a") + b"ABCDE\0\0\0"

CLOUDS = f"""rules:
{NAMES}  - {{name: no-clouds, from: cameras, to: {{cloud: [hikvision, cs2, p2p]}}, action: block, alert: high}}
  - {{name: america, from: cameras, to: {{country: "US"}}, action: allow}}
default: {{action: block, alert: none}}
"""


def tls(ns, address, name):
    s, how = traffic.connect(ns, address, 443)
    if s is None:
        return how
    with s:
        try:
            s.settimeout(1.5)
            s.sendall(speech.hello(name))
            return "answered" if s.recv(4096) else "closed"
        except OSError as e:
            return traffic.word(e)


@tests.add("a vendor's cloud and a peer-to-peer relay are blocked by what they are, on an address that is reachable for everything else")
def identity_clouds():
    with gateway(ONLY_LTS, CLOUDS, hosts=US, tail=WITH_US) as (lab, d):
        camera = lab.cameras["cam-lts"]
        with traffic.Server(lab.internet, 443), traffic.Server(lab.internet, 123), traffic.Server(lab.internet, 32100), \
                traffic.Server(lab.internet, 40000):
            check(tls(camera, US[0], "updates.example") == "answered", "TLS to another name there")
            check(traffic.udp(camera, US[0], 123, b"\x23" + bytes(47), 2) == "answered", "NTP there")
            how = tls(camera, US[0], "dev.hik-connect.com")
            check(how in ("timeout", "reset"), f"Hik-Connect: {how}")
            # Each to an address of its own: equal refusals of one address are told once.
            for address, port, words in zip(US, (32100, 40000), (speech.pppp(), PUNCH)):
                how = traffic.udp(camera, address, port, words, 1)
                check(how == "timeout", f"PPPP to {address} port {port}: {how}")
                check(traffic.udp(camera, address, 123, b"\x23" + bytes(47), 2) == "answered", f"NTP to {address}")
            check(tls(camera, US[0], "updates.example") == "answered", "and again")
        for words in (("dest_port=443", "lenscap.rule=no-clouds"), ("dest_port=40000", "lenscap.rule=no-clouds", "app_proto=pppp")):
            d.wait_record("alert", "alert.action=blocked", *words)
        d.wait_record("alert", f"alert.signature_id={SID_CLOUD}", seconds=10)
