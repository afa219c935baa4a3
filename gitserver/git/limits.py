"""The limit on a single object, and where those of the processes are found."""

from collections.abc import Iterable

from gitserver.git.packsizes import Pack, count, oid_of, sizes
from stratum.errors import InvalidInput
from stratum.limits import Limits

__all__ = ["Limits", "ObjectTooLarge", "TooManyObjects", "overfull", "oversized"]


class ObjectTooLarge(InvalidInput):
    """An object that was pushed inflates to more than may be stored."""

    slug = "object-too-large"

    def __init__(self, oid: str, size: int, limit: int) -> None:
        message = f"Object {oid} has {size} bytes; {limit} are allowed for one (STRATUM_MAX_OBJECT_BYTES)."
        super().__init__(message, f"To see its name: git rev-list --objects --all | grep {oid}")
        self.oid, self.size, self.limit = oid, size, limit


class TooManyObjects(InvalidInput):
    """A push brings more objects than one may."""

    slug = "too-many-objects"

    def __init__(self, count: int, limit: int) -> None:
        message = f"The push has {count} objects; {limit} are allowed for one (STRATUM_MAX_PUSH_OBJECTS)."
        super().__init__(message, "Push older commits first, in several steps.")
        self.count, self.limit = count, limit


def overfull(packs: Iterable[Pack], limit: int) -> TooManyObjects | None:
    """Count the objects that a push has brought; return what to say when they are more than the limit.

    Raises:
        BadPack: they cannot be counted.
    """
    found = sum(map(count, packs))
    return TooManyObjects(found, limit) if found > limit else None


def oversized(packs: Iterable[Pack], limit: int) -> ObjectTooLarge | None:
    """Look for an object among those that a push has brought that is too large: the largest of its pack.

    All packs are looked at, small ones too: a delta of a few bytes may make hundreds of megabytes.

    Args:
        packs: with all of its objects, as receive.unpackLimit=1 has them.

    Returns:
        What to say of it when it has more than `limit` bytes, else None.
    """
    for pack in packs:
        size = max(sizes(pack), default=0)
        if size > limit:
            number = next(number for number, each in enumerate(sizes(pack)) if each == size)
            return ObjectTooLarge(oid_of(pack, number), size, limit)
    return None
