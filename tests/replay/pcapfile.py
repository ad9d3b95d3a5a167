# SPDX-License-Identifier: GPL-2.0-or-later
"""Capture files written byte by byte, and conversations to put into them."""

import struct

import packet

ETHERNET, SLL, SLL2, RAW, NULL, LOOP = 1, 113, 276, 101, 0, 108
CAMERA_MAC, ROUTER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:fe"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ethertype(ip):
    return 0x86dd if ip[0] >> 4 == 6 else 0x0800


def ethernet(ip, source=CAMERA_MAC, to=ROUTER_MAC, tags=(), pad=True):
    """tags: TPIDs of 802.1Q headers in front of the packet."""
    types = b"".join(struct.pack("!HH", t, 40) for t in tags)
    frame = mac(to) + mac(source) + types + struct.pack("!H", ethertype(ip)) + ip
    return frame + b"\0" * (60 - len(frame)) if pad else frame


def cooked(ip, source=CAMERA_MAC):
    return struct.pack("!HHH8sH", 0, 1, 6, mac(source), ethertype(ip)) + ip


def cooked2(ip, source=CAMERA_MAC):
    return struct.pack("!HHIHBB8s", ethertype(ip), 0, 2, 1, 0, 6, mac(source)) + ip


def null(ip):
    return struct.pack("=I", 10 if ip[0] >> 4 == 6 else 2) + ip


def header(link=ETHERNET, snaplen=262144, order="<", magic=0xa1b2c3d4):
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)


def record(time, frame, order="<", length=None):
    us = round(time * 1e6)
    return struct.pack(order + "IIII", us // 1000000, us % 1000000, len(frame), length or len(frame)) + frame


def pcap(frames, link=ETHERNET, order="<", snaplen=262144):
    """frames: [(time, bytes)]"""
    return header(link, snaplen, order) + b"".join(record(t, f, order) for t, f in frames)


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def pcapng(frames, link=ETHERNET):
    out = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)) + block(1, struct.pack("<HHI", link, 0, 0))
    for t, f in frames:
        us = round(t * 1e6)
        out += block(6, struct.pack("<IIIII", 0, us >> 32, us & 0xffffffff, len(f), len(f)) + f)
    return out


class Talk:
    """One TCP connection as IP packets: client() and server() say something, each a millisecond later."""

    def __init__(self, client, server, sport=40000, dport=80, time=1700000000.0):
        self.ends = (client, server, sport, dport)
        self.time, self.seq, self.packets = time, [1000, 5000], []

    def add(self, side, flags, data=b""):
        a, b, p, q = self.ends
        if side:
            a, b, p, q = b, a, q, p
        body = packet.tcp(p, q, flags, data, seq=self.seq[side], ack=self.seq[1 - side] if flags & ACK else 0)
        ip = (packet.ipv6 if ":" in a else packet.ipv4)(a, b, packet.TCP, body)
        self.packets.append((self.time, side, ip))
        self.seq[side] += len(data) + bool(flags & (SYN | FIN))
        self.time = round(self.time + 0.001, 6)
        return self

    def open(self):
        return self.add(0, SYN).add(1, SYN | ACK).add(0, ACK)

    def client(self, data):
        return self.add(0, PSH | ACK, data)

    def server(self, data):
        return self.add(1, PSH | ACK, data)

    def close(self):
        return self.add(0, FIN | ACK).add(1, FIN | ACK).add(0, ACK)

    def frames(self, wrap=ethernet):
        """Ethernet frames have their MACs the right way round."""
        if wrap is ethernet:
            macs = (CAMERA_MAC, ROUTER_MAC)
            return [(t, ethernet(ip, macs[side], macs[1 - side])) for t, side, ip in self.packets]
        return [(t, wrap(ip)) for t, _, ip in self.packets]


def web(client="10.20.0.11", server="203.0.113.9", **named):
    name = named.pop("name", b"www.example.net")
    return (Talk(client, server, **named).open().client(b"GET / HTTP/1.1\r\nHost: " + name + b"\r\n\r\n")
            .server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").close())


def shell(client="10.20.0.11", server="203.0.113.9", dport=22, **named):
    return (Talk(client, server, dport=dport, **named).open().client(b"SSH-2.0-OpenSSH_9.2\r\n")
            .server(b"SSH-2.0-OpenSSH_9.2\r\n").close())


def datagrams(*items):
    """(time, source, sport, destination, dport, data) … as Ethernet frames."""
    out = []
    for t, a, p, b, q, data in items:
        ip = (packet.ipv6 if ":" in a else packet.ipv4)(a, b, packet.UDP, packet.udp(p, q, data))
        out.append((t, ethernet(ip)))
    return out
