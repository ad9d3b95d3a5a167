# SPDX-License-Identifier: GPL-2.0-or-later
"""
The examples of the pages and of the README, run as they stand: the standard paths are those of a daemon in a network of namespaces that has
seen two cameras, and of the directory that it works in.
"""

import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile

import daemon
import lab as lab_module
import netcase
import pages
import traffic
from cameras.hikvision import Lts
from daemon import BUILD, wait_for
from result import Skip, check

MACS = {"cam-gate-1": "ac:cc:8e:00:00:01", "cam-dock-3": "44:19:b6:00:00:21"}
DEVICES = "".join(f'  - {{name: {n}, mac: "{m}", brand: {b}}}\n' for (n, m), b in zip(MACS.items(), ("Axis", "LTS")))
POLICY = f"""\
version: 1
mode: enforce
fail: closed
zones:
  cameras: {{interfaces: [cam0], networks: ["10.20.0.0/16", "fd20::/64"]}}
unknown-devices: block
devices:
{DEVICES}{netcase.OPEN_TO_NO}{netcase.TAIL}"""
PROGRAMS = {"lenscap", "lenscapd", "jq", "echo", "tcpdump", "unshare", "sqlite3", "nc"}
ENDLESS = {"tcpdump", "lenscapd", "unshare"}
# What may also be said, beside 0. A status is degraded where a database of this machine is old.
ALLOWED = {"lenscap status": {10}, "lenscap check": {0}}
LIMIT_S = 20


def shell_lines(block):
    """The commands of a block; nothing where it is something else than commands."""
    lines = [line.strip() for line in re.sub(r"(\\|\|)\n\s*", lambda m: "| " if m[1] == "|" else "", block).splitlines() if line.strip()]
    return lines if lines and all(line.split()[0] in PROGRAMS for line in lines) else []


class Place:
    """A daemon that has something to tell, and a directory in which the standard paths are."""

    def __init__(self, lab):
        self.lab, self.d = lab, daemon.Daemon(lab, POLICY)
        self.work = tempfile.mkdtemp(prefix="lenscap-man-")
        os.chmod(self.work, 0o755)
        self.bin = os.path.join(self.work, "bin")
        os.mkdir(self.bin)
        self.wrap("lenscap", f'exec "{BUILD}/lenscap" --run-dir "{self.d.path("run")}" "$@"')
        fresh = os.path.join(self.work, "own")
        os.mkdir(fresh)
        alone = lab_module.in_user_namespace()
        self.wrap("lenscapd", f'exec "{BUILD}/lenscapd" {"--user root" if alone else ""} --run-dir "{fresh}/run" --state-dir "{fresh}/state" "$@"')
        shutil.copy(self.d.policy_path, os.path.join(self.work, "lenscap.yaml"))

    def wrap(self, name, text):
        path = os.path.join(self.bin, name)
        with open(path, "w") as f:
            f.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    def close(self):
        self.d.close()
        shutil.rmtree(self.work, ignore_errors=True)

    def local(self, line):
        """The line with this place's paths."""
        line = re.sub(r"^lenscap check(?=$| &&| -)", "lenscap check /etc/lenscap/lenscap.yaml", line)
        ours = {"/etc/lenscap": self.d.directory, "/run/lenscap": self.d.path("run"), "/var/log/lenscap": self.d.path("log"),
                "/tmp/lenscap": os.path.join(self.work, "try"), "eth1": "cam0"}
        line = re.sub("(?<![a-z])(" + "|".join(map(re.escape, ours)) + ")(?![a-z])", lambda m: ours[m[0]], line)
        return re.sub(r"(?<!/)\beve\.json", self.d.eve_path, line)

    def start(self, line, **named):
        environment = {**os.environ, "PATH": self.bin + ":" + os.environ["PATH"]}
        return self.lab.gateway.start("sh", "-c", "exec " + line if line.split()[0] in ENDLESS else line, cwd=self.work, env=environment,
                                      text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **named)

    def finished(self, line):
        """Runs a line; it must end well. What it takes over was edited, as whoever types that has done."""
        if "reload" in line:
            with open(self.d.policy_path, "a") as f:
                f.write("# edited\n")
        p = self.start(self.local(line))
        try:
            out, err = p.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
            raise AssertionError(f"{line}\nnot within {LIMIT_S} s") from None
        key = " ".join(line.split()[:2])
        check(p.returncode in {0, *ALLOWED.get(key, ())}, f"{line}\nexit status {p.returncode}\n{out}{err}")
        check("no such" not in err and "usage:" not in err, f"{line}\n{err}")
        return out + err

    def endless(self, line, ready):
        """Runs a line until it says `ready`, or is there for a while, and Ctrl-C ends it."""
        p = self.start(self.local(line))
        said = ""
        try:
            os.set_blocking(p.stderr.fileno(), False)

            def heard():
                nonlocal said
                with contextlib.suppress(BlockingIOError):
                    said += os.read(p.stderr.fileno(), 65536).decode(errors="replace")
                return re.search(ready, said) or p.poll() is not None
            wait_for(heard, LIMIT_S, f"{line}: not ready\n{said}")
            check(p.poll() is None, f"{line}\nended with {p.returncode}\n{said}")
            yield
        finally:
            if p.poll() is None:
                p.send_signal(signal.SIGINT)
            p.communicate(timeout=LIMIT_S)


