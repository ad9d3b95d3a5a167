# SPDX-License-Identifier: GPL-2.0-or-later
"""
Scenario files: policy, traffic and what must come out, in one place.

    # What this scenario proves.
    policy                                        top-level keys replace those of base.yaml
        rules:
          - {name: home, from: cameras, to: {country: "NO"}, action: allow}
    at 2026-03-02T12:00:00Z                       wall clock of second 0 (this is the default)
    0.000  cam-1:40000 > no:443  tcp syn          allow
    0.100  cam-1 > cn  icmp echo  times=20        block
    1.000  reload                                 what is indented below replaces the policy's keys
        default: block
    2.000  news cam-1:40000 > no:443 tcp end orig=10/1200 reply=8/900
    2.500  neighbours cam-1 cam-2=10.20.0.99      the kernel knows whose MAC an address is
    3.000  denied cam-1 > cn:80 tcp packets=200 bytes=8000
    4.000  cam-1:40001 > no:443  tcp ack say=tls:a.example part=..100 as=h   held
    4.000  handshake cam-1:40001 > no:443         SYN, SYN-ACK and ACK, all of them watched
    late h watch                                  the packet called h, which was held, has this verdict now
    stop                                          implied by the first of what follows
    record   alert lenscap.rule=default src_ip=10.20.0.11      exactly one record; terms as in eve.holds()
    record 0 flow  dest_port=443                               exactly none
    record >=1 drop                                            one or more
    sum 250 lenscap.repeat  alert dest_port=443                the values of one field add up
    first stats lenscap.boot                                   the first line of the file, at least 1 KiB long

Payload: data=TEXT (%0d%0a for bytes), len=N, say=WORD[:ARG,…] (speech.py), of that part=FROM..TO at its place in the TCP stream;
at=N is another place, acks=N what is acknowledged, seq= and ack= the naked numbers, flip=N spoils a byte.
Hosts are names from HOSTS; an IPv6 sibling has the suffix 6 (no6, cn6) and a camera takes the family of the other side.
"""

import calendar
import re
import shlex
import time
import urllib.parse

import channel
import packet
import policyfile
import speech

START = "2026-03-02T12:00:00Z"  # a Monday

# name: (MAC or None, IPv4, IPv6). The countries stand in base.yaml as overrides; `nowhere` is in no database.
HOSTS = {
    "cam-1": ("02:00:00:00:00:01", "10.20.0.11", "fd20::11"),
    "cam-2": ("02:00:00:00:00:02", "10.20.0.12", "fd20::12"),
    "nvr": ("02:00:00:00:00:0a", "10.20.0.20", "fd20::20"),
    "clock": ("02:00:00:00:00:cc", "10.20.0.99", "fd20::99"),  # only ticks
    "stranger": ("02:00:00:00:00:77", "10.20.0.77", "fd20::77"),
    "video": (None, "10.30.0.5", "fd30::5"),
    "no": (None, "198.51.100.47", "2001:db8:47::1"),
    "se": (None, "198.51.100.46", "2001:db8:46::1"),
    "us": (None, "198.51.100.1", "2001:db8:1::1"),
    "cn": (None, "203.0.113.86", "2001:db8:86::1"),
    "ru": (None, "203.0.113.7", "2001:db8:7::1"),
    "nowhere": (None, "8.0.0.1", "2a00::1"),
    "lan": (None, "192.168.7.7", "fd77::7"),
    "multicast": (None, "239.1.1.1", "ff0e::1"),
    "broadcast": (None, "255.255.255.255", "ff02::1"),
    "router": ("02:00:00:00:00:fe", "192.0.2.1", "2001:db8::1"),
}
LINKS = {"lo": 1, "cam0": 2, "wan0": 3, "vid0": 4}
GUARDED = ("cam-1", "cam-2", "nvr", "clock", "stranger")
DIRECTIVES = ("reload", "news", "denied", "raw", "tick", "rejudge", "links", "neighbours", "event", "handshake", "sweep")
UNTIMED = ("late", "stop", "record", "sum", "first")
ISN = {False: 1000, True: 5000}  # of who opened the connection, and of the other one


