"""Record batches: columns in Arrow's buffer layout, as bytes and back without copying.

The layout is drawn in ``proto/README.md``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._frames import Bytes
from ._types import MAX_BATCH_ROWS, Scalar, Schema, ValueType
from .errors import DataLoss, InvalidArgument

_HEADER = struct.Struct("<IHH")
_WIDE_FROM = 64 << 10
_INT32 = np.dtype("<i4")
_BITS = np.dtype("u1")

Array = npt.NDArray[Any]


@dataclass(slots=True)
class Column:
    """One column's buffers. A null's slot is zero, or empty where items have lengths.

    ``validity``: packed bits, None where no row is null. ``offsets``: rows + 1 int32 for strings,
    bytes and lists of any length. ``item_offsets``: items + 1 int32 for lists of strings or bytes.
    ``values``: items in their dtype, packed bits for bool, the bytes of all strings.
    """

    type: ValueType
    count: int
    validity: Array | None
    offsets: Array | None
    item_offsets: Array | None
    values: Array

    def buffers(self) -> Iterator[Array]:
        for buffer in (self.validity, self.offsets, self.item_offsets):
            if buffer is not None:
                yield buffer
        yield self.values

    def is_valid(self) -> npt.NDArray[np.bool_]:
        """One bool a row."""
        if self.validity is None:
            return np.ones(self.count, np.bool_)
        return unpack_bits(self.validity, self.count)

    def row_bytes(self) -> npt.NDArray[np.int64] | int:
        """An upper bound of the bytes each row takes, without alignment: one number where all rows
        take the same.
        """
        fixed = 1 + (0 if self.offsets is None else 4)
        width = 1 if self.type.dtype is None else self.type.dtype.itemsize
        if self.offsets is None and self.item_offsets is None:
            return fixed + width * (self.type.length if self.type.is_list else 1)
        if self.type.is_list and self.type.length:
            items: Any = np.arange(self.count + 1, dtype=np.int64) * self.type.length
        else:
            items = np.arange(self.count + 1) if self.offsets is None else self.offsets
        if self.item_offsets is not None:
            ends = self.item_offsets.astype(np.int64)[items] + 4 * np.asarray(items, np.int64)
        else:
            ends = np.asarray(items, np.int64) * (1 if self.type.is_text else width)
        result: npt.NDArray[np.int64] = np.diff(ends) + fixed
        return result

    def slice(self, start: int, stop: int) -> Column:
        """Rows ``start`` to ``stop``, sharing memory where bits and offsets allow."""
        validity = self.validity
        if validity is not None:
            bits = unpack_bits(validity, stop, start)
            validity = None if bits.all() else pack_bits(bits)
        first, last = start, stop
        offsets = item_offsets = None
        if self.type.is_list and self.type.length:
            first, last = start * self.type.length, stop * self.type.length
        elif self.offsets is not None:
            first, last = int(self.offsets[start]), int(self.offsets[stop])
            offsets = self.offsets[start : stop + 1] - self.offsets[start]
        if self.item_offsets is not None:
            item_offsets = self.item_offsets[first : last + 1] - self.item_offsets[first]
            first, last = int(self.item_offsets[first]), int(self.item_offsets[last])
        if self.type.scalar is Scalar.BOOL:
            values = pack_bits(unpack_bits(self.values, last, first))
        else:
            values = self.values[first:last]
        return Column(self.type, stop - start, validity, offsets, item_offsets, values)


#: Of one column: where its validity begins (-1: no row is null) and ends, and where its values do.
Span = tuple[int, int, int, int]


@dataclass(slots=True)
class Batch:
    """Columns of one length, and their names and types.

    ``source``: the bytes that hold them all, and the span of each column, where that is known.
    """

    schema: Schema
    columns: list[Column]
    rows: int
    source: tuple[Bytes, list[Span]] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers."""
        return sum(buffer.nbytes for column in self.columns for buffer in column.buffers())

    def slice(self, start: int, stop: int) -> Batch:
        return Batch(self.schema, [c.slice(start, stop) for c in self.columns], stop - start)


def pack_bits(bits: npt.NDArray[np.bool_]) -> Array:
    """Bools as bits, least significant first."""
    return np.packbits(bits, bitorder="little")


def unpack_bits(packed: Array, stop: int, start: int = 0) -> npt.NDArray[np.bool_]:
    """Bits ``start`` to ``stop`` as bools."""
    whole = packed[start >> 3 : (stop + 7) >> 3]
    first = start & 7
    bits = np.unpackbits(whole, bitorder="little")[first : first + stop - start]
    return bits.view(np.bool_)


