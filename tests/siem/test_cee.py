# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon's own syslog output, taken apart by rsyslog: what arrives is what the file has, field by field."""

import json
import os
import tempfile

from daemon import BUILD, wait_for
from netcase import CN, CN2, CN3, NO, NOTHING, gateway, policy
from result import Skip, check
from rsyslogd import Rsyslog, lines, snippet
from traffic import tcp, udp

OUTPUTS = 'outputs:\n  - eve: {path: "@EVE@", types: [alert, flow]}\n  - syslog: {types: [alert, flow]}\n'

# A mount namespace with a /dev of its own, whose log is the socket of our rsyslogd. unshare and sh become the program.
WRAPPER = """#!/bin/sh
exec unshare -m --propagation private sh -ec '
	mount -t tmpfs -o mode=755 lenscap-siem "$0"
	for n in null zero full random urandom; do
		touch "$0/$n"
		mount --bind "/dev/$n" "$0/$n"
	done
	ln -s "$1" "$0/log"
	mount --move "$0" /dev
	shift
	exec "$@"' {dev} {log} {program} "$@"
"""


def own_dev(directory, log):
    """A directory of programs whose lenscapd finds that socket as /dev/log."""
    build, dev = os.path.join(directory, "build"), os.path.join(directory, "dev")
    os.mkdir(build)
    os.mkdir(dev)
    with open(os.path.join(build, "lenscapd"), "w") as f:
        f.write(WRAPPER.format(dev=dev, log=log, program=os.path.join(BUILD, "lenscapd")))
    os.chmod(f.name, 0o755)
    os.symlink(os.path.join(BUILD, "lenscap"), os.path.join(build, "lenscap"))
    return build


def parsed(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def key(record):
    return json.dumps(record, sort_keys=True)


def cee_same_records():
    if os.geteuid():
        raise Skip("a /dev of its own needs root")
    with tempfile.TemporaryDirectory(prefix="lenscap-siem-") as d:
        os.chmod(d, 0o755)
        log, out, short = (os.path.join(d, name) for name in ("log", "cee.json", "alerts.log"))
        os.mkdir(os.path.join(d, "rsyslog"))
        text = snippet("rsyslog-cee.conf", {"/var/log/lenscap-cee.json": out, "/var/log/lenscap-alerts.log": short})
        r = Rsyslog(os.path.join(d, "rsyslog"), text, input=f'input(type="imuxsock" socket="{log}")')
        r.check_config()
        with r, gateway(policy(NOTHING).split("outputs:")[0] + OUTPUTS, build=own_dev(d, log)) as (lab, daemon):
            for address in (*CN, *CN2, *CN3, *NO):
                tcp(lab.camera, address, 443, timeout=0.1)
                udp(lab.camera, address, 32100, timeout=0.1)
            daemon.wait_record("alert", "alert.action=blocked", count=8)  # one for each address: equal ones become one
            daemon.stop()
            # Not the record that opens each file.
            written = [key(x) for x in parsed(daemon.eve_path) if x["event_type"] != "stats"]
            check(len(written) > 8, f"only {len(written)} records")
            wait_for(lambda: len(lines(out)[0]) >= len(written), 10, f"{len(written)} records\n{r.log()}")
            got = [key(json.loads(line)) for line in lines(out)[0]]
            check(sorted(got) == sorted(written), f"{len(set(written) - set(got))} of {len(written)} are missing or altered\n{r.log()}")
            alerts = [x for x in map(json.loads, written) if x["event_type"] == "alert"]
            with open(short, encoding="utf-8") as f:
                told = sorted(f.read().splitlines())
            wanted = sorted(f"{x['timestamp']} {x['host']} {x['alert']['action']} {x['alert']['signature']}" for x in alerts)
            check(told == wanted, f"the short lines: {told[:2]}, not {wanted[:2]}")
            return f"{len(written)} records, {len(alerts)} of them alerts"


def register(tests):
    tests.add("what lenscapd says to /dev/log arrives taken apart, the same records as in its file")(cee_same_records)