@contextlib.contextmanager
def network():
    with lab_module.Lab(cameras=tuple(MACS), macs=MACS, hosts=(*netcase.HOSTS, "203.0.113.77")) as lab:
        place = Place(lab)
        try:
            yield lab, place
        finally:
            place.close()


def live_traffic(lab, d):
    """Allowed and blocked flows of both cameras, and a camera that says who it is."""
    for who in MACS:
        traffic.connect(lab.cameras[who], netcase.NO[0], 443, 1)
        traffic.connect(lab.cameras[who], netcase.CN[0], 443, 0.3)
    for who in MACS:
        d.wait_record("alert", f"lenscap.device.name={who}")


def lines_of(*names):
    return [(n, line) for n in names for block in pages.Page(n).examples() for line in shell_lines(block)]


def is_endless(line):
    words = line.split()
    return words[0] in ENDLESS and "-n" not in words


def try_daemon(lab, place, line):
    """A daemon that is started by hand: ready, and gone at Ctrl-C."""
    if line.startswith("unshare"):
        if subprocess.run(["unshare", "-Urn", "true"], capture_output=True, timeout=10).returncode:
            return "no user namespaces here: not tried: " + line
        # nsenter stands before it, and its root owns nothing of ours: the policy must name what it may write.
    for _ in place.endless(line, r"ready|judges|watching|is in force"):
        pass
    return "ran: " + line


