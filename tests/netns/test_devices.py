# SPDX-License-Identifier: GPL-2.0-or-later
"""The inventory: who stands behind a router, who has whose serial number, what names and evidence outlive, and what is forgotten."""

import json
import socket
import struct

import storewire as wire
from daemon import wait_for
from lab import GATEWAY_V4
from netcase import NO, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, tcp

SID_CHANGED = 1990013
MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"
HIK1, HIK2, AXIS = "44:19:b6:00:00:21", "44:19:b6:00:00:22", "ac:cc:8e:00:00:2a"
SADP_GROUP = ("239.255.255.250", 37020)


def sadp(serial, mac=""):
    tag = f"<MAC>{mac}</MAC>" if mac else ""
    return (f'<?xml version="1.0" encoding="utf-8"?><ProbeMatch><Uuid>11111111-2222-3333-4444-555555555555</Uuid><Types>inquiry</Types>'
            f"<DeviceDescription>DS-2CD2042WD-I</DeviceDescription><DeviceSN>{serial}</DeviceSN>{tag}</ProbeMatch>").encode()


def relayed(mac, address, relay, host):
    """A relay's DHCP request on behalf of a host."""
    head = struct.pack("!BBBBIHH", 1, 1, 6, 1, 0x4c430001, 0, 0) + bytes(12) + socket.inet_aton(relay) + bytes.fromhex(mac.replace(":", ""))
    options = b"\x63\x82\x53\x63\x35\1\3\x32\4" + socket.inet_aton(address) + bytes([12, len(host)]) + host.encode() + b"\xff"
    return head + bytes(10 + 64 + 128) + options


def say(ns, data, to, source="", sport=37020):
    with ns.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        index = ns.inside(socket.if_nametoindex, "eth0")
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4s4si", bytes(4), bytes(4), index))
        s.bind((source, sport))
        s.sendto(data, to)


def inventory(d):
    code, out, err = d.lenscap("devices", "--json")
    check(code == 0, f"devices: {code} {out}{err}\n{d.log()}")
    return json.loads(out)


def one(d, wanted):
    found = [x for x in inventory(d) if wanted(x)]
    return found[0] if found else None


def show(d, device):
    code, out, err = d.lenscap("devices", "show", device, "--json")
    check(code == 0, f"devices show {device}: {code} {out}{err}\n{d.log()}")
    return json.loads(out)


BY_ADDRESS = policy(OPEN_TO_NO).replace("cameras: {", "cameras: {identify-by: address, ")
ONE, TWO, THREE = "10.20.1.11", "10.20.1.12", "10.20.1.13"


def at(address):
    return lambda x: address in x["addresses"]


@tests.add("behind a router all frames have one MAC: each camera is known by its address and by the MAC that it announces")
def devices_behind_router():
    with gateway(BY_ADDRESS) as (lab, d):
        router = lab.camera
        router.ip(*(f"addr add {a}/16 dev eth0" for a in (ONE, TWO)))
        say(router, sadp("A1", HIK1.replace(":", "-")), SADP_GROUP, ONE)
        say(router, sadp("B2", AXIS), SADP_GROUP, TWO)  # Hikvision's words, and somebody else's MAC
        say(router, relayed(HIK2, THREE, lab.v4["cam-1"], "porch"), (GATEWAY_V4, 67), sport=67)
        wait_for(lambda: all(one(d, at(a)) for a in (ONE, TWO, THREE)), 5, "not all are known", every=0.1)
        rows = {a: show(d, a) for a in (ONE, TWO, THREE)}
        got = {a: (r["announced_mac"], r["maker"], r["serial"], r["hostname"]) for a, r in rows.items()}
        check(got == {ONE: (HIK1, "hikvision", "A1", ""), TWO: (AXIS, "hikvision", "B2", ""), THREE: (HIK2, "", "", "porch")}, f"{got}")
        patterns = {a: {(e["channel"], e["maker"], e["pattern"]) for e in r["evidence"] if e["channel"] == "oui"} for a, r in rows.items()}
        check(patterns[ONE] == {("oui", "hikvision", "announced 44:19:b6:00:00:00/24")}, f"{patterns}")
        check(patterns[TWO] == {("oui", "axis", "announced ac:cc:8e:00:00:00/24")}, f"{patterns}")
        check(all(not r["mac"] for r in rows.values()) and not one(d, at(lab.v4["cam-1"])), f"the router was blamed: {inventory(d)}")
        out = d.lenscap("devices")[1]
        check(f"({HIK1})" in out, out)


