"""Start a part of a built-in buildpack: `python3 -IS run.py PACK PART ARGUMENT…`.

The part is the function `main` of `builder.buildpacks.PACK.PART`; the arguments are those of bin/PART.
"""

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

_, pack, part, *arguments = sys.argv
sys.exit(importlib.import_module(f"builder.buildpacks.{pack}.{part}").main(*map(Path, arguments)))
