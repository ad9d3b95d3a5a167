# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands on a camera network and is no camera: a printer, a laptop. Nobody may call them one."""

import struct

from cameras import words
from cameras.device import Device


class Printer(Device):
    udp = {5353: (words.MDNS_GROUP, "mdns"), 3702: (words.WSD_GROUP, "wsd"), 1900: (words.SSDP_GROUP, "ssdp")}
    tcp = {80: "http"}
    asks = ("pool.ntp.org",)

    def there(self, ident=0):
        return words.mdns("_ipp._tcp", "Brother HL-L2350DW series", ["txtvers=1", "ty=Brother HL-L2350DW series", "rp=ipp/print"], self.address, ident)

    def hello(self, kind):
        return words.wsd(kind, "e3248000-80ce-11db-8000-" + self.mac.replace(":", ""), ["ldap:///ou=print"], self.address, prefix="wsd", soap="soap",
                         types="wsdp:Device wprt:PrintDeviceType", version=2)

    def mdns(self, data, sender):
        if not words.mdns_asks(data, "_ipp._tcp"):
            return []
        return [(self.there(struct.unpack_from("!H", data)[0]), sender if sender[1] != 5353 else (words.MDNS_GROUP, 5353))]

    def wsd(self, data, sender):
        return [(self.hello("ProbeMatches"), sender)] if words.WSD_SEARCH in data and b"NetworkVideoTransmitter" not in data else []

    def ssdp(self, data, sender):
        usn = "uuid:e3248000-80ce-11db-8000-" + self.mac.replace(":", "")
        return [(words.ssdp_answer("debut/1.30 UPnP/1.0", usn, f"http://{self.address}/upnp.xml"), sender)] if data.startswith(b"M-SEARCH") else []

    def announce(self):
        return [words.dhcp(self.mac, "BRW" + self.mac.replace(":", "").upper(), "udhcp 1.19.4"), (self.there(), (words.MDNS_GROUP, 5353), 5353),
                (self.hello("Hello"), (words.WSD_GROUP, 3702), 3702)]

    def http(self, data):
        r = words.request(data)
        return r and words.reply("200 OK", "<html><head><title>Brother HL-L2350DW series</title></head></html>", "debut/1.30")


class Laptop(Device):
    asks = ("www.debian.org", "time.windows.com", "hikvision.com", "example.org")

    def announce(self):
        return [words.dhcp(self.mac, "janes-laptop", "MSFT 5.0", (1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252)),
                (words.mdns("_smb._tcp", "janes-laptop", [], self.address), (words.MDNS_GROUP, 5353), 5353)]
