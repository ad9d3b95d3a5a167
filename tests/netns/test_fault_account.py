# SPDX-License-Identifier: GPL-2.0-or-later
"""Honest accounting: a known number of packets goes every way there is, and the counters say where each of them went. And a flood beside twenty cameras."""

import fcntl
import json
import os
import signal
import socket
import statistics
import struct
import subprocess
import threading
import time

import daemon
import lab as lab_module
from arrivals import Arrivals, Passing
from daemon import wait_for
from netcase import CN, CN2, HOSTS, NO, OPEN_TO_ALL, OPEN_TO_NO, check, gateway, policy, tests
from settled import Settled
from traffic import Server, connect, family, tcp

# Where a packet of a camera can go. Each key is a field of status's `queue`, and the kernel's counter behind it.
WAYS = {"queued": "c_queue", "offloaded_packets": "c_offload", "denied_in_kernel": "c_denied", "cut": "c_cut", "invalid": "c_invalid",
        "replies": "c_reply", "bare": "c_bare", "by_kind": "c_kind", "quarantined": "c_jail", "flooded": "c_flood"}
SETTLED, KIND, DENIED, CUT, JAIL, FLOOD, BAD, DEAD = range(7001, 7009)


def send(ns, address, port, count, sports=None, gap_s=0.0005):
    """So many datagrams, all of one socket, or each of another port from `sports` on. Exactly so many, or it fails."""
    s = ns.socket(family(address), socket.SOCK_DGRAM)
    for n in range(count):
        if sports:
            s.close()
            s = ns.socket(family(address), socket.SOCK_DGRAM)
            s.bind(("", sports + n))
        check(s.sendto(b"x" * 20, (address, port)) == 20, "not sent")
        time.sleep(gap_s)
    s.close()
    return count


def nonsense(ns, source, target, count):
    """TCP segments that no connection tracking takes: SYN, FIN and RST at once."""
    with ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        for n in range(count):
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, socket.inet_aton(source), socket.inet_aton(target))
            s.sendto(head + struct.pack("!HHIIBBHHH", 40000 + n, BAD, 1, 0, 0x50, 0x07, 1024, 0, 0), (target, 0))
            time.sleep(0.0005)
    return count


def engine_packets(d):
    """
    Packets that all engines together have judged, by the last word of each. What an engine finds in the queue that the fail mode has answered
    already it judges in vain, and says so.
    """
    lives = []
    for r in d.records("stats"):
        s = r["lenscap"]["stats"]
        if not lives or s["packets"] < lives[-1]["packets"] or r["stats"]["uptime"] < lives[-1]["uptime"]:
            lives.append({})
        lives[-1] = {"packets": s["packets"], "stale": s["stale_ids"], "uptime": r["stats"]["uptime"]}
    return sum(v["packets"] - v["stale"] for v in lives)


def kernel_sum(d):
    c = d.counters()
    return sum(c[name] for name in WAYS.values())


def settle(question, what, seconds=15):
    """Waits until both sides of an equation agree and still do a second later."""
    def agree():
        a, b = question()
        if a != b:
            return False
        time.sleep(1)
        return question() == (a, b)
    try:
        wait_for(agree, seconds, what, 0.2)
    except AssertionError as e:
        raise AssertionError(f"{e}: {question()}") from None
    return question()[0]


