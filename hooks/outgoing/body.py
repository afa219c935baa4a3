"""What is sent of a piece of news, in the form that Standard Webhooks 1.0.0 recommends. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime

from stratum.instance import Instance
from stratum.model import App, NewsKind


def body(kind: NewsKind, at: datetime, app: App, data: Mapping[str, object], instance: Instance) -> str:
    """Write a message as JSON: `type`, `timestamp`, and `data` with the app's name and address."""
    named = {
        "environment": app.environment.name,
        "name": app.name,
        "url": instance.app_url(app.host(instance.settings.apps_domain)),
    }
    timestamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": kind.value, "timestamp": timestamp, "data": {"app": named, **data}})
