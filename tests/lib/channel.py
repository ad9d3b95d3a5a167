# SPDX-License-Identifier: GPL-2.0-or-later
"""The messages between gate and engine (include/channel.h), so that a test can play the gate.

The layouts are written out here once more on purpose, and check_layout() compares each size and each offset
with what the C compiler says: a header that changes makes the suite fail loudly instead of talking nonsense.
"""

import array
import ctypes
import os
import socket
import subprocess
import tempfile

VERSION = 1
MAX = 32768

START, PREPARE, COMMIT, REFUSED, LINKS, FLOW_NEWS, DENIED, COUNTERS, EVENT, PING, STOP, REOPEN, NEIGHBOURS = range(1, 14)
READY, PREPARED, VERDICTS, RELOAD, REJUDGE, PONG = range(64, 70)
QUARANTINED, QUARANTINE, LOOK, KINDS = 32, 96, 97, 98
TERMS, DONE, CONFIRM, UNDO, MODE = 40, 41, 104, 105, 106
NEWS_END, NEWS_CLOSED, NEWS_REPLIED = 1, 2, 4
# enum decision, then VERDICT_*: drop and refuse are for this packet only, watch lets both directions come on, open and confirm lets payload come on;
# with a plus others of the same kind will be answered alike by the kernel.
DECISIONS = ("pending", "allow", "block", "reject", "drop", "watch", "refuse", "open", "confirm", "allow+", "confirm+")

u8, u16, u32, u64 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64


class Tuple(ctypes.Structure):
    c_name = "struct tuple"
    _fields_ = [("src", u8 * 16), ("dst", u8 * 16), ("sport", u16), ("dport", u16), ("proto", u8), ("pad", u8 * 3)]


class Head(ctypes.Structure):
    c_name = "struct channel_head"
    _fields_ = [("type", u16), ("count", u16), ("arg", u32)]


class Start(ctypes.Structure):
    c_name = "struct channel_start"
    _fields_ = [("head", Head), ("generation", u32), ("has_control", u8), ("has_view", u8), ("has_syslog", u8),
                ("restarted", u8), ("restarts", u32), ("boot", u32), ("has_observe", u8), ("pad", u8 * 3)]


class Commit(ctypes.Structure):
    c_name = "struct channel_commit"
    _fields_ = [("head", Head), ("generation", u32), ("pad", u32)]


class Verdict(ctypes.Structure):
    c_name = "struct channel_verdict"
    _fields_ = [("id", u32), ("mark", u32), ("queue", u16), ("decision", u8), ("pad", u8)]


class Link(ctypes.Structure):
    c_name = "struct channel_link"
    _fields_ = [("index", u32), ("name", ctypes.c_char * 16)]


class Neighbour(ctypes.Structure):
    c_name = "struct channel_neighbour"
    _fields_ = [("addr", u8 * 16), ("ifindex", u32), ("mac", u8 * 6), ("pad", u8 * 2)]


class FlowNews(ctypes.Structure):
    c_name = "struct channel_flow_news"
    _fields_ = [("tuple", Tuple), ("mark", u32), ("flags", u32), ("id", u32), ("pad", u32), ("orig_packets", u64), ("orig_bytes", u64),
                ("reply_packets", u64), ("reply_bytes", u64), ("start_ns", u64), ("stop_ns", u64)]


class DeniedFlow(ctypes.Structure):
    c_name = "struct channel_denied_flow"
    _fields_ = [("tuple", Tuple), ("packets", u64), ("bytes", u64)]


class Pong(ctypes.Structure):
    c_name = "struct channel_pong"
    _fields_ = [("head", Head), ("stale_ids", u64)]


class Event(ctypes.Structure):
    c_name = "struct channel_event"
    _fields_ = [("head", Head), ("count", u64), ("text", ctypes.c_char * 240)]


class Quarantine(ctypes.Structure):
    c_name = "struct channel_quarantine"
    _fields_ = [("head", Head), ("mac", u8 * 6), ("by_address", u8), ("release", u8), ("addr", u8 * 16), ("seconds", u32)]


class Quarantined(ctypes.Structure):
    c_name = "struct channel_quarantined_row"
    _fields_ = [("mac", u8 * 6), ("by_address", u8), ("why", u8), ("addr", u8 * 16), ("left_s", u32), ("flags", u32), ("packets", u64)]


class Kind(ctypes.Structure):
    c_name = "struct channel_kind"
    _fields_ = [("camera", u8 * 16), ("remote", u8 * 16), ("ifindex", u32), ("ms", u32), ("port", u16), ("mac", u8 * 6), ("proto", u8), ("ask", u8),
                ("pad", u8 * 2)]


class Request(ctypes.Structure):
    c_name = "struct channel_request"
    _fields_ = [("head", Head), ("seconds", u32), ("mode", u32), ("uid", u32), ("pid", u32)]


class Done(ctypes.Structure):
    c_name = "struct channel_done"
    _fields_ = [("head", Head), ("ok", u32), ("text", ctypes.c_char * 244)]