def ledger(fail):
    text = policy(OPEN_TO_ALL, fail=fail, options="stats: 1s, new-flows: 300")
    with gateway(text, start=False, hosts=HOSTS) as (lab, d), Server(lab.internet, 443):
        arrived, passing = Arrivals(lab.internet, *range(SETTLED, DEAD + 1)), Passing(lab.gateway, "cam0")
        d.start()
        one, two, sent = lab.camera, lab.cameras["cam-2"], {}
        with one.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # a flow that the next policy cuts
            s.bind(("", 31000))
            for _ in range(100):
                s.sendto(b"x" * 20, (CN2[0], CUT))
                time.sleep(0.0005)
            d.reload(policy(OPEN_TO_NO, fail=fail, options="stats: 1s, new-flows: 300"))
            before_cut = arrived.get(CUT)
            for _ in range(100):
                s.sendto(b"x" * 20, (CN2[0], CUT))
                time.sleep(0.0005)
        sent[CUT] = 200
        sent[SETTLED] = sum(send(one, a, SETTLED, 400) for a in NO)
        sent[KIND] = sum(send(one, a, KIND, 100, sports=32000) for a in NO)
        sent[DENIED] = sum(send(one, a, DENIED, 200) for a in CN)
        sent[BAD] = nonsense(one, lab.v4["cam-1"], NO[0], 50)
        words = [tcp(one, a, 443) for a in NO * 10] + [tcp(one, CN[0], 443, timeout=0.1)]
        check(words == ["answered"] * 20 + ["timeout"], f"connections ended {words}")
        d.lenscap("quarantine", "cam-2", "--for", "1h")
        sent[JAIL] = send(two, NO[0], JAIL, 150)
        d.lenscap("release", "cam-2")
        sent[FLOOD] = send(two, NO[0], FLOOD, 1500, sports=34000, gap_s=0)
        time.sleep(1.2)  # the last word of an engine is at most a second old
        settle(lambda: (engine_packets(d), d.status()["queue"]["queued"]), "the engine has not judged what was queued")
        engine = d.engine()
        os.kill(engine, signal.SIGSTOP)
        # The kernel knows none of these, so all of them wait for an engine that never answers.
        sent[DEAD] = sum(send(one, a, DEAD, 50, sports=36000) for a in NO)
        wait_for(lambda: d.engine() not in (None, engine), 8, "no new engine")
        wait_for(lambda: tcp(one, NO[0], 443, timeout=0.5) == "answered", 8, "nobody judges")
        return balance(lab, d, arrived, passing, sent, before_cut, fail)


def balance(lab, d, arrived, passing, sent, before_cut, fail):
    forwarded = settle(lambda: (sum(passing.get()), kernel_sum(d)), "what was forwarded is not what the counters add up to")
    queue = wait_for(lambda: (q := d.status()["queue"])["uninspected"] >= 50 and sum(q[w] for w in WAYS) == forwarded and q, 10,
                     f"status does not add up to {forwarded}: {d.status()['queue']}")
    judged = settle(lambda: (engine_packets(d), d.status()["queue"]["queued"] - d.status()["queue"]["uninspected"]),
                    "judged by engines, and queued less uninspected, differ")
    got = {port: arrived.get(port) for port in sent}
    check(got[SETTLED] == sent[SETTLED] and got[KIND] == sent[KIND], f"allowed packets are missing: {got} of {sent}")
    check(got[DENIED] == got[JAIL] == got[BAD] == 0 and got[CUT] == before_cut == 100, f"refused packets arrived: {got} of {sent}")
    check(queue["invalid"] >= sent[BAD] and queue["quarantined"] == sent[JAIL] and queue["cut"] + queue["denied_in_kernel"] > 0, f"{queue}")
    check(got[FLOOD] + queue["flooded"] == sent[FLOOD] and queue["flooded"] > 300, f"{sent[FLOOD]} sent, {got[FLOOD]} arrived: {queue}")
    # Of those that met no engine not one is missing or told twice; a few were the next engine's.
    check(queue["uninspected"] <= sent[DEAD] + 20 and (got[DEAD] == sent[DEAD] if fail == "open" else got[DEAD] + queue["uninspected"] >= sent[DEAD]),
          f"{got[DEAD]} of {sent[DEAD]} arrived beside a dead engine: {queue}")
    alerts = wait_for(lambda: d.records("alert", "alert.signature_id=1990020"), 8, "no alert")
    code, out, _ = d.lenscap("status")
    check(code == 10 and f"{queue['uninspected']} packets were answered without a judgement" in out, f"status: {code} {out}")
    ways = ", ".join(f"{w} {queue[w]}" for w in WAYS)
    return (f"{forwarded} packets forwarded = {ways}; queued = {judged} judged + {queue['uninspected']} uninspected; {sum(sent.values())} datagrams "
            f"sent, {sum(got.values())} arrived; {len(alerts)} alert(s)")


@tests.add("packets go every way there is, an engine dies among them, fail closed: the sum of all counters is what was sent, to the packet")
def fault_account_closed():
    return ledger("closed")


@tests.add("the same, fail open: what passed uninspected is counted as such")
def fault_account_open():
    return ledger("open")


# A flood beside twenty others

RATE, OTHERS, SECONDS = 50000, 20, float(os.environ.get("LENSCAP_FLOOD_SECONDS", "3"))


def load_generator():
    """tests/bench/flows.c; who runs this file alone may need to build it. Tests run side by side."""
    program = os.path.join(daemon.BUILD, "bench", "flows")
    os.makedirs(os.path.dirname(program), exist_ok=True)
    with open(program + "-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "--no-print-directory", "-C", daemon.ROOT, f"BUILD={daemon.BUILD}", program], check=True, timeout=240,
                       stdout=subprocess.DEVNULL, env={**os.environ, "MAKEFLAGS": ""})
    return program


