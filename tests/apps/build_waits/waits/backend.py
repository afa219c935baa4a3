"""A build backend that says so on reaching a point, and waits there until $WAIT_FOR exists in its app's cache."""

import os
import pathlib
import time


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    home = pathlib.Path(os.environ["HOME"])  # DATA/builds/<app>/<n>/home
    go = home.parents[3] / "cache" / home.parents[1].name / os.environ["WAIT_FOR"]
    go.with_name(f"{go.name}.reached").touch()
    while not go.exists():
        time.sleep(0.02)
    raise SystemExit("enough")
