"""How each old process of a rollout is to be stopped, by what is said of its target."""

from collections.abc import Iterable

from runner.apply.parts import Parts
from runner.engines.engine import Steps
from runner.plan import Known
from stratum import stopping
from stratum.keeping import settled
from stratum.model import App
from stratum.store import formation as formation_store
from stratum.store import releases


def steps_of(parts: Parts, app: App, processes: Iterable[Known]) -> Steps:
    """Name → signals, where something is said: by the API, else by app.json of the process's own release."""
    found = {}
    with parts.database.read() as tx:
        wished = formation_store.get_formation(tx, app.id)
        for one in processes:
            release = releases.find_release(tx, app.id, one.version)
            if release is not None:
                said = settled(release, wished, one.target).stop_sequence
                found.update({one.name: stopping.parse(said)} if said else {})
    return found
