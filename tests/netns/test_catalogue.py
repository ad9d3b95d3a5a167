# SPDX-License-Identifier: GPL-2.0-or-later
"""The owner's own catalogue changes under a running daemon: what is known of a device is read anew, and rules by maker follow."""

import contextlib
import json
import os
import socket

import daemon
import traffic
from cameras import words
from daemon import wait_for
from lab import Lab
from netcase import NO, TAIL, check, tests

MAC = "00:de:ad:00:00:01"
GROUP = (words.SSDP_GROUP, 1900)
POLICY = f"""\
version: 1
mode: enforce
fail: closed
zones:
  cameras: {{interfaces: [cam0], networks: ["10.20.0.0/16", "fd20::/64"]}}
unknown-devices: allow
devices:
  - {{name: door, mac: "{MAC}"}}
rules:
  - {{name: depot, from: {{maker: depot-cams}}, to: {{country: "NO"}}, action: allow}}
default: {{action: reject, alert: medium}}
"""
WITHOUT = POLICY.replace("depot-cams", "axis")
MAKERS = "# lenscap-catalogue 1 makers\n# id\tname\towner\tkind\tcovered\tsource\n"
OUI = "# lenscap-catalogue 1 oui\n# prefix\tmaker\torganisation\tweak\tsource\n"
FINGERPRINTS = "# lenscap-catalogue 1 fingerprints\n# maker\tchannel\tmatch\tpattern\tweight\tweak\tsource\tnote\n"
DEPOT = "depot-cams\tDepot Cameras\t-\tmaker\tno\tdelivery note\n"
OTHERS = "".join(f"aa-{n}\tOther {n}\t-\tmaker\tno\tdelivery note\n" for n in range(20))


def write_catalogue(d, **files):
    """Replaces the owner's additions by these."""
    folder = d.path("catalogue.d")
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    for name, text in files.items():
        with open(os.path.join(folder, f"{name}.tsv"), "w") as f:
            f.write(text)


def full(makers=DEPOT):
    return {"makers": MAKERS + makers, "oui": OUI + "00:DE:AD\tdepot-cams\tDepot\t-\tdelivery note\n",
            "fingerprints": FINGERPRINTS + "depot-cams\tssdp-server\tsubstr\tDepotCam/\t85\t-\tdelivery note\t-\n"}


def maker(d):
    code, out, err = d.lenscap("devices", "--json")
    check(code == 0, f"devices: {code}\n{out}{err}{d.log()}")
    return next((one.get("maker") or "" for one in json.loads(out) if one["mac"] == MAC), None)


def announce(lab):
    s = lab.camera.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(lab.v4["door"]))
        s.sendto(words.ssdp_notify("Linux UPnP/1.0 DepotCam/1.2", "uuid:7", "http://10.20.0.11/d.xml"), GROUP)
    finally:
        s.close()


def goes(lab):
    """What becomes of a connection to where the depot's cameras may go."""
    return traffic.tcp(lab.camera, NO[0], 443, timeout=3)


def wants(lab, d, outcome, why):
    """The kernel forgets what it has refused a moment after a maker became known."""
    seen = []
    wait_for(lambda: seen.append(goes(lab)) or seen[-1] == outcome, 30, f"{why}: {outcome}\n{d.log()}", every=0.2)


@contextlib.contextmanager
def depot():
    """(lab, daemon): one camera, whom the owner's catalogue knows by its MAC and its announcement."""
    with Lab(cameras=("door",), macs={"door": MAC}, hosts=NO) as lab:
        d = daemon.Daemon(lab, POLICY + TAIL)
        try:
            write_catalogue(d, **full())
            d.start()
            yield lab, d
        finally:
            d.close()


def becomes_known(lab, d):
    wait_for(lambda: announce(lab) or maker(d) == "depot-cams", 15, "nobody knows who made it", every=0.2)


@tests.add("own catalogue changed and reloaded: a maker stays who it is among twenty new ones, is nobody without its row, is known again with it")
def catalogue_reloaded():
    with depot() as (lab, d), traffic.Server(lab.internet, 443):
        wants(lab, d, "refused", "nobody knows yet who made it")
        becomes_known(lab, d)
        wants(lab, d, "answered", "its rule holds")

        write_catalogue(d, **full(OTHERS + DEPOT + "zz\tLast\t-\tmaker\tno\tdelivery note\n"))
        d.reload()
        check(maker(d) == "depot-cams", f"numbers have moved, it has not: {maker(d)}")
        wants(lab, d, "answered", "its rule holds among more makers")

        write_catalogue(d)
        d.reload(WITHOUT + TAIL)
        check(maker(d) == "", f"no row tells of it any more: {maker(d)}")
        wants(lab, d, "refused", "no rule lets it out")

        write_catalogue(d, **full())
        d.reload(POLICY + TAIL)
        becomes_known(lab, d)
        wants(lab, d, "answered", "its rule holds again")


@tests.add("an own catalogue that makes no sense is refused at a reload, with its file and line; who made a device stays known")
def catalogue_refused():
    with depot() as (lab, d):
        becomes_known(lab, d)
        for files, word in (({**full(), "makers": MAKERS + "depot-cams\tDepot\n"}, "makers.tsv:3"),
                            ({**full(), "fingerprints": FINGERPRINTS + "depot-cams\tno-channel\tsubstr\tx\t85\t-\ts\t-\n"}, "fingerprints.tsv:3"),
                            ({**full(), "oui": "# lenscap-catalogue 9 oui\n"}, "oui.tsv:1")):
            write_catalogue(d, **files)
            code, out, err = d.lenscap("reload")
            check(code != 0 and word in out + err, f"{word}: {code}\n{out}{err}")
            check(maker(d) == "depot-cams", f"after {word}: {maker(d)}")
