# SPDX-License-Identifier: GPL-2.0-or-later
"""The records of a clean stop carry the kernel's counts, also of flows that go on."""

import time

from netcase import NO, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, TcpStream


@tests.add("connections that are open at SIGTERM are told with the kernel's counts, both ways")
def life_last_news():
    told = []
    for fail in ("open", "closed"):
        with gateway(policy(OPEN_TO_NO, fail=fail)) as (lab, d), Server(lab.internet, 443):
            streams = [TcpStream(lab.camera, a, 443, gap_s=0.0) for a in NO]
            time.sleep(0.4)  # less than the pause between two looks at conntrack
            least = [s.exchanges * 200 for s in streams]
            check(d.stop() == 0, f"exit code\n{d.log()}")
            for s in streams:
                s.close()
            for a, low in zip(NO, least):
                r = d.records("flow", f"dest_ip={a}", "dest_port=443")
                check(len(r) == 1 and r[0]["lenscap"]["counts"] == "kernel", f"fail {fail}: {[x['lenscap'].get('counts') for x in r]}")
                flow = r[0]["flow"]
                both = flow["bytes_toserver"] + flow["bytes_toclient"]
                check(flow["bytes_toserver"] and flow["bytes_toclient"] and both > low, f"fail {fail}: {flow}, at least {low} bytes went by")
                told.append(both)
    return f"bytes told: {told}"