class Terms(ctypes.Structure):
    c_name = "struct channel_terms"
    _fields_ = [("head", Head), ("confirm_left_s", u32), ("mode", u32), ("mode_left_s", u32), ("back", u32), ("uid", u32), ("pad", u32),
                ("since_s", ctypes.c_int64), ("back_id", ctypes.c_char * 16), ("undone_id", ctypes.c_char * 16), ("config", ctypes.c_char * 256)]


STRUCTS = (Tuple, Head, Start, Commit, Verdict, Link, Neighbour, FlowNews, DeniedFlow, Pong, Event, Quarantine, Quarantined, Kind, Request, Done, Terms)
ENUMS = {"CHANNEL_VERSION": VERSION, "CHANNEL_MAX": MAX, "CH_START": START, "CH_REOPEN": REOPEN, "CH_NEIGHBOURS": NEIGHBOURS, "CH_READY": READY,
         "CH_PONG": PONG, "CH_QUARANTINED": QUARANTINED, "CH_QUARANTINE": QUARANTINE, "CH_LOOK": LOOK, "CH_KINDS": KINDS, "CH_TERMS": TERMS, "CH_DONE": DONE, "CH_CONFIRM": CONFIRM, "CH_UNDO": UNDO, "CH_MODE": MODE, "CH_VERDICTS": VERDICTS, "NEWS_REPLIED": NEWS_REPLIED, "MARK_BITS": 12, "VERDICT_DROP_ONCE": 4, "VERDICT_WATCH": 5, "VERDICT_REJECT_ONCE": 6, "MARK_HINT_REPLY": 1, "MARK_HINT_NEW": 2, "VERDICT_OPEN": 7, "VERDICT_CONFIRM": 8, "VERDICT_ALLOW_KIND": 9, "VERDICT_CONFIRM_KIND": 10}


def layout_program():
    """The C program that prints one line of `what number` for everything this file believes."""
    lines = ['#include <stdio.h>', '#include "channel.h"', '#include "mark.h"', "int main(void) {"]
    for s in STRUCTS:
        lines.append(f'printf("{s.c_name} %zu\\n", sizeof({s.c_name}));')
        for field, _ in s._fields_:
            lines.append(f'printf("{s.c_name}.{field} %zu\\n", offsetof({s.c_name}, {field}));')
    for name in ENUMS:
        lines.append(f'printf("{name} %d\\n", (int)({name}));')
    return "\n".join(lines + ["return 0; }", ""])


def believed_layout():
    believed = dict(ENUMS)
    for s in STRUCTS:
        believed[s.c_name] = ctypes.sizeof(s)
        for field, _ in s._fields_:
            believed[f"{s.c_name}.{field}"] = getattr(s, field).offset
    return believed


def check_layout(include):
    """Raises AssertionError with every difference between this file and the headers in `include`."""
    with tempfile.TemporaryDirectory() as d:
        source, program = os.path.join(d, "layout.c"), os.path.join(d, "layout")
        with open(source, "w") as f:
            f.write(layout_program())
        cc = os.environ.get("CC", "cc").split()
        subprocess.run([*cc, "-std=gnu17", "-I", include, "-o", program, source], check=True, timeout=60)
        out = subprocess.run([program], check=True, capture_output=True, text=True, timeout=10).stdout
    real = {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in out.splitlines()}
    wrong = [f"{k}: header {real.get(k)}, tests/lib/channel.py {v}" for k, v in believed_layout().items() if real.get(k) != v]
    assert not wrong, "include/channel.h has changed:\n  " + "\n  ".join(wrong)


def message(kind, arg=0, fixed=b"", elements=()):
    """One message: head, what the type has behind it, then the array."""
    body = fixed + b"".join(bytes(e) for e in elements)
    return bytes(Head(kind, len(elements), arg)) + body


def send(sock, data, fds=()):
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sock.sendmsg([data], ancillary)


def receive(sock):
    """(Head, bytes behind it), or None at end of file."""
    data = sock.recv(MAX)
    if not data:
        return None
    return Head.from_buffer_copy(data), data[ctypes.sizeof(Head):]


CATALOGUE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "config", "catalogue")


def catalogue():
    """The catalogue that is shipped: [(name, text)]."""
    files = []
    for name in sorted(os.listdir(CATALOGUE)):
        if name.endswith(".tsv"):
            with open(os.path.join(CATALOGUE, name), encoding="utf-8") as f:
                files.append((name, f.read()))
    return files


def bundle_memfd(files):
    """The serialised policy of include/bundle.h, with the catalogue that is shipped; files: [(name, text)]."""
    out = b"lenscap-bundle 2\n"
    for kind, part in (b"p", files), (b"d", catalogue()):
        for name, text in part:
            raw_name, raw = name.encode(), text.encode("utf-8", "surrogateescape")
            out += kind + b" %d %d\n" % (len(raw_name), len(raw)) + raw_name + raw
    fd = os.memfd_create("bundle", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, out)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
