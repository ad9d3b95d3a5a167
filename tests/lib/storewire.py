# SPDX-License-Identifier: GPL-2.0-or-later
"""Speaks to a real store process as the engine does (include/store.h): no privileges, no network."""

import ctypes
import os
import socket
import sqlite3
import subprocess
import time

HELLO, DEVICE, EVIDENCE, FLOW, EVENT, FORGET, QUERY, NEXT, CANCEL = range(1, 10)
LOADED, STATE, ROW, PAUSE, DONE = range(64, 69)
VERSION = 1
MAX = 32768
NAME = 64

u8, u16, u32, u64, i64 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int64


class Head(ctypes.Structure):
    _fields_ = [("type", u16), ("len", u16), ("ticket", u32)]


class Key(ctypes.Structure):
    _fields_ = [("addr", u8 * 16), ("mac", u8 * 6), ("by_address", u8), ("pad", u8), ("zone", ctypes.c_char * NAME)]


class Hello(ctypes.Structure):
    _fields_ = [("head", Head), ("version", u32), ("boot", u32), ("restarts", u32), ("devices", u32), ("days", u32), ("wants", u32),
                ("bytes", u64), ("time_us", i64)]


class Device(ctypes.Structure):
    _fields_ = [("head", Head), ("key", Key), ("name", ctypes.c_char * NAME), ("label", ctypes.c_char * NAME), ("maker", ctypes.c_char * NAME),
                ("fact", (ctypes.c_char * 48) * 6), ("score", u8), ("covered", u8), ("unmasked", u8), ("in_policy", u8), ("pad", u8 * 4),
                ("first_us", i64), ("last_us", i64), ("flows_seen", u64), ("flows_blocked", u64)]


class Evidence(ctypes.Structure):
    _fields_ = [("head", Head), ("key", Key), ("channel", ctypes.c_char * 32), ("maker", ctypes.c_char * NAME), ("pattern", ctypes.c_char * 48),
                ("excerpt", ctypes.c_char * 80), ("weight", u8), ("weak", u8), ("answered", u8), ("pad", u8), ("times", u32),
                ("first_us", i64), ("last_us", i64), ("flow", u64)]


class Flow(ctypes.Structure):
    _fields_ = [("head", Head), ("key", Key), ("id", u64), ("first_us", i64), ("last_us", i64), ("flows", u64), ("packets", u64),
                ("bytes_toserver", u64), ("bytes_toclient", u64), ("local", u8 * 16), ("remote", u8 * 16), ("asn", u32), ("rule_line", u32),
                ("src_port", u16), ("dest_port", u16), ("proto", u8), ("inbound", u8), ("anycast", u8), ("ech", u8), ("proved", u8),
                ("end", u8), ("pad", u8 * 6)]


class Event(ctypes.Structure):
    _fields_ = [("head", Head), ("time_us", i64)]


class Query(ctypes.Structure):
    _fields_ = [("head", Head), ("since_s", i64), ("until_s", i64), ("id", u64), ("limit", u32), ("blocked", u8), ("pad", u8 * 3),
                ("kind", ctypes.c_char * 24), ("device", ctypes.c_char * NAME)]


class State(ctypes.Structure):
    _fields_ = [("head", Head), ("dropped", u64), ("refused", u64), ("bytes", u64), ("text", ctypes.c_char * 200)]


class Done(ctypes.Structure):
    _fields_ = [("head", Head), ("ok", u32), ("rows", u32), ("text", ctypes.c_char * 120)]


def now_us():
    return time.time_ns() // 1000


def address(number):
    return (u8 * 16)(*([0] * 10 + [255, 255, 10, 20, number >> 8 & 255, number & 255]))


def key(number, zone=b"cameras"):
    return Key(addr=address(number), mac=(u8 * 6)(2, 0, 0, number >> 16 & 255, number >> 8 & 255, number & 255), zone=zone)


def record(kind, fixed, *texts):
    body = bytes(fixed) + b"".join(t + b"\0" for t in texts)
    body += b"\0" * (-len(body) % 8)
    head = Head(kind, len(body), fixed.head.ticket if isinstance(getattr(fixed, "head", None), Head) else fixed.ticket)
    return bytes(head) + body[ctypes.sizeof(Head):]


