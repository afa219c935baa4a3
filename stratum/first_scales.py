"""Which scales a release brings with it, for targets that the app never had before. Pure."""

from collections.abc import Iterable

from stratum.model import RELEASE_PHASE, Formation

WEB = "web"


def first_scales(targets: Iterable[str], formation: Formation, *, start_all: bool) -> dict[str, int]:
    """Give each target without a scale its first one; those that have one keep it.

    `web` runs from the first release that has it, others wait for `stratum worker TARGET`. The command of
    a release phase is no process and gets none.

    Args:
        start_all: the environment wishes every new target to run.
    """
    new = [target for target in targets if target not in formation.scales and target != RELEASE_PHASE]
    return {target: int(start_all or target == WEB) for target in new}
