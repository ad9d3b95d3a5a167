# SPDX-License-Identifier: GPL-2.0-or-later
"""A day of a camera as a manufacturer's usage description (RFC 8520), and that description as rules again."""

import json
import re

from lab import GATEWAY_V4
from netcase import CN, NO, check, gateway, tests
from daemon import wait_for
from test_learn import HOSTS, camera_of, compared, day, fill, look_up_and_say, say_tls, short_lived, told, watched
from test_names import dig, dnsmasq, need
from test_store import history
from traffic import Server, tcp, udp


def entries(description, policy):
    """The entries of the lists of one way."""
    names = [a["name"] for a in description["ietf-mud:mud"][policy]["access-lists"]["access-list"]]
    return [e for a in description["ietf-access-control-list:acls"]["acl"] if a["name"] in names for e in a["aces"]["ace"]]


def describe(d, who):
    code, out, err = d.lenscap("mud", "export", who, "--days", "1", timeout=30)
    check(code == 0, f"mud export {who}: {code} {out}{err}")
    return json.loads(out), out, err


def imported(d, text, who, hints):
    """The policy of the daemon with these rules for one device, in a folder of its own."""
    path = d.path(f"{who}.json")
    with open(path, "w") as f:
        f.write(text)
    maps = [w for m in re.findall(r"--map '([^']+)'", hints) for w in ("--map", m)]
    code, rules, err = d.lenscap("mud", "import", path, "--device", who, *maps)
    check(code == 0, f"mud import: {code} {err}")
    with open(d.policy_path) as f:
        policy = f.read()
    check(policy.count("\nrules:") <= 1, policy)
    added = rules.partition("\nrules:\n")[2]
    policy = policy.replace("\nrules:\n", "\nrules:\n" + added, 1) if "\nrules:\n" in policy else policy + "\nrules:\n" + added
    path = d.path(f"{who}.yaml")
    with open(path, "w") as f:
        f.write(policy)
    code, out, err = d.lenscap("check", path)
    check(code == 0, f"the rules are no good: {out}{err}\n{policy}")
    return path, rules


@tests.add("what a camera did becomes a usage description, and its rules allow exactly that: names, ports, questions, and nothing else")
def mud_round_trip():
    need("dnsmasq", "dig")
    with gateway(watched()) as (lab, d), Server(lab.internet, 443), Server(lab.internet, 9000), Server(lab.internet, 123):
        dnsmasq(lab.gateway, "127.0.0.1", "--interface=cam0", *[f"--address=/{n}/{a}" for n, a in HOSTS.items()])
        short_lived(lab)
        day(lab)
        told(d, lambda r: sum(x["app_proto"] == "tls" for x in r) >= 3 and any(x["dest_port"] == 123 for x in r)
             and any(x["dest_port"] == 9000 for x in r) and sum(bool(x["query"]) for x in r) >= 5)
        for who in ("cam-1", "cam-2"):
            description, text, hints = describe(d, who)
            head = description["ietf-mud:mud"]
            check(head["mud-version"] == 1 and head["mud-url"].startswith("https://") and who in head["systeminfo"], text)
            there = entries(description, "from-device-policy")
            names = {e["matches"].get("ipv4", {}).get("ietf-acldns:dst-dnsname") for e in there} - {None}
            wanted = {"www.maker.example", "fw.maker.example"} | ({"time.clock.example"} if who == "cam-1" else set())
            check(names == wanted, f"{who}: {names}\n{text}{hints}")
            check(any(e["matches"].get("udp", {}).get("destination-port", {}).get("port") == 53 for e in there), text)
            back = entries(description, "to-device-policy")
            check(back and all("source-port" in (e["matches"].get("tcp") or e["matches"]["udp"]) for e in back), text)
            path, rules = imported(d, text, who, hints)
            _, found = compared(d, path)
            refused = [g for g in found["newly_blocked"]["list"] if g["device"] == who]
            open_ = [g for g in found["cannot_tell"]["list"] if g["device"] == who]
            check(not refused and not open_, f"{who}: {json.dumps(refused + open_, indent=1)}\n{rules}")
            for words, port in ((CN[0], 443), (NO[0], 8443)):
                code, out, err = d.lenscap("explain", who, f"{words}:{port}/tcp", "--policy", path, "-e")
                check(code == 1 and "-rest" in out, f"{who} {words}:{port} is not refused by the last rule: {code} {out}{err}")
        enforced, rules = imported(d, describe(d, "cam-1")[1], "cam-1", describe(d, "cam-1")[2])
        with open(enforced) as f:
            d.reload(f.read().replace("mode: monitor", "mode: enforce"))
        check(look_up_and_say(lab, 1, "www.maker.example") == "answered", f"what was described is refused\n{rules}\n{d.log()}")
        udp(camera_of(lab, 1), NO[0], 123, b"\x23" + bytes(47))
        check(say_tls(camera_of(lab, 1), CN[0], "www.maker.example") != "answered", "a described name at another address passes")
        check(tcp(camera_of(lab, 1), NO[0], 9000) == "timeout", "what only the other camera did passes")
        check(CN[0] not in dig(camera_of(lab, 1), GATEWAY_V4, "drop.exfil.example"), "a question that is not described is answered")
        return f"{rules.count('- name: ')} rules"


