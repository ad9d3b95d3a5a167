# SPDX-License-Identifier: GPL-2.0-or-later
"""
DNS messages as words of a scenario, right or wrong in one place.

    q:NAME[,TYPE][,KEY=VALUE …]       a question; TYPE A unless said
    a:NAME[,TYPE][,RECORD …]          its answer; RECORD is TYPE=DATA, for the name that the records before lead to,
                                      or OWNER/TYPE=DATA; @TYPE=DATA stands in the additional section
    tcp:WORD|WORD …                   messages one after the other, each with its length before it; ! before one spoils that length

HTTPS=TARGET[+ADDRESS …] carries hints. Keys: id, ttl, rcode, flags, opcode, case=MIXED (asks so), and, of a question, edns, also=NAME
(a second question), record (an answer in a question), tail=N (bytes behind the end), loop (a name that points to itself), class.
"""

import ipaddress
import struct

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "NULL": 10, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "SVCB": 64, "HTTPS": 65,
         "ANY": 255}


def wire(name):
    """Labels; \\DDD is a byte."""
    out = b""
    for label in name.split("."):
        if label:
            raw = bytearray()
            while label:
                n = 4 if label[0] == "\\" else 1
                raw.append(int(label[1:4]) if n == 4 else ord(label[0]))
                label = label[n:]
            out += bytes([len(raw)]) + bytes(raw)
    return out + b"\0"


def option(words, key, default=None):
    for w in words:
        if w == key or w.startswith(key + "="):
            return w[len(key) + 1:] or "1"
    return default


def flags(words, standard):
    value = int(option(words, "flags", "0"), 0) or standard
    return value | int(option(words, "opcode", "0")) << 11 | int(option(words, "rcode", "0"))


def kind_of(words):
    return next((TYPES[w] for w in words if w in TYPES), 1)


def question(name, *words):
    kind, number = kind_of(words), int(option(words, "class", "1"))
    asked = option(words, "case", name)
    also, record, edns = option(words, "also"), option(words, "record"), option(words, "edns")
    out = struct.pack("!HHHHHH", int(option(words, "id", "7"), 0), flags(words, 0x0100), 1 + bool(also), bool(record), 0, bool(edns))
    out += (b"\xc0\x0c" if option(words, "loop") else wire(asked)) + struct.pack("!HH", kind, number)
    if also:
        out += wire(also) + struct.pack("!HH", 1, 1)
    if record:
        out += b"\xc0\x0c" + struct.pack("!HHIH", TYPES["TXT"], 1, 0, 11) + b"\x0asmuggled:)"
    if edns:
        out += b"\0" + struct.pack("!HHIH", 41, 1232, 0, 12) + struct.pack("!HH8s", 10, 8, bytes(range(8)))
    return out + b"x" * int(option(words, "tail", "0"))


def service(data):
    target, *hints = data.split("+")
    out = struct.pack("!H", 1) + wire(target) + struct.pack("!HH", 1, 3) + b"\x02h3"
    for key, size in ((4, 4), (6, 16)):
        packed = [p for p in (ipaddress.ip_address(h).packed for h in hints) if len(p) == size]
        if packed:
            out += struct.pack("!HH", key, size * len(packed)) + b"".join(packed)
    return out


def rdata(kind, data):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(data).packed
    if kind in ("HTTPS", "SVCB"):
        return service(data)
    if kind == "TXT":
        return bytes([len(data)]) + data.encode()
    return wire(data)


def answer(name, *words):
    owner, ttl, kind = name, int(option(words, "ttl", "300")), None
    sections = {False: [], True: []}
    for w in words:
        head, equals, data = w.partition("=")
        where, _, kind = head.lstrip("@").rpartition("/")
        if not equals or kind not in TYPES:
            continue
        sections[head.startswith("@")].append(wire(where or owner) + struct.pack("!HHI", TYPES[kind], 1, ttl) +
                                              struct.pack("!H", len(rdata(kind, data))) + rdata(kind, data))
        owner = data if kind == "CNAME" else owner
    asked = next((TYPES[w] for w in words if w in TYPES), TYPES.get(kind, 1) if kind in ("A", "AAAA", "HTTPS") else 1)
    out = struct.pack("!HHHHHH", int(option(words, "id", "7"), 0), flags(words, 0x8180), 1, len(sections[False]), 0, len(sections[True]))
    return out + wire(option(words, "case", name)) + struct.pack("!HH", asked, 1) + b"".join(sections[False] + sections[True])


def stream(*words):
    out = b""
    for text in ",".join(words).split("|"):
        spoilt, text = text[:1] == "!", text.lstrip("!")
        word, _, rest = text.partition(":")
        message = WORDS[word](*rest.split(","))
        out += struct.pack("!H", len(message) // 2 if spoilt else len(message)) + message
    return out


WORDS = {"q": question, "a": answer, "tcp": stream}
