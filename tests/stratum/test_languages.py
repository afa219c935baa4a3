from stratum.buildpacks import Reference, asked_for, detectable_files
from stratum.languages import FILES, advice


def test_each_way_is_told_once():
    told = list(advice({"setup.py", "Cargo.toml", "mix.exs", "README"}))

    assert [line.partition(":")[0] for line in told] == ["Cargo.toml", "setup.py"]


def test_what_is_to_be_set_is_a_buildpack():
    told = ["".join(advice({name})).partition("BUILDPACK_URL=")[2].partition(" ")[0] for name in FILES]
    urls = [url for url in told if url.startswith("https:")]

    assert len(urls) >= len(FILES) / 2
    for url in urls:
        assert asked_for(url, {}) == ("BUILDPACK_URL", (Reference(url=url),))


def test_nothing_is_said_of_what_a_buildpack_of_ours_reads():
    assert not set(FILES) & set(detectable_files())
    assert list(advice(())) == []
