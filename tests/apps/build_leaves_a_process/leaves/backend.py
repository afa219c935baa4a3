"""A build backend that starts daemons, which leave their session and shed their environment, and then fails."""

import os
import subprocess


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    seconds = os.environ["DAEMON_SECONDS"]
    daemons = f"setsid sleep {seconds} & setsid env -i /bin/sleep {seconds} &"
    subprocess.run(["sh", "-c", f"exec >/dev/null 2>&1 </dev/null; {daemons}"], check=True)
    raise SystemExit(7)
