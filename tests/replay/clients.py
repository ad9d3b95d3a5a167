#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
What real programs say to real servers, captured in namespaces with no way out, must get its right name from `lenscap replay`.

    tests/replay/clients.py [PATTERN …]      BUILD names the directory of the programs; root, or user namespaces

A program that this machine lacks is a skip that names its package.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "lib")]

import lab as lab_module  # noqa: E402
from result import Skip, Tests, check  # noqa: E402

BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
SERVER, SERVER6 = "203.0.113.9", "2001:db8:9::9"
tests = Tests()


class Stage:
    """One camera, one host of the internet, and a capture on the camera's wire."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="lenscap-clients-")
        os.chmod(self.directory, 0o755)
        self.lab = lab_module.Lab(cameras=("cam-1",), masquerade=False, hosts=(SERVER, SERVER6))
        self.lab.internet.ip(f"route add 10.20.0.0/16 via {lab_module.WAN_V4}", f"route add fd20::/64 via {lab_module.WAN_V6}")
        self.camera, self.far = self.lab.camera, self.lab.internet
        self.started = 0
        self.certificate()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), 0o644)
        return self.path(name)

    def certificate(self):
        if shutil.which("openssl"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                            "-subj", "/CN=secure.example", "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")],
                           check=True, capture_output=True, timeout=30)

    def serve(self, *words, tcp=None, udp=None):
        """A server; returns when its port is open."""
        self.started += 1
        with open(self.path(f"server-{self.started}.log"), "wb") as log:
            p = self.far.start(*words, stdout=log, stderr=log, cwd=self.directory)
        deadline = time.monotonic() + 10
        while not self.listens(tcp, udp):
            with open(log.name, errors="replace") as f:
                check(p.poll() is None and time.monotonic() < deadline, f"{words[0]} does not listen: {f.read()[-500:]}")
            time.sleep(0.05)
        return p

    def listens(self, tcp, udp):
        port, tables, state = (tcp, ("tcp", "tcp6"), "0A") if tcp else (udp, ("udp", "udp6"), "07")
        for table in tables:
            for line in self.far.read(f"/proc/thread-self/net/{table}").splitlines()[1:]:
                cells = line.split()
                if int(cells[1].rpartition(":")[2], 16) == port and cells[3] == state:
                    return True
        return False

    def say(self, *words, data="", codes=(0,), patience=None):
        """A client on the camera's side. patience: it never ends by itself, and is stopped after so many seconds."""
        try:
            p = subprocess.run(self.camera.command(*words), input=data, capture_output=True, text=True, errors="replace", cwd=self.directory,
                               timeout=patience or 20)
        except subprocess.TimeoutExpired:
            if not patience:
                raise
            return ""
        check(codes is None or p.returncode in codes, f"{words[0]}: exit code {p.returncode}: {p.stderr[-400:]}{p.stdout[-200:]}")
        return p.stdout

    def capture(self, act):
        """The rows of what passed on the camera's wire during act()."""
        path = self.path("capture.pcap")
        dump = subprocess.Popen(self.camera.command("tcpdump", "-i", "eth0", "-s", "0", "-U", "--immediate-mode", "-Z", "root", "-w", path),
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            dump.stderr.readline()  # "listening on …"
            act()
            time.sleep(0.15)
        finally:
            dump.terminate()
            dump.wait(10)
            dump.stderr.close()
        p = subprocess.run([os.path.join(BUILD, "lenscap"), "replay", path, "--labels"], capture_output=True, text=True, timeout=60)
        check(p.returncode == 0, p.stderr)
        return [line.split("\t") for line in p.stdout.splitlines()[1:]]

    def close(self):
        self.lab.close()
        shutil.rmtree(self.directory, ignore_errors=True)


stage = None


def need(*programs):
    """(program, package) pairs; Skip names what is missing."""
    for program, package in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not here: package {package}")


def speaks(act, transport, port, protocol, name=None, ja4=None):
    """Every flow that the camera opened to this port has this name. Returns their rows."""
    everything = stage.capture(act)
    rows = [r for r in everything if r[0] == transport and (port is None or r[4] == str(port)) and r[3] in (SERVER, SERVER6)]
    check(rows, f"no flow to {transport}/{port} in {everything}")
    check(all(r[5] == protocol for r in rows), f"expected {protocol}: {rows}")
    check(name is None or all(r[6] == name for r in rows), f"expected the name {name}: {rows}")
    check(ja4 is None or all(r[7].startswith(ja4) for r in rows), f"expected JA4 {ja4}…: {rows}")
    return rows


CURL = ("curl", "curl")


def curl(*words, **named):
    return stage.say("curl", "-sS", "-m", "10", "-o", "/dev/null", *words, **named)


@tests.add("curl and Python's web server: http")
def http():
    need(CURL)
    stage.serve(sys.executable, "-m", "http.server", "8081", "--bind", SERVER, tcp=8081)
    speaks(lambda: curl("--resolve", f"plain.example:8081:{SERVER}", "http://plain.example:8081/"), "tcp", 8081, "http", "plain.example")


def nginx():
    need(CURL, ("nginx", "nginx-light"), ("openssl", "openssl"))
    if stage.listens(8443, None):
        return
    here = stage.directory
    conf = stage.write("nginx.conf", f"""daemon off; pid {here}/nginx.pid; error_log stderr; user root;
events {{}}
http {{
  access_log off; client_body_temp_path {here}/n1; proxy_temp_path {here}/n2; fastcgi_temp_path {here}/n3;
  uwsgi_temp_path {here}/n4; scgi_temp_path {here}/n5;
  server {{ listen {SERVER}:8443 ssl http2; listen [{SERVER6}]:8443 ssl http2; ssl_certificate cert.pem; ssl_certificate_key key.pem;
    location / {{ return 200 ok; }} }}
  server {{ listen {SERVER}:8082 http2; location / {{ return 200 ok; }} }}
}}
""")
    stage.serve("nginx", "-p", here, "-e", "stderr", "-c", conf, tcp=8443)


@tests.add("curl and nginx over TLS with HTTP/2: tls, its name, its JA4")
def https():
    nginx()
    speaks(lambda: curl("-k", "--http2", "--resolve", f"secure.example:8443:{SERVER}", "https://secure.example:8443/"), "tcp", 8443, "tls",
           "secure.example", "t13d")


@tests.add("the same over IPv6")
def https_v6():
    nginx()
    speaks(lambda: curl("-k", "--http2", "--resolve", f"secure.example:8443:{SERVER6}", "https://secure.example:8443/"), "tcp", 8443, "tls",
           "secure.example", "t13d")


@tests.add("curl and nginx with HTTP/2 in clear: http2")
def http2():
    nginx()
    speaks(lambda: curl("--http2-prior-knowledge", f"http://{SERVER}:8082/"), "tcp", 8082, "http2")


def s_client(version, port):
    stage.say("openssl", "s_client", version, "-connect", f"{SERVER}:{port}", "-servername", "told.example", data="Q\n")


@tests.add("openssl s_client, TLS 1.2: tls with the name that it told")
def tls12():
    need(("openssl", "openssl"))
    stage.serve("openssl", "s_server", "-accept", f"{SERVER}:9442", "-cert", "cert.pem", "-key", "key.pem", "-tls1_2", "-quiet", tcp=9442)
    speaks(lambda: s_client("-tls1_2", 9442), "tcp", 9442, "tls", "told.example", "t12d")


@tests.add("openssl s_client, TLS 1.3: tls with the name that it told")
def tls13():
    need(("openssl", "openssl"))
    stage.serve("openssl", "s_server", "-accept", f"{SERVER}:9443", "-cert", "cert.pem", "-key", "key.pem", "-tls1_3", "-quiet", tcp=9443)
    speaks(lambda: s_client("-tls1_3", 9443), "tcp", 9443, "tls", "told.example", "t13d")


@tests.add("openssl s_client over UDP: dtls")
def dtls():
    need(("openssl", "openssl"))
    stage.serve("openssl", "s_server", "-accept", f"{SERVER}:9444", "-cert", "cert.pem", "-key", "key.pem", "-dtls1_2", "-quiet", udp=9444)
    speaks(lambda: stage.say("openssl", "s_client", "-dtls1_2", "-connect", f"{SERVER}:9444", data="Q\n"), "udp", 9444, "dtls")


def dnsmasq(port):
    need(("dig", "bind9-dnsutils"), ("dnsmasq", "dnsmasq-base"))
    if not stage.listens(None, port):
        stage.serve("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=",
                    f"--port={port}", f"--listen-address={SERVER}", "--bind-interfaces", f"--address=/cam.example/{SERVER}", udp=port)


def dig(port, *words):
    stage.say("dig", f"@{SERVER}", "-p", str(port), "+time=3", "+tries=1", *words)


@tests.add("dig and dnsmasq over UDP, on port 53 and on another: dns")
def dns_udp():
    for port in (53, 5300):
        dnsmasq(port)
        speaks(lambda p=port: dig(p, "cam.example"), "udp", port, "dns")


@tests.add("dig and dnsmasq over TCP, on port 53 and on another: dns")
def dns_tcp():
    for port in (53, 5300):
        dnsmasq(port)
        speaks(lambda p=port: dig(p, "+tcp", "cam.example", "AAAA"), "tcp", port, "dns")


def sshd(port):
    need(("sshd", "openssh-server"), ("ssh-keyscan", "openssh-client"))
    if not os.path.exists(stage.path("host_key")):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stage.path("host_key")], check=True, timeout=20)
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    stage.serve(shutil.which("sshd"), "-D", "-e", "-f", "/dev/null", "-p", str(port), "-h", stage.path("host_key"), "-o", f"ListenAddress={SERVER}",
                "-o", "PidFile=none", tcp=port)


