"""Sites of files that the router serves by itself: what `static.json` may ask for, checked."""

from stratum.site.reading import Reading, read
from stratum.site.rules import PLAIN, Fallback, Header, Redirect, Rules
from stratum.site.slugfile import FILE, Site, parse, read_table, render, table

__all__ = [
    "FILE",
    "PLAIN",
    "Fallback",
    "Header",
    "Reading",
    "Redirect",
    "Rules",
    "Site",
    "parse",
    "read",
    "read_table",
    "render",
    "table",
]
