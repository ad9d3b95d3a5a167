# SPDX-License-Identifier: GPL-2.0-or-later
"""
One camera of the soak, in its namespace: client.py KINDS RATE SEED V4 V6, until SIGTERM.

Opens about RATE connections a second of the kinds KNOWN or UNKNOWN in a random order. Prints JSON: how often each kind ended how, and of
those that ended against the policy the moments (monotonic) of begin and end, for the driver knows when there was no engine.
"""

import collections
import itertools
import json
import random
import signal
import socket
import ssl
import sys
import threading
import time

import kinds
import speech
import traffic
from tlslab import RESOLVER

THREADS = 8
PATIENCE_S = 4.0   # TCP sends a lost SYN again after 1 s and after 3 s
REFUSED_S = 0.4
WRONG_MAX = 1000
TRIES = 3


class Camera:
    def __init__(self, what, rate, seed, v4, v6):
        self.what, self.gap_s, self.seed, self.source = what, THREADS / rate, seed, {4: v4, 6: v6}
        self.ended, self.wrong, self.slowest_s = collections.Counter(), [], 0.0
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.next = {}
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def port(self, ports, protocol):
        """In turn, so that a port comes back only after minutes."""
        with self.lock:
            return next(self.next.setdefault((ports.start, protocol), itertools.cycle(ports)))

    def socket(self, kind, protocol, address):
        """Bound to the next free port of the kind's range."""
        six = ":" in address
        while True:
            s = socket.socket(traffic.family(address), protocol)
            try:
                s.bind((self.source[6 if six else 4], self.port(kind.ports, protocol)))
                s.settimeout(PATIENCE_S if kind.ports == kinds.ALLOWED else REFUSED_S)
                return s
            except OSError:
                s.close()

    def tcp(self, kind, address):
        with self.socket(kind, socket.SOCK_STREAM, address) as s:
            s.connect((address, kinds.ECHO))
            s.sendall(b"picture")
            return "answered" if s.recv(64) else "closed"

    def raw(self, kind, address):
        with self.socket(kind, socket.SOCK_STREAM, address) as s:
            s.connect((address, kinds.TLS))
            s.sendall(b"SSH-2.0-none of your business\r\n")
            return "answered" if s.recv(64) else "closed"

    def tls(self, kind, address):
        if kind.ports == kinds.ALLOWED and self.ask(kind, 6 if ":" in address else 4) != "answered":
            return "no name"
        with self.socket(kind, socket.SOCK_STREAM, address) as s:
            s.connect((address, kinds.TLS))
            with self.context.wrap_socket(s, server_hostname=kind.word) as t:
                t.sendall(b"picture")
                return "answered" if t.recv(64) else "closed"

    def udp(self, kind, address):
        return self.datagrams(kind, address, kinds.ECHO, b"picture")

    def ask(self, kind, version):
        return self.datagrams(kind, RESOLVER, 53, speech.say(f"{'ask6' if version == 6 else 'ask'}:{kind.word}"))

    def datagrams(self, kind, address, port, data):
        """An allowed one is sent again, as a resolver would."""
        allowed = kind.ports == kinds.ALLOWED
        with self.socket(kind, socket.SOCK_DGRAM, address) as s:
            s.settimeout(PATIENCE_S / TRIES if allowed else REFUSED_S)
            s.connect((address, port))
            for _ in range(TRIES if allowed else 1):
                s.send(data)
                try:
                    return "answered" if s.recv(2048) else "closed"
                except TimeoutError:
                    pass
        return "timeout"

    def once(self, kind, address):
        begin = time.monotonic()
        try:
            how = self.ask(kind, 4 if address == "4" else 6) if kind.how == "dns" else getattr(self, kind.how)(kind, address)
        except ssl.SSLError as e:
            how = f"tls: {e.reason}"
        except OSError as e:
            how = traffic.word(e)
        end = time.monotonic()
        with self.lock:
            self.ended[kind.name, how] += 1
            if kind.ports == kinds.ALLOWED and how == "answered":
                self.slowest_s = max(self.slowest_s, end - begin)
            elif (how == "answered") != (kind.ports == kinds.ALLOWED) and len(self.wrong) < WRONG_MAX:
                self.wrong.append((kind.name, address, how, begin, end, kind.ports == kinds.ALLOWED))

    def work(self, n):
        dice = random.Random(f"{self.seed}.{n}")
        weights = [k.weight for k in self.what]
        due = time.monotonic() + dice.random() * self.gap_s
        while not self.stop.wait(max(0, due - time.monotonic())):
            kind = dice.choices(self.what, weights)[0]
            self.once(kind, dice.choice(kind.to or ("4", "6")))
            due = max(due + self.gap_s, time.monotonic() - 1)

    def run(self):
        threads = [threading.Thread(target=self.work, args=(n,)) for n in range(THREADS)]
        for t in threads:
            t.start()
        signal.signal(signal.SIGTERM, lambda *_: self.stop.set())
        while not self.stop.wait(0.5):
            pass
        for t in threads:
            t.join(3 * PATIENCE_S)
        print(json.dumps({"ended": [[*key, n] for key, n in sorted(self.ended.items())], "wrong": self.wrong, "slowest_s": self.slowest_s}))


def main(what, rate, seed, v4, v6):
    Camera(getattr(kinds, what), float(rate), seed, v4, v6).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
