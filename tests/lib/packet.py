# SPDX-License-Identifier: GPL-2.0-or-later
"""IP packets and nfnetlink_queue messages, built byte by byte.

Correct by default; every length, type and offset can be overridden, since most of what a parser meets in its
worst hour is a packet that some field lies about.
"""

import ipaddress
import struct

TCP, UDP, ICMP, ICMP6, GRE, ESP, AH, SCTP, UDPLITE = 6, 17, 1, 58, 47, 50, 51, 132, 136
PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmp6": ICMP6, "gre": GRE, "esp": ESP, "ah": AH, "sctp": SCTP,
             "udplite": UDPLITE}
TCP_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32}
EXTENSIONS = {"hop": 0, "routing": 43, "fragment": 44, "dst": 60, "mobility": 135, "hip": 139, "shim6": 140, "none": 59}


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def tcp(sport, dport, flags, data=b"", seq=1000, ack=0, options=b"", doff=None):
    doff = 5 + len(options) // 4 if doff is None else doff
    return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, doff << 4, flags, 65535, 0, 0) + options + data


def udp(sport, dport, data=b"", length=None):
    return struct.pack("!HHHH", sport, dport, 8 + len(data) if length is None else length, 0) + data


def icmp(kind, code=0, ident=7, seq=1, data=b""):
    return struct.pack("!BBHHH", kind, code, 0, ident, seq) + data


def sctp(sport, dport, data=b"\x01\0\0\x04"):
    return struct.pack("!HHII", sport, dport, 1, 0) + data


def gre(data=b"\0" * 20):
    return struct.pack("!HH", 0, 0x0800) + data


def esp(data=b"\0" * 24):
    return struct.pack("!II", 0x1000, 1) + data


def ipv4(src, dst, proto, body, ttl=63, ident=1, fragment=0, more=False, options=b"", version=4, ihl=None, total=None):
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    total = 20 + len(options) + len(body) if total is None else total
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | ihl, 0, total & 0xffff, ident,
                       (0x2000 if more else 0) | fragment >> 3, ttl, proto, 0,
                       ipaddress.IPv4Address(src).packed, ipaddress.IPv4Address(dst).packed) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def extension(kind, following, fragment=0, more=False, length=0):
    """One IPv6 extension header, 8 bytes unless `length` (in further 8-byte units) says so."""
    if kind == "fragment":
        return struct.pack("!BBHI", following, 0, fragment & 0xfff8 | more, 42)
    if kind == "ah":
        return struct.pack("!BBHIII", following, 2, 0, 1, 1, 0)
    # PadN fills hop-by-hop and destination options; the others do not care what they hold.
    room = 6 + 8 * length
    return struct.pack("!BB", following, length) + struct.pack("!BB", 1, room - 2) + b"\0" * (room - 2)


def extension_chain(names, proto, fragment=0, more=False):
    """(next header of the fixed header, bytes of the chain)."""
    codes = [AH if n == "ah" else EXTENSIONS[n] for n in names] + [proto]
    out = b"".join(extension(n, codes[i + 1], fragment, more) for i, n in enumerate(names))
    return codes[0], out


def ipv6(src, dst, proto, body, hop=63, extensions=(), fragment=0, more=False, version=6, payload=None):
    following, chain = extension_chain(extensions, proto, fragment, more)
    length = len(chain) + len(body) if payload is None else payload
    return struct.pack("!IHBB16s16s", version << 28, length & 0xffff, following, hop,
                       ipaddress.IPv6Address(src).packed, ipaddress.IPv6Address(dst).packed) + chain + body


# nfnetlink_queue: linux/netfilter/nfnetlink_queue.h
NFQNL_MSG_PACKET = 3 << 8 | 0
(NFQA_PACKET_HDR, NFQA_VERDICT_HDR, NFQA_MARK, NFQA_TIMESTAMP, NFQA_IFINDEX_INDEV, NFQA_IFINDEX_OUTDEV, NFQA_PHYSINDEV,
 NFQA_PHYSOUTDEV, NFQA_HWADDR, NFQA_PAYLOAD, NFQA_CT, NFQA_CT_INFO, NFQA_CAP_LEN, NFQA_SKB_INFO) = range(1, 15)
HOOK_FORWARD = 2


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def queue_message(packet_id, payload, queue=0, indev=0, outdev=0, mac=None, mark=0, cap_len=None, wall_us=None,
                  skb_info=1, family=None, hook=HOOK_FORWARD):
    """One NFQNL_MSG_PACKET as the kernel sends it. wall_us: NFQA_TIMESTAMP; None leaves the attribute out."""
    if family is None:
        family = 10 if payload[:1] and payload[0] >> 4 == 6 else 2
    ethertype = 0x86dd if family == 10 else 0x0800
    out = attribute(NFQA_PACKET_HDR, struct.pack("!IHB", packet_id, ethertype, hook))
    if indev:
        out += attribute(NFQA_IFINDEX_INDEV, struct.pack("!I", indev))
    if outdev:
        out += attribute(NFQA_IFINDEX_OUTDEV, struct.pack("!I", outdev))
    if mark:
        out += attribute(NFQA_MARK, struct.pack("!I", mark))
    if mac:
        out += attribute(NFQA_HWADDR, struct.pack("!HH8s", 6, 0, bytes.fromhex(mac.replace(":", ""))))
    if wall_us is not None:
        out += attribute(NFQA_TIMESTAMP, struct.pack("!QQ", wall_us // 1000000, wall_us % 1000000))
    if cap_len is not None:
        out += attribute(NFQA_CAP_LEN, struct.pack("!I", cap_len))
    if skb_info:
        out += attribute(NFQA_SKB_INFO, struct.pack("!I", skb_info))
    out += attribute(NFQA_PAYLOAD, payload)
    body = struct.pack("!BBH", family, 0, queue) + out
    return struct.pack("=IHHII", 16 + len(body), NFQNL_MSG_PACKET, 0, 0, 0) + body

