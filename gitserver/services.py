"""What every request needs; made once by `create_app`, before the fork."""

from dataclasses import dataclass

from flask import Flask, current_app

from gitserver.attempts import Attempts
from gitserver.places import Places
from gitserver.uses import Uses
from gitserver.watch import Watcher
from stratum.door.client import Door
from stratum.instance import Instance
from stratum.queue import Nudges
from stratum.store import Database
from stratum.supervisor import Supervisor

_KEY = "stratum"
SUPERVISOR_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Services:
    """The instance, and ways to its parts."""

    instance: Instance
    database: Database
    nudges: Nudges
    supervisor: Supervisor
    door: Door
    attempts: Attempts
    uses: Uses
    places: Places
    watcher: Watcher

    @classmethod
    def of(cls, instance: Instance) -> "Services":
        """Make them; nothing is connected yet."""
        database = Database.open(instance.layout.database)
        return cls(
            instance,
            database,
            Nudges(instance.redis_url),
            Supervisor(instance.layout.supervisord_socket, SUPERVISOR_TIMEOUT_S),
            Door(instance.layout, instance.fence),
            Attempts(instance.settings.sign_in_failures),
            Uses(database),
            Places(instance.settings),
            Watcher(database),
        )

    def keep_in(self, app: Flask) -> None:
        """Make them known to `services` and `services_of`."""
        app.extensions[_KEY] = self


def services() -> Services:
    """Return those of the app that serves the present request."""
    return services_of(current_app)


def services_of(app: Flask) -> Services:
    """Return those kept in an app."""
    found = app.extensions[_KEY]
    assert isinstance(found, Services)
    return found
