"""What makes a measurement worthless ends the run."""


def require(is_so: bool, what: str, said: str = "") -> None:
    """End the run, unless what is being timed did what it should.

    Args:
        what: goes on from "bench: it is not so that …".
        said: by whoever failed.
    """
    if not is_so:
        raise SystemExit(f"bench: spoiled, since it is not so that {what}\n{said}".rstrip())
