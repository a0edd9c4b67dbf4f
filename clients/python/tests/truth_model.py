"""What an online read may answer at a time, after everything that was written and taken back by then.

Nothing of the server is in here: a list of rows for each key, and the moments between which each act
took effect. An answer is right where some order of the acts that overlap explains it.
"""

from __future__ import annotations

import bisect
import threading
from collections import defaultdict
from dataclasses import dataclass, field

NEVER = float("inf")


@dataclass
class Row:
    """A row somebody wrote: seconds of the clock, and its place in the order of its key."""

    view: str
    key: int
    id: int
    event: int
    """Microseconds since 1970."""
    created: int
    begun: float
    acked: float = NEVER
    """When it was acknowledged: from then on it is there for certain."""
    entry: int = 0
    is_pushed: bool = False

    @property
    def order(self) -> tuple[int, int]:
        return self.event, self.created


@dataclass
class Removal:
    """Rows taken back: by key, by log entries, or those of one import."""

    begun: float
    acked: float = NEVER
    key: int | None = None
    ids: frozenset[int] = frozenset()
    entry: int = 0

    def names(self, row: Row) -> bool:
        return row.id in self.ids if self.key is None else row.key == self.key

    def surely_took(self, row: Row) -> bool:
        """Whether the row was there before it, if the removal was acknowledged."""
        if not self.names(row):
            return False
        if self.entry and row.entry:
            return row.entry < self.entry
        return row.acked <= self.begun

    def may_have_taken(self, row: Row) -> bool:
        if not self.names(row):
            return False
        # A deletion takes rows of an import that were sent before it and published behind it.
        if self.entry and row.entry and row.is_pushed:
            return row.entry < self.entry
        return row.begun <= self.acked


@dataclass
class Restoring:
    """While this runs, rows that a retraction had hidden come back one by one."""

    begun: float
    keys: frozenset[int]
    acked: float = NEVER


@dataclass
class Seen:
    """One key of one view in one answer to a read between two moments."""

    start: float
    end: float
    view: str
    key: int
    status: str
    id: int | None
    event: int | None


@dataclass
class Truth:
    """Thread-safe; checked when all acts are over."""

    max_ages: dict[str, int | None]
    lock: threading.Lock = field(default_factory=threading.Lock)
    rows: dict[int, Row] = field(default_factory=dict)
    removals: list[Removal] = field(default_factory=list)
    restorings: list[Restoring] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    statuses: list[tuple[int, str, float, float]] = field(default_factory=list)
    _next: int = 0

    def new_id(self) -> int:
        with self.lock:
            self._next += 1
            return self._next

    def check(self) -> dict[str, int]:
        """Raises AssertionError for the first answer that nothing explains; how many of each status."""
        history = _History(self)
        counts: dict[str, int] = defaultdict(int)
        for seen in self.seen:
            history.explain(seen)
            counts[seen.status] += 1
        for id, status, start, end in self.statuses:
            history.explain_push(self.rows[id], status, start, end)
            counts[status] += 1
        return dict(counts)


class _History:
    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.by_key: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in truth.rows.values():
            self.by_key[row.view, row.key].append(row)
        for rows in self.by_key.values():
            rows.sort(key=lambda row: row.order)
        self.orders = {place: [row.order for row in rows] for place, rows in self.by_key.items()}
        self.removed: dict[int, list[Removal]] = defaultdict(list)
        keyed: dict[int, list[Removal]] = defaultdict(list)
        for removal in truth.removals:
            if removal.key is not None:
                keyed[removal.key].append(removal)
            for id in removal.ids:
                self.removed[id].append(removal)
        for row in truth.rows.values():
            self.removed[row.id] += [one for one in keyed[row.key] if one.may_have_taken(row)]

    def may_be_there(self, row: Row, start: float, end: float) -> bool:
        return row.begun <= end and not any(
            one.acked <= start and one.surely_took(row) for one in self.removed[row.id]
        )

    def is_there(self, row: Row, start: float, end: float) -> bool:
        return row.acked <= start and not any(
            one.begun <= end and one.may_have_taken(row) for one in self.removed[row.id]
        )

    def is_restoring(self, key: int, start: float, end: float) -> bool:
        return any(
            one.begun <= end and start <= one.acked and key in one.keys
            for one in self.truth.restorings
        )

    def explain(self, seen: Seen) -> None:
        rows = self.by_key.get((seen.view, seen.key), [])
        orders = self.orders.get((seen.view, seen.key), [])
        # Nothing of an event later than the read can have been written by then.
        after = bisect.bisect_right(orders, (int(seen.end * 1e6) + 1, 0))
        restoring = self.is_restoring(seen.key, seen.start, seen.end)
        for row in reversed(rows[:after]):
            if not self.may_be_there(row, seen.start, seen.end):
                continue
            if self.is_answer(seen, row):
                return
            if self.is_there(row, seen.start, seen.end) and not restoring:
                about = [one for one in self.truth.removals if one.names(row)]
                raise AssertionError(f"{seen} where {row} was there for certain; near it {about}")
        assert seen.status == "notFound", f"{seen}: nobody wrote this, or it was taken back"

    def is_answer(self, seen: Seen, row: Row) -> bool:
        if seen.event != row.event or seen.status == "notFound":
            return False
        max_age = self.truth.max_ages[seen.view]
        youngest = int(seen.start * 1e6) - row.event
        oldest = int(seen.end * 1e6) - row.event + 1
        if seen.status == "expired":
            assert max_age is not None and oldest > max_age, f"{seen} is too young to expire"
            return True
        if seen.id != row.id:
            return False
        assert max_age is None or youngest <= max_age, f"{seen} had expired: {row}"
        return True

    def explain_push(self, row: Row, status: str, start: float, end: float) -> None:
        if self.is_restoring(row.key, start, end):
            return
        rows = self.by_key[row.view, row.key]
        newer = rows[bisect.bisect_right(self.orders[row.view, row.key], row.order) :]
        if status == "accepted":
            for other in newer:
                assert not self.is_there(other, start, end), f"{row} accepted over {other}"
        else:
            assert any(self.may_be_there(other, start, end) for other in newer), (
                f"{row} is said to be older, and nothing newer was there"
            )
