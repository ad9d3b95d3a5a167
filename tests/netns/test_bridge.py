# SPDX-License-Identifier: GPL-2.0-or-later
"""Cameras on ports of a bridge, their router on another: guarded as if they were routed, and the link goes on working whatever happens."""

import json
import os
import signal
import socket
import subprocess
import time

import packet
import speech
from bridgelab import BRIDGE_V4, HEAD, IPV4, IPV6, ROUTER_V4, ROUTER_V6, bridge, frame, frame_counters, icmp6, policy, send_frames, switch
from capture import Capture
from daemon import wait_for
from netcase import CN, CN2, CN3, NO, NOTHING, OPEN_TO_ALL, OPEN_TO_NO, REJECT_REST, check, tests
from result import Skip
from test_observe import DHCP, MDNS, SADP, announce
from traffic import Server, TcpStream, connect, ping, tcp, udp

NAMES = f"""\
rules:
  - {{name: names, from: cameras, to: {{address: {ROUTER_V4}}}, port: udp/53, protocol: dns, action: allow}}
  - {{name: good, from: cameras, to: {{name: ["allowed.example"]}}, protocol: tls, action: allow}}
default: {{action: block, alert: medium}}
"""
TOGETHER = """\
rules:
  - {name: together, from: cameras, to: {address: ["10.20.0.11", "10.20.0.12", "fd20::11", "fd20::12"]}, port: 554, action: allow}
default: block
"""


def packets_to(capture, *addresses):
    return [p for p in capture.packets() if p.dst in addresses]


@tests.add("an allowed country is reached through a bridge, a blocked one gets nothing, IPv4 and IPv6; records name the camera's port")
def bridge_countries():
    with bridge(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443) as server, Capture(lab.internet, "eth0") as wire:
        for a, b in zip(NO, CN):
            check(tcp(lab.camera, a, 443) == "answered" and udp(lab.camera, a, 443) == "answered" and ping(lab.camera, a) == "answered",
                  f"{a} is not reached\n{d.table()}\n{d.log()}")
            check(tcp(lab.camera, b, 443, timeout=0.4) == "timeout" and udp(lab.camera, b, 443) == "timeout" and
                  ping(lab.camera, b) == "timeout", f"{b} is reached")
            check(tcp(lab.cameras["cam-2"], a, 443) == "answered", "the other port")
            d.wait_record("alert", f"dest_ip={b}", "in_iface=port1", "lenscap.device.name=cam-1", "ether.src_mac=02:00:00:00:00:01", "!vlan")
        check(not packets_to(wire, *CN), f"left by the uplink: {packets_to(wire, *CN)[:5]}")
        check(packets_to(wire, *NO) and server.connections == 4, f"{server.connections} connections")
        frames = frame_counters(lab)
        check(frames["c_unseen"] == 0 and frames["c_hidden"] == 0 and frames["c_other"] > 0, frames)
        # Settled flows stay in the kernel here too.
        with connect(lab.camera, NO[0], 443)[0] as s:
            s.sendall(b"x")
            s.recv(10)
            before, queued = d.counters(), d.queued()
            for _ in range(100):
                s.sendall(b"x")
                s.recv(10)
            after = d.counters()
            check(after["c_offload"] - before["c_offload"] >= 200 and d.queued() - queued <= 2, f"{before} {after}")
        return f"{d.counters()['c_queue']} packets queued, {frames['c_other']} frames that are not IP passed"


def start_resolver(lab, namespace=None, address=ROUTER_V4):
    words = [f"--address=/{name}/{a}" for name, pair in (("allowed.example", NO), ("other.example", CN)) for a in pair]
    try:
        (namespace or lab.internet).start("dnsmasq", "-k", "-C", "/dev/null", "--pid-file=", "--no-resolv", "--no-hosts", "--user=root", "--port=53",
                           f"--listen-address={address}", "--bind-interfaces", *words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except FileNotFoundError as e:
        raise Skip(f"no dnsmasq: {e}") from e


def ask(lab, what, resolver=ROUTER_V4, tries=6):
    with lab.camera.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.5)
        for _ in range(tries):
            try:
                s.sendto(speech.say(what), (resolver, 53))
                return s.recv(2048)
            except OSError:
                time.sleep(0.05)
    return b""


