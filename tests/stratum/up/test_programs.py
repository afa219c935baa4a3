import os
import subprocess

import pytest

from stratum.up.programs import WITH_PARENT


@pytest.mark.parametrize("lives", [True, False])
def test_a_service_runs_only_under_the_supervisord_that_has_started_it(lives: bool):
    """One killed while it started it is no parent any more: nothing else ends the service."""
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    environ = {"PATH": os.environ["PATH"], "SUPERVISORD_PID": str(os.getpid() if lives else dead.pid)}
    argv = ["setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--", *WITH_PARENT, "echo", "a b", "$PPID"]

    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr, done.returncode) == (("a b $PPID\n", "", 0) if lives else ("", "", 1))
