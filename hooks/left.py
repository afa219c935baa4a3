"""What pushes have done and not yet recorded, left to whoever has the app's turn next.

A push that deploys nothing lets others have the turn as soon as its refs have moved and are on disk: that
its row is still pending harms nothing, since the next push records it in the very transaction by which it
journals itself, before it moves anything. Where nobody follows, the push records it itself. It is kept in
memory alone: after a crash the row is settled as every pending one is (`hooks.settle`), and another process
that has the turn settles it so at once. What both record is the same, since no ref of the app moves before.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from stratum.store import Database, Transaction, pushes


@dataclass(frozen=True, slots=True)
class Moves:
    """Ids of journaled pushes that deploy nothing, by what git has done with their refs."""

    moved: tuple[int, ...] = ()
    unmoved: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.moved or self.unmoved)

    def __add__(self, other: "Moves") -> "Moves":
        return Moves(self.moved + other.moved, self.unmoved + other.unmoved)

    @property
    def ids(self) -> frozenset[int]:
        """All of them."""
        return frozenset((*self.moved, *self.unmoved))

    def record(self, tx: Transaction) -> None:
        """Accept the one and reject the other; may be done again."""
        if self.moved:
            pushes.accept(tx, self.moved)
        if self.unmoved:
            pushes.reject(tx, self.unmoved)


# Of this process; for who has the app's turn, but for a look whether there is anything. By database, as the
# numbers of apps and pushes are those of one.
_left: WeakKeyDictionary[Database, dict[int, Moves]] = WeakKeyDictionary()
_NOTHING = Moves()


def left(db: Database, app_id: int) -> Moves:
    """Return what is still to be recorded."""
    return _left.get(db, {}).get(app_id, _NOTHING)


def leave(db: Database, app_id: int, moves: Moves) -> None:
    """Have others record it."""
    _left.setdefault(db, {})[app_id] = left(db, app_id) + moves


def recorded(db: Database, app_id: int) -> None:
    """Note that it is done."""
    _left.get(db, {}).pop(app_id, None)
