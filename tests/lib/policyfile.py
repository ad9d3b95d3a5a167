# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy file as its top-level keys, so that a lab can take the shipped one and change what differs, and show it."""

import difflib
import re

KEY = re.compile(r"^([a-z-]+):")


def split(text):
    """[(key or None, lines)]: a key with everything indented below it; comments and blank lines between keys have none."""
    out = []
    for line in text.splitlines():
        m = KEY.match(line)
        if m:
            out.append((m.group(1), [line]))
        elif line[:1] in (" ", "-") and out and out[-1][0]:
            out[-1][1].append(line)
        elif out and out[-1][0] is None:
            out[-1][1].append(line)
        else:
            out.append((None, [line]))
    return out


def replace(text, keys):
    """Each top-level key in `keys` gets this text (with its key); what the file does not have comes at its end."""
    out, left = [], dict(keys)
    for key, lines in split(text):
        out += left.pop(key).rstrip("\n").split("\n") if key in left else lines
    for block in left.values():
        out += ["", *block.rstrip("\n").split("\n")]
    return "\n".join(out) + "\n"


def changes(before, after, context=0):
    """The lines that differ, with - and + in front."""
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), n=context, lineterm="")
    return [line for line in diff if not line.startswith(("---", "+++", "@@"))]
