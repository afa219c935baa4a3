"""What a push has brought, looked at where it lies."""

import pytest

from gitserver.git.arrivals import size_of
from stratum.errors import Unavailable
from stratum.store import environments


@pytest.fixture
def known(side):
    with side.db.read() as tx:
        return environments.list_apps(tx)[0]


def test_it_is_counted_with_all_below_and_nothing_is_no_bytes(known, tmp_path):
    (tmp_path / "q/pack").mkdir(parents=True)
    (tmp_path / "q/pack/x.pack").write_bytes(bytes(4000))
    (tmp_path / "q/x").write_bytes(bytes(30))

    assert size_of(known, str(tmp_path / "q")) == 4030
    assert size_of(known, str(tmp_path / "none")) == size_of(known, "") == 0


def test_what_cannot_be_read_is_told(known, caplog):
    with pytest.raises(Unavailable, match=r"What was sent cannot be read: File name too long.* Push again"):
        size_of(known, "/" + "x" * 5000)

    assert f"what was sent to {known.label} cannot be read" in caplog.text