class Opener:
    """Connections of one camera, one after the other, four a second: how long each took from the SYN to the answer."""

    def __init__(self, ns):
        self.took, self.words, self.stop = [], {}, threading.Event()
        self.thread = threading.Thread(target=self.work, args=(ns,), daemon=True)
        self.thread.start()

    def work(self, ns):
        n = 0
        while not self.stop.wait(0.25):
            n, start = n + 1, time.monotonic()
            s, how = connect(ns, NO[n % 2], 443, 5)
            if s:
                with s:
                    s.settimeout(5)
                    try:
                        s.sendall(b"x")
                        how = "answered" if s.recv(10) else "closed"
                    except OSError as e:
                        how = str(e)
            self.words[how] = self.words.get(how, 0) + 1
            self.took.append(time.monotonic() - start)

    def close(self):
        self.stop.set()
        self.thread.join(12)


def openings(lab, names, work):
    """Runs `work` while all these cameras open connections: ({word: count}, median, 95th percentile and slowest in ms)."""
    all_of = [Opener(lab.cameras[n]) for n in names]
    try:
        work()
    finally:
        for o in all_of:
            o.stop.set()
        for o in all_of:
            o.close()
    words = {}
    for o in all_of:
        for w, n in o.words.items():
            words[w] = words.get(w, 0) + n
    took = sorted(t * 1000 for o in all_of for t in o.took)
    return words, statistics.median(took), took[len(took) * 95 // 100], took[-1]


@tests.add("one camera opens 50,000 flows a second, twenty others stream and open connections: none of theirs is lost", alone=True)
def fault_flood_others():
    names = ["flooder"] + [f"cam-{n}" for n in range(1, OTHERS + 1)]
    inventory = "devices:\n" + "".join(f'  - {{name: {n}, mac: "02:00:00:00:01:{i:02x}"}}\n' for i, n in enumerate(names))
    text = policy(OPEN_TO_NO, options="flood-hold: 10s")
    text = text[:text.index("\ndevices:") + 1] + inventory + text[text.index("mode:"):]
    macs = {n: f"02:00:00:00:01:{i:02x}" for i, n in enumerate(names)}
    program = load_generator()
    with lab_module.Lab(cameras=tuple(names), macs=macs, hosts=HOSTS) as lab:
        d = daemon.Daemon(lab, text)
        try:
            d.start()
            return flood_others(lab, d, names, program)
        finally:
            d.close()


def flood_others(lab, d, names, program):
    Arrivals(lab.internet, *range(9000, 9001))
    lab.internet.run("nft", "add", "rule", "inet", "arrivals", "c", "udp", "dport", "1024-65535", "drop")
    with Server(lab.internet, 443):
        streams = [Settled(lab, n, port=10000 + i, gap_s=0.01) for i, n in enumerate(names[1:])]
        calm = openings(lab, names[1:], lambda: time.sleep(SECONDS))
        flood = lab.cameras["flooder"].start(program, "-a", NO[0], "-p", "1024", "-P", "60000", "-r", str(RATE), "-t", str(SECONDS + 1),
                                             stdout=subprocess.PIPE, text=True)
        d.wait_record("alert", "alert.signature_id=1990017", "alert.signature~flooder", seconds=10)
        during = openings(lab, names[1:], lambda: time.sleep(max(1, SECONDS - 1)))
        said = json.loads(flood.communicate(timeout=30)[0])
        for s in streams:
            s.went_on()
            s.close()
        lost = sum(s.lost for s in streams)
        c = d.counters()
        check(set(calm[0]) == set(during[0]) == {"answered"}, f"connections ended {calm[0]}, during the flood {during[0]}")
        check(lost == 0, f"the streams of the others lost {lost} segments")
        check(c["c_flood"] > said["sent"] // 2, f"{said} sent, {c['c_flood']} cut")
        rate = said["sent"] / (SECONDS + 1)
        check(rate > RATE / 3, f"only {rate:.0f} flows a second were sent")
        return (f"{rate:.0f} new flows a second of one camera, {c['c_flood']} of {said['sent']} cut; {OTHERS} others: {sum(during[0].values())} connections, "
                f"0 lost, median {during[1]:.1f} ms (calm {calm[1]:.1f}), 95 % {during[2]:.1f} ms (calm {calm[2]:.1f}), slowest {during[3]:.0f} ms "
                f"(calm {calm[3]:.0f}); {2 * OTHERS} streams: {sum(x.exchanges for s in streams for x in s.streams)} exchanges, 0 segments lost")