@tests.add("ssh-keyscan and sshd: ssh")
def ssh():
    sshd(2222)
    speaks(lambda: stage.say("ssh-keyscan", "-T", "5", "-t", "ed25519", "-p", "2222", SERVER), "tcp", 2222, "ssh")


@tests.add("mosquitto_pub and mosquitto: mqtt")
def mqtt():
    need(("mosquitto", "mosquitto"), ("mosquitto_pub", "mosquitto-clients"))
    conf = stage.write("mosquitto.conf", f"listener 1883 {SERVER}\nallow_anonymous true\n")
    stage.serve("mosquitto", "-c", conf, tcp=1883)
    speaks(lambda: stage.say("mosquitto_pub", "-h", SERVER, "-i", "cam-1", "-t", "a/b", "-m", "hello"), "tcp", 1883, "mqtt")


@tests.add("curl and pyftpdlib: ftp")
def ftp():
    need(CURL)
    if subprocess.run([sys.executable, "-c", "import pyftpdlib"], capture_output=True, timeout=20).returncode:
        raise Skip("pyftpdlib is not here: package python3-pyftpdlib")
    stage.serve(sys.executable, "-m", "pyftpdlib", "-i", SERVER, "-p", "2121", "-d", stage.directory, tcp=2121)
    speaks(lambda: curl(f"ftp://{SERVER}:2121/"), "tcp", 2121, "ftp")


