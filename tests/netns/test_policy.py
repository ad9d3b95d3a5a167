# SPDX-License-Identifier: GPL-2.0-or-later
"""A broken policy never runs, and never takes away the one that works."""

import signal
import time

from daemon import wait_for
from netcase import CN, NO, OPEN_TO_NO, REJECT_REST, check, gateway, policy, tests
from traffic import Server, connect, tcp

BROKEN = policy(OPEN_TO_NO.replace("from: cameras", "from: camras"))


@tests.add("a broken policy at a reload: exit code 1, file:line:col, the old one stays and an alert tells")
def policy_broken_reload():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        d.write_policy(BROKEN)
        code, out, err = d.lenscap("reload")
        check(code == 1, f"exit code {code}\n{out}{err}")
        check("lenscap.yaml:" in out + err and 'did you mean "cameras"' in out + err and "[E" in out + err, out + err)
        check(tcp(lab.camera, NO[0], 443) == "answered", "the old policy is gone")
        check(tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", "the old policy is gone")
        d.wait_record("alert", "alert.signature_id=1990004")
        d.reload(policy(OPEN_TO_NO))
        return next(line for line in (out + err).splitlines() if "error" in line).replace(d.directory, "…")


@tests.add("SIGHUP reloads too, and a broken policy is survived the same way")
def policy_hangup():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        d.write_policy(BROKEN)
        d.process.send_signal(signal.SIGHUP)
        d.wait_record("alert", "alert.signature_id=1990004")
        check(tcp(lab.camera, NO[0], 443) == "answered", "the old policy is gone")
        d.write_policy(policy(REJECT_REST))
        d.process.send_signal(signal.SIGHUP)
        wait_for(lambda: tcp(lab.camera, CN[0], 443, timeout=0.3) == "refused", 5, "SIGHUP does not reload")


def broken_start(fail):
    with gateway(BROKEN.replace("fail: closed", f"fail: {fail}"), start=False) as (lab, d), Server(lab.internet, 443):
        d.spawn()
        code = d.process.wait(15)
        check(code == 1, f"exit code {code}")
        check("lenscap.yaml:" in d.log() and "[E" in d.log(), d.log())
        return tcp(lab.camera, NO[0], 443, timeout=0.4), d.table()


@tests.add("a broken policy at the start, fail closed: it refuses to run, and the table that blocks is there")
def policy_broken_start_closed():
    got, table = broken_start("closed")
    check(got == "timeout" and table, f"a new connection ended {got}; table: {bool(table)}")


@tests.add("a broken policy at the start, fail open: it refuses to run and leaves no table behind")
def policy_broken_start_open():
    got, table = broken_start("open")
    check(got == "answered" and not table, f"a new connection ended {got}; table: {bool(table)}")


@tests.add("`nft flush ruleset` while it runs: the table is back within a second, and that is an alert")
def policy_flush_ruleset():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        slowest = 0.0
        for n in range(3):
            lab.gateway.run("nft", "flush", "ruleset")
            start = time.monotonic()
            wait_for(lambda: "hook forward" in d.table(), 2, "the table does not come back")
            slowest = max(slowest, time.monotonic() - start)
            d.wait_record("alert", "alert.signature_id=1990002", count=n + 1)
        check(slowest < 1, f"back after {slowest:.2f} s")
        lab.masquerade()
        check(tcp(lab.camera, NO[0], 443) == "answered", "the allowed country does not answer")
        check(tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", "the blocked country answers")
        return f"back after {slowest * 1000:.0f} ms at most"


@tests.add("foreign ct mark bits and a foreign nft table survive start, reload and stop")
def policy_foreign():
    foreign = ("table inet foreign { counter seen { }; chain f { type filter hook forward priority -200; "
               "counter name seen; ct mark set ct mark or 0x80000005; }; }\n")
    with gateway(policy(OPEN_TO_NO, fail="open"), start=False) as (lab, d), Server(lab.internet, 443):
        lab.gateway.run("nft", "-f", "-", data=foreign)
        before = lab.gateway.run("nft", "-s", "list", "table", "inet", "foreign")
        s = tcp_open(lab)
        d.start()
        for text in (policy(OPEN_TO_NO, fail="open"), policy(REJECT_REST, fail="open")):
            exchange(s)
            marks = ct_marks(lab)
            check(marks and all(m & 0x80000005 == 0x80000005 for m in marks), f"ct marks {[hex(m) for m in marks]}")
            d.reload(text)
        exchange(s)
        check(d.stop() == 0, "lenscapd did not stop cleanly")
        exchange(s)
        check(all(m & 0x80000005 == 0x80000005 for m in ct_marks(lab)), "stop changed foreign mark bits")
        check(lab.gateway.run("nft", "-s", "list", "table", "inet", "foreign") == before, "the foreign table has changed")
        check(not d.table(), "our table is still there after a stop with fail: open")
        s.close()
        return "marks seen: " + " ".join(sorted({hex(m) for m in marks}))


def tcp_open(lab):
    s, how = connect(lab.camera, NO[0], 443)
    check(s, how)
    return s


def exchange(s):
    s.sendall(b"x")
    check(s.recv(10), "the stream is dead")


def ct_marks(lab):
    listing = lab.gateway.run("conntrack", "-L", "-p", "tcp", check=False)
    return [int(w[5:]) for line in listing.splitlines() for w in line.split() if w.startswith("mark=")]
