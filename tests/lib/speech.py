# SPDX-License-Identifier: GPL-2.0-or-later
"""
First words of protocols, built byte by byte, so that a test can say them whole, in pieces, or slightly wrong.

say("tls:allowed.example") and the like; WORDS lists what can be said, and dnswords.py more of it.
"""

import ctypes
import ctypes.util
import hashlib
import hmac
import ipaddress
import struct

import dnswords

RANDOM = bytes(range(32))


def vector(size, data):
    """Data with its length in `size` bytes before it."""
    return len(data).to_bytes(size, "big") + data


def extension(kind, data):
    return struct.pack("!H", kind) + vector(2, data)


def extensions(name, ech, quic, more):
    out = b""
    if name:
        out += extension(0, vector(2, b"\0" + vector(2, name.encode())))
    out += extension(10, vector(2, struct.pack("!HH", 0x1d, 0x17))) + extension(13, vector(2, struct.pack("!HHH", 0x403, 0x804, 0x401)))
    out += extension(16, vector(2, vector(1, b"h3" if quic else b"http/1.1")))
    out += extension(43, vector(1, struct.pack("!H", 0x304) if quic else struct.pack("!HH", 0x304, 0x303)))
    out += extension(51, vector(2, struct.pack("!H", 0x1d) + vector(2, bytes(range(100, 132)))))
    if quic:
        out += extension(57, bytes.fromhex("0f00"))
    if ech:
        # draft-ietf-tls-esni, 5: outer, suite, config id, encapsulated key, payload.
        out += extension(0xfe0d, b"\0\0\1\0\1\x2a" + vector(2, bytes(32)) + vector(2, bytes(144)))
    return out + more


def handshake(name=None, ech=False, quic=False, size=0):
    """A ClientHello message. size: padded to so many bytes (RFC 7685)."""
    more = b""
    while True:
        body = struct.pack("!H", 0x303) + RANDOM + vector(1, b"" if quic else bytes(32))
        body += vector(2, struct.pack("!HHH", 0x1301, 0x1302, 0xc02f)) + b"\1\0" + vector(2, extensions(name, ech, quic, more))
        short = size - 4 - len(body)
        if short < 4 or more:
            return b"\1" + vector(3, body)
        more = extension(21, bytes(short - 4))


def records(message, at_most=16384):
    """The message in TLS records."""
    parts = [message[i:i + at_most] for i in range(0, len(message), at_most)]
    return b"".join(b"\x16\3\1" + vector(2, p) for p in parts)


def hello(name=None, ech=False, size=0, at_most=16384):
    """A ClientHello in records; size counts the whole."""
    return records(handshake(name, ech, size=size - 5 if size else 0), at_most)


def dtls(name=None):
    message = handshake(name)
    body = b"\xfe\xfd" + message[6:38] + b"\0\0" + vector(2, b"\xc0\x2b") + b"\1\0" + vector(2, extensions(name, False, False, b""))
    return b"\x16\xfe\xff" + bytes(8) + vector(2, b"\1" + vector(3, body) + bytes(5) + vector(3, body))


# QUIC version 1, RFC 9001: keys of the Initial packet come from its connection id.

SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
LIBCRYPTO = None


def libcrypto():
    global LIBCRYPTO
    if LIBCRYPTO is None:
        LIBCRYPTO = ctypes.CDLL(ctypes.util.find_library("crypto"))
        for f in ("EVP_CIPHER_CTX_new", "EVP_aes_128_gcm", "EVP_aes_128_ecb"):
            getattr(LIBCRYPTO, f).restype = ctypes.c_void_p
    return LIBCRYPTO


def encrypt(kind, key, nonce, data, head=b""):
    """(what AES made of data, GCM's tag)."""
    c, out, n, tag = libcrypto(), ctypes.create_string_buffer(len(data) + 32), ctypes.c_int(), ctypes.create_string_buffer(16)
    ctx = ctypes.c_void_p(c.EVP_CIPHER_CTX_new())
    try:
        c.EVP_EncryptInit_ex(ctx, ctypes.c_void_p(getattr(c, kind)()), None, key, nonce)
        if head:
            c.EVP_EncryptUpdate(ctx, None, ctypes.byref(n), head, len(head))
        c.EVP_EncryptUpdate(ctx, out, ctypes.byref(n), data, len(data))
        length = n.value
        if nonce:
            c.EVP_EncryptFinal_ex(ctx, ctypes.create_string_buffer(32), ctypes.byref(n))
            c.EVP_CIPHER_CTX_ctrl(ctx, 0x10, 16, tag)
        return out.raw[:length], tag.raw
    finally:
        c.EVP_CIPHER_CTX_free(ctx)


def expand(secret, label, length):
    """HKDF-Expand-Label of TLS 1.3, for one block."""
    info = struct.pack("!H", length) + vector(1, b"tls13 " + label) + b"\0"
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:length]


