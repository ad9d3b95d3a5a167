# SPDX-License-Identifier: GPL-2.0-or-later
"""The control socket: streams lose nothing, and no client, however slow or rude, delays a packet."""

import collections
import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import socket
import statistics
import struct
import subprocess
import tarfile
import termios
import time

from controlclient import Client, Crowd, deaf, pipeline, readable, trickle
from daemon import wait_for
from netcase import CN, NO, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, connect, tcp, udp_send


@contextlib.contextmanager
def tail(d, *words):
    """lenscap tail; (process, what it has printed so far)."""
    path = d.path("tail")
    with open(path, "wb") as out, open(path + ".err", "wb") as err:
        p = subprocess.Popen([os.path.join(d.build, "lenscap"), "--run-dir", d.path("run"), "tail", *words], stdout=out, stderr=err,
                             stdin=subprocess.DEVNULL)
    try:
        yield p, lambda: open(path).read().splitlines()
    finally:
        if p.poll() is None:
            p.terminate()
        p.wait(5)


def written(d):
    """Lines of the log, without each file's own first record."""
    with open(d.eve_path) as f:
        return [line.rstrip("\n") for line in f if '"opened":' not in line]


def some_traffic(lab, n):
    for i in range(n):
        tcp(lab.camera, NO[0], 443)
        udp_send(lab.camera, CN[i % 2], 5000 + i, 1)


@tests.add("tail over a restart of the daemon prints every record of the log, once, byte for byte")
def control_tail_restart():
    with gateway(policy(OPEN_TO_NO, options="stats: 1s")) as (lab, d), Server(lab.internet, 443):
        with tail(d, "-o", "eve", "--since", "1h") as (p, lines):
            some_traffic(lab, 20)
            wait_for(lambda: len(lines()) > 4, 5, "tail prints nothing")
            check(d.stop() == 0, f"exit code\n{d.log()}")
            d.start()
            some_traffic(lab, 20)
            check(d.stop() == 0, f"exit code\n{d.log()}")
            want = collections.Counter(written(d))
            wait_for(lambda: len(lines()) >= sum(want.values()), 5, "tail does not catch up with the log")
            check(p.poll() is None, "tail ended")
        got = collections.Counter(lines())
        check(got == want, f"missing {list((want - got))[:2]}, too many {list((got - want))[:2]}")
        return f"{sum(want.values())} records, two daemons"


@tests.add("an engine that is killed ends no tail, and what it had not told is said to be missing")
def control_tail_kill():
    with gateway(policy(OPEN_TO_NO, options="stats: 1s")) as (lab, d), Server(lab.internet, 443):
        with tail(d, "-t", "stats", "--since", "1h") as (p, lines):
            wait_for(lambda: lines(), 5, "no stats record")
            before = len(lines())
            os.kill(d.engine(), signal.SIGKILL)
            wait_for(lambda: len(lines()) >= before + 2, 10, "nothing of the new engine")
            with open(d.path("tail.err")) as f:
                said = f.read()
            check("without a last word" in said and "it is back" in said, said)


@tests.add("tail shows only what was asked for, in lines for people")
def control_tail_filters():
    with gateway(policy(OPEN_TO_NO, options="stats: 1s")) as (lab, d), Server(lab.internet, 443):
        udp_send(lab.camera, CN[0], 5000, 1)
        udp_send(lab.cameras["cam-2"], CN[0], 5001, 1)
        d.wait_record("alert", "lenscap.device.name=cam-2")
        wait_for(lambda: sum('"event_type":"stats"' in line for line in written(d)) >= 2, 5, "no stats records")
        found = {}
        for name, words in {"all": (), "alerts": ("-t", "alert"), "device": ("--device", "cam-2"), "mac": ("--device", lab.macs["cam-2"]),
                            "country": ("--country", "CN"), "block": ("--decision", "block"), "last": ("-n", "1")}.items():
            words = words if name == "last" else ("--since", "1h", *words)
            code, out, err = d.lenscap("tail", "--no-follow", *words)
            check(code == 0, f"{name}: {code} {err}")
            found[name] = out.splitlines()
        check(len(found["last"]) == 1 and " stats " in found["last"][0], f"{found['last']}")
        check(any(int(line.split(" packets,")[0].split()[-1]) > 0 for line in found["all"] if " stats " in line), "no packets in the stats")
        check(found["alerts"] and all(" alert " in line for line in found["alerts"]), found["alerts"])
        check(found["device"] and found["device"] == found["mac"] and all("cam-2" in line for line in found["device"]), found["device"])
        check(found["country"] and all(" CN " in line for line in found["country"]), found["country"])
        check(found["block"] and all(" BLOCK " in line for line in found["block"]), found["block"])
        check(len(found["all"]) > len(found["block"]), found["all"])
        code, _, err = d.lenscap("tail", "-t", "nonsense")
        check(code == 4 and "no such type" in err, f"{code} {err}")
        return found["block"][0]


