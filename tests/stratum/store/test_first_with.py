"""Which release brought a target to its app."""

from stratum.model import Target
from stratum.store import releases


def test_the_first_release_with_a_target_is_found_without_reading_those_after_it(db, app, monkeypatch):
    with db.write() as tx:
        for names in (("web",), ("web", "worker"), ("worker",), ("web", "worker"), ("web", "worker")):
            releases.add_release(
                tx,
                app.id,
                slug="s",
                commit="1" * 40,
                targets=tuple(Target(name, "run") for name in names),
                cause="push",
                who="me",
            )
    read, make = [], releases.read_release

    def noted(row):
        read.append(row.version)
        return make(row)

    monkeypatch.setattr(releases, "read_release", noted)

    with db.read() as tx:
        found = releases.first_with(tx, app.id, ("web", "worker"))

    assert {name: release.version for name, release in found.items()} == {"web": 1, "worker": 2}
    assert read == [1, 2]
