# SPDX-License-Identifier: GPL-2.0-or-later
"""What cameras announce on their own link is heard beside the queue, whatever becomes of the engine."""

import os
import signal
import socket
import struct

from daemon import wait_for
from netcase import OPEN_TO_NO, check, gateway, policy, tests
from test_devices import sadp

SADP = (b'<?xml version="1.0" encoding="utf-8"?><ProbeMatch><Uuid>1</Uuid><Types>inquiry</Types><DeviceType>1</DeviceType>'
        b"<DeviceDescription>DS-2CD2042WD-I</DeviceDescription></ProbeMatch>")
MDNS = bytes.fromhex("000084000000000100000000") + b"\x05cam-9\x05local\x00" + bytes.fromhex("00010001000000780004") + bytes((10, 20, 0, 11))
DHCP = (bytes((1, 1, 6, 0)) + b"\x12\x34\x56\x78" + bytes(20) + bytes.fromhex("020000000001") + bytes(10) + bytes(192) +
        bytes.fromhex("63825363") + bytes.fromhex("350101") + b"\x0c\x05cam-1" + b"\xff")


def announce(ns, data, address, port, sport=0, count=1):
    """From the camera's interface to a group, IPv4 or IPv6, or to everybody."""
    six = ":" in address
    with ns.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        index = ns.inside(socket.if_nametoindex, "eth0")
        if six:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        else:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4s4si", bytes(4), bytes(4), index))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        s.bind(("", sport))
        for _ in range(count):
            s.sendto(data, (address, port))


def heard(d):
    return d.status()["announcements"]["heard"]


def grows(d, send, what):
    """send() is heard, at least once."""
    before = heard(d)
    send()
    wait_for(lambda: heard(d) > before, 5, f"{what} was not heard: {d.status()['announcements']}")


WAYS = (("SADP", SADP, "239.255.255.250", 37020, 37020), ("mDNS", MDNS, "224.0.0.251", 5353, 5353),
        ("mDNS over IPv6", MDNS, "ff02::fb", 5353, 5353), ("DHCP", DHCP, "255.255.255.255", 67, 68),
        ("an answer to the gateway from the port of SADP", SADP, "10.20.0.1", 41000, 37020))


@tests.add("SADP, mDNS (both families), DHCP and an answer to the gateway are heard, also by the next engine, and none of it meets the queue")
def observe_announcements():
    with gateway(policy(OPEN_TO_NO)) as (lab, d):
        check(d.status()["announcements"]["listening"], f"not listening\n{d.log()}")
        queued = d.queued()
        for what, data, address, port, sport in WAYS:
            grows(d, lambda: announce(lab.camera, data, address, port, sport), what)
        check(d.status()["devices"]["seen"] >= 1, "who only announces does not count as seen")
        old = d.engine()
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: d.engine() not in (None, old), 5, "no new engine")
        wait_for(lambda: d.lenscap("status", "--json")[0] in (0, 10), 5, "the new engine does not answer")
        grows(d, lambda: announce(lab.camera, SADP, "239.255.255.250", 37020, 37020), "SADP after a restart")
        check(d.queued() == queued, f"{d.queued() - queued} packets were queued")
        groups = lab.gateway.read("/proc/thread-self/net/igmp")
        check("FAFFFFEF" in groups and "FBFFFFEF" in groups, f"not a member of the groups:\n{groups}")


@tests.add("a flood of announcements costs a bounded number of copies, and what was not copied is counted", alone=True)
def observe_flood():
    with gateway(policy(OPEN_TO_NO)) as (lab, d):
        announce(lab.camera, SADP, "239.255.255.250", 37020, 37020, count=5000)
        wait_for(lambda: d.counters()["c_unheard"] > 3000, 5, "nothing was left out")
        wait_for(lambda: heard(d) > 0, 5, "nothing was heard")
        # 60 at once, 20 a second more, for as long as the sender and this test have taken
        check(heard(d) < 1000, f"{heard(d)} copies")
        grows(d, lambda: announce(lab.cameras["cam-2"], SADP, "239.255.255.250", 37020, 37020), "the other camera")
        return f"5000 sent, {heard(d)} copied, {d.counters()['c_unheard']} left out"


def frame(mac, address, payload):
    """SADP to its group, from whomever it says."""
    datagram = struct.pack("!HHHH", 37020, 37020, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 1, 0, 4, 17, 0, socket.inet_aton(address), socket.inet_aton("239.255.255.250"))
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    return bytes.fromhex("01005e7ffffa") + mac + b"\x08\0" + head[:10] + struct.pack("!H", 0xffff ^ total) + head[12:] + datagram


STRANGERS, AT_ONCE, MINUTE = 1900, 100, 1000 # the kernel copies 2000 at once


@tests.add("MACs are made up by the thousand: a thousand alerts a minute and one that says so; the inventory's own camera is told of all the same", alone=True)
def observe_made_up():
    with gateway(policy(OPEN_TO_NO)) as (lab, d):
        with lab.cameras["cam-2"].socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as s:
            s.bind(("eth0", 0))
            for n in range(STRANGERS):
                s.send(frame(bytes((2, 0xaa, 0, 0, n >> 8, n & 255)), f"10.20.{1 + n // 250}.{1 + n % 250}", sadp(f"S{n}")))
                if n % AT_ONCE == AT_ONCE - 1:
                    wait_for(lambda: heard(d) > n - AT_ONCE, 5, f"{heard(d)} of {n} are heard")
        d.wait_record("alert", "alert.signature_id=1990010", "alert.signature~thousand")
        announce(lab.camera, sadp("mine"), "239.255.255.250", 37020, 37020)
        told = d.wait_record("alert", "alert.signature_id=1990012", "lenscap.device.name=cam-1")
        check(told[0]["lenscap"]["device"]["maker"] == "hikvision", f"{told[0]}")
        alerts = len(d.records("alert"))
        check(alerts < 2 * (MINUTE + 10) < STRANGERS * 2, f"{alerts} alerts") # the end of a minute may lie within
        return f"{STRANGERS} made up, {alerts} alerts"
