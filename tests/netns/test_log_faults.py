# SPDX-License-Identifier: GPL-2.0-or-later
"""
The log fails in every way we know: a full disk, a read-only directory, a file or directory removed, readers that stop or leave, a disk
that hangs, a clock that jumps. Each time: connections are as fast as before, a settled stream loses nothing, what is lost is counted, and
alerts arrive later.
"""

import contextlib
import ctypes
import datetime
import errno
import json
import os
import pwd
import signal
import socket
import statistics
import struct
import subprocess
import time

import eve
from daemon import sanitized, wait_for
from netcase import CN, CN2, CN3, HOSTS, NO, check, gateway, policy, tests
from slowdisk import SlowDisk
from traffic import Server, TcpStream, tcp

# Refused without an alert, so that there is much to write that is none.
RULES = """\
rules:
  - {name: home, from: cameras, to: {country: "NO"}, action: allow}
  - {name: quiet, from: cameras, to: {address: ["198.18.0.0/15"]}, action: block, alert: none}
default: {action: block, alert: medium}
"""
OPTIONS = "stats: 1s, new-flows: 1000000"
LIBC = ctypes.CDLL(None, use_errno=True)


def noise(ns, first, count):
    """One datagram to each of so many addresses of 198.18.0.0/15: as many records of refused flows."""
    with ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for n in range(first, first + count):
            try:
                s.sendto(b"x", (f"198.{18 + (n >> 16)}.{n >> 8 & 255}.{n & 255}", 9))
            except OSError as e:
                if e.errno not in (errno.EPERM, errno.ENOBUFS):
                    raise
            if n % 64 == 63:
                time.sleep(0.01)


def latency_ms(lab, count=21):
    """Median of new connections through the engine."""
    out = []
    for _ in range(count):
        start = time.monotonic()
        got = tcp(lab.camera, NO[0], 443, timeout=3)
        out.append((time.monotonic() - start) * 1000)
        check(got == "answered", f"an allowed connection ended {got}")
    return statistics.median(out)


def whole(path):
    """The records of a file that may end within a line just now."""
    try:
        with open(path, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]
    except FileNotFoundError:
        return []


def alerted(path):
    return {r.get("dest_ip") for r in whole(path) if r["event_type"] == "alert"}


class Watch:
    """A settled stream and the latency before; at the end both are still good."""

    def __init__(self, lab):
        self.lab, self.stream = lab, TcpStream(lab.cameras["cam-2"], NO[1], 443)
        self.closed = False
        time.sleep(0.3)
        self.before = latency_ms(lab)

    def during(self):
        now = latency_ms(self.lab)
        check(now < self.before * 5 + 20, f"a connection takes {now:.1f} ms, {self.before:.1f} ms before")
        return f"connections {self.before:.1f} ms before, {now:.1f} ms during"

    def close(self):
        if self.closed:
            return
        self.closed = True
        self.stream.close()
        check(not self.stream.ended, f"the settled stream ended: {self.stream.ended}")
        check(self.stream.retransmitted == 0, f"the settled stream lost {self.stream.retransmitted} segments")


@contextlib.contextmanager
def running(prepare=None, tail=None, **named):
    """(lab, daemon, watch); prepare(daemon) before it starts."""
    text = policy(RULES, options=OPTIONS) if tail is None else policy(RULES, options=OPTIONS, tail=tail)
    with gateway(text, hosts=HOSTS, start=False) as (lab, d), Server(lab.internet, 443):
        with contextlib.ExitStack() as cleanup:
            if prepare:
                prepare(d, cleanup)
            d.start(**named)
            watch = Watch(lab)
            yield lab, d, watch
            watch.close()
            d.stop()


def uid(d):
    return pwd.getpwnam(d.user).pw_uid


def problem(d):
    """What status says of the first output."""
    return d.status()["outputs"][0]["problem"]


def mount(source, target, kind, flags, data):
    if LIBC.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags, data.encode() if data else None):
        raise OSError(ctypes.get_errno(), f"mount {kind} {target}")