@tests.add("swaks and aiosmtpd: smtp")
def smtp():
    need(("swaks", "swaks"), ("aiosmtpd", "python3-aiosmtpd"))
    stage.serve("aiosmtpd", "-n", "-l", f"{SERVER}:2525", tcp=2525)
    speaks(lambda: stage.say("swaks", "--server", f"{SERVER}:2525", "--to", "a@b.example", "--from", "c@d.example", "--timeout", "5"),
           "tcp", 2525, "smtp")


@tests.add("curl and an RTSP server: rtsp")
def rtsp():
    need(CURL, ("rtsp-server-perl", "rtsp-server-perl"))
    stage.serve("rtsp-server-perl", "--clientport", "8554", "--serverport", "5545", tcp=8554)
    speaks(lambda: curl("--request", "OPTIONS", f"rtsp://{SERVER}:8554/live", codes=None), "tcp", 8554, "rtsp")


@tests.add("chronyd as client and as server: ntp")
def ntp():
    need(("chronyd", "chrony"))
    conf = stage.write("chrony.conf", f"local stratum 3\nallow all\nbindaddress {SERVER}\ncmdport 0\nport 123\npidfile {stage.path('chrony.pid')}\n")
    stage.serve("chronyd", "-d", "-x", "-u", "root", "-f", conf, udp=123)
    speaks(lambda: stage.say("chronyd", "-Q", "-t", "6", f"server {SERVER} iburst", "cmdport 0", f"pidfile {stage.path('chrony-client.pid')}",
                             codes=None), "udp", 123, "ntp")


