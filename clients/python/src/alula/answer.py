"""Answers to online reads: the vector of a service for each entity asked for."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ._arrow import arrow_schema, to_record_batch
from ._batch import Array, Batch, decode_batch, unpack_bits
from ._frames import Bytes
from ._numpy import check_numbers, fill_floats, to_numpy
from ._types import Scalar, Schema, from_proto
from .errors import DataLoss, NotFound

STATUSES = np.array(["present", "null", "notFound", "expired"])
_HEADER = struct.Struct("<IHH")
_MOST_CACHED = 64
_MOST_GATHERED = 16_384
_VIEWS: dict[Scalar, tuple[str, int]] = {
    Scalar.FLOAT64: ("<f8", 8),
    Scalar.INT64: ("<i8", 8),
    Scalar.TIMESTAMP: ("<i8", 8),
    Scalar.FLOAT32: ("<f4", 4),
    Scalar.INT32: ("<i4", 4),
}

Gather = Callable[[Bytes], npt.NDArray[np.float64]]


class Plan:
    """What an answer looks like: the service's vector and the views that fill it."""

    def __init__(self, message: Any) -> None:
        self.number: int = message.plan
        self.service: str = message.service
        self.schema: Schema = from_proto(message.schema.fields)
        self.columns = [field.name for field in self.schema]
        self.index = {name: place for place, name in enumerate(self.columns)}
        self.parts = len(message.parts)
        self.part_of: list[int | None] = [
            number for number, part in enumerate(message.parts) for _ in range(part.columns)
        ]
        self.part_of += [None] * (len(self.schema) - len(self.part_of))
        self.is_numbers = all(field.type.is_number for field in self.schema)
        self._gathers: dict[tuple[int, int, bytes], Gather] = {}

    def floats(self, data: Bytes) -> npt.NDArray[np.float64]:
        """The answer as float64 (rows, columns)."""
        rows, columns, flags = _HEADER.unpack_from(data, 0)
        if not 0 < rows * columns <= _MOST_GATHERED:
            batch, _ = decode_batch(data, self.schema, checked=False)
            out = np.empty((batch.rows, columns))
            fill_floats(batch, list(range(columns)), out)
            return out
        key = (rows, flags, bytes(data[8 : 8 + (columns + 7) // 8]))
        gather = self._gathers.get(key)
        if gather is None:
            if len(self._gathers) >= _MOST_CACHED:
                self._gathers.clear()
            gather = self._gathers[key] = _compile(self.schema, *key)
        return gather(data)


def _compile(schema: Schema, rows: int, flags: int, validity: bytes) -> Gather:
    """Where each value of such an answer stands, once: gathering it is then a few NumPy calls."""
    alignment = 64 if flags else 8
    position = 8 + len(validity)
    row = np.arange(rows)
    places: dict[str, tuple[int, list[int], list[Array]]] = {}
    bools: list[tuple[int, int]] = []
    nullable: list[tuple[int, int]] = []
    for index, field in enumerate(schema):
        if validity[index >> 3] >> (index & 7) & 1:
            position += -position % alignment
            nullable.append((index, position))
            position += (rows + 7) // 8
        position += -position % alignment
        if field.type.scalar is Scalar.BOOL:
            bools.append((index, position))
            position += (rows + 7) // 8
            continue
        dtype, width = _VIEWS[field.type.scalar]
        _, columns, starts = places.setdefault(dtype, (width, [], []))
        columns.append(index)
        starts.append(position // width + row)
        position += rows * width
    end = position
    groups = [
        (dtype, width, np.array(columns), np.stack(starts, axis=1))
        for dtype, (width, columns, starts) in places.items()
    ]
    whole = len(groups) == 1 and not bools
    count = len(schema)
    bits = np.array([start for _, start in nullable], np.intp)[None, :] + (row >> 3)[:, None]
    shifts = (row & 7).astype("u1")[:, None]
    slots = row[:, None] * count + np.array([index for index, _ in nullable], np.intp)[None, :]

    def gather(data: Bytes) -> npt.NDArray[np.float64]:
        if len(data) < end:
            raise DataLoss("an answer is cut short")
        raw = np.frombuffer(data, "u1", end)
        if whole:
            dtype, width, _, index = groups[0]
            values = raw[: end // width * width].view(dtype)[index]
            out: npt.NDArray[np.float64] = values.astype(np.float64, copy=False)
        else:
            out = np.empty((rows, count))
            for dtype, width, columns, index in groups:
                out[:, columns] = raw[: end // width * width].view(dtype)[index]
            for column, start in bools:
                out[:, column] = unpack_bits(raw[start:], rows)
        if nullable:
            missing = (raw[bits] >> shifts & 1) == 0
            out.reshape(-1)[slots[missing]] = np.nan
        return out

    return gather


class Answer:
    """The vector of a service for every entity asked for, in the order asked.

    Values are held as they came; each form is made when it is asked for.
    """

    __slots__ = ("_plan", "_pieces", "_rows", "__dict__")

    def __init__(self, plan: Plan, pieces: list[Bytes], rows: int) -> None:
        self._plan = plan
        self._pieces = pieces
        self._rows = rows

    @property
    def columns(self) -> list[str]:
        """Names of the vector: the features in order, then the request fields."""
        return list(self._plan.columns)

    @property
    def service(self) -> str:
        """The version that answered: ``credit@2``."""
        return self._plan.service

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        return f"Answer({self.service}: {self._rows} rows x {len(self._plan.columns)} columns)"

    def to_numpy(self) -> npt.NDArray[np.float64]:
        """float64 (rows, features), NaN for null, not found and expired; times in microseconds.

        Raises InvalidArgument where a column is a string, bytes or a list.
        """
        plan = self._plan
        if not plan.is_numbers:
            check_numbers(plan.schema, "to_pandas(), to_arrow() or column(name)")
        if len(self._pieces) == 1:
            return plan.floats(self._pieces[0])
        if not self._pieces:
            return np.empty((0, len(plan.schema)))
        return np.concatenate([plan.floats(piece) for piece in self._pieces])

    def to_arrow(self) -> pa.Table:
        """An Arrow table over the bytes as they came; null for null, not found and expired."""
        return pa.Table.from_batches(
            [to_record_batch(batch) for batch, _ in self._batches],
            schema=arrow_schema(self._plan.schema),
        )

    def to_pandas(self) -> pd.DataFrame:
        """A DataFrame; null, not found and expired are NaN, NaT or None."""
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame

    def column(self, name: str) -> Array:
        """One column: (rows,), or (rows, n) for an embedding; NaN, NaT or None for what is not
        there.
        """
        place = self._place(name)
        arrays = [to_numpy(batch.columns[place]) for batch, _ in self._batches]
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)

    def statuses(self, column: str) -> npt.NDArray[np.str_]:
        """For each row: present, null, notFound or expired."""
        place = self._place(column)
        part = self._plan.part_of[place]
        found = []
        for number, (batch, end) in enumerate(self._batches):
            codes = np.zeros(batch.rows, "u1")
            if part is not None:
                codes = self._part(number, batch.rows, end, part)[1].copy()
            codes[(codes == 0) & ~batch.columns[place].is_valid()] = 1
            found.append(STATUSES[codes])
        return found[0] if len(found) == 1 else np.concatenate(found or [STATUSES[:0]])

    def event_times(self, column: str) -> npt.NDArray[np.datetime64]:
        """For each row the value's event time, datetime64[us] in UTC; NaT where there is none."""
        part = self._plan.part_of[self._place(column)]
        found = []
        for number, (batch, end) in enumerate(self._batches):
            times = np.full(batch.rows, "NaT", "datetime64[us]")
            if part is not None:
                micros, codes = self._part(number, batch.rows, end, part)
                has = (codes == 0) | ((codes != 2) & (micros != 0))
                times[has] = micros[has].view("datetime64[us]")
            found.append(times)
        return (
            found[0]
            if len(found) == 1
            else np.concatenate(found or [np.empty(0, "datetime64[us]")])
        )

    @cached_property
    def _batches(self) -> list[tuple[Batch, int]]:
        return [decode_batch(piece, self._plan.schema) for piece in self._pieces]

    def _part(self, number: int, rows: int, end: int, part: int) -> tuple[Array, Array]:
        """Event times and status codes of one view."""
        data = self._pieces[number]
        start = end + part * (8 * rows + rows + -rows % 8)
        if len(data) < start + 9 * rows:
            raise DataLoss("an answer is cut short")
        return np.frombuffer(data, "<i8", rows, start), np.frombuffer(
            data, "u1", rows, start + 8 * rows
        )

    def _place(self, name: str) -> int:
        place = self._plan.index.get(name)
        if place is None:
            raise NotFound(
                f'{self.service} has no column "{name}"', details=[", ".join(self._plan.columns)]
            )
        return place
