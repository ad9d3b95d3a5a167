# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients and servers for the lab. Every client has a timeout; what happened is a word, not an exception."""

import errno
import socket
import struct
import threading
import time

import packet

WORDS = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "reset", errno.EPIPE: "reset", errno.EHOSTUNREACH: "unreachable",
         errno.ENETUNREACH: "unreachable", errno.EACCES: "prohibited", errno.EPERM: "prohibited",
         errno.ETIMEDOUT: "timeout"}


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def word(error):
    if isinstance(error, TimeoutError):
        return "timeout"
    return WORDS.get(error.errno, f"errno {error.errno}")


def retransmits(s):
    """Segments that this socket has sent again (tcpi_total_retrans): what was lost, whatever the scheduler did meanwhile."""
    return int.from_bytes(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[100:104], "little")


def lost_segments(s):
    """Of them those whose first copy never arrived: what came late as well is reported by the other side (RFC 2883; tcpi_dsack_dups)."""
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 220)
    late = int.from_bytes(info[216:220], "little")
    return max(0, retransmits(s) - late)


def connect(ns, address, port, timeout=1.0, source=None):
    """(socket, "connected") or (None, what happened)."""
    s = ns.socket(family(address), socket.SOCK_STREAM)
    s.settimeout(timeout)
    try:
        if source:
            s.bind(source)
        s.connect((address, port))
        return s, "connected"
    except OSError as e:
        s.close()
        return None, word(e)


def tcp(ns, address, port, data=b"hello\n", timeout=1.0):
    """Connects, sends, waits for an answer: connected (no answer), answered, refused, reset, timeout …"""
    s, how = connect(ns, address, port, timeout)
    if s is None:
        return how
    with s:
        try:
            s.sendall(data)
            return "answered" if s.recv(4096) else "closed"
        except OSError as e:
            return word(e)


def udp(ns, address, port, data=b"hello\n", timeout=0.5, count=1):
    """Sends `count` datagrams, waits for one answer: answered, timeout, refused …"""
    with ns.socket(family(address), socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        try:
            s.connect((address, port))
            for _ in range(count):
                s.send(data)
            s.recv(4096)
            return "answered"
        except OSError as e:
            return word(e)


def udp_send(ns, address, port, count, data=b"x" * 20, gap_s=0.0, sport=0):
    """Datagrams of one socket without waiting for anything. ICMP errors are ignored: the next one is sent all the same."""
    with ns.socket(family(address), socket.SOCK_DGRAM) as s:
        if sport:
            s.bind(("", sport))
        for _ in range(count):
            s.sendto(data, (address, port))
            if gap_s:
                time.sleep(gap_s)


def ping(ns, address, count=1, timeout=0.5, ident=0x4c43, gap_s=0.0):
    """ICMP echo: answered, timeout, or prohibited when a gateway said so."""
    six = ":" in address
    with ns.socket(family(address), socket.SOCK_RAW, packet.ICMP6 if six else packet.ICMP) as s:
        for seq in range(count):
            # The kernel fills in the ICMPv6 checksum of raw sockets, the ICMP one is ours.
            body = packet.icmp(128 if six else 8, ident=ident, seq=seq)
            if not six:
                body = body[:2] + struct.pack("!H", packet.checksum(body)) + body[4:]
            s.sendto(body, (address, 0))
            time.sleep(gap_s)
        return ping_answer(s, six, ident, timeout)


def ping_answer(s, six, ident, timeout):
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        s.settimeout(left)
        try:
            data = s.recv(2048)
        except TimeoutError:
            break
        body = data if six else data[(data[0] & 15) * 4:]
        if body[0] == (129 if six else 0) and int.from_bytes(body[4:6], "big") == ident:
            return "answered"
        if body[0] == (1 if six else 3):
            return "prohibited"
    return "timeout"


class Server:
    """Echoes TCP and UDP on one port of every address of a namespace; counts what came in."""

    def __init__(self, ns, port, bulk=0):
        self.connections = self.datagrams = 0
        self.retransmitted = {}  # by our own address, of connections that have ended
        self.lost = 0  # segments of all of them
        self.live = set()
        self.bulk = bulk
        self.closing = False
        self.tcp = ns.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.udp = ns.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        for s in (self.tcp, self.udp):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.tcp.bind(("::", port))
        self.tcp.listen(1024)
        # Without these the answer to a datagram would leave from the interface's first address.
        self.udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        self.udp.bind(("::", port))
        for work in (self.accept, self.datagram):
            threading.Thread(target=work, daemon=True).start()

    def accept(self):
        while not self.closing:
            try:
                s, _ = self.tcp.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        address = s.getsockname()[0].removeprefix("::ffff:")
        self.live.add(s)
        with s:
            try:
                while data := s.recv(65536):
                    s.sendall(data)
                    if self.bulk:
                        self.send_bulk(s)
                        return
            except OSError:
                pass
            finally:
                self.retransmitted[address] = self.retransmitted.get(address, 0) + retransmits(s)
                self.live.discard(s)
                self.lost += lost_segments(s)

    def lost_so_far(self):
        """Also of connections that go on."""
        return self.lost + sum(lost_segments(s) for s in list(self.live))

    def send_bulk(self, s):
        block, left = b"v" * (1 << 16), self.bulk
        while left > 0:
            s.sendall(block[:left])
            left -= len(block)

    def datagram(self):
        while not self.closing:
            try:
                data, extra, _, sender = self.udp.recvmsg(4096, 128)
                self.datagrams += 1
                info = [e for e in extra if e[1] == socket.IPV6_PKTINFO]
                self.udp.sendmsg([data], info, 0, sender)
            except OSError:
                if self.closing:
                    return

    def close(self):
        self.closing = True
        for s in (self.tcp, self.udp):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class TcpStream:
    """Ping-pong over one connection, about 1 a millisecond, until it ends or is closed. `ended`: (monotonic time, word)."""

    def __init__(self, ns, address, port, gap_s=0.001):
        self.exchanges = self.retransmitted = 0
        self.slowest_s = 0.0
        self.ended = None
        self.gap_s, self.closing = gap_s, False
        self.socket, how = connect(ns, address, port, 2.0)
        if self.socket is None:
            raise AssertionError(f"no connection to {address}:{port}: {how}")
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        s = self.socket
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.settimeout(5)
        try:
            while not self.closing:
                start = time.monotonic()
                s.sendall(b"x" * 100)
                if not s.recv(4096):
                    self.ended = (time.monotonic(), "closed")
                    return
                self.exchanges += 1
                self.slowest_s = max(self.slowest_s, time.monotonic() - start)
                time.sleep(self.gap_s)
        except OSError as e:
            self.ended = (time.monotonic(), word(e))

    def close(self):
        self.closing = True
        self.thread.join(6)
        self.retransmitted = retransmits(self.socket)
        self.socket.close()


class UdpFlood:
    """One-way datagrams, about 1 a millisecond, until closed. `sent` counts."""

    def __init__(self, ns, address, port, sport=0, source="", gap_s=0.001):
        self.sent, self.closing, self.gap_s = 0, False, gap_s
        self.socket = ns.socket(family(address), socket.SOCK_DGRAM)
        self.socket.bind((source, sport))
        self.target = (address, port)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.closing:
            try:
                self.socket.sendto(b"x" * 100, self.target)
                self.sent += 1
            except OSError:
                pass  # an ICMP error of the datagram before
            time.sleep(self.gap_s)

    def close(self):
        self.closing = True
        self.thread.join(2)
        self.socket.close()
