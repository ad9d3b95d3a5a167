# SPDX-License-Identifier: GPL-2.0-or-later
"""lenscap vet against simulated devices: it names what listening cannot, keeps to its zones and to its pace, and says no password."""

import json
import os
import pwd
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import cameralab
import daemon
import lab as lab_module
from cameralab import DEVICES
from daemon import wait_for
from netcase import tests
from result import check

ETH_P_ALL, PACKET_OUTGOING, SO_TIMESTAMPNS = 3, 4, 35
SECRETS = (b"assword", b"uthorization:", b"WSSE", b"&&", b"admin")


class Place:
    """The network, the policy's file, and what vet says."""

    def __init__(self, rows):
        self.rows = rows
        self.directory = tempfile.mkdtemp(prefix="lenscap-vet-")
        self.policy = os.path.join(self.directory, "lenscap.yaml")
        with open(self.policy, "w") as f:
            f.write(cameralab.head(rows) + "default: {action: block, alert: none}\n")

    def __enter__(self):
        self.network = cameralab.network(self.rows)
        self.lab = self.network.__enter__()
        try:
            self.running = cameralab.devices(self.lab, self.rows, self.directory, quiet=True)
            self.devices = self.running.__enter__()
        except BaseException:
            self.network.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        self.running.__exit__(None, None, None)
        self.network.__exit__(None, None, None)
        shutil.rmtree(self.directory, ignore_errors=True)

    def vet(self, *words, timeout=60):
        words = self.lab.gateway.command(os.path.join(daemon.BUILD, "lenscap"), "vet", "-c", self.policy, *words)
        p = subprocess.run(words, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
        return p.returncode, p.stdout, p.stderr

    def ask(self, who, *words, timeout=60):
        code, out, err = self.vet(who, "--json", *words, timeout=timeout)
        check(code == 0, f"vet {who}: {code}\n{out}{err}")
        return json.loads(out)["devices"]


class Tap:
    """What leaves the gateway towards the cameras: [(kernel's time, frame)], without ARP."""

    def __init__(self, ns):
        self.socket = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("cam0", ETH_P_ALL))
        self.socket.setblocking(False)

    def datagram(self):
        """The next frame, if it is a datagram that goes out."""
        try:
            data, (_, _, kind, _, _) = self.socket.recvfrom(65536)
        except BlockingIOError:
            return None
        return data if kind == PACKET_OUTGOING and data[12:14] == b"\x08\0" and data[23] == 17 else None

    def close(self):
        out = []
        while True:
            try:
                data, extra, _, (_, _, kind, _, _) = self.socket.recvmsg(65536, 64)
            except BlockingIOError:
                break
            if kind == PACKET_OUTGOING and data[12:14] in (b"\x08\0", b"\x86\xdd") and not self.is_icmp6(data):
                s, ns = struct.unpack("qq", next(e[2] for e in extra if e[1] == SO_TIMESTAMPNS)[:16])
                out.append((s + ns / 1e9, data))
        self.socket.close()
        return out

    @staticmethod
    def is_icmp6(data):
        """Neighbour discovery and listener reports are the kernel's."""
        return data[12:14] == b"\x86\xdd" or data[23] == 2


def busiest_second(frames):
    times = [t for t, _ in frames]
    most, first = 0, 0
    for i, t in enumerate(times):
        while t - times[first] >= 1:
            first += 1
        most = max(most, i - first + 1)
    return most


@tests.add("asked one by one, every camera names its maker, also those that listening cannot tell; a printer and a laptop stay unknown")
def vet_names():
    with Place(DEVICES) as place:
        found = {}
        with ThreadPoolExecutor(6) as pool:
            answers = pool.map(lambda r: place.vet(place.lab.v4[r.name], "--json", "--timeout", "1"), DEVICES)
        for r, (code, out, err) in zip(DEVICES, answers):
            check(code in (0, 1), f"{r.name}: {code}\n{out}{err}")
            answer = json.loads(out)["devices"]
            check(len(answer) <= 1, f"{r.name}: more than one device: {answer}")
            found[r.name] = answer[0]["maker"] if answer else ""
            if r.vet and found[r.name] != r.vet:
                print(f"{r.name}: {json.dumps(answer, indent=1)[:3000]}")
        _, recall, wrong = cameralab.report(found, "vet")
        check(not wrong, f"wrong makers: {wrong}")
        missing = {r.name: r.vet for r in DEVICES if r.vet and found[r.name] != r.vet}
        check(not missing, f"not found: {missing}")
        return f"recall {recall:.2f}"


@tests.add("the answer carries maker, score, model, serial number, firmware and evidence; the label that names somebody else is told")
def vet_says():
    rows = [r for r in DEVICES if r.name == "cam-lts"]
    with Place(rows) as place:
        d = place.ask(place.lab.v4["cam-lts"], "--timeout", "1")[0]
        check(d["maker"] == "hikvision" and d["covered"] and d["unmasked"] and d["score"] >= 70, f"{d}")
        check(d["label"] == "LTS" and d["model"] == "CMIP9342W-28M" and d["serial"].startswith("CMIP9342W") and d["firmware"].startswith("V5.7.3"), f"{d}")
        check(d["mac"] == rows[0].mac and {"sadp", "http", "rtsp", "tls"} <= set(d["answered"]), f"{d}")
        check(d["evidence"] and all(e["channel"] and e["weight"] for e in d["evidence"]), f"{d}")
        code, out, err = place.vet(place.lab.v4["cam-lts"], "--timeout", "1")
        check(code == 0 and "COVERED" in out and "UNMASKED" in out and "Hikvision" in out, f"{code}\n{out}{err}")


