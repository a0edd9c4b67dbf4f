"""Arrow arrays as columns of the wire.

Everything is brought to the one type that is wanted, or refused with the column and the rows that
do not fit.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ._arrow import ARROW_SCALARS, nan_to_null, plain
from ._batch import Array, Column, bad_text, pack_bits
from ._text import parse_text
from ._types import MAX_LIST_LENGTH, MAX_VALUE_BYTES, Field, Scalar, ValueType
from .errors import InvalidArgument

Rounding = Literal["up", "down"]


class BadValues(Exception):
    """Values of one column that cannot be taken: their rows, counted from 0, and why."""

    def __init__(self, column: str, rows: npt.NDArray[np.int64], reason: str) -> None:
        super().__init__(reason)
        self.column, self.rows, self.reason = column, rows, reason

    def error(self, first_row: int = 0) -> InvalidArgument:
        """As the exception for people; ``first_row`` is the number of the first row looked at."""
        others = len(self.rows) - 1
        more = f" (and {others:,} more rows)" if others else ""
        row = first_row + int(self.rows[0])
        return InvalidArgument(f'column "{self.column}", row {row}: {self.reason}{more}')


class _Bad(Exception):
    def __init__(self, mask: npt.NDArray[np.bool_], reason: str) -> None:
        super().__init__(reason)
        self.items, self.reason = np.flatnonzero(mask), reason


def encode_array(
    array: pa.Array,
    field: Field,
    rounding: Rounding,
    nan_is_null: bool = False,
    is_text: bool = False,
) -> Column:
    """One column of the wider world as a column of the wire, of exactly ``field.type``.

    Integers and floats are widened and narrowed where every value fits; times are brought to
    microseconds, finer ones rounded as told. ``nan_is_null`` is for keys of spines; ``is_text`` for
    columns of a CSV file. Raises BadValues for single values, InvalidArgument for a wrong type.
    """
    array = plain(array)
    try:
        if is_text:
            array = parse_text(array, field, rounding, _Bad)
        if field.type.is_list:
            return _encode_list(array, field, rounding)
        flat = _scalars(array, field, rounding, nan_is_null)
        validity, mask = _validity(flat)
        offsets, values = _items(flat, field.type.scalar, mask)
        return Column(field.type, len(flat), validity, offsets, None, values)
    except _Bad as bad:
        raise BadValues(field.name, bad.items, bad.reason) from None


#: What Arrow calls otherwise than Alula does.
_NAMES = {
    "large_string": "string", "string_view": "string", "double": "float64", "float": "float32",
    "halffloat": "float16", "large_binary": "bytes", "binary": "bytes",
}  # fmt: skip


def wrong_type(field: Field, found: pa.DataType) -> InvalidArgument:
    """A whole column is of a type that cannot be taken."""
    help = ""
    if pa.types.is_decimal(found):
        help = "cast it to float64, or to int64 in the smallest unit"
    elif field.type.scalar is Scalar.TIMESTAMP and (
        pa.types.is_integer(found) or pa.types.is_floating(found)
    ):
        help = (
            "numbers are not taken for times: convert them with pandas.to_datetime(..., unit=...), "
            'or load them with time_unit="us"'
        )
    elif field.type.scalar is Scalar.BYTES and pa.types.is_string(found):
        help = "encode the text first: str.encode()"
    name = _NAMES.get(str(found), str(found))
    return InvalidArgument(f'column "{field.name}": expected {field.type}, found {name}', help)


def _validity(array: pa.Array) -> tuple[Array | None, npt.NDArray[np.bool_] | None]:
    if array.null_count == 0:
        return None, None
    mask = array.is_valid().to_numpy(zero_copy_only=False)
    return pack_bits(mask), mask


def _numbers(array: pa.Array, dtype: Any) -> Array:
    """Items of a fixed-width array with zero in the nulls, sharing memory where there are none."""
    if array.null_count:
        array = array.fill_null(False if pa.types.is_boolean(array.type) else 0)
    if pa.types.is_timestamp(array.type):
        array = array.view(pa.int64())
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype)


def _items(
    array: pa.Array, scalar: Scalar, mask: npt.NDArray[np.bool_] | None
) -> tuple[Array | None, Array]:
    """Offsets (of strings and bytes) and values of an array of exactly the right type."""
    dtype = ValueType(scalar).dtype
    if scalar is Scalar.BOOL:
        return None, pack_bits(_numbers(array, np.bool_))
    if dtype is not None:
        return None, _numbers(array, dtype)
    wide = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    _, raw_offsets, raw_values = array.buffers()
    if len(array) == 0 or raw_offsets is None:
        return np.zeros(len(array) + 1, "<i4"), np.zeros(0, "u1")
    ends = np.frombuffer(
        raw_offsets, "<i8" if wide else "<i4", len(array) + 1, array.offset * (8 if wide else 4)
    )
    if mask is not None and bool((np.diff(ends)[~mask] != 0).any()):
        return _items(array.fill_null("" if scalar is Scalar.STRING else b""), scalar, None)
    first, last = int(ends[0]), int(ends[-1])
    if last - first > 2**31 - 1:
        raise _Bad(np.ones(1, np.bool_), "too many bytes of text at once: use smaller batches")
    values = (
        np.frombuffer(raw_values, "u1", last - first, first) if last > first else np.zeros(0, "u1")
    )
    offsets = (ends - first).astype("<i4")
    if scalar is Scalar.STRING and (bad := bad_text(values, offsets)) is not None:
        wrong = np.zeros(len(array), np.bool_)
        wrong[bad] = True
        raise _Bad(wrong, "the text is not valid UTF-8")
    if bool((over := np.diff(offsets) > MAX_VALUE_BYTES).any()):
        raise _Bad(over, f"a value is over the limit of {MAX_VALUE_BYTES} bytes")
    return offsets, values


def _encode_list(array: pa.Array, field: Field, rounding: Rounding) -> Column:
    kind, length = array.type, field.type.length
    if pa.types.is_null(kind):
        array = array.cast(pa.list_(ARROW_SCALARS[field.type.scalar]))
        kind = array.type
    fixed = pa.types.is_fixed_size_list(kind)
    if not (fixed or pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        raise wrong_type(field, kind)
    validity, mask = _validity(array)
    lengths = np.asarray(pc.fill_null(pc.list_value_length(array), 0).to_numpy(), np.int64)
    valid = np.ones(len(array), np.bool_) if mask is None else mask
    if length and bool((wrong := valid & (lengths != length)).any()):
        raise _Bad(wrong, f"expected a list of {length} items")
    if bool((over := lengths > MAX_LIST_LENGTH).any()):
        raise _Bad(over, f"a list has more than {MAX_LIST_LENGTH} items")
    if fixed:
        lengths = np.where(valid, lengths, 0)
    ends = np.concatenate(([0], np.cumsum(lengths)))
    items = plain(array.flatten())

    def rows_of(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        rows = np.zeros(len(lengths), np.bool_)
        rows[np.searchsorted(ends, np.flatnonzero(mask), "right") - 1] = True
        return rows

    if items.null_count:
        nulls = items.is_null().to_numpy(zero_copy_only=False)
        raise _Bad(rows_of(nulls), "a list has a null in it: items of lists are never null")
    try:
        items = _scalars(items, field, rounding, False)
        item_offsets, values = _items(items, field.type.scalar, None)
    except _Bad as bad:
        wrong_items = np.zeros(len(items), np.bool_)
        wrong_items[bad.items] = True
        raise _Bad(rows_of(wrong_items), bad.reason) from None
    if length:
        if mask is not None:
            item_offsets, values = _spread(field.type, mask, item_offsets, values)
        return Column(field.type, len(array), validity, None, item_offsets, values)
    return Column(field.type, len(array), validity, ends.astype("<i4"), item_offsets, values)


def _spread(
    type: ValueType, mask: npt.NDArray[np.bool_], item_offsets: Array | None, values: Array
) -> tuple[Array | None, Array]:
    """Puts the items of the present rows of a fixed list at their places, zeros at the others'."""
    rows, length = len(mask), type.length
    if item_offsets is not None:
        lengths = np.zeros((rows, length), np.int64)
        lengths[mask] = np.diff(item_offsets).reshape(-1, length)
        return np.concatenate(([0], np.cumsum(lengths))).astype("<i4"), values
    if type.scalar is Scalar.BOOL:
        bits = np.zeros((rows, length), np.bool_)
        present = np.unpackbits(values, count=int(mask.sum()) * length, bitorder="little")
        bits[mask] = present.reshape(-1, length)
        return None, pack_bits(bits.reshape(-1))
    spread = np.zeros((rows, length), values.dtype)
    spread[mask] = values.reshape(-1, length)
    return None, spread.reshape(-1)