def device(number, at_us=None, **more):
    at_us = at_us or now_us()
    return record(DEVICE, Device(key=key(number), name=b"cam-%d" % number, first_us=at_us, last_us=at_us, **more))


def evidence(number, row, at_us=None):
    at_us = at_us or now_us()
    return record(EVIDENCE, Evidence(key=key(number), channel=b"http", maker=b"hikvision", pattern=b"row %d" % row, excerpt=b"seen %d" % row,
                                     weight=50, times=1, first_us=at_us, last_us=at_us, flow=1000 + row))


def flow(number, flow_id, name=b"a.example", at_us=None, decision=b"allow", reason=b"default allows", port=443):
    at_us = at_us or now_us()
    texts = [b"cam-%d" % number, b"tls", name, b"sni", b"NO", b"Example", b"", b"", decision, decision, b"home", b"lenscap.yaml", b"abc",
             reason, b"a.example b.example", b"hikvision", b"", b"NO", b"EU"]
    return record(FLOW, Flow(key=key(number), id=flow_id, first_us=at_us, last_us=at_us, flows=1, packets=10, bytes_toserver=1000,
                             bytes_toclient=2000, local=address(number), remote=address(0xffff), asn=64547, rule_line=28, src_port=40000,
                             dest_port=port, proto=6), *texts)


class Store:
    """One store process on a directory."""

    def __init__(self, engine, directory, wants=1, devices=65534, days=30, size=256 << 20):
        self.directory, self.path = directory, os.path.join(directory, "state.db")
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for s in (self.ours, theirs):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.log = open(os.path.join(directory, "stderr"), "ab")
        self.process = subprocess.Popen([engine, "--store", "--channel", str(theirs.fileno()), "--state-dir", directory],
                                        pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        theirs.close()
        self.ours.settimeout(10)
        self.state, self.left = State(), b""
        self.say(record(HELLO, Hello(version=VERSION, boot=1, devices=devices, days=days, wants=wants, bytes=size, time_us=now_us()),
                        b"0.1.0", b"policy"))

    def say(self, *records):
        """Records, as many to a datagram as fit."""
        batch = b""
        for r in records:
            if len(batch) + len(r) > MAX:
                self.ours.send(batch)
                batch = b""
            batch += r
        self.ours.send(batch)

    def hear(self):
        """The next record: (type, bytes)."""
        while True:
            if not self.left:
                self.left = self.ours.recv(MAX)
                if not self.left:
                    raise EOFError("the store has closed its end")
            head = Head.from_buffer_copy(self.left)
            one, self.left = self.left[:head.len], self.left[head.len:]
            if head.type == STATE:
                self.state = State.from_buffer_copy(one)
            else:
                return head.type, one

    def inventory(self):
        """(devices, evidence) as the store gives them back."""
        rows = {DEVICE: [], EVIDENCE: []}
        while True:
            kind, one = self.hear()
            if kind == LOADED:
                return rows[DEVICE], rows[EVIDENCE]
            rows[kind].append(one)

    def ask(self, kind, ticket=7, **args):
        """(rows as text, Done)"""
        self.say(record(QUERY, Query(head=Head(ticket=ticket), kind=kind.encode(), **args)))
        rows = []
        while True:
            got, one = self.hear()
            if got == ROW:
                rows.append(one[8:].split(b"\0", 1)[0].decode())
            elif got == PAUSE:
                self.say(record(NEXT, Head(ticket=ticket)))
            elif got == DONE:
                return rows, Done.from_buffer_copy(one)

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        self.ours.close()
        self.log.close()

    def end(self):
        """As when the engine goes: the store writes what it has heard and ends by itself. Its exit code."""
        self.ours.close()
        code = self.process.wait(10)
        self.log.close()
        return code


def rows(path, sql):
    """Straight from the file, as anybody could; checks the file first."""
    db = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=5)
    try:
        said = db.execute("PRAGMA quick_check").fetchone()[0]
        if said != "ok":
            raise AssertionError(f"{path} is damaged: {said}")
        return db.execute(sql).fetchall()
    finally:
        db.close()