def say_in_parts(lab, address, name):
    """What a server that echoes has got of a ClientHello in three segments: all of it, or nothing."""
    hello = speech.say(f"tls:{name}")
    s, how = connect(lab.camera, address, 443)
    check(s is not None, f"no handshake with {address}: {how}")
    with s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.settimeout(1)
        got = b""
        try:
            for part in (hello[:3], hello[3:90], hello[90:]):
                s.sendall(part)
                time.sleep(0.05)
            while len(got) < len(hello):
                more = s.recv(4096)
                if not more:
                    break
                got += more
        except OSError:
            pass
        return got, hello


@tests.add("a ClientHello in three segments is held until its name is known; names are learnt from a resolver beyond the bridge")
def bridge_hello():
    with bridge(policy(NAMES)) as (lab, d), Server(lab.internet, 443), Capture(lab.internet, "eth0") as wire:
        start_resolver(lab)
        check(ask(lab, "ask:allowed.example") and ask(lab, "ask6:allowed.example") and ask(lab, "ask:other.example"), f"no answers\n{d.log()}")
        d.wait_record("dns", "in_iface=port1", "lenscap.device.name=cam-1")
        for a in NO:
            got, hello = say_in_parts(lab, a, "allowed.example")
            check(got == hello, f"{a}: {len(got)} of {len(hello)} bytes came back\n{d.log()}")
            got, _ = say_in_parts(lab, a, "other.example")
            check(not got, f"{a}: {len(got)} bytes came back of a name that is not allowed")
        d.wait_record("tls", "tls.sni=allowed.example", "in_iface=port1", count=2)
        check(not packets_to(wire, *CN), "the other name's address was reached")


def cut(address):
    with bridge(policy(OPEN_TO_ALL), address=True) as (lab, d), Server(lab.internet, 443):
        stream, other = TcpStream(lab.camera, address, 443), TcpStream(lab.cameras["cam-2"], NO[0], 443)
        wait_for(lambda: stream.exchanges > 20 and other.exchanges > 20, 5, "the streams do not flow")
        d.reload(policy(REJECT_REST))
        wait_for(lambda: stream.ended, 5, "the stream goes on")
        so_far = other.exchanges
        wait_for(lambda: other.exchanges > so_far + 20, 5, "the neighbour was cut as well")
        stream.close()
        other.close()
        check(stream.ended[1] == "reset" and not other.ended, f"{stream.ended} {other.ended}")
        d.wait_record("alert", "alert.signature_id=1990007", f"dest_ip={address}", "in_iface=port1")


@tests.add("a reload cuts a live stream across the bridge, IPv4 and IPv6, and its neighbour goes on")
def bridge_reload():
    for address in CN:
        cut(address)


@tests.add("with the engine and the gate dead, and fail: closed, ARP and neighbour discovery go on, and nothing else")
def bridge_dead():
    with bridge(policy(OPEN_TO_ALL)) as (lab, d), Server(lab.internet, 443):
        check(tcp(lab.camera, NO[0], 443) == "answered" and tcp(lab.camera, NO[1], 443) == "answered", "nothing flows")
        engine = d.engine()
        os.kill(d.process.pid, signal.SIGKILL)
        d.process.wait(5)
        wait_for(lambda: not os.path.exists(f"/proc/{engine}"), 5, "the engine goes on")
        for _ in range(2):
            lab.forget_neighbours()
            check([ping(lab.camera, a) for a in (ROUTER_V4, ROUTER_V6)] == ["timeout"] * 2, "undecided packets passed")
            check([ping(lab.internet, a) for a in (lab.v4["cam-1"], lab.v6["cam-1"])] == ["timeout"] * 2, "undecided packets passed inwards")
            known = lab.neighbours(lab.camera)
            check(ROUTER_V4 in known and ROUTER_V6 in known, f"the camera has resolved only {known}")
            known = lab.neighbours(lab.internet)
            check(known.get(lab.v4["cam-1"]) == known.get(lab.v6["cam-1"]) == "02:00:00:00:00:01", f"the router has resolved only {known}")
        check(tcp(lab.camera, CN[0], 443, timeout=0.4) == "timeout", "a new flow passed")