def unmount(target):
    LIBC.umount2(target.encode(), 2)  # MNT_DETACH


def small_disk(d, cleanup, size="24m"):
    log = os.path.dirname(d.eve_path)
    mount("tmpfs", log, "tmpfs", 0, f"size={size},mode=0755,uid={uid(d)}")
    cleanup.callback(unmount, log)


def fill(path, leave):
    """Takes the disk's space but for so many bytes."""
    free = os.statvfs(os.path.dirname(path))
    with open(path, "wb") as f:
        left = free.f_bavail * free.f_frsize - leave
        while left > 0:
            n = f.write(b"\0" * min(left, 1 << 20))
            f.flush()
            left -= n


def attempt(lab, hosts):
    for host in hosts:
        tcp(lab.camera, host, 443, timeout=0.1)


def check_alerts(d, hosts, seconds=10):
    """Every one of these far sides has its alert in the log."""
    wait_for(lambda: alerted(d.eve_path) >= set(hosts), seconds, f"the alerts of {hosts}", 0.2)


def dropped_by_type(d):
    """As the newest record of type stats says, and what the log says by itself."""
    told = wait_for(lambda: [r for r in whole(d.eve_path) if r["event_type"] == "stats"], 5, "no record of type stats")
    newest = told[-1]["lenscap"]["stats"]["records_dropped"]
    return {k: v for k, v in newest.items() if v}


@tests.add("the log's disk is full: connections as fast as before, alerts come when there is room, what was dropped is counted by type")
def log_disk_full():
    with running(small_disk) as (lab, d, watch):
        attempt(lab, CN)
        check_alerts(d, CN)
        filler = os.path.join(os.path.dirname(d.eve_path), "filler")
        fill(filler, 16 << 10)
        noise(lab.camera, 0, 200)
        wait_for(lambda: problem(d) == "No space left on device", 5, "status does not tell of the full disk")
        noise(lab.camera, 200, 9000)
        attempt(lab, CN2 + CN3)
        said = watch.during()
        lost = wait_for(lambda: d.status()["outputs"][0]["dropped"], 5, "nothing was dropped, so nothing was tested")
        os.unlink(filler)
        check_alerts(d, CN2 + CN3)
        wait_for(lambda: not problem(d), 5, "the output does not work again")
        kinds = wait_for(lambda: dropped_by_type(d), 5, "no record tells what was dropped")
        check("alert" not in kinds, f"alerts were dropped: {kinds}")
        check("were dropped" in d.log() and "works again" in d.log(), f"the program's log does not tell:\n{d.log()}")
        addresses = [r["dest_ip"] for r in d.records("flow") if r["dest_ip"].startswith("198.18.")]
        check(len(addresses) == len(set(addresses)), "a record was written twice")
        return f"{said}; {lost} records dropped, by type {kinds}"


@tests.add("the log's directory is read-only when the file is reopened: said, and what waits is written when it is writable again")
def log_read_only():
    with running(small_disk) as (lab, d, watch):
        log = os.path.dirname(d.eve_path)
        mount(log, log, None, 4096, None)  # MS_BIND, and then read-only
        try:
            mount("none", log, None, 4096 | 32 | 1, None)
            check(d.lenscap("reopen")[0] == 0, "reopen fails")
            wait_for(lambda: problem(d) == "Read-only file system", 5, "status does not tell of the directory")
            attempt(lab, CN + CN2)
            said = watch.during()
        finally:
            unmount(log)
        check_alerts(d, CN + CN2)
        check(not dropped_by_type(d), f"records were dropped: {dropped_by_type(d)}")
        return said


