# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel or the network does to us: queues and sockets that overrun, a full flow table, interfaces that go, addresses that change."""

import json
import os
import signal
import socket
import time

from arrivals import Arrivals
from daemon import wait_for
from lab import GATEWAY_V4, GATEWAY_V6
from netcase import CN, NO, OPEN_TO_ALL, OPEN_TO_NO, check, gateway, policy, tests
from settled import Settled
from traffic import Server, connect, tcp

PORT, PLACES = 7000, 64  # the smallest queue there is


def burst(ns, address, count, first_port=20000, port=PORT):
    """So many datagrams, each a flow of its own, at a pace that no buffer of the road there minds."""
    for n in range(count):
        with ns.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("", first_port + n))
            s.sendto(b"x" * 20, (address, port))


def steady(question, seconds=1.5):
    """The answer once it has not changed for so long."""
    last, since = question(), time.monotonic()
    deadline = since + 20
    while time.monotonic() - since < seconds and time.monotonic() < deadline:
        time.sleep(0.1)
        now = question()
        if now != last:
            last, since = now, time.monotonic()
    return last


def overrun(fail, options, told):
    """An engine that stands still longer than its queue is long; `told`: the kernel's own count of what it dropped."""
    text = policy(OPEN_TO_NO, fail=fail, options=f"engine-deadline: 10s, new-flows: 100000, kind-memory: 0s, {options}")
    count = 400
    with gateway(text) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        arrived = Arrivals(lab.internet, PORT)
        engine = d.engine()
        queued = d.queued()
        os.kill(engine, signal.SIGSTOP)
        try:
            burst(lab.cameras["cam-2"], NO[0], count)
            wait_for(lambda: d.queued() - queued >= count, 5, "not all came to the queue")
            settled.went_on()
            while_full, waiting = arrived.get(PORT), d.queue()[2]
        finally:
            os.kill(engine, signal.SIGCONT)
        check(0 < waiting < count, f"{waiting} packets waited")
        lost = count - waiting
        check(while_full == (lost if fail == "open" else 0), f"{while_full} of {lost} went past the queue, fail {fail}")
        wait_for(lambda: d.status()["queue"]["uninspected"] >= lost, 8, f"not counted: {d.status()['queue']}")
        final = wait_for(lambda: arrived.get(PORT) == (count if fail == "open" else waiting), 5, f"{arrived.get(PORT)} arrived in the end")
        check(final and steady(lambda: d.status()["queue"]["uninspected"]) == lost, f"uninspected {d.status()['queue']}, {lost} went past")
        d.wait_record("alert", "alert.signature_id=1990020", seconds=8)
        code, out, _ = d.lenscap("status")
        check(code == 10 and f"{lost} packets" in out, f"status: {code} {out}")
        check(d.engine() == engine, "the engine was replaced")
        kernel = d.status()["queue"]
        check(fail == "open" or kernel[told] == lost, f"{kernel}, {lost} were dropped")
    return f"{count} packets: {waiting} waited and were judged, {lost} {'passed' if fail == 'open' else 'dropped'} and counted; {settled.said()}"


@tests.add("the queue is full, fail open: what has no room passes, exactly counted, alerted, in status; settled streams lose nothing")
def fault_queue_full_open():
    return overrun("open", f"queue-length: {PLACES}", "dropped")


@tests.add("the queue is full, fail closed: what has no room drops, exactly counted, alerted, in status; settled streams lose nothing")
def fault_queue_full_closed():
    return overrun("closed", f"queue-length: {PLACES}", "dropped")


@tests.add("the queue's socket is full (ENOBUFS), fail open: the same")
def fault_socket_full_open():
    return overrun("open", "queue-buffer: 128KiB", "user_dropped")


@tests.add("the queue's socket is full (ENOBUFS), fail closed: the same")
def fault_socket_full_closed():
    return overrun("closed", "queue-buffer: 128KiB", "user_dropped")


