"""Which scales a release brings with it, for targets that the app never had before. Pure."""

from collections.abc import Iterable, Mapping

from stratum.model import NO_SETTINGS, RELEASE_PHASE, Formation, TargetSettings

WEB = "web"


def first_scales(
    targets: Iterable[str],
    formation: Formation,
    asked: Mapping[str, TargetSettings],
    *,
    start_all: bool,
) -> dict[str, int]:
    """Give each target without a scale its first one; those that have one keep it.

    It is what app.json says. Where that says nothing, `web` runs from the first release that has it, and
    others wait for `stratum worker TARGET`. The command of a release phase is no process and gets none.

    Args:
        asked: what app.json says of targets.
        start_all: the environment wishes every new target to run.
    """
    new = [target for target in targets if target not in formation.scales and target != RELEASE_PHASE]
    said = {target: asked.get(target, NO_SETTINGS).quantity for target in new}
    return {
        target: int(start_all or target == WEB) if quantity is None else quantity
        for target, quantity in said.items()
    }
