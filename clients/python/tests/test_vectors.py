"""The golden vectors: decoded, encoded again byte for byte, and cut short at every byte."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from alula._arrow import arrow_type, to_arrow
from alula._batch import decode_batch, encode_batch
from alula._encode import encode_array
from alula._frames import PREFACE, Header, decode_header, encode_frame, split_payload
from alula._types import Field, Scalar, ValueType
from alula.errors import AlulaError

HERE = Path(__file__).resolve().parents[3] / "proto" / "vectors"
VECTORS = json.loads((HERE / "vectors.json").read_text("utf-8"))


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in VECTORS if v["kind"] == kind]


def schema_of(vector: dict[str, Any]) -> tuple[Field, ...]:
    return tuple(Field(f["name"], ValueType.parse(f["type"])) for f in vector["schema"])


def from_json(value: Any, scalar: Scalar) -> Any:
    if isinstance(value, list):
        return [from_json(item, scalar) for item in value]
    if value is None:
        return None
    if scalar is Scalar.BYTES:
        return bytes.fromhex(value)
    if scalar in (Scalar.FLOAT32, Scalar.FLOAT64):
        number = float(value)
        return float(np.float32(number)) if scalar is Scalar.FLOAT32 else number
    return value


def same(left: Any, right: Any) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float):
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return left == right


def values_of(array: pa.Array, type: ValueType) -> list[Any]:
    if type.scalar is Scalar.TIMESTAMP:
        array = array.cast(pa.list_(pa.int64()) if type.is_list else pa.int64())
    return array.to_pylist()


@pytest.mark.parametrize("vector", of_kind("batch"))
def test_a_batch_decodes_to_its_rows_and_encodes_to_its_bytes(vector: dict[str, Any]) -> None:
    encoded, schema = (HERE / vector["file"]).read_bytes(), schema_of(vector)
    batch, end = decode_batch(encoded, schema)
    assert (batch.rows, end) == (vector["count"], len(encoded))
    for place, field in enumerate(schema):
        expected = [from_json(row[place], field.type.scalar) for row in vector["rows"]]
        assert same(values_of(to_arrow(batch.columns[place]), field.type), expected), field
    assert encode_batch(batch.columns, batch.rows) == encoded


@pytest.mark.parametrize("vector", of_kind("batch"))
def test_rows_encode_to_the_bytes_of_the_vector(vector: dict[str, Any]) -> None:
    schema, columns = schema_of(vector), []
    for place, field in enumerate(schema):
        values = [from_json(row[place], field.type.scalar) for row in vector["rows"]]
        kind = arrow_type(field.type)
        if field.type.scalar is Scalar.TIMESTAMP and not field.type.is_list:
            array = pa.array(values, pa.int64()).cast(kind)
        else:
            array = pa.array(values, kind)
        columns.append(encode_array(array, field, "up"))
    assert encode_batch(columns, vector["count"]) == (HERE / vector["file"]).read_bytes()


@pytest.mark.parametrize("vector", of_kind("batch"))
def test_a_batch_cut_short_is_an_error_or_lacks_only_padding(vector: dict[str, Any]) -> None:
    encoded, schema = (HERE / vector["file"]).read_bytes(), schema_of(vector)
    whole = pa.RecordBatch.from_arrays(
        [to_arrow(c) for c in decode_batch(encoded, schema)[0].columns], [f.name for f in schema]
    )
    step = max(1, len(encoded) // 512)
    for length in range(0, len(encoded), step):
        try:
            batch, _ = decode_batch(encoded[:length], schema)
        except AlulaError:
            continue
        assert not any(encoded[length:])
        got = [to_arrow(c) for c in batch.columns]
        assert pa.RecordBatch.from_arrays(got, [f.name for f in schema]).equals(whole) or (
            "NaN" in json.dumps(vector["rows"])
        )


@pytest.mark.parametrize("vector", of_kind("batch"))
def test_a_batch_with_one_changed_byte_never_crashes(vector: dict[str, Any]) -> None:
    encoded, schema = bytearray((HERE / vector["file"]).read_bytes()), schema_of(vector)
    for place in range(0, len(encoded), max(1, len(encoded) // 256)):
        for change in (0x01, 0x80, 0xFF):
            encoded[place] ^= change
            try:
                batch, _ = decode_batch(bytes(encoded), schema)
                for column in batch.columns:
                    to_arrow(column).validate(full=True)
            except AlulaError:
                pass
            encoded[place] ^= change


@pytest.mark.parametrize("vector", of_kind("frame"))
def test_a_frame_decodes_and_encodes(vector: dict[str, Any]) -> None:
    encoded = (HERE / vector["file"]).read_bytes()
    header = decode_header(encoded)
    assert header == Header(
        vector["payloadLength"], vector["frameKind"], vector["flags"], vector["operation"],
        vector["call"], vector["controlLength"],
    )  # fmt: skip
    control, data = split_payload(encoded[16:], header.control)
    assert (control.hex(), data.hex()) == (vector["control"], vector["data"])
    made = encode_frame(
        header.kind, header.flags, header.operation, header.call, bytes(control), data
    )
    assert made == encoded


def test_the_preface_is_the_clients_vector() -> None:
    (vector,) = [v for v in VECTORS if v["name"] == "preface-client"]
    assert (HERE / vector["file"]).read_bytes() == PREFACE


@pytest.mark.parametrize(
    "header",
    [
        (1 << 20 | 1, 2, 0, 1, 1, 0),
        (8, 2, 0, 1, 1, 9),
        (1 << 20, 3, 0, 1, 1, (256 << 10) + 1),
        (0, 0, 0, 1, 1, 0),
        (0, 8, 0, 1, 1, 0),
    ],
)
def test_a_header_that_breaks_the_rules_is_refused(header: tuple[int, ...]) -> None:
    from alula._frames import HEADER

    with pytest.raises(AlulaError):
        decode_header(HEADER.pack(*header))


def test_a_response_may_be_all_control() -> None:
    from alula._frames import HEADER, Kind

    header = decode_header(HEADER.pack(1 << 20, Kind.RESPONSE, 0, 1, 1, 1 << 20))
    assert header.control == 1 << 20


def test_a_frame_over_the_limit_is_not_sent() -> None:
    assert len(encode_frame(3, 0, 0, 1, b"", bytes(1 << 20))) == (1 << 20) + 16
    with pytest.raises(AlulaError):
        encode_frame(3, 0, 0, 1, b"", bytes((1 << 20) + 1))
    with pytest.raises(AlulaError):
        encode_frame(1, 0, 0, 1, bytes((256 << 10) + 1))
