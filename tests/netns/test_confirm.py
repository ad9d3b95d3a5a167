# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy must be confirmed or goes by itself, can be undone, and its mode can be another for a while: also over crashes and restarts."""

import os
import re
import signal
import time

from daemon import wait_for
from netcase import CN, NO, NOTHING, OPEN_TO_ALL, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, TcpStream, tcp

CUTS = policy(NOTHING)
GOES_BACK = "alert.signature_id=1990018"


def in_force(d):
    return d.status()["policy_id"]


def reload_to_confirm(d, text, seconds):
    """Returns the moment at which it was in force."""
    d.write_policy(text)
    code, out, err = d.lenscap("reload", "--confirm", str(seconds))
    check(code == 0 and "lenscap confirm" in out, f"reload --confirm: {code}\n{out}{err}{d.log()}")
    return time.monotonic()


def kill_and_start(d):
    """The gate dies as by a power cut, its engine with it, and is started again."""
    d.process.send_signal(signal.SIGKILL)
    d.process.wait(5)
    d.lab.gateway.processes.remove(d.process)
    d.start()


def wait_back(d, old, since, at_least=4.0, at_most=9.0):
    wait_for(lambda: in_force(d) == old, at_most, f"the policy before does not come back\n{d.log()}", every=0.1)
    took = time.monotonic() - since
    check(at_least <= took <= at_most, f"it came back after {took:.1f} s")
    return took


@tests.add("reload --confirm 5: a policy that cuts the operator goes by itself after 5 s, with an alert; a restart keeps the one before")
def confirm_goes_back():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        old = in_force(d)
        stream = TcpStream(lab.camera, NO[0], 443)
        since = reload_to_confirm(d, CUTS, 5)
        new = in_force(d)
        check(new != old, "the new policy is not in force")
        check(tcp(lab.camera, NO[0], 443, timeout=0.3) == "timeout", "the new policy does not cut")
        code, out, err = d.lenscap("reload")
        check(code == 1 and "waits for confirmation" in err, f"a plain reload meanwhile: {code} {out}{err}")
        status = d.status()
        check(status["terms"]["goes_back_to"] == old and any("not confirmed" in p for p in status["problems"]), f"{status}")
        took = wait_back(d, old, since)
        stream.close()
        check(tcp(lab.camera, NO[0], 443) == "answered", "what was allowed before is not allowed")
        d.wait_record("alert", GOES_BACK)
        check(any(f"undone ({new})" in p for p in d.status()["problems"]), f"status says nothing of the file: {d.status()['problems']}")
        check(d.lenscap("confirm")[0] == 1, "something to confirm is left")
        d.stop()
        d.start()
        check(in_force(d) == old, "a restart loads the policy that was undone")
        d.reload()
        check(in_force(d) == new, "an explicit reload does not load the file")
        check(d.status()["terms"].get("undone") is None, "it still counts as undone")
        return f"back after {took:.1f} s"


@tests.add("an unconfirmed policy goes in time although the gate is killed and started again meanwhile, or was dead when its time was over")
def confirm_survives_the_gate():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        old = in_force(d)
        since = reload_to_confirm(d, CUTS, 5)
        new = in_force(d)
        kill_and_start(d)
        check(in_force(d) == new, f"it is not in force for what is left of its time\n{d.log()}")
        took = wait_back(d, old, since, at_most=10.0)
        d.write_policy(policy(OPEN_TO_ALL))
        d.reload()
        base = in_force(d)
        reload_to_confirm(d, CUTS, 1)
        d.process.send_signal(signal.SIGKILL)
        d.process.wait(5)
        d.lab.gateway.processes.remove(d.process)
        time.sleep(1.2)  # the time that it had
        d.start()
        check(in_force(d) == base, f"the unconfirmed policy was loaded\n{d.log()}")
        d.wait_record("alert", GOES_BACK, count=2)
        check(tcp(lab.camera, CN[0], 443) == "answered", "the policy before does not judge")
        return f"back after {took:.1f} s, with a SIGKILL between"