@tests.add("snmpget and snmpd: snmp")
def snmp():
    need(("snmpget", "snmp"), ("snmpd", "snmpd"))
    conf = stage.write("snmpd.conf", "rocommunity public\n")
    stage.serve("snmpd", "-f", "-Lo", "-C", "-c", conf, "-p", stage.path("snmpd.pid"), f"udp:{SERVER}:161", udp=161)
    for version in ("1", "2c"):
        speaks(lambda v=version: stage.say("snmpget", "-v", v, "-c", "public", "-t", "3", "-r", "0", SERVER, "1.3.6.1.2.1.1.3.0"), "udp", 161, "snmp")


@tests.add("sipsak and sipp: sip")
def sip():
    need(("sipsak", "sipsak"), ("sipp", "sip-tester"))
    stage.serve("sipp", "-sn", "uas", "-i", SERVER, "-p", "5060", "-nostdin", udp=5060)
    speaks(lambda: stage.say("sipp", "-sn", "uac", "-m", "1", "-timeout", "10", "-nostdin", "-i", "10.20.0.11", f"{SERVER}:5060"), "udp", 5060, "sip")
    speaks(lambda: stage.say("sipsak", "-s", f"sip:cam@{SERVER}:5060", codes=None, patience=2), "udp", 5060, "sip")


@tests.add("coap-client and coap-server: coap")
def coap():
    need(("coap-client-notls", "libcoap3-bin"), ("coap-server-notls", "libcoap3-bin"))
    stage.serve("coap-server-notls", "-A", SERVER, "-p", "5683", udp=5683)
    speaks(lambda: stage.say("coap-client-notls", "-B", "5", "-m", "get", f"coap://{SERVER}/time"), "udp", 5683, "coap")


@tests.add("turnutils_stunclient and turnserver: stun")
def stun():
    need(("turnserver", "coturn"), ("turnutils_stunclient", "coturn"))
    stage.serve("turnserver", "-n", "-L", SERVER, "-p", "3478", "--no-tls", "--no-dtls", "--no-cli", "--log-file", "stdout", "--pidfile",
                stage.path("turn.pid"), "--db", stage.path("turn.db"), udp=3478)
    speaks(lambda: stage.say("turnutils_stunclient", "-p", "3478", SERVER, codes=None), "udp", 3478, "stun")


def openvpn_words(role, *words):
    return ["openvpn", "--dev", "null", "--proto", "udp", role, "--ca", "cert.pem", "--cert", "cert.pem", "--key", "key.pem", "--dh", "none",
            "--cipher", "AES-256-GCM", *words]


@tests.add("openvpn with openvpn: openvpn")
def openvpn():
    need(("openvpn", "openvpn"), ("openssl", "openssl"))
    stage.serve(*openvpn_words("--tls-server", "--local", SERVER, "--lport", "1194"), udp=1194)
    speaks(lambda: stage.say(*openvpn_words("--tls-client", "--nobind", "--remote", SERVER, "1194"), codes=None, patience=3), "udp", 1194, "openvpn")


@tests.add("logger's datagrams: syslog")
def syslog():
    need(("logger", "bsdutils"))
    speaks(lambda: stage.say("logger", "-d", "-n", SERVER, "-P", "514", "-t", "camera", "motion detected"), "udp", 514, "syslog")
    speaks(lambda: stage.say("logger", "-d", "--rfc3164", "-n", SERVER, "-P", "514", "-t", "camera", "motion detected"), "udp", 514, "syslog")


