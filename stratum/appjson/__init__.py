"""`app.json`: how targets are kept, and what a new process has to pass before it counts as up.

Pure: bytes in, settings and warnings out, or `AppJsonInvalid` with every problem at once. The receive
hook asks before a ref moves, and the builder again when it makes a release.

Source of the names: Dokku's app.json (`formation`, `healthchecks`), which is Heroku's with more; other
keys of it are other tools', and left alone.
"""

from stratum.appjson.found import NAME, Problem
from stratum.appjson.keys import KEYS, told
from stratum.appjson.reading import MAX_BYTES, AppJson, parse, too_large
from stratum.appjson.review import ReviewSetup, parse_review

__all__ = [
    "KEYS",
    "MAX_BYTES",
    "NAME",
    "AppJson",
    "Problem",
    "ReviewSetup",
    "parse",
    "parse_review",
    "told",
    "too_large",
]
