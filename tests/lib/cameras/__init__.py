# SPDX-License-Identifier: GPL-2.0-or-later
"""
Devices of a camera network that speak as real ones do, one file a family: what they tell the link by themselves, what they answer when a
recorder or a tool asks, which names they look up. Standard library only. device.py runs them, words.py has what they share.
"""
