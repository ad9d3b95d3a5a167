# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of `lenscap help`: what it calls wrong yields its code, what it calls right does not and loads, each inside a whole policy."""

import json
import os
import re
import subprocess
import tempfile

# What stands around an example; a key of the example takes the place of the same key here.
BASE = {
    "version": "version: 1",
    "mode": "mode: monitor",
    "fail": "fail: open",
    "zones": "zones:\n  cameras: {interfaces: [cam0], networks: [10.20.0.0/16]}\n  video: {networks: [10.30.0.0/24]}",
    "devices": 'devices:\n  - {name: cam-1, mac: "ac:cc:8e:00:00:01", brand: Axis}',
    "sets": 'sets:\n  home: {country: ["NO"]}\n  never: {country: ["CN"]}',
    "rules": "rules:\n  - {name: time, from: any, to: any, port: udp/123, action: allow}",
    "default": "default: block",
}
# What an example needs besides: its finding is about more than the lines that are shown.
AROUND = {
    "E136": {"fail": ""},
    "E151": {"zones": "zones:\n  cameras: {interfaces: [cam0]}\n  yard: {interfaces: [cam1]}"},
    "E152": {"rules": "rules:\n  - {name: nights, from: any, to: any, port: tcp/443, when: {days: sat}, action: allow}"},
    "W315": {"devices": ""},
    "W320": {"mode": "mode: enforce"},
}
SET = ("sets", "sets:\n  home:\n", "", 4)
DEVICE = ("devices", "devices:\n  - name: cam-2\n", "    mac: 44:19:b6:00:00:77\n", 4)
RULE = ("rules", "rules:\n  - name: one\n", "    from: any\n    to: any\n    port: tcp/9\n    action: block\n", 4)
ZONE = ("zones", "zones:\n  cameras:\n", "    interfaces: [cam0]\n", 4)
# A line that is no key of the policy: below which section it stands, and with what beside it.
INSIDE = {"brand": DEVICE, "mac": DEVICE, "country": SET, "continent": SET, "asn": SET, "name": SET, "networks": ZONE, "interfaces": ZONE,
          "from": RULE, "to": RULE, "port": RULE, "protocol": RULE, "when": RULE, "eve": ("outputs", "outputs:\n", "", 2)}


def indent(text, blanks):
    return "".join(" " * blanks + line + "\n" for line in text.split("\n"))


def sections(text):
    """[(key, its text)] of the keys at the left margin."""
    return [(part.split(":")[0].strip(), part.rstrip("\n")) for part in re.split(r"^(?=[a-z-]+:)", text, flags=re.M) if part]


def item(text):
    """A list's item: of rules, tests or devices."""
    key = "tests" if text.startswith("- {from:") else "rules" if "from:" in text else "devices"
    return [(key, key + ":\n" + indent(text, 2))]


def fragment(key, text):
    section, before, beside, blanks = INSIDE[key]
    beside = "".join(line for line in beside.splitlines(True) if not line.strip().startswith(key + ":"))
    body = indent(("- " if key == "eve" else "") + text, blanks)
    return [(section, before + beside + body)]


def whole(code, text):
    """The policy that an example is part of."""
    text = re.sub(r" {3,}\(.*\)$", "", text, flags=re.M).replace("<tab>", "\t").replace("\\u200b", "\u200b")
    if code == "E114" and text.startswith("#"):
        return text + "\n"
    key = re.match(r"[a-z-]*", text)[0]
    mine = item(text) if text.startswith("- ") else fragment(key, text) if key in INSIDE else sections(text)
    around = {**BASE, **AROUND.get(code, {})}
    for section, _ in mine:
        around.pop(section, None)
    return "\n".join([t for t in around.values() if t] + [t for _, t in mine]) + "\n"


def findings(lenscap, code, text):
    """(codes, the policy)."""
    with tempfile.TemporaryDirectory() as folder:
        path, drop_in = os.path.join(folder, "lenscap.yaml"), text.startswith("position:")
        policy = "\n".join(BASE.values()) + "\n" if drop_in else whole(code, text)
        with open(path, "w", encoding="utf-8") as f:
            f.write(policy)
        if drop_in:
            os.mkdir(os.path.join(folder, "policy.d"))
            with open(os.path.join(folder, "policy.d", "more.yaml"), "w", encoding="utf-8") as f:
                f.write(f"version: 1\n{text}\nrules:\n  - {{name: more, from: any, to: any, port: tcp/9, action: block}}\n")
        done = subprocess.run([lenscap, "check", "--json", "--lint", path], capture_output=True, text=True, timeout=20)
        return [f["code"] for f in json.loads(done.stdout)], policy


def shown(lenscap, code):
    """(wrong, right) of `lenscap help`, "" where there is none."""
    out = subprocess.run([lenscap, "help", code], capture_output=True, text=True, timeout=20).stdout
    parts = {title: "\n".join(line[4:] for line in body.rstrip("\n").split("\n")) for title, body in re.findall(r"^(wrong|right):\n((?:    .*\n?)+)", out, re.M)}
    return parts.get("wrong", ""), parts.get("right", "")


def problems(lenscap, codes):
    """codes: those that lines of a policy can show. "" or what is not as it says."""
    said = []
    for code in codes:
        wrong, right = shown(lenscap, code)
        if not wrong or not right:
            said.append(f"help {code}: the wrong or the right is missing")
            continue
        found, policy = findings(lenscap, code, wrong)
        if code not in found:
            said.append(f"help {code}: the wrong yields {found}\n{policy}")
        found, policy = findings(lenscap, code, right)
        if code in found or any(f.startswith("E") for f in found):
            said.append(f"help {code}: the right yields {found}\n{policy}")
    return "\n".join(said)
