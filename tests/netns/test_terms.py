# SPDX-License-Identifier: GPL-2.0-or-later
"""Terms of a policy that cannot be kept: no version to go back to, a mode that the file no longer bears, a queue that somebody else has."""

import json
import os
import socket
import struct

import eve
from daemon import wait_for
from netcase import CN, NO, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, TcpStream, tcp

NETLINK_NETFILTER = 12
NFQNL_MSG_CONFIG, NFQA_CFG_CMD, NFQNL_CFG_CMD_BIND = 2, 1, 1


def in_force(d):
    return d.status()["policy_id"]


@tests.add("an unconfirmed policy whose predecessor cannot be read: it stays in force, is told of once, and undo says that there is nothing")
def terms_no_way_back():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        d.write_policy(policy(OPEN_TO_NO + "# second\n"))
        code, out, err = d.lenscap("reload", "--confirm", "3")
        check(code == 0, f"reload --confirm: {code}\n{out}{err}")
        new = in_force(d)
        folder = d.path("state", "policies")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(b"nothing of ours")
        alert = d.wait_record("alert", "alert.signature_id=1990018", seconds=15)[0]
        check("no earlier one can be read" in json.dumps(alert), f"{alert}")
        check(in_force(d) == new and tcp(lab.camera, NO[0], 443) == "answered", f"it has gone\n{d.log()}")
        wait_for(lambda: "confirm_left_s" not in d.status()["terms"], 5, "it still waits for confirmation")
        code, out, err = d.lenscap("undo")
        check(code == 1 and "nothing to undo" in err, f"undo: {code} {out}{err}")
        code, out, err = d.lenscap("confirm")
        check(code == 1, f"confirm: {code} {out}{err}")