@tests.add("connections towards a camera, protocols without ports, many ports, IPv6 and a zone survive the way through a description")
def mud_round_trip_kinds():
    text = watched().replace("unknown-devices: block", 'unknown-devices: alert', 1)
    text = text.replace("\nunknown-devices", '\n  video: {networks: ["10.30.0.0/24"]}\nunknown-devices', 1)
    with gateway(text) as (_, d):
        wait_for(lambda: history(d, "runs")[0], 10, "no history")
        d.stop()
        bare = {"name": "", "name_from": "", "bound": "", "app_proto": "unknown", "special": "private", "country": "", "asn": 0}
        wanted = [{**bare, "dest_ip": "192.168.5.5", "dest_port": 554, "inbound": 1}, {**bare, "dest_ip": "192.168.5.5", "dest_port": 0, "proto": "ICMP"},
                  {**bare, "dest_ip": "2a00:1:2::9", "dest_port": 8443, "special": "", "country": "NO"},
                  {**bare, "dest_ip": "10.30.0.7", "dest_port": 1935, "special": "private", "remote_zone": "video"},
                  {**bare, "dest_ip": "9.9.9.9", "dest_port": 7000, "proto": "UDP", "special": "", "country": "NO"},
                  *({**bare, "dest_ip": "192.168.5.6", "dest_port": 20000 + n, "proto": "UDP"} for n in range(12))]
        fill(d.path("state", "history", "state.db"), 0, hostile=wanted).close()
        d.start()
        wait_for(lambda: len(history(d, "flows")[0]) >= len(wanted), 10, "the rows are not there")
        description, out, hints = describe(d, "cam-1")
        check("class/video=video" in hints and '"upper-port": 20011' in out, f"{out}{hints}")
        check(any("destination-ipv6-network" in e["matches"].get("ipv6", {}) for e in entries(description, "from-device-policy")), out)
        path, rules = imported(d, out, "cam-1", hints)
        _, found = compared(d, path)
        check(found["judged"] >= len(wanted), found)
        check(not found["newly_blocked"]["list"] and not found["cannot_tell"]["list"], f"{json.dumps(found, indent=1)}\n{rules}")
        for more, want in ((["192.168.5.5:554/tcp", "--inbound"], 0), (["192.168.5.5:554/tcp"], 1), (["192.168.5.5:555/tcp", "--inbound"], 1),
                           (["10.30.0.7:1935/tcp"], 0), (["10.30.0.7:1936/tcp"], 1), (["[2a00:1:2::9]:8443/tcp"], 0), (["[2a00:1:2::8]:8443/tcp"], 1),
                           (["192.168.5.6:20012/udp"], 1), (["192.168.5.6:20011/tcp"], 1)):
            code, said, err = d.lenscap("explain", "cam-1", *more, "--policy", path, "-e")
            check(code == want, f"explain {more}: {code} {said}{err}\n{rules}")
        return f"{rules.count('- name: ')} rules"


@tests.add("mud export says when there is nothing, or no such device")
def mud_nothing():
    with gateway(watched()) as (_, d):
        code, out, err = d.lenscap("mud", "export", "nobody")
        check(code == 1 and out == "" and "nothing was seen of nobody" in err, f"{code} {out}{err}")
