# SPDX-License-Identifier: GPL-2.0-or-later
"""Makers of whole device families that other firms sell: Xiongmai, TVT, Uniview, Reolink."""

import json
import socket
import struct

from cameras import words
from cameras.device import BROADCAST, Device

TVT_ASKS, TVT_TELLS = "234.55.55.55", "234.55.55.56"


class Xiongmai(Device):
    """A DVR without a name: the Sofia protocol, and a resolver of its own choice."""
    maker = "xiongmai"
    udp = {34569: (None, "search")}
    tcp = {80: "http", 554: "rtsp", 34567: "sofia"}
    asks = ("pub-cfg.secu100.net", "xmeye.net")

    def frame(self, number, value):
        body = json.dumps(value).encode() + b"\n\0"
        return b"\xff\0\0\0" + bytes(8) + b"\0\0" + struct.pack("<HI", number, len(body)) + body

    def search(self, data, _sender):
        if len(data) != 20 or data[14:16] != b"\xfa\x05":
            return []
        common = {"HostIP": "0x%08X" % struct.unpack("<I", socket.inet_aton(self.address))[0], "HostName": "LocalHost", "HttpPort": 80,
                  "MAC": self.mac, "SN": "9d3e8c0a51f04b12", "TCPPort": 34567, "UDPPort": 34568}
        return [(self.frame(1531, {"NetWork.NetCommon": common, "Ret": 100, "SessionID": "0x00000000"}), (BROADCAST, 34569))]

    def announce(self):
        return [words.dhcp(self.mac, "LocalHost", "udhcp 1.16.1")]

    def sofia(self, data):
        if len(data) < 20 or len(data) < 20 + struct.unpack_from("<I", data, 16)[0]:
            return None
        return self.frame(1001, {"Ret": 205, "SessionID": "0x00000000"})

    def http(self, data):
        r = words.request(data)
        return r and words.reply("200 OK", "<html><head><title>NETSurveillance WEB</title></head></html>", "uc-httpd 1.0.0")

    def rtsp(self, data):
        return words.rtsp(data, "", "H264DVR 1.0")


class Tvt(Device):
    maker = "tvt"
    model, serial = "TD-9541S4", "NB8AF056T0D2"
    udp = {23456: (TVT_ASKS, "search")}
    tcp = {80: "http", 554: "rtsp"}
    greets = {6036: b"head\0\0\0\0" + bytes(56)}

    def notice(self):
        out = b"MHED" + struct.pack("<HHI", 8, 1, 2) + b"Gate".ljust(20, b"\0") + words.mac_bytes(self.mac) + bytes(2)
        out += socket.inet_aton(self.address) + socket.inet_aton("255.255.0.0") + socket.inet_aton("10.20.0.1") + bytes(4)
        out += struct.pack("<HH", 80, 554)
        out = out.ljust(140, b"\0") + self.serial.encode().ljust(16, b"\0") + b"5.1.3.0".ljust(40, b"\0")
        return (out + self.model.encode().ljust(16, b"\0") + b"Provision".ljust(16, b"\0")).ljust(240, b"\0")

    def search(self, data, _sender):
        return [(self.notice(), (TVT_TELLS, 23456))] if data[:4] == b"MHED" and data[8:12] == b"\1\0\0\0" else []

    def announce(self):
        return [words.dhcp(self.mac, vendor_class="udhcp 1.22.1"), (self.notice(), (TVT_TELLS, 23456), 23456)]

    def http(self, data):
        r = words.request(data)
        return r and words.reply("200 OK", "<html><head><title>DVR Components Download</title></head></html>", "Cross Web Server")

    def rtsp(self, data):
        return words.rtsp(data, "RTSP SERVER")


class Uniview(Device):
    maker = "uniview"
    model = "IPC3614SB-ADF28KM-I0"
    udp = {3702: (words.WSD_GROUP, "wsd")}
    tcp = {80: "http", 554: "rtsp"}
    asks = ("www.star4live.com", "en.ezcloud.uniview.com")

    def hello(self, kind):
        there = words.scopes("UNV", self.model, "Profile/Streaming", "location/Hangzhou")
        return words.wsd(kind, "00010010-0001-1020-8000-" + self.mac.replace(":", ""), there, self.address)

    def wsd(self, data, sender):
        return [(self.hello("ProbeMatches"), sender)] if words.WSD_SEARCH in data else []

    def announce(self):
        return [words.dhcp(self.mac, vendor_class="udhcp 1.20.2"), (self.hello("Hello"), (words.WSD_GROUP, 3702), 3702)]

    def http(self, data):
        r = words.request(data)
        if r and r[0] == "POST":
            return words.onvif_information("UNIVIEW", self.model, "IPC_G6107-B0016P42D1911", "210235C3Q0A3201C0123")
        return r and (words.unauthorized("LAPI") if r[1].startswith("/LAPI/") else words.reply("200 OK", "<html></html>"))

    def rtsp(self, data):
        return words.rtsp(data, "iPcam")


class Reolink(Device):
    """Baichuan on its port. The body of the answer is hidden by a fixed mask, as in a real one."""
    maker = "reolink"
    tcp = {80: "http", 554: "rtsp", 9000: "baichuan"}
    asks = ("pool.ntp.org", "p2p.reolink.com")

    def announce(self):
        return [words.dhcp(self.mac, vendor_class="udhcp 1.24.1")]

    def baichuan(self, data):
        if len(data) < 20 or data[:4] != b"\xf0\xde\xbc\x0a":
            return None
        if len(data) < 20 + struct.unpack_from("<I", data, 8)[0]:
            return None
        body = bytes.fromhex("23124426") + bytes(141)
        return data[:8] + struct.pack("<I", len(body)) + b"\0\0\0\1\2\xdd\x14\x66" + body

    def http(self, data):
        r = words.request(data)
        return r and words.reply("200 OK", "<html><head><title>Reolink</title></head></html>", "nginx")

    def rtsp(self, data):
        return words.rtsp(data, "BC Streaming Media")
