# SPDX-License-Identifier: GPL-2.0-or-later
"""
The rows of the benchmark. A traffic row is measured in every mode, round after round; a single row only with lenscap enforcing.
Each returns {figure: number}; goals.py says which of them are judged.
"""

import contextlib
import json
import os
import signal
import subprocess
import time

import machine
import road as road_module
from road import ADDRESSES, BULK, CACHED, FIRST_V4, LOAD, TLS, lenscap_running, queue_lost, queued, resolve, wait_for

AT_ONCE = 32
FLOOD_PER_S, PACED_PER_S, BESIDE_MBIT = 20000, 500, 1000
ROWS, SINGLES = {}, {}


def row(name, options=None, seconds=1.0):
    """options: of the policy. seconds: how long one sample takes, in units of the run's own second."""
    def register(function):
        ROWS[name] = (function, options or {}, seconds)
        return function
    return register


def single(name):
    def register(function):
        SINGLES[name] = function
        return function
    return register


def load(ns, program, *words, limit=60):
    """Runs a load generator to its end; what it says."""
    p = subprocess.run(ns.command(os.path.join(LOAD, program), *words), capture_output=True, text=True, timeout=limit, stdin=subprocess.DEVNULL)
    if p.returncode:
        raise RuntimeError(f"{program}: {p.returncode} {p.stderr.strip()}")
    return json.loads(p.stdout)


def ask(road, *words, port=TLS, at_once=AT_ONCE, limit=60, camera="cam-1"):
    return load(road.cameras[camera], "conn", "ask", "-a", FIRST_V4, "-n", str(ADDRESSES), "-p", str(port), "-c", str(at_once), *words, limit=limit)


@contextlib.contextmanager
def beside(ns, program, *words):
    """Other traffic while something is measured. What it said is in the list afterwards."""
    said = []
    p = ns.start(os.path.join(LOAD, program), *words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.4)  # its own first packets are judged
        yield said
    finally:
        p.send_signal(signal.SIGTERM)
        try:
            out = p.communicate(timeout=10)[0]
            said.append(json.loads(out or "{}"))
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
        ns.processes.remove(p)


def connections(c, got, packets):
    """What connections cost, from a Cost and the client's own words."""
    done = max(1, got["done"])
    return {"per_s": got["per_s"], "failed": got["failed"], "begun": got["begun"], "cpu_us": c.tested / done * 1e6,
            "machine_us": max(0.0, c.busy - c.foreign) / done * 1e6,
            "queued": packets / done, "p50_us": got["first_byte_us"].get("p50"), "p99_us": got["first_byte_us"].get("p99"),
            "max_us": got["first_byte_us"].get("max")}


def measured(road, pids, work):
    """({figure: number} of connections, noise) of work()."""
    before = queued(road)
    with machine.Cost(pids) as c:
        got = work()
    return connections(c, got, queued(road) - before), c


@row("stream", seconds=1.6)
def stream(road, pids, seconds):
    """One long stream that the policy allows by name."""
    with machine.Cost(pids) as c:
        got = load(road.camera, "bulk", "send", "-a", FIRST_V4, "-p", str(BULK), "-t", str(seconds))
    return {"gbit_s": got["gbit_s"], "cpu_s_gb": c.tested / max(got["bytes"] / 1e9, 1e-9), "retransmitted": got["retransmitted"]}, c


@row("connect")
def connect(road, pids, seconds):
    """New TLS connections, 32 at once; the name is proved by a DNS answer."""
    return measured(road, pids, lambda: ask(road, "-t", str(seconds)))


@row("cached")
def cached(road, pids, seconds):
    """New connections that the policy allows by country and port."""
    return measured(road, pids, lambda: ask(road, "-t", str(seconds), port=CACHED))


@row("idle")
def idle(road, pids, seconds):
    """One new TLS connection after the other."""
    return measured(road, pids, lambda: ask(road, "-t", str(seconds), at_once=1))


