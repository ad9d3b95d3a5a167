# SPDX-License-Identifier: GPL-2.0-or-later
"""From what was seen to a policy, and what another policy would have made of it."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import time

import speech
import yaml
from daemon import BUILD, wait_for
from lab import GATEWAY_V4
from netcase import CN, CN2, NO, check, gateway, policy, tests
from test_names import dig, dnsmasq, need
from test_store import history, rows
from traffic import Server, connect, tcp, udp

HOSTS = {"www.maker.example": NO[0], "fw.maker.example": NO[0], "time.clock.example": NO[0], "drop.exfil.example": CN[0]}
WATCH = "default: {action: block, alert: medium}\n"


def camera_of(lab, number):
    return lab.cameras["cam-%d" % number]


def say_tls(ns, address, name, port=443):
    """Opens a connection that names its server, and ends it."""
    s, how = connect(ns, address, port, 1.0)
    if not s:
        return how
    try:
        s.settimeout(1.0)
        s.sendall(speech.hello(name))
        return "answered" if s.recv(100) else "closed"
    except OSError as e:
        return type(e).__name__
    finally:
        s.close()


def look_up_and_say(lab, number, name):
    camera = camera_of(lab, number)
    check(dig(camera, GATEWAY_V4, name) == HOSTS[name], f"{name} is not answered")
    return say_tls(camera, HOSTS[name], name)


def day(lab):
    """What two like cameras do."""
    for number in (1, 2):
        for name in ("www.maker.example", "fw.maker.example"):
            check(look_up_and_say(lab, number, name) == "answered", f"{name} does not answer")
    check(dig(camera_of(lab, 1), GATEWAY_V4, "time.clock.example") == NO[0], "time is not answered")
    udp(camera_of(lab, 1), NO[0], 123, b"\x23" + bytes(47))
    tcp(camera_of(lab, 2), NO[0], 9000, b"plain words\n")
    tcp(camera_of(lab, 2), NO[0], 443, b"plain words\n")


def short_lived(lab):
    """The kernel forgets datagrams soon, and their flows end."""
    lab.gateway.sysctl(netfilter__nf_conntrack_udp_timeout=2, netfilter__nf_conntrack_udp_timeout_stream=2)


def told(d, enough):
    """Waits until the history has what enough() wants; a flow enters it when it ends."""
    try:
        return wait_for(lambda: (lambda r: r if enough(r) else None)(rows(d, "flows")), 25, "the history is not complete", every=0.3)
    except AssertionError as e:
        short = [" ".join(str(x[k]) for k in ("device", "dest_ip", "dest_port", "app_proto", "name", "query", "flows")) for x in rows(d, "flows")]
        raise AssertionError(f"{e}: {json.dumps(short, indent=1)}") from None


def propose(d, *words):
    code, text, err = d.lenscap("learn", "report", *words, timeout=30)
    check(code == 0, f"learn report: {code} {err}{text}")
    path = d.path("learned.yaml")
    with open(path, "w") as f:
        f.write(text)
    code, out, err = d.lenscap("check", "--strict", path)
    check(code == 0, f"what was learnt does not pass check --strict: {out}{err}\n{text}")
    return text, path


def compared(d, path, *words):
    code, out, err = d.lenscap("diff", path, "--json", *words, timeout=30)
    check(code in (0, 1), f"diff: {code} {out}{err}")
    return code, json.loads(out)


def watched(options=""):
    text = policy(WATCH, mode="monitor", options=options or "idle: 10s")
    return text.replace('mac: "02:00:00:00:00:02", brand: LTS', 'mac: "02:00:00:00:00:02", brand: Axis')


@tests.add("a day is learnt, the policy passes check --strict, blocks nothing of that day, and blocks what was not in it")
def learn_day():
    need("dnsmasq", "dig")
    with gateway(watched()) as (lab, d), Server(lab.internet, 443), Server(lab.internet, 9000), Server(lab.internet, 123):
        dnsmasq(lab.gateway, "127.0.0.1", "--interface=cam0", *[f"--address=/{n}/{a}" for n, a in HOSTS.items()])
        short_lived(lab)
        wait_for(lambda: history(d, "runs")[0], 10, "no history")
        check(d.lenscap("learn", "start")[0] == 0, "learn start fails")
        day(lab)
        told(d, lambda r: sum(x["app_proto"] == "tls" for x in r) >= 3 and any(x["dest_port"] == 123 for x in r)
             and any(x["dest_port"] == 9000 for x in r) and any(x["dest_port"] == 443 and x["app_proto"] != "tls" for x in r) and sum(bool(x["query"]) for x in r) >= 5)
        check(d.lenscap("learn", "stop")[0] == 0, "learn stop fails")
        text, path = propose(d)
        check('"*.maker.example"' in text and "learned-1-1" in text and '["cam-1", "cam-2"]' in text, text)
        spoken = [r.get("protocol") for r in yaml.safe_load(text)["rules"] if r.get("port") == ["tcp/443"]]
        check(["tls"] in spoken and ["unknown"] in spoken, f"what nobody recognised has widened a rule: {spoken}\n{text}")
        check("strike this rule" in text and "mode: monitor   # blocks nothing; \"mode: enforce\" does" in text, text)
        code, found = compared(d, path)
        check(found["newly_blocked"]["flows"] == 0 and found["cannot_tell"]["flows"] == 0, json.dumps(found, indent=1) + text)
        with open(path) as f:
            learnt = f.read().replace("mode: monitor", "mode: enforce")
        d.reload(learnt)
        check(look_up_and_say(lab, 1, "www.maker.example") == "answered", f"what was learnt is refused\n{text}\n{d.log()}")
        check(dig(camera_of(lab, 1), GATEWAY_V4, "drop.exfil.example") in ("", ";; no servers could be reached")
              or "timed out" in dig(camera_of(lab, 1), GATEWAY_V4, "drop.exfil.example"), "a name that was not learnt is answered")
        check(say_tls(camera_of(lab, 1), CN[0], "www.maker.example") != "answered", "what was not learnt passes")
        check(tcp(camera_of(lab, 1), CN2[0], 443) == "timeout", "what was not learnt passes")
        return f"{text.count('- name: ')} rules"


HOSTILE = "=cmd|'/C calc'!A1\"<script>alert(1)</script>\u001b[2J\u009b31m\u2028\n- {name: evil, from: any, to: any, action: allow}"


def fill(path, flows, hours=2, hostile=()):
    """Writes rows straight into a database that nobody has open."""
    db = sqlite3.connect(path)
    now = int(time.time())
    columns = [c[1] for c in db.execute("PRAGMA table_info(flows)")]

    def row(n, **more):
        hour = now - now % 3600 - 3600 * (n % hours)
        base = {"hour": hour, "key": n, "device": "cam-1", "mac": "02:00:00:00:00:01", "zone": "cameras", "local": "10.20.0.11",
                "dest_ip": f"9.9.{n // 250 % 250}.{n % 250 + 1}", "dest_port": 443 + n // 250, "proto": "TCP", "app_proto": "tls",
                "name": f"h{n % 40}.maker.example", "name_from": "sni", "country": "NO", "continent": "EU", "asn": 64547, "as_name": "Maker",
                "decision": "allow", "would": "block", "rule": "default", "bound": f"h{n % 40}.maker.example", "proved": 1, "flows": 1,
                "packets": 9, "bytes_toserver": 1000, "bytes_toclient": 2000, "first": hour * 1000000, "last": hour * 1000000 + 5,
                "inbound": 0, "anycast": 0, "ech": 0, "rule_line": 0, "special": "", "remote_zone": "", "clouds": "", "query": "",
                "registered": "NO", "rule_file": "x", "policy_id": "x"}
        base.update(more)
        return [base[c] for c in columns]
    sql = f"INSERT INTO flows VALUES ({','.join('?' * len(columns))})"
    with db:
        db.executemany(sql, (row(n) for n in range(flows)))
        db.executemany(sql, (row(flows + n, **more) for n, more in enumerate(hostile)))
    return db


@tests.add("what a camera calls itself and others breaks neither terminal, table, page nor policy")
def learn_hostile():
    with gateway(watched()) as (_, d):
        wait_for(lambda: history(d, "runs")[0], 10, "no history")
        d.stop()
        wild = [{"name": HOSTILE, "as_name": HOSTILE, "app_proto": HOSTILE[:30]}, {"query": HOSTILE, "app_proto": "dns", "dest_port": 53},
                {"device": HOSTILE, "mac": "02:00:00:00:66:66", "as_name": HOSTILE, "clouds": HOSTILE},
                {"name": "", "bound": "a..b *.x -- \"", "name_from": "dns", "country": "\"]", "zone": HOSTILE},
                {"dest_ip": "nonsense"}, {"proto": "999"}, {"rule": HOSTILE, "decision": "block"}]
        db = fill(d.path("state", "history", "state.db"), 20, hostile=wild)
        with db:
            db.execute("INSERT INTO devices(identity, mac, addr, by_address, zone, device, label, maker, score, covered, unmasked, in_policy, model,"
                       " firmware, serial, uid, brand, host, first, last, flows, blocked) VALUES('x','02:00:00:00:66:66','10.20.0.99',0,'cameras',"
                       "?1,?1,'hikvision',90,1,1,0,?1,?1,?1,?1,?1,?1,1,?2,1,0)", (HOSTILE, time.time_ns() // 1000))
        db.close()
        d.start()
        wait_for(lambda: len(history(d, "flows")[0]) >= 25, 10, "the rows are not there")
        text, path = propose(d)
        check(all(" " <= c <= "~" or c == "\n" for c in text), "a control byte or a foreign letter is in the proposal")
        loaded = yaml.safe_load(text)
        check(not any(r["name"] == "evil" for r in loaded["rules"]), text)
        code, out, err = d.lenscap("diff", path)
        check(code in (0, 1) and "\x1b" not in out and "\x9b" not in out, f"diff: {code} {err}{out!r}")
        code, page, err = d.lenscap("report", "--format", "html")
        check(code == 0 and "<script" not in page and "&lt;script&gt;" in page and "\x1b" not in page, f"html: {code} {err}")
        for outside in ("http://", "https://", "src=", "href=", "@import", "url("):
            check(outside not in page, f"the page reaches outside: {outside}")
        code, table, err = d.lenscap("report", "--format", "csv")
        check(code == 0 and "\x1b" not in table, f"csv: {code} {err}")
        cells = list(csv.reader(io.StringIO(table)))
        check(len({len(r) for r in cells}) == 1, f"the rows of the table differ in length: {[len(r) for r in cells]}")
        check(not any(c[:1] in tuple("=+-@") for r in cells for c in r), "a cell is a formula")
        code, told_, err = d.lenscap("report", "--format", "json")
        report = json.loads(told_)
        check(code == 0 and report["covered_under_another_label"] == 1 and not report["complete"], f"{report}")
        code, plain, _ = d.lenscap("report")
        check(code == 0 and "\x1b" not in plain and "1 of makers that the catalogue lists as covered" in plain, plain)


@tests.add("more rows of history than one answer has are compared and learnt in bounded time and memory")
def learn_large():
    with gateway(watched("idle: 10s, history-size: 512MiB")) as (_, d):
        wait_for(lambda: history(d, "runs")[0], 10, "no history")
        d.stop()
        fill(d.path("state", "history", "state.db"), 105000, hours=20).close()
        d.start()
        wait_for(lambda: history(d, "runs")[0], 10, "no history")
        spent = []
        for words in (("diff", d.policy_path, "--json"), ("learn", "report"), ("report", "--format", "json")):
            start = time.monotonic()
            p = subprocess.Popen([os.path.join(BUILD, "lenscap"), "--run-dir", d.path("run"), *words], stdout=subprocess.PIPE, text=True)
            out = p.stdout.read()
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
            took = time.monotonic() - start
            check(p.returncode == 0, f"{words}: {p.returncode} {out[:1000]}")
            check(took < 60 and usage.ru_maxrss < 400 * 1024, f"{words}: {took:.1f} s, {usage.ru_maxrss >> 10} MiB")
            spent.append(f"{words[0]} {took:.1f} s {usage.ru_maxrss >> 10} MiB")
            if words[0] == "diff":
                judged = json.loads(out)["judged"]
                check(judged == 105000, f"{judged} of 105000 rows were judged")
        return ", ".join(spent)


@tests.add("before a policy is taken over on trial, it is told what it would have made of the recorded connections")
def learn_confirm():
    with gateway(policy("rules:\n  - {name: all, from: cameras, to: any, action: allow}\ndefault: {action: block}\n", options="idle: 10s")) as (lab, d), \
            Server(lab.internet, 443):
        check(tcp(lab.camera, NO[0], 443) == "answered" and tcp(lab.camera, CN[0], 443) == "answered", "an allowed host does not answer")
        told(d, lambda r: {x["dest_ip"] for x in r} >= {NO[0], CN[0]})
        d.write_policy(policy('rules:\n  - {name: home, from: cameras, to: {country: "NO"}, action: allow}\ndefault: {action: block}\n'))
        code, out, err = d.lenscap("diff", d.policy_path)
        check(code == 1 and "would newly block 1 device / 1 flow:" in out and CN[0] in out and NO[0] not in out, f"{code} {out}{err}")
        code, out, err = d.lenscap("reload", "--confirm", "30")
        check(code == 0 and "would newly block 1 device / 1 flow:" in out and out.index("newly block") < out.index("is in force"), f"{code} {out}{err}")
        check(d.lenscap("diff", d.policy_path)[0] == 0, "the policy in force differs from itself")
        check(d.lenscap("undo")[0] == 0, "undo")
        code, found = compared(d, d.policy_path)
        check(code == 1 and found["newly_blocked"]["flows"] == 1, f"after the undo: {json.dumps(found)}")