@tests.add("reject answers across a bridge with an address, and is a drop without one; either way nothing gets out")
def bridge_reject():
    words = []
    for address in (True, False):
        with bridge(policy(REJECT_REST), address=address) as (lab, d), Server(lab.internet, 443), Capture(lab.internet, "eth0") as wire:
            answers = [tcp(lab.camera, a, 443, timeout=0.7) for a in CN] + [udp(lab.camera, a, 443, timeout=0.7) for a in CN2]
            check(tcp(lab.camera, NO[0], 443) == "answered", "what is allowed is not answered")
            expected = (["refused", "refused"], ["refused", "prohibited", "unreachable"]) if address else (["timeout"] * 2, ["timeout"])
            check(answers[:2] == expected[0] and set(answers[2:]) <= set(expected[1]), f"address {address}: {answers}")
            d.wait_record("alert", f"dest_ip={CN[0]}", "lenscap.decision=reject")
            check(not packets_to(wire, *CN, *CN2), "something got out")
            words.append(f"{'with' if address else 'without'} an address {answers}")
    return "; ".join(words)


def tagged(lab, address, vlan, sport, count=1):
    """UDP of cam-1 to the router's MAC with an 802.1Q tag."""
    six = ":" in address
    src = lab.v6["cam-1"] if six else lab.v4["cam-1"]
    router = lab.router_mac()
    body = packet.udp(sport, 5000, b"hello")
    ip = packet.ipv6(src, address, packet.UDP, body, hop=64) if six else packet.ipv4(src, address, packet.UDP, body, ttl=64)
    send_frames(lab.camera, *[frame(lab.macs["cam-1"], router, IPV6 if six else IPV4, ip, tags=((0x8100, vlan),))] * count)


@tests.add("frames with a VLAN tag are judged too, and their records tell its number")
def bridge_vlan():
    with bridge(policy(OPEN_TO_NO)) as (lab, d), Capture(lab.internet, "eth0") as wire:
        # The bridge knows where the router is: what it does not know leaves by all ports, and of such copies the kernel queues one.
        check(ping(lab.camera, NO[0]) == "answered", "the router is not there")
        for n, (vlan, a, b) in enumerate(((30, NO[0], CN[0]), (4094, NO[1], CN[1]), (1365, NO[0], CN2[0]), (2730, NO[1], CN2[1]))):
            for address in (a, b):
                tagged(lab, address, vlan, 40000 + n, count=3)
            d.wait_record("alert", f"dest_ip={b}", "lenscap.decision=block", f"src_port={40000 + n}", f"vlan={vlan}", "in_iface=port1")
            wait_for(lambda: len([p for p in wire.packets(dst=a) if p.sport == 40000 + n]) == 3, 3, f"{a} was not reached in VLAN {vlan}")
        check(not packets_to(wire, *CN, *CN2), "a blocked country was reached")
        # An untagged flow says nothing of it.
        udp(lab.camera, CN3[0], 5000)
        d.wait_record("alert", f"dest_ip={CN3[0]}", "!vlan")
        check(frame_counters(lab)["c_unseen"] == 0, "tagged frames came round the judgement")
        d.stop()
        flows = d.records("flow", f"dest_ip={NO[0]}", "vlan=30") + d.records("flow", f"dest_ip={NO[1]}", "vlan=4094")
        check(len(flows) == 2, f"{len(flows)} flow records with their VLAN")


@tests.add("cameras on two guarded ports are apart as the policy says, and together as it says; ARP and neighbour discovery work in both")
def bridge_cameras():
    other = ("cam-2", "cam-1")
    for rules, word in ((NOTHING, "timeout"), (TOGETHER, "answered")):
        with bridge(policy(rules)) as (lab, d), Server(lab.cameras["cam-2"], 554), Server(lab.camera, 554):
            for name, target in (other, other[::-1]):
                for address in (lab.v4[target], lab.v6[target]):
                    how = tcp(lab.cameras[name], address, 554, timeout=0.5)
                    check(how == word, f"{name} to {address}: {how}, expected {word}\n{d.log()}")
                    check(lab.neighbours(lab.cameras[name]).get(address) == lab.macs[target], f"{name} has not resolved {address}")
            if word == "timeout":
                continue
            # Neighbours unknown to the kernel: unicast questions and answers must pass as well.
            lab.forget_neighbours()
            check(tcp(lab.camera, lab.v6["cam-2"], 554) == "answered", "not after the neighbours were forgotten")


