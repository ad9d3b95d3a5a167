# SPDX-License-Identifier: GPL-2.0-or-later
"""Watches an interface of a namespace and counts the IP packets that arrive there: what really left the gateway."""

import ipaddress
import socket
import threading
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SOL_PACKET, PACKET_STATISTICS = 263, 6


class Packet:
    __slots__ = ("time", "src", "dst", "proto", "sport", "dport", "length")

    def __init__(self, when, frame):
        self.time, self.length = when, len(frame) - 14
        self.sport = self.dport = 0
        if frame[12:14] == b"\x08\x00":
            head = 14 + (frame[14] & 15) * 4
            self.proto, src, dst = frame[23], frame[26:30], frame[30:34]
        else:
            head = 54
            self.proto, src, dst = frame[20], frame[22:38], frame[38:54]
        self.src, self.dst = str(ipaddress.ip_address(src)), str(ipaddress.ip_address(dst))
        if self.proto in (6, 17, 132, 136):
            self.sport, self.dport = (int.from_bytes(frame[head + n:head + n + 2], "big") for n in (0, 2))

    def __repr__(self):
        return f"{self.src}:{self.sport}>{self.dst}:{self.dport}/{self.proto}"


class Capture:
    """with Capture(lab.internet, "eth0") as c: …; c.packets(dst=…, proto=…, dport=…)"""

    def __init__(self, namespace, interface):
        self.seen = []
        self.stopping = False
        self.socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind((interface, ETH_P_ALL))
        self.socket.settimeout(0.05)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    snap = 256  # bytes of each frame

    def work(self):
        while True:
            try:
                frame, where = self.socket.recvfrom(self.snap)
            except TimeoutError:
                if self.stopping:
                    return
                continue
            except OSError:
                return
            self.take(frame, where)

    def take(self, frame, where):
        if where[2] != PACKET_OUTGOING and frame[12:14] in (b"\x08\x00", b"\x86\xdd") and len(frame) >= 34:
            self.seen.append(Packet(time.monotonic(), frame))

    def packets(self, **wanted):
        """What has arrived by now with these fields (dst, src, proto, dport, sport)."""
        time.sleep(0.06)
        return [p for p in list(self.seen) if all(getattr(p, k) == v for k, v in wanted.items())]

    def lost(self):
        """Packets that the capture itself missed; a proof of absence needs 0 here."""
        return int.from_bytes(self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)[4:8], "little")

    def close(self):
        self.stopping = True
        self.thread.join(1)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
