# SPDX-License-Identifier: GPL-2.0-or-later
"""The control socket without the command: good clients, slow ones, rude ones."""

import contextlib
import json
import selectors
import socket
import threading
import time


class Client:
    """One connection; requests have ids of their own, answers and events come as objects."""

    def __init__(self, path, timeout=5):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.buffer = b""

    def send(self, cmd, ident=1, **args):
        self.socket.sendall(json.dumps({"id": ident, "cmd": cmd, "args": args}).encode() + b"\n")

    def raw(self, data):
        self.socket.sendall(data)

    def line(self):
        """The next object; None at the end."""
        while b"\n" not in self.buffer:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:  # closed with bytes of ours unread
                data = b""
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def ask(self, cmd, **args):
        self.send(cmd, **args)
        return self.answer()

    def answer(self):
        while (o := self.line()) is not None and "event" in o:
            pass
        return o

    def events(self):
        """Events up to the answer, and the answer."""
        out = []
        while (o := self.line()) is not None and "event" in o:
            out.append(o["event"])
        return out, o

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def place(path, deadline):
    """A connection that was given a place: those of clients that have just gone are free a moment later."""
    while True:
        with contextlib.suppress(OSError):
            c = Client(path)
            if c.ask("hello"):
                c.socket.setblocking(False)
                return c.socket
            c.close()
        assert time.monotonic() < deadline, "no place for another client"
        time.sleep(0.005)


def places_taken(path, n, seconds=5):
    deadline = time.monotonic() + seconds
    return [place(path, deadline) for _ in range(n)]


class Crowd:
    """Clients of one kind, driven by one thread until the end. work(socket) does a little without waiting; it may raise OSError."""

    def __init__(self, path, n, work, pause=0.0):
        self.sockets = places_taken(path, n)
        self.work, self.pause = work, pause
        self.sent = self.lost = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stop.is_set():
            for s in self.sockets:
                try:
                    self.work(s)
                    self.sent += 1
                except BlockingIOError:
                    pass
                except OSError:
                    self.lost += 1
            time.sleep(self.pause)

    def close(self):
        self.stop.set()
        self.thread.join(5)
        for s in self.sockets:
            s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


STATUS = b'{"id":1,"cmd":"status"}\n'


def pipeline(s):
    """Asks without end and reads what comes."""
    s.send(STATUS * 8)
    with contextlib.suppress(BlockingIOError):
        s.recv(1 << 20)


def trickle(s):
    """A request that comes byte by byte and never ends."""
    s.send(b"{")


def deaf(path, n):
    """Subscribers of everything that never read."""
    sockets = places_taken(path, n)
    for s in sockets:
        s.send(b'{"id":1,"cmd":"events","args":{"since":0}}\n')
    return sockets


def readable(s, seconds):
    with selectors.DefaultSelector() as sel:
        sel.register(s, selectors.EVENT_READ)
        return bool(sel.select(seconds))