def register(tests, run):
    try:
        lab_module.enter_user_namespace()
        here = True
    except Skip:
        here = False

    @tests.add("the examples of lenscapd(8) run: it checks, it starts, it stops")
    def man_run_daemon():
        if not here:
            raise Skip("neither root nor user namespaces")
        seen = []
        with network() as (lab, place):
            for _, line in lines_of("lenscapd.8"):
                seen.append(try_daemon(lab, place, line) if is_endless(line) else place.finished(line))
        check(len(seen) >= 4, seen)

    @tests.add("the command lines among the examples of all other pages run against a daemon that has seen two cameras")
    def man_run_commands():
        if not here:
            raise Skip("neither root nor user namespaces")
        missing = [p for p in ("jq", "nc", "tcpdump") if not shutil.which(p)]
        if missing:
            raise Skip(f"no {missing}: tests/deps")
        with network() as (lab, place), traffic.Server(lab.internet, 443):
            place.d.start()
            dock = Lts(lab.cameras["cam-dock-3"], lab.v4["cam-dock-3"], MACS["cam-dock-3"], directory=place.work)
            try:
                live_traffic(lab, place.d)
                seen = play(lab, place)
                left_files(place.d)
            finally:
                dock.close()
        check(seen >= 25, f"only {seen} examples")
        return f"{seen} command lines" + ("; without tcpdump and what replays its file: no root" if lab_module.in_user_namespace() else "")

    @tests.add("the addition of lenscap-catalogue(5) is one, and a policy may name its maker")
    def man_run_catalogue():
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "catalogue.d"))
            blocks = [b for b in pages.Page("lenscap-catalogue.5").examples() if b.startswith("# lenscap-catalogue 1 ")]
            check(len(blocks) >= 2, blocks)
            for n, text in enumerate(blocks):
                with open(os.path.join(folder, "catalogue.d", f"{n}.tsv"), "w") as f:
                    f.write(text)
            with open(os.path.join(folder, "lenscap.yaml"), "w") as f:
                f.write("version: 1\nmode: monitor\nzones:\n  cameras: {interfaces: [cam0]}\nrules:\n"
                        "  - {name: d, from: {maker: depot-cams}, to: {cloud: depot-cams}, action: block}\ndefault: block\n")
            code, out, err = run(os.path.join(BUILD, "lenscap"), "check", os.path.join(folder, "lenscap.yaml"))
            check(code == 0, out + err)

    @tests.add("tables that the README shows have the columns that the commands print")
    def man_run_captures():
        if not here:
            raise Skip("neither root nor user namespaces")
        shown = {b.split("\n", 1)[0].removeprefix("$ "): b.split("\n")[1:] for block in
                 re.findall(r"^```\w*\n(\$ .*?)^```", pages.read("README.md"), re.M | re.S) for b in [block]}
        wanted = [c for c in shown if c.startswith(("lenscap devices", "lenscap top", "lenscap explain", "lenscap tail"))]
        check({w.split()[1] for w in wanted} == {"devices", "top", "explain", "tail"}, f"the README shows {sorted(shown)}")
        with network() as (lab, place), traffic.Server(lab.internet, 443):
            place.d.start()
            live_traffic(lab, place.d)
            for line in wanted:
                out = place.finished(re.sub(r" -d \d+", " -d 1", line)).splitlines()
                check(alike(line, shown[line], out), f"{line}\nthe README shows:\n" + "\n".join(shown[line]) + "\nit says:\n" + "\n".join(out))


def in_order(few, many):
    """A terminal leaves columns out; those that are there are these, in this order."""
    rest = iter(many)
    return len(few) > 3 and all(w in rest for w in few)


def alike(line, shown, out):
    """The header of a table is one of the lines; explain has the same headings; a record's line has the same shape."""
    command = line.split()[1]
    if command == "explain":
        return [w for w in ("device", "dest", "geo") if any(re.match(rf"  {w} ", x) for x in shown) != any(re.match(rf"  {w} ", x) for x in out)] == []
    if command == "tail":
        shape = re.compile(r"\d\d:\d\d:\d\d \w+ +[A-Z]* ")
        return bool(shown) and all(shape.match(x) for x in (x for x in shown + out if x))
    heads = [x.split() for x in out if re.match(r"(NAME|asn|device|country) ", x)]
    return any(in_order(x.split(), head) for x in shown if x for head in heads)


def left_files(d):
    """Whatever the daemon has in its directories is told of under FILES."""
    told = set(re.findall(r"/(?:run|var/lib)/lenscap/([\w.*-]+)|^\.Pa (state\.db-\w+)", pages.Page("lenscapd.8").section("FILES"), re.M))
    told = {a or b for a, b in told}
    there = set(os.listdir(d.path("run"))) | set(os.listdir(d.path("state")))
    check({"lock", "control.sock", "plan", "engine", "history", "quarantine"} <= there, f"only {sorted(there)}")
    check(there <= told, f"lenscapd(8) does not tell of {sorted(there - told)}")


def play(lab, place):
    seen, alone = 0, lab_module.in_user_namespace()
    for page, line in lines_of(*(p for p in pages.names() if p != "lenscapd.8")):
        if alone and "cameras.pcap" in line:
            continue  # tcpdump wants to become another user, and a user namespace knows none: play()'s caller says so
        seen += 1
        try:
            if line.startswith("tcpdump"):
                for _ in place.endless(line, r"listening on"):
                    traffic.connect(lab.camera, netcase.NO[0], 443, 1)
                    wait_for(lambda: any(f.endswith(".pcap") and os.path.getsize(os.path.join(place.work, f)) > 0
                                         for f in os.listdir(place.work)), 5, "no capture")
            else:
                place.finished(line)
        except AssertionError as e:
            raise AssertionError(f"{page}: {e}") from e
    return seen

