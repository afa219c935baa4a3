"""Where storage may be mounted."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.errors import InvalidMount
from stratum.mounts import checked_path, overlapping

PIECES = st.lists(
    st.sampled_from(["a", "b", "..", ".", "", "/", "/app", "up loads", "ü", "x" * 255, "\n", "\0"])
)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("uploads", "uploads"),
        ("uploads/", "uploads"),
        ("./public//media", "public/media"),
        ("/app/uploads", "uploads"),
        ("app/uploads", "app/uploads"),
        ("/app//uploads/./x", "uploads/x"),
        ("ünd mehr", "ünd mehr"),
        ("-rf", "-rf"),
        ("..a", "..a"),
    ],
)
def test_a_path_within_the_apps_folder_may_be_written_as_elsewhere(written, means):
    assert checked_path(written) == means


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "it is the app's folder itself"),
        (".", "it is the app's folder itself"),
        ("/app", "it is the app's folder itself"),
        ("/app/", "it is the app's folder itself"),
        ("/var/lib/data", "it is outside the app's folder"),
        ("/application/x", "it is outside the app's folder"),
        ("/app//", "it is the app's folder itself"),
        ("..", "it has a part '..'"),
        ("uploads/../../etc", "it has a part '..'"),
        ("/app/../etc", "it has a part '..'"),
        ("a\nb", "no file can have it, or it cannot be printed"),
        ("a\0b", "no file can have it, or it cannot be printed"),
        ("x" * 256, "no file can have it, or it cannot be printed"),
        ("x/" * 600, "no file can have it, or it cannot be printed"),
        ("\udcff", "no file can have it, or it cannot be printed"),
    ],
)
def test_any_other_path_is_refused_with_what_is_allowed(path, reason):
    with pytest.raises(InvalidMount) as refused:
        checked_path(path)

    assert refused.value.reason == reason
    assert refused.value.hint == (
        "Give a path within the app's folder, such as uploads or public/media; /app/uploads means the first."
    )


@given(st.one_of(st.text(max_size=40), PIECES.map("/".join), PIECES.map("".join)))
def test_no_path_that_is_taken_leads_outside(path):
    try:
        parts = checked_path(path).split("/")
    except InvalidMount:
        return

    assert all(part not in ("", ".", "..") and part.isprintable() for part in parts)
    assert checked_path("/".join(parts)) == "/".join(parts)


@given(st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=2), min_size=1, max_size=3))
def test_storage_is_never_within_other_storage(parts):
    path = "/".join(parts)
    mounts = {"data": "a/b"}

    is_within = path in ("a", "a/b") or path.startswith("a/b/")

    assert overlapping(path, mounts) == ("data" if is_within else "")