@row("beside-stream")
def beside_stream(road, pids, seconds):
    """The same beside 1 Gbit/s of another camera."""
    resolve(road.cameras["cam-2"])
    with beside(road.cameras["cam-2"], "bulk", "send", "-a", FIRST_V4, "-p", str(BULK), "-t", "60", "-r", str(BESIDE_MBIT)) as said:
        out, c = measured(road, pids, lambda: ask(road, "-t", str(seconds), at_once=1))
    out["beside_gbit_s"] = said[0]["gbit_s"]
    return out, c


def flood(road, pids, seconds):
    with beside(road.cameras["cam-3"], "flows", "-a", FIRST_V4, "-n", str(ADDRESSES), "-r", str(FLOOD_PER_S), "-t", "60") as said:
        out, c = measured(road, pids, lambda: ask(road, "-t", str(seconds), "-r", str(PACED_PER_S), at_once=1))
    out["beside_per_s"] = said[0]["per_s"]
    return out, c


@row("beside-flood", options={"new-flows": None})
def beside_flood(road, pids, seconds):
    """500 new TLS connections a second beside 20,000 new flows a second of another camera, which the policy's own limit ends."""
    return flood(road, pids, seconds)


@row("beside-flood-all")
def beside_flood_all(road, pids, seconds):
    """The same where the limit is raised: every one of those flows is judged."""
    return flood(road, pids, seconds)


@row("beside-both", options={"new-flows": None})
def beside_both(road, pids, seconds):
    """The same beside 1 Gbit/s of a second camera and the flood of a third, both at once."""
    resolve(road.cameras["cam-2"])
    with beside(road.cameras["cam-2"], "bulk", "send", "-a", FIRST_V4, "-p", str(BULK), "-t", "60", "-r", str(BESIDE_MBIT)) as said:
        out, c = flood(road, pids, seconds)
    out["beside_gbit_s"] = said[0]["gbit_s"]
    return out, c


def log_size(d):
    return os.path.getsize(d.eve_path) if os.path.exists(d.eve_path) else 0


def settled(d, flows, limit_s=90):
    """Waits until no flow is left and nobody of ours works any more."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        size = log_size(d)
        with machine.Cost(d.pids) as c:
            time.sleep(1.5)  # longer than what the log's writer waits for more
        if c.tested <= 0.06 and d.status()["flows"]["active"] <= flows and size == log_size(d):
            return
    raise RuntimeError(f"still at work after {limit_s} s: {d.status()['flows']}")


def with_records(road, port, count):
    """Microseconds of processor time a connection, from its SYN until the record of its end is written and remembered."""
    road.forget()
    with lenscap_running(road, "enforce") as d:
        resolve(road.camera)
        settled(d, 8)
        with machine.Cost(d.pids) as c:
            got = ask(road, "-N", str(count), port=port, limit=150)
            settled(d, 8)
        records, size = len(d.records("flow")), os.path.getsize(d.eve_path)
    return c.tested / max(1, got["done"]) * 1e6, records / max(1, got["done"]), size / max(1, got["done"])


@single("records")
def records(road, run):
    """What a connection costs in all, its records included: at once in the other rows, they are written when it ends."""
    count = 20000 if run.quick else 50000
    named, named_records, named_bytes = with_records(road, TLS, count)
    if run.quick:
        return {"cpu_us": named, "flow_records": named_records, "log_bytes": named_bytes}
    cached_us, cached_records, cached_bytes = with_records(road, CACHED, count)
    return {"cpu_us": named, "flow_records": named_records, "log_bytes": named_bytes, "cached_cpu_us": cached_us,
            "cached_flow_records": cached_records, "cached_log_bytes": cached_bytes}


BLOCKED = b'"action":"blocked"'


def refusals(path):
    """Alerts in a log, line by line: it may be larger than memory."""
    with open(path, "rb") as f:
        return sum(BLOCKED in line for line in f)


class MemoryWatch:
    """Resident memory of some processes, once every `every` seconds."""

    def __init__(self, pids, every):
        self.pids, self.every, self.seen = pids, every, []
        self.start = time.monotonic()

    def look(self):
        self.seen.append((round(time.monotonic() - self.start, 1), machine.memory_kib(self.pids())["rss"]))

    def until(self, process, limit_s):
        """Looks until the process ends; its output."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            self.look()
            try:
                return process.communicate(timeout=self.every)[0]
            except subprocess.TimeoutExpired:
                pass
        process.kill()
        process.communicate()
        raise RuntimeError(f"not over after {limit_s} s")


