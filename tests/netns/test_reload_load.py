# SPDX-License-Identifier: GPL-2.0-or-later
"""A reload beside new connections loses none of them. The kernel drops all that waits in queues when any hook of a namespace goes away."""

import contextlib
import socket
import threading
import time

from daemon import NFT_MSG_NEWGEN, CommitWatch, wait_for
from netcase import NO, NOTHING, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, tcp, udp

RELOADS = 12
TURNS = 12  # of which each showed it with more than a third's chance
NFT_MSG_DELTABLE, NFT_MSG_DELCHAIN, NFT_MSG_NEWRULE = 10 << 8 | 2, 10 << 8 | 5, 10 << 8 | 6


class Newcomers:
    """Connections one after the other in a few threads until closed; `words` counts how each ended."""

    def __init__(self, ns, address, port, threads=4):
        self.words, self.closing = {}, False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(ns, address, port), daemon=True) for _ in range(threads)]
        for t in self.threads:
            t.start()

    def work(self, ns, address, port):
        while not self.closing:
            word = tcp(ns, address, port, timeout=10)
            with self.lock:
                self.words[word] = self.words.get(word, 0) + 1

    def close(self):
        self.closing = True
        for t in self.threads:
            t.join(15)


@tests.add("reloads beside new connections: every connection is answered, no packet goes unjudged")
def reload_loses_nothing():
    with gateway(policy(OPEN_TO_NO, fail="open")) as (lab, d), Server(lab.internet, 443):
        new = Newcomers(lab.camera, NO[0], 443)
        try:
            for _ in range(RELOADS):
                d.reload()
                time.sleep(0.05)
        finally:
            new.close()
        wait_for(lambda: d.status()["queue"]["waiting"] == 0, 5, "packets wait")
        time.sleep(2.5)  # uninspected packets are told when two looks, a second apart, agree
        unseen = d.status()["queue"]["uninspected"]
        check(set(new.words) == {"answered"}, f"connections ended as {new.words}")
        check(unseen == 0, f"{unseen} packets unjudged")
        return f"{new.words['answered']} connections beside {RELOADS} reloads"


def message_kinds(watch, transactions):
    """Kinds of all nftables messages until this many transactions have ended."""
    kinds, deadline = [], time.monotonic() + 10
    while kinds.count(NFT_MSG_NEWGEN) < transactions:
        check(time.monotonic() < deadline, f"only {kinds.count(NFT_MSG_NEWGEN)} of {transactions} transactions were heard")
        try:
            data = watch.socket.recv(1 << 16)
        except TimeoutError:
            continue
        while len(data) >= 16:
            kinds.append(int.from_bytes(data[4:6], "little"))
            data = data[(int.from_bytes(data[0:4], "little") + 3) & ~3:]
    return kinds


@tests.add("a reload takes no hook away")
def reload_keeps_hooks():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), CommitWatch(lab.gateway) as watch:
        watch.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        d.reload()
        kinds = message_kinds(watch, 1)
        gone = [k for k in kinds if k in (NFT_MSG_DELTABLE, NFT_MSG_DELCHAIN)]
        check(NFT_MSG_NEWRULE in kinds and not gone, f"{len(gone)} chains or tables were taken away, in {len(kinds)} messages")
        # In a table of its own: in ours the gate would be as quick as we to take it away.
        lab.gateway.run("nft", "-f", "-", data="add table inet mine\nadd chain inet mine c\n")
        lab.gateway.run("nft", "delete", "chain", "inet", "mine", "c")
        check(NFT_MSG_DELCHAIN in message_kinds(watch, 2), "a chain that is deleted was not heard of either")


class Stubborn:
    """A camera that sends on to where it may not, datagram after datagram, until closed."""

    def __init__(self, ns, address, port):
        self.socket = ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.target, self.closing, self.sent = (address, port), False, 0
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.closing:
            with contextlib.suppress(OSError):
                self.sent += self.socket.sendto(b"again", self.target) > 0
            time.sleep(0.0002)

    def close(self):
        self.closing = True
        self.thread.join(5)
        self.socket.close()


@tests.add("what the kernel remembers as refused is forgotten at a reload, however hard the camera tries meanwhile")
def reload_forgets():
    with gateway(policy(NOTHING)) as (lab, d), Server(lab.internet, 443):
        slowest = 0
        for _ in range(TURNS):
            check(udp(lab.camera, NO[0], 443) == "timeout", "a closed policy answers")
            stubborn = Stubborn(lab.camera, NO[0], 443)
            try:
                wait_for(lambda s=stubborn: s.sent > 50, 5, "nothing is sent")
                d.reload(policy(OPEN_TO_NO))
                begin = time.monotonic()
                wait_for(lambda: udp(lab.camera, NO[0], 443, timeout=0.3) == "answered", 3, "the new policy allows it, the kernel still refuses")
                slowest = max(slowest, time.monotonic() - begin)
            finally:
                stubborn.close()
            d.reload(policy(NOTHING))
        return f"{TURNS} turns, the slowest {slowest * 1000:.0f} ms after the reload"
