"""Where the columns of an answer stand: found once for answers of one shape, then only looked up.

An answer's shape is its rows, its alignment and which of its columns have nulls. Only text moves
what is behind it; so a place is a segment (how many columns of text are before it) and a distance
from the segment's beginning, and the beginnings are read from the answer's own offsets.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ._batch import Array, Column, decode_batch, unpack_bits
from ._frames import Bytes
from ._numpy import to_numpy
from ._types import MAX_BATCH_ROWS, Scalar, Schema, ValueType
from .errors import DataLoss

_HEADER = struct.Struct("<IHH")
_LENGTH = struct.Struct("<i")
_DTYPES: dict[Scalar, np.dtype[Any]] = {
    Scalar.INT32: np.dtype("<i4"),
    Scalar.INT64: np.dtype("<i8"),
    Scalar.FLOAT32: np.dtype("<f4"),
    Scalar.FLOAT64: np.dtype("<f8"),
    Scalar.TIMESTAMP: np.dtype("<M8[us]"),
}
_BITS = np.dtype("u1")
_MOST_SHAPES = 64


@dataclass(frozen=True, slots=True)
class Place:
    """One column: its segment, and where its buffers begin in it (-1: it has no such buffer)."""

    type: ValueType
    segment: int
    validity: int
    offsets: int
    values: int


@dataclass(slots=True)
class Run:
    """Neighbours of one width without nulls, each ``stride`` bytes behind the one before.

    ``dtype`` is that of the first; ``odd``: which of them have another.
    """

    dtype: np.dtype[Any]
    segment: int
    values: int
    stride: int
    first: int
    count: int
    odd: list[tuple[int, np.dtype[Any]]]


class Layout:
    """Answers of one shape. Lists of any length are not among them: see ``layout_of``."""

    def __init__(self, schema: Schema, rows: int, alignment: int, validity: bytes) -> None:
        self.rows = rows
        self.alignment = alignment
        self.places: list[Place] = []
        #: For each column of text: where its last offset stands, and where its bytes begin.
        self.steps: list[tuple[int, int]] = []
        self.runs: list[Run] = []
        #: Columns of numbers with nulls, by dtype; and all that are neither those nor in a run.
        self.nullable: dict[np.dtype[Any], list[int]] = {}
        self.others: list[int] = []
        over = alignment - 1
        bits = (rows + 7) // 8
        position = 8 + len(validity)
        for index, field in enumerate(schema):
            type, start, offsets = field.type, -1, -1
            if validity[index >> 3] >> (index & 7) & 1:
                start = (position + over) & ~over
                position = start + bits
            position = (position + over) & ~over
            segment = len(self.steps)
            if type.is_text:
                offsets, position = position, position + 4 * (rows + 1)
                position = (position + over) & ~over
            self.places.append(Place(type, segment, start, offsets, position))
            if type.is_text:
                self.others.append(index)
                self.steps.append((offsets + 4 * rows, position))
                position = 0
                continue
            items = rows * (type.length if type.is_list else 1)
            dtype = _DTYPES.get(type.scalar)
            width = (items + 7) // 8 if dtype is None else items * dtype.itemsize
            if dtype is None or type.is_list:
                self.others.append(index)
            elif start >= 0:
                self.nullable.setdefault(dtype, []).append(index)
            else:
                self._extend(index, dtype, segment, position, (width + over) & ~over)
            position += width
        #: Bytes behind the last column of text.
        self.tail = position

    def _extend(
        self, index: int, dtype: np.dtype[Any], segment: int, position: int, stride: int
    ) -> None:
        last = self.runs[-1] if self.runs else None
        if (
            last is not None
            and last.first + last.count == index
            and last.dtype.itemsize == dtype.itemsize
            and last.segment == segment
        ):
            last.count += 1
            if dtype is not last.dtype:
                last.odd.append((index, dtype))
        else:
            self.runs.append(Run(dtype, segment, position, stride, index, 1, []))

    def bases(self, data: Bytes) -> list[int]:
        """Where each segment of an answer begins, and where its batch ends; proved to be in it."""
        base, found = 0, [0]
        over, size = self.alignment - 1, len(data)
        for offset, values in self.steps:
            if base + values > size:
                raise DataLoss("an answer is cut short")
            (length,) = _LENGTH.unpack_from(data, base + offset)
            stop = base + values + length
            if length < 0 or stop > size:
                raise DataLoss("an answer is cut short, or its offsets do not ascend from 0")
            base = (stop + over) & ~over
            found.append(base)
        if self.tail and base + self.tail > size:
            raise DataLoss("an answer is cut short")
        found.append(min((base + self.tail + over) & ~over, size))
        return found

    def column(self, data: Bytes, bases: list[int], index: int) -> Column:
        """The buffers of one column, as views."""
        place = self.places[index]
        base, type, rows = bases[place.segment], place.type, self.rows
        validity = offsets = None
        try:
            if place.validity >= 0:
                validity = np.frombuffer(data, _BITS, (rows + 7) // 8, base + place.validity)
            count = rows * (type.length if type.is_list else 1)
            if type.is_text:
                offsets = np.frombuffer(data, "<i4", rows + 1, base + place.offsets)
                count = int(offsets[rows])
            elif type.dtype is None:
                count = (count + 7) // 8
            values = np.frombuffer(data, type.dtype or _BITS, count, base + place.values)
        except ValueError:
            raise DataLoss("an answer is cut short") from None
        return Column(type, rows, validity, offsets, None, values)

    def array(self, data: Bytes, bases: list[int], index: int) -> Array:
        """One column as ``Answer.column`` gives it."""
        place = self.places[index]
        if place.type.is_text:
            return self._text(pa.py_buffer(data), bases, place)
        return to_numpy(self.column(data, bases, index))

    def arrays(self, data: Bytes, bases: list[int]) -> list[Array]:
        """Every column, in order; those without nulls are views of the answer."""
        found: list[Any] = [None] * len(self.places)
        for run in self.runs:
            found[run.first : run.first + run.count] = self.block(data, bases, run)
            for index, dtype in run.odd:
                found[index] = found[index].view(dtype)
        for dtype, columns in self.nullable.items():
            values, valid = self.gather(data, bases, dtype, columns)
            if dtype.kind == "M":
                np.copyto(values, np.datetime64("NaT"), where=~valid)
            else:
                values = values.astype(dtype if dtype.kind == "f" else np.float64, copy=False)
                np.copyto(values, np.nan, where=~valid)
            for column, array in zip(columns, values):
                found[column] = array
        if self.others:
            buffer = pa.py_buffer(data)
            for index in self.others:
                place = self.places[index]
                if place.type.is_text:
                    found[index] = self._text(buffer, bases, place)
                else:
                    found[index] = to_numpy(self.column(data, bases, index))
        return found

    def block(self, data: Bytes, bases: list[int], run: Run) -> Array:
        """The columns of a run: (columns, rows)."""
        return np.ndarray(
            (run.count, self.rows),
            run.dtype,
            data,
            bases[run.segment] + run.values,
            (run.stride, run.dtype.itemsize),
        )

    def gather(
        self, data: Bytes, bases: list[int], dtype: np.dtype[Any], columns: list[int]
    ) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Values (copies) and validity, both (columns, rows), of columns with nulls."""
        rows, width = self.rows, dtype.itemsize
        places = [self.places[index] for index in columns]
        starts = np.array([bases[p.segment] + p.values for p in places], np.intp)
        marks = np.array([bases[p.segment] + p.validity for p in places], np.intp)
        raw = np.frombuffer(data, _BITS)
        whole = raw[: len(raw) // width * width].view(dtype)
        values = whole[(starts // width)[:, None] + np.arange(rows)]
        bits = raw[marks[:, None] + np.arange((rows + 7) // 8)]
        valid = np.unpackbits(bits, axis=1, count=rows, bitorder="little").view(np.bool_)
        return values, valid

    def floats(self, data: Bytes, bases: list[int]) -> npt.NDArray[np.float64]:
        """Columns that are all numbers as float64 (rows, columns), NaN for null."""
        out = np.empty((self.rows, len(self.places)))
        for run in self.runs:
            block = self.block(data, bases, run)
            numbers = block.view("<i8") if run.dtype.kind == "M" else block
            out[:, run.first : run.first + run.count] = numbers.T
            for index, dtype in run.odd:
                row = block[index - run.first].view("<i8" if dtype.kind == "M" else dtype)
                out[:, index] = row
        for dtype, columns in self.nullable.items():
            values, valid = self.gather(data, bases, dtype, columns)
            if dtype.kind == "M":
                values = values.view("<i8")
            floats = values.astype(np.float64, copy=False)
            np.copyto(floats, np.nan, where=~valid)
            out[:, columns] = floats.T
        for index in self.others:
            column = self.column(data, bases, index)
            out[:, index] = unpack_bits(column.values, self.rows)
            if column.validity is not None:
                out[~column.is_valid(), index] = np.nan
        return out

    def _text(self, buffer: pa.Buffer, bases: list[int], place: Place) -> Array:
        """Strings or bytes as objects, None for null; Arrow proves offsets and UTF-8."""
        base, rows = bases[place.segment], self.rows
        kind = pa.StringArray if place.type.scalar is Scalar.STRING else pa.BinaryArray
        validity = None
        if place.validity >= 0:
            validity = buffer.slice(base + place.validity, (rows + 7) // 8)
        offsets = buffer.slice(base + place.offsets, 4 * (rows + 1))
        if kind is pa.StringArray:
            array = pa.StringArray.from_buffers(
                rows, offsets, buffer.slice(base + place.values), validity
            )
        else:
            array = pa.Array.from_buffers(
                pa.binary(), rows, [validity, offsets, buffer.slice(base + place.values)]
            )
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            raise DataLoss("a column of text is broken, or not valid UTF-8") from None
        objects: Array = array.to_numpy(zero_copy_only=False)
        return objects


class Layouts:
    """The layouts of one plan, by shape."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._columns = len(schema)
        self._bytes = (self._columns + 7) // 8
        #: Lists of any length have two lengths to read each: they are decoded one by one.
        self.is_plain = all(
            not f.type.is_list or (f.type.length and not f.type.is_text) for f in schema
        )
        self._known: dict[bytes, Layout] = {}

    def of(self, data: Bytes) -> Layout:
        """The layout of an answer; raises DataLoss for a header that breaks the rules."""
        head = bytes(data[: 8 + self._bytes])
        layout = self._known.get(head)
        if layout is not None:
            return layout
        if len(head) < 8 + self._bytes:
            raise DataLoss("a record batch is cut short in its header")
        rows, columns, flags = _HEADER.unpack_from(head)
        if columns != self._columns:
            raise DataLoss(
                f"a record batch has {columns} columns where its schema has {self._columns}"
            )
        if rows > MAX_BATCH_ROWS or flags > 1:
            raise DataLoss("a record batch has a broken header")
        layout = Layout(self._schema, rows, 64 if flags else 8, head[8:])
        if len(self._known) >= _MOST_SHAPES:
            self._known.clear()
        self._known[head] = layout
        return layout


def decode_any(data: Bytes, schema: Schema) -> tuple[list[Array], int]:
    """Every column of an answer that has lists of any length, and where the batch ends."""
    batch, end = decode_batch(data, schema)
    return [to_numpy(column) for column in batch.columns], end
