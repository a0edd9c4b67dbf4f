"""Answers to online reads: the vector of a service for each entity asked for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ._arrow import arrow_schema, to_record_batch
from ._batch import Array, decode_batch, unpack_bits
from ._frames import Bytes
from ._numpy import check_numbers, empty
from ._pieces import Piece, Plan
from .errors import DataLoss, NotFound, Refused, counted

STATUSES = np.array(["present", "null", "notFound", "expired"])
#: Of a logged piece: its time, logged bits, rows.
Mark = tuple[int, bytes, int]


class Answer:
    """The vector of a service for every entity asked for, in the order asked.

    Values are held as they came; each form is made when it is asked for. Arrays without nulls are
    views of what came, and cannot be written to.
    """

    __slots__ = ("_plan", "_pieces", "_rows", "_marks", "_numbers", "model_version", "shadow")

    def __init__(
        self,
        plan: Plan,
        pieces: Sequence[Bytes],
        rows: int,
        model_version: int = 0,
        marks: Sequence[Mark] = (),
        numbers: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self._numbers = numbers
        #: Of a read with ``shadow=True`` that of the stage's shadow, else None.
        self.shadow: Answer | None = None
        self._plan = plan
        self._pieces = [Piece(plan, piece) for piece in pieces]
        self._rows = rows
        self._marks = marks
        #: Of a read by model the number of the version that answered, else 0.
        self.model_version = model_version
        if sum([piece.rows for piece in self._pieces]) != rows:
            raise DataLoss(f"an answer has another number of rows than the {rows} asked for")

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Which rows of the keys these are: all, but for a part of ``by_version``."""
        return np.arange(self._rows) if self._numbers is None else self._numbers

    @property
    def model_versions(self) -> list[int]:
        """Of a read by model, for each row the number of the version that it met."""
        return [self.model_version] * self._rows

    def by_version(self) -> list[Answer]:
        """An answer for each version that rows met, in the order that it was trained on; which rows
        those are is in its ``rows``. Where all met one, that is this answer.
        """
        return [self]

    @property
    def columns(self) -> list[str]:
        """Names of the vector: the features in order, then the request fields."""
        return list(self._plan.columns)

    @property
    def service(self) -> str:
        """The version that answered: ``credit@2``."""
        return self._plan.service

    @property
    def prediction_ids(self) -> list[str]:
        """Of a logged read, what names each row: 32 hexadecimal digits, in the order of time.

        An id says by itself whether its vector is kept.
        """
        if not self._marks:
            raise Refused("the read was not logged: it has no prediction ids", "read with log=True")
        from ._serving import ids_of

        return ids_of(self._marks, self.model_version)

    @property
    def logged(self) -> npt.NDArray[np.bool_]:
        """Of a logged read, for each row whether its vector is kept: its key is in the share that
        the model's rate says, and the server could follow.
        """
        bits = [unpack_bits(np.frombuffer(m[1], "u1"), m[2]) for m in self._marks]
        return np.concatenate(bits) if bits else np.zeros(self._rows, np.bool_)

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        columns = counted(len(self._plan.columns), "column")
        return f"Answer({self.service}: {counted(self._rows, 'row')} x {columns})"

    # Values

    def to_numpy(self) -> npt.NDArray[np.float64]:
        """float64 (rows, features), NaN for null, not found and expired; times in microseconds.

        Raises InvalidArgument where a column is a string, bytes or a list.
        """
        plan = self._plan
        if not plan.is_numbers:
            check_numbers(plan.schema, "arrays(), to_pandas(), to_arrow() or column(name)")
        if len(self._pieces) == 1:
            return self._pieces[0].floats()
        if not self._pieces:
            return np.empty((0, len(plan.schema)))
        return np.concatenate([piece.floats() for piece in self._pieces])

    def arrays(self) -> dict[str, Array]:
        """Every column by name, in order, each as ``column(name)`` gives it; the fastest way to
        all.
        """
        names = self._plan.columns
        if len(self._pieces) == 1:
            return dict(zip(names, self._pieces[0].arrays()))
        if not self._pieces:
            return {field.name: empty(field.type) for field in self._plan.schema}
        parts = [piece.arrays() for piece in self._pieces]
        return {name: np.concatenate(column) for name, *column in zip(names, *parts)}

    def column(self, name: str) -> Array:
        """One column: (rows,), or (rows, n) for an embedding; NaN, NaT or None for what is not
        there.
        """
        place = self._place(name)
        if len(self._pieces) == 1:
            return self._pieces[0].array(place)
        if not self._pieces:
            return empty(self._plan.schema[place].type)
        return np.concatenate([piece.array(place) for piece in self._pieces])

    def to_arrow(self, statuses: bool = False, event_times: bool = False) -> pa.Table:
        """An Arrow table over the bytes as they came; null for null, not found and expired.

        With ``statuses`` and ``event_times`` every feature has a column ``NAME__status`` and
        ``NAME__event_time`` more, behind the vector.
        """
        table = pa.Table.from_batches(
            [
                to_record_batch(decode_batch(piece.data, self._plan.schema)[0])
                for piece in self._pieces
            ],
            schema=arrow_schema(self._plan.schema),
        )
        for name, part in zip(self._plan.columns, self._plan.part_of):
            if part is None:
                continue
            if statuses:
                table = table.append_column(f"{name}__status", pa.array(self.statuses(name)))
            if event_times:
                times = pa.array(self.event_times(name), pa.timestamp("us", "UTC"))
                table = table.append_column(f"{name}__event_time", times)
        return table

    def to_pandas(self, statuses: bool = False, event_times: bool = False) -> pd.DataFrame:
        """A DataFrame; null, not found and expired are NaN, NaT or None. See ``to_arrow``."""
        frame: pd.DataFrame = self.to_arrow(statuses, event_times).to_pandas()
        return frame

    # Truth about age

    def statuses(self, column: str) -> npt.NDArray[np.str_]:
        """For each row: present, null, notFound or expired."""
        return STATUSES[self._codes(self._place(column))]

    def status_counts(self, column: str | None = None) -> dict[str, int]:
        """How many values have each status: of a column, or of all features together."""
        counts = np.zeros(len(STATUSES), np.int64)
        for place in self._features(column):
            counts += np.bincount(self._codes(place), minlength=len(STATUSES))
        return dict(zip(STATUSES.tolist(), counts.tolist()))

    def expired_share(self, column: str | None = None) -> float:
        """The share of values that were there but too old, of a column or of all features."""
        counts = self.status_counts(column)
        return counts["expired"] / max(sum(counts.values()), 1)

    def event_times(self, column: str) -> npt.NDArray[np.datetime64]:
        """For each row the value's event time, datetime64[us] in UTC; NaT where there is none.

        An expired value has its event time too, so that one can see how old it is.
        """
        place = self._place(column)
        if len(self._pieces) == 1:
            return self._pieces[0].times(place)
        found = [piece.times(place) for piece in self._pieces]
        return np.concatenate(found or [np.empty(0, "datetime64[us]")])

    def ages(self, column: str, at: Any = None) -> npt.NDArray[np.timedelta64]:
        """For each row how old the value is, timedelta64[us]: ``at`` (UTC, default now) minus its
        event time; NaT where there is none.
        """
        now = np.datetime64(time.time_ns() // 1000, "us") if at is None else np.datetime64(at, "us")
        return np.asarray(now - self.event_times(column), "m8[us]")

    def _codes(self, place: int) -> Array:
        if len(self._pieces) == 1:
            return self._pieces[0].codes(place)
        return np.concatenate([piece.codes(place) for piece in self._pieces] or [_NO_CODES])

    def _features(self, column: str | None) -> list[int]:
        if column is not None:
            return [self._place(column)]
        return [place for place, part in enumerate(self._plan.part_of) if part is not None]

    def _place(self, name: str) -> int:
        place = self._plan.index.get(name)
        if place is None:
            raise NotFound(
                f'{self.service} has no column "{name}"', details=[", ".join(self._plan.columns)]
            )
        return place


class SplitAnswer(Answer):
    """The answer to a read whose rows met several versions: taken apart with ``by_version``.

    Versions may read other features, and each wants its own model: so there is no matrix of all
    rows, and asking for one raises Refused.
    """

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[Answer], rows: int) -> None:
        self._parts = list(parts)
        self._rows = rows
        self._numbers = None
        self.shadow = None

    @property
    def model_versions(self) -> list[int]:
        versions = np.zeros(self._rows, np.int64)
        for part in self._parts:
            versions[part.rows] = part.model_version
        found: list[int] = versions.tolist()
        return found

    def by_version(self) -> list[Answer]:
        return list(self._parts)

    @property
    def prediction_ids(self) -> list[str]:
        ids = np.empty(self._rows, object)
        for part in self._parts:
            ids[part.rows] = part.prediction_ids
        found: list[str] = ids.tolist()
        return found

    @property
    def logged(self) -> npt.NDArray[np.bool_]:
        logged = np.zeros(self._rows, np.bool_)
        for part in self._parts:
            logged[part.rows] = part.logged
        return logged

    def __repr__(self) -> str:
        parts = ", ".join(f"{part.model_version}: {len(part)}" for part in self._parts)
        return f"SplitAnswer({counted(self._rows, 'row')} by version {{{parts}}})"

    def __getattr__(self, name: str) -> Any:
        # What a part has and the whole has not.
        if name not in ("_plan", "_pieces", "_marks", "model_version"):
            raise AttributeError(name)
        met = ", ".join(str(part.model_version) for part in self._parts)
        raise Refused(
            f"the rows met versions {met}, which answer each for itself",
            "for part in answer.by_version(): part.model_version, part.rows, part.to_numpy()",
        )


_NO_CODES = np.empty(0, "u1")
