"""Changing how a target's processes are kept, in place of what app.json says."""

from collections.abc import Mapping
from dataclasses import replace

from stratum.appjson import KEYS, told
from stratum.errors import InvalidInput
from stratum.model import NO_SETTINGS, App
from stratum.store import Transaction, formation
from stratum.verbs.scale import check_target, current_release


def keep(tx: Transaction, app: App, target: str, values: Mapping[str, object]) -> None:
    """Take settings of a target; nothing runs otherwise before the next rollout.

    Args:
        values: key → value, unchecked; None: nothing is said of it any more.

    Raises:
        InvalidInput: there is no such key, or a value is not allowed; nothing is changed then.
        UnknownTarget, NotAProcess: it is no target of processes, and none of which anything was said.
        NothingReleased: the app has no targets yet.
    """
    before = formation.get_formation(tx, app.id).told
    if target not in before:
        check_target(target, current_release(tx, app).process_names())
    if not values:
        message = "No setting was given."
        raise InvalidInput(message, f"There are: {', '.join(KEYS)}.")
    new = told(target, values)
    rest = before.get(target, NO_SETTINGS)
    forgotten = {key: getattr(NO_SETTINGS, key) for key, value in values.items() if value is None}
    formation.tell(tx, app.id, target, new.over(replace(rest, **forgotten)))
