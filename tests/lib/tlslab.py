# SPDX-License-Identifier: GPL-2.0-or-later
"""
A gateway whose policy lets a camera speak TLS to one name and nothing else; one router farther, a TLS server.

    cam-1 ── gateway ── router (capture, resolver) ── server

Nothing is masqueraded, so that what arrives still shows who sent it.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys

import daemon
import lab as lab_module
import speech
from netcase import CN, HEAD, NO, TAIL
from result import Skip, check

HERE = os.path.dirname(os.path.abspath(__file__))
SUSPECT = ("10.20.0.200", "fd20::200")  # cam-1's other addresses
RESOLVER = lab_module.FAR_V4
RULES = f"""\
rules:
  - {{name: names, from: cameras, to: {{address: {RESOLVER}}}, port: udp/53, protocol: dns, query: ["*.example"], action: allow}}
  - {{name: hidden, from: cameras, to: any, ech: true, action: block}}
  - {{name: good, from: cameras, to: {{name: ["allowed.example"]}}, protocol: tls, action: allow}}
default: {{action: block, alert: medium}}
"""


def policy(options="rollup: 2s"):
    return f"{HEAD}mode: enforce\nfail: closed\n{RULES}options: {{{options}}}\n{TAIL}"


def wire_server(lab):
    """The server's namespace behind the internet's, which forwards."""
    server = lab.namespace("server")
    lab.internet.ip(f"link add srv0 type veth peer name eth0 netns {server.name}", "link set srv0 up", "addr add 192.0.3.1/24 dev srv0",
                    "addr add 2001:db8:fffe::1/64 dev srv0 nodad")
    server.ip("link set eth0 up", "addr add 192.0.3.2/24 dev eth0", "addr add 2001:db8:fffe::2/64 dev eth0 nodad")
    server.ip("route add default via 192.0.3.1", "route add ::/0 via 2001:db8:fffe::1",
              *(f"addr add {a}/128 dev eth0 nodad" if ":" in a else f"addr add {a}/32 dev eth0" for a in (*NO, *CN)))
    lab.internet.ip("route add 10.20.0.0/16 via 192.0.2.1", "route add fd20::/64 via 2001:db8:ffff::1",
                    *(f"route add {a} via {'2001:db8:fffe::2' if ':' in a else '192.0.3.2'}" for a in (*NO, *CN)))
    lab.internet.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    return server


def wire_suspect(lab):
    """cam-1's other addresses, whose TCP is a program's: the kernel must not hear of it."""
    lab.camera.ip(f"addr add {SUSPECT[0]}/16 dev eth0", f"addr add {SUSPECT[1]}/64 dev eth0 nodad")
    lab.camera.run("nft", "-f", "-", data=f"""table inet own {{ chain deaf {{ type filter hook input priority 0;
        ip daddr {SUSPECT[0]} meta l4proto {{ tcp, udp }} drop; ip6 daddr {SUSPECT[1]} meta l4proto {{ tcp, udp }} drop; }}; }}\n""")


def start_resolver(lab):
    start_resolver_for(lab, (("allowed.example", NO), ("other.example", CN)))


def start_resolver_for(lab, names):
    """names: (name, its addresses)."""
    words = [f"--address=/{name}/{a}" for name, pair in names for a in pair]
    try:
        lab.internet.start("dnsmasq", "-k", "-C", "/dev/null", "--pid-file=", "--no-resolv", "--no-hosts", "--user=root", "--port=53",
                           f"--listen-address={RESOLVER}", "--bind-interfaces", *words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except FileNotFoundError as e:
        raise Skip(f"no dnsmasq: {e}") from e


def ask(lab, name, kind="ask"):
    """The camera asks for a name and gets an answer, or nothing within a second."""
    with lab.camera.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((lab.v4["cam-1"], 0))
        s.settimeout(0.5)
        for _ in range(4):
            try:
                s.sendto(speech.say(f"{kind}:{name}"), (RESOLVER, 53))
                return s.recv(2048)
            except OSError:
                pass
    return b""


def certificate(directory):
    key, cert = (os.path.join(directory, n) for n in ("tls.key", "tls.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=allowed.example", "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=30)
    return cert, key


class TlsServer:
    def __init__(self, namespace, directory, port=443):
        self.process = namespace.start(sys.executable, os.path.join(HERE, "tlsserver.py"), *certificate(directory), str(port), *SUSPECT,
                                       stdout=subprocess.PIPE, text=True)
        check(self.process.stdout.readline() == "ready\n", "the TLS server does not start")
        self.namespace = namespace

    def report(self):
        """Stops it: {"accepted", "handshakes", "suspects": [(address, port, hex)]}."""
        os.kill(self.process.pid, signal.SIGTERM)
        out, _ = self.process.communicate(timeout=20)
        self.namespace.processes.remove(self.process)
        return json.loads(out)


def start_clients(lab, count, gap_ms=0, addresses=NO, name="allowed.example"):
    sources = f"{lab.v4['cam-1']},{lab.v6['cam-1']}"
    return lab.camera.start(sys.executable, os.path.join(HERE, "tlsclient.py"), str(count), name, "443", str(gap_ms), sources, *addresses,
                            stdout=subprocess.PIPE, text=True)


def finish_clients(lab, process, timeout=120):
    out, _ = process.communicate(timeout=timeout)
    lab.camera.processes.remove(process)
    check(process.returncode == 0, f"the client ended with {process.returncode}")
    return json.loads(out)


@contextlib.contextmanager
def tls_gateway(start=True, text=None):
    """(lab, daemon, TlsServer): running, and the camera has asked for both names."""
    with lab_module.Lab(cameras=("cam-1",), masquerade=False) as lab:
        far = wire_server(lab)
        wire_suspect(lab)
        start_resolver(lab)
        d = daemon.Daemon(lab, text or policy())
        try:
            if start:
                d.start()
            server = TlsServer(far, d.directory)
            for name in ("allowed.example", "other.example"):
                check(ask(lab, name) and ask(lab, name, "ask6"), f"no answer for {name}\n{d.log()}")
            yield lab, d, server
        finally:
            d.close()
