# SPDX-License-Identifier: GPL-2.0-or-later
"""
The soak's servers: server.py CERTIFICATE KEY, in the internet's namespace. TCP and UDP echo, TLS echo.

Whoever comes to the TLS port from a port of REFUSED_LATE may complete TCP's handshake and nothing more: what it says is counted as bytes that
should not have come. SIGTERM prints the count as JSON.
"""

import asyncio
import json
import signal
import socket
import ssl
import sys

import kinds
import traffic


class Here:
    """traffic.Server wants a namespace: this process is in it."""
    socket = staticmethod(socket.socket)


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class Tls:
    def __init__(self, certificate, key):
        self.handed = self.leaked = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)

    async def suspect(self, s):
        try:
            async with asyncio.timeout(3):
                while data := await asyncio.get_running_loop().sock_recv(s, 4096):
                    self.leaked += len(data)
        except (OSError, TimeoutError):
            pass
        s.close()

    async def client(self, s, peer):
        if peer[1] in kinds.REFUSED_LATE:
            await self.suspect(s)
            return
        try:
            await asyncio.get_running_loop().connect_accepted_socket(Echo, s, ssl=self.context)
            self.handed += 1
        except (OSError, ssl.SSLError):
            s.close()

    async def run(self):
        loop, stop, tasks = asyncio.get_running_loop(), asyncio.Event(), set()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        listener = socket.create_server(("::", kinds.TLS), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
        listener.setblocking(False)

        async def accept():
            while True:
                s, peer = await loop.sock_accept(listener)
                t = loop.create_task(self.client(s, peer))
                tasks.add(t)
                t.add_done_callback(tasks.discard)

        accepting = loop.create_task(accept())
        print("ready", flush=True)
        await stop.wait()
        accepting.cancel()
        await asyncio.wait({*tasks, loop.create_task(asyncio.sleep(0))}, timeout=6)


def main():
    echo, tls = traffic.Server(Here, kinds.ECHO), Tls(*sys.argv[1:3])
    asyncio.run(tls.run())
    print(json.dumps({"connections": echo.connections, "datagrams": echo.datagrams, "tls": tls.handed, "leaked": tls.leaked}), flush=True)
    echo.close()


if __name__ == "__main__":
    main()
