# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices that are cut off: by hand, by a rule, and for opening too many connections."""

import socket
import threading
import time

from daemon import wait_for
from netcase import CN, NO, OPEN_TO_ALL, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, TcpStream, connect, tcp

RULES = ('rules:\n  - {name: trap, from: cameras, to: any, port: tcp/23, action: quarantine, for: 2h, alert: high}\n'
         '  - {name: home, from: cameras, to: {country: "NO"}, action: allow}\ndefault: {action: block, alert: medium}\n')


def quarantine(d, *words):
    code, out, err = d.lenscap("quarantine", *words)
    check(code == 0, f"quarantine {words}: {code} {out}{err}{d.log()}")
    return out


def stops(stream, start):
    """Seconds from start until the last exchange: nothing has come for a while then."""
    before, at = stream.exchanges, time.monotonic()
    while time.monotonic() - at < 0.3:
        check(time.monotonic() - start < 5, "the stream goes on")
        if stream.exchanges != before:
            before, at = stream.exchanges, time.monotonic()
        time.sleep(0.001)
    return at - start


@tests.add("quarantine cuts a settled stream within a second, survives a flush of the ruleset and a restart, and release restores")
def quarantine_stream():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        cut, other = TcpStream(lab.camera, NO[0], 443), TcpStream(lab.cameras["cam-2"], NO[0], 443)
        wait_for(lambda: cut.exchanges > 20 and other.exchanges > 20, 5, "the streams do not run")
        start = time.monotonic()
        quarantine(d, "cam-1", "--for", "2h", "--reason", "test")
        took = stops(cut, start)
        check(took < 1, f"cut after {took:.2f} s")
        check("cam-1" in quarantine(d) and "operator" in quarantine(d), f"not listed: {quarantine(d)!r}")
        for address in NO:
            check(tcp(lab.camera, address, 443, timeout=0.3) == "timeout", f"{address} answers")
        d.wait_record("alert", "alert.signature_id=1990016", "alert.signature~cam-1")
        lab.gateway.run("nft", "flush", "ruleset")
        # Sets first, hooks last: only with these it is back.
        wait_for(lambda: "hook forward" in d.table() and "02:00:00:00:00:01" in d.table(), 3, "the table does not come back")
        lab.masquerade()
        check(tcp(lab.camera, NO[0], 443, timeout=0.3) == "timeout", "a flush of the ruleset let it go")
        d.stop()
        d.start()
        check(tcp(lab.camera, NO[0], 443, timeout=0.3) == "timeout", "a restart let it go")
        check(tcp(lab.cameras["cam-2"], NO[0], 443) == "answered", "another camera is cut off")
        wait_for(lambda: "cam-1" in quarantine(d) or "02:00:00:00:00:01" in quarantine(d), 3, "the new engine does not know")
        code, out, err = d.lenscap("release", "cam-1")
        check(code == 0, f"release: {code} {out}{err}{d.log()}")
        check(tcp(lab.camera, NO[0], 443) == "answered", "it is not let back")
        code, out, err = d.lenscap("release", "cam-1")
        check(code != 0 and "not in quarantine" in err, f"released twice: {code} {out}{err}")
        cut.close()
        other.close()
        return f"cut after {took * 1000:.0f} ms at most"


@tests.add("a quarantine ends by itself, and what is no device is refused")
def quarantine_ends():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        check(tcp(lab.camera, NO[0], 443) == "answered", "no connection before")
        quarantine(d, "10.20.0.11", "--for", "2s")
        check(tcp(lab.camera, NO[0], 443, timeout=0.3) == "timeout", "it answers")
        wait_for(lambda: tcp(lab.camera, NO[0], 443, timeout=0.3) == "answered", 8, "it does not end")
        d.wait_record("alert", "alert.signature_id=1990016", "alert.signature~let back")
        for wrong in ("nobody", "10.99.0.1", "01:00:00:00:00:01", "00:00:00:00:00:00"):
            code, out, err = d.lenscap("quarantine", wrong)
            check(code == 4, f"{wrong}: {code} {out}{err}")
        check(quarantine(d) == "", f"listed: {quarantine(d)!r}")


