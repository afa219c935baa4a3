import subprocess
import sys


def test_up_and_down_load_nothing_of_what_the_services_stand_on():
    code = (
        "import sys; from stratum.up import command\n"
        "print([name for name in ('sqlalchemy', 'redis', 'flask', 'cryptography') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