@tests.add("where br_netfilter is switched off behind our back, fail: says what becomes of packets, they are counted, and it is switched on again")
def bridge_switched_off():
    for fail, word in (("closed", "timeout"), ("open", "answered")):
        with bridge(policy(OPEN_TO_NO, fail=fail)) as (lab, d), Server(lab.internet, 443):
            check(tcp(lab.camera, NO[0], 443) == "answered" and tcp(lab.camera, NO[1], 443) == "answered", "nothing flows")
            check(frame_counters(lab)["c_unseen"] == 0, "counted too early")
            for n, a in enumerate(CN):
                # The second is switched off within ten seconds of the first: it stays so.
                switch(lab, ("call-iptables", "call-ip6tables")[n], 0)
                how = tcp(lab.camera, a, 443, timeout=0.4)
                check(how == word, f"fail {fail}: {a}: {how}")
                check(frame_counters(lab)["c_unseen"] > n, "not counted")
                if n == 0:
                    wait_for(lambda: switch(lab, "call-iptables") == "1", 5, f"not switched on again\n{d.log()}")
                    check(tcp(lab.camera, a, 443, timeout=0.4) == "timeout", "still not judged")
            verb = "dropped" if fail == "closed" else "passed"
            d.wait_record("alert", "alert.signature_id=1990020", f"alert.signature~{verb} without a judgement")
            wait_for(lambda: d.status()["queue"]["uninspected"] >= frame_counters(lab)["c_unseen"], 5, "status does not count them")


@tests.add("what only looks like neighbour discovery, or hides packets in frames, does not leave")
def bridge_smuggling():
    with bridge(policy(NOTHING)) as (lab, d), Capture(lab.internet, "eth0") as wire:
        mac, router = lab.macs["cam-1"], lab.router_mac()
        src, far = lab.v6["cam-1"], CN[1]
        check(ping(lab.camera, ROUTER_V6) == "timeout" and ROUTER_V6 in lab.neighbours(lab.camera), "the router was not resolved")
        secret = b"secret" * 20
        target = socket.inet_pton(socket.AF_INET6, far)
        frames = [frame(mac, router, IPV6, icmp6(src, far, kind, bytes(4) + target + secret)) for kind in (133, 134, 135, 136)]
        frames += [frame(mac, router, IPV6, icmp6(src, far, 131, bytes(4) + target + secret)),  # a listener's report of hop limit 255
                   frame(mac, router, IPV4, packet.ipv4(lab.v4["cam-1"], CN[0], 2, b"\x16" + secret, ttl=64))]
        inner = packet.ipv4(lab.v4["cam-1"], CN[0], packet.UDP, packet.udp(1, 2, secret))
        hidden = [frame(mac, router, IPV4, inner, tags=((0x88a8, 5), (0x8100, 6))), frame(mac, router, IPV4, inner, tags=((0x8100, 5), (0x8100, 6))),
                  frame(mac, router, 0x8864, b"\x11\0\0\1" + (len(inner) + 2).to_bytes(2, "big") + b"\0\x21" + inner),
                  frame(mac, router, 0x8847, b"\0\1\1\x40" + inner), frame(mac, router, 0x88e5, bytes(6) + inner)]
        send_frames(lab.camera, *frames, *hidden)
        wait_for(lambda: frame_counters(lab)["c_hidden"] >= len(hidden), 3, f"{frame_counters(lab)}")
        # What belongs to the link goes on: the last frame to come is a sign that all others had their time.
        send_frames(lab.camera, frame(mac, router, 0x88cc, b"\0" * 50))
        check(ping(lab.internet, lab.v6["cam-1"]) == "timeout", "undecided packets passed")
        check(lab.v6["cam-1"] in lab.neighbours(lab.internet), "the router does not resolve the camera")
        check(not packets_to(wire, far, CN[0]), f"smuggled: {packets_to(wire, far, CN[0])}")


@tests.add("by which port a frame leaves changes nothing: unknown and broadcast MAC addresses open no way, neither out nor to other cameras")
def bridge_copies():
    rules = "rules:\n  - {name: video, from: cameras, to: cameras, action: allow}\ndefault: {action: block, alert: medium}\n"
    with bridge(policy(rules)) as (lab, d), Capture(lab.internet, "eth0") as wire, Capture(lab.cameras["cam-2"], "eth0") as beside:
        mac = lab.macs["cam-1"]
        targets = (CN[0], ROUTER_V4, lab.v4["cam-2"])
        check(ping(lab.camera, ROUTER_V4) == "timeout", "the router is reached")
        for n, to in enumerate(("02:00:00:00:00:99", lab.macs["cam-2"], lab.router_mac(), "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:05")):
            for target in targets:
                body = packet.udp(41000, 5000, b"secret")  # one flow, whatever the frame says
                send_frames(lab.camera, *[frame(mac, to, IPV4, packet.ipv4(lab.v4["cam-1"], target, packet.UDP, body, ttl=64))] * 3)
            wait_for(lambda: d.counters()["c_queue"] + d.counters()["c_denied"] >= 9 * (n + 1), 5, f"{to}: {d.counters()}")
        for target in targets:
            d.wait_record("alert", f"dest_ip={target}", "lenscap.decision=block")
        out = [p for c in (wire, beside) for p in c.packets(src=lab.v4["cam-1"], proto=packet.UDP)]
        check(not out, f"left: {out[:5]}")


