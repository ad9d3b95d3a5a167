# SPDX-License-Identifier: GPL-2.0-or-later
"""An older Landlock: this kernel's knows files and neither networks nor scopes. The sandbox takes what there is."""

import ctypes
import re

from netcase import CN, NO, OPEN_TO_NO, check, gateway, policy, tests
from traffic import Server, tcp

CREATE_RULESET, GET_VERSION = 444, 1
NETWORK_RULES = 4  # the first version that has them


@tests.add("with a Landlock that knows files alone, the engine is confined by that one, says which it is, and judges")
def landlock_files_alone():
    version = ctypes.CDLL(None, use_errno=True).syscall(CREATE_RULESET, None, ctypes.c_size_t(0), GET_VERSION)
    check(0 < version < NETWORK_RULES, f"this kernel's Landlock is version {version}: what is older is not tested any more")
    with gateway(policy(OPEN_TO_NO)) as (lab, d), Server(lab.internet, 443):
        check(d.status()["sandbox"] == {"on": True, "calls": True, "landlock": version}, f"{d.status()['sandbox']}, the kernel says {version}")
        _, out, _ = d.lenscap("status")
        check(re.search(rf"^sandbox .*\(Landlock {version}\)$", out, re.M), out)
        check(tcp(lab.camera, NO[0], 443, timeout=3) == "answered" and tcp(lab.camera, CN[0], 443) == "timeout", "it does not judge")
        return f"Landlock {version}"