@single("without-end")
def without_end(road, run):
    """Short connections in a row, more than there are ports: none refused that policy allows, memory flat. `million` is the long one."""
    count = 50000 if run.quick else 150000
    with lenscap_running(road, "enforce") as d:
        resolve(road.camera)
        watch = MemoryWatch(d.pids, 0.5)
        p = road.camera.start(os.path.join(LOAD, "conn"), "ask", "-a", FIRST_V4, "-n", str(ADDRESSES), "-p", str(TLS), "-c", str(AT_ONCE), "-N",
                              str(count), stdout=subprocess.PIPE)
        got = json.loads(watch.until(p, 40 if run.quick else 150))
        road.camera.processes.remove(p)
        alerts = refusals(d.eve_path)
    half = [kib for _, kib in watch.seen[len(watch.seen) // 2:]]
    run.tell("without-end", memory_kib=watch.seen[::max(1, len(watch.seen) // 40)])
    return {"begun": got["begun"], "refused": got["failed"], "blocked_alerts": alerts, "per_s": got["per_s"], "rss_mib": max(half) / 1024,
            "second_half_growth": max(half) / half[0] - 1, "seconds": got["seconds"]}


def flows_memory(road, count, table):
    """Resident memory before and with `count` live flows."""
    road.forget()
    with lenscap_running(road, "enforce", {"options": {"flows": table}}) as d:
        resolve(road.camera)
        # The store starts when the engine judges, and is 6 MiB: a beginning without it makes each flow a hundred bytes larger.
        wait_for(lambda: d.status()["history"]["bytes"] > 0, 10, "no history")
        before = machine.memory_kib(d.pids())
        sent = load(road.camera, "flows", "-a", FIRST_V4, "-n", "64", "-r", "10000", "-N", str(count), limit=count / 4000 + 30)["sent"]
        flows, deadline = 0, time.monotonic() + 60
        while time.monotonic() < deadline and flows < 0.98 * sent:
            time.sleep(0.3)
            flows = d.status()["flows"]["active"]
        after, engine = machine.memory_kib(d.pids()), machine.memory_kib([d.engine()])
        if flows < 0.95 * count:
            raise RuntimeError(f"only {flows} of {count} flows are there: {d.status()['queue']}")
    road.forget()
    return {"flows": flows, "before_mib": before["rss"] / 1024, "rss_mib": after["rss"] / 1024, "engine_mib": engine["rss"] / 1024,
            "bytes_a_flow": (after["rss"] - before["rss"]) * 1024 / max(1, flows)}


@single("memory-65k")
def memory_65k(road, _run):
    """Resident memory of all processes with 65,000 live flows, in a table of 65,536."""
    return flows_memory(road, 65000, 65536)


def retransmitted(ns):
    """TCP segments that this namespace has sent again."""
    names, values = [line.split() for line in ns.read("/proc/thread-self/net/snmp").splitlines() if line.startswith("Tcp:")]
    return int(values[names.index("RetransSegs")])


@single("reload")
def reload(road, run):
    """Reloads beside 2,000 new connections a second: how long nothing was decided, what was lost."""
    reloads = 8 if run.quick else 40
    with lenscap_running(road, "enforce") as d:
        resolve(road.camera)
        sides = [road.camera, road.internet]
        again, lost = sum(map(retransmitted, sides)), queue_lost(road)
        with beside(road.camera, "conn", "ask", "-a", FIRST_V4, "-n", str(ADDRESSES), "-p", str(TLS), "-c", str(AT_ONCE), "-r", "2000", "-t",
                    "300") as said:
            took = []
            for _ in range(reloads):
                start = time.monotonic()
                d.reload()
                took.append(time.monotonic() - start)
                time.sleep(0.2)
        again = sum(map(retransmitted, sides)) - again
        lost = queue_lost(road) - lost
    got = said[0]
    return {"reloads": reloads, "done": got["done"], "failed": got["failed"], "retransmitted": again, "queue_lost": lost,
            "pause_ms": got["longest_gap_us"] / 1e3, "slowest_ms": got["first_byte_us"]["max"] / 1e3, "p99_ms": got["first_byte_us"]["p99"] / 1e3,
            "command_ms": sorted(took)[len(took) // 2] * 1e3}


RULES, ITEMS = 10000, 1000000


def write_big_policy(directory, options=None):
    """10,000 rules, a million names and a million prefixes; the text of the policy."""
    with open(os.path.join(directory, "names"), "w") as f:
        f.writelines(f"{'*.' if n % 3 == 0 else ''}host{n}.site{n % 9973}.example\n" for n in range(ITEMS))
    with open(os.path.join(directory, "prefixes"), "w") as f:
        f.writelines(f"{n >> 16 & 255 | 64}.{n >> 8 & 255}.{n & 255}.{n % 7 * 32}/27\n" for n in range(ITEMS))
    big = '  - {name: listed-names, from: cameras, to: {name: {file: names}}, port: tcp/443, protocol: tls, action: allow}\n' \
          '  - {name: listed-networks, from: cameras, to: {address: {file: prefixes}}, port: tcp/443, action: allow}\n'
    countries = ("SE", "DK", "FI", "DE", "FR", "NL", "PL", "IT")
    for n in range(RULES):
        big += f'  - {{name: r{n}, from: {{device: cam-{n % 3 + 1}}}, to: {{country: "{countries[n % 8]}", asn: {1000 + n}}}, ' \
               f"port: tcp/{1024 + n}, id: {1100000 + n}, action: allow}}\n"
    return road_module.policy_text("enforce", options, big)


@single("policy")
def policy(road, run):
    """10,000 rules, a million names, a million prefixes: how long they take to load, and how long a reload of them holds up new decisions."""
    d = road_module.Gateway(road, "")
    try:
        d.write_policy(write_big_policy(d.directory))
        start = time.monotonic()
        code, out, err = d.lenscap("check", d.policy_path, timeout=60)
        check_s = time.monotonic() - start
        if code:
            raise RuntimeError(f"check of the big policy: {code} {(out + err).strip().splitlines()[:3]}")
        start = time.monotonic()
        with road_module.started(road, d):
            ready_s = time.monotonic() - start
            resolve(road.camera)
            rss = machine.memory_kib(d.pids())["rss"] / 1024
            quiet = ask(road, "-t", str(run.seconds))
            with beside(road.camera, "conn", "ask", "-a", FIRST_V4, "-n", str(ADDRESSES), "-p", str(TLS), "-c", str(AT_ONCE), "-r",
                        "1000", "-t", "100") as said:
                for _ in range(2 if run.quick else 6):
                    d.reload()
                    time.sleep(0.3)
        got = said[0]
        return {"load_s": check_s, "start_s": ready_s, "rss_mib": rss, "per_s": quiet["per_s"], "pause_ms": got["longest_gap_us"] / 1e3,
                "failed": got["failed"] + quiet["failed"]}
    finally:
        d.remove()


def start_once(road, text):
    """Milliseconds from exec to READY, and to the first answer that came through: an allowed question to a resolver."""
    begin = time.monotonic()
    with road_module.lenscap_text(road, text):
        ready = time.monotonic()
        resolve(road.camera)
        return (ready - begin) * 1e3, (time.monotonic() - begin) * 1e3


DEFAULT_GEO = "geo:\n  overrides:\n"


@single("start")
def start(road, run):
    """From exec to the first verdict, with the databases that a fresh installation has."""
    text = road_module.policy_text("enforce")
    head, _, tail = text.partition("geo:\n")
    text = head + DEFAULT_GEO + tail.partition("  overrides:\n")[2]
    samples = [start_once(road, text) for _ in range(3 if run.quick else 9)]
    run.tell("start", samples=samples)
    middle = sorted(samples, key=lambda s: s[1])[len(samples) // 2]
    return {"ready_ms": middle[0], "first_verdict_ms": middle[1]}