def _scalars(array: pa.Array, field: Field, rounding: Rounding, nan_is_null: bool) -> pa.Array:
    """The same values, as exactly the scalar wanted."""
    scalar, found = field.type.scalar, array.type
    if pa.types.is_null(found):
        return array.cast(ARROW_SCALARS[scalar])
    if nan_is_null and pa.types.is_floating(found):
        array = nan_to_null(array)
    if scalar in (Scalar.INT32, Scalar.INT64):
        if pa.types.is_integer(found):
            return _integers(array, scalar)
        if pa.types.is_floating(found):
            return _integral(array, scalar)
    elif scalar in (Scalar.FLOAT32, Scalar.FLOAT64):
        if pa.types.is_integer(found) or pa.types.is_floating(found):
            return _floats(array, scalar)
    elif scalar is Scalar.BOOL:
        if pa.types.is_boolean(found):
            return array
    elif scalar is Scalar.STRING:
        if pa.types.is_string(found) or pa.types.is_large_string(found):
            return array
    elif scalar is Scalar.BYTES:
        if pa.types.is_binary(found) or pa.types.is_large_binary(found):
            return array
        if pa.types.is_fixed_size_binary(found):
            return array.cast(pa.binary())
    elif pa.types.is_timestamp(found) or pa.types.is_date(found):
        return _timestamps(array, rounding)
    elif pa.types.is_string(found) or pa.types.is_large_string(found):
        return parse_text(array, field, rounding, _Bad)
    raise wrong_type(field, found)


