import subprocess
import sys

import pytest

from stratum.up.command import orphans_text


def test_up_and_down_load_nothing_of_what_the_services_stand_on():
    code = (
        "import sys; from stratum.up import command\n"
        "print([name for name in ('sqlalchemy', 'redis', 'flask', 'cryptography') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["Env.a.v1.web.1"], "Ended 1 process that an earlier run had left: Env.a.v1.web.1."),
        (["", ""], "Ended 2 processes that an earlier run had left."),
        (["b\n", "", "b\n"], "Ended 3 processes that an earlier run had left: b\\n."),
        ([f"a{n:02}" for n in range(12)], "a08, a09, …"),
    ],
)
def test_what_a_killed_run_has_left_is_told_whatever_it_calls_itself(names, said):
    assert orphans_text(names).endswith(said)
