# SPDX-License-Identifier: GPL-2.0-or-later
"""Start, status, rotation, stop."""

import json
import os
import re
import select
import shutil
import signal
import subprocess

import eve
import lab as lab_module
from daemon import BUILD, ROOT, wait_for
from netcase import CN, CN2, CN3, NO, OPEN_TO_NO, check, gateway, policy, tests
from result import Skip
from traffic import Server, tcp


@tests.add("status answers for people and for programs; without a daemon the exit code is 3")
def life_status():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        tcp(lab.camera, CN[0], 443, timeout=0.2)
        wait_for(lambda: d.lenscap("status")[0] == 0, 3, "status is not well")  # the gate reports once a second
        _, out, _ = d.lenscap("status")
        check("enforce" in out and "fail closed" in out, out)
        check(isinstance(d.status(), dict), "status --json is no object")
        d.stop()
        code, out, err = d.lenscap("status")
        check(code == 3, f"without a daemon: exit code {code}")
        code, out, err = d.lenscap("no-such-command")
        check(code == 2, f"an unknown command: exit code {code}")


@tests.add("SIGTERM stops it within 3 s with exit code 0; fail open takes the table away, fail closed keeps it")
def life_stop():
    for fail, kept in (("open", False), ("closed", True)):
        with gateway(policy(OPEN_TO_NO, fail=fail)) as (lab, d), Server(lab.internet, 443):
            engine = d.engine()
            check(tcp(lab.camera, NO[0], 443) == "answered", "the allowed country does not answer")
            check(d.stop() == 0, f"exit code, fail {fail}\n{d.log()}")
            check(not os.path.exists(f"/proc/{engine}"), "the engine is still there")
            check(bool(d.table()) == kept, f"fail {fail}: table there: {bool(d.table())}")
            check(d.records("flow", "dest_port=443"), "no record of the flow that lived")
            got = tcp(lab.camera, CN[0], 443, timeout=0.3)
            check(got == ("timeout" if kept else "answered"), f"fail {fail}: a new connection ended {got}")


@tests.add("two daemons in one namespace: the second refuses and says why")
def life_second():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        second = subprocess.run(lab.gateway.command(
            os.path.join(BUILD, "lenscapd"), "-f", "-c", d.policy_path, "--run-dir", d.path("run2"), "--state-dir",
            d.path("state2"), "--user", d.user), capture_output=True, text=True, timeout=20)
        check(second.returncode != 0 and "another" in second.stderr, f"{second.returncode}\n{second.stderr}")
        check(tcp(lab.camera, NO[0], 443) == "answered", "the first one has suffered")
        check(tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", "the first one has suffered")
        return second.stderr.strip().splitlines()[-1]


@tests.add("log rotation: rename and reopen, and a file that vanished is made again; no record is lost or torn")
def life_rotation():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        tcp(lab.camera, CN[0], 1001, timeout=0.1)
        d.wait_record("alert", "dest_port=1001")
        os.rename(d.eve_path, d.eve_path + ".1")
        check(d.lenscap("reopen")[0] == 0, "reopen")
        tcp(lab.camera, CN2[0], 1002, timeout=0.1)
        d.wait_record("alert", "dest_port=1002")
        first_is_stats(d.eve_path)
        os.rename(d.eve_path, d.eve_path + ".2")
        wait_for(lambda: os.path.exists(d.eve_path), 4, "the vanished file is not made again")
        tcp(lab.camera, CN3[0], 1003, timeout=0.1)
        d.wait_record("alert", "dest_port=1003")
        first_is_stats(d.eve_path)
        ports = [r["dest_port"] for n in (".1", ".2", "") for r in eve.load(d.eve_path + n) if r["event_type"] == "alert"]
        check([p for p in ports if p in (1001, 1002, 1003)] == [1001, 1002, 1003], f"alerts for ports {ports}")


def first_is_stats(path):
    with open(path, "rb") as f:
        line = f.readline()
    check(json.loads(line)["event_type"] == "stats" and len(line) >= 1024, f"first record: {len(line)} bytes {line[:80]}")


@tests.add("the programs hold what they should: the engine no capability at all, the gate CAP_NET_ADMIN alone")
def life_privileges():
    with gateway(policy(OPEN_TO_NO)) as (_lab, d):
        caps = {}
        for name, pid in (("gate", d.process.pid), ("engine", d.engine())):
            with open(f"/proc/{pid}/status") as f:
                rows = dict(line.split(":\t", 1) for line in f if ":\t" in line)
            caps[name] = int(rows["CapEff"], 16), int(rows["CapPrm"], 16), int(rows["NoNewPrivs"])
        check(caps["engine"][:2] == (0, 0), f"the engine's capabilities: {caps['engine']}")
        check(caps["gate"][:2] == (1 << 12, 1 << 12), f"the gate's capabilities: {caps['gate']}")
        check(caps["engine"][2] == 1, "the engine may gain privileges")


@tests.add("tests/demo/guard watches an interface in monitor mode, tells what enforcing would block, and leaves nothing in the kernel")
def life_guard():
    if lab_module.in_user_namespace():
        raise Skip("it is for real root")
    host = "81.2.69.7"  # the shipped policy takes documentation addresses for its own
    with lab_module.Lab(hosts=(host,)) as lab, Server(lab.internet, 443):
        guard = lab.gateway.start(os.path.join(ROOT, "tests", "demo", "guard"), "cam0", stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, env=dict(os.environ, BUILD=BUILD))
        wait_for(lambda: "hook forward" in our_table(lab), 10, "no table")
        wait_for(lambda: tcp(lab.camera, host, 443) == "answered", 3, "the camera cannot connect")
        said = ""
        while "would block default" not in said and select.select([guard.stdout], [], [], 5)[0]:
            said += os.read(guard.stdout.fileno(), 65536).decode(errors="replace")
        guard.send_signal(signal.SIGINT)
        out = said + guard.communicate(timeout=10)[0]
        shutil.rmtree(re.search(r"stay in (/var/tmp/lenscap-run-\S+)", out).group(1))
        check("would block default" in out and "mode monitor" in out, out)
        check(not our_table(lab), "the table is still there")
        return next(line for line in out.splitlines() if "would block" in line)


def our_table(lab):
    return lab.gateway.run("nft", "list", "table", "inet", "lenscap", check=False)