def quic(name=None, ech=False, version=1, padded=1200, spoil=False):
    """An Initial packet with a ClientHello."""
    dcid, scid = bytes.fromhex("8394c8f03e515708"), bytes.fromhex("c0ffee00")
    initial = hmac.new(SALT, dcid, hashlib.sha256).digest()
    client = expand(initial, b"client in", 32)
    key, iv, hp = (expand(client, label, n) for label, n in ((b"quic key", 16), (b"quic iv", 12), (b"quic hp", 16)))
    message = handshake(name, ech, quic=True)
    frame = b"\6\0" + struct.pack("!H", 0x4000 | len(message)) + message
    start = b"\xc3" + struct.pack("!I", version) + vector(1, dcid) + vector(1, scid) + b"\0"
    frame += bytes(max(0, padded - len(start) - 2 - 4 - len(frame) - 16))
    head = start + struct.pack("!H", 0x4000 | 4 + len(frame) + 16) + b"\0\0\0\2"
    nonce = iv[:11] + bytes([iv[11] ^ 2])
    sealed, tag = encrypt("EVP_aes_128_gcm", key, nonce, frame, head)
    sealed += tag
    mask, _ = encrypt("EVP_aes_128_ecb", hp, None, sealed[:16])
    number = bytes(a ^ b for a, b in zip(head[-4:], mask[1:5]))
    out = bytes([head[0] ^ mask[0] & 0x0f]) + head[1:-4] + number + sealed
    return out[:-1] + bytes([out[-1] ^ 1]) if spoil else out


def dns_name(name):
    return b"".join(vector(1, label.encode()) for label in name.split(".") if label) + b"\0"


def dns_question(name, kind=1, ident=0x4c43):
    return struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 0) + dns_name(name) + struct.pack("!HH", kind, 1)


def dns_answer(name, *addresses, ttl=300, ident=0x4c43):
    packed = [ipaddress.ip_address(a).packed for a in addresses]
    kind = 28 if packed and len(packed[0]) == 16 else 1
    out = struct.pack("!HHHHHH", ident, 0x8180, 1, len(packed), 0, 0) + dns_name(name) + struct.pack("!HH", kind, 1)
    return out + b"".join(b"\xc0\x0c" + struct.pack("!HHI", kind, 1, ttl) + vector(2, a) for a in packed)


def http(host="", path="/"):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: camera\r\n\r\n".encode()


def reply(server="lab", realm="", status="200 OK", body=""):
    """A web server's answer; underscores are spaces in its name and status."""
    ask = f'WWW-Authenticate: Digest realm="{realm}", nonce="1"\r\n' if realm else ""
    status, server = status.replace("_", " "), server.replace("_", " ")
    return f"HTTP/1.1 {status}\r\nServer: {server}\r\n{ask}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def sadp(kind, model, serial, oem="", mac=""):
    """SADP: an answer (inquiry), or a request to change a device."""
    tag = "ProbeMatch" if kind == "inquiry" else "Probe"
    return (f"<?xml version=\"1.0\" encoding=\"utf-8\"?><{tag}><Uuid>11111111-2222-3333-4444-555555555555</Uuid><Types>{kind}</Types>"
            f"<DeviceDescription>{model}</DeviceDescription><DeviceSN>{serial}</DeviceSN><OEMInfo>{oem}</OEMInfo>"
            f"{f'<MAC>{mac}</MAC>' if mac else ''}</{tag}>").encode()


def stun():
    return struct.pack("!HHI", 1, 0, 0x2112a442) + bytes(range(12))


def pppp():
    """The hello of the PPPP peer-to-peer protocol to its relay."""
    return bytes.fromhex("f1000000")


WORDS = {
    "tls": hello,
    "ech": lambda name=None: hello(name, ech=True),
    "records": lambda name, n: hello(name, at_most=int(n)),
    "large": lambda name, n: hello(name, size=int(n)),
    "dtls": dtls,
    "quic": quic,
    "quic-ech": lambda name=None: quic(name, ech=True),
    "quic-spoilt": lambda name=None: quic(name, spoil=True),
    "ask": lambda name: dns_question(name, 1),
    "ask6": lambda name: dns_question(name, 28),
    "answer": dns_answer,
    "http": http,
    "stun": stun,
    "reply": reply,
    "sadp": sadp,
    "pppp": pppp,
    "smtp-greeting": lambda: b"220 mail.example ESMTP ready\r\n",
    "ehlo": lambda: b"EHLO camera\r\n",
    "ftp-greeting": lambda: b"220 FTP server ready\r\n",
    "ftp-user": lambda: b"USER anonymous\r\n",
    "ssh": lambda: b"SSH-2.0-OpenSSH_9.2\r\n",
    "ok": lambda: b"HTTP/1.1 200 OK\r\nServer: lab\r\nContent-Length: 0\r\n\r\n",
    "noise": lambda n="64": bytes((i * 37 + 129) & 255 | 0x80 for i in range(int(n))),
}

WORDS.update(dnswords.WORDS)


def say(text):
    """What the word and its arguments, separated by commas, stand for: tls:NAME, answer:NAME,ADDRESS …"""
    word, _, rest = text.partition(":")
    return WORDS[word](*(rest.split(",") if rest else ()))