@tests.add("the log file is removed, then its directory: made again within seconds, and what came meanwhile is in it")
def log_removed():
    with running() as (lab, d, watch):
        log = os.path.dirname(d.eve_path)
        attempt(lab, CN)
        check_alerts(d, CN)
        os.unlink(d.eve_path)
        wait_for(lambda: os.path.exists(d.eve_path), 5, "the file is not made again")
        wait_for(lambda: d.records("stats"), 5, "it does not begin with a record of its own")
        attempt(lab, CN2)
        check_alerts(d, CN2)
        check("was removed or renamed" in d.log(), f"the program's log does not tell:\n{d.log()}")
        os.rename(log, log + ".gone")
        wait_for(lambda: problem(d) == "No such file or directory", 5, "status does not tell of the directory")
        attempt(lab, CN3)
        said = watch.during()
        os.rename(log + ".gone", log)
        check_alerts(d, CN3)
        wait_for(lambda: not problem(d), 5, "the output does not work again")
        return said


@tests.add("renamed and reopened ten times under load, as logrotate does it: no record is lost and none is there twice")
def log_rotation():
    with running() as (lab, d, watch):
        for n in range(10):
            noise(lab.camera, n * 150, 150)
            os.rename(d.eve_path, f"{d.eve_path}.{n}")
            check(d.lenscap("reopen")[0] == 0, "reopen fails")
            wait_for(lambda: os.path.exists(d.eve_path), 5, "no new file")

        def all_records():
            return [r for n in range(10) for r in eve.load(f"{d.eve_path}.{n}")] + d.records()
        wait_for(lambda: len(eve.find(all_records(), "flow", "lenscap.rule=quiet")) >= 1500, 10, "1500 records", 0.3)
        addresses = [r["dest_ip"] for r in eve.find(all_records(), "flow", "lenscap.rule=quiet")]
        check(len(addresses) == len(set(addresses)) == 1500, f"{len(addresses)} records of {len(set(addresses))} addresses")
        check(not dropped_by_type(d), "records were dropped")
        return f"{len(addresses)} records in 11 files"


def fifo(d, cleanup):
    os.mkfifo(d.eve_path)
    os.chown(d.eve_path, uid(d), -1)
    d.copy_path = d.path("copy.json")
    with open(d.copy_path, "wb") as copy:
        d.reader = subprocess.Popen(["cat", d.eve_path], stdout=copy, stdin=subprocess.DEVNULL)

    def end():
        d.reader.kill()
        d.reader.wait(5)
        d.eve_path = d.copy_path
        with open(d.copy_path, "rb+") as f:  # the last line was in the pipe when the daemon ended without waiting for its reader
            f.truncate(f.read().rfind(b"\n") + 1)
    cleanup.callback(end)


@tests.add("the log is a pipe and its reader is stopped (SIGSTOP): told, nobody waits, alerts come when it goes on; the end does not wait for it")
def log_reader_stopped():
    with running(fifo) as (lab, d, watch):
        pipe, d.eve_path = d.eve_path, d.copy_path
        attempt(lab, CN)
        check_alerts(d, CN)
        os.kill(d.reader.pid, signal.SIGSTOP)
        noise(lab.camera, 0, 12000)
        attempt(lab, CN2 + CN3)
        said = watch.during()
        lost = wait_for(lambda: d.status()["outputs"][0]["dropped"], 5, "nothing was dropped, so nothing was tested")
        wait_for(lambda: problem(d).startswith("takes nothing"), 15, "status does not tell that nobody reads", 0.2)
        os.kill(d.reader.pid, signal.SIGCONT)
        check_alerts(d, CN2 + CN3)
        wait_for(lambda: not problem(d), 15, "the output does not work again", 0.2)
        kinds = wait_for(lambda: dropped_by_type(d), 5, "no record tells what was dropped")
        check("alert" not in kinds, f"alerts were dropped: {kinds}")
        os.kill(d.reader.pid, signal.SIGSTOP)
        noise(lab.camera, 12000, 400)
        watch.close()
        start = time.monotonic()
        check(d.stop() == 0, "the daemon does not end well")
        took = time.monotonic() - start
        check(took < 5, f"the end took {took:.1f} s")
        d.eve_path = pipe
        os.kill(d.reader.pid, signal.SIGCONT)
        d.eve_path = d.copy_path
        d.start()
        return f"{said}; {lost} records dropped, by type {kinds}; with the reader stopped the end took {took:.1f} s"


