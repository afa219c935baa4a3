"""What a hook script is told: some variables, and all of it as JSON on its standard input. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that happens, or is about to.

    Attributes:
        event: a kind of news, `pre-build` or `pre-release`.
        app: `environment`, `name` and `url` of it.
        data: what there is to say besides, as in the body of a web hook.
    """

    event: str
    at: datetime
    app: Mapping[str, str]
    data: Mapping[str, Any]


def envelope(one: Occasion) -> str:
    """Write it as JSON, in the form that Standard Webhooks 1.0.0 recommends."""
    timestamp = one.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": one.event, "timestamp": timestamp, "data": {"app": one.app, **one.data}})


def environ(one: Occasion) -> dict[str, str]:
    """Return the variables of a script: nothing of ours, and empty ones for what does not apply."""
    build, release, rollout, process, crash = (
        found if isinstance(found := one.data.get(name), Mapping) else {}
        for name in ("build", "release", "rollout", "process", "crash")
    )
    version = f"v{release['version']}" if "version" in release else process.get("release", "")
    number = build.get("number", one.data.get("build"))
    said = {
        "EVENT": one.event,
        "ENVIRONMENT": one.app["environment"],
        "APP": one.app["name"],
        "APP_URL": one.app["url"],
        "BUILD": "" if number is None else str(number),
        "COMMIT": build.get("commit") or release.get("commit", ""),
        "RELEASE": version,
        "CAUSE": release.get("cause") or build.get("source", ""),
        "WHO": build.get("who") or release.get("who", ""),
        "ERROR": build.get("error") or rollout.get("error") or crash.get("message", ""),
        "PROCESS": process.get("name", ""),
    }
    ours = {f"STRATUM_{name}": value.replace("\0", "") for name, value in said.items()}
    return {"PATH": PATH, "LANG": "C.UTF-8", **ours}
