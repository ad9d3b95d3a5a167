# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists in files: taken with the policy, taken anew when they change, refused when they break, brought back by undo."""

import os
import re
import time

from daemon import wait_for
from netcase import CN, CN2, CN3, NO, check, gateway, policy, tests
from traffic import Server, tcp

LISTED = """rules:
  - {name: listed, from: cameras, to: {address: {file: lists/bad.txt}}, action: block}
  - {name: rest, from: cameras, to: any, action: allow}
default: {action: block, alert: medium}
"""
WATCHING = policy(LISTED, options="watch-lists: 1s")


def put(d, text, at="lists/bad.txt"):
    """In one step, as a feed should."""
    path = d.path(at)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path + ".new", 0o644)
    os.chmod(os.path.dirname(path), 0o755)
    os.rename(path + ".new", path)


def in_force(d):
    return d.status()["policy_id"]


def reaches(lab, host):
    return tcp(lab.camera, host, 443, timeout=0.5) == "answered"


def wait_changed(d, before):
    wait_for(lambda: in_force(d) != before, 20, f"the changed list is not taken\n{d.log()}", every=0.2)
    return in_force(d)


@tests.add("a list in a file blocks; replaced, and written over, it is taken by itself; explain names its line")
def list_taken_anew():
    with gateway(WATCHING, start=False) as (lab, d), Server(lab.internet, 443):
        put(d, f"# what nobody may reach\n{CN[0]}\n{CN[1]}\n")
        d.start()
        first = in_force(d)
        check(not reaches(lab, CN[0]) and not reaches(lab, CN[1]) and reaches(lab, CN2[0]) and reaches(lab, NO[0]), "the list is not judged by")
        put(d, f"{CN2[0]}/32\n")
        second = wait_changed(d, first)
        check(reaches(lab, CN[0]) and not reaches(lab, CN2[0]), "the replaced list is not judged by")
        with open(d.path("lists/bad.txt"), "a", encoding="utf-8") as f:
            f.write(f"{CN3[0]} # as well\n")
        wait_changed(d, second)
        check(not reaches(lab, CN2[0]) and not reaches(lab, CN3[0]) and reaches(lab, CN[0]), "the longer list is not judged by")
        code, out, err = d.lenscap("explain", "cam-1", f"{CN3[0]}:443/tcp")
        check("bad.txt:2" in out, f"explain does not name the line: {code}\n{out}{err}")
        code, out, err = d.lenscap("undo")
        check(code == 0 and in_force(d) == second, f"undo: {code} {out}{err}")
        check(reaches(lab, CN3[0]) and not reaches(lab, CN2[0]), "undo has not brought back the list before")


@tests.add("a list that breaks, empties or goes leaves the policy in force, with an alert; once it is good again it is taken")
def list_broken():
    with gateway(WATCHING, start=False) as (lab, d), Server(lab.internet, 443):
        put(d, f"{CN[0]}\n")
        d.start()
        first = in_force(d)
        for n, spoil in enumerate((lambda: put(d, f"{CN[0]}\nno address\n"), lambda: put(d, ""), lambda: os.unlink(d.path("lists/bad.txt")),
                                   lambda: os.mkfifo(d.path("lists/bad.txt"))), 1):
            spoil()
            wait_for(lambda n=n: len(re.findall("was refused", d.log())) >= n, 20, f"{n}: nothing is refused\n{d.log()}", every=0.2)
            check(in_force(d) == first and not reaches(lab, CN[0]), f"{n}: the policy did not stay")
        d.wait_record("alert", "alert.signature_id=1990004")
        check("bad.txt:2:1: error" in d.log(), f"the log does not say where\n{d.log()}")
        put(d, f"{CN2[0]}\n")
        wait_changed(d, first)
        check(reaches(lab, CN[0]) and not reaches(lab, CN2[0]), "the good list is not judged by")


@tests.add("watch-lists: 0s leaves a changed list until somebody reloads; then it is read although the policy's text is the same")
def list_by_hand():
    with gateway(policy(LISTED, options="watch-lists: 0s"), start=False) as (lab, d), Server(lab.internet, 443):
        put(d, f"{CN[0]}\n")
        d.start()
        first = in_force(d)
        put(d, f"{CN2[0]}\n")
        again = d.lenscap("diff", d.path("lenscap.yaml"))
        check(again[0] == 3 and "not what the policy in force was built with" in again[2], f"diff judges by another list: {again}")
        check(in_force(d) == first and not reaches(lab, CN[0]), "the list was taken unasked")
        d.reload()
        check(in_force(d) != first and reaches(lab, CN[0]) and not reaches(lab, CN2[0]), "the reload did not read the list")
        done = d.lenscap("diff", d.path("lenscap.yaml"))
        check(done[0] in (0, 1), f"diff does not read the list: {done}")


@tests.add("a list of a million networks is built beside the packets: new connections go on while it is", alone=True)
def list_of_a_million():
    with gateway(WATCHING, start=False) as (lab, d), Server(lab.internet, 443):
        put(d, f"{CN[0]}\n")
        d.start()
        first, waits = in_force(d), []
        put(d, f"{CN2[0]}\n" + "".join(f"{1 + n // 65536}.{n // 256 % 256}.{n % 256}.0/24\n" for n in range(0, 14 * 65536))
            + "".join(f"2001:db9:{n // 65536:x}:{n % 65536:x}::/64\n" for n in range(90000)))

        def connect():
            since = time.monotonic()
            check(tcp(lab.camera, NO[0], 443, timeout=5) == "answered", "a connection was lost meanwhile")
            waits.append(time.monotonic() - since)
            return in_force(d) != first
        wait_for(connect, 60, f"the list is not taken\n{d.log()}", every=0.002)
        check(reaches(lab, CN[0]) and not reaches(lab, CN2[0]), "the long list is not judged by")
        usual = sorted(waits)[len(waits) // 2]
        # Built between two packets it would be most of a second.
        check(max(waits) - usual < 0.4, f"a connection took {max(waits):.3f} s, {usual:.3f} s is usual")
        return f"{len(waits)} connections, usually {usual * 1000:.0f} ms, at most {max(waits) * 1000:.0f} ms"