@tests.add("tftp and in.tftpd: tftp")
def tftp():
    need(("tftp", "tftp-hpa"), ("in.tftpd", "tftpd-hpa"))
    stage.write("firmware", "x" * 1500)
    stage.serve("in.tftpd", "-L", "-u", "root", "-a", f"{SERVER}:69", "-s", stage.directory, udp=69)
    speaks(lambda: stage.say("tftp", "-m", "binary", SERVER, "69", "-c", "get", "firmware", stage.path("got")), "udp", 69, "tftp")


TELNETD = """
import socket, subprocess, sys
s = socket.create_server((sys.argv[1], int(sys.argv[2])))
c, _ = s.accept()
subprocess.run([sys.argv[3], "-h", "-E", "/bin/cat"], stdin=c, stdout=c, stderr=c, timeout=10)
"""


@tests.add("telnet and telnetd: telnet")
def telnet():
    need(("telnet", "telnet"), ("telnetd", "inetutils-telnetd"))
    stage.serve(sys.executable, "-c", TELNETD, SERVER, "2323", shutil.which("telnetd"), tcp=2323)

    def act():
        p = subprocess.Popen(stage.camera.command("telnet", SERVER, "2323"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        time.sleep(0.7)
        p.kill()
        p.communicate()
    speaks(act, "tcp", 2323, "telnet")


@tests.add("ping: icmp")
def icmp():
    need(("ping", "iputils-ping"))
    speaks(lambda: stage.say("ping", "-c", "2", "-i", "0.2", "-W", "3", SERVER), "icmp", None, "icmp")


@tests.add("WireGuard's handshake: wireguard")
def wireguard():
    need(("wg", "wireguard-tools"))
    probe = subprocess.run(stage.camera.command("ip", "link", "add", "wg0", "type", "wireguard"), capture_output=True, text=True, timeout=10)
    if probe.returncode:
        raise Skip("this kernel has no WireGuard")
    keys = [subprocess.run(["wg", "genkey"], capture_output=True, text=True, timeout=5, check=True).stdout for _ in range(2)]
    public = [subprocess.run(["wg", "pubkey"], input=k, capture_output=True, text=True, timeout=5, check=True).stdout.strip() for k in keys]
    stage.far.run("ip", "link", "add", "wg0", "type", "wireguard")
    stage.far.run("wg", "set", "wg0", "listen-port", "51820", "private-key", stage.write("k1", keys[1]), "peer", public[0], "allowed-ips", "192.168.9.1/32")
    stage.far.ip("addr add 192.168.9.2/24 dev wg0", "link set wg0 up")
    stage.camera.run("wg", "set", "wg0", "private-key", stage.write("k0", keys[0]), "peer", public[1], "allowed-ips", "192.168.9.2/32",
                     "endpoint", f"{SERVER}:51820")
    stage.camera.ip("addr add 192.168.9.1/24 dev wg0", "link set wg0 up")
    speaks(lambda: stage.say("ping", "-c", "1", "-W", "3", "192.168.9.2"), "udp", 51820, "wireguard")


@tests.add("two protocols on each other's port both keep their name")
def swapped():
    need(("openssl", "openssl"))
    sshd(443)
    stage.serve("openssl", "s_server", "-accept", f"{SERVER}:22", "-cert", "cert.pem", "-key", "key.pem", "-quiet", tcp=22)
    speaks(lambda: stage.say("ssh-keyscan", "-T", "5", "-t", "ed25519", "-p", "443", SERVER), "tcp", 443, "ssh")
    speaks(lambda: s_client("-tls1_3", 22), "tcp", 22, "tls", "told.example")


def main():
    global stage
    try:
        lab_module.enter_user_namespace()
        need(("tcpdump", "tcpdump"), ("ip", "iproute2"))
        stage = Stage()
    except (Skip, OSError, RuntimeError) as e:
        print(f"skip clients: {e}\n0 passed, 0 failed, {len(tests.list)} skipped")
        return 0
    try:
        return tests.run(sys.argv[1:], again=True)
    finally:
        stage.close()


if __name__ == "__main__":
    sys.exit(main())
