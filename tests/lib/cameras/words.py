# SPDX-License-Identifier: GPL-2.0-or-later
"""What devices of several makers say in the same form: DHCP, multicast DNS, SSDP, WS-Discovery, HTTP, RTSP, ONVIF."""

import socket
import struct

WSD_GROUP, SSDP_GROUP, MDNS_GROUP = "239.255.255.250", "239.255.255.250", "224.0.0.251"
WSD_SEARCH = b"http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe"


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def dhcp(mac, hostname="", vendor_class="", parameters=(1, 3, 6, 12, 15, 28, 42)):
    """A DISCOVER (RFC 2131) of a device that has an address already; nobody needs to answer."""
    head = struct.pack("!BBBBIHH", 1, 1, 6, 0, 0x4c430001, 0, 0x8000) + bytes(16) + mac_bytes(mac) + bytes(10 + 64 + 128)
    options = b"\x63\x82\x53\x63" + b"\x35\1\1"
    for code, value in ((12, hostname.encode()), (60, vendor_class.encode()), (55, bytes(parameters))):
        if value:
            options += bytes([code, len(value)]) + value
    return (head + options + b"\xff").ljust(300, b"\0"), ("255.255.255.255", 67), 68


def labels(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".") if x) + b"\0"


def mdns(service, instance, text=(), address=None, ident=0):
    """An unasked answer (RFC 6762): service, instance, its TXT strings and address."""
    full = f"{service}.local"
    txt = b"".join(bytes([len(t)]) + t.encode() for t in text) or b"\0"
    mine = bytes([len(instance)]) + instance.encode() + labels(full)
    host = labels(instance.replace(" ", "-").replace(".", "-") + ".local")
    out = labels(full) + struct.pack("!HHIH", 12, 1, 4500, len(mine)) + mine
    out += mine + struct.pack("!HHIH", 16, 0x8001, 4500, len(txt)) + txt
    srv = struct.pack("!HHH", 0, 0, 80) + host
    out += mine + struct.pack("!HHIH", 33, 0x8001, 120, len(srv)) + srv
    out += host + struct.pack("!HHIH", 1, 0x8001, 120, 4) + socket.inet_aton(address or "0.0.0.0")
    return struct.pack("!HHHHHH", ident, 0x8400, 0, 4, 0, 0) + out


def mdns_asks(data, service):
    return len(data) > 12 and data[2] & 0x80 == 0 and labels(service)[:-1] in data


def ssdp_notify(server, usn, location):
    return (f"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=1800\r\nLOCATION: {location}\r\n"
            f"NT: upnp:rootdevice\r\nNTS: ssdp:alive\r\nSERVER: {server}\r\nUSN: {usn}::upnp:rootdevice\r\n\r\n").encode()


def ssdp_answer(server, usn, location):
    return (f"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: {location}\r\nSERVER: {server}\r\n"
            f"ST: upnp:rootdevice\r\nUSN: {usn}::upnp:rootdevice\r\n\r\n").encode()


def wsd(kind, uuid, scopes, address, prefix="d", soap="SOAP-ENV", addressing="wsa", version=1, types="dn:NetworkVideoTransmitter"):
    """A Hello or ProbeMatches in a maker's template: prefixes and the fixed version are its habits."""
    body = (f"<{addressing}:EndpointReference><{addressing}:Address>urn:uuid:{uuid}</{addressing}:Address></{addressing}:EndpointReference>"
            f"<{prefix}:Types>{types}</{prefix}:Types><{prefix}:Scopes>{' '.join(scopes)}</{prefix}:Scopes>"
            f"<{prefix}:XAddrs>http://{address}/onvif/device_service</{prefix}:XAddrs><{prefix}:MetadataVersion>{version}</{prefix}:MetadataVersion>")
    if kind == "Hello":
        body = f"<{prefix}:Hello>{body}</{prefix}:Hello>"
    else:
        body = f"<{prefix}:ProbeMatches><{prefix}:ProbeMatch>{body}</{prefix}:ProbeMatch></{prefix}:ProbeMatches>"
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<{soap}:Envelope xmlns:{soap}="http://www.w3.org/2003/05/soap-envelope" '
            f'xmlns:{addressing}="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:{prefix}="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
            f'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><{soap}:Header><{addressing}:MessageID>urn:uuid:{uuid}</{addressing}:MessageID>'
            f'<{addressing}:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/{kind}</{addressing}:Action></{soap}:Header>'
            f'<{soap}:Body>{body}</{soap}:Body></{soap}:Envelope>').encode()