@tests.add("netlink overruns while the gate stands still: lost news are counted and told, flows end all the same, a table that went meanwhile is put back")
def fault_netlink_overrun():
    count = 9000
    text = policy(OPEN_TO_ALL, fail="open", options="new-flows: 1000000, stats: 1s, idle: 10s")
    with gateway(text) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        Arrivals(lab.internet, PORT)
        lab.gateway.run("nft", "add", "table", "inet", "noise")
        with lab.cameras["cam-2"].socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("", 30000))
            for n in range(count):
                s.sendto(b"x", (NO[0], 1024 + n))
                if n % 100 == 0:
                    time.sleep(0.005)
        known = int(lab.gateway.run("conntrack", "-C"))
        check(known > count // 2, f"only {known} connections")
        gate = d.process.pid
        os.kill(gate, signal.SIGSTOP)
        try:
            lab.gateway.run("conntrack", "-D", "-p", "udp", check=False)
            lab.gateway.run("nft", "-f", "-", data="".join(f"add chain inet noise c{n}\n" for n in range(3000)))
            lab.gateway.run("nft", "delete", "table", "inet", "lenscap")
            settled.went_on()
        finally:
            os.kill(gate, signal.SIGCONT)
        wait_for(lambda: "hook forward" in d.table(), 5, "the table does not come back")
        d.wait_record("stats", "lenscap.kernel.news_lost>=1", seconds=8)
        d.wait_record("alert", "alert.signature_id=1990002", seconds=8)
        d.wait_record("alert", "alert.signature_id=1990020", seconds=8)
        check(tcp(lab.cameras["cam-2"], CN[0], 443) == "answered", "a new connection is not answered")
        lost = d.records("stats")[-1]["lenscap"]["kernel"]["news_lost"]
        wait_for(lambda: d.status()["flows"]["active"] < 500, 30, f"flows whose end was not heard stay: {d.status()['flows']}")
    return f"{known} connections ended unheard, {lost} overruns told; {settled.said()}"


@tests.add("the flow table is full: the oldest idle flow goes, counted; new flows are judged, settled streams lose nothing")
def fault_flow_table_full():
    count = 600
    with gateway(policy(OPEN_TO_NO, options="flows: 64, new-flows: 100000, kind-memory: 0s, stats: 1s")) as (lab, d), \
            Server(lab.internet, 443), Settled(lab) as settled:
        arrived = Arrivals(lab.internet, PORT)
        for a in NO:
            burst(lab.cameras["cam-2"], a, count // 2)
        wait_for(lambda: arrived.get(PORT) == count, 5, f"{arrived.get(PORT)} of {count} arrived")
        check(tcp(lab.cameras["cam-2"], CN[0], 443, timeout=0.3) == "timeout", "the blocked country answers")
        check(tcp(lab.cameras["cam-2"], NO[0], 443) == "answered", "the allowed country does not answer")
        flows = d.status()["flows"]
        check(flows["active"] <= flows["capacity"] == 64 and flows["evicted"] >= count - 64, f"{flows}")
        d.wait_record("stats", f"lenscap.stats.flows_evicted>={count - 64}", seconds=8)
        settled.went_on()
    return f"{count} flows through a table of 64: {flows['evicted']} evicted, all arrived; {settled.said()}"


@tests.add("our table is deleted five times: it is back each time, alerted, and blocks; settled streams lose nothing")
def fault_table_gone():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        slowest = 0.0
        for n in range(5):
            start = time.monotonic()
            lab.gateway.run("nft", "delete", "table", "inet", "lenscap")
            wait_for(lambda: "hook forward" in d.table(), 8, "the table does not come back")
            slowest = max(slowest, time.monotonic() - start)
            d.wait_record("alert", "alert.signature_id=1990002", count=n + 1)
            check(tcp(lab.cameras["cam-2"], CN[0], 443, timeout=0.3) == "timeout", "the blocked country answers")
            settled.went_on()
        check(slowest < 4, f"back after {slowest:.2f} s")
    return f"5 times, back after {slowest * 1000:.0f} ms at most; {settled.said()}"


def take_and_put_back(lab):
    """The cable's gateway end goes, and comes back with its MAC, which the cameras remember."""
    mac = json.loads(lab.gateway.run("ip", "-j", "link", "show", "dev", "cam0"))[0]["address"]
    lab.gateway.ip("link del cam0")
    lab.switch.ip(f"link add cam0 address {mac} netns {lab.gateway.name} type veth peer name up0", "link set up0 master sw0", "link set up0 up")
    lab.gateway.ip("link set cam0 up", f"addr add {GATEWAY_V4}/16 dev cam0", f"addr add {GATEWAY_V6}/64 dev cam0 nodad")


@tests.add("the cameras' interface is removed and comes back under another index: judged as before, records name it, the engine is the same")
def fault_interface_returns():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        engine = d.engine()
        check(tcp(lab.camera, NO[0], 443) == "answered", "not answered before")
        for n in range(2):
            before = index_of(lab)
            take_and_put_back(lab)
            check(index_of(lab) != before, "it has the same index")
            for a in NO:
                wait_for(lambda a=a: tcp(lab.camera, a, 443, timeout=0.5) == "answered", 10, f"{a} does not answer any more, time {n + 1}")
            for a in CN:
                check(tcp(lab.camera, a, 443, timeout=0.3) == "timeout", f"{a} answers")
        d.wait_record("alert", f"dest_ip={CN[1]}", "in_iface=cam0")
        check(d.engine() == engine, "the engine was replaced")
        return "2 times"


def index_of(lab):
    return json.loads(lab.gateway.run("ip", "-j", "link", "show", "dev", "cam0"))[0]["ifindex"]


def all_of(ns, address, size):
    """Sends so many bytes in one go to an echo server; what came back."""
    s, how = connect(ns, address, 443, 3)
    check(s, f"{address}: {how}")
    with s:
        s.settimeout(10)
        got, sent = 0, 0
        block = b"m" * 50000
        while got < size:
            if sent < size:
                s.sendall(block)
                sent += len(block)
            got += len(s.recv(65536))
    return got


@tests.add("the MTU of both sides changes under way: settled streams lose nothing, large transfers go through, what is blocked stays blocked")
def fault_mtu_changes():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443), Settled(lab) as settled:
        for cam, wan in ((1400, 1500), (1500, 1280), (1300, 1300), (1500, 1500)):
            lab.gateway.ip(f"link set cam0 mtu {cam}", f"link set wan0 mtu {wan}")
            for a in NO:
                check(all_of(lab.cameras["cam-2"], a, 200000) >= 200000, f"{a}, MTU {cam} and {wan}")
            check(tcp(lab.cameras["cam-2"], CN[1], 443, timeout=0.3) == "timeout", "the blocked country answers")
            settled.went_on()
    return f"4 changes; {settled.said()}"


@tests.add("a camera changes its addresses: the same camera to policy and records; another that takes them is not; settled streams lose nothing")
def fault_address_changes():
    axis = 'rules:\n  - {name: axis, from: {brand: Axis}, to: {country: "NO"}, action: allow}\ndefault: {action: block, alert: medium}\n'
    both = axis.replace("default:", '  - {name: stream, from: cameras, to: {country: "NO"}, port: tcp/8443, action: allow}\ndefault:')
    with gateway(policy(both)) as (lab, d), Server(lab.internet, 443), \
            Settled(lab, "cam-2") as settled:
        camera, other = lab.camera, lab.cameras["cam-2"]
        check(all(tcp(camera, a, 443) == "answered" for a in NO), "not answered before")
        old4, old6 = lab.v4["cam-1"], lab.v6["cam-1"]
        camera.ip(f"addr del {old4}/16 dev eth0", f"addr del {old6}/64 dev eth0", "addr add 10.20.0.50/16 dev eth0", "addr add fd20::50/64 dev eth0 nodad",
                  f"route replace default via {GATEWAY_V4}", f"route replace ::/0 via {GATEWAY_V6}")
        for a in NO:
            wait_for(lambda a=a: tcp(camera, a, 443, timeout=0.5) == "answered", 5, f"{a} does not answer under the new address")
        check(tcp(camera, CN[0], 443, timeout=0.3) == tcp(camera, CN[1], 443, timeout=0.3) == "timeout", "the blocked country answers")
        d.wait_record("alert", "src_ip=10.20.0.50", "lenscap.device.name=cam-1")
        other.ip(f"addr add {old4}/16 dev eth0")
        with other.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            s.settimeout(0.4)
            s.bind((old4, 0))
            try:
                s.connect((NO[0], 443))
                answered = True
            except TimeoutError:
                answered = False
        check(not answered, "another camera inherits what an address was allowed")
        d.wait_record("alert", f"src_ip={old4}", "lenscap.device.name=cam-2")
        settled.went_on()
    return settled.said()


