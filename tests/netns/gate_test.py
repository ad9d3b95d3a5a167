#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the gate must withstand on its own: an engine that has been taken over, hands in its table, odd starts, changes of queue and mark.
Run like tests/netns/run: gate_test.py [WORD …], BUILD names the directory of the programs.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

import daemon  # noqa: E402
import lab as lab_module  # noqa: E402
import result  # noqa: E402
from daemon import wait_for  # noqa: E402
from netcase import CN, NO, OPEN_TO_NO, check, gateway, policy  # noqa: E402
from traffic import Server, TcpStream, ping, tcp, udp, udp_send  # noqa: E402

tests = result.Tests()
ROOT = os.path.dirname(os.path.dirname(HERE))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def room_kib():
    """What the gate may grow by. AddressSanitizer keeps freed memory for a while."""
    with open(os.path.join(daemon.BUILD, "lenscapd"), "rb") as f:
        return 65536 if b"__asan_init" in f.read() else 4096


def hostile_build(directory):
    """A directory of programs whose engine is gate_engine.c with the real one behind it."""
    os.chmod(directory, 0o755)
    for name in ("lenscapd", "lenscap"):
        shutil.copy(os.path.join(daemon.BUILD, name), directory)
    os.mkdir(os.path.join(directory, "real"), 0o755)
    real = shutil.copy(os.path.join(daemon.BUILD, "lenscap-engine"), os.path.join(directory, "real"))
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-I", os.path.join(ROOT, "include"), "-o",
                    os.path.join(directory, "lenscap-engine"), os.path.join(HERE, "gate_engine.c"),
                    os.path.join(ROOT, "daemon", "base", "channel.c")], check=True, timeout=60)
    return real


def hostile(word, lab, d):
    """Lets the next engine misbehave, and waits until a good one judges again. Returns the seconds it took."""
    old = d.engine()
    order = d.path("state", "engine", "mode")
    with open(order, "w") as f:
        f.write(word)
    os.chmod(order, 0o644)
    start = time.monotonic()
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: not os.path.exists(order), 3, f"{word}: the hostile engine was not started")
    wait_for(lambda: tcp(lab.camera, NO[0], 443, timeout=0.3) == "answered" and
             tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout" and
             tcp(lab.camera, CN[1], 80, timeout=0.3) == "timeout", 8, f"{word}: nobody judges\n{d.log()}")
    return time.monotonic() - start


@tests.add("an engine that talks nonsense, lies, floods or gives descriptors away is replaced; the gate neither dies nor grows nor believes it")
def gate_hostile_engine():
    said = []
    with tempfile.TemporaryDirectory(prefix="lenscap-test-") as build:
        os.environ["LENSCAP_REAL_ENGINE"] = hostile_build(build)
        with gateway(policy(OPEN_TO_NO, fail="open", options="engine-deadline: 500ms"), build=build) as (lab, d), \
                Server(lab.internet, 443), Server(lab.internet, 80):
            pid, marks = d.process.pid, lab.gateway.run("nft", "list", "table", "inet", "nat")
            hostile("exit", lab, d)
            fds, rss = descriptors(pid), daemon.rss_kib(pid)
            with_stream = TcpStream(lab.camera, NO[0], 443)
            for word in ("nonsense", "verdicts", "pongs", "kinds", "descriptors", "future", "rejudge", "requests", "reloads"):
                said.append(f"{word} {hostile(word, lab, d):.1f} s")
                check(d.process.poll() is None and d.process.pid == pid, f"{word}: the gate ended\n{d.log()}")
                time.sleep(0.6)
                check(descriptors(pid) <= fds, f"{word}: {descriptors(pid)} descriptors, {fds} before")
            with_stream.close()
            check(not with_stream.ended, f"a settled stream ended: {with_stream.ended}")
            check(daemon.rss_kib(pid) < rss + room_kib(), f"the gate grew from {rss} to {daemon.rss_kib(pid)} KiB")
            check(lab.gateway.run("nft", "list", "table", "inet", "nat") == marks, "another table was touched")
            restarts = d.status()["engine"]["restarts"] if "engine" in d.status() else None
            check(restarts is None or restarts >= 16, f"{restarts} restarts")
    return ", ".join(said)


TAMPERING = (
    "flush chain inet lenscap look",
    "flush chain inet lenscap apply",
    "flush chain inet lenscap toq",
    "insert rule inet lenscap look accept",
    "add chain inet lenscap early { type filter hook forward priority -200; }",
    "delete element inet lenscap cam { \"cam0\" }",
    "add element inet lenscap cam { \"wan0\" }",
    "add table inet lenscap { flags dormant; }",
    "add element inet lenscap jail4 { 10.20.0.12 }",
    "flush chain inet lenscap observe",
    "delete table inet lenscap",
    "flush ruleset",
)


