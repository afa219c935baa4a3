"""Reads a `Staticfile`, the file of Cloud Foundry's buildpack for sites, for what has a meaning here. Pure.

Source: docs.cloudfoundry.org, "Staticfile buildpack", table of configuration properties.
"""

import json
import re

from stratum.excerpt import quoted
from stratum.site.reading import Reading, read

NAME = "Staticfile"
MAX_BYTES = 16 * 1024
_LINE = re.compile(r"([A-Za-z_]+):[ \t]*(.*)")
_YES = frozenset({"true", "enabled", "yes", "on"})


def read_staticfile(content: bytes) -> Reading:
    """Read the file as the `static.json` that means the same; never raises."""
    asked: dict[str, object] = {}
    warnings = []
    for line in content[:MAX_BYTES].decode("utf-8", "replace").splitlines():
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        found = _LINE.fullmatch(text)
        name, value = (found[1], found[2].strip("\"' ")) if found else (text, "")
        if name == "root" and value:
            asked["root"] = value
        elif name == "pushstate" and value.lower() in _YES:
            asked["routes"] = {"/**": "index.html"}
        elif name == "force_https" and value.lower() in _YES:
            asked["https_only"] = True
        elif text and text != "---":
            warnings.append(f"{NAME}: {quoted(text)} has no effect. There are: root, pushstate, force_https.")
    reading = read(json.dumps(asked).encode())
    reading.problems = [problem.replace("static.json", NAME, 1) for problem in reading.problems]
    reading.warnings = warnings
    return reading