@tests.add("a quarantined camera is cut off at its port, whether it sends or is sent to, and comes back")
def bridge_quarantine():
    with bridge(policy(OPEN_TO_ALL)) as (lab, d), Server(lab.internet, 443), Server(lab.camera, 554):
        stream = TcpStream(lab.camera, NO[0], 443)
        wait_for(lambda: stream.exchanges > 20, 5, "nothing flows")
        check(tcp(lab.internet, lab.v4["cam-1"], 554) == "answered", "the camera is not reached")
        code, out, err = d.lenscap("quarantine", "cam-1", "--for", "1h")
        check(code == 0, f"{code} {out}{err}")
        wait_for(lambda: tcp(lab.camera, NO[1], 443, timeout=0.3) == "timeout", 5, "it still gets out")
        so_far = stream.exchanges
        check(tcp(lab.internet, lab.v4["cam-1"], 554, timeout=0.3) == "timeout", "it is still reached")
        check(tcp(lab.cameras["cam-2"], NO[0], 443) == "answered" and stream.exchanges == so_far, "the wrong one is cut off")
        check(d.lenscap("release", "cam-1")[0] == 0, "not released")
        wait_for(lambda: tcp(lab.camera, NO[1], 443, timeout=0.3) == "answered", 5, "it does not come back")
        stream.close()


@tests.add("the gate sets br_netfilter's switches and puts them back; the bridge's table comes with the policy, goes with it, and is repaired")
def bridge_life():
    routed = HEAD.replace("bridge: br0, ports: [port1, port2]", "interfaces: [elsewhere0]")
    switches = ("call-iptables", "call-ip6tables", "filter-vlan-tagged")
    with bridge(policy(OPEN_TO_NO, fail="open"), start=False) as (lab, d), Server(lab.internet, 443):
        for s in switches:
            switch(lab, s, 0)
        d.start()
        check([switch(lab, s) for s in switches] == ["1"] * 3, f"{[switch(lab, s) for s in switches]}\n{d.log()}")
        lab.gateway.run("nft", "flush", "ruleset")
        wait_for(lambda: "c_unseen" in lab.gateway.run("nft", "list", "ruleset"), 5, "the bridge's table is not put back")
        lab.gateway.run("nft", "delete", "table", "bridge", "lenscap")
        wait_for(lambda: "c_unseen" in lab.gateway.run("nft", "list", "ruleset"), 10, f"the bridge's table alone is not put back\n{d.log()}")
        d.wait_record("alert", "alert.signature_id=1990002")
        wait_for(lambda: tcp(lab.camera, NO[0], 443) == "answered", 5, "nothing flows after that")
        d.reload(policy(OPEN_TO_NO, fail="open", head=routed))
        check("table bridge lenscap" not in lab.gateway.run("nft", "list", "tables"), "the bridge's table stays without a bridge")
        check([switch(lab, s) for s in switches] == ["0"] * 3, "the switches stay")
        check(tcp(lab.camera, CN[0], 443) == "answered", "the bridge is still guarded")
        d.reload(policy(OPEN_TO_NO, fail="open"))
        check(tcp(lab.camera, CN[0], 443, timeout=0.4) == "timeout" and tcp(lab.camera, NO[0], 443) == "answered", "not guarded again")
        check(d.stop() == 0, "stopped with an error")
        check("lenscap" not in lab.gateway.run("nft", "list", "tables"), "a table stays")
        check([switch(lab, s) for s in switches] == ["0"] * 3, "the switches stay after the end")


@tests.add("what a camera announces on its link is heard at its port")
def bridge_announcements():
    with bridge(policy(NOTHING)) as (lab, d):
        announce(lab.cameras["cam-2"], SADP, "239.255.255.250", 37020, 37020)
        wait_for(lambda: d.status()["announcements"]["heard"] > 0, 5, "not heard")
        rows = {r["name"]: r for r in json.loads(d.lenscap("devices", "list", "--json")[1])}
        check("cam-2" in rows and rows["cam-2"]["interface"] == "port2", f"{rows}")


