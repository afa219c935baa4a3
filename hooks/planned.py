"""The answer to `git push -o plan`: what would change, read from the database, and never a yes."""

from hooks.forecast import Next, Present, forecast, undecided
from hooks.parts import Parts
from hooks.policy import Judgement, Refusal, detail, step
from hooks.verdict import Verdict
from stratum.model import App, Target
from stratum.scaling import Limits
from stratum.secrets import unseal
from stratum.store import formation, releases

DONE = "planned, nothing changed"


def planned(
    parts: Parts,
    app: App,
    judgement: Judgement,
    targets: tuple[Target, ...] | None,
    scale: dict[str, int],
) -> Verdict:
    """Say what a push would change.

    Args:
        targets: of the pushed Procfile; None without one.
        scale: asked for with the push.
    """
    if judgement.deploying is None:
        lines = (*judgement.notes, detail("Nothing that runs would change."))
    elif targets is None:
        lines = undecided(_present(parts, app), judgement.deploying.new)
    else:
        lines = forecast(_present(parts, app), Next(judgement.deploying.new, targets, scale))
    return Verdict(taken=False, lines=(*lines, step(DONE.capitalize())), refusals=(Refusal("", DONE),))


def _present(parts: Parts, app: App) -> Present:
    with parts.database.read() as tx:
        release = releases.wished_release(tx, app.id)
        scales = formation.get_formation(tx, app.id)
        sealed = releases.get_config(tx, app.id, releases.config_version(tx, app.id))
    variables = tuple(unseal(parts.instance.layout.config_key, sealed))
    return Present(app, release, scales, variables, Limits.of(app, parts.instance.settings).processes)
