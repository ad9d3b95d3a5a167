# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON Schema and the loader give the same answer: over tests/policy, and over good policies that were spoiled at random."""

import json
import os
import random
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
# What no schema can see. The text itself: YAML that this loader refuses and others read.
TEXT = {"E101", "E108", "E109", "E110", "E111", "E112", "E113", "E114", "E115", "E116", "E117"}
# What refers to something else: names of zones, devices, sets, rules, makers, clouds and time zones; things used twice; tests.
ELSEWHERE = {"E104", "E105", "E106", "E131", "E133", "E134", "E135", "E137", "E146", "E147", "E148", "E149", "E150", "E151", "E152"}
BLIND = TEXT | ELSEWHERE
# Values of which two parts must be compared.
COMPARED = re.compile(r"has bits set behind its length|\"[a-z/]*\d+-\d+\" is not a port|position: is for the files|this text is too long")


class Programs:
    """lenscap check, and the validator of `lenscap schema`."""

    def __init__(self, lenscap):
        self.lenscap = lenscap
        text = subprocess.run([lenscap, "schema"], check=True, capture_output=True, timeout=20).stdout
        self.text = text.decode()
        schema = json.loads(self.text)
        jsonschema.Draft7Validator.check_schema(schema)
        self.validator = jsonschema.Draft7Validator(schema)

    def by_loader(self, path):
        """(exit status, findings)."""
        done = subprocess.run([self.lenscap, "check", "--json", path], stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
        if done.returncode not in (0, 1):
            raise AssertionError(f"exit status {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
        return done.returncode, json.loads(done.stdout)

    def by_schema(self, path):
        """None: the schema has nothing against it; else the first complaint."""
        try:
            with open(path, encoding="utf-8") as f:
                document = yaml.load(f, yaml.BaseLoader)
        except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as e:
            return f"no YAML: {e}"
        error = next(self.validator.iter_errors(document), None)
        return error and f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def disagreement(programs, path):
    """What is wrong with the two answers about one file; "" when they agree."""
    code, findings = programs.by_loader(path)
    complaint = programs.by_schema(path)
    every = [f for f in findings if f["severity"] == "error"]
    errors = [f for f in every if not (f["file"] or "").endswith(".tsv")]  # the catalogue is no part of the language
    unplaced = [f["code"] for f in findings if not f["line"] and f["code"] not in ("E190", "E191")]
    if unplaced:
        return f"findings without a position: {unplaced}"
    if bool(every) != (code == 1):
        return f"exit status {code} with {len(every)} errors"
    if complaint and not errors:
        return f"the loader takes it, the schema does not: {complaint}"
    seen = [f for f in errors if f["code"] not in BLIND and not COMPARED.search(f["message"])]
    if seen and not complaint and not any(f["code"] in TEXT for f in errors):
        return f"the schema takes it, the loader does not: {seen[0]['code']} line {seen[0]['line']}: {seen[0]['message']}"
    return ""


def corpus(programs):
    """Every single file of good/ and bad/."""
    wrong, number = [], 0
    for folder in ("good", "bad"):
        for name in sorted(os.listdir(os.path.join(HERE, folder))):
            path = os.path.join(HERE, folder, name)
            if not name.endswith(".yaml") or not os.path.isfile(path):
                continue
            number += 1
            said = disagreement(programs, path)
            wrong += [f"{folder}/{name}: {said}"] if said else []
    return "\n".join(wrong) if number > 60 else f"only {number} policies"


WORDS = ["any", "NO", "UK", "true", "false", "yes", "block", "allow", "alert", "none", "high", "enforce", "monitor", "[]", "{}", "{a: b}", "[a, b]",
         "0", "7", "00", "-1", "65536", "99999999999999999999", "tcp/443", "udp/1-2", "icmp", "tcp/", "10.0.0.0/8", "10.0.0.1/8", "::1", "fe80::/10",
         "1.2.3", "aa:bb:cc:dd:ee:ff", "10s", "1500ms", "5x", "4MiB", "\"\"", "'", "\"*\"", "\"*.example.com\"", "a.b", "x" * 64, "mon", "fri-mon",
         "\"25:00-26:00\"", "\"22:00-06:00\"", "2026-02-30 10:00", "AS64500", "AS0", "-", "!x", "&a", "*a", "|", "\t", "é", "../x", "/a/b", "tls", "dns",
         "https", "EU", "Europe/Oslo"]
KEYS = ["name", "from", "to", "port", "action", "alert", "mode", "country", "asn", "zone", "address", "networks", "interfaces", "mac", "when", "days",
        "time", "protocol", "query", "ech", "id", "fail", "version", "default", "expect", "trust-sni", "unknown-country", "private", "types", "path",
        "colour", "maker", "covered", "cloud", "known", "direction", "identify-by", "groups", "position", "for"]


def spoiled(random_one, text):
    """One to three edits of the kind that people make, and some that they do not."""
    for _ in range(random_one.choice([1, 1, 1, 2, 3])):
        lines = text.split("\n")
        at = random_one.randrange(len(lines))
        kind = random_one.randrange(9)
        values = list(re.finditer(r"(?<=[:\[,] )[^,:\[\]{}\s]+|(?<=\[)[^,:\[\]{}\s]+", text))
        keys = list(re.finditer(r"[A-Za-z-]+(?=: )", text))
        if kind <= 3 and values:
            spot = random_one.choice(values)
            text = text[:spot.start()] + random_one.choice(WORDS) + text[spot.end():]
        elif kind == 4 and keys:
            spot = random_one.choice(keys)
            text = text[:spot.start()] + random_one.choice(KEYS) + text[spot.end():]
        elif kind == 5:
            del lines[at]
            text = "\n".join(lines)
        elif kind == 6:
            lines.insert(random_one.randrange(len(lines)), lines[at])
            text = "\n".join(lines)
        elif kind == 7 and keys:
            spot = random_one.choice(keys)
            text = text[:spot.start()] + f"{random_one.choice(KEYS)}: {random_one.choice(WORDS)}, " + text[spot.start():]
        elif text:
            where = random_one.randrange(len(text))
            text = text[:where] + random_one.choice(["", chr(random_one.randrange(32, 127)), "\n", "  ", "]", "}", ","]) + text[where + 1:]
    return text


def mutated(programs, number=500, seed=20261123):
    """As many spoiled policies; both answers must be the same each time, with a place for everything, and nobody may fall over."""
    random_one = random.Random(seed)
    good = []
    for name in sorted(os.listdir(os.path.join(HERE, "good"))):
        if name.endswith(".yaml"):
            with open(os.path.join(HERE, "good", name), encoding="utf-8") as f:
                good.append(f.read())
    wrong, accepted = [], 0
    with tempfile.TemporaryDirectory() as folder:
        texts = [spoiled(random_one, random_one.choice(good)) for _ in range(number)]
        paths = []
        for i, text in enumerate(texts):
            paths.append(os.path.join(folder, f"{i}.yaml"))
            with open(paths[-1], "w", encoding="utf-8") as f:
                f.write(text)

        def one(i):
            try:
                return disagreement(programs, paths[i]), programs.by_schema(paths[i]) is None
            except (AssertionError, ValueError, subprocess.TimeoutExpired) as e:
                return str(e), False

        with ThreadPoolExecutor(2) as pool:
            for i, (said, taken) in enumerate(pool.map(one, range(number))):
                accepted += taken
                if said:
                    wrong.append(f"mutation {i}: {said}")
    if not number // 20 < accepted < number * 19 // 20:
        wrong.append(f"the schema took {accepted} of {number}: too few or too many for the test to say anything")
    return "\n".join(wrong[:20])
