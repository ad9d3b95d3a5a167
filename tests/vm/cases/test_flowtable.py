# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody else's flow table: packets that it carries meet no rule, ours neither. The trap, and the way out that lenscap-deploy(7) names."""

from daemon import wait_for
from netcase import CN, NO, OPEN_TO_ALL, OPEN_TO_NO, check, gateway, policy, tests
from test_deploy import block, commands
from traffic import Server, TcpStream, tcp


def goes_on(stream, count):
    before = stream.exchanges
    wait_for(lambda: stream.exchanges >= before + count or stream.ended, 10, "the stream does not go on")
    check(not stream.ended, f"the stream ended: {stream.ended}")


@tests.add("beside a flow table new flows are judged, but a reload reaches none that it carries, as lenscap-deploy(7) says; its command cuts them")
def flowtable_trap():
    with gateway(policy(OPEN_TO_ALL)) as (lab, d), Server(lab.internet, 443):
        lab.gateway.run("nft", "-f", "-", data=block("table inet fast"))
        streams = [TcpStream(lab.camera, a, 443, gap_s=0.01) for a in CN]
        for s in streams:
            goes_on(s, 20)
        carried = lab.gateway.run("conntrack", "-L")
        check("[OFFLOAD]" in carried, f"nothing is carried by the flow table:\n{carried}")
        d.reload(policy(OPEN_TO_NO))
        for s in streams:
            goes_on(s, 30)
        check([tcp(lab.camera, a, 443, timeout=0.5) for a in CN] == ["timeout"] * 2, "a new flow is not judged beside a flow table")
        check([tcp(lab.camera, a, 443, timeout=3) for a in NO] == ["answered"] * 2, "what is allowed does not pass beside a flow table")
        for words in commands("# after each reload"):
            lab.gateway.run(*words)
        # A flow that was cut is silent: nothing resets what the policy drops.
        counts = []
        wait_for(lambda: counts.append([s.exchanges for s in streams]) or counts[-1] == counts[max(0, len(counts) - 3)] and len(counts) > 2, 10,
                 "the command cuts nothing", every=0.3)
        for s in streams:
            s.close()
