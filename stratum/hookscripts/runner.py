"""Running all hook scripts of an event for an app, one after the other."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stratum.hookscripts.environ import Occasion, envelope, environ
from stratum.hookscripts.found import Script, scripts
from stratum.hookscripts.kept import keep
from stratum.hookscripts.running import Ended, run
from stratum.instance import Instance
from stratum.model import App
from stratum.store.clock import now

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scripts:
    """Those of one event for one app.

    Attributes:
        look: called ten times a second while one runs; what it raises ends it.
    """

    instance: Instance
    app: App
    event: str
    data: Mapping[str, Any]
    look: Callable[[], object] = bool

    def found(self) -> list[Script]:
        """Return those there are, in order."""
        return scripts(self.instance.layout.hook_scripts, self.event)

    def run(self, found: list[Script]) -> Iterator[tuple[Script, Ended]]:
        """Run them one by one, keep what each has printed, and yield how it ended."""
        occasion = Occasion(self.event, now(), named(self.app, self.instance), self.data)
        told, variables = envelope(occasion), environ(occasion)
        limit_s = self.instance.settings.hook_timeout_s
        for script in found:
            if script.refusal:
                ended = Ended(f"is not run: {script.refusal}", 0.0, b"")
            else:
                ended = run(script.path, variables, told, limit_s, self.look)
            keep(self.instance.layout.hook_logs, script.name, self.app.label, ended)
            if ended.trouble:
                log.warning("the hook script %s for %s %s", script.name, self.app.label, ended.trouble)
            yield script, ended


def named(app: App, instance: Instance) -> dict[str, str]:
    """Say which app it is, for others."""
    url = instance.app_url(app.host(instance.settings.apps_domain))
    return {"environment": app.environment.name, "name": app.name, "url": url}
