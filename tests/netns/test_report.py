# SPDX-License-Identifier: GPL-2.0-or-later
"""lenscap report: who made what under which label, where it went, what was refused; and what a camera says of itself stays text in every format."""

import csv
import html.parser
import io
import json

from daemon import wait_for
from netcase import CN, NO, OPEN_TO_NO, check, gateway, policy, tests
from test_devices import MAC2, SADP_GROUP, inventory, say
from traffic import Server, tcp

FORMULA = "=cmd|' /C calc'!A0\""
WORDS = (f'<?xml version="1.0" encoding="utf-8"?><ProbeMatch><Uuid>11111111-2222-3333-4444-555555555555</Uuid><Types>inquiry</Types>'
         f"<DeviceDescription>DS-&\"'script</DeviceDescription><DeviceSN>{FORMULA}</DeviceSN><SoftwareVersion>+1+1</SoftwareVersion>"
         "</ProbeMatch>").encode()


class Page(html.parser.HTMLParser):
    """Elements and texts of the page."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.attributes, self.texts = set(), set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.texts.append(data)


def report(d, form):
    code, out, err = d.lenscap("report", "--since", "1d", "--format", form)
    check(code == 0, f"report {form}: {code} {out}{err}\n{d.log()}")
    return out


def device_of(one):
    return next(x for x in one["devices"] if x["mac"] == MAC2)


def told(d):
    """The report, as soon as the history has all of it."""
    def question():
        code, out, err = d.lenscap("report", "--since", "1d", "--format", "json")
        check(code == 0 or "no history" in err, f"report: {code} {out}{err}")
        if code: # the store has not begun yet
            return None
        one = json.loads(out)
        rows = [x for x in one["devices"] if x["mac"] == MAC2]
        return one if rows and rows[0]["maker"] and rows[0]["refused"] and rows[0]["bytes"] else None
    return wait_for(question, 10, "the report does not tell of the flows", every=0.2)


@tests.add("a report in four formats: the maker under another label with what says so, bytes passed and refused, gaps; hostile words stay words")
def report_formats():
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        camera = lab.cameras["cam-2"]
        check(tcp(camera, NO[0], 443) == "answered", "the allowed country does not answer")
        tcp(camera, CN[0], 443, timeout=0.3)
        say(camera, WORDS, SADP_GROUP)
        wait_for(lambda: any(x["mac"] == MAC2 and x["maker"] for x in inventory(d)), 5, "not known", every=0.1)
        d.stop() # its flows are history now
        d.start()
        one = told(d)
        row = device_of(one)
        got = {k: row[k] for k in ("maker", "label", "serial", "covered", "label_disagrees")}
        check(got == {"maker": "hikvision", "label": "LTS", "serial": FORMULA, "covered": True, "label_disagrees": True}, f"{got}")
        check((one["covered"], one["covered_under_another_label"]) == (1, 1) and one["gaps"] and one["policy_id"], f"{one}")
        check(row["refused"] >= 1 and row["bytes"] > 0 and row["bytes_refused"] > 0, f"{row}")
        check({"NO", "CN"} <= {p["country"] for p in row["destinations"]}, f"{row['destinations']}")
        check(any("DS-" in e["excerpt"] and e["channel"] == "sadp-field" for e in row["evidence"]), f"an excerpt does not show its pattern: {row['evidence']}")

        text = report(d, "text")
        check(all(w in text for w in ("1 of these under another label", "Hikvision", "LTS", "of 100", "refused")), text)
        check(not any(ord(c) < 32 and c != "\n" for c in text), repr(text))

        table = list(csv.DictReader(io.StringIO(report(d, "csv"), newline="")))
        check(all(None not in r and None not in r.values() for r in table), f"cells are missing: {table}")
        check(not [c for r in table for c in r.values() if c[:1] in ("=", "+", "-", "@")], f"a formula: {table}")
        mine = [r for r in table if r["mac"] == MAC2]
        check({r["label"] for r in mine} == {"LTS"} and any(int(r["bytes_refused"]) > 0 for r in mine), f"{mine}")

        source = report(d, "html")
        page = Page(source)
        check(not page.elements & {"script", "img", "link", "iframe", "object"} and not page.attributes & {"src", "href", "onerror"},
              f"{page.elements} {page.attributes}")
        check(FORMULA in page.texts and "DS-&\"'script" in page.texts and "LTS" in page.texts, f"{page.texts}")
        check("<script" not in source, "an element of the camera's")


@tests.add("a report is refused for what it cannot do, and says who does not answer")
def report_wrong():
    with gateway(policy(OPEN_TO_NO)) as (_, d):
        for words in (("--format", "pdf"), ("--since", "yesterday"), ("--since", "-5d"), ("more",)):
            code, out, err = d.lenscap("report", *words)
            check(code == 2 and not out and err.startswith("usage:"), f"{words}: {code} {out}{err}")
        d.stop()
        code, out, err = d.lenscap("report")
        check(code not in (0, 2) and not out and err, f"without a daemon: {code} {out}{err}")