@tests.add("whatever is done to the table by hand is undone within a second, and blocked stays blocked")
def gate_tampering():
    slowest = 0
    with gateway(policy(OPEN_TO_NO, fail="closed")) as (lab, d), Server(lab.internet, 443):
        for n, command in enumerate(TAMPERING, 1):
            before = d.log().count("putting it back")
            start = time.monotonic()
            lab.gateway.run("nft", command)
            wait_for(lambda: d.log().count("putting it back") > before and "look {" in d.table() and
                     "dormant" not in d.table() and "early" not in d.table(), 1, f"{command}: not undone\n{d.table()}")
            slowest = max(slowest, time.monotonic() - start)
            check(tcp(lab.camera, CN[0], 443, timeout=0.2) == "timeout", f"{command}: blocked passes")
            wait_for(lambda: d.log().count("putting it back") == n, 0.1, f"{command}: it fights itself\n{d.log()}")
        lab.masquerade()
        check(tcp(lab.camera, NO[0], 443) == "answered", "allowed does not pass any more")
    return f"{len(TAMPERING)} ways, back after {slowest * 1000:.0f} ms at most"


@tests.add("commits of others are none of our business: no repair, no new generation")
def gate_others():
    with gateway(policy(OPEN_TO_NO)) as (lab, d):
        before = d.table()
        for i in range(50):
            lab.gateway.run("nft", f"add table inet other; add chain inet other c{i}; delete table inet other")
        lab.gateway.run("nft", "flush set inet lenscap drop4p")
        time.sleep(0.3)
        check("putting it back" not in d.log(), d.log())
        check(d.table() == before, "the table has changed")


def marks(lab):
    return [int(w[5:]) for w in lab.gateway.run("conntrack", "-L", check=False).split() if w.startswith("mark=")] + \
           [int(w[5:]) for w in lab.gateway.run("conntrack", "-L", "-f", "ipv6", check=False).split() if w.startswith("mark=")]


@tests.add("a reload may move the queue, the field in the mark and the fail mode: live flows go on, what is refused stays refused")
def gate_moves():
    if not shutil.which("conntrack"):
        raise result.Skip("no conntrack command")
    with gateway(policy(OPEN_TO_NO, fail="open")) as (lab, d), Server(lab.internet, 443):
        stream = TcpStream(lab.camera, NO[0], 443)
        for fail, queue, shift in (("closed", 2051, 16), ("closed", 2051, 3), ("open", 2052, 20), ("open", 2050, 0)):
            d.reload(policy(OPEN_TO_NO, fail=fail, options=f"queue: {queue}, mark-shift: {shift}"))
            check(tcp(lab.camera, NO[1], 443) == "answered", f"queue {queue}: allowed does not pass\n{d.log()}")
            check(tcp(lab.camera, CN[0], 443, timeout=0.2) == "timeout", f"queue {queue}: blocked passes")
            check(ping(lab.camera, CN[1], timeout=0.2) == "timeout", f"queue {queue}: blocked ping passes")
            bypass = "bypass" in d.table()
            check(bypass == (fail == "open"), f"fail {fail}: bypass is {bypass}")
            wait_for(lambda: stream.slowest_s < 0.5 and not stream.ended, 0.1, "the live stream suffers")
            strangers = [hex(m) for m in marks(lab) if m & ~(0xfff << shift)]
            check(not strangers, f"shift {shift}: bits outside the field: {strangers}")
        stream.close()
        check(not stream.ended, f"the live stream ended: {stream.ended}")


@tests.add("a policy that cannot even be parsed blocks when the last good one said fail: closed")
def gate_saved_plan():
    with gateway(policy(OPEN_TO_NO, fail="closed")) as (lab, d), Server(lab.internet, 443):
        check(tcp(lab.camera, NO[0], 443) == "answered", "allowed does not pass")
        d.end(signal.SIGKILL)
        lab.gateway.run("nft", "delete", "table", "inet", "lenscap")
        d.write_policy("version: 1\n\t: [")
        d.spawn()
        check(d.process.wait(10) == 1, "it has started")
        check(tcp(lab.camera, NO[0], 443, timeout=0.3) == "timeout" and ping(lab.camera, NO[1], timeout=0.2) == "timeout",
              f"it does not block\n{d.log()}{d.table()}")
        check("[E" in d.log() and "blocked until" in d.log(), d.log())
        d.process = None
        d.write_policy(policy(OPEN_TO_NO, fail="open"))
        d.start()
        check(tcp(lab.camera, NO[0], 443) == "answered", "a good policy does not open again")
        d.stop()
        check(d.table() == "", "fail: open leaves a table behind")


@tests.add("two daemons in one run directory: the second refuses before it touches anything")
def gate_lock():
    with gateway(policy(OPEN_TO_NO)) as (lab, d):
        before = d.table()
        code = lab.gateway.start(os.path.join(d.build, "lenscapd"), "-c", d.policy_path, "--run-dir", d.path("run"), "--state-dir",
                                 d.path("state"), "--user", d.user, stderr=subprocess.PIPE)
        _, err = code.communicate(timeout=10)
        check(code.returncode == 1 and b"another instance is running" in err, f"{code.returncode}: {err}")
        check(d.table() == before and d.status(), "the first one suffers")


