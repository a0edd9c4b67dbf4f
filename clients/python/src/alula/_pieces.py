"""What an answer to an online read looks like, and its pieces as they came."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from ._batch import Array, decode_batch
from ._frames import Bytes
from ._layout import Layout, Layouts, decode_any
from ._proto import features_pb2
from ._types import Schema, from_proto
from .errors import DataLoss

PRESENT, NULL, NOT_FOUND, EXPIRED = range(4)
_ROWS = struct.Struct("<I")
_MOST_CONTROLS = 64


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
        self.layouts = Layouts(self.schema)
        self._versions: dict[bytes, int] = {}

    def version_of(self, control: Bytes) -> int | None:
        """The model version that the message of an answer names; None where it is of another plan.

        The messages of a plan's answers repeat: each is parsed once.
        """
        if not isinstance(control, bytes):
            control = bytes(control)
        known = self._versions.get(control)
        if known is not None:
            return known
        message = features_pb2.ReadResponse.FromString(control)
        if message.plan != self.number or message.HasField("schema"):
            return None
        version: int = message.model_version
        if message.prediction_time or message.row_numbers:
            return version  # of a logged read: no other is like it
        if len(self._versions) >= _MOST_CONTROLS:
            self._versions.clear()
        self._versions[control] = version
        return version


class Piece:
    """The answer for some of the rows, as it came."""

    __slots__ = ("plan", "data", "rows", "layout", "_bases", "_decoded")

    def __init__(self, plan: Plan, data: Bytes) -> None:
        self.plan, self.data = plan, data
        self.layout: Layout | None = None
        self._bases: list[int] = []
        self._decoded: tuple[list[Array], int] | None = None
        if plan.layouts.is_plain:
            self.layout = plan.layouts.of(data)
            self.rows: int = self.layout.rows
        else:
            self.rows = rows_of(data)

    @property
    def bases(self) -> list[int]:
        if not self._bases and self.layout is not None:
            self._bases = self.layout.bases(self.data)
        return self._bases

    def arrays(self) -> list[Array]:
        if self.layout is not None:
            return self.layout.arrays(self.data, self.bases)
        return self.decoded[0]

    def array(self, index: int) -> Array:
        if self.layout is not None:
            return self.layout.array(self.data, self.bases, index)
        return self.decoded[0][index]

    def floats(self) -> npt.NDArray[np.float64]:
        assert self.layout is not None
        return self.layout.floats(self.data, self.bases)

    def is_valid(self, index: int) -> npt.NDArray[np.bool_]:
        if self.layout is not None:
            return self.layout.column(self.data, self.bases, index).is_valid()
        return decode_batch(self.data, self.plan.schema)[0].columns[index].is_valid()

    @property
    def decoded(self) -> tuple[list[Array], int]:
        if self._decoded is None:
            self._decoded = decode_any(self.data, self.plan.schema)
        return self._decoded

    def part(self, number: int) -> tuple[Array, Array]:
        """Event times and status codes of one view."""
        end = self.bases[-1] if self.layout is not None else self.decoded[1]
        rows = self.rows
        start = end + number * (8 * rows + rows + -rows % 8)
        if len(self.data) < start + 9 * rows:
            raise DataLoss("an answer is cut short")
        times = np.frombuffer(self.data, "<i8", rows, start)
        codes = np.frombuffer(self.data, "u1", rows, start + 8 * rows)
        if rows and codes.max() > EXPIRED:
            raise DataLoss("an answer has a status that does not exist")
        return times, codes

    def codes(self, index: int) -> Array:
        """The status of each value of a column, as a place in STATUSES."""
        part = self.plan.part_of[index]
        codes = np.zeros(self.rows, "u1") if part is None else self.part(part)[1].copy()
        codes[(codes == PRESENT) & ~self.is_valid(index)] = NULL
        return codes

    def times(self, index: int) -> npt.NDArray[np.datetime64]:
        times = np.full(self.rows, "NaT", "datetime64[us]")
        part = self.plan.part_of[index]
        if part is not None:
            micros, codes = self.part(part)
            has = (codes == PRESENT) | ((codes != NOT_FOUND) & (micros != 0))
            times[has] = micros[has].view("datetime64[us]")
        return times


def rows_of(data: Bytes) -> int:
    """How many rows an answer has."""
    if len(data) < 8:
        raise DataLoss("a record batch is cut short in its header")
    rows: int = _ROWS.unpack_from(data)[0]
    return rows