@tests.add("an unconfirmed policy goes in time although the engine dies meanwhile")
def confirm_survives_the_engine():
    with gateway(policy(OPEN_TO_NO, options="engine-deadline: 500ms")) as (lab, d), Server(lab.internet, 443):
        old = in_force(d)
        since = reload_to_confirm(d, policy(NOTHING, options="engine-deadline: 500ms"), 5)
        time.sleep(0.3)  # an engine that has worked for a moment
        os.kill(d.engine(), signal.SIGKILL)
        wait_for(lambda: d.lenscap("status")[0] in (0, 10), 5, "no engine", every=0.1)
        check(in_force(d) != old and d.status()["terms"]["confirm_left_s"] <= 5, f"{d.status()['terms']}")
        took = wait_back(d, old, since)
        check(tcp(lab.camera, NO[0], 443) == "answered", "the policy before does not judge")
        return f"back after {took:.1f} s"


@tests.add("confirm keeps it, a second --confirm goes back to what was confirmed last, and confirming twice is told")
def confirm_keeps():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        old = in_force(d)
        reload_to_confirm(d, policy(OPEN_TO_ALL), 2)
        code, out, err = d.lenscap("confirm")
        check(code == 0 and "is confirmed" in out, f"confirm: {code} {out}{err}")
        kept = in_force(d)
        time.sleep(2.5)  # longer than it had
        check(in_force(d) == kept != old, "it was confirmed and is gone")
        code, out, err = d.lenscap("confirm")
        check(code == 1 and "nothing waits" in err, f"the second confirm: {code} {out}{err}")
        reload_to_confirm(d, CUTS, 60)
        since = reload_to_confirm(d, policy(OPEN_TO_NO + "# another\n"), 2)
        wait_back(d, kept, since, at_least=1.5, at_most=6)
        check(tcp(lab.camera, CN[0], 443) == "answered", "the confirmed policy does not judge")


@tests.add("undo goes back five times and not a sixth; the files that were left are not loaded by a restart; damaged ones are left out")
def undo_five_times():
    with gateway(policy(OPEN_TO_NO + "# 0\n"), start=False) as (lab, d), Server(lab.internet, 443):
        d.start()
        ids = [in_force(d)]
        for n in range(1, 8):
            d.write_policy(policy(OPEN_TO_NO + f"# {n}\n"))
            d.reload()
            ids.append(in_force(d))
        d.reload()  # the same file again: no version of its own
        check(len(set(ids)) == 8 and in_force(d) == ids[7], f"{ids}")
        check(len(os.listdir(d.path("state", "policies"))) == 6, f"{os.listdir(d.path('state', 'policies'))}")
        for n in range(1, 6):
            code, out, err = d.lenscap("undo")
            check(code == 0 and ids[7 - n] in out and in_force(d) == ids[7 - n], f"undo {n}: {code} {out}{err}")
            if n == 3:
                kill_and_start(d)
                check(in_force(d) == ids[4], "a restart has lost count")
        code, out, err = d.lenscap("undo")
        check(code == 1 and "nothing to undo" in err, f"the sixth: {code} {out}{err}")
        check(tcp(lab.camera, NO[0], 443) == "answered", "the oldest policy does not judge")
        for n in range(8, 12):
            d.write_policy(policy(OPEN_TO_NO + f"# {n}\n"))
            d.reload()
            ids.append(in_force(d))
        for name in sorted(os.listdir(d.path("state", "policies")), key=int)[-3:-1]:
            with open(d.path("state", "policies", name), "r+b") as f:
                f.seek(150)
                f.write(b"\xff\xfe{{{")
        code, out, err = d.lenscap("undo")
        check(code == 0 and in_force(d) == ids[8], f"over two damaged ones: {code} {out}{err} {ids}\n{d.log()}")
        check(d.log().count("damaged; left out") >= 2, d.log())
        d.stop()
        with open(d.path("state", "standing"), "wb") as f:
            f.write(os.urandom(300))
        d.start()
        check(in_force(d) == ids[11], f"with a damaged state the file counts\n{d.log()}")


