"""Which engine an instance has. There is one: supervisord, which `stratum up` starts."""

from runner.engines.engine import Engine
from runner.engines.supervisord.engine import Supervisord
from stratum.door.client import Door
from stratum.instance import Instance
from stratum.store import Database


def engine_of(instance: Instance, database: Database, door: Door) -> Engine:
    """Return what runs the apps' processes of an instance."""
    return Supervisord.of(instance, database, door)
