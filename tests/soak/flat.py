# SPDX-License-Identifier: GPL-2.0-or-later
"""
Is a row of numbers flat? Its first quarter is warm-up. What is left is cut into thirds; it grows when each third's median is higher than the one
before by more than the margin: a leak goes on growing, a table that fills or an allocator that settles does not.
"""

import statistics

WARM_UP = 0.25
ENOUGH = 9


def thirds(values):
    """Medians of the three thirds after the warm-up; None: too few values for a judgement."""
    rest = values[int(len(values) * WARM_UP):]
    if len(rest) < ENOUGH:
        return None
    n = len(rest) // 3
    return [statistics.median(rest[i * n:(i + 1) * n if i < 2 else None]) for i in range(3)]


def grows(values, share, least):
    """margin: a share of the third before, and at least `least`."""
    t = thirds(values)
    return t is not None and all(b - a > max(a * share, least) for a, b in zip(t, t[1:]))


def selftest():
    """The judge itself: knows a leak from a table that fills, from noise and from a saw."""
    assert grows([1000 + 20 * n for n in range(60)], 0.01, 100)
    assert not grows([min(5000, 200 * n) for n in range(60)], 0.01, 100)
    assert not grows([1000 + n % 7 * 90 for n in range(60)], 0.01, 100)
    assert not grows([1000 + n % 20 * 50 for n in range(60)], 0.01, 100)
    assert not grows([1, 2, 3], 0, 0) and thirds([1, 2, 3]) is None
