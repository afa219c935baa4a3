"""Start the driver: `python3 -IS builder/driver`, which knows no packages but those beside it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from builder.driver.road import main

sys.exit(main())
