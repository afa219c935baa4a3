"""Whether the scales asked for with a push, or by its app.json, can be wished."""

from collections.abc import Sequence
from dataclasses import replace

from hooks.options import PushOptions
from hooks.parts import Parts
from hooks.targets import Pushed
from stratum.appjson import Problem
from stratum.errors import AppJsonInvalid
from stratum.first_scales import first_scales
from stratum.model import RELEASE_PHASE, App, Formation
from stratum.scaling import Limits, changed, check_total, checked_scale, is_relative, total
from stratum.store import formation
from stratum.verbs.scale import check_target


def check_scales(parts: Parts, app: App, options: PushOptions, pushed: Pushed) -> None:
    """See that they can, as things are now; a change is made to what is wished when the build has ended.

    Where the build decides which targets there are, it leaves out scales of others.

    Raises:
        UnknownTarget, NotAProcess: the pushed Procfile has no processes of one.
        InvalidScale: one is too large, or would be less than none.
        TooManyProcesses: all together are.
        AppJsonInvalid: a target is to begin with more processes than any may have.
    """
    limits, asked = Limits.of(app, parts.instance.settings), options.build.scale
    targets = pushed.targets
    names = [target.name for target in targets or () if target.name != RELEASE_PHASE]
    _check_first(parts, app, pushed, limits)
    before = _before(parts, app, pushed, names) if asked else Formation()
    for name, given in asked.items():
        if targets is not None:
            check_target(name, names, of="the pushed Procfile")
        if targets is not None or name in before.scales or not is_relative(given):
            checked_scale(name, given, before.remembered(name), limits.scale)
    if asked and names:
        wished = {name: changed(given, before.remembered(name)) for name, given in asked.items()}
        after = replace(before, scales={**before.scales, **wished})
        check_total(app.label, total(before, names), total(after, names), limits.processes)


def _check_first(parts: Parts, app: App, pushed: Pushed, limits: Limits) -> None:
    """What all together are too many for comes paused (`builder.outcome`): nobody has asked for it now."""
    too_large = {
        name: one.quantity for name, one in pushed.settings.items() if (one.quantity or 0) > limits.scale
    }
    if not too_large:
        return
    with parts.database.read() as tx:
        known = formation.get_formation(tx, app.id).scales
    mend = f"Give a whole number from 0 to {limits.scale}"
    problems = [
        Problem(f"formation.{name}.quantity", f"{number} is not allowed", mend)
        for name, number in too_large.items()
        if name not in known
    ]
    if problems:
        raise AppJsonInvalid(problems)


def _before(parts: Parts, app: App, pushed: Pushed, names: Sequence[str]) -> Formation:
    """What would be wished if nothing were asked for."""
    with parts.database.read() as tx:
        now = formation.get_formation(tx, app.id)
    first = first_scales(names, now, pushed.settings, start_all=app.environment.start_all)
    return Formation({**now.scales, **first}, now.paused)