def encode_batch(columns: Sequence[Column], rows: int) -> bytes:
    """The bytes of a batch."""
    return b"".join(batch_parts(columns, rows))


def batch_parts(columns: Sequence[Column], rows: int) -> list[Bytes]:
    """The bytes of a batch as the buffers they consist of; no value is copied."""
    buffers: list[Sequence[Bytes]] = [
        [np.ascontiguousarray(buffer).view(_BITS).data for buffer in column.buffers()]
        for column in columns
    ]
    return _parts(buffers, [c.validity is not None for c in columns], rows)


def assemble(columns: Sequence[Sequence[Bytes]], has_validity: Sequence[bool], rows: int) -> bytes:
    """The bytes of a batch of these buffers; ``columns`` holds those of each column in order."""
    return b"".join(_parts(columns, has_validity, rows))


def _parts(
    columns: Sequence[Sequence[Bytes]], has_validity: Sequence[bool], rows: int
) -> list[Bytes]:
    size = 0
    for buffers in columns:
        for buffer in buffers:
            size += len(buffer)
    alignment = 64 if size > _WIDE_FROM else 8
    validity = bytearray((len(columns) + 7) // 8)
    for index, nullable in enumerate(has_validity):
        if nullable:
            validity[index >> 3] |= 1 << (index & 7)
    parts: list[Bytes] = [_HEADER.pack(rows, len(columns), alignment == 64), validity]
    position = 8 + len(validity)
    for buffers in columns:
        for buffer in buffers:
            if over := -position % alignment:
                parts.append(bytes(over))
            parts.append(buffer)
            position += over + len(buffer)
    parts.append(bytes(-position % alignment))
    return parts


def split_rows(batch: Batch, limit: int, first_row: int = 0) -> list[int]:
    """Where to cut a batch so that each piece's encoding has at most ``limit`` bytes.

    Returns the row numbers of the cuts, from 0 to the number of rows. Raises InvalidArgument for a
    row that is over the limit by itself; ``first_row`` is added to its number in the message.
    """
    buffers = sum(2 + (c.offsets is not None) + (c.item_offsets is not None) for c in batch.columns)
    header = 16 + len(batch.columns) // 8
    narrow = min(_WIDE_FROM - 4 * buffers, limit - header - 12 * buffers)
    budget = max(narrow, limit - header - 64 - 68 * buffers)
    sizes = [column.row_bytes() for column in batch.columns]
    same = sum(size for size in sizes if isinstance(size, int))
    ends = np.arange(batch.rows + 1, dtype=np.int64) * same
    for size in sizes:
        if not isinstance(size, int):
            ends[1:] += np.cumsum(size)
    cuts = [0]
    while (start := cuts[-1]) < batch.rows:
        stop = int(np.searchsorted(ends, ends[start] + budget, "right")) - 1
        if stop <= start:
            raise InvalidArgument(
                f"row {first_row + start} is too large: the values of one row may have "
                f"at most {budget} bytes here"
            )
        cuts.append(min(stop, start + MAX_BATCH_ROWS))
    return cuts


def decode_batch(data: Bytes, schema: Schema, checked: bool = True) -> tuple[Batch, int]:
    """Reads a batch and where it ends; columns are views of ``data``.

    Raises DataLoss where a length does not fit. ``checked=False`` trusts text to be UTF-8.
    """
    size = len(data)
    if size < 8:
        raise DataLoss("a record batch is cut short in its header")
    rows, count, flags = _HEADER.unpack_from(data, 0)
    if count != len(schema):
        raise DataLoss(f"a record batch has {count} columns where its schema has {len(schema)}")
    if rows > MAX_BATCH_ROWS or flags > 1:
        raise DataLoss("a record batch has a broken header")
    reader = _Reader(data, size, 8, 64 if flags else 8)
    validity = reader.skip((count + 7) // 8)
    columns = [
        reader.column(field.type, rows, data[validity + (i >> 3)] >> (i & 7) & 1 == 1, checked)
        for i, field in enumerate(schema)
    ]
    reader.align()
    return Batch(schema, columns, rows), min(reader.position, size)


class BatchDecoder:
    """Reads many batches of one schema; where their columns have fixed widths, batches of the same
    shape are walked only once.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._is_fixed = all(not f.type.is_list and not f.type.is_text for f in schema)
        self._head = 8 + (len(schema) + 7) // 8
        self._shape: bytes = b""
        self._spans: list[Span] = []
        self._end = 0

    def decode(self, data: Bytes) -> Batch:
        """As ``decode_batch``."""
        if not self._is_fixed:
            return decode_batch(data, self._schema)[0]
        if self._shape != data[: self._head]:
            self._walk(data)
        if len(data) < self._end:
            raise DataLoss("a record batch is cut short")
        (rows,) = struct.unpack_from("<I", data)
        columns = []
        for field, (first, last, start, stop) in zip(self._schema, self._spans):
            type = field.type
            dtype = type.dtype or _BITS
            values = np.frombuffer(data, dtype, (stop - start) // dtype.itemsize, start)
            validity = None if first < 0 else np.frombuffer(data, _BITS, last - first, first)
            columns.append(Column(type, rows, validity, None, None, values))
        return Batch(self._schema, columns, rows, (data, self._spans))

    def _walk(self, data: Bytes) -> None:
        """Finds the buffers of a batch as ``decode_batch`` does, without looking at them."""
        decode_batch(data, self._schema)
        rows, count, flags = _HEADER.unpack_from(data, 0)
        alignment = 64 if flags else 8
        end = self._head
        spans: list[Span] = []
        for place, field in enumerate(self._schema):
            first = last = -1
            if data[8 + (place >> 3)] >> (place & 7) & 1:
                first = end + -end % alignment
                last = end = first + (rows + 7) // 8
            start = end + -end % alignment
            width = field.type.dtype
            end = start + ((rows + 7) // 8 if width is None else rows * width.itemsize)
            spans.append((first, last, start, end))
        self._shape, self._spans, self._end = bytes(data[: self._head]), spans, end


class _Reader:
    """Walks the buffers of a batch."""

    __slots__ = ("data", "size", "position", "alignment")

    def __init__(self, data: Bytes, size: int, position: int, alignment: int) -> None:
        self.data, self.size = data, size
        self.position, self.alignment = position, alignment

    def align(self) -> None:
        self.position += -self.position % self.alignment

    def skip(self, count: int) -> int:
        start = self.position
        if start + count > self.size:
            raise DataLoss("a record batch is cut short")
        self.position = start + count
        return start

    def take(self, dtype: np.dtype[Any], count: int) -> Array:
        self.align()
        start = self.skip(count * dtype.itemsize)
        return np.frombuffer(self.data, dtype, count, start)

    def offsets(self, count: int) -> Array:
        offsets = self.take(_INT32, count + 1)
        if offsets[0] != 0 or (count and bool((offsets[1:] < offsets[:-1]).any())):
            raise DataLoss("offsets do not ascend from 0")
        return offsets

    def column(self, type: ValueType, rows: int, has_nulls: bool, checked: bool) -> Column:
        validity = self.take(_BITS, (rows + 7) // 8) if has_nulls else None
        offsets = item_offsets = None
        items = rows
        if type.is_list and type.length:
            items = rows * type.length
        elif type.is_list:
            offsets = self.offsets(rows)
            items = int(offsets[rows])
        if type.is_text:
            ends = self.offsets(items)
            values = self.take(_BITS, int(ends[items]))
            if type.is_list:
                item_offsets = ends
            else:
                offsets = ends
            if checked and type.scalar is Scalar.STRING and bad_text(values, ends) is not None:
                raise DataLoss("a string is not valid UTF-8")
        elif type.dtype is None:
            values = self.take(_BITS, (items + 7) // 8)
        else:
            values = self.take(type.dtype, items)
        return Column(type, rows, validity, offsets, item_offsets, values)


def bad_text(values: Array, offsets: Array) -> Array | None:
    """The items that are not UTF-8, or None where all are."""
    if not len(values) or not bool((values & 0x80).any()):
        return None
    raw = values.tobytes()
    starts = offsets[:-1][offsets[:-1] < len(raw)]
    try:
        raw.decode("utf-8")
        if not bool(((values[starts] & 0xC0) == 0x80).any()):
            return None
    except UnicodeDecodeError:
        pass
    bad = []
    for item in range(len(offsets) - 1):
        try:
            raw[offsets[item] : offsets[item + 1]].decode("utf-8")
        except UnicodeDecodeError:
            bad.append(item)
    return np.array(bad, np.int64) if bad else None
