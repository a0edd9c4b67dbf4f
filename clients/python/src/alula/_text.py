"""Values written as text, as CSV files hold them: numbers, times, JSON lists, base64."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ._types import Field, Scalar

Refusal = Callable[[Any, str], Exception]

_EXPECTED = {
    Scalar.BOOL: "bool (true, false, 1 or 0)",
    Scalar.INT32: "int32",
    Scalar.INT64: "int64",
    Scalar.FLOAT32: "a number",
    Scalar.FLOAT64: "a number",
    Scalar.BYTES: "bytes as base64",
    Scalar.TIMESTAMP: "a time in ISO 8601, such as 2020-08-25T20:34:41.361Z",
}
_PATTERNS = {
    Scalar.BOOL: r"(?i)^(true|false|1|0)$",
    Scalar.INT32: r"^[+-]?[0-9]{1,19}(\.0*)?$",
    Scalar.INT64: r"^[+-]?[0-9]{1,19}(\.0*)?$",
    Scalar.FLOAT32: r"(?i)^[+-]?(nan|inf|infinity|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?)$",
    Scalar.FLOAT64: r"(?i)^[+-]?(nan|inf|infinity|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?)$",
    Scalar.TIMESTAMP: (
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
        r"([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?$"
    ),
}


def parse_text(array: pa.Array, field: Field, rounding: str, refuse: Refusal) -> pa.Array:
    """Text (string, or binary from a file) as values of the field; nulls stay null.

    Raises ``refuse(mask, reason)`` where texts cannot be read.
    """
    if pa.types.is_null(array.type):
        return array
    scalar = field.type.scalar
    if not field.type.is_list and scalar is Scalar.STRING:
        return array.view(pa.string()) if pa.types.is_binary(array.type) else array
    if pa.types.is_binary(array.type):
        array = _ascii(array, field, refuse)
    if field.type.is_list or scalar is Scalar.BYTES:
        return _one_by_one(array, field, refuse)
    array = pc.utf8_trim_whitespace(array)
    fits = pc.fill_null(pc.match_substring_regex(array, _PATTERNS[scalar]), True)
    if not pc.all(fits, min_count=0).as_py():
        raise refuse(~fits.to_numpy(zero_copy_only=False), f"expected {_EXPECTED[scalar]}")
    if scalar is Scalar.BOOL:
        lower = pc.utf8_lower(array)
        return pc.or_(pc.equal(lower, "true"), pc.equal(lower, "1"))
    if scalar is Scalar.TIMESTAMP:
        return _times(array, rounding, refuse)
    if scalar in (Scalar.INT32, Scalar.INT64):
        array = pc.replace_substring_regex(array, r"(^\+)|(\.0*$)", "")
        return _cast(array, pa.int64(), scalar, refuse)
    return _cast(pc.replace_substring_regex(array, r"^\+", ""), pa.float64(), scalar, refuse)


def _ascii(array: pa.Array, field: Field, refuse: Refusal) -> pa.Array:
    """Text of numbers and times; lists may hold any UTF-8."""
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        bad = [value is not None and not _is_utf8(value) for value in array.to_pylist()]
        raise refuse(np.array(bad), "the text is not valid UTF-8") from None


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _cast(array: pa.Array, target: pa.DataType, scalar: Scalar, refuse: Refusal) -> pa.Array:
    try:
        return array.cast(target)
    except pa.ArrowInvalid:
        bad = np.zeros(len(array), np.bool_)
        for row, text in enumerate(array.to_pylist()):
            if text is not None:
                try:
                    bad[row] = scalar in (Scalar.INT32, Scalar.INT64) and abs(int(text)) >= 2**63
                except ValueError:
                    bad[row] = True
        raise refuse(bad if bad.any() else ~bad, f"the number does not fit {scalar.text}") from None


def _times(array: pa.Array, rounding: str, refuse: Refusal) -> pa.Array:
    """ISO 8601 to microseconds; what is finer is rounded. No zone means UTC."""
    finer = pc.match_substring_regex(array, r"[.,][0-9]{6}0*[1-9]")
    text = pc.replace_substring_regex(array, r"[.,]([0-9]{1,6})[0-9]*", r".\1")
    parsed = pd.to_datetime(
        pd.Series(text.to_numpy(zero_copy_only=False)), format="ISO8601", utc=True, errors="coerce"
    )
    moments = parsed.to_numpy(dtype="datetime64[us]")
    nulls = array.is_null().to_numpy(zero_copy_only=False)
    bad = np.isnat(moments) & ~nulls
    if bad.any():
        raise refuse(bad, f"expected {_EXPECTED[Scalar.TIMESTAMP]}")
    if rounding == "up":
        up = pc.fill_null(finer, False).to_numpy(zero_copy_only=False)
        moments = moments + up.astype("timedelta64[us]")
    return pa.array(moments, pa.timestamp("us"), mask=nulls)


def _one_by_one(array: pa.Array, field: Field, refuse: Refusal) -> pa.Array:
    values: list[Any] = []
    bad = np.zeros(len(array), np.bool_)
    for row, text in enumerate(array.to_pylist()):
        value: Any = None
        if text:
            try:
                value = _list(text, field) if field.type.is_list else _base64(text)
            except (ValueError, binascii.Error):
                bad[row] = True
        elif text is not None and not field.type.is_list:
            value = b""
        values.append(value)
    if bad.any():
        what = (
            f"a JSON array of {field.type.scalar.text}" if field.type.is_list else "bytes as base64"
        )
        raise refuse(bad, f"expected {what}")
    if not field.type.is_list:
        return pa.array(values, pa.binary())
    if field.type.scalar is Scalar.TIMESTAMP:
        return pa.array(values, pa.list_(pa.timestamp("us", tz="UTC")))
    return pa.array(values, pa.list_(_ITEM_TYPES[field.type.scalar]))


_ITEM_TYPES = {
    Scalar.BOOL: pa.bool_(),
    Scalar.INT32: pa.int64(),
    Scalar.INT64: pa.int64(),
    Scalar.FLOAT32: pa.float64(),
    Scalar.FLOAT64: pa.float64(),
    Scalar.STRING: pa.string(),
    Scalar.BYTES: pa.binary(),
}
_PYTHON_TYPES: dict[Scalar, tuple[type, ...]] = {
    Scalar.BOOL: (bool,),
    Scalar.INT32: (int,),
    Scalar.INT64: (int,),
    Scalar.FLOAT32: (int, float),
    Scalar.FLOAT64: (int, float),
}


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _list(text: str, field: Field) -> list[Any]:
    items = json.loads(text)
    if not isinstance(items, list):
        raise ValueError
    scalar = field.type.scalar
    kinds = _PYTHON_TYPES.get(scalar, (str,))
    for item in items:
        if not isinstance(item, kinds) or (scalar is not Scalar.BOOL and isinstance(item, bool)):
            raise ValueError
        if isinstance(item, int) and abs(item) >= 2**63:
            raise ValueError
    if scalar is Scalar.BYTES:
        return [_base64(item) for item in items]
    if scalar is Scalar.TIMESTAMP:
        moments = pd.to_datetime(items, format="ISO8601", utc=True)
        return [None if pd.isna(m) else m.to_pydatetime() for m in moments]
    return [float(item) for item in items] if float in kinds else items