@tests.add("flows, geo, top, completion and debug-bundle answer as they say")
def control_commands():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        s, _ = connect(lab.camera, NO[0], 443)
        s.sendall(b"hello")
        udp_send(lab.camera, CN[0], 5000, 1)
        d.wait_record("alert", f"dest_ip={CN[0]}")
        rows = json.loads(d.lenscap("flows", "--json")[1])
        check({(r["dest_ip"], r["decision"], r["state"] == "refused") for r in rows} == {(NO[0], "allow", False), (CN[0], "block", True)},
              f"{rows}")
        blocked = json.loads(d.lenscap("flows", "--blocked", "--json", "--device", "cam-1")[1])
        check([(r["dest_ip"], r["country"], r["rule"]) for r in blocked] == [(CN[0], "CN", "default")], f"{blocked}")
        check(json.loads(d.lenscap("flows", "--device", "cam-2", "--json")[1]) == [], "cam-2 has flows")
        table = d.lenscap("flows")[1]
        check("ALLOW" in table and "BLOCK" in table and "cam-1" in table, table)
        code, out, _ = d.lenscap("geo", "test", NO[0])
        check(code == 0 and "NO" in out and "AS64547" in out and "override" in out, f"{code} {out}")
        code, out, _ = d.lenscap("geo", "test", "10.1.2.3")
        check(code == 0 and "private" in out, f"{code} {out}")
        check(d.lenscap("geo", "test", "nonsense")[0] == 4, "an address that is none")
        code, out, _ = d.lenscap("geo", "status")
        check(code in (0, 10) and "enterprise" in out.lower(), f"{code} {out}")
        for by, word in (("device", "cam-1"), ("country", "NO"), ("asn", "AS64547"), ("rule", "home")):
            code, out, err = d.lenscap("top", "-n", "1", "-d", "0.2", "--by", by)
            check(code == 0 and word in out, f"top --by {by}: {code} {out}{err}")
        s.close()
        bundle = d.path("bundle.tar")
        code, _, err = d.lenscap("debug-bundle", "-o", bundle, "--policy", d.policy_path, timeout=30)
        check(code == 0 and os.stat(bundle).st_mode & 0o77 == 0, f"{code} {err}")
        with tarfile.open(bundle) as t:
            names = t.getnames()
            records = t.extractfile("records.json").read()
            verdict = t.extractfile("check.txt").read()
        check({"status.json", "geo.json", "check.txt", "system.txt", "policy/00-lenscap.yaml"} <= set(names), f"{names}")
        check(CN[0].encode() in records and b"error" not in verdict, f"{verdict}")
        check(d.lenscap("debug-bundle", "-o", bundle)[0] == 1, "an existing file was overwritten")


def screen(d, keys):
    """What `lenscap top` paints on a terminal of 100 × 30 that then becomes a narrow one, and how it ends."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    p = subprocess.Popen([os.path.join(d.build, "lenscap"), "--run-dir", d.path("run"), "top", "-d", "30"], stdin=theirs, stdout=theirs,
                         stderr=theirs, env=dict(os.environ, TERM="xterm"))
    os.close(theirs)
    painted = b""

    def shows(word):
        nonlocal painted
        deadline = time.monotonic() + 5
        while word not in painted and time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                painted += os.read(ours, 65536)
        check(word in painted, f"no {word} in {painted}")
        painted = b""

    try:
        for key, word in keys:
            os.write(ours, key)
            shows(word)
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 20, 0, 0))
        os.kill(p.pid, signal.SIGWINCH)
        time.sleep(0.1)
        check(p.poll() is None, "a small terminal ended it")
        os.write(ours, b"q")
        return p.wait(5)
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
        os.close(ours)


@tests.add("top on a terminal groups by key, survives a small screen and ends with q")
def control_top_screen():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        s, _ = connect(lab.camera, NO[0], 443)
        code = screen(d, [(b"", b"cam-1"), (b"a", b"AS64547"), (b"r", b"home"), (b"x", b"")])
        s.close()
        check(code == 0, f"exit status {code}")


COMPLETE = """
source /dev/stdin <<< "$("$1" completion bash)"
COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2)); _lenscap; printf '%s\\n' "${COMPREPLY[@]}"
"""


@tests.add("the shell completes commands, options, their values and devices")
def control_completion():
    with gateway(policy(OPEN_TO_NO)) as (lab, d):
        udp_send(lab.camera, NO[0], 5000, 1)
        command = os.path.join(d.build, "lenscap")

        def complete(*words):
            p = subprocess.run(["bash", "-c", COMPLETE, "bash", command, command, *words], capture_output=True, text=True, timeout=10)
            check(p.returncode == 0 and not p.stderr, p.stderr)
            return p.stdout.split()

        check(complete("fl") == ["flows"], complete("fl"))
        check("--blocked" in complete("flows", "--"), complete("flows", "--"))
        check(complete("top", "--by", "c") == ["country"], complete("top", "--by", "c"))
        check(complete("geo", "st") == ["status"], complete("geo", "st"))
        check(complete("tail", "-o", "") == ["human", "eve"], complete("tail", "-o", ""))
        check(complete("completion", "") and "bash" in complete("completion", "b"), complete("completion", ""))
        names = complete("--run-dir", d.path("run"), "flows", "--device", "cam")
        check(set(names) <= {"cam-1", "cam-2"}, names)
        return f"devices: {names}"


def answers_of(path):
    """What a connection does that is well-behaved, but not the usual one."""
    with Client(path) as c:
        c.raw(b'{"id":"a","cmd":"hello"}\n{"id":2,"cmd":"status"}\nnonsense\n{"id":3,"cmd":"nothing"}\n')
        got = [c.line() for _ in range(4)]
        check([(o["id"], o["ok"]) for o in got] == [("a", True), (2, True), (None, False), (3, False)], f"{got}")
        for n in range(8):
            c.send("events", ident=10 + n)
        check({c.line()["id"] for _ in range(8)} == set(range(10, 18)), "eight streams on one connection")
        c.send("events", ident=99)
        refused = c.line()
        check(refused["id"] == 99 and not refused["ok"], f"{refused}")
    with Client(path) as c:
        c.send("status")
        c.socket.shutdown(socket.SHUT_WR)
        check(c.line()["ok"] and c.line() is None, "who closed its side gets its answer, then the end")
    with Client(path) as c:
        c.raw(b"x" * 40000)
        check(c.line() is None, "a request without end")


@tests.add("pipelined and half-closed connections get every answer, and what is too much is refused")
def control_rude():
    with gateway(policy(OPEN_TO_NO)) as (lab, d):
        answers_of(d.path("run", "control.sock"))
        with Client(d.path("run", "view.sock")) as c:
            check(not c.ask("reopen")["ok"], "a viewer may change things")
            check(not c.ask("events", types=["x"])["ok"] and not c.ask("events", country="Norway")["ok"], "filters are not checked")
            c.send("events", after={"boot": "another", "seq": 10 ** 15})
            check(c.line()["event"]["next"] == 1, "a cursor of another life begins at the beginning")
        check(d.status()["mode"] == "enforce", "it does not answer any more")


def median_ms(lab, first_port, n=60):
    """Median and worst time of a first packet's way there and back: nothing listens, so each port is a new judgement and a refusal."""
    took = []
    for i in range(n):
        start = time.monotonic()
        connect(lab.camera, NO[0], first_port + i, timeout=5)
        took.append((time.monotonic() - start) * 1000)
    return statistics.median(took), max(took)