@tests.add("mode monitor --for 2s comes back by itself, live flows are judged again, and rules with their own mode keep it")
def mode_for_a_while():
    own = OPEN_TO_NO.replace("rules:\n", 'rules:\n  - {name: never, from: cameras, to: {address: "203.0.113.82"}, action: block, mode: enforce}\n')
    with gateway(policy(own)) as (lab, d), Server(lab.internet, 443):
        check(tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", "it does not enforce")
        since = time.monotonic()
        code, out, err = d.lenscap("mode", "monitor", "--for", "2s")
        check(code == 0, f"mode: {code} {out}{err}")
        status = d.status()
        check(status["mode"] == "monitor" and status["terms"]["mode_by_hand"] == "monitor" and status["problems"], f"{status}")
        stream = TcpStream(lab.camera, CN[0], 443)
        check(tcp(lab.camera, "203.0.113.82", 443, timeout=0.3) == "timeout", "a rule with a mode of its own has lost it")
        wait_for(lambda: d.status()["mode"] == "enforce", 8, f"it does not come back\n{d.log()}", every=0.1)
        took = time.monotonic() - since
        check(took >= 1.8, f"it came back after {took:.1f} s")
        wait_for(lambda: tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", 3, "it does not enforce again")
        wait_for(lambda: stream.ended, 8, "a flow that monitor mode let through goes on")
        stream.close()
        return f"back after {took:.1f} s"


@tests.add("a mode set by hand survives a reload and restarts, ends at its time also while nobody runs, and `mode policy` ends it")
def mode_survives():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        check(d.lenscap("mode", "monitor")[0] == 0, "mode monitor")
        d.reload(policy(OPEN_TO_NO + "# again\n"))
        check(d.status()["mode"] == "monitor", "a reload ends it")
        kill_and_start(d)
        check(d.status()["mode"] == "monitor", "a restart ends it")
        check(tcp(lab.camera, CN[0], 443) == "answered", "it is not in force")
        code, out, err = d.lenscap("mode", "policy")
        check(code == 0 and d.status()["mode"] == "enforce", f"{code} {out}{err}")
        check(tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", "the policy's mode is not in force")
        check(d.lenscap("mode", "monitor", "--for", "1s")[0] == 0, "mode monitor --for 1s")
        d.process.send_signal(signal.SIGKILL)
        d.process.wait(5)
        d.lab.gateway.processes.remove(d.process)
        time.sleep(1.2)  # the time that it had
        d.start()
        check(d.status()["mode"] == "enforce", "it outlives its time")


@tests.add("what cannot be is refused: wrong arguments, enforce without fail, the socket that may only look")
def mode_refused():
    watching = policy(OPEN_TO_NO, mode="monitor").replace("fail: closed\n", "")
    with gateway(watching) as (_lab, d):
        for words in (("reload", "--confirm", "0"), ("reload", "--confirm", "86401"), ("reload", "--confirm", "x"), ("reload", "--confirm"),
                      ("confirm", "x"), ("undo", "2"), ("mode",), ("mode", "off"), ("mode", "monitor", "enforce"),
                      ("mode", "monitor", "--for", "0"), ("mode", "policy", "--for", "1h"), ("mode", "monitor", "--for", "1w")):
            code, out, err = d.lenscap(*words)
            check(code == 2 and "usage: lenscap" in err, f"{words}: {code} {out}{err}")
        code, out, err = d.lenscap("mode", "enforce")
        check(code == 1 and "[E136]" in err, f"enforce without fail: {code} {out}{err}")
        check(d.status()["mode"] == "monitor" and "mode_by_hand" not in d.status()["terms"], "the refused mode has left something")
        code, out, err = d.lenscap("undo")
        check(code == 1 and "nothing to undo" in err, f"undo of the first policy: {code} {out}{err}")
        for line, error in (('{"id":1,"cmd":"reload","args":{"confirm":"60"}}', "seconds"), ('{"id":1,"cmd":"reload","args":{"confirm":-1}}', "seconds"),
                            ('{"id":1,"cmd":"mode","args":{"mode":"monitor","for":1e9}}', "seconds"), ('{"id":1,"cmd":"mode"}', "mode must be")):
            answer = ask(d, "control.sock", line)
            check('"ok":false' in answer and error in answer, f"{line}: {answer}")
        for cmd in ("confirm", "undo", "mode", "reload"):
            answer = ask(d, "view.sock", f'{{"id":1,"cmd":"{cmd}"}}')
            check("may only look" in answer, answer)
        check(re.search(r"mode asked by uid \d+, pid \d+", d.log()), d.log())


def ask(d, name, line):
    import socket
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        s.connect(d.path("run", name))
        s.sendall(line.encode() + b"\n")
        return s.recv(65536).decode()
