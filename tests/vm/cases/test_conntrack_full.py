# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's table of connections is full. Its size is the whole machine's, so only a machine of our own can make it small."""

import socket
import time

from daemon import wait_for
from netcase import CN, NO, OPEN_TO_NO, check, gateway, policy, tests
from settled import Settled
from traffic import Server, tcp

SIZE = "/proc/sys/net/netfilter/nf_conntrack_max"
ROOM = 200  # for more connections than there are


@tests.add("conntrack is full: settled streams lose nothing, what gets no entry does not leave unjudged, and status names the table's size")
def conntrack_full():
    with gateway(policy(OPEN_TO_NO, options="new-flows: 100000, stats: 1s")) as (lab, d), Server(lab.internet, 443), Settled(lab, gap_s=0.01) as settled:
        other = lab.cameras["cam-2"]
        check(tcp(other, NO[0], 443, timeout=5) == "answered", "not answered before")
        with open(SIZE, encoding="ascii") as f:
            before = f.read().strip()
        entries = int(lab.gateway.run("conntrack", "-C"))
        try:
            set_size(entries + ROOM)
            for n in range(2 * ROOM):
                with other.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.bind(("", 20000 + n))
                    s.sendto(b"x", (NO[0], 7000))
            full = d.wait_record("stats", f"lenscap.kernel.conntrack_max={entries + ROOM}", seconds=30)[-1]["lenscap"]["kernel"]
            settled.went_on(30)
            got = [tcp(other, a, 443, timeout=1) for a in (*NO, *CN)]
            check(got[2:] == ["timeout", "timeout"], f"a blocked connection ended {got}")
            dropped = drops(lab)
        finally:
            set_size(before)
        check(dropped > 0, "the table was never full")
        wait_for(lambda: tcp(other, NO[0], 443, timeout=2) == "answered", 60, "nothing is answered when there is room again")
        check(tcp(other, CN[0], 443, timeout=1) == "timeout", "the blocked country answers")
        time.sleep(0.2)
        settled.went_on(30)
    return f"{full['conntrack_entries']} of {full['conntrack_max']} entries, {dropped} packets got none, new connections ended {got[:2]}; {settled.said()}"


def set_size(n):
    with open(SIZE, "w", encoding="ascii") as f:
        f.write(f"{n}\n")


def drops(lab):
    """Of all processors: packets that got no entry, and entries that had to go early for them."""
    out = 0
    for line in lab.gateway.run("conntrack", "-S").splitlines():
        fields = dict(w.split("=") for w in line.split() if "=" in w)
        out += int(fields.get("drop", 0)) + int(fields.get("early_drop", 0))
    return out
