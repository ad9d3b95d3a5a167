# SPDX-License-Identifier: GPL-2.0-or-later
"""Makers that sell under their own names: Axis, Hanwha, Vivotek, Bosch; and what homes have: Tuya, Xiaomi."""

import json
import struct
import zlib

from cameras import words
from cameras.device import BROADCAST, Device


class Axis(Device):
    maker = "axis"
    udp = {5353: (words.MDNS_GROUP, "mdns"), 1900: (words.SSDP_GROUP, "ssdp")}
    tcp = {80: "http", 554: "rtsp"}
    asks = ("pool.ntp.org",)

    def begin(self):
        self.host = "axis-" + self.mac.replace(":", "")
        self.server = "Linux/4.9.206-axis8, UPnP/1.0, Portable SDK for UPnP devices/1.6.18"

    def there(self, ident=0):
        return words.mdns("_axis-video._tcp", f"AXIS P3245-V - {self.host[5:].upper()}", [f"macaddress={self.host[5:].upper()}"], self.address, ident)

    def usn(self):
        return "uuid:Upnp-BasicDevice-1_0-" + self.host[5:].upper()

    def mdns(self, data, sender):
        if not words.mdns_asks(data, "_axis-video._tcp"):
            return []
        return [(self.there(struct.unpack_from("!H", data)[0]), sender if sender[1] != 5353 else (words.MDNS_GROUP, 5353))]

    def ssdp(self, data, sender):
        return [(words.ssdp_answer(self.server, self.usn(), f"http://{self.address}:49152/rootdesc1.xml"), sender)] if data.startswith(b"M-SEARCH") else []

    def announce(self):
        return [words.dhcp(self.mac, self.host, "AXIS,Network Camera,P3245-V,10.12.114"),
                (self.there(), (words.MDNS_GROUP, 5353), 5353),
                (words.ssdp_notify(self.server, self.usn(), f"http://{self.address}:49152/rootdesc1.xml"), (words.SSDP_GROUP, 1900), 1900)]

    def http(self, data):
        r = words.request(data)
        if r and r[0] == "POST":
            return words.onvif_refused("Apache")
        return r and words.unauthorized("AXIS_" + self.host[5:].upper(), "Apache")

    def rtsp(self, data):
        return words.rtsp(data, "AXIS_" + self.host[5:].upper(), "GStreamer RTSP server")


class Hanwha(Device):
    """Its own search is the only one that it answers with a name."""
    maker = "hanwha"
    udp = {7701: (None, "search")}
    tcp = {80: "http", 554: "rtsp"}

    def search(self, data, _sender):
        if len(data) != 262 or data[0] != 1:
            return []
        out = (b"\x0b" + data[1:19] + self.mac.upper().encode().ljust(18, b"\0") + self.address.encode().ljust(16, b"\0")
               + b"255.255.0.0".ljust(16, b"\0") + b"10.20.0.1".ljust(16, b"\0"))
        out = out.ljust(109, b"\0") + b"XND-6080".ljust(10, b"\0")
        out = out.ljust(133, b"\0") + f"http://{self.address}/index.htm".encode().ljust(39, b"\0")
        return [(out.ljust(262, b"\0"), (BROADCAST, 7711))]

    def announce(self):
        return [words.dhcp(self.mac, vendor_class="udhcp 1.24.2")]

    def http(self, data):
        r = words.request(data)
        return r and words.unauthorized("iPolis", "lighttpd")

    def rtsp(self, data):
        return words.rtsp(data, "iPolis")


class Vivotek(Device):
    """Recorders set up for another maker ask it that maker's paths; it does not have them."""
    maker = "vivotek"
    udp = {10000: (None, "search")}
    tcp = {80: "http", 554: "rtsp"}

    def search(self, data, sender):
        if data[1:5] != b"\x4a\x5d\x8f\x1c":
            return []
        values = ((1, b"Lobby"), (2, words.mac_bytes(self.mac)), (9, b"FD8136"))
        return [(data[:5] + b"".join(bytes([t, len(v)]) + v for t, v in values), sender)]

    def announce(self):
        return [words.dhcp(self.mac, vendor_class="udhcp 1.18.4")]

    def http(self, data):
        r = words.request(data)
        return r and words.reply("404 Not Found", "<html></html>", "Vivotek Network Camera")

    def rtsp(self, data):
        return words.rtsp(data, "")


class Bosch(Device):
    """Only its certificate tells; TLS 1.2."""
    maker = "bosch"
    tls = ("/C=DE/O=Bosch Sicherheitssysteme GmbH/CN=local.myboschcam.net", "http")

    def announce(self):
        return [words.dhcp(self.mac, vendor_class="udhcp 1.24.1")]

    def http(self, data):
        return words.request(data) and words.reply("200 OK", "<html></html>")


class Tuya(Device):
    """A platform inside somebody's camera: it says so every few seconds, and never who made the rest."""

    def announce(self):
        body = bytes(4) + json.dumps({"ip": self.address, "gwId": "bf0123456789abcdef", "active": 2, "ability": 0, "encrypt": True,
                                      "productKey": "keyabcdefghijkl", "version": "3.1"}).encode()
        out = b"\0\0\x55\xaa" + struct.pack("!III", 0, 0x13, len(body) + 8) + body
        out += struct.pack("!I", zlib.crc32(out)) + b"\0\0\xaa\x55"
        return [words.dhcp(self.mac, vendor_class="udhcp 1.30.1"), (out, (BROADCAST, 6666), 6666)]


class Xiaomi(Device):
    maker = "xiaomi"
    udp = {54321: (None, "miio")}
    asks = ("ot.io.mi.com", "ots.io.mi.com")

    def miio(self, data, sender):
        if len(data) < 32 or data[:4] != b"\x21\x31\0\x20":
            return []
        return [(bytes.fromhex("213100200000000003b1fb1000000a1b") + b"\xff" * 16, sender)]

    def announce(self):
        return [words.dhcp(self.mac, "chuangmi_camera_ipc019", "udhcp 1.28.1")]
