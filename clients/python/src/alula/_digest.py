"""The digest of columns: SHA-256 over a canonical form, equal in every language.

Each column is four streams of bytes, V, L, S and D, hashed from the first row to the last; the form
is drawn in ``proto/README.md``.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import numpy as np

from ._batch import Array, Batch, Column, unpack_bits
from ._types import Scalar, Schema, ValueType

_CANONICAL = {Scalar.INT32: "int64", Scalar.FLOAT32: "float64"}
_NAN = np.frombuffer(struct.pack("<Q", 0x7FF8_0000_0000_0000), "<f8")[0]


class ColumnsDigest:
    """Takes batches of one schema in order; does not depend on how rows are cut into batches."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._rows = 0
        #: Columns that were null in the same rows so far share one V.
        self._valid = [hashlib.sha256()] * len(schema)
        self._streams = [tuple(hashlib.sha256() for _ in "LSD") for _ in schema]

    def add(self, batch: Batch) -> None:
        """Hashes the rows of a batch behind those before."""
        self._rows += batch.rows
        self._add_validity(batch)
        for streams, column in zip(self._streams, batch.columns):
            lists, sizes, data = streams
            type = column.type
            if type.is_list and column.offsets is not None:
                lists.update(_bytes(np.diff(column.offsets).astype("<i8")))
            ends = column.item_offsets if type.is_list else column.offsets
            if type.is_text and ends is not None:
                sizes.update(_bytes(np.diff(ends).astype("<i8")))
            data.update(_bytes(_items(column)))

    def _add_validity(self, batch: Batch) -> None:
        known: dict[tuple[int, bytes], Any] = {}
        valid = []
        for before, column in zip(self._valid, batch.columns):
            bits = b"" if column.validity is None else column.validity.tobytes()
            after = known.get((id(before), bits))
            if after is None:
                after = before.copy()
                after.update(_bytes(column.is_valid().view("u1")))
                known[id(before), bits] = after
            valid.append(after)
        self._valid = valid

    def hexdigest(self) -> str:
        """64 hexadecimal digits, over all rows so far."""
        digest = hashlib.sha256(b"alula columns 1\n")
        digest.update(struct.pack("<QI", self._rows, len(self._schema)))
        for field, valid, streams in zip(self._schema, self._valid, self._streams):
            for text in (field.name.encode(), canonical_type(field.type).encode()):
                digest.update(struct.pack("<I", len(text)) + text)
            for stream in (valid, *streams):
                digest.update(stream.digest())
        return digest.hexdigest()


def canonical_type(type: ValueType) -> str:
    """The type's text, with int32 as int64 and float32 as float64."""
    wide = _CANONICAL.get(type.scalar)
    text = str(type)
    return text if wide is None else wide + text[len(type.scalar.text) :]


def _items(column: Column) -> Array:
    """The items as they are hashed: wide numbers, one NaN, a byte for a bool."""
    scalar, values = column.type.scalar, column.values
    if scalar is Scalar.BOOL:
        count = column.count * (column.type.length or 1)
        if column.type.is_list and column.offsets is not None:
            count = int(column.offsets[-1])
        return unpack_bits(values, count).view("u1")
    if scalar is Scalar.INT32:
        return values.astype("<i8")
    if scalar in (Scalar.FLOAT32, Scalar.FLOAT64):
        wide = values.astype("<f8", copy=False)
        # The least of some numbers is NaN where one of them is: one pass, and nothing kept.
        if len(wide) and np.isnan(np.minimum.reduce(wide)):
            return np.where(np.isnan(wide), _NAN, wide)
        return wide
    return values


def _bytes(array: Array) -> Any:
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)
