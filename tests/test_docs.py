"""What the documentation lists is what there is."""

import re
from dataclasses import fields
from pathlib import Path

from flask import Flask

from gitserver.api import BLUEPRINTS
from stratum.buildpacks import BUILT_IN
from stratum.settings import Settings

DOCS = Path(__file__).parents[1] / "docs"


def test_documented_settings_are_the_settings_with_their_defaults():
    rows = re.findall(
        r"^\| `(STRATUM_\w+)` \| `?([^|`]+?)`? \|", (DOCS / "operating.md").read_text(), re.MULTILINE
    )

    actual = {f"STRATUM_{field.name.upper()}": str(field.default) or "none" for field in fields(Settings)}
    assert dict(rows) == actual


def test_documented_routes_are_the_routes():
    rows = re.findall(r"^\| ([A-Z]+) \| `(/api/[^`]+)` \|", (DOCS / "api.md").read_text(), re.MULTILINE)

    app = Flask("gitserver", static_folder=None)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    actual = {
        (method, re.sub(r"<\w+:", "<", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert set(rows) == actual


def test_documented_buildpacks_are_those_that_are_built_in_in_the_order_of_detection():
    text = (DOCS / "builds.md").read_text()
    table = text.partition("| buildpack | fits |")[2].partition("\n\n")[0]

    names = re.findall(r"^\| (\w+) \|", table, re.MULTILINE)
    assert names == [*(one.name for one in BUILT_IN), "none"]
