# SPDX-License-Identifier: GPL-2.0-or-later
"""Small geo databases for tests, made by tests/data/make_mmdb.pl when the first test asks for them."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile

from result import Skip

MAKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "make_mmdb.pl")


@functools.cache
def directory():
    """Where they are; readable by everybody. Removed when this process ends. LENSCAP_MMDB: where they are already."""
    if os.environ.get("LENSCAP_MMDB"):
        return os.environ["LENSCAP_MMDB"]
    d = tempfile.mkdtemp(prefix="lenscap-mmdb-")
    atexit.register(shutil.rmtree, d, ignore_errors=True)
    os.chmod(d, 0o755)
    p = subprocess.run(["perl", MAKER, d], capture_output=True, text=True, timeout=60)
    if p.returncode:
        raise Skip("tests/data/make_mmdb.pl: " + (p.stderr.strip().splitlines() or ["failed"])[0])
    return d


def fill_in(text):
    """@DATA@ in a policy becomes the directory."""
    return text.replace("@DATA@", directory()) if "@DATA@" in text else text
