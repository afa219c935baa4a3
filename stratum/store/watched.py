"""What may be committed that somebody waits for, or that makes what he has read worthless."""

from enum import Enum


class Watched(Enum):
    """By the question whose answer is another one afterwards, to whichever connection does not write.

    Source: sqlite.org/pragma.html, data_version: it changes when another connection, of whatever process, has
    committed. Stamps are counted by triggers (`migrations/versions/0013_stamps.py`): of ACCESS, at every
    change of tokens, their rights, environments, apps, and of what makes these review apps.
    """

    ANYTHING = "PRAGMA data_version"
    ACCESS = "SELECT number FROM stamps WHERE name = 'access'"
