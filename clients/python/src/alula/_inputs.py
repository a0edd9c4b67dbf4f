"""The inputs of a read, as record batches: lists and arrays go to the wire without Arrow."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

import numpy as np
import pandas as pd
import pyarrow as pa

from ._batch import Batch, Column, assemble, encode_batch, split_rows
from ._columns import to_array, to_table
from ._definitions import near
from ._encode import BadValues, encode_array
from ._frames import Bytes
from ._types import MAX_BATCH_ROWS, Field, Scalar, Schema, ValueType
from .errors import InvalidArgument, counted
from .records import Service

#: Join keys and request fields of rows: columns by name, a DataFrame, an Arrow table, dicts.
Keys = Union[Mapping[str, Any], pd.DataFrame, pa.Table, Sequence[Mapping[str, Any]]]

#: Requests of more bytes than this are cut.
PIECE_BYTES = 768 << 10
_NARROW_BYTES = 64 << 10
_FORMATS = {
    Scalar.INT64: ("q", np.dtype("<i8")),
    Scalar.INT32: ("i", np.dtype("<i4")),
    Scalar.FLOAT64: ("d", np.dtype("<f8")),
    Scalar.FLOAT32: ("f", np.dtype("<f4")),
}
_HEADER = struct.Struct("<IHH")
_MOST_HEADS = 1_024
_WIDER = {Scalar.INT32: Scalar.INT64, Scalar.FLOAT32: Scalar.FLOAT64}


def keys_missing() -> InvalidArgument:
    return InvalidArgument("keys: expected a dict of join keys and their values")


def names_of(keys: Any) -> set[str] | None:
    """The names of the columns that are given; None of what are no keys."""
    if isinstance(keys, (pa.Table, pa.RecordBatch)):
        return set(keys.schema.names)
    if isinstance(keys, (Mapping, pd.DataFrame)):
        return set(keys)
    if isinstance(keys, Sequence) and all(isinstance(row, Mapping) for row in keys):
        return {name for row in keys for name in row}
    return None


def _narrowest(fields: Iterable[Field]) -> dict[str, Field]:
    """By name; of types that differ the one that the others take, else the first."""
    found: dict[str, Field] = {}
    for field in fields:
        known = found.setdefault(field.name, field)
        if _WIDER.get(field.type.scalar) == known.type.scalar:
            found[field.name] = field
    return found


class Inputs:
    """What services take together: join keys, then request fields."""

    def __init__(
        self, services: Sequence[Service], asker: str, without: frozenset[str] = frozenset()
    ) -> None:
        #: Who asks, in messages: ``service credit@2`` or ``model credit``.
        self.asker = asker
        keys = _narrowest(field for service in services for field in service.key_columns)
        others = _narrowest(field for service in services for field in service.request_fields)
        taken = [
            {field.name for field in (*service.key_columns, *service.request_fields)}
            for service in services
        ]
        #: What some of them take and others do not.
        self.optional = frozenset().union(*taken) - frozenset.intersection(*map(frozenset, taken))
        self.optional -= without
        fields = (*keys.values(), *(others[name] for name in others if name not in keys))
        self.fields: Schema = tuple(field for field in fields if field.name not in without)
        self._keys = len(keys.keys() - without)
        self._names = frozenset(field.name for field in self.fields)
        self._heads: dict[int, bytes] = {}
        only = self.fields[0].type if len(self.fields) == 1 else None
        #: The one input is numbers of eight bytes: the commonest request, and the shortest way.
        self._is_single = only in (ValueType(Scalar.INT64), ValueType(Scalar.FLOAT64))

    def encode(
        self, keys: Keys, request: Mapping[str, Any] | None, most: int = PIECE_BYTES
    ) -> tuple[int, list[bytes]]:
        """Rows asked for, and batches of at most ``most`` bytes that ask for them.

        Raises InvalidArgument for what is missing, unknown, null or of a wrong type, by name.
        """
        values = self._values(keys, request)
        rows = _row_count(values)
        data = self._quickly(values, rows) if 0 < rows <= MAX_BATCH_ROWS else None
        if data is not None and len(data) <= most:
            return rows, [data]
        batch = self._batch(values, rows)
        cuts = split_rows(batch, most)
        pieces = [batch.slice(start, stop) for start, stop in zip(cuts, cuts[1:] or [0])]
        return rows, [encode_batch(piece.columns, piece.rows) for piece in pieces]

    def batch(self, keys: Keys, request: Mapping[str, Any] | None) -> Batch:
        """All rows asked for, however many."""
        values = self._values(keys, request)
        return self._batch(values, _row_count(values))

    def _values(self, keys: Keys, request: Mapping[str, Any] | None) -> list[Any]:
        """The values of every input, in order."""
        if not isinstance(keys, Mapping):
            table = to_table(keys, {field.name: field.type for field in self.fields})
            keys = {name: table.column(name) for name in table.column_names}
        given = keys if request is None else {**keys, **request}
        if given.keys() == self._names:
            return [given[field.name] for field in self.fields]
        missing = [str(field) for field in self.fields if field.name not in given]
        if missing:
            raise InvalidArgument(
                f"{self.asker} needs {counted(len(missing), 'more input')}",
                "give a value for each row",
                missing,
            )
        name = next(name for name in given if name not in self._names)
        raise InvalidArgument(
            f'{self.asker} takes no "{name}"{near(str(name), self._names)}',
            details=[f"expected {field}" for field in self.fields],
        )

    def _quickly(self, values: list[Any], rows: int) -> bytes | None:
        """The batch, where every input is a plain list or array of the right type, no nulls."""
        if self._is_single and 8 * rows <= _NARROW_BYTES:
            buffers = _quick(self.fields[0], values[0], rows)
            return None if buffers is None else self._head(rows) + buffers[0]
        columns: list[Sequence[Bytes]] = []
        for field, value in zip(self.fields, values):
            buffers = _quick(field, value, rows)
            if buffers is None:
                return None
            columns.append(buffers)
        return assemble(columns, [False] * len(columns), rows)

    def _head(self, rows: int) -> bytes:
        """What is before the values of a single column."""
        head = self._heads.get(rows)
        if head is None:
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            head = self._heads[rows] = _HEADER.pack(rows, 1, 0) + bytes(8)
        return head

    def _batch(self, values: list[Any], rows: int) -> Batch:
        """The batch of any values; raises InvalidArgument naming column and row."""
        columns: list[Column] = []
        for place, (field, value) in enumerate(zip(self.fields, values)):
            try:
                is_key = place < self._keys
                array = to_array(field.name, value, field.type)
                column = encode_array(array, field, "down", is_key)
                if is_key and column.validity is not None:
                    nulls = np.flatnonzero(~column.is_valid())
                    raise BadValues(field.name, nulls, f"a key is null: expected {field.type}")
            except BadValues as bad:
                raise bad.error() from None
            columns.append(column)
        return Batch(self.fields, columns, rows)


def _row_count(values: list[Any]) -> int:
    """Rows asked for; single values stand for every row, and for one row where all are single."""
    rows = -1
    for value in values:
        if _is_single(value):
            continue
        count = len(value)
        if rows >= 0 and count != rows:
            raise InvalidArgument(
                f"inputs differ in length: {counted(rows, 'row')} and {counted(count, 'row')}"
            )
        rows = count
    rows = 1 if rows < 0 else rows
    for place, value in enumerate(values):
        if _is_single(value):
            values[place] = [value] * rows
    return rows


def _is_single(value: Any) -> bool:
    return isinstance(value, (str, bytes)) or not hasattr(value, "__len__")


def _quick(field: Field, value: Any, rows: int) -> Sequence[Bytes] | None:
    type = field.type
    if type.is_list:
        return None
    codes = _FORMATS.get(type.scalar)
    if codes is not None:
        if isinstance(value, np.ndarray):
            if value.dtype == codes[1] and value.ndim == 1:
                return [value.tobytes()]
        elif isinstance(value, (list, tuple)):
            try:
                return [struct.pack(f"<{rows}{codes[0]}", *value)]
            except (struct.error, OverflowError):
                return None
    elif type.scalar is Scalar.STRING and isinstance(value, (list, tuple)):
        try:
            text = "".join(value)
        except TypeError:
            return None
        if text.isascii():
            ends = itertools.accumulate(map(len, value), initial=0)
            return [struct.pack(f"<{rows + 1}i", *ends), text.encode()]
    return None
