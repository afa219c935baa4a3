"""Which numeric uid each part runs as. Pure arithmetic; nothing is created in the password file.

Started as root, Stratum is fenced: its services, redis, the router, every app and every app's
builds have a uid of their own (and a gid of the same number). Started as an ordinary user all of
them share that user's.
"""

from collections.abc import Iterable
from dataclasses import dataclass

FIRST_BASE = 1_000_000_000
BASE_STEP = 20_100
MAX_APPS = 10_000

# Where a container has too few numbers for that: above what 16 bits hold, else between the accounts that
# useradd counts up to and those that systemd gives away by itself (systemd.io/UIDS-GIDS: 61,184 to 65,519).
HIGH = range(65_536, 2**31)
LOW = range(10_000, 61_184)


@dataclass(frozen=True, slots=True)
class Fence:
    """The uids of one instance.

    Attributes:
        fenced: whether the parts have separate uids.
        uid_base: fenced: first number of the instance's range; unfenced: the one uid of all.
    """

    fenced: bool
    uid_base: int

    @property
    def service_uid(self) -> int:
        """The web process, builders' and appliers' own code, the reconciler."""
        return self._uid(1)

    @property
    def redis_uid(self) -> int:
        """The embedded redis."""
        return self._uid(2)

    @property
    def router_uid(self) -> int:
        """Caddy."""
        return self._uid(3)

    @property
    def way_out_uid(self) -> int:
        """The proxies through which fenced builds reach registries."""
        return self._uid(4)

    @property
    def site_uid(self) -> int:
        """What copies sites out of slugs, and owns the copies; no build or app can end its work."""
        return self._uid(5)

    def app_uid(self, app_id: int) -> int:
        """The processes of one app; `app_id` from 1 to MAX_APPS - 1."""
        return self._uid(100 + 2 * self._checked(app_id))

    @property
    def first_app_uid(self) -> int:
        """Where the range of apps and builds begins; `app_uid(i)` is this plus 2i."""
        return self._uid(100)

    @property
    def last_app_uid(self) -> int:
        """Where the range of apps and builds ends."""
        return self._uid(99 + 2 * MAX_APPS)

    def build_uid(self, app_id: int) -> int:
        """The builds of one app."""
        return self._uid(101 + 2 * self._checked(app_id))

    def in_apps_range(self, uid: int) -> bool:
        """Whether a uid is one that apps or their builds may have; never true of root."""
        if not self.fenced:
            return uid == self.uid_base
        return self.first_app_uid <= uid <= self.last_app_uid

    def _uid(self, offset: int) -> int:
        return self.uid_base + offset if self.fenced else self.uid_base

    @staticmethod
    def _checked(app_id: int) -> int:
        if not 0 < app_id < MAX_APPS:
            message = f"app id {app_id} is outside 1..{MAX_APPS - 1}"
            raise ValueError(message)
        return app_id


def fenced_base(instance_id: str) -> int:
    """Choose a range far above people's accounts (useradd: below 60,000; subuid: 100,000 and up).

    Two instances on one host get different ranges unless their ids' hashes meet (1 in 50,000).
    """
    return FIRST_BASE + _number(instance_id) % 50_000 * BASE_STEP


def base_within(instance_id: str, mapped: Iterable[range]) -> int | None:
    """Choose a range that exists here; None when there is none.

    Args:
        mapped: the numbers that are a uid and a gid here (`stratum.up.idmap`).
    """
    known = tuple(mapped)
    base = fenced_base(instance_id)
    if fits(base, known):
        return base
    high = [start for one in known for start in _starts(_clipped(one, HIGH))]
    if high:
        return high[_number(instance_id) % len(high)]
    low = [part.stop - BASE_STEP for part in (_clipped(one, LOW) for one in known) if len(part) >= BASE_STEP]
    return max(low, default=None)


def fits(base: int, mapped: Iterable[range]) -> bool:
    """Whether all numbers of an instance exist here."""
    return any(one.start <= base and base + BASE_STEP <= one.stop for one in mapped)


def _number(instance_id: str) -> int:
    import hashlib  # 1.3 MB that the door, which only computes uids, does without

    return int.from_bytes(hashlib.sha256(instance_id.encode()).digest()[:4], "big")


def _clipped(one: range, bounds: range) -> range:
    return range(max(one.start, bounds.start), min(one.stop, bounds.stop))


def _starts(part: range) -> range:
    """Where the blocks of a part begin, end to end."""
    return range(part.start, part.stop - BASE_STEP + 1, BASE_STEP)
