# SPDX-License-Identifier: GPL-2.0-or-later
"""A bad line, made by the kernel's netem: packets lost, late and in the wrong order, between the camera and its gateway and behind it."""

import concurrent.futures
import socket
import threading
import time

import speech
from capture import PACKET_OUTGOING, Capture
from netcase import NO, check, tests
from tlslab import finish_clients, policy, start_clients, tls_gateway
from traffic import family, word

BAD = ("delay", "4ms", "1ms", "loss", "5%", "reorder", "25%", "50%")
GOOD, EVIL = speech.hello("allowed.example", size=900), speech.hello("evil.example", size=900)
EACH = 12  # connections of a kind and family
PIECE = 150


class Payloads(Capture):
    """The payload of TCP segments by (source address, source port)."""

    def __init__(self, *args):
        self.payload = {}
        super().__init__(*args)

    snap = 2048

    def take(self, frame, where):
        six = frame[12:14] == b"\x86\xdd"
        if where[2] == PACKET_OUTGOING or not (six or frame[12:14] == b"\x08\0") or frame[20 if six else 23] != 6:
            return
        t = frame[54:54 + int.from_bytes(frame[18:20], "big")] if six else \
            frame[14 + (frame[14] & 15) * 4:14 + int.from_bytes(frame[16:18], "big")]
        data = bytes(t[(t[12] >> 4) * 4:])
        key = six, int.from_bytes(t[:2], "big")
        self.payload[key] = self.payload.get(key, b"") + data


def netem(ns, interface):
    ns.run("tc", "qdisc", "add", "dev", interface, "root", "netem", *BAD)


# Three lossy links lose a seventh of all pieces, and one that is lost four times comes after three seconds, which is as long as pieces wait.
PATIENT = policy("rollup: 2s, hold-time: 12s")


def say(lab, address, hello, ports, lock):
    """Sends a hello piece by piece; what came back."""
    with lab.camera.socket(family(address), socket.SOCK_STREAM) as s:
        s.settimeout(25)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            s.bind((lab.v6["cam-1"] if ":" in address else lab.v4["cam-1"], 0))
            with lock:
                ports.add((":" in address, s.getsockname()[1]))
            s.connect((address, 443))
            for at in range(0, len(hello), PIECE):
                s.sendall(hello[at:at + PIECE])
                time.sleep(0.005)
            return "answered" if s.recv(4096)[:1] == b"\x16" else "closed"
        except OSError as e:
            return word(e)


def all_at_once(lab, kinds):
    """{hello: [what came back]}, {hello: ports}."""
    got, ports, lock = {k: [] for k in kinds}, {k: set() for k in kinds}, threading.Lock()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        running = [(k, pool.submit(say, lab, a, k, ports[k], lock)) for _ in range(EACH) for a in NO for k in kinds]
        for k, f in running:
            got[k].append(f.result())
    return got, ports


@tests.add("5 % loss and 25 % reordering on both sides, hellos in pieces: no byte of a forbidden name leaves, every allowed one is answered, both families")
def netem_hello_in_pieces():
    with tls_gateway(text=PATIENT) as (lab, d, server), Payloads(lab.internet, "eth0") as wire:
        netem(lab.camera, "eth0")
        netem(lab.gateway, "cam0")
        netem(lab.gateway, "wan0")
        start = time.monotonic()
        got, ports = all_at_once(lab, (GOOD, EVIL))
        took = time.monotonic() - start
        time.sleep(0.3)
        check(not wire.lost(), "the capture itself lost packets")
        leaked = {p: len(data) for p, data in wire.payload.items() if p in ports[EVIL] and data}
        shown = sum(1 for p, data in wire.payload.items() if p in ports[GOOD] and data)
        check(not leaked, f"payload of forbidden connections left the gateway: {leaked}")
        check(set(got[EVIL]) <= {"reset", "refused", "timeout"}, f"forbidden connections ended {got[EVIL]}")
        check(set(got[GOOD]) == {"answered"}, f"allowed connections ended {got[GOOD]}\n{d.status()}\n{d.log()}")
        check(shown == 2 * EACH, f"the capture saw {shown} of {2 * EACH} allowed hellos")
        dropped = sum(int(line.split("dropped ")[1].split(",")[0]) for ns, i in ((lab.camera, "eth0"), (lab.gateway, "cam0"), (lab.gateway, "wan0"))
                      for line in ns.run("tc", "-s", "qdisc", "show", "dev", i).splitlines() if "dropped " in line)
        check(dropped > 0, "netem has dropped nothing")
        return f"{2 * EACH} allowed and {2 * EACH} forbidden connections in {took:.0f} s; netem dropped {dropped} packets"


@tests.add("real TLS clients over the same bad line all get their handshake and their answer")
def netem_real_tls():
    with tls_gateway(text=PATIENT) as (lab, d, server):
        netem(lab.camera, "eth0")
        netem(lab.gateway, "cam0")
        said = finish_clients(lab, start_clients(lab, 16), timeout=90)
        check(said["succeeded"] == 16, f"{said}\n{d.log()}")
        return f"16 of 16, {said['retransmissions']} retransmissions seen by the clients"
