# SPDX-License-Identifier: GPL-2.0-or-later
"""Dahua's hardware under the labels of Lorex and Amcrest: DHIP, DVRIP, realms that carry the serial number."""

import json
import struct

from cameras import words
from cameras.device import Device

DHIP_GROUP = "239.255.255.251"


def frame(value):
    body = json.dumps(value).encode() + b"\n"
    return b"\x20\0\0\0DHIP" + bytes(8) + struct.pack("<IIII", len(body), 0, len(body), 0) + body


class Dahua(Device):
    maker = "dahua"
    model, serial, firmware, vendor = "IPC-HDW2431T-AS-S2", "4A0123PAG00001", "2.800.0000000.16.R", "General"
    udp = {37810: (DHIP_GROUP, "dhip"), 5050: (None, "old"), 3702: (words.WSD_GROUP, "wsd")}
    tcp = {80: "http", 554: "rtsp", 37777: "dvrip"}
    asks = ("time.windows.com", "www.easy4ipcloud.com")

    def notice(self):
        return frame({"mac": self.mac, "method": "client.notifyDevInfo", "params": {"deviceInfo": {
            "DeviceClass": "IPC", "DeviceType": self.model, "Vendor": self.vendor, "Manufacturer": self.vendor, "SerialNo": self.serial,
            "Version": self.firmware, "HttpPort": 80, "Port": 37777, "Init": 166, "MachineName": self.serial,
            "IPv4Address": {"DhcpEnable": True, "IPAddress": self.address, "SubnetMask": "255.255.0.0", "DefaultGateway": "10.20.0.1"}}}})

    def dhip(self, data, sender):
        return [(self.notice(), sender)] if b"DHDiscover.search" in data else []

    def old(self, data, sender):
        if data[:2] != b"\xa3\x01":
            return []
        second = self.mac.encode() + self.model.encode()
        third = f"Name:{self.vendor}\r\nDevice:{self.model}\r\nSerialNo:{self.serial}\r\n".encode()
        out = b"\xb3\0" + bytes([len(second), 0]) + struct.pack("<I", 0x58) + bytes(8) + struct.pack("<II", 2, len(third)) + bytes(16)
        out += self.model.encode()[:16].ljust(16, b"\0") + bytes(64)
        return [(out + second + third, sender)]

    def hello(self, kind):
        there = words.scopes(self.vendor, self.model, "location/country/china", "extension/unique_identifier")
        return words.wsd(kind, "9c3f4a52-1b7e-4c21-8f0e-" + self.mac.replace(":", ""), there, self.address, soap="s", addressing="a")

    def wsd(self, data, sender):
        return [(self.hello("ProbeMatches"), sender)] if words.WSD_SEARCH in data else []

    def announce(self):
        return [words.dhcp(self.mac, vendor_class="udhcp 1.19.4"), (self.notice(), (DHIP_GROUP, 37810), 37810),
                (self.hello("Hello"), (words.WSD_GROUP, 3702), 3702)]

    def http(self, data):
        r = words.request(data)
        if r is None:
            return None
        if r[0] == "POST":
            return words.onvif_refused()
        if r[1].startswith(("/cgi-bin/", "/ISAPI/", "/RPC2")):
            return words.unauthorized(f"Login to {self.serial}", upper=True)
        return words.reply("200 OK", "<html><head><title>WEB SERVICE</title></head></html>", upper=True)

    def rtsp(self, data):
        return words.rtsp(data, f"Login to {self.serial}", "Rtsp Server/3.0")

    def dvrip(self, data):
        if len(data) < 32:
            return None
        body = f"Realm:Login to {self.serial}\r\nRandom:1234567890\r\n\r\n".encode()
        return b"\xb0\1\0\x78" + struct.pack("<I", len(body)) + bytes(24) + body


class Lorex(Dahua):
    model, serial, vendor = "LNB4321B", "ND011803024567", "Lorex"


class Amcrest(Dahua):
    """Nobody has asked it yet, and it does not announce itself."""
    model, serial, vendor = "IP4M-1046EW", "AMC0189X1234567", "Amcrest"
    asks = ()

    def announce(self):
        return [words.dhcp(self.mac, vendor_class="udhcp 1.19.4")]