LOCAL_NAMES = f"""\
rules:
  - {{name: names, from: cameras, to: {{address: {BRIDGE_V4}}}, port: udp/53, protocol: dns, query: ["allowed.example"], action: allow}}
  - {{name: router, from: cameras, to: {{address: {ROUTER_V4}}}, action: allow}}
default: {{action: block, alert: medium}}
"""


@tests.add("a camera's questions to a resolver on the bridge itself are judged, answers reach it, and other hosts of the link are left alone")
def bridge_resolver():
    with bridge(policy(LOCAL_NAMES), address=True) as (lab, d):
        start_resolver(lab, lab.gateway, BRIDGE_V4)
        wait_for(lambda: ask(lab, "ask:allowed.example", BRIDGE_V4, 1), 5, f"no answer\n{d.log()}")
        check(not ask(lab, "ask:other.example", BRIDGE_V4, 2), "an answer for a name that is not allowed")
        d.wait_record("dns", "in_iface=port1", f"dest_ip={BRIDGE_V4}")
        queued = d.queued()
        with lab.internet.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(2)
            s.sendto(speech.say("ask:other.example"), (BRIDGE_V4, 53))
            check(s.recv(2048), "the router gets no answer")
        check(d.queued() == queued, "the router's question was queued")


DHCP_RULES = """\
rules:
  - {name: addresses, from: cameras, to: any, port: udp/67, action: allow}
  - {name: voices, from: cameras, to: {address: 224.0.0.251}, port: udp/5353, action: allow}
default: {action: block, alert: medium}
"""


@tests.add("DHCP and multicast DNS cross the bridge where a rule allows them, at once and every time; without a rule they do not")
def bridge_broadcast():
    for rules, expected in ((DHCP_RULES, 5), (NOTHING, 0)):
        with bridge(policy(rules)) as (lab, d), Capture(lab.internet, "eth0") as wire:
            for _ in range(5):
                announce(lab.camera, DHCP, "255.255.255.255", 67, 68)
                announce(lab.camera, MDNS, "224.0.0.251", 5353, 5353)
            wait_for(lambda: d.counters()["c_queue"] >= 10, 5, "nothing came to the queue")
            ping(lab.camera, ROUTER_V4)  # is blocked, and behind them
            got = [len(wire.packets(dst=a, proto=packet.UDP)) for a in ("255.255.255.255", "224.0.0.251")]
            check(got == [expected] * 2, f"{got} crossed, expected {expected} of each")
            uninspected = d.status()["queue"]["uninspected"]
            check(uninspected == 0 and not d.records("alert", "alert.signature_id=1990020"), f"{uninspected} were not judged")
            if not expected:
                continue
            # And the answer, which is for nobody who is known.
            reply = packet.ipv4(ROUTER_V4, "255.255.255.255", packet.UDP, packet.udp(67, 68, b"\x02" + DHCP[1:]), ttl=64)
            with Capture(lab.camera, "eth0") as inside:
                send_frames(lab.internet, frame(lab.router_mac(), "ff:ff:ff:ff:ff:ff", IPV4, reply))
                wait_for(lambda: inside.packets(src=ROUTER_V4, proto=packet.UDP), 3, "the server's answer does not arrive")


@tests.add("a camera that takes the gateway for its router is guarded on that way too")
def bridge_routed():
    with bridge(policy(OPEN_TO_NO), address=True) as (lab, d), Server(lab.internet, 443) as server:
        lab.gateway.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1, ipv4__conf__all__send_redirects=0,
                           ipv4__conf__br0__send_redirects=0)
        lab.gateway.ip(f"route add default via {ROUTER_V4}", f"route add ::/0 via {ROUTER_V6}")
        for version, via in (("-4", "10.20.0.2"), ("-6", "fd20::2")):
            lab.camera.run("ip", version, "route", "replace", "default", "via", via)
        for a, b in zip(NO, CN):
            check(tcp(lab.camera, a, 443) == "answered", f"{a}: not routed\n{d.log()}")
            check(tcp(lab.camera, b, 443, timeout=0.4) == "timeout", f"{b}: routed round the policy")
            d.wait_record("alert", f"dest_ip={b}", "in_iface=port1")
        check(server.connections == 2, f"{server.connections} connections")