class Bad(Exception):
    """A scenario file that cannot be read: place and reason."""


class Step:
    """One thing to do. kind: packet, record, stop, or a directive; words: the rest of the line."""

    def __init__(self, line, kind, at_s=None, words=()):
        self.line, self.kind, self.at_s, self.words = line, kind, at_s, list(words)
        self.policy = None
        self.verdict = None
        self.label = next((w[3:] for w in self.words if w.startswith("as=")), "")


class Scenario:
    def __init__(self, path):
        self.path = path
        self.claim = ""
        self.policy = ""
        self.start_us = wall_us(START)
        self.steps = []
        with open(path, encoding="utf-8") as f:
            self.read(f.read().split("\n"))

    def read(self, lines):
        n = 0
        while n < len(lines):
            line, n = lines[n], n + 1
            if line.startswith("#") and not line.startswith("# SPDX") and not self.claim:
                self.claim = line[1:].strip()
            if not line.strip() or line.startswith("#"):
                continue
            block, after = indented(lines, n)
            try:
                self.statement(n, line.split("  #")[0].split(), block, line)
            except (ValueError, KeyError, IndexError) as e:
                raise Bad(f"{self.path}:{n}: {e}: {line}") from e
            n = after

    def statement(self, n, words, block, line):
        if block and words[0] != "policy" and words[1:2] != ["reload"]:
            raise ValueError("nothing may be indented below this line")
        if words[0] == "policy":
            self.policy = block
        elif words[0] == "at":
            self.start_us = wall_us(words[1])
        elif words[0] in UNTIMED:
            self.steps.append(Step(n, words[0], words=shlex.split(line)[1:]))
        elif words[1] in DIRECTIVES:
            step = Step(n, words[1], float(words[0]), words[2:])
            step.policy = block
            self.steps.append(step)
        else:
            step = Step(n, "packet", float(words[0]), words[1:-1])
            step.verdict = verdicts(words[-1])
            self.steps.append(step)


def verdicts(word):
    names = word.split("|")
    for name in names:
        if name not in (*channel.DECISIONS, "held"):
            raise ValueError(f"{name!r} is no verdict")
    return names


def indented(lines, n):
    """The block of indented lines at n, dedented by 4, and the number of the first line behind it."""
    end = last = n
    while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
        end += 1
        if lines[end - 1].strip():
            last = end
    return "".join(line[4:] + "\n" for line in lines[n:last]), last


def wall_us(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) * 1000000


def merge(policy, base):
    """policy first, so that its line numbers are its own; then each top-level key of base that it does not have."""
    mine = {key for key, _ in policyfile.split(policy)}
    rest = [line for key, lines in policyfile.split(base) if key and key not in mine for line in lines]
    return policy + "\n".join(rest) + "\n"


def endpoint(text):
    """`name`, `name:port`, an address or [v6]:port as (name or None, address or None, v6, ports)."""
    m = re.match(r"^(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d+)(?:\.\.(\d+))?)?$", text)
    if not m:
        raise ValueError(f"cannot read the host {text!r}")
    host, first, last = m.groups()
    ports = range(int(first), int(last or first) + 1) if first else range(0, 1)
    if host.startswith("[") or re.match(r"^[\d.]+$", host):
        return None, host.strip("[]"), ":" in host, ports
    six = host not in HOSTS
    name = host[:-1] if six else host
    if name not in HOSTS or (six and not host.endswith("6")):
        raise ValueError(f"unknown host {host!r}")
    return name, None, six, ports


class Path:
    """Where a packet comes from and goes: both addresses, ports, and what the kernel says about the interfaces."""

    def __init__(self, source, target):
        a, b = endpoint(source), endpoint(target)
        self.six = a[2] or b[2]
        self.src, self.dst = self.address(a), self.address(b)
        self.sports, self.dports = a[3], b[3]
        self.indev, self.outdev = device_of(a[0]), device_of(b[0])
        self.mac = HOSTS[a[0]][0] if a[0] and HOSTS[a[0]][0] else HOSTS["router"][0]

    def address(self, end):
        return end[1] or HOSTS[end[0]][2 if self.six else 1]


