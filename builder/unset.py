"""Variables that commands of the Procfile use, and that nothing sets: a warning, while somebody looks."""

from collections.abc import Collection, Iterator, Sequence

from builder.bench import Bench
from stratum.git import Commit
from stratum.model import RELEASE_PHASE, Contents, Target
from stratum.procfile import references
from stratum.variables import GIVEN

_PROFILES = (".profile", ".profile.d")
_WEB = "web"


def tell_unset(
    bench: Bench, commit: Commit, contents: Contents, targets: Sequence[Target], variables: Collection[str]
) -> None:
    """Warn of them, unless scripts that run before the commands may set what they like."""
    is_known = not any(one.url for one in contents.buildpacks) and not commit.entries(_PROFILES)
    for warning in warnings(targets, variables) if is_known else ():
        bench.narration.indent(f"warning: {warning}")


def warnings(targets: Sequence[Target], variables: Collection[str]) -> Iterator[str]:
    """Say what each command lacks. Pure.

    Args:
        variables: names of the app's own.
    """
    for target in targets:
        for name in references(target.command):
            if name == "PORT" and target.name != _WEB:
                yield _no_port(target.name)
            elif name != "PORT" and name not in GIVEN and name not in variables:
                yield (
                    f"{target.name} uses ${name}, which is not set, and gets nothing in its place. "
                    f"To set it: stratum vars set {name}=…; where it may be empty: ${{{name}:-}}"
                )


def _no_port(target: str) -> str:
    it_is = "the release phase" if target == RELEASE_PHASE else target
    return f"{target} uses $PORT, which only {_WEB} is given: no request comes to {it_is}"
