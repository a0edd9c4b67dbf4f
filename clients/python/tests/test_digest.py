"""The digest of columns, against the golden digests and against itself in other chunks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from alula._arrow import arrow_type
from alula._batch import Batch
from alula._digest import ColumnsDigest
from alula._encode import encode_array
from alula._types import Field, Scalar, ValueType

GOLDEN = Path(__file__).resolve().parents[3] / "proto" / "vectors" / "digest.json"
TABLES = json.loads(GOLDEN.read_text("utf-8"))["tables"]


def value_of(value: Any, scalar: Scalar) -> Any:
    if isinstance(value, list):
        return [value_of(item, scalar) for item in value]
    if value is None:
        return None
    if scalar is Scalar.BYTES:
        return bytes.fromhex(value)
    return float(value) if scalar in (Scalar.FLOAT32, Scalar.FLOAT64) else value


def batch_of(table: dict[str, Any]) -> Batch:
    schema, columns, rows = [], [], 0
    for column in table["columns"]:
        field = Field(column["name"], ValueType.parse(column["type"]))
        values = [value_of(value, field.type.scalar) for value in column["values"]]
        kind = arrow_type(field.type)
        if field.type.scalar is Scalar.TIMESTAMP:
            plain = pa.list_(pa.int64()) if field.type.is_list else pa.int64()
            if field.type.is_list and field.type.length:
                plain = pa.list_(pa.int64(), field.type.length)
            array = pa.array(values, plain).cast(kind)
        else:
            array = pa.array(values, kind)
        schema.append(field)
        columns.append(encode_array(array, field, "down"))
        rows = len(values)
    return Batch(tuple(schema), columns, rows)


@pytest.mark.parametrize("table", [pytest.param(t, id=t["name"]) for t in TABLES])
def test_the_golden_digests(table: dict[str, Any]) -> None:
    batch = batch_of(table)
    digest = ColumnsDigest(batch.schema)
    digest.add(batch)
    assert digest.hexdigest() == table["digest"]


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("table", [pytest.param(t, id=t["name"]) for t in TABLES])
def test_chunks_do_not_change_the_digest(table: dict[str, Any], step: int) -> None:
    batch = batch_of(table)
    digest = ColumnsDigest(batch.schema)
    for start in range(0, batch.rows, step):
        digest.add(batch.slice(start, min(batch.rows, start + step)))
    assert digest.hexdigest() == table["digest"]