def device_of(name):
    return LINKS["cam0"] if name in GUARDED else LINKS["vid0"] if name == "video" else LINKS["wan0"]


def neighbours(words):
    """(address, interface, MAC) of each HOST (both its addresses) or HOST=ADDRESS."""
    for word in words:
        name, _, address = word.partition("=")
        mac, *own = HOSTS[name]
        for a in [address] if address else own:
            yield a, device_of(name), mac or HOSTS["router"][0]


class Options(dict):
    """key=value words, and bare words as flags."""

    def __init__(self, words):
        super().__init__(w.split("=", 1) if "=" in w else (w, "") for w in words)
        self.order = [w.split("=", 1)[0] for w in words]

    def number(self, key, default=None):
        return int(self[key], 0) if key in self else default

    def range(self, key, default):
        if key not in self:
            return default
        first, _, last = self[key].partition("..")
        return range(int(first), int(last or first) + 1)


def quoted(path, text):
    """quote=HOST,SPORT,DPORT: the beginning of the camera's TCP packet to that host, as an ICMP error carries it."""
    host, sport, dport = text.split(",")
    inner = Path(host, host)
    body = packet.tcp(int(sport), int(dport), packet.TCP_FLAGS["ack"])[:8]
    if inner.six:
        return packet.ipv6(path.dst, inner.src, packet.TCP, body, payload=20)
    return packet.ipv4(path.dst, inner.src, packet.TCP, body, total=40)


def payload(options):
    if "say" in options:
        data = speech.say(options["say"])
    elif "data" in options:
        data = urllib.parse.unquote_to_bytes(options["data"])
    else:
        data = bytes(options.number("len", 0))
    if "flip" in options:
        n = options.number("flip")
        data = data[:n] + bytes([data[n] ^ 1]) + data[n + 1:]
    first, last = part(options)
    return data[first:last]


def part(options):
    first, _, last = options.get("part", "..").partition("..")
    return int(first or 0), int(last) if last else None


def sequence(options):
    """(sequence number, acknowledged) of a segment."""
    reply, syn = "reply" in options, "syn" in options
    isn, other = options.number("isn", ISN[reply]), options.number("other-isn", ISN[not reply])
    at = isn if syn else isn + 1 + options.number("at", part(options)[0])
    acks = other + 1 + options.number("acks", 0) if "ack" in options.order else 0
    return options.number("seq", at) & 0xffffffff, acks & 0xffffffff


def transport(path, proto, options, sport, dport):
    data = payload(options)
    if "quote" in options:
        data = quoted(path, options["quote"])
    if proto == "tcp":
        flags = sum(bit for name, bit in packet.TCP_FLAGS.items() if name in options)
        seq, ack = sequence(options)
        return packet.TCP, packet.tcp(sport, dport, flags, data, seq=seq, ack=ack, doff=options.number("doff"))
    if proto in ("udp", "udplite"):
        return packet.PROTOCOLS[proto], packet.udp(sport, dport, data, options.number("ulen"))
    if proto in ("icmp", "icmp6"):
        echo = {"icmp": (8, 0), "icmp6": (128, 129)}[proto]
        kind = options.number("type", echo[1] if "answer" in options else echo[0])
        return packet.PROTOCOLS[proto], packet.icmp(kind, options.number("code", 0), options.number("id", 7), data=data)
    if proto == "sctp":
        return packet.SCTP, packet.sctp(sport, dport)
    if proto in ("gre", "esp"):
        return packet.PROTOCOLS[proto], getattr(packet, proto)()
    return int(proto), data


