"""Detection where there is a pyproject.toml only: whether it asks for packages."""

from pathlib import Path

from builder.buildpacks.python.sources import PROJECT, Unusable, names_dependencies, project


def main(build: Path) -> int:
    """Say whether the app is one; what is no TOML is, so that compile can say it."""
    try:
        fits = names_dependencies(project({PROJECT: (build / PROJECT).read_bytes()}))
    except Unusable:
        fits = True
    if fits:
        print("Python")
    return 0 if fits else 1
