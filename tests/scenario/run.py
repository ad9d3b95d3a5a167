#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs scenarios against the real lenscap-engine: tests/scenario/run.py [--engine PATH] [--keep DIR] [FILE.scn …]"""

import argparse
import ipaddress
import os
import shlex
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import channel  # noqa: E402
import eve  # noqa: E402
import fakegate  # noqa: E402
import geodata  # noqa: E402
import result  # noqa: E402
import scenario  # noqa: E402

TICKER = scenario.HOSTS["clock"][1]


# Of a flow that comes on it is mostly all the same how much of it does, and of one that is allowed whether others of its kind will be as well.
# Who wants to know writes the exact word.
COARSE = {"watch": ("watch", "open", "confirm", "confirm+"), "allow": ("allow", "allow+")}


def alike(got, wanted):
    return got in COARSE.get(wanted, (wanted,))


class Run:
    """One scenario in one directory against one engine."""

    def __init__(self, s, engine, directory, args):
        with open(os.path.join(HERE, "base.yaml"), encoding="utf-8") as f:
            self.base = f.read()
        self.s, self.directory = s, directory
        self.eve_path = os.path.join(directory, "eve.json")
        self.gate = fakegate.FakeGate(engine, directory, self.bundle(s.policy), scenario.LINKS, s.start_us, args)
        self.records = None

    def bundle(self, text):
        whole = scenario.merge(text, self.base).replace("@EVE@", self.eve_path)
        return [("lenscap.yaml", geodata.fill_in(whole))]

    def now_us(self, step):
        return self.s.start_us + round(step.at_s * 1e6)

    def play(self):
        for step in self.s.steps:
            try:
                if step.kind not in ("late", "record", "sum"):
                    self.nothing_late()
                getattr(self, "do_" + step.kind)(step)
            except (AssertionError, ValueError, KeyError) as e:
                raise AssertionError(f"{self.s.path}:{step.line}: {e}") from e
        if self.records is None:
            self.do_stop(None)
        self.nothing_late()
        if self.gate.waiting:
            raise AssertionError(f"{self.s.path}: never answered: {[label for label, _ in self.gate.waiting.values()]}")

    def nothing_late(self):
        if self.gate.late:
            raise AssertionError(f"before this line verdicts came for held packets: {self.gate.late}")

    def do_packet(self, step):
        for n, (payload, where) in enumerate(scenario.packets(step)):
            self.one_packet(step, payload, where, step.verdict, f"packet {n} ({len(payload)} bytes)")

    def one_packet(self, step, payload, where, verdict, what):
        bystander = self.bystander() if "held" in verdict else None
        got = self.gate.packet(payload, self.now_us(step), step.label, bystander, **where)
        if not any(alike(got, v) for v in verdict):
            raise AssertionError(f"{what}: {got}, expected {'|'.join(verdict)}")

    def bystander(self):
        path = scenario.Path("clock:9", "video:9")
        payload = scenario.build(path, "udp", scenario.Options([]), 9, 9)
        return payload, {"indev": path.indev, "outdev": path.outdev, "mac": path.mac}

    def tick(self, step):
        """Time moves with packets only: one of a bystander brings the engine to this moment."""
        if self.now_us(step) > self.gate.wall_us:
            payload, where = self.bystander()
            self.gate.packet(payload, self.now_us(step), **where)

    def do_late(self, step):
        """late LABEL VERDICT [COUNT]: that many held packets got this verdict, next in order."""
        label, verdict, count = step.words[0], step.words[1], int(step.words[2]) if len(step.words) > 2 else 1
        got, self.gate.late[:count] = self.gate.late[:count], []
        if [name for name, v in got if alike(v, verdict)] != [label] * count:
            raise AssertionError(f"held packets got {got}, expected {count} × {(label, verdict)}")

    def do_handshake(self, step):
        for n, (payload, where) in enumerate(scenario.handshake(step)):
            self.one_packet(step, payload, where, ["watch"], ("SYN", "SYN-ACK", "ACK")[n % 3])

    def do_sweep(self, step):
        """sweep A > B tcp say=… ORDER: one connection for each place where the payload can be cut in two, all of them allowed."""
        for n, (where, packets) in enumerate(scenario.sweep(step)):
            self.gate.late.clear()
            for payload, back, verdict in packets:
                self.one_packet(step, payload, back or where, [verdict], f"cut {n}")
            held = sum(verdict == "held" for _, _, verdict in packets)
            if [name for name, v in self.gate.late if alike(v, "watch")] != [step.label] * held:
                raise AssertionError(f"cut {n}: held packets got {self.gate.late}")
        self.gate.late.clear()

    do_tick = tick

    def do_reload(self, step):
        self.tick(step)
        text = step.policy or self.s.policy
        for _ in range(scenario.Options(step.words).number("times", 1)):
            taken = self.gate.reload(self.bundle(text))
            if taken == ("refused" in step.words):
                raise AssertionError("the engine took the policy" if taken else f"the engine refused it\n{self.gate.log()}")

    def tuple_of(self, words):
        path, proto = scenario.Path(words[0], words[2]), words[3]
        t = channel.Tuple(sport=path.sports[0], dport=path.dports[0], proto=scenario.packet.PROTOCOLS[proto])
        t.src[:], t.dst[:] = mapped(path.src), mapped(path.dst)
        return t, scenario.Options(words[4:])

    def do_news(self, step):
        self.tick(step)
        t, o = self.tuple_of(step.words)
        flags = sum(bit for word, bit in (("end", 1), ("closed", 2), ("replied", 4)) if word in o)
        orig, reply = (tuple(map(int, o.get(k, "0/0").split("/"))) for k in ("orig", "reply"))
        mark = fakegate.mark_of(o.get("mark", "allow"), self.gate.generation)
        if "kind" in o: # the kernel let it begin by its kind
            mark |= fakegate.KIND
        wall_ns = (self.s.start_us + round(float(o.get("stop", step.at_s)) * 1e6)) * 1000
        self.gate.news([channel.FlowNews(t, mark, flags, o.number("id", 0), 0, *orig, *reply, self.s.start_us * 1000, wall_ns if "end" in o else 0)])

    def do_denied(self, step):
        self.tick(step)
        t, o = self.tuple_of(step.words)
        self.gate.denied([channel.DeniedFlow(t, o.number("packets"), o.number("bytes", 0))])

    def do_event(self, step):
        self.tick(step)
        o = scenario.Options(step.words)
        self.gate.event(o.number("number"), o.number("count", 0), o.get("text", ""))

    def do_raw(self, step):
        self.gate.raw(bytes.fromhex(step.words[0]))

    def do_links(self, step):
        self.gate.send_links({k: int(v) for k, v in scenario.Options(step.words).items()})
        self.gate.ping()

    def do_neighbours(self, step):
        self.tick(step)
        rows = [channel.Neighbour(addr=(channel.u8 * 16)(*mapped(a)), ifindex=index, mac=(channel.u8 * 6)(*bytes.fromhex(mac.replace(":", ""))))
                for a, index, mac in scenario.neighbours(step.words)]
        self.gate.neighbours(rows)

    def do_rejudge(self, step):
        self.tick(step)
        self.gate.wait_rejudge()

    def do_stop(self, _step):
        self.gate.stop()
        self.records = [r for r in eve.load(self.eve_path) if r.get("src_ip") != TICKER]

    def finished(self):
        if self.records is None:
            self.do_stop(None)
        return self.records

    def do_record(self, step):
        wanted, words = "1", step.words
        if words[0].lstrip(">=").isdigit():
            wanted, words = words[0], words[1:]
        found = len(eve.find(self.finished(), words[0], *words[1:]))
        number = int(wanted.lstrip(">="))
        if found < number if wanted.startswith(">=") else found != number:
            raise AssertionError(f"{found} records match, expected {wanted}: {shlex.join(words)}" + self.explain(words))

    def do_sum(self, step):
        wanted, path, words = int(step.words[0]), step.words[1], step.words[2:]
        total = sum(eve.dig(r, path) or 0 for r in eve.find(self.finished(), words[0], *words[1:]))
        if total != wanted:
            raise AssertionError(f"the sum of {path} is {total}, expected {wanted}: {shlex.join(words)}")

    def do_first(self, step):
        """The first line of the file: its type, its terms, and the 1 KiB that it must have."""
        self.finished()
        with open(self.eve_path, "rb") as f:
            length = len(f.readline())
        first = eve.load(self.eve_path)[0]
        missing = [t for t in step.words[1:] if not eve.holds(first, t)]
        if first["event_type"] != step.words[0] or missing or length < 1024:
            raise AssertionError(f"the first record is {first['event_type']} of {length} bytes, without {missing}")

    def explain(self, words):
        failed, record = eve.closest(self.records, words[0], words[1:])
        if record is None:
            return "\n  no record of this type; there are: " + " ".join(r["event_type"] for r in self.records)
        if not failed:
            return ""
        values = "  ".join(f"{t}: is {eve.text(eve.dig(record, eve.TERM.match(t).group(2)))}" for t in failed)
        return f"\n  the closest one differs in {values}"


