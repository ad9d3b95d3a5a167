# SPDX-License-Identifier: GPL-2.0-or-later
"""
Honest TLS connections, one after the other: tlsclient.py COUNT NAME PORT GAP_MS SOURCES ADDRESS…

SOURCES: comma-separated addresses to bind, one a family. Prints JSON: how many succeeded, what went wrong, the seconds from connect
to the end of the handshake, and TCP's retransmissions.
"""

import ipaddress
import json
import socket
import ssl
import struct
import sys
import time

TCP_INFO = 11
TOTAL_RETRANS = 100  # linux/tcp.h: tcpi_total_retrans


def once(context, name, source, address, port):
    """(seconds, retransmissions)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        s.bind((source, 0))
        start = time.perf_counter()
        s.connect((address, port))
        with context.wrap_socket(s, server_hostname=name) as t:
            took = time.perf_counter() - start
            t.sendall(b"picture")
            if t.recv(64) != b"picture":
                raise OSError("no echo")
            info = t.getsockopt(socket.IPPROTO_TCP, TCP_INFO, 256)
        return took, struct.unpack_from("=I", info, TOTAL_RETRANS)[0]


def main(count, name, port, gap_ms, sources, *addresses):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    by_family = {ipaddress.ip_address(a).version: a for a in sources.split(",")}
    seconds, wrong, again = [], [], 0
    for n in range(int(count)):
        address = addresses[n % len(addresses)]
        try:
            took, retransmissions = once(context, name, by_family[ipaddress.ip_address(address).version], address, int(port))
            seconds.append(took)
            again += retransmissions
        except OSError as e:
            wrong.append(f"{address}: {type(e).__name__} {e}")
        time.sleep(float(gap_ms) / 1000)
    print(json.dumps({"succeeded": len(seconds), "wrong": wrong, "seconds": seconds, "retransmissions": again}))


if __name__ == "__main__":
    main(*sys.argv[1:])
