"""Start the driver: `python3 -IS …/__main__.py`, which knows no packages but those beside it."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from builder.driver.road import main

code = main()
sys.stdout.flush()
os._exit(code)  # Python would tidy up for 6 ms
