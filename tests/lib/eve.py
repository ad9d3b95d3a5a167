# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading EVE records and asking for one: `alert lenscap.rule=never src_port=40000`."""

import json
import re

TERM = re.compile(r"^(!?)([A-Za-z_][\w.]*)(?:(=|!=|~|>=|<=)(.*))?$", re.S)


def load(path):
    """All records of a file, in order. A line that is not JSON raises, naming its number."""
    try:
        with open(path, encoding="utf-8") as f:
            lines = f.read().split("\n")
    except FileNotFoundError:
        return []
    out = []
    for n, line in enumerate(lines, 1):
        if line:
            try:
                out.append(json.loads(line))
            except ValueError as e:
                raise AssertionError(f"{path}:{n}: not JSON ({e}): {line[:120]!r}") from e
    return out


def dig(record, path):
    """The value at a dotted path; numbers index arrays. None when there is none."""
    for key in path.split("."):
        if isinstance(record, list) and key.isdigit() and int(key) < len(record):
            record = record[int(key)]
        elif isinstance(record, dict) and key in record:
            record = record[key]
        else:
            return None
    return record


def text(value):
    return json.dumps(value) if isinstance(value, (bool, dict, list)) or value is None else str(value)


def holds(record, term):
    """One term: key=value, key!=value, key~regex, key>=n, key<=n, key (present), !key (absent). Arrays match by any element."""
    m = TERM.match(term)
    if not m:
        raise ValueError(f"cannot read the term {term!r}")
    absent, path, operator, wanted = m.groups()
    value = dig(record, path)
    if operator is None:
        return (value is None) == bool(absent)
    values = value if isinstance(value, list) and value else [value]
    if operator == "=":
        return any(text(v) == wanted for v in values)
    if operator == "!=":
        return all(text(v) != wanted for v in values)
    if operator == "~":
        return any(v is not None and re.search(wanted, text(v)) for v in values)
    if value is None:
        return False
    return float(value) >= float(wanted) if operator == ">=" else float(value) <= float(wanted)


def matches(record, kind, terms):
    return record.get("event_type") == kind and all(holds(record, t) for t in terms)


def find(records, kind, *terms):
    return [r for r in records if matches(r, kind, terms)]


def closest(records, kind, terms):
    """The record of that type that fails the fewest terms, and those terms: for a message that helps."""
    ranked = sorted((([t for t in terms if not holds(r, t)], r) for r in records if r.get("event_type") == kind),
                    key=lambda pair: len(pair[0]))
    return ranked[0] if ranked else ([], None)
