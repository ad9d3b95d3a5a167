# SPDX-License-Identifier: GPL-2.0-or-later
"""config/eve.schema.json as a list of the fields that a record may have."""

import json
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def resolved(root, node):
    while "$ref" in node:
        node = {**root["$defs"][node["$ref"].rsplit("/", 1)[1]], **{k: v for k, v in node.items() if k != "$ref"}}
    return node


def walk(root, node, path, out):
    node = resolved(root, node)
    if path:
        out[path] = node
    for name, below in node.get("properties", {}).items():
        walk(root, below, f"{path}.{name}" if path else name, out)
    if isinstance(node.get("items"), dict):
        walk(root, node["items"], path, out)


def fields():
    """{"alert.action": its schema, …}"""
    with open(os.path.join(ROOT, "config", "eve.schema.json"), encoding="utf-8") as f:
        root = json.load(f)
    out = {}
    walk(root, root, "", out)
    return out


def value(record, path):
    """The value at "alert.action", None when it is not there."""
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record
