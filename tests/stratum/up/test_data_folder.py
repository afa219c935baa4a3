"""What the operator reads when the data folder cannot be used."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from stratum.errors import InvalidInput, Unavailable
from stratum.instance import Identity
from stratum.settings import Settings
from stratum.up.start import start
from stratum.up.stop import stop

NOWHERE = "127.0.0.1:1"  # never listened on here


@pytest.fixture
def short():
    """A folder that every uid can pass to, with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="st-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def refused(data: Path) -> str:
    with pytest.raises(InvalidInput) as raised:
        start(Settings(data=data), NOWHERE)
    return str(raised.value)


def test_a_file_in_its_place_is_named(short):
    (short / "file").touch()

    assert refused(short / "file") == (
        f"The data folder {short}/file cannot be made: File exists. Choose another with --data DIR."
    )
    assert "cannot be made: Not a directory." in refused(short / "file" / "below")


def test_a_relative_one_is_told_whole(short, monkeypatch):
    monkeypatch.chdir(short)
    (short / "file").touch()

    assert f"The data folder {short}/file " in refused(Path("file"))


def test_down_says_that_a_file_holds_no_stratum(short):
    (short / "file").touch()

    with pytest.raises(Unavailable, match="holds no Stratum"):
        stop(Settings(data=short / "file"))


@pytest.mark.skipif(os.getuid() != 0, reason="a second account needs root")
def test_one_of_another_account_is_refused_in_a_sentence(short):
    """Every other account is told so, wherever it stumbles: at the folder, or at the one above."""
    program = (
        "import os, sys; from pathlib import Path\n"
        "from stratum.errors import StratumError; from stratum.settings import Settings\n"
        "from stratum.up.start import start\n"
        "os.setgroups([]); os.setresgid(65533, 65533, 65533); os.setresuid(65533, 65533, 65533)\n"
        "for data in sys.argv[1:]:\n"
        "    try: start(Settings(data=Path(data)), '127.0.0.1:1')\n"
        "    except StratumError as error: print(error)"
    )
    taken, above = short / "taken", short / "taken" / "below"
    taken.mkdir(mode=0o755)
    Identity("0" * 12, fenced=True, uid_base=10**9, listen=NOWHERE).write(taken)

    argv = [sys.executable, "-c", program, str(taken), str(above)]
    root = Path(__file__).parents[3]
    ran = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True)

    first, second = ran.stdout.splitlines()
    assert first == (
        f"The data folder {taken} cannot be written to."
        " Run this as its owner, or choose another with --data DIR."
    )
    assert second.startswith(f"The data folder {above} cannot be made: Permission denied. ")
