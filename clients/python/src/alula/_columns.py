"""Python's own data as Arrow arrays: lists, NumPy, pandas, dicts of columns, lists of rows.

From pandas NaN means null; from Arrow, NumPy and plain lists NaN is a value and None is null.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ._arrow import arrow_type, nan_to_null, plain
from ._types import Scalar, ValueType
from .errors import InvalidArgument, counted

#: Far more than a view or a service has; a column takes a while to look at.
_MOST_COLUMNS = 65_536
_MOMENTS = (datetime.datetime, datetime.date, np.datetime64)


def to_array(name: str, values: Any, wanted: ValueType | None = None) -> pa.Array:
    """One column of any kind as an Arrow array; ``wanted`` helps where the values alone cannot
    tell.
    """
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return plain(values)
    if isinstance(values, (pd.Series, pd.Index)) or isinstance(
        values, pd.api.extensions.ExtensionArray
    ):
        return _from_pandas(name, pd.Series(values), wanted)
    if isinstance(values, np.ndarray) and values.dtype != object:
        return _from_numpy(name, values)
    if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, "__len__"):
        raise InvalidArgument(f'column "{name}": expected a list or an array of values')
    return _from_objects(name, list(values), wanted, nan_is_missing=False)


def _from_numpy(name: str, values: np.ndarray[Any, Any]) -> pa.Array:
    if values.ndim == 2:
        if values.dtype.kind not in "biufM" or values.shape[1] == 0:
            raise InvalidArgument(f'column "{name}": a 2-D array holds embeddings of numbers')
        flat = _from_numpy(name, np.ascontiguousarray(values).reshape(-1))
        return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    if values.ndim != 1:
        raise InvalidArgument(
            f'column "{name}": expected one or two dimensions, found {values.ndim}'
        )
    if values.dtype.kind == "M" and np.datetime_data(values.dtype)[0] in (
        "D",
        "h",
        "m",
        "W",
        "M",
        "Y",
    ):
        values = values.astype("datetime64[s]")
    if values.dtype.byteorder == ">":
        values = values.astype(values.dtype.newbyteorder("="))
    try:
        return plain(pa.array(np.ascontiguousarray(values)))
    except (pa.ArrowException, TypeError, ValueError):
        raise InvalidArgument(
            f'column "{name}": values of type {values.dtype} are not taken'
        ) from None


def _from_pandas(name: str, series: pd.Series[Any], wanted: ValueType | None) -> pa.Array:
    if series.dtype == object:
        return _from_objects(name, series.tolist(), wanted, nan_is_missing=True)
    try:
        array = plain(pa.array(series, from_pandas=True))
    except (pa.ArrowException, TypeError, ValueError, NotImplementedError):
        raise InvalidArgument(
            f'column "{name}": values of type {series.dtype} are not taken'
        ) from None
    if pa.types.is_floating(array.type) and not pa.types.is_float16(array.type):
        array = nan_to_null(array)
    return array


def _from_objects(
    name: str, values: list[Any], wanted: ValueType | None, nan_is_missing: bool
) -> pa.Array:
    """A list of Python values, whose kind the first that is not missing tells."""
    is_text = wanted is not None and (wanted.is_text or wanted.scalar is Scalar.TIMESTAMP)
    is_missing = _is_missing if nan_is_missing or is_text else _is_none
    if any(v is None or v is pd.NA or v is pd.NaT or isinstance(v, float) for v in values):
        values = [None if is_missing(value) else value for value in values]
    first = next((value for value in values if value is not None), None)
    if first is None:
        return pa.nulls(len(values), pa.null() if wanted is None else arrow_type(wanted))
    if isinstance(first, (list, tuple, np.ndarray, pd.Series)):
        return _lists(name, values, wanted)
    if isinstance(first, _MOMENTS):
        return _moments(name, values)
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, UnicodeError):
        raise _odd_value(name, values, first) from None


def _lists(name: str, values: list[Any], wanted: ValueType | None) -> pa.Array:
    """Lists, tuples and arrays, each a value of a list type; NaN in them is a value."""
    for row, value in enumerate(values):
        if value is not None and not isinstance(value, (list, tuple, np.ndarray, pd.Series)):
            raise InvalidArgument(
                f'column "{name}", row {row}: found {type(value).__name__} among lists'
            )
    ends = np.cumsum([0] + [0 if value is None else len(value) for value in values])
    arrays = [value for value in values if value is not None]
    if all(
        isinstance(a, np.ndarray) and a.dtype == arrays[0].dtype != object and a.ndim == 1
        for a in arrays
    ):
        return _list_array(values, ends, _from_numpy(name, np.concatenate(arrays)))
    items: list[Any] = [item for value in values if value is not None for item in value]
    child = None if wanted is None else ValueType(wanted.scalar)
    try:
        flat = _from_objects(name, items, child, nan_is_missing=False)
    except InvalidArgument:
        raise InvalidArgument(f'column "{name}": the items of a list are of mixed types') from None
    return _list_array(values, ends, flat)


def _list_array(values: list[Any], ends: np.ndarray[Any, Any], items: pa.Array) -> pa.Array:
    missing = np.array([value is None for value in values] + [False])
    return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64(), mask=missing), items)


def _moments(name: str, values: list[Any]) -> pa.Array:
    """Times, with zones or without (UTC), to the nanosecond where they have it."""
    try:
        return plain(pa.array(pd.Series(pd.to_datetime(values, utc=True))))
    except (pd.errors.OutOfBoundsDatetime, OverflowError):
        pass
    except (TypeError, ValueError):
        raise _odd_value(name, values, next(v for v in values if v is not None)) from None
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise InvalidArgument(f'column "{name}": a time is out of range') from None


def _odd_value(name: str, values: Sequence[Any], first: Any) -> InvalidArgument:
    """Which value does not go with the first, without printing either."""
    for row, value in enumerate(values):
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return InvalidArgument(f'column "{name}", row {row}: the number does not fit int64')
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeError:
                return InvalidArgument(f'column "{name}", row {row}: the text is not valid UTF-8')
    for row, value in enumerate(values):
        if value is not None and type(value) is not type(first):
            found, among = type(value).__name__, type(first).__name__
            return InvalidArgument(f'column "{name}", row {row}: found {found} among {among}')
    return InvalidArgument(f'column "{name}": values of type {type(first).__name__} are not taken')


def _is_none(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT


def _is_missing(value: Any) -> bool:
    return _is_none(value) or (isinstance(value, float) and value != value)


def to_table(source: Any, wanted: Mapping[str, ValueType] | None = None) -> pa.Table:
    """pandas, Arrow, a dict of columns or a list of rows as an Arrow table; names are kept in
    order.
    """
    types = wanted or {}
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if isinstance(source, pa.Table):
        columns = {name: source.column(place) for place, name in enumerate(source.column_names)}
        check_unique(source.column_names)
    elif isinstance(source, pd.DataFrame):
        check_unique([str(name) for name in source.columns])
        columns = {str(name): source[name] for name in source.columns}
    elif isinstance(source, Mapping):
        columns = {str(name): values for name, values in source.items()}
    elif isinstance(source, Sequence) and all(isinstance(row, Mapping) for row in source):
        names = dict.fromkeys(str(name) for row in source for name in row)
        columns = {name: [row.get(name) for row in source] for name in names}
    else:
        raise InvalidArgument(
            f"{type(source).__name__} is not data that is taken here",
            "give a DataFrame, an Arrow table, a dict of columns, a list of dicts or a file's path",
        )
    if len(columns) > _MOST_COLUMNS:
        raise InvalidArgument(
            f"there are {len(columns):,} columns: at most {_MOST_COLUMNS:,} are taken"
        )
    arrays: dict[str, Any] = {}
    rows = None
    for name, values in columns.items():
        array = (
            values
            if isinstance(values, pa.ChunkedArray)
            else to_array(name, values, types.get(name))
        )
        if rows is not None and len(array) != rows:
            raise InvalidArgument(
                f'column "{name}" has {counted(len(array), "row")} where others have {rows}'
            )
        rows = len(array)
        arrays[name] = array
    return pa.table(arrays) if arrays else pa.table({})


def check_unique(names: Sequence[str]) -> None:
    """Refuses a name that two columns have."""
    for name, count in Counter(names).items():
        if count > 1:
            raise InvalidArgument(f'there are several columns "{name}"')