def build(path, proto, options, sport, dport):
    """The bytes of one IP packet."""
    if "hex" in options:
        return bytes.fromhex(options["hex"])
    number, body = transport(path, proto, options, sport, dport)
    fragment = {"fragment": options.number("fragment", 0), "more": "more" in options}
    if path.six:
        names = options["ext"].split(",") if "ext" in options else []
        if fragment["fragment"] or fragment["more"]:
            names.append("fragment")
        return packet.ipv6(path.src, path.dst, number, body, extensions=names, payload=options.number("plen"),
                           version=options.number("version", 6), **fragment)
    return packet.ipv4(path.src, path.dst, number, body, total=options.number("total"), ihl=options.number("ihl"),
                       version=options.number("version", 4), options=b"\x01" * options.number("ipopt", 0), **fragment)


def packets(step):
    """Every (payload, where) that a packet step stands for: ports a..b, cut=a..b and times=n multiply."""
    if len(step.words) < 4 or step.words[1] != ">":
        raise ValueError("expected A > B PROTO …")
    path, proto, options = Path(step.words[0], step.words[2]), step.words[3], Options(step.words[4:])
    where = {"indev": options.number("indev", path.indev), "outdev": options.number("outdev", path.outdev),
             "mac": None if "nomac" in options else options.get("mac", path.mac), "mark": mark(options)}
    for sport in path.sports:
        for dport in path.dports:
            whole = build(path, proto, options, sport, dport)
            for cut in options.range("cut", [len(whole)]):
                for _ in range(options.number("times", 1)):
                    # copied=N: the kernel copied only N bytes and says how long the packet is.
                    copied = options.number("copied")
                    yield ((whole[:cut], where) if copied is None else
                           (whole[:copied], {**where, "cap_len": len(whole)}))


def handshake(step):
    """SYN, SYN-ACK, ACK as (bytes, where)."""
    forth, back = step.words[:3], step.words[2::-1]
    for words in ([*forth, "tcp", "syn", "new"], [*back, "tcp", "syn", "ack", "reply"], [*forth, "tcp", "ack"]):
        yield from packets(Step(step.line, "packet", step.at_s, words))


def sweep(step):
    """
    For each place where the payload can be cut, a connection of its own: (where of the camera's packets,
    [(bytes, where of the other side's or None, verdict)]). order: forward, reverse, or single (one-byte segments, no cut).
    """
    path, options = Path(step.words[0], step.words[2]), Options(step.words[4:])
    back = Path(step.words[2], step.words[0])
    whole = payload(options)
    forth = {"indev": path.indev, "outdev": path.outdev, "mac": path.mac, "mark": 0}
    other = {"indev": back.indev, "outdev": back.outdev, "mac": back.mac, "mark": mark(Options(["reply"]))}
    cuts = [range(1, len(whole))] if options["order"] == "single" else [[n] for n in range(1, len(whole))]
    for n, places in enumerate(cuts):
        sport = path.sports[0] + n

        def segment(flags, **more):
            return build(path, "tcp", Options([*flags.split(), *(f"{k}={v}" for k, v in more.items())]), sport, path.dports[0])

        def answer(flags, acks):
            return build(back, "tcp", Options([*flags.split(), "reply", f"acks={acks}"]), path.dports[0], sport)

        edges = [0, *places, len(whole)]
        parts = [(a, b) for a, b in zip(edges, edges[1:])]
        if options["order"] == "reverse":
            parts.reverse()
        out = [(segment("syn"), None, "watch"), (answer("syn ack", 0), other, "watch"), (segment("ack"), None, "watch")]
        out += [(segment("ack", say=options["say"], part=f"{a}..{b}"), None, "held") for a, b in parts]
        out[-1] = (*out[-1][:2], "watch")
        out += [(answer("ack", len(whole) - 1), other, "watch"), (answer("ack", len(whole)), other, "allow")]
        yield forth, out


def mark(options):
    """Other people's bits, and our hints of mark.h."""
    hints = (("reply", 1), ("new", 2), ("answered", 4), ("begins", 6), ("asked", 8))
    mark = options.number("mark", 0)
    for word, bit in hints:
        mark |= bit << 24 if word in options else 0
    return mark
