"""Rows written to files as people's tools read them: Parquet, CSV, NDJSON."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ._parquet import replacing, write_parquet
from .errors import InvalidArgument

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_YEAR_ONE_US, _YEAR_10000_US = -62_135_596_800_000_000, 253_402_300_800_000_000


def write_rows(
    path: str | os.PathLike[str], schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> int:
    """Writes batches in the format of the file's suffix; returns the rows written.

    Lists are JSON arrays, bytes base64, times ISO 8601. The file is there when all of it is.
    """
    suffix = Path(path).suffix.lower()
    if suffix in (".parquet", ".pq"):
        return write_parquet(path, schema, batches)
    if suffix == ".csv":
        return _write_csv(path, schema, batches)
    if suffix in (".ndjson", ".jsonl"):
        return _write_ndjson(path, batches)
    raise InvalidArgument(f"{path}: expected a name that ends in .parquet, .csv or .ndjson")


def _write_csv(
    path: str | os.PathLike[str], schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> int:
    kinds = [f.type if _is_plain(f.type) else pa.string() for f in schema]
    flat = pa.schema([pa.field(f.name, kind) for f, kind in zip(schema, kinds)])
    rows = 0
    with replacing(path) as name, pacsv.CSVWriter(name, flat) as writer:
        for batch in batches:
            columns = [_csv_column(column) for column in batch.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=flat))
            rows += batch.num_rows
    return rows


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_boolean(kind) or types.is_string(kind))


def _csv_column(column: pa.Array) -> pa.Array:
    kind = column.type
    if _is_plain(kind):
        return column
    if pa.types.is_floating(kind):
        text = column.cast(pa.string())
        for short, long in (("nan", "NaN"), ("inf", "Infinity"), ("-inf", "-Infinity")):
            text = pc.if_else(pc.equal(text, short), long, text)
        return text
    as_text = _text_of(kind)
    values = (None if value is None else as_text(value) for value in _values(column))
    if not pa.types.is_nested(kind):
        return pa.array(values, pa.string())
    return pa.array((None if v is None else json.dumps(v) for v in values), pa.string())


def _write_ndjson(path: str | os.PathLike[str], batches: Iterable[pa.RecordBatch]) -> int:
    rows = 0
    with replacing(path) as name, open(name, "w", encoding="utf-8") as file:
        for batch in batches:
            names = batch.schema.names
            columns = [_json_values(column) for column in batch.columns]
            for row in zip(*columns):
                file.write(json.dumps(dict(zip(names, row)), ensure_ascii=False) + "\n")
            rows += batch.num_rows
    return rows


def _json_values(column: pa.Array) -> Iterator[Any]:
    as_json = _text_of(column.type)
    return (None if value is None else as_json(value) for value in _values(column))


def _values(column: pa.Array) -> list[Any]:
    """Python values; times as microseconds."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.view(pa.int64())
    elif pa.types.is_nested(kind) and pa.types.is_timestamp(kind.value_type):
        target = pa.list_(pa.int64())
        column = column.cast(pa.list_(kind.value_type)).view(target)
    values: list[Any] = column.to_pylist()
    return values


def _text_of(kind: pa.DataType) -> Callable[[Any], Any]:
    """How a value is written in JSON."""
    if pa.types.is_nested(kind):
        item = _text_of(kind.value_type)
        return lambda values: [item(value) for value in values]
    if pa.types.is_timestamp(kind):
        return _iso
    if pa.types.is_binary(kind):
        return lambda value: base64.b64encode(value).decode()
    if pa.types.is_floating(kind):
        return _number
    return lambda value: value


def _iso(microseconds: int) -> str | int:
    if not _YEAR_ONE_US <= microseconds < _YEAR_10000_US:
        return microseconds
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _number(value: float) -> float | str:
    """JSON has no number for these."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value
