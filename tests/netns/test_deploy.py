# SPDX-License-Identifier: GPL-2.0-or-later
"""lenscap-deploy(7) as it stands: its tables, commands and policies beside a running daemon."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile

import lab as lab_module
from daemon import BUILD, Daemon, wait_for
from netcase import CN, HOSTS, NO, OPEN_TO_ALL, OPEN_TO_NO, check, gateway, policy, tests
from result import Skip
from traffic import Server, tcp

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "man", "lenscap-deploy.7")
FIELD = 0x03FF0000


def blocks():
    with open(PAGE, encoding="utf-8") as f:
        found = re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", f.read(), re.M | re.S)
    return [b.replace("\\e", "\\").replace("\\-", "-") for b in found]


def block(start):
    found = [b for b in blocks() if b.startswith(start)]
    check(len(found) == 1, f"{len(found)} blocks begin with {start!r}")
    return found[0]


def commands(start):
    return [line.split("#")[0].split() for line in block(start).splitlines() if not line.startswith("#")]


def ct_marks(lab):
    return [int(m) for m in re.findall(r"mark=(\d+)", lab.gateway.run("conntrack", "-L"))]


@tests.add("every policy of lenscap-deploy(7) is good")
def deploy_policies():
    found = [b for b in blocks() if b.startswith("version: 1")]
    check(len(found) == 5, f"{len(found)} policies")
    with tempfile.TemporaryDirectory() as folder:
        for n, text in enumerate(found):
            path = os.path.join(folder, f"{n}.yaml")
            with open(path, "w") as f:
                f.write(text)
            p = subprocess.run([os.path.join(BUILD, "lenscap"), "check", path], capture_output=True, text=True, timeout=20)
            check(p.returncode == 0, p.stdout + p.stderr + text)


@tests.add("the table of lenscap-deploy(7) serves a routed gateway, stays as it is, and what it drops stays dropped")
def deploy_table():
    rules = 'rules:\n  - {name: home, from: cameras, to: {country: "NO"}, direction: any, action: allow}\ndefault: block\n'
    with lab_module.Lab(masquerade=False, hosts=HOSTS) as lab, Server(lab.internet, 443), Server(lab.camera, 8080):
        lab.gateway.run("nft", "-f", "-", data=block("table inet site"))
        before = lab.gateway.run("nft", "-s", "list", "table", "inet", "site")
        with Daemon(lab, policy(rules)) as d:
            for host in NO:
                check(tcp(lab.camera, host, 443) == "answered", f"{host} does not answer")
            for host in CN:
                check(tcp(lab.camera, host, 443) == "timeout", f"{host} answers")
            # The policy allows it; the other table does not.
            lab.internet.ip(f"route add 10.20.0.0/16 via {lab_module.WAN_V4}")
            check(tcp(lab.internet, lab.v4["cam-1"], 8080) == "timeout", "what another table drops passes")
            d.reload(policy(rules.replace("home", "abroad")))
            check(tcp(lab.camera, NO[0], 443) == "answered", "nothing answers after the reload")
            check(lab.gateway.run("nft", "-s", "list", "table", "inet", "site") == before, "the other table has changed")
            d.stop()
        check(lab.gateway.run("nft", "-s", "list", "table", "inet", "site") == before, "the other table has changed")


@tests.add("beside iptables with a dropping FORWARD chain, what both allow passes and nothing else")
def deploy_iptables():
    if not shutil.which("iptables-nft"):
        raise Skip("no iptables-nft")
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443), Server(lab.internet, 444):
        try:
            for line in ("-P FORWARD DROP", "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
                         "-A FORWARD -i cam0 -p tcp --dport 443 -j ACCEPT"):
                lab.gateway.run("iptables-nft", *line.split())
        except RuntimeError as e:
            raise Skip(f"iptables-nft does not work here: {e}") from e
        check(tcp(lab.camera, NO[0], 443) == "answered", "what both allow does not pass")
        check(tcp(lab.camera, CN[0], 443) == "timeout", "what Lenscap refuses passes")
        check(tcp(lab.camera, NO[0], 444) == "timeout", "what iptables refuses passes")


@tests.add("a VLAN's interface, made as lenscap-deploy(7) says, is guarded, also when it comes after the daemon")
def deploy_vlan():
    text = policy(OPEN_TO_NO).replace('interfaces: [cam0], networks: ["10.20.0.0/16", "fd20::/64"]', "interfaces: [cam0.40], networks: [10.40.0.0/24]")
    check("cam0.40" in text, text)
    with gateway(text) as (lab, d), Server(lab.internet, 443):
        try:
            for words in commands("ip link add link cam0"):
                lab.gateway.run(*words)
        except RuntimeError as e:
            raise Skip(f"no VLAN interfaces here: {e}") from e
        lab.camera.ip("link add link eth0 name eth0.40 type vlan id 40", "addr add 10.40.0.11/24 dev eth0.40", "link set eth0.40 up",
                      "route replace default via 10.40.0.1")
        wait_for(lambda: tcp(lab.camera, NO[0], 443) == "answered", 10, f"a tagged camera does not get out\n{d.log()}")
        check(tcp(lab.camera, CN[0], 443) == "timeout", "a tagged camera gets where it must not")
        record = d.wait_record("alert", f"dest_ip={CN[0]}")[0]
        check(record["in_iface"] == "cam0.40", record)


@tests.add("the resolvers' lines of lenscap-deploy(7) are understood by the resolvers")
def deploy_resolvers():
    ran = []
    with tempfile.TemporaryDirectory() as folder:
        for start, words in (("# dnsmasq", ["dnsmasq", "--test", "-C"]), ("# unbound", ["unbound-checkconf"])):
            path = os.path.join(folder, start[2:])
            with open(path, "w") as f:
                f.write(block(start))
            program = shutil.which(words[0])
            if not program:
                continue
            p = subprocess.run([program, *words[1:], path], capture_output=True, text=True, timeout=20)
            check(p.returncode == 0, f"{words[0]}: {p.stdout}{p.stderr}")
            ran.append(words[0])
    if not ran:
        raise Skip("neither dnsmasq nor unbound")
    return ", ".join(ran)


@tests.add("marks that another gateway's conntrackd carries over count for nothing after the reload that lenscap-deploy(7) asks for")
def deploy_takeover():
    if not shutil.which("conntrack"):
        raise Skip("no conntrack")
    with lab_module.Lab(masquerade=False, hosts=HOSTS) as lab, Server(lab.internet, 443):
        lab.internet.ip(f"route add 10.20.0.0/16 via {lab_module.WAN_V4}")
        # This generation's word, and that of the one which the reload begins.
        for ahead in (0, 1):
            with Daemon(lab, policy(OPEN_TO_ALL)) as d, lab.camera.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
                s.settimeout(2)
                s.connect((CN[0], 443))
                s.sendall(b"one\n")
                check(s.recv(100), "no answer")
                d.reload(policy(OPEN_TO_NO))
                generation = int(re.findall(r"is in force, generation (\d+)", d.log())[-1])
                mark = 0x01000000 | generation + ahead << 16
                lab.gateway.run("conntrack", "-U", "-p", "tcp", "-d", CN[0], "--mark", f"{mark:#x}/{FIELD:#x}")
                check(any(m & FIELD == mark for m in ct_marks(lab)), f"the mark is not there: {ct_marks(lab)}")
                for words in commands("# takes over"):
                    code, out, err = d.lenscap(*words[1:], timeout=30)
                    check(code == 0, f"{words}: {code} {out}{err}")
                with contextlib.suppress(OSError):
                    s.sendall(b"two\n")
                    check(not s.recv(100), f"a carried mark of generation {generation} + {ahead} still counts")
                check(not any(m & FIELD == mark for m in ct_marks(lab)), f"the mark is still there: {ct_marks(lab)}")


@tests.add("the first day, the week after it and the way out go as lenscap-deploy(7) says")
def deploy_week():
    watch = policy(OPEN_TO_NO, mode="monitor", options="idle: 10s")
    with gateway(watch) as (lab, d), Server(lab.internet, 443):
        def play(start):
            for words in commands(start):
                if words[:2] == ["lenscap", "check"] and words[-1] == "--strict":
                    words = [*words, d.policy_path]
                out_path = None
                if ">" in words:
                    out_path, words = d.path(words[words.index(">") + 1]), words[:words.index(">")]
                words = [d.path(w) if w == "proposal.yaml" else w for w in words]
                code, out, err = d.lenscap(*words[1:], timeout=30)
                check(code == 0 or (words[1] == "status" and code == 10), f"{words}: {code} {out}{err}")
                if out_path:
                    with open(out_path, "w") as f:
                        f.write(out)
        lab.gateway.sysctl(netfilter__nf_conntrack_tcp_timeout_time_wait=1, netfilter__nf_conntrack_tcp_timeout_close=1)
        play("# first day")
        check(tcp(lab.camera, NO[0], 443) == "answered" and tcp(lab.camera, CN[0], 443) == "answered", "monitor mode blocks")
        wait_for(lambda: all(f'"{a}"' in d.lenscap("learn", "report")[1] for a in (NO[0], CN[0])), 30, "not all is learnt", every=0.5)
        play("# after a week")
        with open(d.path("proposal.yaml")) as f:
            proposal = f.read()
        check("learned-1-1" in proposal, proposal)
        d.write_policy(proposal)
        play("# the trial")
        for port, wanted in ((443, "answered"), (444, "timeout")):
            got = tcp(lab.camera, NO[0], port, timeout=8)  # what nothing recognises waits for hold-time
            check(got == wanted, f"in the trial port {port} is {got}\n{proposal}\n{d.log()}")
        play("# the way out")
        check(tcp(lab.camera, CN[0], 443) == "answered", "monitor mode blocks")
