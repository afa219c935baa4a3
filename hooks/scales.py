"""Whether the scales asked for with a push can be wished."""

from collections.abc import Iterable, Sequence

from hooks.options import PushOptions
from hooks.parts import Parts
from stratum.errors import InvalidScale
from stratum.first_scales import first_scales
from stratum.model import RELEASE_PHASE, App, Formation, Target
from stratum.scaling import Limits, check_total, total
from stratum.store import formation
from stratum.verbs.scale import check_target


def check_scales(parts: Parts, app: App, options: PushOptions, targets: Iterable[Target] | None) -> None:
    """See that they can.

    Args:
        targets: None where the build decides (`hooks.targets`): it leaves out scales of others.

    Raises:
        UnknownTarget, NotAProcess: the pushed Procfile has no processes of one.
        InvalidScale: one is too large.
        TooManyProcesses: all together are.
    """
    limits, asked = Limits.of(app, parts.instance.settings), options.build.scale
    names = [target.name for target in targets or () if target.name != RELEASE_PHASE]
    for name, scale in asked.items():
        if targets is not None:
            check_target(name, names, of="the pushed Procfile")
        if scale > limits.scale:
            raise InvalidScale(name, scale, limits.scale)
    if asked and names:
        _check_total(parts, app, Formation(asked), names, limits)


def _check_total(parts: Parts, app: App, asked: Formation, names: Sequence[str], limits: Limits) -> None:
    with parts.database.read() as tx:
        now = formation.get_formation(tx, app.id)
    first = first_scales(names, now, start_all=app.environment.start_all)
    before = Formation({**now.scales, **first}, now.paused)
    after = Formation({**before.scales, **asked.scales}, now.paused)
    check_total(app.label, total(before, names), total(after, names), limits.processes)
