# SPDX-License-Identifier: GPL-2.0-or-later
"""A reload beside new connections loses none of them. The kernel drops all that waits in queues when any hook of a namespace goes away."""

import socket
import threading
import time

from daemon import NFT_MSG_NEWGEN, CommitWatch, wait_for
from netcase import NO, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, tcp

RELOADS = 12
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
