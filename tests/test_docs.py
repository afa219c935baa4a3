"""What the documentation lists is what there is."""

import re
from dataclasses import fields
from pathlib import Path

from flask import Flask

from gitserver.api import BLUEPRINTS
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
