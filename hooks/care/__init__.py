"""Keeping repositories small, quick and whole, without ever being in the way of a push.

`turns` decides who may work in a repository, `upkeep` says what is due there and how it is done, `tender`
does it, in a thread of the web process; `processes` finds what a killed web process has left at work.
"""

from hooks.care.turns import receiving

__all__ = ["receiving"]
