# SPDX-License-Identifier: GPL-2.0-or-later
"""Hikvision's hardware, also under the label of LTS: SADP, WS-Discovery in its template, ISAPI, RTSP, the SDK's port, its certificate."""

from cameras import words
from cameras.device import Device

SADP_GROUP = "239.255.255.250"


class Hikvision(Device):
    maker = "hikvision"
    model, serial, firmware, label = "DS-2CD2043G2-I", "DS-2CD2043G2-I20220101AAWRJ00000021", "V5.7.3build 220112", "HIKVISION"
    udp = {37020: (SADP_GROUP, "sadp"), 3702: (words.WSD_GROUP, "wsd")}
    tcp = {80: "http", 554: "rtsp", 8000: "sdk"}
    tls = ("/C=CN/ST=ZheJiang/L=HangZhou/O=HIKVISION/OU=DVRNVR/CN=www.hikvision.com", "http")
    asks = ("time.windows.com", "dev.hik-connect.com")

    def begin(self):
        self.uuid = "5ec00002-5a00-7d3d-8d26-" + self.mac.replace(":", "")

    def match(self, uuid):
        dashed = self.mac.replace(":", "-")
        return (f'<?xml version="1.0" encoding="UTF-8"?>\n<ProbeMatch><Uuid>{uuid}</Uuid>\n<Types>inquiry</Types>\n<DeviceType>131121</DeviceType>\n'
                f"<DeviceDescription>{self.model}</DeviceDescription>\n<DeviceSN>{self.serial}</DeviceSN>\n<CommandPort>8000</CommandPort>\n"
                f"<HttpPort>80</HttpPort>\n<MAC>{dashed}</MAC>\n<IPv4Address>{self.address}</IPv4Address>\n<IPv4SubnetMask>255.255.0.0</IPv4SubnetMask>\n"
                f"<IPv4Gateway>10.20.0.1</IPv4Gateway>\n<DHCP>true</DHCP>\n<SoftwareVersion>{self.firmware}</SoftwareVersion>\n"
                f"<DSPVersion>V7.3 build 220112</DSPVersion>\n<BootTime>2026-11-20 06:12:00</BootTime>\n<Activated>true</Activated>\n"
                f"<PasswordResetAbility>true</PasswordResetAbility>\n<HCPlatformEnable>false</HCPlatformEnable>\n</ProbeMatch>\r\n").encode()

    def sadp(self, data, _sender):
        if b"<Probe>" not in data or b"<Types>inquiry" not in data:
            return []
        uuid = data.partition(b"<Uuid>")[2].partition(b"</Uuid>")[0].decode(errors="replace")
        return [(self.match(uuid), (SADP_GROUP, 37020))]

    def hello(self, kind):
        there = words.scopes(f"{self.label}%20{self.model}", self.model, "location/city/hangzhou", "Profile/Streaming", f"MAC/{self.mac}")
        return words.wsd(kind, self.uuid, there, self.address, soap="env", addressing="wsadis", version=10)

    def wsd(self, data, sender):
        return [(self.hello("ProbeMatches"), sender)] if words.WSD_SEARCH in data else []

    def announce(self):
        return [words.dhcp(self.mac, vendor_class="udhcp 1.23.2"),
                (self.match("13A888A9-F1B1-4020-AE9F-05607682D23B"), (SADP_GROUP, 37020), 37020),
                (self.hello("Hello"), (words.WSD_GROUP, 3702), 3702)]

    def http(self, data):
        r = words.request(data)
        if r is None:
            return None
        method, path = r
        if path.startswith("/ISAPI/"):
            return words.unauthorized(f"IP Camera({self.serial[-9:]})")
        if method == "POST":
            return words.onvif_refused()
        return words.reply("200 OK", '<!doctype html><html><head><title></title></head><body><script>window.location.href = '
                           '"/doc/page/login.asp?_" + (new Date()).getTime();</script></body></html>', "App-webs/")

    def rtsp(self, data):
        return words.rtsp(data, f"IP Camera({self.serial[-9:]})", public="OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, PAUSE")

    def sdk(self, data):
        if len(data) < 16:
            return None
        if data[4:8] in (b"\x5a\0\0\0", b"\x63\0\0\0"):
            return bytes.fromhex("000000d0000000010000000100000000") + bytes(0xd0 - 16)
        return bytes.fromhex("000000100000001e0000001e00000000")


class Lts(Hikvision):
    """The label changed the name and the model, and nothing else."""
    model, serial, label = "CMIP9342W-28M", "CMIP9342W-28M20211105AAWRG66912345", "LTS"
    asks = ("time.windows.com", "dev.ltspartnerconnect.com")


class Silent(Hikvision):
    """Behind a switch that lets no multicast through, and no recorder asks it: its MAC is all that shows."""
    tls, asks = None, ()

    def announce(self):
        return []