@tests.add("started by a service manager: no root, ambient CAP_NET_ADMIN; the engine has no capability at all")
def gate_ambient():
    if lab_module.in_user_namespace() or not shutil.which("setpriv"):
        raise result.Skip("needs root and setpriv")
    user = pwd.getpwnam("nobody")
    with gateway(policy(OPEN_TO_NO, fail="open"), start=False) as (lab, d), Server(lab.internet, 443):
        for name in ("run", "state"):
            os.mkdir(d.path(name))
            os.chown(d.path(name), user.pw_uid, user.pw_gid)
        program = os.path.join(d.directory, "bin")
        os.mkdir(program)
        for name in ("lenscapd", "lenscap-engine"):
            shutil.copy(os.path.join(d.build, name), program)
        d.process = lab.gateway.start(
            "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--inh-caps=+net_admin",
            "--ambient-caps=+net_admin", "--bounding-set=-all,+net_admin", os.path.join(program, "lenscapd"), "-c", d.policy_path,
            "--run-dir", d.path("run"), "--state-dir", d.path("state"), stderr=open(d.stderr_path, "ab"))
        wait_for(lambda: "is in force" in d.log(), 10, "not in force")
        check(tcp(lab.camera, NO[0], 443) == "answered", f"allowed does not pass\n{d.log()}")
        check(tcp(lab.camera, CN[0], 443, timeout=0.2) == "timeout", "blocked passes")
        with open(f"/proc/{d.engine()}/status") as f:
            caps = {line.split(":")[0]: line.split()[1] for line in f if line.startswith(("CapPrm", "CapEff", "CapAmb", "NoNewPrivs"))}
        check(caps == {"CapPrm": "0" * 16, "CapEff": "0" * 16, "CapAmb": "0" * 16, "NoNewPrivs": "1"}, f"the engine has {caps}")
        old = d.engine()
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: d.engine() not in (None, old), 2, "no new engine")
        new = d.engine()
        wait_for(lambda: tcp(lab.camera, CN[1], 443, timeout=0.2) == "timeout", 2, "the new engine does not judge")
        time.sleep(2.5)
        check(d.engine() == new and d.log().count("engine lost") == 1, f"the new engine does not last\n{d.log()}")
        lab.gateway.run("nft", "flush", "ruleset")
        lab.masquerade()
        wait_for(lambda: "look {" in d.table(), 1, "the table is not back")
        check(d.stop() == 0 and d.table() == "", f"the stop fails\n{d.log()}")


@tests.add("what the kernel refuses from memory adds up: the hits of all keys are the counter, and nothing is told twice")
def gate_hits():
    with gateway(policy(OPEN_TO_NO, options="deny-memory: 5m, rollup: 1s")) as (lab, d), Server(lab.internet, 443):
        for a in CN[:2]:
            udp(lab.camera, a, 443, timeout=0.1)
            tcp(lab.camera, a, 443, timeout=0.2)
            udp_send(lab.camera, a, 99, 300, gap_s=0.001)
            ping(lab.camera, a, count=50, timeout=0.1)
        time.sleep(0.1)
        total = d.counters()["c_denied"]
        check(total > 600, f"only {total} refused from memory")
        hits = sum(int(line.split("packets ")[1].split()[0]) for name in ("hits4p", "hits4", "hits6p", "hits6")
                   for line in lab.gateway.run("nft", "list", "set", "inet", "lenscap", name).splitlines() if "counter packets" in line)
        check(hits == total, f"{hits} hits, {total} counted")
        queued = d.queued()
        wait_for(lambda: sum(r["lenscap"].get("repeat") or 1 for r in d.records("alert")) >= total + queued, 12,
                 "not all refusals reach the records")
        time.sleep(2.5)
        told = sum(r["lenscap"].get("repeat") or 1 for r in d.records("alert"))
        check(told == total + queued, f"{told} told, {total} + {queued} happened")
    return f"{total} packets refused from memory"


@tests.add("a camera that answers a connection from outside sends no byte before it is judged")
def gate_inbound():
    text = policy("rules:\n  - {name: home, from: cameras, to: any, action: allow}\ndefault: {action: block, alert: medium}\n")
    with gateway(text) as (lab, d), Server(lab.camera, 8080):
        lab.internet.ip("route add 10.20.0.0/16 via 192.0.2.1", "route add fd20::/64 via 2001:db8:ffff::1")
        for a in (lab.v4["cam-1"], lab.v6["cam-1"]):
            check(tcp(lab.internet, a, 8080, timeout=0.3) == "timeout", "an inbound connection passes")
            check(udp(lab.internet, a, 8080, timeout=0.3) == "timeout", "an inbound datagram is answered")


def main():
    try:
        lab_module.enter_user_namespace()
    except result.Skip as e:
        print(f"skip all: {e}\n" + result.closing(0, 0, 1))
        return 0
    return tests.run(sys.argv[1:], again=True)


if __name__ == "__main__":
    sys.exit(main())
