"""What a release has changed: commits, targets, variables and packages, next to the one before."""

from collections.abc import Mapping
from dataclasses import dataclass

from stratum.changes import Change, changes
from stratum.errors import NotFound
from stratum.git import Commit
from stratum.history import Log, between
from stratum.layout import Layout
from stratum.locks import FILES, MAX_BYTES, packages
from stratum.model import Release
from stratum.secrets import fingerprint, unseal


@dataclass(frozen=True, slots=True)
class Side:
    """A release with its encrypted variables."""

    release: Release
    sealed: bytes | None


@dataclass(frozen=True, slots=True)
class Difference:
    """From one release to another.

    Attributes:
        added, dropped: commits that only the newer, or only the older one has; None when the repository
            no longer has them.
        variables: with fingerprints for values.
    """

    added: Log | None
    dropped: Log | None
    targets: tuple[Change, ...]
    variables: tuple[Change, ...]
    packages: tuple[Change, ...]


def compare(layout: Layout, old: Side, new: Side) -> Difference:
    """Compare two releases of one app.

    Raises:
        Unavailable: git, or the key of the variables, cannot be used.
    """
    repo = layout.repo(new.release.app_id)
    before, after = old.release.commit, new.release.commit
    is_same = before == after
    return Difference(
        Log((), more=False) if is_same else between(repo, before, after),
        Log((), more=False) if is_same else between(repo, after, before),
        changes(_targets(old.release), _targets(new.release)),
        changes(_variables(layout, old), _variables(layout, new)),
        () if is_same else changes(_packages(layout, old.release), _packages(layout, new.release)),
    )


def _targets(release: Release) -> Mapping[str, str]:
    return {target.name: target.command for target in release.targets}


def _variables(layout: Layout, side: Side) -> Mapping[str, str]:
    found = unseal(layout.config_key, side.sealed)
    return {name: fingerprint(layout.config_key, name, value) for name, value in found.items()}


def _packages(layout: Layout, release: Release) -> Mapping[str, str]:
    try:
        return packages(Commit(layout.repo(release.app_id), release.commit).files(FILES, MAX_BYTES))
    except NotFound:
        return {}
