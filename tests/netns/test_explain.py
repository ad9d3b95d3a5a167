# SPDX-License-Identifier: GPL-2.0-or-later
"""lenscap explain --flow: what the history says of a flow are the words that the log wrote of it then."""

import json

from daemon import wait_for
from netcase import CN, CN2, NO, check, gateway, policy, tests
from traffic import Server, TcpStream, tcp, udp

RULES = """\
rules:
  - {name: home, from: cameras, to: {country: "NO"}, port: tcp/443, action: allow}
  - {name: tells, from: cameras, to: {country: "NO"}, port: tcp/80, action: alert, alert: low}
  - {name: tries, from: cameras, to: {country: "CN"}, port: tcp/23, mode: monitor, action: block}
  - {name: resets, from: cameras, to: {country: "CN"}, port: tcp/80, action: reject, alert: high}
default: {action: block, alert: medium}
"""


def told(d, record):
    flow_id = record["flow_id"]

    """The row of --json, once the history has it."""
    def asked():
        code, out, err = d.lenscap("explain", "--flow", str(flow_id), "--json")
        check(code == 0 or "no flow" in err or "history" in err, f"explain --flow {flow_id}: {code} {err}")
        return code == 0 and json.loads(out)
    return wait_for(asked, 8, f"this flow is not in the history: {record}", every=0.1)


def same_words(d, record):
    """Every word of the log's decision is what explain says, in JSON and in text."""
    row = told(d, record)
    for key in ("rule", "rule_file", "rule_line", "policy_id", "reason", "decision", "would"):
        logged = record["lenscap"][key]
        check(row.get(key) == logged, f"{key}: the log says {logged!r}, explain {row.get(key)!r} of {record}")
    check(row["id"] == record["flow_id"] and row["dest_ip"] == record["dest_ip"] and row["dest_port"] == record["dest_port"], f"{row} of {record}")
    code, out, err = d.lenscap("explain", "--flow", str(record["flow_id"]))
    words = " ".join(out.split())
    check(code == 0 and row["reason"] and " ".join(row["reason"].split()) in words, f"{row['reason']!r} is not in {out!r} {err!r}")
    check(f'"{row["rule"]}" ({row["rule_file"]}:{row["rule_line"]}, policy {row["policy_id"]})' in words, out)
    check(all(len(line) <= 100 for line in out.splitlines()), f"too wide: {out}")
    code, _, _ = d.lenscap("explain", "-e", "--flow", str(record["flow_id"]))
    check(code == (1 if row["decision"] in ("block", "reject") else 0), f"-e: exit status {code} of a flow that was {row['decision']}")


@tests.add("explain --flow says of a flow what the log said: allowed, allowed with an alert, only tried, blocked, reset; and of no flow that it is none")
def explain_flow():
    with gateway(policy(RULES)) as (lab, d), Server(lab.internet, 443), Server(lab.internet, 80), Server(lab.internet, 23):
        wait_for(lambda: "is remembered" in d.lenscap("explain", "--flow", "1")[2], 8, "the history does not answer", every=0.1)
        check(tcp(lab.camera, NO[0], 443) == "answered", "the allowed port does not answer")
        check(tcp(lab.camera, NO[0], 80) == "answered", "the port that is told of does not answer")
        open_still = TcpStream(lab.camera, NO[0], 80)
        alert = d.wait_record("alert", "dest_port=80", "lenscap.rule=tells")[0]
        code, out, err = d.lenscap("explain", "--flow", str(next(r["flow_id"] for r in json.loads(d.lenscap("flows", "--json")[1]) if r["rule"] == "tells"
                                                                 and r["state"] == "established")))
        check(code == 0 and alert["lenscap"]["reason"] in " ".join(out.split()), f"a flow that goes on: {code} {out}{err}")
        open_still.close()
        check(tcp(lab.camera, CN[0], 23) == "answered", "what is only tried does not answer")
        tcp(lab.camera, CN[0], 80, timeout=0.3)
        tcp(lab.camera, CN[0], 443, timeout=0.3)
        udp(lab.camera, CN2[0], 123, timeout=0.1)
        refused = [d.wait_record("alert", f"dest_port={port}", f"lenscap.rule={rule}")[0] for port, rule in ((80, "resets"), (443, "default"), (123, "default"))]
        for record in refused:
            same_words(d, record)
        allowed = [d.wait_record("alert", f"dest_port={port}", f"lenscap.rule={rule}")[0] for port, rule in ((80, "tells"), (23, "tries"))]
        d.stop() # which ends all flows
        d.start()
        for rule in ("home", "tells", "tries"):
            allowed += d.wait_record("flow", f"lenscap.rule={rule}")
        for record in allowed:
            same_words(d, record)
        code, out, err = d.lenscap("explain", "--flow", "1")
        check(code == 1 and not out and "no flow 1 is remembered" in err, f"{code} {out} {err}")
        check(d.lenscap("explain", "--flow", "x")[0] == 2, "a flow that is no number")
    return f"{len(refused) + len(allowed)} records"


LIMITED = """\
rules:
  - {name: home, from: cameras, to: {country: "NO"}, port: tcp/443, limit: {bytes: 200MB, per: day}, action: allow}
default: {action: block, alert: medium}
"""


@tests.add("explain says what a device has used of a limit, and that one in quarantine gets nothing; status says who is, and how history does")
def explain_state():
    with gateway(policy(LIMITED)) as (lab, d), Server(lab.internet, 443):
        check(tcp(lab.camera, NO[0], 443) == "answered", "the allowed port does not answer")

        def asked():
            return json.loads(d.lenscap("explain", "cam-1", NO[0], "--json")[1])["rules"][0]["limit"]
        limit = wait_for(lambda: (lambda x: x if x["used"] else None)(asked()), 8, "nothing is used", every=0.1)
        check(limit["counts"] == "bytes" and limit["amount"] == 200000000 and 0 < limit["used"] < 10000, f"{limit}")
        code, out, _ = d.lenscap("explain", "-e", "cam-1", NO[0])
        check(code == 0 and "of 200.0 MB used this day" in " ".join(out.split()) and "maker not known" in out and "quarantine" not in out, f"{code} {out}")
        check("quarantine" not in d.lenscap("status")[1], "status speaks of a quarantine that there is not")
        check(json.loads(d.lenscap("quarantine", "--json")[1]) == [], "the empty list is no array")
        check(d.lenscap("quarantine", "cam-1", "--for", "2h")[0] == 0, "quarantine")
        code, out, _ = d.lenscap("explain", "-e", "cam-1", NO[0])
        check(code == 1 and "ALLOW" in out and "But it is in quarantine" in out, f"{code} {out}")
        check([r["device"] for r in json.loads(d.lenscap("quarantine", "--json")[1])] == ["cam-1"], "the list")
        status, text = d.status(), d.lenscap("status")[1]
        check([(r["device"], r["why"]) for r in status["devices"]["quarantine"]] == [("cam-1", "operator")], f"{status}")
        check("quarantine cam-1 by operator, for 1h 59m more" in text or "quarantine cam-1 by operator, for 2h 0m more" in text, text)
        check(status["history"]["running"] and status["history"]["bytes"] > 0 and "history    kept" in text, text)
        check(d.lenscap("release", "cam-1")[0] == 0 and d.lenscap("explain", "-e", "cam-1", NO[0])[0] == 0, "release")
        check(all(len(line) <= 100 for line in out.splitlines() + text.splitlines()), f"too wide: {out}{text}")
