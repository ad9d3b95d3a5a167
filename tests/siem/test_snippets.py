# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the pieces for Wazuh, Splunk, Filebeat and Sentinel name, exists; and the rules give real alerts the level they say.
None of these programs is run here.
"""

import configparser
import datetime
import json
import os
import re
import tempfile
import xml.etree.ElementTree

import schema
from alarms import Alarms
from result import Skip, check
from rsyslogd import ROOT, SNIPPETS, lines

TWO_WAYS = 'outputs:\n  - eve: {path: "@EVE@", types: [alert]}\n'
PARENT, OWN = "86601", range(119900, 119950)
PATTERN = re.compile(r"\$\(([\w.]+)\)")


def text(name):
    with open(os.path.join(SNIPPETS, name), encoding="utf-8") as f:
        return f.read()


def named_in(name):
    """The fields of records that a file names."""
    whole = re.sub(r"^\s*(#|//).*", "", text(name), flags=re.M)
    if name.endswith(".xml"):
        root = xml.etree.ElementTree.fromstring(text(name))
        return ([f.get("name") for f in root.iter("field")] + [f.text for tag in ("same_field", "different_field") for f in root.iter(tag)]
                + [n for d in root.iter("description") for n in PATTERN.findall(d.text)])
    if name.startswith("splunk"):
        return re.findall(r"^FIELDALIAS-\S+ = (\S+) AS ", whole, re.M) + re.findall(r"'([\w.]+)' ==", whole) + re.findall(r"lower\((\w+)\)", whole)
    if name.startswith("filebeat-"):
        return re.findall(r"suricata\.eve\.([\w.]+)", whole)
    if name.endswith(".kql"):
        return re.findall(r"\beve\.([\w.]+)", whole)
    return [n.replace("!", ".") for n in re.findall(r"\$!([\w!-]+)", whole) if not n.startswith("all-json")]


# How many fields each file names at least: a pattern above that finds none must not pass.
FILES = {"wazuh-lenscap-rules.xml": 20, "splunk-props.conf": 15, "filebeat-filestream.yml": 15, "sentinel.kql": 20, "rsyslog-cee.conf": 5}


def snippets_fields():
    known, said = schema.fields(), []
    for name, least in FILES.items():
        names = named_in(name)
        wrong = sorted(set(names) - set(known))
        check(not wrong, f"{name}: no such field: {wrong}")
        check(len(names) >= least, f"{name}: only {len(names)} fields were found in it")
        said.append(f"{name} {len(set(names))}")
    others = set(os.listdir(SNIPPETS)) - set(FILES) - {"rsyslog-relp.conf", "rsyslog-collector.conf", "filebeat.yml"}
    check(not others, f"nobody checks {others}")
    return "fields: " + ", ".join(said)


class Rules:
    """As much of Wazuh's way with rules as this file uses: parents, and fields matched by regular expressions."""

    def __init__(self):
        self.root = xml.etree.ElementTree.fromstring(text("wazuh-lenscap-rules.xml"))
        self.rules = list(self.root.iter("rule"))
        self.by_id = {r.get("id"): r for r in self.rules}

    def plain(self):
        return [r for r in self.rules if r.find("if_sid") is not None]

    def matches(self, rule, record):
        parent = rule.find("if_sid").text
        if parent in self.by_id and not self.matches(self.by_id[parent], record):
            return False
        return all(re.search(f.text, str(schema.value(record, f.get("name")) or "")) for f in rule.iter("field"))

    def of(self, record):
        """Children of our first rule that take this record."""
        return [r.get("id") for r in self.plain() if r.find("if_sid").text != PARENT and self.matches(r, record)]


def wazuh_structure():
    w = Rules()
    ids = [r.get("id") for r in w.rules]
    check(len(set(ids)) == len(ids) and all(int(i) in OWN for i in ids), f"numbers of rules: {ids}")
    check(w.root.tag == "group" and w.root.get("name").endswith(","), "the file is no group")
    for r in w.rules:
        where = f"rule {r.get('id')}"
        check(1 <= int(r.get("level")) <= 15 and r.find("description").text, f"{where}: level or description")
        parents = [p.text for tag in ("if_sid", "if_matched_sid") for p in r.iter(tag)]
        check(len(parents) == 1 and (parents[0] == PARENT or ids.index(parents[0]) < ids.index(r.get("id"))), f"{where}: parents {parents}")
        check((r.find("if_matched_sid") is None) == (r.get("frequency") is None), f"{where}: frequency without if_matched_sid, or the reverse")
        for f in r.iter("field"):
            check(f.get("type") == "pcre2", f"{where}: a pattern of another kind than this test understands")
            allowed = schema.fields()[f.get("name")].get("enum")
            words = re.findall(r"\w+", f.text) if allowed else []
            check(not set(words) - set(allowed or []), f"{where}: {f.get('name')} is never {words}")
    return f"{len(ids)} rules"


