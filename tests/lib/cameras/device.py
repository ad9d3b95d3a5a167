# SPDX-License-Identifier: GPL-2.0-or-later
"""
One simulated device: a thread that announces, answers datagrams and serves streams inside its own namespace.

A kind of device is a subclass with tables:
    udp      {port: (multicast group or None, method)}: method(data, sender) gives [(bytes, destination)]
    tcp      {port: method}: method(everything so far) gives an answer, or None while more is to come
    greets   {port: bytes}: what it says first
    tls      (subject, method): a certificate of that subject on port 443, and who answers inside
    asks     names that it looks up, in turn
and announce(), a list of (bytes, destination, source port). Everything stops with close().
"""

import os
import selectors
import socket
import ssl
import struct
import subprocess
import threading
import time

EVERY_S = 2.0
BROADCAST = "10.20.255.255"


def certificate(directory, subject):
    """(certificate, key) of a device that signed it itself."""
    name = os.path.join(directory, f"{abs(hash(subject)):x}")
    if not os.path.exists(name + ".pem"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", subject, "-keyout", name + ".key",
                        "-out", name + ".pem"], check=True, capture_output=True, timeout=30)
    return name + ".pem", name + ".key"


class Device:
    maker = None  # of the hardware: the catalogue's id; None for what is no camera
    udp, tcp, greets, tls, asks = {}, {}, {}, None, ()

    def __init__(self, ns, address, mac, resolver=None, directory="/tmp", quiet=False):
        self.ns, self.address, self.mac, self.resolver, self.quiet = ns, address, mac, resolver, quiet
        self.selector = selectors.DefaultSelector()
        self.closing, self.turn, self.threads = False, 0, []
        self.voices = {}  # source port: socket
        self.heard = []   # (method's name, bytes): what others said to it
        self.begin()
        for port, (group, method) in self.udp.items():
            s = self.voice(port, group)
            self.selector.register(s, selectors.EVENT_READ, (self.datagram, method))
        for port in {**self.tcp, **self.greets}:
            self.selector.register(self.listener(port), selectors.EVENT_READ, (self.accept, port))
        if self.tls:
            self.serve_tls(certificate(directory, self.tls[0]))
        self.start(self.work)

    def begin(self):
        """For what a kind needs before it opens its ports."""

    def announce(self):
        return []

    # sockets

    def voice(self, port, group=None):
        if port not in self.voices:
            s = self.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(self.address))
            s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            s.bind(("", port))
            s.setblocking(False)
            self.voices[port] = s
        if group:
            self.voices[port].setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(self.address))
        return self.voices[port]

    def listener(self, port):
        s = self.ns.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", port))
        s.listen(64)
        s.setblocking(False)
        return s

    def start(self, work, *args):
        t = threading.Thread(target=work, args=args, daemon=True)
        self.threads.append(t)
        t.start()

    # the loop

    def work(self):
        due = 0
        while not self.closing:
            if not self.quiet and time.monotonic() >= due:
                due = time.monotonic() + EVERY_S
                self.say()
            for key, _ in self.selector.select(0.1):
                handler, argument = key.data
                try:
                    handler(key.fileobj, argument)
                except OSError:
                    self.drop(key.fileobj)

    def say(self):
        for data, to, port in self.announce():
            self.send(self.voice(port), data, to)
        if self.asks and self.resolver:
            name = self.asks[self.turn % len(self.asks)]
            self.turn += 1
            labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
            question = struct.pack("!HHHHHH", 0x2000 + self.turn, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"
            self.send(self.voice(0), question, (self.resolver, 53))

    @staticmethod
    def send(s, data, to):
        try:
            s.sendto(data, to)
        except OSError:
            pass  # an ICMP error of the datagram before, or no route yet

    def datagram(self, s, method):
        data, sender = s.recvfrom(65535)
        if sender[0] == self.address:
            return
        self.heard.append((method, data))
        for answer, to in getattr(self, method)(data, sender):
            self.send(s, answer, to)

    def accept(self, listener, port):
        s, _ = listener.accept()
        s.settimeout(1)
        if port in self.greets:
            s.sendall(self.greets[port])
        self.selector.register(s, selectors.EVENT_READ, (self.stream, (port, bytearray())))

    def stream(self, s, state):
        port, sofar = state
        data = s.recv(65536)
        if not data:
            return self.drop(s)
        sofar += data
        method = self.tcp.get(port)
        answer = getattr(self, method)(bytes(sofar)) if method else None
        if answer is not None:
            self.heard.append((method, bytes(sofar)))
            sofar.clear()
            s.sendall(answer)
            if b"onnection: close\r\n" in answer or b"CONNECTION: close\r\n" in answer:
                self.drop(s)

    def drop(self, s):
        if s.type == socket.SOCK_STREAM and s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 0:
            self.selector.unregister(s)
            s.close()

    # TLS blocks, so it has a thread of its own

    def serve_tls(self, files):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # what cameras have
        listener = self.listener(443)
        listener.settimeout(0.2)
        self.start(self.accept_tls, listener, context)

    def accept_tls(self, listener, context):
        with listener:
            while not self.closing:
                try:
                    s, _ = listener.accept()
                except TimeoutError:
                    continue
                try:
                    s.settimeout(2)
                    with context.wrap_socket(s, server_side=True) as t:
                        t.sendall(getattr(self, self.tls[1])(t.recv(65536)) or b"")
                except (OSError, ssl.SSLError):
                    s.close()

    def close(self):
        self.closing = True
        for t in self.threads:
            t.join(3)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        for s in self.voices.values():
            s.close()
        self.selector.close()
