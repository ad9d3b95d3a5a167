# SPDX-License-Identifier: GPL-2.0-or-later
"""Unknown country, no database, an old one, anycast: answers with a configured verdict, never a hole."""

import os
import tempfile
import time

import geodata
import places
from netcase import NO, TAIL, check, gateway, policy, tests
from result import Skip
from traffic import Server, tcp

PACKAGED = "/usr/share/libloc-location/location.db"
RULES = """\
rules:
  - {name: any-cast, from: cameras, to: {anycast: true}, action: block}
  - {name: who-knows, from: cameras, to: {unknown-country: true}, action: reject}
  - {name: home, from: cameras, to: {country: "NO"}, action: allow}
default: {action: block, alert: medium}
"""


def with_database(path, older="45d"):
    geo = f"geo:\n  country: [{path}]\n  asn: [{path}]\n  warn-older-than: {older}\n"
    return policy(RULES, tail=geo + TAIL[TAIL.index("outputs:"):])


@tests.add("an address that no database knows meets unknown-country, and the record says so")
def geo_unknown():
    with gateway(policy(RULES), hosts=("8.0.0.1", "2a00::1", *NO)) as (lab, d), Server(lab.internet, 443):
        check(tcp(lab.camera, "8.0.0.1", 443) == tcp(lab.camera, "2a00::1", 443) == "refused", "not refused")
        check(tcp(lab.camera, NO[0], 443) == "answered", "the override does not hold")
        d.wait_record("alert", "lenscap.rule=who-knows", "lenscap.dest.country=??", count=2)


@tests.add("without its database every country is unknown, and an alert says what is missing")
def geo_missing():
    host = places.in_country(places.open_database(), "NO").address
    with gateway(with_database("/nonexistent/location.db"), hosts=(host,)) as (lab, d), Server(lab.internet, 443):
        check(tcp(lab.camera, host, 443) == "refused", "not refused")
        d.wait_record("alert", "lenscap.rule=who-knows", f"dest_ip={host}")
        d.wait_record("alert", "alert.signature_id=1990005", "alert.signature~location.db")
        code, out, _ = d.lenscap("status")
        check(code == 10, f"status: exit code {code}, expected 10 (degraded)\n{out}")


@tests.add("an old database still answers, and an alert says its age")
def geo_stale():
    host = places.in_country(places.open_database(), "NO").address
    with gateway(with_database(places.DATABASE), hosts=(host,)) as (lab, d), Server(lab.internet, 443):
        check(tcp(lab.camera, host, 443) == "answered", "not answered")
        found = d.wait_record("flow", f"dest_ip={host}", "lenscap.dest.country=NO", "lenscap.rule=home") \
            if d.stop() == 0 else []
        if not d.records("alert", "alert.signature_id=1990005"):
            raise Skip("the installed database is younger than 45 days")
        return f"{host}: {found[0]['lenscap']['dest']['country_source']}"


@tests.add("status and geo status lead from Debian's old packaged database to `location update`, and all is well when its file is there")
def geo_leads():
    if not os.path.exists(PACKAGED):
        raise Skip("no package libloc-database")
    geodata.directory()
    made = time.time()
    with tempfile.TemporaryDirectory(prefix="lenscap-geo-") as directory:
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "database.db")
        os.symlink(PACKAGED, path)  # as libloc1 has it
        with gateway(with_database(path, "1d")) as (_, d):
            d.wait_record("alert", "alert.signature_id=1990005", "alert.signature~days old")
            code, out, _ = d.lenscap("status")
            check(code == 10 and "how: lenscap geo status" in out, f"status: {code} {out}")
            code, out, _ = d.lenscap("geo", "status")
            for words in ("stale", "no upgrade renews", "`apt install location`, then `location update`", "`lenscap reload`"):
                check(code == 10 and words in out, f"geo status: {code}, no {words} in\n{out}")
            places.write_database(path)
            d.reload()
            code, out, _ = d.lenscap("geo", "status")
            check(code == 0 and out.splitlines()[1].split()[:2] == ["ok", "0d"] and "update" not in out, f"after the update: {code} {out}")
            out = d.lenscap("geo", "test", "198.51.100.9")[1]
            check("NO" in out and "AS64547" in out, out)
            time.sleep(max(0.0, made + 2.5 - time.time()))  # older than a second
            d.stop()  # another directory than at the start: the sandbox is made anew
            d.write_policy(with_database("@DATA@/country.mmdb", "1s"))
            d.start()
            d.wait_record("alert", "alert.signature_id=1990005", "alert.signature~country.mmdb")
            code, out, _ = d.lenscap("geo", "status")
            check(code == 10 and "`geoipupdate`" in out and "location update" not in out, f"an old MMDB: {code} {out}")


@tests.add("an anycast address is in no one country: its own condition decides")
def geo_anycast():
    host = places.anycast(places.open_database()).address
    with gateway(with_database(places.DATABASE, "9999d"), hosts=(host,)) as (lab, d), Server(lab.internet, 443):
        check(tcp(lab.camera, host, 443) == "timeout", "not blocked")
        alert = d.wait_record("alert", "lenscap.rule=any-cast", "lenscap.dest.anycast=true", f"dest_ip={host}")[0]
        return f"{host}: country {alert['lenscap']['dest'].get('country')}, AS{alert['lenscap']['dest'].get('asn')}"
