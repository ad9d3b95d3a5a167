# SPDX-License-Identifier: GPL-2.0-or-later
"""The sandbox: what each process still holds, an engine that wants out and cannot, one that is killed for trying, and what the owner sees of it."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile

import daemon
from daemon import wait_for
from netcase import CN, NO, OPEN_TO_NO, check, gateway, policy, tests
from result import Skip
from traffic import Server, tcp

NOTHING_LEFT = "0" * 16
NET_ADMIN = f"{1 << 12:016x}"


def need_sandbox():
    if daemon.sanitized():
        raise Skip("a build for debugging has no sandbox")


def state_of(pid):
    with open(f"/proc/{pid}/status") as f:
        return {line.split(":")[0]: line.split(":")[1].split()[0] for line in f if line.split(":")[1].split()}


def child_named(d, name):
    return next((p for p in daemon.children(d.process.pid) if daemon.program(p).startswith(name)), None)


def build_escape():
    """tests/run has built it, and the machine of tests/vm has no compiler; who runs this file alone may need it. Tests run side by side."""
    program = os.path.join(daemon.BUILD, "escape")
    if not os.path.exists(os.path.join(daemon.ROOT, "Makefile")):
        return program
    with open(program + "-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "--no-print-directory", "-C", daemon.ROOT, f"BUILD={daemon.BUILD}", program], check=True, timeout=240,
                       stdout=subprocess.DEVNULL, env={**os.environ, "MAKEFLAGS": ""})
    return program


@contextlib.contextmanager
def with_escape(**named):
    """(lab, daemon) whose engines are tests/escape/escape.c with the real one behind it."""
    program = build_escape()
    with tempfile.TemporaryDirectory(prefix="lenscap-test-") as build:
        os.chmod(build, 0o755)
        for name in ("lenscapd", "lenscap"):
            shutil.copy(os.path.join(daemon.BUILD, name), build)
        os.mkdir(os.path.join(build, "real"), 0o755)
        os.environ["LENSCAP_REAL_ENGINE"] = shutil.copy(os.path.join(daemon.BUILD, "lenscap-engine"), os.path.join(build, "real"))
        shutil.copy(program, os.path.join(build, "lenscap-engine"))
        with gateway(policy(OPEN_TO_NO, fail="open", options="engine-deadline: 5s"), build=build, start=False, **named) as (lab, d):
            os.environ["LENSCAP_ESCAPE_POLICY"], os.environ["LENSCAP_ESCAPE_LOG"] = d.policy_path, d.eve_path
            d.start()
            yield lab, d


def take_over(d, word):
    """The next engine does what the word says."""
    order = d.path("state", "engine", "mode")
    with open(order, "w") as f:
        f.write(word)
    os.chmod(order, 0o644)
    os.chown(order, *os.stat(d.path("state", "engine"))[4:6])
    os.kill(d.engine(), signal.SIGKILL)
    wait_for(lambda: not os.path.exists(order), 5, "the engine was not replaced")


def whole_log(d):
    with open(d.stderr_path, errors="replace") as f:
        return f.read()


def escape(d):
    """(tried, succeeded, the lines of those that succeeded)."""
    take_over(d, "escape")
    said = wait_for(lambda: re.search(r"(\d+) tried, (\d+) succeeded", whole_log(d)), 60, "the attempts did not end")
    return int(said[1]), int(said[2]), re.findall(r"^escape: .*SUCCEEDED.*$", whole_log(d), re.M)


def descriptors(d):
    """What the gate holds open, by name: sockets and pipes without their numbers, which differ from engine to engine."""
    held = []
    for fd in os.listdir(f"/proc/{d.process.pid}/fd"):
        with contextlib.suppress(OSError):
            held.append(os.readlink(f"/proc/{d.process.pid}/fd/{fd}").split(":[")[0])
    return sorted(held)


def nothing_stays(d):
    """Two more engines of this kind, and the gate holds what it held after the first: one that left a descriptor each would show as two. One
    is free, for the store or a client of the control socket may have come since."""
    held = descriptors(d)
    for ended in (2, 3):
        take_over(d, "escape")
        wait_for(lambda: len(re.findall(r"\d+ tried, \d+ succeeded", whole_log(d))) == ended, 60, "the attempts did not end")
    try:
        wait_for(lambda: len(descriptors(d)) <= len(held) + 1, 5)
    except AssertionError:
        raise AssertionError(f"the gate held {held}, and holds {descriptors(d)}") from None


@tests.add("an engine that was taken over tries to get out in every way there is: files, networks, kernel, processes, power; none succeeds")
def sandbox_escapes():
    need_sandbox()
    with with_escape() as (lab, d):
        tried, succeeded, which = escape(d)
        check(succeeded == 0, f"{succeeded} of {tried} succeeded:\n" + "\n".join(which))
        check(tried >= 80, f"only {tried} were tried")
        answers = re.findall(r"^escape: (\w+): refused", whole_log(d), re.M)
        check(len(answers) == tried == len(set(answers)), f"{len(answers)} answers of {tried} attempts")
        nothing_stays(d)
        check("look {" in d.table() and d.queue(), f"the table or the queue is gone\n{d.table()}")
        os.kill(d.engine(), signal.SIGKILL)
        with Server(lab.internet, 443):
            wait_for(lambda: tcp(lab.camera, NO[0], 443, timeout=0.3) == "answered" and tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout",
                     8, f"nobody judges afterwards\n{d.log()}")
        return f"{tried} tried, {succeeded} succeeded"


@tests.add("the same attempts without the sandbox: many succeed, so it is the sandbox that refuses them")
def sandbox_off():
    need_sandbox()
    with with_escape(args=["--no-sandbox"]) as (_, d):
        check("NO SANDBOX" in whole_log(d), d.log())
        code, out, _ = d.lenscap("status")
        check(code == 10 and "--no-sandbox" in out and re.search(r"^sandbox +OFF$", out, re.M), f"{code} {out}")
        tried, succeeded, which = escape(d)
        names = {line.split(": ")[1] for line in which}
        must = {"read_passwd", "tcp_socket", "new_process", "exec_shell", "signal_gate", "map_code", "rename_over_quarantine"}
        check(succeeded >= 20 and must <= names, f"{succeeded} of {tried}: {sorted(names)}")
        return f"{succeeded} of {tried} succeed without it"


@tests.add("an engine that makes a deadly call is killed by the kernel; the log and an alert say why, the restart is counted, the next one judges")
def sandbox_kill():
    need_sandbox()
    with with_escape() as (lab, d), Server(lab.internet, 443):
        before = d.status()["engine_restarts"]
        take_over(d, "die")
        wait_for(lambda: "killed by its sandbox" in whole_log(d), 8, f"nobody tells of it\n{d.log()}")
        wait_for(lambda: tcp(lab.camera, NO[0], 443, timeout=0.3) == "answered" and tcp(lab.camera, CN[0], 443, timeout=0.3) == "timeout", 8,
                 f"nobody judges\n{d.log()}")
        d.wait_record("alert", "alert.signature~killed by its sandbox", seconds=8)
        check(wait_for(lambda: d.status()["engine_restarts"], 3) >= before + 2, d.status())


@tests.add("started as root: no process but the gate has any capability in any set, each is filtered, none can gain power; status says so")
def sandbox_state():
    need_sandbox()
    with gateway(policy(OPEN_TO_NO)) as (_, d):
        store = wait_for(lambda: child_named(d, "lenscap-store"), 5, "no store")
        wait_for(lambda: int(state_of(store)["Seccomp_filters"]) >= 2, 5, "the store is not confined")
        for name, pid in (("engine", d.engine()), ("store", store)):
            s = state_of(pid)
            held = {k: s[k] for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
            check(set(held.values()) == {NOTHING_LEFT}, f"the {name} holds {held}")
            check(s["NoNewPrivs"] == "1" and s["Seccomp"] == "2" and int(s["Seccomp_filters"]) >= 2, f"{name}: {s}")
        s = state_of(d.process.pid)
        check(s["CapEff"] == s["CapPrm"] == NET_ADMIN and s["NoNewPrivs"] == "1" and s["Seccomp"] == "2", f"gate: {s}")
        code, out, _ = d.lenscap("status")
        check(re.search(r"^sandbox +system calls filtered, files restricted \(Landlock \d\)$", out, re.M) or "no Landlock" in out, f"{code} {out}")
        check(d.status()["sandbox"]["calls"] and d.status()["sandbox"]["on"], d.status())


@tests.add("a reload to files that the sandbox does not cover is refused and says what to do; after a restart the policy works")
def sandbox_reload():
    need_sandbox()
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        if not d.status()["sandbox"]["landlock"]:
            raise Skip("this kernel has no Landlock")
        elsewhere = d.path("elsewhere")
        os.mkdir(elsewhere)
        os.chmod(elsewhere, 0o777)
        moved = policy(OPEN_TO_NO).replace("@EVE@", os.path.join(elsewhere, "eve.json"))
        d.write_policy(moved)
        code, out, err = d.lenscap("reload")
        check(code != 0 and elsewhere in out + err and "restart lenscapd" in out + err, f"{code} {out}{err}")
        check(tcp(lab.camera, NO[0], 443) == "answered" and d.status()["sandbox"]["on"], "the old policy does not go on")
        check(not os.listdir(elsewhere), "something was written there all the same")
        d.stop()
        d.start()
        check(tcp(lab.camera, NO[1], 443) == "answered", "not answered after the restart")
        wait_for(lambda: os.listdir(elsewhere) == ["eve.json"], 5, "no log in the new place")


@tests.add("what earlier versions kept in one directory is found again where each process has its own")
def sandbox_divides():
    with gateway(policy(OPEN_TO_NO)) as (_, d):
        state = d.path("state")
        wait_for(lambda: os.path.exists(os.path.join(state, "history", "state.db")), 5, "no database")
        d.stop()
        for name in os.listdir(os.path.join(state, "history")):
            os.rename(os.path.join(state, "history", name), os.path.join(state, name))
        with open(os.path.join(state, "budgets"), "w") as f:
            f.write("lenscap-budgets 1\n")
        inode = os.stat(os.path.join(state, "state.db")).st_ino
        d.start()
        check(os.stat(os.path.join(state, "history", "state.db")).st_ino == inode, "another database is in use")
        check(not os.path.exists(os.path.join(state, "state.db")) and not os.path.exists(os.path.join(state, "budgets")), os.listdir(state))
        check(os.path.exists(os.path.join(state, "engine", "budgets")), "the budgets are gone")
