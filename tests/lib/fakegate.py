# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays the gate and the kernel queue to a real lenscap-engine: no privileges, no network, time from the test."""

import ctypes
import os
import select
import socket
import subprocess
import time

import channel
import packet

TIMEOUT_S = 10
MARK_SHIFT = 16
BYSTANDER = "a bystander's packet"


class EngineDied(AssertionError):
    pass


KIND = 8 << 8 + MARK_SHIFT
OPEN = 4  # in a ct mark: see mark.h


def mark_of(decision, generation):
    return ((OPEN if decision == "open" else channel.DECISIONS.index(decision)) << 8 | generation) << MARK_SHIFT


class FakeGate:
    """
    One engine process. policy: [(name, text)]; directory: for run-dir, state-dir and stderr.
    links: {interface name: index}.
    """

    def __init__(self, engine, directory, policy, links, wall_us, args=(), control=None):
        self.generation = 1
        self.ticket = 0
        self.next_id = 1
        self.pings = 0
        self.stale_ids = 0
        self.rejudges = 0
        self.waiting = {}  # id: (label, mark) of each packet without a verdict
        self.answers = {}
        self.late = []     # (label, decision) of packets that were held, in the order of their verdicts
        self.newest = 0
        self.wall_us = wall_us
        self.stderr_path = os.path.join(directory, "stderr")
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.queue, queue_theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for name in ("run", "state"):
            os.makedirs(os.path.join(directory, name), exist_ok=True)
        with open(self.stderr_path, "wb") as log:
            self.process = subprocess.Popen(
                [engine, "--channel", str(theirs.fileno()), "--run-dir", os.path.join(directory, "run"),
                 "--state-dir", os.path.join(directory, "state"), "--clock", "packet", *args],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        theirs.close()
        self.ours.settimeout(TIMEOUT_S)
        self.queue.settimeout(TIMEOUT_S)
        bundle = channel.bundle_memfd(policy)
        start = channel.Start(channel.Head(channel.START, 0, channel.VERSION), generation=1, boot=0x5eed)
        start.has_control = control is not None  # a listening socket
        channel.send(self.ours, bytes(start), [bundle, queue_theirs.fileno()] + ([control.fileno()] if control else []))
        os.close(bundle)
        queue_theirs.close()
        self.send_links(links)
        self.expect(channel.READY)

    def send_links(self, links):
        rows = [channel.Link(index, name.encode()) for name, index in links.items()]
        channel.send(self.ours, channel.message(channel.LINKS, elements=rows))

    def neighbours(self, rows):
        channel.send(self.ours, channel.message(channel.NEIGHBOURS, elements=rows))
        self.ping()

    def receive(self):
        try:
            got = channel.receive(self.ours)
        except (ConnectionResetError, BrokenPipeError):
            got = None
        except TimeoutError:
            raise AssertionError(f"the engine said nothing for {TIMEOUT_S} s\n{self.log()}") from None
        if got is None:
            self.process.wait(TIMEOUT_S)
            raise EngineDied(f"the engine ended with {self.process.returncode}\n{self.log()}")
        return got

    def expect(self, kind):
        """The next message of this type. Requests that may come at any time are noted on the way."""
        while True:
            head, body = self.receive()
            if head.type == kind:
                return head, body
            if head.type == channel.VERDICTS:
                self.take_verdicts(head, body)
            elif head.type == channel.REJUDGE:
                self.rejudges += 1
            elif head.type not in (channel.RELOAD, channel.LOOK, channel.KINDS):
                raise AssertionError(f"message {head.type} from the engine where {kind} was expected")

    def packet(self, payload, wall_us=None, label="", bystander=None, **where):
        """
        Queues one packet and returns the decision's name. where: arguments of packet.queue_message(). bystander, a pair
        (payload, where) that gets its verdict at once, comes behind a packet that may get none by then: "held".
        """
        self.wall_us = self.wall_us if wall_us is None else wall_us
        self.newest = self.put(payload, label, where)
        last = self.put(bystander[0], BYSTANDER, bystander[1]) if bystander else self.newest
        while last in self.waiting:
            self.take_verdicts(*self.expect(channel.VERDICTS))
        answer = self.answers.pop(self.newest, "held")
        self.newest = 0 if answer == "held" else self.newest
        return answer

    def put(self, payload, label, where):
        packet_id, self.next_id = self.next_id, self.next_id + 1
        self.waiting[packet_id] = (label, where.get("mark", 0))
        self.queue.send(packet.queue_message(packet_id, payload, wall_us=self.wall_us, **where))
        return packet_id

    def take_verdicts(self, head, body):
        """One for a packet that waits, once, in order: what was held before the newest packet is answered before it."""
        size = ctypes.sizeof(channel.Verdict)
        if len(body) != head.count * size or head.arg != self.generation:
            raise AssertionError(f"{head.count} verdicts in {len(body)} bytes, generation {head.arg}; it is {self.generation}")
        for i in range(head.count):
            verdict = channel.Verdict.from_buffer_copy(body, i * size)
            label, mark = self.waiting.pop(verdict.id, (None, None))
            if label is None or verdict.mark != mark or verdict.decision >= len(channel.DECISIONS):
                raise AssertionError(f"verdict {verdict.decision} with mark {verdict.mark:#x} for id {verdict.id}; the mark was {mark}")
            decision = channel.DECISIONS[verdict.decision]
            if verdict.id == self.newest:
                self.answers[verdict.id] = decision
            elif label is not BYSTANDER:
                if self.answers:
                    raise AssertionError(f"{label}, which was held, got its verdict after a packet that came later")
                self.late.append((label, decision))

    def raw(self, data):
        """Any bytes on the queue socket: no verdict may come, and the engine must live."""
        self.queue.send(data)
        self.ping()

    def ping(self):
        """A barrier: what was sent on the channel before has been handled when this returns."""
        self.pings += 1
        channel.send(self.ours, channel.message(channel.PING, self.pings))
        head, body = self.expect(channel.PONG)
        if head.arg != self.pings:
            raise AssertionError(f"pong {head.arg} for ping {self.pings}")
        self.stale_ids = int.from_bytes(body[:8], "little")

    def news(self, rows):
        channel.send(self.ours, channel.message(channel.FLOW_NEWS, elements=rows))
        self.ping()

    def denied(self, rows):
        channel.send(self.ours, channel.message(channel.DENIED, elements=rows))
        self.ping()

    def event(self, number, count=0, text=""):
        channel.send(self.ours, bytes(channel.Event(channel.Head(channel.EVENT, 0, number), count, text.encode())))
        self.ping()

    def reload(self, policy):
        """True when the engine took the policy; the generation then is one higher."""
        self.ticket += 1
        bundle = channel.bundle_memfd(policy)
        channel.send(self.ours, channel.message(channel.PREPARE, self.ticket), [bundle])
        os.close(bundle)
        head, _ = self.expect(channel.PREPARED)
        if head.arg != self.ticket:
            raise AssertionError(f"prepared ticket {head.arg}, not {self.ticket}")
        if head.count:
            return False
        self.commit(self.ticket)
        return True

    def commit(self, ticket):
        self.generation = self.generation % 254 + 1
        commit = channel.Commit(channel.Head(channel.COMMIT, 1 if ticket else 0, ticket), generation=self.generation)
        channel.send(self.ours, bytes(commit))
        self.ping()

    def wait_rejudge(self):
        """The engine asked (or asks now) for a new generation: grants it."""
        if not self.rejudges:
            self.ping()
        if not self.rejudges:
            raise AssertionError("the engine did not ask for a new generation")
        self.rejudges = 0
        self.commit(0)

    def stop(self):
        """A clean stop; returns when the engine is gone. Its exit code must be 0."""
        channel.send(self.ours, channel.message(channel.STOP))
        code = self.wait()
        if code != 0:
            raise EngineDied(f"after CH_STOP the engine ended with {code}\n{self.log()}")

    def wait(self):
        """Waits for the exit while reading: a last message must not block the engine, and verdicts may be among them."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            if not select.select([self.ours], [], [], 0.1)[0]:
                continue
            try:
                got = channel.receive(self.ours)
            except ConnectionResetError:
                break
            if got is None:
                break
            if got[0].type == channel.VERDICTS:
                self.take_verdicts(*got)
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def close(self):
        for s in (self.ours, self.queue):
            s.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def log(self):
        with open(self.stderr_path, errors="replace") as f:
            return f.read()[-4000:]
