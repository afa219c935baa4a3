"""What one app should be: its processes with their integers, ports and variables, from the database."""

from collections.abc import Mapping

from runner.apply import ports
from runner.apply.parts import Parts
from runner.apply.site import published
from runner.plan import plan, port_names, wished_slots
from runner.wish import Wish
from stratum import secrets
from stratum.model import App, Formation, Release
from stratum.store import formation as formation_store
from stratum.store import releases


def variables_of(parts: Parts, release: Release) -> Mapping[str, str]:
    """The app's own variables in a release.

    Raises:
        Unavailable: they cannot be read with the key there is.
    """
    with parts.database.read() as tx:
        ciphertext = releases.get_config(tx, release.app_id, release.config_version)
    return secrets.unseal(parts.instance.layout.config_key, ciphertext)


def wish(parts: Parts, app: App, release: Release | None, formation: Formation) -> Wish:
    """Work out what an app should be, giving integers and ports to those that lack them.

    Raises:
        RolloutFailed: no port is free.
        ReleaseUnusable: it has a site that cannot be served.
        Unavailable: the variables cannot be read with the key there is.
    """
    if release is None:
        return Wish(app, None, (), {})
    with parts.database.read() as tx:
        numbers = formation_store.unique_ints(tx, app.id)
    slots = wished_slots(release, formation)
    if not numbers.keys() >= set(slots):
        with parts.database.write() as tx:
            numbers = formation_store.give_unique_ints(tx, app.id, slots)
    given = ports.given(parts, app.id, port_names(app, release, formation))
    processes = tuple(plan(app, release, formation, numbers, given))
    return Wish(app, release, processes, variables_of(parts, release), published(parts, release))