def _integers(array: pa.Array, scalar: Scalar) -> pa.Array:
    target = ARROW_SCALARS[scalar]
    limits = np.iinfo(np.int32 if scalar is Scalar.INT32 else np.int64)
    if array.type != target:
        values = _numbers(array, None)
        source = np.iinfo(values.dtype)
        bad = np.zeros(len(values), np.bool_)
        if source.max > limits.max:
            bad |= values > limits.max
        if source.min < limits.min:
            bad |= values < limits.min
        if bool(bad.any()):
            raise _Bad(bad, f"the number does not fit {scalar.text}")
    return array.cast(target, safe=False)


def _integral(array: pa.Array, scalar: Scalar) -> pa.Array:
    values = _numbers(array, np.float64)
    limit = 2.0**31 if scalar is Scalar.INT32 else 2.0**53
    with np.errstate(invalid="ignore"):
        broken = values != np.floor(values)
        over = ~((values >= -limit) & (values < limit))
    if bool(np.isnan(values).any()):
        raise _Bad(np.isnan(values), f"expected {scalar.text}, found NaN")
    if bool(broken.any()):
        raise _Bad(broken, f"expected {scalar.text}, found a number with a fraction")
    if bool(over.any()):
        exact = "" if scalar is Scalar.INT32 else " exactly, coming from a float"
        raise _Bad(over, f"the number does not fit {scalar.text}{exact}")
    return array.cast(ARROW_SCALARS[scalar], safe=False)


def _floats(array: pa.Array, scalar: Scalar) -> pa.Array:
    target = ARROW_SCALARS[scalar]
    if array.type == target:
        return array
    if pa.types.is_integer(array.type):
        values = _numbers(array, None)
        exact = 2**24 if scalar is Scalar.FLOAT32 else 2**53
        if values.dtype.itemsize >= (4 if scalar is Scalar.FLOAT32 else 8):
            over = values > exact
            if values.dtype.kind == "i":
                over |= values < -exact
            if bool(over.any()):
                raise _Bad(over, f"the integer has no exact {scalar.text}")
    elif scalar is Scalar.FLOAT32:
        wide = _numbers(array, np.float64)
        with np.errstate(over="ignore"):
            lost = np.isinf(wide.astype(np.float32)) & ~np.isinf(wide)
        if bool(lost.any()):
            raise _Bad(lost, "the number does not fit float32")
    elif pa.types.is_float16(array.type):
        values = array.to_numpy(zero_copy_only=False)
        mask = array.is_null().to_numpy(zero_copy_only=False)
        return pa.array(values.astype(np.float64), mask=mask)
    if pa.types.is_float16(array.type):
        mask = array.is_null().to_numpy(zero_copy_only=False)
        return pa.array(array.to_numpy(zero_copy_only=False).astype(np.float32), mask=mask)
    return array.cast(target, safe=False)


_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def _timestamps(array: pa.Array, rounding: Rounding) -> pa.Array:
    """Microseconds since 1970 UTC; times without a zone are UTC."""
    if pa.types.is_date32(array.type):
        ticks, scale, mask = _numbers(array.view(pa.int32()), np.int64), 86_400_000_000, array
    elif pa.types.is_date64(array.type):
        ticks, scale, mask = _numbers(array.view(pa.int64()), np.int64), 1_000, array
    else:
        ticks, mask = _numbers(array, np.int64), array
        scale = 1_000_000 // _PER_SECOND[array.type.unit]
    if scale == 0:
        ticks = ticks // 1_000 if rounding == "down" else -((-ticks) // 1_000)
    elif scale > 1:
        over = np.abs(ticks) > (2**63 - 1) // scale
        if bool(over.any()):
            raise _Bad(over, "the time is out of range")
        ticks = ticks * scale
    nulls = mask.is_null().to_numpy(zero_copy_only=False) if mask.null_count else None
    return pa.array(ticks, mask=nulls).cast(ARROW_SCALARS[Scalar.TIMESTAMP])