@tests.add("48 viewers that pipeline, trickle or never read do not delay a new connection's first packet", alone=True)
def control_latency():
    with gateway(policy(OPEN_TO_NO)) as (lab, d):
        path = d.path("run", "view.sock")
        figures = {"alone": median_ms(lab, 10000)}
        with Crowd(path, 48, pipeline, pause=0.001) as crowd:
            figures["48 pipelining"] = median_ms(lab, 11000)
            check(crowd.sent > 100, "the crowd did nothing")
        with Crowd(path, 48, trickle, pause=0.001):
            figures["48 byte by byte"] = median_ms(lab, 12000)
        sockets = deaf(path, 48)
        udp_send(lab.camera, CN[0], 6000, 200)
        figures["48 that do not read"] = median_ms(lab, 13000)
        for s in sockets:
            s.close()
        alone = figures["alone"][0]
        told = ", ".join(f"{k}: median {m:.2f} ms, worst {w:.1f}" for k, (m, w) in figures.items())
        check(all(m < max(10 * alone, 20) for m, _ in figures.values()), told)
        return told


def told_of(client, until):
    """What a subscriber got and what it was told that it lost, up to the record of this number."""
    told, number = {"got": 0, "lost": 0}, 0
    while number < until:
        event = client.line()["event"]
        told["lost"] += event.get("lost", 0)
        told["got"] += "record" in event
        number = max(event.get("seq", 0), told["got"] + told["lost"])
    return told


@tests.add("a subscriber that does not read is told how many records it lost, when it reads again")
def control_lost():
    with gateway(policy("default: {action: block, alert: none}\n", options="rollup: 1s, new-flows: 100000")) as (lab, d):
        slow, quick = Client(d.path("run", "view.sock")), Client(d.path("run", "view.sock"))
        slow.send("events")
        quick.send("events")
        check(slow.line()["event"]["next"] and quick.line()["event"]["next"], "no greeting")
        # Each address is a record of its own: more than the ring holds and all that may wait for a client.
        with lab.camera.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for i in range(9000):
                s.sendto(b"x", (f"9.9.{i // 250}.{i % 250 + 1}", 2000))
                if i % 100 == 0:
                    time.sleep(0.01)
        wait_for(lambda: d.status()["flows"]["blocked"] >= 8000, 10, "not all were judged")
        check(readable(quick.socket, 5), "nothing for who reads")
        quick.send("status", ident=2)
        told = told_of(slow, until=len(written(d)))
        slow.close()
        quick.close()
        check(told["lost"] > 0 and told["got"] > 0, f"{told}")
        return f"{len(written(d))} records; who did not read got {told['got']} and was told of {told['lost']} lost ones"