def mapped(address):
    a = ipaddress.ip_address(address)
    return a.packed if a.version == 6 else b"\0" * 10 + b"\xff\xff" + a.packed


def run_one(path, engine, args, keep):
    """None when the scenario holds, else what is wrong."""
    directory = tempfile.mkdtemp(prefix="lenscap-scn-")
    run = None
    try:
        run = Run(scenario.Scenario(path), engine, directory, args)
        run.play()
        return None
    except (AssertionError, scenario.Bad, OSError) as e:
        return str(e)
    finally:
        if run:
            run.gate.close()
        if keep and os.path.exists(os.path.join(directory, "eve.json")):
            shutil.copy(os.path.join(directory, "eve.json"), os.path.join(keep, os.path.basename(path) + ".json"))
        shutil.rmtree(directory, ignore_errors=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--engine", default=os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")), "lenscap-engine"))
    p.add_argument("--keep", help="copy each scenario's records into this directory")
    p.add_argument("-v", "--verbose", action="store_true", help="print each scenario's claim")
    p.add_argument("files", nargs="*")
    p.add_argument("--engine-args", default="", help="further arguments for the engine")
    a = p.parse_args()
    channel.check_layout(os.path.join(ROOT, "include"))
    files = a.files or sorted(os.path.join(HERE, f) for f in os.listdir(HERE) if f.endswith(".scn"))
    if a.keep:
        os.makedirs(a.keep, exist_ok=True)
    passed = failed = skipped = 0
    for path in files:
        start = time.monotonic()
        try:
            wrong = run_one(path, a.engine, shlex.split(a.engine_args), a.keep)
        except result.Skip as e:
            skipped += 1
            print(f"skip {os.path.basename(path)}: {e}")
            continue
        passed, failed = passed + (not wrong), failed + bool(wrong)
        if wrong:
            print(f"FAIL {os.path.basename(path)}\n     " + wrong.replace("\n", "\n     "))
        elif a.verbose:
            print(f"ok   {os.path.basename(path)}: {scenario.Scenario(path).claim} ({time.monotonic() - start:.2f} s)")
    print(result.closing(passed, failed, skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
