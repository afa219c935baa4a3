"""Packages that are named where no buildpack has looked: a warning, before the app fails for want of them."""

from builder.bench import Bench
from stratum import languages
from stratum.git import Commit
from stratum.model import Contents


def tell_unfitted(bench: Bench, commit: Commit, contents: Contents) -> None:
    """Warn of them, where nothing was installed."""
    found = () if contents.buildpacks else commit.entries(languages.FILES)
    for line in languages.advice(found):
        bench.narration.indent(f"warning: {line}")
