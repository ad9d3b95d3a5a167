# SPDX-License-Identifier: GPL-2.0-or-later
"""A settled flow costs user space nothing."""

import time

from netcase import NO, OPEN_TO_NO, check, gateway, packets_of, policy, tests
from traffic import Server, connect

SIZE = 100 * 1000 * 1000


def download(ns, address, port):
    """Asks for the bulk and reads it to the end; bytes received."""
    s, how = connect(ns, address, port, 5)
    check(s, f"no connection: {how}")
    got = 0
    with s:
        s.settimeout(20)
        s.sendall(b"G")
        while data := s.recv(1 << 20):
            got += len(data)
    return got


@tests.add("100 MB of an allowed download queue at most 8 packets; the kernel carries the rest and its counts are exact", alone=True)
def settled_download():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443, bulk=SIZE):
        before, start = packets_of(lab.gateway, "wan0"), time.monotonic()
        got = download(lab.camera, NO[0], 443)
        seconds = time.monotonic() - start
        c, after = d.counters(), packets_of(lab.gateway, "wan0")
        forwarded = sum(after) - sum(before)
        check(got == SIZE + 1, f"received {got} bytes")
        check(c["c_queue"] <= 8, f"{c['c_queue']} packets queued")
        check(c["c_offload"] > 500, f"only {c['c_offload']} packets offloaded")
        # Neighbour discovery and what was there before the table account for a few.
        check(abs(forwarded - c["c_queue"] - c["c_offload"]) <= 20, f"{forwarded} forwarded, counters {c}")
        flow = d.wait_record("flow", "dest_port=443", f"flow.bytes_toclient>={SIZE}", seconds=8) if d_reports(d) else []
        return (f"{got / seconds / 125e6:.2f} Gbit/s, {c['c_queue']} queued, {c['c_offload']} offloaded of {forwarded} "
                f"forwarded" + (f", flow record: {flow[0]['flow']['bytes_toclient']} bytes" if flow else ""))


def d_reports(d):
    """A stop writes the record of a flow that conntrack still keeps; the last dump is at most 5 s old."""
    time.sleep(6)
    d.stop()
    return True


@tests.add("the same over IPv6", alone=True)
def settled_download_v6():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443, bulk=SIZE // 5):
        got = download(lab.camera, NO[1], 443)
        c = d.counters()
        check(got == SIZE // 5 + 1 and c["c_queue"] <= 8 and c["c_offload"] > 100, f"{got} bytes, {c}")
        return f"{c['c_queue']} queued, {c['c_offload']} offloaded"