@tests.add("a serial number that another MAC had is told; an address that another camera takes brings nothing of the first one's with it")
def devices_twins():
    with gateway(policy(OPEN_TO_NO).replace("brand: Axis}", "brand: Axis, groups: [front, old]}")) as (lab, d), Server(lab.internet, 443):
        first, second = lab.cameras["cam-1"], lab.cameras["cam-2"]
        say(first, sadp("S-TWIN"), SADP_GROUP)
        wait_for(lambda: (one(d, lambda x: x["mac"] == MAC1) or {}).get("maker") == "hikvision", 5, "cam-1 is not known", every=0.1)
        check(show(d, "cam-1")["groups"] == ["front", "old"] and "front\n" in d.lenscap("devices", "show", "cam-1")[1], f"{show(d, 'cam-1')}")
        # It goes, and another one gets its address.
        first.ip(f"addr del {lab.v4['cam-1']}/16 dev eth0")
        second.ip(f"addr del {lab.v4['cam-2']}/16 dev eth0", f"addr add {lab.v4['cam-1']}/16 dev eth0", f"route replace default via {GATEWAY_V4}")
        check(tcp(second, NO[0], 443) == "answered", "the second one does not get out")
        moved = one(d, lambda x: x["mac"] == MAC2)
        check(moved and moved["addresses"][0] == lab.v4["cam-1"], f"{moved}")
        check(not moved["maker"] and not moved["covered"] and not moved["serial"], f"inherited: {moved}")
        check(one(d, lambda x: x["mac"] == MAC1)["maker"] == "hikvision", "what was known of the first one is gone")
        say(second, sadp("S-TWIN"), SADP_GROUP)
        alert = d.wait_record("alert", f"alert.signature_id={SID_CHANGED}", seconds=5)[0]
        check("S-TWIN" in alert["alert"]["signature"] and "cam-1" in alert["alert"]["signature"], f"{alert['alert']}")


STRANGER = policy(OPEN_TO_NO).replace(f'  - {{name: cam-2, mac: "{MAC2}", brand: LTS}}\n', "")


def stored(d, table, what="count(*)"):
    return wire.rows(d.path("state", "history", "state.db"), f"SELECT {what} FROM {table} WHERE device IN (SELECT id FROM devices WHERE mac = '{MAC2}')")


@tests.add("a name and the evidence outlive a restart, so does the maker without a packet; forget clears memory and database")
def devices_remembered():
    with gateway(STRANGER) as (lab, d):
        camera = lab.cameras["cam-2"]
        say(camera, sadp("F7"), SADP_GROUP)
        wait_for(lambda: (one(d, lambda x: x["mac"] == MAC2) or {}).get("maker") == "hikvision", 5, "not known", every=0.1)
        check(d.lenscap("devices", "name", MAC2, "porch")[0] == 0, "it cannot be named")
        check(d.lenscap("devices", "name", MAC2, "cam-1")[0] != 0 and d.lenscap("devices", "name", MAC1, "x")[0] != 0, "a wrong name was taken")
        before = show(d, "porch")
        d.stop()
        camera.ip("link set eth0 down")  # nothing more of it comes
        d.start()
        wait_for(lambda: one(d, lambda x: x["name"] == "porch"), 8, f"not restored: {inventory(d)}\n{d.log()}", every=0.1)
        after = wait_for(lambda: (lambda r: r if r["evidence"] else None)(show(d, "porch")), 5, "no evidence came back", every=0.1)
        same = ("maker", "score", "covered", "serial", "model", "label", "given_name", "mac", "first")
        check({k: after[k] for k in same} == {k: before[k] for k in same}, f"{before}\n{after}")
        rows = [sorted((e["channel"], e["maker"], e["pattern"], e["weight"]) for e in r["evidence"]) for r in (before, after)]
        check(rows[0] == rows[1], f"{rows}")
        check(stored(d, "evidence")[0][0] == len(rows[0]), f"{stored(d, 'evidence')}")
        check(d.lenscap("devices", "forget", "porch")[0] == 0, "it cannot be forgotten")
        check(not one(d, lambda x: x["mac"] == MAC2), "it is still listed")
        wait_for(lambda: not wire.rows(d.path("state", "history", "state.db"), f"SELECT 1 FROM devices WHERE mac = '{MAC2}'"), 5, "the database still has it", every=0.1)
        orphans = wire.rows(d.path("state", "history", "state.db"), "SELECT count(*) FROM evidence WHERE device NOT IN (SELECT id FROM devices)")
        check(orphans[0][0] == 0, f"{orphans} rows of evidence are nobody's")
        d.stop()
        d.start()
        check(not one(d, lambda x: x["mac"] == MAC2), "it came back")