def builtin_ids():
    with open(os.path.join(ROOT, "include", "record.h"), encoding="utf-8") as f:
        return {name: int(n) for name, n in re.findall(r"\b(SID_\w+) = (199\d{4})", f.read())}


def wazuh_every_alert():
    """Each number of the program's own alerts has exactly one rule, whatever became of the flow, and rules name no other number."""
    w, ids = Rules(), builtin_ids()
    check(len(ids) >= 18, f"only {ids} in include/record.h")
    for name, number in ids.items():
        for action in ("blocked", "allowed"):
            record = {"alert": {"signature": "LENSCAP x", "signature_id": number, "action": action}, "lenscap": {"would": "block"}}
            got = w.of(record)
            check(len(got) == 1, f"{name} {number}, {action}: rules {got} of config/siem/wazuh-lenscap-rules.xml")
    named = {int(n) for f in w.root.iter("field") for n in re.findall(r"199\d{4}", f.text)}
    check(named == set(ids.values()), f"numbers without an alert: {named - set(ids.values())}")
    return f"{len(ids)} numbers"


def raised(directory, name, policy):
    with Alarms(os.path.join(directory, name), policy) as a:
        a.raise_alerts(20, None)
        a.stop()
        return [line.decode() for line in lines(a.eve_path)[0]]


def real_alerts():
    """Lines that an engine wrote: in enforce mode, in monitor mode, of an unknown device."""
    with tempfile.TemporaryDirectory(prefix="lenscap-siem-") as d:
        return {"block": raised(d, "block", TWO_WAYS), "would": raised(d, "would", "mode: monitor\n" + TWO_WAYS),
                "stranger": raised(d, "stranger", "devices: []\nunknown-devices: block\n" + TWO_WAYS)}


def wazuh_real_alerts():
    w = Rules()
    levels = {kind: {w.by_id[i].get("level") for line in written for r in [json.loads(line)] if "alert" in r
                     and (kind == "stranger") == (r["alert"]["signature_id"] in builtin_ids().values()) for i in w.of(r)}
              for kind, written in real_alerts().items()}
    check(levels == {"block": {"10"}, "would": {"6"}, "stranger": {"8"}}, f"levels {levels}")
    return f"levels {levels}"


def splunk_real_lines():
    """The line breaker parts what was written into the lines that were written, and the time is read as told."""
    conf = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    conf.optionxform = str
    conf.read_string(text("splunk-props.conf"))
    stanza = conf["lenscap:eve"]
    written = [line for some in real_alerts().values() for line in some]
    check(re.split(stanza["LINE_BREAKER"], "\n".join(written))[::2] == written, "LINE_BREAKER")
    for line in written:
        begin = re.search(stanza["TIME_PREFIX"], line)
        check(begin and begin.start() == 0, f"TIME_PREFIX does not fit {line[:60]}")
        stamp = json.loads(line)["timestamp"]
        check(line[begin.end():].startswith(stamp) and len(stamp) <= int(stanza["MAX_TIMESTAMP_LOOKAHEAD"]), "MAX_TIMESTAMP_LOOKAHEAD")
        datetime.datetime.strptime(stamp, stanza["TIME_FORMAT"].replace("%6N", "%f"))
        check(len(line) < int(stanza["TRUNCATE"]), "TRUNCATE")
    return f"{len(written)} lines"


def yaml_files():
    try:
        import yaml
    except ImportError:
        raise Skip("no python3-yaml") from None
    module = yaml.safe_load(text("filebeat.yml"))
    check(module[0]["module"] == "suricata" and module[0]["eve"]["var.paths"] == ["/var/log/lenscap/eve.json"], module)
    stream = yaml.safe_load(text("filebeat-filestream.yml"))
    check(stream["filebeat.inputs"][0]["prospector.scanner.fingerprint.length"] == 1024, stream)
    targets = [f["to"] for p in stream["processors"] if "convert" in p for f in p["convert"]["fields"]]
    check(len(set(targets)) == len(targets), f"a field is filled twice: {targets}")


def register(tests):
    tests.add("all fields that the pieces name exist in records")(snippets_fields)
    tests.add("Wazuh's rules: numbers, parents, patterns")(wazuh_structure)
    tests.add("each of the program's own alerts has one Wazuh rule")(wazuh_every_alert)
    tests.add("real alerts get the level that the rules say")(wazuh_real_alerts)
    tests.add("Splunk's line breaker and time format fit real lines")(splunk_real_lines)
    tests.add("Filebeat's files are YAML and fill no field twice")(yaml_files)