@tests.add("a rule's quarantine takes the whole device, live streams too, and only where the rule enforces")
def quarantine_rule():
    with gateway(policy(RULES)) as (lab, d), Server(lab.internet, 443), Server(lab.internet, 23):
        stream = TcpStream(lab.camera, NO[0], 443)
        wait_for(lambda: stream.exchanges > 20, 5, "the stream does not run")
        start = time.monotonic()
        check(tcp(lab.camera, CN[0], 23, timeout=0.05) == "timeout", "telnet answers")
        took = stops(stream, start)
        wait_for(lambda: "rule" in quarantine(d), 3, "not listed")
        check(tcp(lab.camera, NO[0], 443, timeout=0.3) == "timeout", "it still gets through")
        check(tcp(lab.cameras["cam-2"], NO[0], 443) == "answered", "another camera is cut off")
        d.wait_record("alert", "alert.signature_id=1990016", "alert.signature~by a rule")
        stream.close()
        d.lenscap("release", "cam-1")
        d.reload(policy(RULES, mode="monitor"))
        tcp(lab.camera, CN[0], 23, timeout=0.3)
        time.sleep(0.5)
        check(quarantine(d) == "", f"monitor mode cuts off: {quarantine(d)!r}")
        return f"cut {took * 1000:.0f} ms after the forbidden connection"


def flood(ns, address, seconds, out):
    """New flows as fast as one thread can: a datagram each, from ever other ports."""
    socks = [ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)]
    source, target = socket.inet_aton("10.20.0.11"), socket.inet_aton(address)
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for _ in range(64):
            n += 1
            sport, dport = 1024 + n % 60000, 1024 + n // 60000
            head = bytes((0x45, 0, 0, 29)) + bytes(4) + bytes((64, 17, 0, 0)) + source + target
            datagram = sport.to_bytes(2, "big") + dport.to_bytes(2, "big") + b"\x00\x09\x00\x00x"
            try:
                socks[0].sendto(head + datagram, (address, 0))
            except OSError:
                pass
    socks[0].close()
    out.append(n)


def connections(ns, seconds):
    """(tried, answered, slowest in s, median in s) of connections one after the other."""
    took, tried, end = [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        tried, start = tried + 1, time.monotonic()
        s, _ = connect(ns, NO[0], 443, 2.0)
        if s:
            with s:
                s.settimeout(2)
                s.sendall(b"x")
                if s.recv(10):
                    took.append(time.monotonic() - start)
        time.sleep(0.02)
    return tried, len(took), max(took, default=0), sorted(took)[len(took) // 2] if took else 0


@tests.add("a camera that floods is held alone: its new flows are cut and told, its settled stream and the other camera go on", alone=True)
def quarantine_flood():
    with gateway(policy(OPEN_TO_ALL, options="new-flows: 200, flood-hold: 5s")) as (lab, d), Server(lab.internet, 443):
        calm = connections(lab.cameras["cam-2"], 2)
        settled, sent = TcpStream(lab.camera, NO[0], 443), []
        wait_for(lambda: settled.exchanges > 20, 5, "the stream does not run")
        queued = d.queued()
        t = threading.Thread(target=flood, args=(lab.camera, CN[0], 4, sent))
        t.start()
        d.wait_record("alert", "alert.signature_id=1990017", "alert.signature~cam-1", seconds=6)
        before = settled.exchanges
        tried, answered, slowest, median = connections(lab.cameras["cam-2"], 2)
        t.join()
        c = d.counters()
        went_on = settled.exchanges - before
        check(answered == tried, f"the other camera: {answered} of {tried} connections")
        check(not settled.ended and went_on > 20, f"the settled stream stopped: {settled.ended}, {went_on} exchanges")
        check(c["c_flood"] > sent[0] // 2, f"{sent[0]} sent, {c['c_flood']} cut")
        check(c["c_queue"] - queued < 5000, f"{c['c_queue'] - queued} packets queued")
        check(tcp(lab.camera, NO[0], 443, timeout=0.2) == "timeout", "it opens connections while it is held")
        wait_for(lambda: tcp(lab.camera, NO[0], 443, timeout=0.3) == "answered", 12, "it is held for ever")
        settled.close()
        return (f"{sent[0] / 4:.0f} new flows/s sent, {c['c_flood']} cut, {c['c_queue'] - queued} queued; the other camera: {answered} of {tried} "
                f"answered, median {median * 1000:.1f} ms (calm {calm[3] * 1000:.1f}), slowest {slowest * 1000:.0f} ms (calm {calm[2] * 1000:.0f})")
