# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the soak's cameras do, and the policy's answer to each. A connection's source port tells the far side what must become of it:

    ALLOWED         is answered
    REFUSED         not one packet arrives (country, list, unknown device, question)
    REFUSED_LATE    TCP's handshake may arrive, not one byte behind it (name, protocol)
    FLIP            the driver's own, whose answer changes with the policy in force
"""

from dataclasses import dataclass

import netcase

ALLOWED, REFUSED, REFUSED_LATE, FLIP = range(10000, 30000), range(40000, 45000), range(45000, 50000), range(50000, 52000)
ECHO, TLS = 8000, 443
HIDDEN = ("198.51.100.200", "2001:db8:200::1")  # in no country: only a name or the policy in force opens it
LISTED = tuple(a for n in (45, 46) for a in (f"198.51.100.{n}", f"2001:db8:47::{n}"))  # of an allowed country, and on the list
HOSTS = netcase.HOSTS + HIDDEN + LISTED
GOOD, BAD = "allowed.example", "other.example"


@dataclass(frozen=True)
class Kind:
    name: str
    how: str           # tcp, udp, tls, dns
    ports: range
    to: tuple = ()
    word: str = ""     # the name asked for or said
    weight: int = 1


KNOWN = (
    Kind("tcp to an allowed country", "tcp", ALLOWED, netcase.NO, weight=5),
    Kind("udp to an allowed country", "udp", ALLOWED, netcase.NO, weight=3),
    Kind("a question that is allowed", "dns", ALLOWED, word=GOOD, weight=2),
    Kind("tls to an allowed name", "tls", ALLOWED, HIDDEN, GOOD, weight=3),
    Kind("tcp to another country", "tcp", REFUSED, netcase.CN + netcase.CN2, weight=3),
    Kind("udp to another country", "udp", REFUSED, netcase.CN + netcase.CN2, weight=2),
    Kind("tcp to a listed address", "tcp", REFUSED, LISTED, weight=2),
    Kind("udp to a listed address", "udp", REFUSED, LISTED),
    Kind("a question that is not allowed", "dns", REFUSED, word=BAD),
    Kind("tls to another name", "tls", REFUSED_LATE, HIDDEN, BAD, weight=2),
    Kind("no tls, to the allowed name's address", "raw", REFUSED_LATE, HIDDEN),
)
UNKNOWN = (
    Kind("unknown: tcp to an allowed country", "tcp", REFUSED, netcase.NO, weight=2),
    Kind("unknown: udp to an allowed country", "udp", REFUSED, netcase.NO, weight=2),
    Kind("unknown: a question", "dns", REFUSED, word=GOOD),
)
