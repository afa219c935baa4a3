"""Files that name packages of an app for which no buildpack is built in, and what to do about each. Pure.

Source of the addresses: Heroku's Dev Center, "Officially Supported Buildpacks"; of setup.py, pip's
documentation, "Local project installs".
"""

from collections.abc import Collection, Iterator

from stratum.buildpacks import VARIABLE

_HEROKU = "https://github.com/heroku/heroku-buildpack-"
_OF_HEROKU = {
    "Gemfile": "ruby",
    "go.mod": "go",
    "composer.json": "php",
    "pom.xml": "java",
    "build.gradle": "gradle",
    "build.gradle.kts": "gradle",
    "build.sbt": "scala",
    "project.clj": "clojure",
}
_OF_OTHERS = (
    "Cargo.toml",
    "mix.exs",
    "Package.swift",
    "shard.yml",
    "stack.yaml",
    "rebar.config",
    "deno.json",
)
_OF_PYTHON = ("setup.py",)
FILES = (*_OF_HEROKU, *_OF_OTHERS, *_OF_PYTHON)


def advice(found: Collection[str]) -> Iterator[str]:
    """Say of each of these files, which nothing has read, what would.

    Args:
        found: those of FILES that an app has at its root.
    """
    named = set()
    for name in (name for name in FILES if name in found):
        way = _way(name)
        if way not in named:
            named.add(way)
            yield f"{name}: {way}"


def _way(name: str) -> str:
    if name in _OF_PYTHON:
        return "to have it installed, commit a requirements.txt with a line that is a dot"
    url = f"{_HEROKU}{_OF_HEROKU[name]}" if name in _OF_HEROKU else "URL"
    return f"stratum vars set {VARIABLE}={url} names a buildpack for it, as none is built in"
