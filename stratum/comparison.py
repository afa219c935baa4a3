"""What a release has changed next to the one before: commits, targets, variables, packages and more."""

from collections.abc import Mapping
from dataclasses import dataclass

from stratum.changes import Change, changes
from stratum.errors import NotFound
from stratum.git import Commit
from stratum.history import Log, between
from stratum.layout import Layout
from stratum.locks import FILES, MAX_BYTES, packages
from stratum.model import NO_CONTENTS, Release
from stratum.secrets import fingerprint, unseal

_SHORT = 10  # characters of a commit


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
        packages: as the builds have seen them installed; of builds before that was recorded, as lock
            files name them.
        buildpacks: name → where it is from, and its commit.
        storage: name of a volume → where it is mounted.
    """

    added: Log | None
    dropped: Log | None
    targets: tuple[Change, ...]
    variables: tuple[Change, ...]
    packages: tuple[Change, ...]
    buildpacks: tuple[Change, ...]
    storage: tuple[Change, ...]


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
        () if _is_like(old.release, new.release) else _changed_packages(layout, old.release, new.release),
        changes(_buildpacks(old.release), _buildpacks(new.release)),
        changes(old.release.mounts, new.release.mounts),
    )


def _targets(release: Release) -> Mapping[str, str]:
    return {target.name: target.command for target in release.targets}


def _variables(layout: Layout, side: Side) -> Mapping[str, str]:
    found = unseal(layout.config_key, side.sealed)
    return {name: fingerprint(layout.config_key, name, value) for name, value in found.items()}


def _buildpacks(release: Release) -> Mapping[str, str]:
    return {
        used.name: f"{used.url}#{used.commit[:_SHORT]}" if used.url else "built in"
        for used in release.contents.buildpacks
    }


def _is_like(old: Release, new: Release) -> bool:
    """Whether both hold the same packages, without looking."""
    return old.commit == new.commit and old.contents == new.contents


def _changed_packages(layout: Layout, old: Release, new: Release) -> tuple[Change, ...]:
    return changes(_packages(layout, old), _packages(layout, new))


def _packages(layout: Layout, release: Release) -> Mapping[str, str]:
    if release.contents != NO_CONTENTS:
        return release.contents.packages
    try:
        return packages(Commit(layout.repo(release.app_id), release.commit).files(FILES, MAX_BYTES))
    except NotFound:
        return {}
