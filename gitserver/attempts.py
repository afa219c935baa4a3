"""Failed sign-ins, and how long whoever fails has to stay away. The clock is given; nobody waits here.

A token is 160 random bits, which no number of attempts finds. Slowing keeps guessers from costing
more than a look into a table, and it holds for passwords of whatever kind that may come.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition

FIRST_S = 1.0
WINDOW_S = 600.0  # who has been quiet for so long starts anew
KNOWN_S = 86_400.0  # for so long after its last use a token counts as known
LOOK_UP_S = 5.0  # how long one waits for what others find who came before
MOST = 10_000  # of each table; what was touched longest ago is forgotten first


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in.

    Attributes:
        account: the user name given; empty when it says nothing of who it is.
        token: digest of the secret.
    """

    address: str
    account: str
    token: str


@dataclass(frozen=True, slots=True)
class Limit:
    """How many failures are free, and how long one has to wait at most."""

    free: int
    cap_s: float

    def delay_s(self, failures: int) -> float:
        """Return how long nothing is taken after so many: from the last free one on it doubles."""
        beyond = failures - self.free
        return 0.0 if beyond < 0 else min(self.cap_s, FIRST_S * 2.0 ** min(beyond, 32))


class Failures:
    """Failures by name, of addresses or of accounts; not safe for threads by itself."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._found: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and closed until when
        self._looking: Counter[str] = Counter()  # how many are being looked up

    def __len__(self) -> int:
        return len(self._found)

    def wait_s(self, name: str, now: float) -> float:
        """Return how long a name is closed yet."""
        _, until = self._found.get(name, (0, now))
        return max(0.0, until - now)

    def may_close(self, name: str, now: float) -> bool:
        """Whether a name would be closed if all that are being looked up failed."""
        count, until = self._found.get(name, (0, now))
        count = 0 if now - until > WINDOW_S else count
        looking = self._looking[name]
        return looking > 0 and self._limit.delay_s(count + looking) > 0

    def begin(self, name: str) -> None:
        """Note that one is being looked up."""
        self._looking[name] += 1

    def end(self, name: str) -> None:
        """Note that it is no more."""
        self._looking[name] -= 1
        if not self._looking[name]:
            del self._looking[name]

    def add(self, name: str, now: float) -> float:
        """Count one and return how long the name is closed for it."""
        count, until = self._found.pop(name, (0, now))
        count = 1 if now - until > WINDOW_S else count + 1
        delay_s = self._limit.delay_s(count)
        self._found[name] = (count, now + delay_s)
        _shorten(self._found)
        return delay_s


class Attempts:
    """All sign-ins of a process; safe for threads.

    Good tokens are not slowed where they are known: a guesser behind the same address as a colleague,
    or with his user name, does not lock him out. Nothing that succeeds clears what has failed, or who
    holds one token could guess others for ever.

    Args:
        free: failures of an address that have no consequence.
    """

    def __init__(self, free: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Condition()
        self._addresses = Failures(Limit(free, cap_s=300.0))
        # Anybody may use anybody's name, so this begins late and stays short.
        self._accounts = Failures(Limit(5 * free, cap_s=30.0))
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()  # (address or "", token) → last use

    def __len__(self) -> int:
        """How much is remembered."""
        return len(self._addresses) + len(self._accounts) + len(self._known)

    @contextmanager
    def reserved(self, attempt: Attempt) -> Iterator[float]:
        """Give how long this must not be tried; if 0, look it up in the block, and say there how it ended.

        Guesses at once get no more than one after the other: whoever would be refused if those that are
        being looked up failed waits for them, which takes milliseconds.
        """
        with self._lock:
            self._lock.wait_for(lambda: not self._may_close(attempt), LOOK_UP_S)
            wait_s = FIRST_S if self._may_close(attempt) else self.wait_s(attempt)
            counted = [] if wait_s else self._slowing(attempt)
            for failures, name in counted:
                failures.begin(name)
        try:
            yield wait_s
        finally:
            with self._lock:
                for failures, name in counted:
                    failures.end(name)
                self._lock.notify_all()

    def wait_s(self, attempt: Attempt) -> float:
        """Return how long this must not be tried; 0: it may be now."""
        with self._lock:
            now = self._clock()
            return max((failures.wait_s(name, now) for failures, name in self._slowing(attempt)), default=0.0)

    def failed(self, attempt: Attempt) -> float:
        """Count a failure and return for how long the address or the account is closed now."""
        with self._lock:
            now = self._clock()
            for address in (attempt.address, ""):  # it may have been revoked
                self._known.pop((address, attempt.token), None)
            delay_s = self._addresses.add(attempt.address, now)
            if attempt.account:
                delay_s = max(delay_s, self._accounts.add(attempt.account, now))
            return delay_s

    def succeeded(self, attempt: Attempt) -> None:
        """Remember the token, there and anywhere."""
        with self._lock:
            for address in (attempt.address, ""):
                self._known[address, attempt.token] = self._clock()
                self._known.move_to_end((address, attempt.token))
            _shorten(self._known)

    def _may_close(self, attempt: Attempt) -> bool:
        now = self._clock()
        return any(failures.may_close(name, now) for failures, name in self._slowing(attempt))

    def _slowing(self, attempt: Attempt) -> list[tuple[Failures, str]]:
        """List whose failures slow an attempt: nobody's, where the token is known."""
        now = self._clock()
        if self._knows(attempt.address, attempt.token, now):
            return []
        by_account = attempt.account and not self._knows("", attempt.token, now)
        return [
            (self._addresses, attempt.address),
            *([(self._accounts, attempt.account)] if by_account else []),
        ]

    def _knows(self, address: str, token: str, now: float) -> bool:
        used = self._known.get((address, token))
        return used is not None and now - used <= KNOWN_S


def _shorten(table: "OrderedDict[str, tuple[int, float]] | OrderedDict[tuple[str, str], float]") -> None:
    while len(table) > MOST:
        table.popitem(last=False)
