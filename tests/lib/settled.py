# SPDX-License-Identifier: GPL-2.0-or-later
"""Two settled streams, one a family, that must not lose a packet whatever happens beside them."""

import contextlib

from daemon import wait_for
from netcase import NO
from result import check
from traffic import Server, TcpStream, lost_segments, retransmits

EXCHANGES = 30


class Settled:
    """
    From a camera to an allowed country, over IPv4 and IPv6, about one exchange every gap_s. As a context it checks at the end that neither
    side has lost a segment. A segment that came late, after it was sent again, is not lost; said() tells how many.
    """

    def __init__(self, lab, camera="cam-1", port=8443, gap_s=0.001):
        self.server = Server(lab.internet, port)
        self.streams = [TcpStream(lab.cameras[camera], a, port, gap_s) for a in NO]
        self.lost = self.excuses = self.again = 0
        self.went_on()

    def went_on(self, seconds=10):
        """They make progress from this moment on."""
        before = [s.exchanges for s in self.streams]
        wait_for(lambda: any(s.ended for s in self.streams) or all(s.exchanges > b + EXCHANGES for s, b in zip(self.streams, before)),
                 seconds, f"the settled streams stand still: {[s.exchanges for s in self.streams]}")
        check(not any(s.ended for s in self.streams), f"settled streams ended: {[s.ended for s in self.streams]}")

    @contextlib.contextmanager
    def excused(self):
        """What is lost meanwhile is told, and does not count: a gate that dies takes with it what waits in its queue."""
        before = self.lost_so_far()
        yield
        self.excuses += self.lost_so_far() - before

    def lost_so_far(self):
        return sum(lost_segments(s.socket) for s in self.streams) + self.server.lost_so_far()

    def close(self):
        """Once: the sums, then the sockets."""
        for s in self.streams:
            s.closing = True
        for s in self.streams:
            s.thread.join(6)
            self.again += retransmits(s.socket)
            self.lost += lost_segments(s.socket)
            s.close()
        self.lost -= self.excuses
        wait_for(lambda: len(self.server.retransmitted) == len(self.streams), 5, "the server does not see the end")
        self.lost += self.server.lost
        self.again += sum(self.server.retransmitted.values())
        self.server.close()

    def said(self):
        late = self.again - self.lost - self.excuses
        more = (f", {late} late" if late else "") + (f", {self.excuses} lost with a gate" if self.excuses else "")
        return f"settled streams: {sum(s.exchanges for s in self.streams)} exchanges, {self.lost} segments lost{more}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        ended = [s.ended for s in self.streams]
        self.close()
        if kind is None:
            check(not any(ended), f"settled streams ended: {ended}")
            check(self.lost == 0, f"the settled streams lost {self.lost} segments")