@tests.add("whoever reads the program's own messages is stopped: the pipe is full, and nobody waits for it")
def log_messages_unread():
    with gateway(policy(RULES, options=OPTIONS), start=False) as (lab, d), Server(lab.internet, 443):
        plain, d.stderr_path = d.stderr_path, d.path("messages")
        os.mkfifo(d.stderr_path)
        reader = os.open(d.stderr_path, os.O_RDONLY | os.O_NONBLOCK)
        writer = os.open(d.stderr_path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            try:
                d.spawn()
            finally:
                d.stderr_path = plain  # to read the pipe would be to wait for it
            wait_for(lambda: d.lenscap("status")[0] in (0, 10), 15, "the daemon is not ready", 0.2)
            watch = Watch(lab)
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(writer, b"x" * 4095 + b"\n")
            start = time.monotonic()
            for _ in range(5):
                d.reload()
            took = time.monotonic() - start
            said = watch.during()
            drain(reader)
            d.reload()
            rest = drain(reader)
            check("lines were lost: nobody read them" in rest, f"nobody tells what was lost: {rest[-500:]}")
            watch.close()
        finally:
            os.close(writer)
            code = d.stop()
            os.close(reader)
        check(code == 0, f"the daemon ended with {code}")
        return f"{said}; five reloads took {took:.1f} s meanwhile"


def drain(fd):
    out = b""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            out += os.read(fd, 65536)
        except BlockingIOError:
            time.sleep(0.05)
    return out.decode(errors="replace")


@tests.add("the log's disk hangs in the middle of a write: connections as fast as before, and all of it is written when the disk is back")
def log_disk_hangs():
    def hanging(d, cleanup):
        d.disk = cleanup.enter_context(SlowDisk(os.path.dirname(d.eve_path), uid(d)))

    with running(hanging) as (lab, d, watch):
        attempt(lab, CN)
        wait_for(lambda: CN[0].encode() in d.disk.content("eve.json"), 5, "nothing is written")
        d.disk.hang()
        noise(lab.camera, 0, 12000)
        attempt(lab, CN2 + CN3)
        check(d.disk.waits(), "no write waits, so nothing was tested")
        said = watch.during()
        wait_for(lambda: problem(d).startswith("takes nothing"), 15, "status does not tell that the disk hangs", 0.2)
        old = d.engine()
        d.disk.go_on()
        wait_for(lambda: all(h.encode() in d.disk.content("eve.json") for h in CN2 + CN3), 15, "the alerts", 0.2)
        wait_for(lambda: not problem(d), 15, "the output does not work again", 0.2)
        check(d.engine() == old, "the engine was replaced")
        lost = d.status()["outputs"][0]["dropped"]
        for line in d.disk.content("eve.json").decode().splitlines():
            check(line.startswith("{") and line.endswith("}"), f"a torn line: {line[:80]} … {line[-80:]}")
        return f"{said}; {lost} records dropped"


@tests.add("the disk takes 50 ms for each write: 3,000 records, no connection is slower and no record is lost")
def log_disk_slow():
    def slow(d, cleanup):
        d.disk = cleanup.enter_context(SlowDisk(os.path.dirname(d.eve_path), uid(d), delay_s=0.05))

    with running(slow) as (lab, d, watch):
        noise(lab.camera, 0, 3000)
        said = watch.during()
        wait_for(lambda: d.disk.content("eve.json").count(b'"dest_ip":"198.18.') >= 3000, 20, "3000 records", 0.3)
        check(d.status()["outputs"][0]["dropped"] == 0, "records were dropped")
        return f"{said}; {d.disk.writes} writes for {len(d.disk.content('eve.json')) >> 10} KiB"


def sanitizer():
    """The sanitizer's library where the programs are built with it: it wants to be loaded before all others."""
    if not sanitized():
        return []
    return [subprocess.run(["cc", "-print-file-name=libasan.so"], check=True, timeout=10, capture_output=True, text=True).stdout.strip()]


def build_clock(d):
    """The preloaded clock, and a function that shifts it."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock_shift.c")
    library, file = d.path("clock.so"), d.path("clock")
    subprocess.run(["cc", "-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
    with open(file, "wb") as f:
        f.write(struct.pack("q", 0))
    os.chmod(file, 0o644)

    def shift(seconds):
        with open(file, "r+b", buffering=0) as f:
            f.write(struct.pack("q", seconds))
    os.environ["LENSCAP_CLOCK_SHIFT"] = file
    os.environ["LD_PRELOAD"] = " ".join([*sanitizer(), library])
    return shift


@contextlib.contextmanager
def shifted_clock(text):
    """(lab, daemon, shift). Only the daemon runs with that clock."""
    with gateway(text, start=False) as (lab, d), Server(lab.internet, 443):
        shift = build_clock(d)
        try:
            d.spawn()
        finally:
            del os.environ["LD_PRELOAD"], os.environ["LENSCAP_CLOCK_SHIFT"]
        wait_for(lambda: d.lenscap("status")[0] in (0, 10), 15, "the daemon is not ready", 0.2)
        yield lab, d, shift


DAY = 86400


@tests.add("the clock jumps a day ahead, two days back and home again: records go on at their pace, connections too, quarantine keeps its length",
           alone=True)
def log_clock_jumps():
    with shifted_clock(policy(RULES, options="stats: 1s, rollup: 2s")) as (lab, d, shift):
        watch = Watch(lab)
        code, out, err = d.lenscap("quarantine", "02:00:00:00:00:77", "--for", "25s")
        check(code == 0, f"quarantine: {code} {out}{err}")
        begun = time.monotonic()
        counts = []
        for seconds, hosts in ((DAY, CN), (-DAY, CN2), (0, CN3)):
            before = len(d.records())
            shift(seconds)
            wait_for(lambda: abs(stamp(d.records("stats")[-1]) - time.time() - seconds) < 10, 8, f"stats do not go on after {seconds} s", 0.1)
            attempt(lab, hosts)
            check_alerts(d, hosts)
            said = watch.during()
            time.sleep(2.5)
            counts.append(len(d.records()) - before)
            uptime = d.status()["uptime_s"]
            check(0 <= uptime < 300, f"it says that it runs since {uptime} s\n{d.log()}")
        check(max(counts) < 400, f"a flood of records: {counts}")
        check("the clock was set by" in d.log(), "nobody tells of it")
        left = begun + 25 - time.monotonic()
        if left > 1:
            check(quarantined(d) == 1, "the quarantine ended early")
        wait_for(lambda: quarantined(d) == 0, max(left, 0) + 10, "the quarantine never ends", 0.3)
        took = time.monotonic() - begun
        watch.close()
        return f"{said}; records in each interval {counts}; a quarantine of 25 s took {took:.0f} s"


def quarantined(d):
    code, out, err = d.lenscap("quarantine", "--json")
    check(code == 0, f"quarantine: {code} {out}{err}")
    return len(json.loads(out))


def stamp(record):
    return datetime.datetime.fromisoformat(record["timestamp"]).timestamp()


@tests.add("the clock jumps into hours that a rule names, and out of them: the rule follows at once", alone=True)
def log_clock_schedule():
    now = time.gmtime()
    hour = (now.tm_hour + 3) % 24
    rule = ('rules:\n  - {name: hours, from: cameras, to: {country: "NO"}, action: allow, when: {time: "%02d:00-%02d:59", zone: UTC}}\n'
            "default: {action: block, alert: medium}\n" % (hour, hour))
    with shifted_clock(policy(rule, options="stats: 1s, deny-memory: 1s")) as (lab, d, shift):
        check(tcp(lab.camera, NO[0], 443, timeout=0.3) == "timeout", "the rule holds outside its hours")
        shift((hour - now.tm_hour) % 24 * 3600)
        wait_for(lambda: tcp(lab.camera, NO[0], 443, timeout=0.3) == "answered", 5, "the rule does not hold in its hours")
        shift(-DAY)
        wait_for(lambda: tcp(lab.camera, NO[0], 443, timeout=0.3) == "timeout", 5, "the rule goes on after the clock was set back")
        return "followed both jumps"
