# SPDX-License-Identifier: GPL-2.0-or-later
"""The file of the engine over RELP to a collector that dies twice, across a rotation: every alert arrives, byte by byte."""

import collections
import os
import tempfile
import threading
import time

from alarms import Alarms
from daemon import wait_for
from result import check
from rsyslogd import Rsyslog, free_port, lines, snippet

ALERTS = int(os.environ.get("LENSCAP_SIEM_ALERTS", "20000"))
RECORD_BYTES = 8192  # a line is shorter, its end included
RATE = 4000  # alerts a second: more than rsyslog takes in while it starts, so that the deaths come amid the stream


class Pipeline:
    """Engine, sender, collector in one directory."""

    def __init__(self, directory, eve_path):
        self.received, port = os.path.join(directory, "received", "eve.json"), str(free_port())
        for name in ("sender", "collector"):
            os.mkdir(os.path.join(directory, name))
        collector = snippet("rsyslog-collector.conf", {'port="2514"': f'port="{port}"', "/var/log/lenscap-received/eve.json": self.received})
        sender = snippet("rsyslog-relp.conf", {'target="collector.example.net"': 'target="127.0.0.1"', 'port="2514"': f'port="{port}"',
                                               'file="/var/log/lenscap/eve.json"': f'file="{eve_path}"',
                                               'action.resumeInterval="5"': 'action.resumeInterval="1"',
                                               'action.resumeIntervalMax="60"': 'action.resumeIntervalMax="2"'})
        self.collector = Rsyslog(os.path.join(directory, "collector"), collector)
        self.sender = Rsyslog(os.path.join(directory, "sender"), sender)

    def count(self):
        return len(lines(self.received)[0])

    def wait(self, count, seconds=90):
        wait_for(lambda: self.count() >= count, seconds, f"{count} records; {self.count()} came\n{self.sender.log()}{self.collector.log()}", 0.1)

    def close(self):
        self.sender.close()
        self.collector.close()


def everything_arrived(written, path):
    """Duplicates are allowed; a lost, torn or altered record is not. Returns how many came twice."""
    got, rest = lines(path)
    missing = set(written) - set(got)
    strange = set(got) - set(written)
    check(not missing and not strange and not rest,
          f"{len(missing)} of {len(written)} did not arrive, {len(strange)} lines that nobody wrote: {list(strange)[:2]} {list(missing)[:2]}")
    return sum(collections.Counter(got).values()) - len(set(got))


class Raiser(threading.Thread):
    """Raises alerts all the while; half way the log is rotated as logrotate does it, and written to between the two steps."""

    def __init__(self, alarms):
        super().__init__(daemon=True)
        self.alarms, self.error = alarms, None

    def run(self):
        try:
            while (done := self.alarms.raised) < ALERTS:
                self.alarms.raise_alerts(min(200, ALERTS - done))
                if done < ALERTS // 2 <= self.alarms.raised:
                    os.rename(self.alarms.eve_path, self.alarms.eve_path + ".1")
                    self.alarms.raise_alerts(100)
                    self.alarms.reopen()
                time.sleep(200 / RATE)
        except Exception as e:  # told by the test
            self.error = e

    def end(self):
        self.join(120)
        check(not self.is_alive() and self.error is None, f"no more alerts: {self.error}")


def written_by(alarms):
    """All records, of both files; none torn, none twice."""
    alarms.stop()
    files = [lines(alarms.eve_path + end) for end in (".1", "")]
    check(all(whole and not rest for whole, rest in files), "a file is empty or ends with a torn line")
    records = [line for whole, _ in files for line in whole]
    check(len(set(records)) == len(records) >= ALERTS, f"{len(records)} records, {len(set(records))} different")
    return records


def relp(deaths):
    """deaths: at which share of the alerts which side is killed, and how many alerts it stays away."""
    with tempfile.TemporaryDirectory(prefix="lenscap-siem-") as d, Alarms(os.path.join(d, "engine")) as a:
        p, raiser, start, busy = Pipeline(d, a.eve_path), Raiser(a), time.monotonic(), 0
        try:
            p.collector.check_config()
            p.sender.check_config()
            p.collector.start()
            p.sender.start()
            raiser.start()
            for side, share, away in deaths:
                p.wait(int(ALERTS * share))
                busy += p.count() < a.raised
                getattr(p, side).kill()
                back = min(ALERTS, a.raised + int(ALERTS * away))
                wait_for(lambda: a.raised >= back or raiser.error, 60, "no more alerts")
                getattr(p, side).start()
            raiser.end()
            records = written_by(a)
            p.wait(len(records))
            try:
                wait_for(lambda: set(records) <= set(lines(p.received)[0]), 20, "", 0.3)
            except AssertionError:
                pass  # everything_arrived() says more
            twice = everything_arrived(records, p.received)
            return (f"{len(records)} records in {time.monotonic() - start:.1f} s, {twice} came twice; "
                    f"{len(deaths)} deaths, {busy} of them with records on their way")
        finally:
            p.close()


def relp_nothing_lost():
    return relp([("collector", 0.15, 0.1), ("collector", 0.55, 0.1)])


def relp_sender_dies():
    return relp([("sender", 0.2, 0.1), ("collector", 0.4, 0.25), ("sender", 0.7, 0.1)])


def relp_longest():
    """A line as long as a record may be. No flow here makes one, so a real record is filled up."""
    with tempfile.TemporaryDirectory(prefix="lenscap-siem-") as d, Alarms(os.path.join(d, "engine")) as a:
        a.raise_alerts(1)
        a.stop()
        record = lines(a.eve_path)[0][-1]
        long = [record[:-2] + b',"pad":"' + b"-" * (size - len(record) - 10) + b'"}}' for size in (8000, 8096, RECORD_BYTES - 1)]
        check([len(line) + 1 for line in long] == [8000, 8096, RECORD_BYTES - 1], [len(line) for line in long])
        path = os.path.join(d, "eve.json")
        with open(path, "wb") as f:
            f.writelines(line + b"\n" for line in long)
        p = Pipeline(d, path)
        try:
            p.collector.start()
            p.sender.start()
            p.wait(len(long), 20)
            everything_arrived(long, p.received)
        finally:
            p.close()


def register(tests):
    tests.add("a line of the greatest length arrives whole")(relp_longest)
    tests.add("records reach a collector that is killed twice, across a rotation: all of them, unaltered")(relp_nothing_lost)
    tests.add("the same when the sender is killed too, and the log is rotated while the collector is away")(relp_sender_dies)