def scopes(name, hardware, *more):
    return ["onvif://www.onvif.org/type/video_encoder", f"onvif://www.onvif.org/hardware/{hardware}", f"onvif://www.onvif.org/name/{name}",
            *(f"onvif://www.onvif.org/{m}" for m in more)]


def request(data):
    """(method, path) once a whole request head with its body is there; None before."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return None
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    if len(body) < length:
        return None
    words = head.split(b"\r\n")[0].split(b" ")
    return words[0].decode(errors="replace"), words[1].decode(errors="replace") if len(words) > 1 else ""


def reply(status, body=b"", server="", upper=False, **fields):
    """An HTTP answer. upper: header names in capitals."""
    body = body.encode() if isinstance(body, str) else body
    lines = {"Connection": "close", "Content-Type": "text/html", **{k.replace("_", "-"): v for k, v in fields.items()}}
    if server:
        lines = {"Server": server, **lines}
    lines["Content-Length"] = str(len(body))
    if upper:
        lines = {k.upper(): v for k, v in lines.items()}
    return f"HTTP/1.1 {status}\r\n".encode() + "".join(f"{k}: {v}\r\n" for k, v in lines.items()).encode() + b"\r\n" + body


def unauthorized(realm, server="", kind="Digest", upper=False):
    challenge = f'Digest realm="{realm}", qop="auth", nonce="4c656e73636170", opaque=""' if kind == "Digest" else f'Basic realm="{realm}"'
    return reply("401 Unauthorized", "<html><body>401</body></html>", server, upper, WWW_Authenticate=challenge)


def onvif_information(maker, model, firmware, serial, server=""):
    body = ('<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            'xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><s:Body><tds:GetDeviceInformationResponse>'
            f"<tds:Manufacturer>{maker}</tds:Manufacturer><tds:Model>{model}</tds:Model><tds:FirmwareVersion>{firmware}</tds:FirmwareVersion>"
            f"<tds:SerialNumber>{serial}</tds:SerialNumber><tds:HardwareId>1.0</tds:HardwareId></tds:GetDeviceInformationResponse></s:Body></s:Envelope>")
    return reply("200 OK", body, server, Content_Type="application/soap+xml; charset=utf-8")


def onvif_refused(server=""):
    return reply("400 Bad Request", '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
                 'xmlns:ter="http://www.onvif.org/ver10/error"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode>'
                 "<s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code></s:Fault></s:Body></s:Envelope>", server,
                 Content_Type="application/soap+xml")


def rtsp(data, realm="", server="", public="OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY, GET_PARAMETER"):
    """OPTIONS is answered, everything else wants a password that nobody has; without a realm it is not found."""
    if b"\r\n\r\n" not in data:
        return None
    cseq = next((line.split(b":")[1].strip().decode() for line in data.split(b"\r\n") if line.lower().startswith(b"cseq")), "1")
    server = f"Server: {server}\r\n" if server else ""
    if data.startswith(b"OPTIONS"):
        return f"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n{server}Public: {public}\r\n\r\n".encode()
    if not realm:
        return f"RTSP/1.0 404 Not Found\r\nCSeq: {cseq}\r\n{server}\r\n".encode()
    return f'RTSP/1.0 401 Unauthorized\r\nCSeq: {cseq}\r\n{server}WWW-Authenticate: Digest realm="{realm}", nonce="4c656e73"\r\n\r\n'.encode()
