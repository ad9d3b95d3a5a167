# SPDX-License-Identifier: GPL-2.0-or-later
"""
A TLS server that also listens to those who are no clients: tlsserver.py CERTIFICATE KEY PORT SUSPECT…

What a suspect's connection or datagram carries is kept raw, by (address, port); everybody else gets TLS and an echo.
SIGTERM prints what came as JSON.
"""

import asyncio
import json
import signal
import socket
import ssl
import sys

KEPT = 4096


class Echo(asyncio.Protocol):
    def __init__(self, server):
        self.server = server

    def connection_made(self, transport):
        self.transport = transport
        self.server.handshakes += 1

    def data_received(self, data):
        self.transport.write(data)


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server):
        self.server = server

    def datagram_received(self, data, sender):
        self.server.note(sender, data)


class Server:
    def __init__(self, certificate, key, suspects):
        self.suspects, self.got = suspects, []
        self.handshakes = self.accepted = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)

    def note(self, peer, data):
        self.got.append((peer[0].removeprefix("::ffff:"), peer[1], data[:KEPT].hex()))

    async def listen_to(self, s, peer):
        """All bytes of one suspect's connection; it is reset after a while, for there are many."""
        loop, data = asyncio.get_running_loop(), b""
        try:
            async with asyncio.timeout(4):
                while more := await loop.sock_recv(s, 65536):
                    data += more
        except (OSError, TimeoutError):
            pass
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.close()
        if data:
            self.note(peer, data)

    async def client(self, s):
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: Echo(self), s, ssl=self.context)
        except (OSError, ssl.SSLError):
            s.close()

    async def run(self, port):
        loop, stop, tasks = asyncio.get_running_loop(), asyncio.Event(), set()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
        listener.setblocking(False)
        await loop.create_datagram_endpoint(lambda: Datagrams(self), local_addr=("::", port), family=socket.AF_INET6)

        async def accept():
            while True:
                s, peer = await loop.sock_accept(listener)
                self.accepted += 1
                suspect = peer[0].removeprefix("::ffff:") in self.suspects
                t = loop.create_task(self.listen_to(s, peer) if suspect else self.client(s))
                tasks.add(t)
                t.add_done_callback(tasks.discard)

        accepting = loop.create_task(accept())
        print("ready", flush=True)
        await stop.wait()
        accepting.cancel()
        await asyncio.wait({*tasks, loop.create_task(asyncio.sleep(0))}, timeout=6)
        print(json.dumps({"accepted": self.accepted, "handshakes": self.handshakes, "suspects": self.got}), flush=True)


if __name__ == "__main__":
    asyncio.run(Server(sys.argv[1], sys.argv[2], set(sys.argv[4:])).run(int(sys.argv[3])))
