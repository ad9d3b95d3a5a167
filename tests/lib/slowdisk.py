# SPDX-License-Identifier: GPL-2.0-or-later
"""
A disk that takes its time: a FUSE file system of one flat directory, served by a thread of this process. delay_s: each write takes so long;
hang(): the next write, and all that comes behind it, waits until go_on().
"""

import ctypes
import errno
import os
import stat
import struct
import threading
import time

from result import Skip

LIBC = ctypes.CDLL(None, use_errno=True)
ROOT = 1
HEADER, OUT = struct.Struct("<IIQQIIII"), struct.Struct("<IiQ")
ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
# <linux/fuse.h>
(LOOKUP, FORGET, GETATTR, SETATTR, UNLINK, RENAME, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, CREATE,
 INTERRUPT, BATCH_FORGET, DESTROY) = (1, 2, 3, 4, 10, 12, 14, 15, 16, 17, 18, 20, 25, 26, 27, 28, 29, 35, 36, 42, 38)
SILENT = (FORGET, INTERRUPT, BATCH_FORGET)


class SlowDisk:
    def __init__(self, target, uid, delay_s=0.0):
        self.target, self.uid, self.delay_s = target, uid, delay_s
        self.names, self.files = {}, {}  # name: node, node: bytearray
        self.free = threading.Event()
        self.free.set()
        self.waiting, self.writes = False, 0
        try:
            self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        except OSError as e:
            raise Skip(f"/dev/fuse: {e.strerror}") from e
        options = f"fd={self.fd},rootmode=40755,user_id=0,group_id=0,allow_other"
        if LIBC.mount(b"slowdisk", target.encode(), b"fuse", 6, options.encode()):  # MS_NOSUID | MS_NODEV
            os.close(self.fd)
            raise Skip(f"a FUSE file system cannot be mounted: {os.strerror(ctypes.get_errno())}")
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def hang(self):
        self.free.clear()

    def go_on(self):
        self.free.set()

    def waits(self):
        return self.waiting

    def content(self, name):
        return bytes(self.files.get(self.names.get(name), b""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.free.set()
        LIBC.umount2(self.target.encode(), 2)  # MNT_DETACH
        self.thread.join(5)

    # the protocol

    def serve(self):
        try:
            while True:
                request = os.read(self.fd, 1 << 18)
                length, op, unique, node, *_ = HEADER.unpack_from(request)
                body = self.answer(op, node, request[HEADER.size:length])
                if op in SILENT:
                    continue
                error, data = (-body, b"") if isinstance(body, int) else (0, body)
                try:
                    os.write(self.fd, OUT.pack(OUT.size + len(data), error, unique) + data)
                except OSError as e:
                    if e.errno != errno.ENOENT:  # who asked is gone
                        raise
        except OSError as e:
            if e.errno not in (errno.ENODEV, errno.EBADF):
                raise
        finally:
            os.close(self.fd)

    def answer(self, op, node, body):
        handler = self.HANDLERS.get(op)
        return handler(self, node, body) if handler else errno.ENOSYS

    def attr(self, node):
        data = self.files.get(node, b"")
        mode = stat.S_IFDIR | 0o755 if node == ROOT else stat.S_IFREG | 0o640
        return ATTR.pack(node, len(data), (len(data) + 511) // 512, 0, 0, 0, 0, 0, 0, mode, 1, self.uid, 0, 0, 4096, 0)

    def entry(self, node):
        return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + self.attr(node)

    def init(self, _node, body):
        major, minor, readahead, _flags = struct.unpack_from("<IIII", body)
        return struct.pack("<IIIIHHIIHHI7I", major, min(minor, 31), readahead, 0, 16, 12, 1 << 17, 1, 32, 0, 0, *[0] * 7)

    def lookup(self, _node, body):
        found = self.names.get(body.rstrip(b"\0").decode())
        return self.entry(found) if found else errno.ENOENT

    def get_attr(self, node, _body):
        return struct.pack("<QII", 0, 0, 0) + self.attr(node)

    def create(self, _node, body):
        name = body[16:].rstrip(b"\0").decode()
        node = self.names.setdefault(name, ROOT + 1 + len(self.names))
        self.files.setdefault(node, bytearray())
        return self.entry(node) + self.open(node, b"")

    def open(self, _node, _body):
        return struct.pack("<QII", 0, 1, 0)  # FOPEN_DIRECT_IO: each write comes to us

    def read(self, node, body):
        offset, size = struct.unpack_from("<8xQI", body)
        return bytes(self.files[node][offset:offset + size])

    def write(self, node, body):
        offset, size = struct.unpack_from("<8xQI", body)
        self.writes += 1
        self.waiting = not self.free.is_set()
        self.free.wait(120)
        self.waiting = False
        time.sleep(self.delay_s)
        self.files[node][offset:offset + size] = body[40:40 + size]
        return struct.pack("<II", size, 0)

    def statfs(self, _node, _body):
        return struct.pack("<QQQQQIIII24x", 1 << 20, 1 << 19, 1 << 19, 1000, 900, 4096, 255, 4096, 0)

    def done(self, _node, _body):
        return b""

    HANDLERS = {INIT: init, LOOKUP: lookup, GETATTR: get_attr, SETATTR: get_attr, CREATE: create, OPEN: open, READ: read, WRITE: write, STATFS: statfs,
                RELEASE: done, FLUSH: done, FSYNC: done, OPENDIR: open, READDIR: done, RELEASEDIR: done, DESTROY: done}
