# SPDX-License-Identifier: GPL-2.0-or-later
"""
A camera network of many makers' devices, and what may be known of each: by listening alone, and by asking.

    cameras … ── gateway ── internet: a resolver, and a recorder of zone `video`
"""

import contextlib
import subprocess
import sys
from dataclasses import dataclass, field

import lab as lab_module
from cameras import chinese, dahua, hikvision, office, others
from cameras.recorder import ADDRESS as RECORDER
from netcase import NO
from result import Skip

RESOLVER = lab_module.FAR_V4
NOT_ENOUGH = ""


@dataclass
class Row:
    """One device: what it is, what its label says, what shows by itself (passive) and when asked (vet)."""
    name: str
    kind: type
    mac: str
    brand: str
    shows: str              # for readers: what identification can see
    passive: str            # the maker, or NOT_ENOUGH
    vet: str
    polls: list = field(default_factory=list)  # what the recorder was set up to say to it

    @property
    def maker(self):
        """What its hardware is; "" for what is no camera."""
        return self.kind.maker or ""


DEVICES = [
    Row("cam-hik", hikvision.Hikvision, "44:19:b6:00:00:21", "Hikvision", "SADP, ONVIF hello", "hikvision", "hikvision", ["isapi", "hik-rtsp", "hik-sdk"]),
    Row("cam-lts", hikvision.Lts, "14:2f:fd:00:00:22", "LTS", "SADP, ONVIF hello, realm, certificate", "hikvision", "hikvision", ["isapi", "hik-rtsp", "tls"]),
    Row("cam-silent", hikvision.Silent, "c0:56:e3:00:00:23", "", "its MAC alone", NOT_ENOUGH, "hikvision"),
    Row("cam-lorex", dahua.Lorex, "00:1f:54:00:00:24", "Lorex", "DHIP notice, realm, DVRIP", "dahua", "dahua", ["cgi", "dahua-rtsp", "dvrip"]),
    Row("cam-amcrest", dahua.Amcrest, "00:65:1e:00:00:25", "Amcrest", "DHCP and its MAC", NOT_ENOUGH, "dahua"),
    Row("dvr-xm", chinese.Xiongmai, "00:12:12:00:00:26", "", "Sofia, web server, cloud names", "xiongmai", "xiongmai", ["http", "sofia", "rtsp"]),
    Row("nvr-tvt", chinese.Tvt, "58:5b:69:00:00:27", "Provision", "MHED announcement", "tvt", "tvt", ["http", "tvt"]),
    Row("cam-unv", chinese.Uniview, "48:ea:63:00:00:28", "", "ONVIF hello, cloud names", "uniview", "uniview", ["http", "rtsp"]),
    Row("cam-reolink", chinese.Reolink, "ec:71:db:00:00:29", "Reolink", "Baichuan", "reolink", "reolink", ["baichuan"]),
    Row("cam-axis", others.Axis, "ac:cc:8e:00:00:2a", "Axis", "DHCP name and class, mDNS, SSDP, realm", "axis", "axis", ["http", "rtsp"]),
    # Two traps: asked in another maker's words, one says 401 to every path there is, one answers in its own words.
    Row("cam-hanwha", others.Hanwha, "00:09:18:00:00:2b", "Hanwha", "its MAC; 401 to another maker's paths", NOT_ENOUGH, "hanwha", ["isapi", "hik-rtsp"]),
    Row("cam-vivotek", others.Vivotek, "00:02:d1:00:00:2c", "Vivotek", "server line, to another maker's questions", "vivotek", "vivotek", ["isapi", "hik-rtsp"]),
    Row("cam-bosch", others.Bosch, "00:07:5f:00:00:2d", "Bosch", "certificate", "bosch", "bosch", ["tls"]),
    Row("cam-tuya", others.Tuya, "d8:1f:12:00:00:2e", "SmartCam", "platform, never a maker", NOT_ENOUGH, NOT_ENOUGH),
    Row("cam-xiaomi", others.Xiaomi, "78:11:dc:00:00:2f", "", "DHCP name, cloud names", "xiaomi", "xiaomi"),
    Row("printer", office.Printer, "00:80:77:00:00:30", "", "mDNS, WS-Discovery, web server", NOT_ENOUGH, NOT_ENOUGH, ["http"]),
    Row("laptop", office.Laptop, "f0:18:98:00:00:31", "", "DHCP, mDNS, asks for makers' sites", NOT_ENOUGH, NOT_ENOUGH),
]


def inventory(rows=DEVICES):
    out = "devices:\n"
    for r in rows:
        brand = f', brand: "{r.brand}"' if r.brand else ""
        out += f'  - {{name: {r.name}, mac: "{r.mac}"{brand}}}\n'
    return out


def head(rows=DEVICES, mode="enforce"):
    return f"""\
version: 1
mode: {mode}
fail: closed
zones:
  cameras: {{interfaces: [cam0], networks: ["10.20.0.0/16"]}}
  video: {{networks: ["10.30.0.0/24"]}}
{inventory(rows)}"""


NAMES = f"  - {{name: names, from: cameras, to: {{address: {RESOLVER}}}, protocol: dns, action: allow}}\n"


@contextlib.contextmanager
def network(rows=DEVICES, hosts=()):
    """A lab with one namespace a row, a recorder's address and a resolver that knows every name."""
    names = tuple(r.name for r in rows)
    with lab_module.Lab(cameras=names, macs={r.name: r.mac for r in rows}, hosts=(RECORDER, *hosts)) as lab:
        lab.internet.ip("route add 10.20.0.0/16 via 192.0.2.1")
        start_resolver(lab)
        yield lab


def start_resolver(lab):
    try:
        lab.internet.start("dnsmasq", "-k", "-C", "/dev/null", "--pid-file=", "--no-resolv", "--no-hosts", "--user=root", "--port=53",
                           f"--listen-address={RESOLVER}", "--bind-interfaces", f"--address=/#/{NO[0]}", stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    except FileNotFoundError as e:
        raise Skip(f"no dnsmasq: {e}") from e


def start(lab, row, directory, **named):
    return row.kind(lab.cameras[row.name], lab.v4[row.name], row.mac, resolver=RESOLVER, directory=directory, **named)


@contextlib.contextmanager
def devices(lab, rows, directory, **named):
    """{name: device}, running."""
    out = {}
    try:
        for r in rows:
            out[r.name] = start(lab, r, directory, **named)
        yield out
    finally:
        for d in out.values():
            d.closing = True
        for d in out.values():
            d.close()


def report(found, key):
    """Prints and returns (precision, recall, wrong): of found {name: maker} against the rows' column `key`."""
    decided = {n: m for n, m in found.items() if m}
    truth = {r.name: r.maker for r in DEVICES}
    wrong = {n: m for n, m in decided.items() if truth[n] != m}
    cameras = [r for r in DEVICES if r.maker]
    right = sum(1 for r in cameras if decided.get(r.name) == r.maker)
    precision = (len(decided) - len(wrong)) / len(decided) if decided else 1.0
    recall = right / len(cameras)
    expected = sum(1 for r in DEVICES if getattr(r, key))
    print(f"     {key}: {len(decided)} decided of {len(DEVICES)} devices ({expected} expected); precision {precision:.2f}, "
          f"recall {recall:.2f} of {len(cameras)} cameras; wrong: {wrong or 'none'}", file=sys.stderr)
    return precision, recall, wrong