@tests.add("a whole segment: one question to everybody finds who answers, and each is asked by itself")
def vet_segment():
    rows = [r for r in DEVICES if r.name in ("cam-lts", "cam-lorex", "dvr-xm", "nvr-tvt", "cam-hanwha", "cam-axis", "printer")]
    with Place(rows) as place:
        found = {d["address"]: d["maker"] for d in place.ask("cam0", "--timeout", "2", timeout=120)}
        for r in rows:
            address = place.lab.v4[r.name]
            check(not r.vet or found.get(address) == r.vet, f"{r.name} {address}: {found}")
        check(not found.get(place.lab.v4["printer"]), f"the printer: {found}")


@tests.add("outside the camera zones nothing is asked, not one packet, until --force; who has no policy is refused as well")
def vet_refuses():
    rows = [r for r in DEVICES if r.name == "cam-axis"]
    with Place(rows) as place:
        place.lab.gateway.ip("addr add 10.99.0.1/24 dev cam0")
        place.lab.cameras["cam-axis"].ip("addr add 10.99.0.7/24 dev eth0")
        tap = Tap(place.lab.gateway)
        code, out, err = place.vet("10.99.0.7")
        check(code == 4 and "no camera zone" in err, f"{code} {out}{err}")
        code, out, err = place.vet("wan0")
        check(code == 4 and "no camera zone" in err, f"{code} {out}{err}")
        words = place.lab.gateway.command(os.path.join(daemon.BUILD, "lenscap"), "vet", "-c", "/nonexistent.yaml", place.lab.v4["cam-axis"])
        p = subprocess.run(words, capture_output=True, text=True, timeout=30)
        check(p.returncode == 4, f"without a policy: {p.returncode} {p.stderr}")
        check(place.vet()[0] == 2 and place.vet("nowhere0")[0] == 2 and place.vet("10.20.0.11", "--timeout", "0")[0] == 2, "usage")
        frames = tap.close()
        check(not frames, f"{len(frames)} packets went out all the same")
        code, out, err = place.vet("10.99.0.7", "--force", "--timeout", "1", "--json")
        check(code == 0 and json.loads(out)["devices"][0]["maker"] == "axis", f"forced: {code} {out}{err}")


@tests.add("nobody there: exit 1, and it ends in time")
def vet_nobody():
    rows = [r for r in DEVICES if r.name == "cam-axis"]
    with Place(rows) as place:
        begin = time.monotonic()
        code, out, err = place.vet("10.20.0.200", "--timeout", "1")
        check(code == 1 and "nothing answered" in err, f"{code} {out}{err}")
        check(time.monotonic() - begin < 20, f"{time.monotonic() - begin:.1f} s")


@tests.add("while it asks it has no capability, can gain none, and is nobody wherever there is a nobody")
def vet_unprivileged():
    rows = [r for r in DEVICES if r.name == "cam-axis"]
    with Place(rows) as place:
        tap = Tap(place.lab.gateway)
        words = place.lab.gateway.command(os.path.join(daemon.BUILD, "lenscap"), "vet", "-c", place.policy, "--json", place.lab.v4["cam-axis"])
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as p:
            try:
                wait_for(tap.datagram, 10, "a question of it")
                with open(f"/proc/{p.pid}/status") as f:
                    status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
            finally:
                out, err = p.communicate(timeout=60)
        check(p.returncode == 0, f"{p.returncode} {out} {err}")
        for key in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            check(int(status[key], 16) == 0, f"{key}: {status[key]}")
        check(status["NoNewPrivs"] == "1", f"{status['NoNewPrivs']}")
        if not lab_module.in_user_namespace():
            nobody = str(pwd.getpwnam("nobody").pw_uid)
            check(set(status["Uid"].split()) == {nobody} and not status["Groups"].strip(), f"{status['Uid']} {status['Groups']}")
        tap.close()


@tests.add("at most 20 packets in any second, one connection at a time, and never a password")
def vet_pace():
    rows = [r for r in DEVICES if r.name in ("cam-lts", "cam-lorex")]
    with Place(rows) as place:
        tap = Tap(place.lab.gateway)
        place.ask("cam0", "--timeout", "1")
        frames = tap.close()
        check(len(frames) > 40, f"only {len(frames)} packets were seen")
        most = busiest_second(frames)
        check(most <= 20, f"{most} packets in one second")
        said = b"".join(f for _, f in frames)
        check(not [w for w in SECRETS if w in said], f"{[w for w in SECRETS if w in said]}")
        opening = [f for _, f in frames if f[23] == 6 and f[47] & 0x12 == 2]
        check(len(opening) >= 10, f"{len(opening)} connections")
        return f"{most} packets in the busiest second of {frames[-1][0] - frames[0][0]:.0f}"
