"""The answer to `git push -o plan`: what would change, read from the database, and never a yes."""

from collections.abc import Mapping

from hooks.forecast import Next, Present, forecast, undecided
from hooks.parts import Parts
from hooks.policy import Judgement, Refusal, step
from hooks.targets import Pushed
from hooks.verdict import Verdict
from stratum.model import App
from stratum.scaling import Limits
from stratum.secrets import unseal
from stratum.store import formation, releases

DONE = "planned, nothing changed"


def planned(
    parts: Parts,
    app: App,
    judgement: Judgement,
    pushed: Pushed,
    scale: Mapping[str, int | str],
) -> Verdict:
    """Say what a push would change.

    Args:
        scale: asked for with the push.
    """
    lines: tuple[str, ...]
    if judgement.deploying is None:
        lines = (step("Plan: nothing that runs would change, as no ref of this push deploys"),)
    elif pushed.targets is None:
        lines = undecided(_present(parts, app), judgement.deploying.new)
    else:
        new = Next(judgement.deploying.new, pushed.targets, scale, pushed.settings)
        lines = forecast(_present(parts, app), new)
    return Verdict(taken=False, lines=(*lines, step(DONE.capitalize())), refusals=(Refusal("", DONE),))


def _present(parts: Parts, app: App) -> Present:
    with parts.database.read() as tx:
        release = releases.wished_release(tx, app.id)
        scales = formation.get_formation(tx, app.id)
        sealed = releases.get_config(tx, app.id, releases.config_version(tx, app.id))
    variables = tuple(unseal(parts.instance.layout.config_key, sealed))
    return Present(app, release, scales, variables, Limits.of(app, parts.instance.settings).processes)
