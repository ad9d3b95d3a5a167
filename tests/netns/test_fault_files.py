# SPDX-License-Identifier: GPL-2.0-or-later
"""Files are damaged under a running daemon: databases of countries, the state's, and the policy while it is read."""

import os
import random
import shutil
import threading
import time

import geodata
import places
from daemon import wait_for
from netcase import CN, NO, OPEN_TO_NO, REJECT_REST, TAIL, check, gateway, policy, tests
from settled import Settled
from traffic import Server, tcp

RULES = """\
rules:
  - {name: who-knows, from: cameras, to: {unknown-country: true}, action: reject}
  - {name: home, from: cameras, to: {country: "NO"}, action: allow}
default: {action: block, alert: medium}
"""
UNKNOWN = "8.0.0.1"


def truncated(path):
    os.truncate(path, os.path.getsize(path) // 2)


def emptied(path):
    os.truncate(path, 0)


def overwritten(path):
    """In place, as careless copying does it: same file, same length, other bytes."""
    with open(path, "r+b") as f:
        f.write(random.Random(1).randbytes(os.path.getsize(path)))


def garbage(path):
    with open(path + ".new", "wb") as f:
        f.write(random.Random(2).randbytes(70000))
    os.rename(path + ".new", path)


def holes(path):
    """The head and the end are those of a good file."""
    with open(path, "r+b") as f:
        f.seek(os.path.getsize(path) // 4)
        f.write(b"\xff" * (os.path.getsize(path) // 2))


def directory(path):
    os.unlink(path)
    os.mkdir(path)


DAMAGES = (truncated, emptied, overwritten, garbage, holes, directory)


def geo(path):
    overrides = TAIL[TAIL.index("  overrides:"):]
    return f"geo:\n  country: [{path}]\n  warn-older-than: 9999d\n{overrides}"


def remove(path):
    if os.path.isdir(path):
        os.rmdir(path)
    elif os.path.exists(path):
        os.unlink(path)


def geo_damages(name, make, host):
    """Each damage under the running daemon, then a reload, then a good file again. host: an address that the good file has in Norway."""
    with gateway("", start=False, hosts=(host, UNKNOWN, *NO, *CN)) as (lab, d), Server(lab.internet, 443):
        os.mkdir(d.path("geo"))
        path = d.path("geo", name)
        good = path + ".good"
        make(good)
        shutil.copy(good, path)
        d.write_policy(policy(RULES, tail=geo(path)))
        d.start()
        other, engine, told = lab.cameras["cam-2"], d.engine(), 0
        check(tcp(other, host, 443) == "answered", f"{host} does not answer with a good database\n{d.status()['geo']}")
        with Settled(lab) as settled:
            for damage in DAMAGES:
                damage(path)
                # Nobody has read it again yet: the answers are those of before, or nobody knows; never a hole, never a crash.
                check(tcp(other, host, 443) in ("answered", "refused"), f"{damage.__name__}: no answer")
                check(tcp(other, UNKNOWN, 443) == "refused", f"{damage.__name__}: an address that nobody knows is not refused")
                d.lenscap("reload")
                check(tcp(other, UNKNOWN, 443) == "refused", f"{damage.__name__}, after a reload: not refused")
                check(tcp(other, NO[0], 443) == "answered", f"{damage.__name__}: the override does not hold")
                after = tcp(other, host, 443)
                state = d.status()["geo"][0]
                # What is damaged inside may answer elsewhere: here nobody knows.
                check(after == "refused" or state["state"] == "ok", f"{damage.__name__}: {host} {after}, {state}")
                if state["state"] != "ok":
                    told += 1
                    check(state["problem"] and d.lenscap("geo", "status")[0] == 10, f"{damage.__name__}: {state}")
                remove(path)
                shutil.copy(good, path)
                d.reload()
                check(tcp(other, host, 443) == "answered", f"{damage.__name__}: the good file is not taken again")
            d.wait_record("alert", "alert.signature_id=1990005", f"alert.signature~{name}")
            check(d.engine() == engine, f"the engine was replaced\n{d.log()}")
            check(told >= len(DAMAGES) - 1, f"only {told} of {len(DAMAGES)} damages were told")
            settled.went_on()
    return f"{len(DAMAGES)} damages, {told} told as broken or missing, 0 engines lost; {settled.said()}"


@tests.add("an MMDB is truncated, emptied, overwritten in place, replaced by garbage: unknown country, told, no engine lost, no settled packet")
def fault_geo_mmdb():
    return geo_damages("country.mmdb", lambda path: shutil.copy(os.path.join(geodata.directory(), "country.mmdb"), path), "89.160.23.137")


@tests.add("a libloc database is truncated, emptied, overwritten in place, replaced by garbage: the same")
def fault_geo_libloc():
    return geo_damages("location.db", lambda path: places.write_database(path, network="8.8.8.0/24"), "8.8.8.9")


@tests.add("the state database is overwritten in place while it is used, and is garbage at a start: put aside, told, judged all the while")
def fault_state_database():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        other, engine = lab.cameras["cam-2"], d.engine()
        history = d.path("state", "history")
        path = os.path.join(history, "state.db")
        wait_for(lambda: os.path.exists(path) and os.path.getsize(path) >= 4096, 8, "no database")
        for name in ("state.db", "state.db-wal", "state.db-shm"):
            if os.path.exists(os.path.join(history, name)):
                overwritten(os.path.join(history, name))
        for _ in range(20):
            check(tcp(other, NO[0], 443) == "answered", "not answered")
        check(tcp(other, CN[0], 443, timeout=0.3) == "timeout", "the blocked country answers")
        check(d.engine() == engine, "the engine was replaced")
        settled.went_on()
        with settled.excused():
            d.stop()
            overwritten(path)
            d.start()
            settled.went_on()
        wait_for(lambda: any(".broken-" in n for n in os.listdir(history)), 8, f"not put aside: {os.listdir(history)}")
        wait_for(lambda: d.status()["history"]["running"], 8, "no history")
        check(tcp(other, NO[1], 443) == "answered" and tcp(other, CN[1], 443, timeout=0.3) == "timeout", "it does not judge")
        d.wait_record("alert", "alert.signature~(?i)database|history|state", seconds=8)
    return settled.said()


class Swapper:
    """Puts one policy file in the place of another, over and over: a rename each."""

    def __init__(self, path, texts, pause):
        self.path, self.texts, self.times, self.stop = path, texts, 0, threading.Event()
        self.thread = threading.Thread(target=self.work, args=(pause,), daemon=True)
        self.thread.start()

    def work(self, pause):
        while not self.stop.is_set():
            with open(self.path + ".swap", "w", encoding="utf-8") as f:
                f.write(self.texts[self.times % len(self.texts)])
            os.rename(self.path + ".swap", self.path)
            self.times += 1
            self.stop.wait(pause)

    def close(self):
        self.stop.set()
        self.thread.join(5)


@tests.add("the policy file is swapped while it is read: each reload takes one of them whole or refuses the broken one, never a mixture")
def fault_policy_swapped():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        ids, texts = {}, []
        for name, text in (("drop", policy(OPEN_TO_NO)), ("reject", policy(REJECT_REST))):
            # Long enough that to read it takes more than one call.
            d.reload(text.replace("mode:", "".join(f"# {n} {name * 20}\n" for n in range(2000)) + "mode:"))
            ids[d.status()["policy_id"]] = name
            with open(d.policy_path, encoding="utf-8") as f:
                texts.append(f.read())
        check(len(ids) == 2, f"{ids}")
        swapper, codes, taken = Swapper(d.policy_path, [*texts, texts[0][:len(texts[0]) // 2] + "\n- {"], 0.002), {}, {}
        try:
            for _ in range(12):
                code, out, err = d.lenscap("reload")
                codes[code] = codes.get(code, 0) + 1
                check(code in (0, 1) and (code == 0 or "lenscap.yaml:" in out + err), f"reload: {code} {out}{err}")
                name = ids.get(d.status()["policy_id"])
                check(name, f"a policy that nobody wrote is in force: {d.status()['policy_id']}")
                taken[name] = taken.get(name, 0) + 1
        finally:
            swapper.close()
        d.reload(policy(REJECT_REST))
        check(tcp(lab.cameras["cam-2"], CN[0], 443, timeout=0.5) == "refused", "the last policy does not hold")
        settled.went_on()
    return f"{swapper.times} swaps, exit codes {codes}, in force {taken}; {settled.said()}"


@tests.add("the policy file goes away, is a directory, or cannot be read: the old policy stays, with an error and an alert")
def fault_policy_gone():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        said = []
        for make in (remove, lambda path: (remove(path), os.mkdir(path)), emptied_file, endless):
            make(d.policy_path)
            start = time.monotonic()
            code, out, err = d.lenscap("reload", timeout=40)
            check(code == 1 and out + err, f"reload: {code} {out}{err}")
            said.append(f"{time.monotonic() - start:.1f} s")
            check(tcp(lab.cameras["cam-2"], NO[0], 443) == "answered" and tcp(lab.cameras["cam-2"], CN[0], 443, timeout=0.3) == "timeout",
                  "the old policy is gone")
            remove(d.policy_path)
        d.wait_record("alert", "alert.signature_id=1990004", count=1)
        d.reload(policy(OPEN_TO_NO))
        settled.went_on()
    return f"refused after {', '.join(said)}; {settled.said()}"


def emptied_file(path):
    remove(path)
    with open(path, "w", encoding="utf-8"):
        pass


def endless(path):
    """A pipe that nobody writes to."""
    remove(path)
    os.mkfifo(path)
    os.chmod(path, 0o644)