@tests.add("a mode set by hand that the policy no longer bears at a restart: the policy's own mode is in force, and the log tells")
def terms_mode_not_borne():
    watching = policy(OPEN_TO_NO, mode="monitor")
    with gateway(watching) as (lab, d), Server(lab.internet, 443):
        check(d.lenscap("mode", "enforce")[0] == 0, f"mode enforce\n{d.log()}")
        check(d.status()["mode"] == "enforce" and tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", "it does not enforce")
        d.stop()
        d.write_policy(watching.replace("fail: closed\n", ""))  # enforcing needs to know how to fail
        d.start()
        check("cannot be used in mode enforce" in d.log(), d.log())
        status = d.status()
        check(status["mode"] == "monitor" and "mode_by_hand" not in status["terms"], f"{status['terms']}")
        check(tcp(lab.camera, CN[0], 443) == "answered", "monitor mode lets it through")


def bind_queue(namespace, number):
    """A socket that listens on this queue as any other program would."""
    s = namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    s.bind((0, 0))
    s.settimeout(3)
    command = struct.pack("=HHBBH", 8, NFQA_CFG_CMD, NFQNL_CFG_CMD_BIND, 0, socket.htons(socket.AF_UNSPEC))
    body = struct.pack("=BBH", socket.AF_UNSPEC, 0, socket.htons(number)) + command
    s.send(struct.pack("=IHHII", 16 + len(body), 3 << 8 | NFQNL_MSG_CONFIG, 1 | 4, 1, 0) + body)
    answer = s.recv(4096)
    error, = struct.unpack_from("=i", answer, 16)
    check(error == 0, f"queue {number} cannot be bound: {error}")
    return s


@tests.add("a reload to another queue: flows go on over it; to a queue that another program has: refused, the policy before stays, and is kept for a restart")
def terms_queue():
    def text(number):
        return policy(OPEN_TO_NO + f"# queue {number}\n", options=f"queue: {number}")
    with gateway(text(2090)) as (lab, d), Server(lab.internet, 443):
        stream = TcpStream(lab.camera, NO[0], 443)
        d.reload(text(2091))
        moved = in_force(d)
        check("2091" in d.table() and "2090" not in d.table(), d.table())
        check(tcp(lab.camera, NO[0], 443) == "answered" and tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", f"it does not judge over 2091\n{d.log()}")
        check(not stream.ended, "a flow did not live through it")
        with bind_queue(lab.gateway, 2092):
            d.write_policy(text(2092))
            code, out, err = d.lenscap("reload")
            check(code == 1 and "kernel has refused" in out + err, f"{code} {out}{err}\n{d.log()}")
            check("queue 2092" in d.log(), d.log())
            check(in_force(d) == moved and "2091" in d.table() and "2092" not in d.table(), d.table())
            check(tcp(lab.camera, NO[0], 443) == "answered" and tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", "it does not judge any more")
        check(not stream.ended, "a flow did not live through the refusal")
        stream.close()
        d.reload(text(2092))
        check("2092" in d.table() and tcp(lab.camera, NO[0], 443) == "answered", f"free again, and not taken\n{d.log()}")


@tests.add("explain of a device that nobody has seen, by name, MAC and address; of a name; of protocol, query and ECH; and of what makes no sense")
def terms_explain():
    rules = """\
rules:
  - {name: names, from: cameras, to: {country: "NO"}, protocol: dns, query: "*.example.com", action: allow}
  - {name: web, from: {device: cam-1}, to: {country: "NO"}, protocol: [tls, http], action: allow}
default: {action: block, alert: medium}
"""
    with gateway(policy(rules)) as (lab, d):
        def ask(*words, code=0):
            got, out, err = d.lenscap("explain", *words, "--json")
            check(got == code, f"{words}: {got}\n{out}{err}")
            return json.loads(out) if code == 0 else err
        for who in ("cam-1", "02:00:00:00:00:01"):
            one = ask(who, f"{NO[0]}:443", "--protocol", "tls")
            check(one["decision"] == "allow" and one["rule"]["name"] == "web", f"{who}: {one}")
        for who in ("cam-2", lab.v4["cam-1"], "02:00:00:00:00:77"):
            one = ask(who, f"{NO[0]}:443", "--protocol", "tls")
            check(one["decision"] == "block", f"{who}: {one}")
        check(ask("cam-1", f"{NO[0]}:53/udp", "--query", "a.example.com")["decision"] == "allow", "a query by its name")
        check(ask("cam-1", f"{NO[0]}:53/udp", "--query", "a.example.org")["decision"] == "block", "another query")
        check(ask("cam-1", f"{NO[0]}:443", "--protocol", "ssh")["decision"] == "block", "a protocol that names nobody")
        check(ask("cam-1", f"{NO[0]}:443", "--protocol", "tls", "--name", "-", "--ech")["decision"] == "allow", "a hidden name")
        check(ask("cam-1", f"{CN[0]}:443", "--inbound", "--at", "2026-03-02 12:00")["decision"] == "block", "from the far side")
        for words, said in ((("nobody here", NO[0]), "no such device"), (("cam-1", "no such host"), "neither an address nor a host name"),
                            (("cam-1", "www.example.com"), "no DNS answer has told"), (("cam-1", NO[0], "--protocol", "gopher7"), "no protocol is called so"),
                            (("cam-1", NO[0], "--query", "a b"), "no DNS name"), (("cam-1", NO[0], "--name", "a b"), "no host name")):
            got, out, err = d.lenscap("explain", *words)
            check(got not in (0, 3) and said in out + err, f"{words}: {got}\n{out}{err}")


@tests.add("a table of our name that somebody else made, with sets of other types: it is replaced at the start, told of, and what is in it decides nothing")
def terms_foreign_table():
    foreign = ("table inet lenscap { set jail { type ipv4_addr; flags timeout; }; counter c_queue { packets 7 bytes 7 }; "
               "map elsewhere { type ipv4_addr : mark; }; chain forward { type filter hook forward priority filter; policy drop; }; }\n")
    with gateway(policy(OPEN_TO_NO), start=False) as (lab, d), Server(lab.internet, 443):
        lab.gateway.run("nft", "-f", "-", data=foreign)
        check(tcp(lab.camera, NO[0], 443, timeout=0.3) == "timeout", "the foreign table does not drop: this proves nothing")
        d.start()
        check("replacing it" in d.log(), d.log())
        check("elsewhere" not in d.table() and "ether_addr" in d.table(), d.table())
        check(tcp(lab.camera, NO[0], 443) == "answered" and tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", f"it does not judge\n{d.log()}")


@tests.add("reload to other outputs under way: what was for the old file is in it, the new file begins with who writes it, no record is in neither")
def terms_outputs():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        tcp(lab.camera, CN[0], 1001, timeout=0.1)
        d.wait_record("alert", "dest_port=1001")
        old, d.eve_path = d.eve_path, d.eve_path + ".other"
        d.reload(policy(OPEN_TO_NO + "# other outputs\n"))
        tcp(lab.camera, CN[0], 1002, timeout=0.1)
        d.wait_record("alert", "dest_port=1002")
        with open(d.eve_path) as f:
            first = json.loads(f.readline())
        check(first["event_type"] == "stats" and first["lenscap"]["boot"], f"{first}")
        d.eve_path, new = old, d.eve_path
        check(not d.records("alert", "dest_port=1002"), "the new alert is in the old file as well")
        d.reload(policy(OPEN_TO_NO + "# and back\n"))
        tcp(lab.camera, CN[0], 1003, timeout=0.1)
        d.wait_record("alert", "dest_port=1003")
        ports = [r["dest_port"] for path in (old, new) for r in eve.load(path) if r["event_type"] == "alert"]
        check(sorted(p for p in ports if p in (1001, 1002, 1003)) == [1001, 1002, 1003], f"{ports}")
        check(len(d.status()["outputs"]) == 1, f"{d.status()['outputs']}")


@tests.add("quarantine of who is declared and was never seen, by name; release; of nobody, for no time, of an address that is none: refused in words")
def terms_quarantine_unseen():
    more = policy(OPEN_TO_NO).replace("devices:\n", 'devices:\n  - {name: far, address: 10.20.0.99}\n  - {name: later, mac: "02:00:00:00:00:55"}\n')
    with gateway(more) as (lab, d):
        for who, key in (("far", "10.20.0.99"), ("later", "02:00:00:00:00:55")):
            code, out, err = d.lenscap("quarantine", who)
            check(code == 0, f"{who}: {code} {out}{err}\n{d.log()}")
            check(key in d.table(), f"{who} is not in the kernel's set\n{d.table()}")
            code, out, err = d.lenscap("release", who)
            check(code == 0 and key not in d.table(), f"release {who}: {code} {out}{err}")
            code, out, err = d.lenscap("release", who)
            check(code != 0 and "not in quarantine" in err, f"released twice: {code} {out}{err}")
        for line, said in (('{"id":1,"cmd":"quarantine","args":{}}', "device is missing"), ('{"id":1,"cmd":"release","args":{}}', "device is missing"),
                           ('{"id":1,"cmd":"release","args":{"device":"nobody"}}', "no device is known"),
                           ('{"id":1,"cmd":"quarantine","args":{"device":"later","for_s":-1}}', "out of range"),
                           ('{"id":1,"cmd":"quarantine","args":{"device":"33:33:00:00:00:01"}}', "no device's MAC"),
                           ('{"id":1,"cmd":"explain","args":{"device":"later"}}', "needs a device and a dest"),
                           ('{"id":1,"cmd":"explain","args":{"device":"later","dest":"192.0.2.1","from":-1}}', "place of a rule")):
            answer = request(d, line)
            check('"ok":false' in answer and said in answer, f"{line}: {answer}")


def request(d, line):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        s.connect(d.path("run", "control.sock"))
        s.sendall(line.encode() + b"\n")
        return s.makefile().readline()
