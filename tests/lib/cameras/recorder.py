# SPDX-License-Identifier: GPL-2.0-or-later
"""
A recorder in another zone that polls cameras as it was set up to, whatever they are. It says what its maker's client says first, reads
the answer and goes: a camera is asked before it is trusted, so that is all that identification ever sees.
"""

import socket
import ssl
import struct
import threading

ADDRESS = "10.30.0.2"
HIK_LOGIN = (bytes.fromhex("000000e05a0000000000000000010000" "05013d4b00000001380200c0") + bytes(8) + b"reader".ljust(48, b"\0")
             + bytes.fromhex("30818902818100")).ljust(0xe0, b"\x5a")
XM_BODY = b'{"EncryptType":"MD5","LoginType":"DVRIP-Web","PassWord":"tlJwpbo6","UserName":"viewer"}\n\0'
XM_LOGIN = b"\xff\0\0\0" + bytes(8) + b"\0\0\xe8\x03" + struct.pack("<I", len(XM_BODY)) + XM_BODY
BAICHUAN_LOGIN = bytes.fromhex("f0debc0a010000002c0700000000000101dc1465") + bytes(0x72c)


def http(path):
    return lambda a: f"GET {path} HTTP/1.1\r\nHost: {a}\r\nUser-Agent: recorder/2.1\r\nAccept: */*\r\n\r\n".encode()


def rtsp(path):
    return lambda a: f"DESCRIBE rtsp://{a}{path} RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\nUser-Agent: recorder/2.1\r\n\r\n".encode()


# (port, what is said)
POLLS = {
    "http": (80, http("/")),
    "isapi": (80, http("/ISAPI/System/deviceInfo")),
    "cgi": (80, http("/cgi-bin/magicBox.cgi?action=getDeviceType")),
    "rtsp": (554, rtsp("/stream1")),
    "hik-rtsp": (554, rtsp("/Streaming/Channels/101")),
    "dahua-rtsp": (554, rtsp("/cam/realmonitor?channel=1&subtype=0")),
    "hik-sdk": (8000, lambda a: HIK_LOGIN),
    "dvrip": (37777, lambda a: bytes.fromhex("a0010000") + bytes(20) + bytes.fromhex("050201010000a1aa")),
    "sofia": (34567, lambda a: XM_LOGIN),
    "baichuan": (9000, lambda a: BAICHUAN_LOGIN),
    "tvt": (6036, lambda a: b""),
    "tls": (443, None),
}


def poll(ns, address, word, timeout=2.0):
    """The first bytes of the answer; b"" when there is none."""
    port, words = POLLS[word]
    with ns.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(timeout)
        try:
            s.bind((ADDRESS, 0))
            s.connect((address, port))
            if words is None:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with context.wrap_socket(s) as t:
                    t.sendall(http("/")(address))
                    return t.recv(65536)
            s.sendall(words(address))
            return s.recv(65536)
        except (OSError, ssl.SSLError):
            return b""


class Recorder:
    """Goes round the cameras until closed: polls is [(address, [words])]. answered counts by (address, word)."""

    def __init__(self, ns, polls):
        self.ns, self.polls, self.closing, self.rounds, self.answered = ns, polls, threading.Event(), 0, {}
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.closing.is_set():
            for address, words in self.polls:
                for word in words:
                    if self.closing.is_set():
                        return
                    if poll(self.ns, address, word):
                        self.answered[address, word] = self.answered.get((address, word), 0) + 1
            self.rounds += 1
            self.closing.wait(1)

    def close(self):
        self.closing.set()
        self.thread.join(10)
