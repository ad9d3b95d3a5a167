# SPDX-License-Identifier: GPL-2.0-or-later
"""
Hosts of real countries and operators, asked from the installed location database at run time, so that a newer database
cannot break anything. The addresses are used inside namespaces without a way out.
"""

import ipaddress
import itertools
import os
import socket

from result import Skip

DATABASE = "/var/lib/location/database.db"
LOOK_AT = 400  # networks of a country that are looked at for one with an operator


class Place:
    """One host: address, country code, AS number and name."""

    def __init__(self, address, country, asn, operator):
        self.address, self.country, self.asn, self.operator = address, country, asn, operator

    def __str__(self):
        return f"{self.country} AS{self.asn} {self.operator}" if self.asn else f"{self.country} {self.operator}"


def open_database():
    try:
        import location
    except ImportError as e:
        raise Skip("no python3-location") from e
    if not os.path.exists(DATABASE):
        raise Skip("no libloc database (package libloc-database)")
    return location.Database(DATABASE)


def lookup(db, address):
    """The network of an address, or None. The binding raises what an older call left in errno when it finds nothing."""
    try:
        return db.lookup(address)
    except (ValueError, OSError):
        return None


def host_in(db, network):
    """A place inside this network, or None when the database says something else about that very address."""
    address = str(ipaddress.ip_address(network.first_address) + 9)
    found = lookup(db, address)
    operator = db.get_as(found.asn) if found and found.asn else None
    if not operator or found.country_code != network.country_code:
        return None
    return Place(address, found.country_code, found.asn, operator.name)


def in_country(db, code, six=False, skip=0):
    """The (skip+1)-th place of a country that is not anycast."""
    import location
    family = socket.AF_INET6 if six else socket.AF_INET
    seen = set()
    for network in itertools.islice(db.search_networks(country_codes=[code], family=family), LOOK_AT):
        place = None if network.has_flag(location.NETWORK_FLAG_ANYCAST) else host_in(db, network)
        if place and place.asn not in seen:
            seen.add(place.asn)
            if len(seen) > skip:
                return place
    raise Skip(f"the location database has no usable network in {code}")


def anycast(db):
    import location
    for network in itertools.islice(db.search_networks(flags=location.NETWORK_FLAG_ANYCAST, family=socket.AF_INET), LOOK_AT):
        place = host_in(db, network)
        if place:
            return place
    raise Skip("the location database flags no anycast network")


def nowhere(db):
    """A globally routable address of which the database knows no country."""
    for first in range(1, 224):
        for rest in ("255.254.9", "0.0.9", "128.0.9"):
            address = f"{first}.{rest}"
            found = lookup(db, address)
            if ipaddress.ip_address(address).is_global and (found is None or not found.country_code):
                return address
    raise Skip("the location database knows every address that was tried")


def write_database(path, network="198.51.100.0/24", country="NO", asn=64547):
    """A libloc database of this moment with one network, put there as `location update` does: written aside, then renamed."""
    try:
        import location
    except ImportError as e:
        raise Skip("no python3-location") from e
    w = location.Writer()
    w.add_country(country)
    w.add_as(asn).name = "Example"
    row = w.add_network(network)
    row.country_code, row.asn = country, asn
    w.write(path + ".new", 1)
    os.chmod(path + ".new", 0o444)
    os.rename(path + ".new", path)
