"""Columns of the wire as NumPy arrays."""

from __future__ import annotations

import numpy as np

from ._arrow import to_arrow
from ._batch import Array, Batch, Column, unpack_bits
from ._types import Scalar, Schema, ValueType
from .errors import InvalidArgument


def check_numbers(schema: Schema, instead: str) -> None:
    """Refuses what has no float64: strings, bytes and lists; ``instead`` is the word to use."""
    others = [str(field) for field in schema if not field.type.is_number]
    if others:
        raise InvalidArgument(
            "float64 holds numbers only, and these columns are none", f"use {instead}", others
        )


def fill_floats(batch: Batch, columns: list[int], out: Array) -> None:
    """Writes the columns of these numbers into ``out``, float64 (rows, columns), NaN for null."""
    for place, index in enumerate(columns):
        column = batch.columns[index]
        if column.type.scalar is Scalar.BOOL:
            out[:, place] = unpack_bits(column.values, column.count)
        else:
            out[:, place] = column.values
        if column.validity is not None:
            out[~column.is_valid(), place] = np.nan


def empty(type: ValueType) -> Array:
    """A column of no rows, of the dtype and width that ``to_numpy`` gives."""
    if type.is_text or (type.is_list and not type.length):
        return np.empty(0, object)
    dtype = {Scalar.BOOL: "bool", Scalar.TIMESTAMP: "datetime64[us]"}.get(type.scalar) or type.dtype
    return np.empty((0, type.length) if type.is_list else 0, dtype)


def to_numpy(column: Column) -> Array:
    """One column, (rows,) or (rows, n) for ``T[n]``.

    Numbers keep their dtype where nothing is null; with nulls they are floats with NaN. Times are
    datetime64[us] with NaT. Strings, bytes, lists and bools with nulls are objects with None.
    """
    type, valid = column.type, None if column.validity is None else column.is_valid()
    if type.is_text or (type.is_list and not type.length):
        return np.array(to_arrow(column).to_numpy(zero_copy_only=False), dtype=object)
    shape = (column.count, type.length) if type.is_list else (column.count,)
    values = column.values
    if type.scalar is Scalar.BOOL:
        values = unpack_bits(values, int(np.prod(shape)))
    values = values.reshape(shape)
    if type.scalar is Scalar.TIMESTAMP:
        values = values.view("datetime64[us]")
    if valid is None:
        return values
    if type.scalar is Scalar.TIMESTAMP:
        values = values.copy()
        values[~valid] = np.datetime64("NaT")
    elif type.scalar is Scalar.BOOL:
        values = values.astype(object)
        values[~valid] = None
    else:
        floats = np.float32 if type.scalar is Scalar.FLOAT32 else np.float64
        values = values.astype(floats)
        values[~valid] = np.nan
    return values
