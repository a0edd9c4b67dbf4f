"""Answers of every shape against the plain decoder, and answers that are broken."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest
from toy_store import answer_bytes, batch_bytes, fields

import alula
from alula._batch import decode_batch
from alula._numpy import fill_floats, to_numpy
from alula._pieces import Plan
from alula._proto import features_pb2
from alula._types import Schema, to_proto
from alula.answer import Answer

NUMBERS = ["bool", "int32", "int64", "float32", "float64", "timestamp"]
PLAIN = [*NUMBERS, "string", "bytes", "float32[3]", "int64[2]", "bool[5]", "timestamp[2]"]
ALL = [*PLAIN, "float64[]", "string[]", "string[2]"]


def plan_of(schema: Schema, columns: int | None = None) -> Plan:
    message = features_pb2.ReadResponse(plan=1, service="s@1", schema=to_proto(schema))
    message.parts.append(
        features_pb2.ViewPart(
            label="v", view="v", columns=len(schema) if columns is None else columns
        )
    )
    return Plan(message)


def random_value(random: np.random.Generator, kind: str, nulls: float) -> Any:
    if random.random() < nulls:
        return None
    scalar, is_list, length = kind.partition("[")
    if is_list:
        count = int(length[:-1]) if length[:-1] else int(random.integers(4))
        return [random_value(random, scalar, 0) for _ in range(count)]
    if scalar == "bool":
        return bool(random.integers(2))
    if scalar == "string":
        return "".join(random.choice(list("abż€𝛼"), random.integers(5)))
    if scalar == "bytes":
        return random.bytes(int(random.integers(5))).hex()
    if scalar.startswith("float"):
        return float(random.integers(-9, 9))
    return int(random.integers(-9, 9))


def random_rows(seed: int, kinds: list[str], columns: int, rows: int) -> tuple[Schema, bytes]:
    random = np.random.default_rng([seed, rows, columns])
    schema = fields(" ".join(f"c{i}:{random.choice(kinds)}" for i in range(columns)))
    rates = random.choice([0.0, 0.0, 0.1, 0.7, 1.0], columns)
    values = [
        [random_value(random, str(f.type), rate) for f, rate in zip(schema, rates)]
        for _ in range(rows)
    ]
    return schema, batch_bytes(schema, values)


def same(one: Any, other: Any) -> None:
    assert one.dtype == other.dtype and one.shape == other.shape
    if one.dtype == object:
        for a, b in zip(one, other):
            assert type(a) is type(b) and (np.array_equal(a, b) if hasattr(a, "shape") else a == b)
    else:
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 33, 1_500])
@pytest.mark.parametrize("seed", range(6))
def test_floats_equal_those_taken_column_by_column(seed: int, rows: int) -> None:
    schema, encoded = random_rows(seed, NUMBERS[: 1 + seed], 1 + seed * 5, rows)
    batch, _ = decode_batch(encoded, schema)
    expected = np.empty((rows, len(schema)))
    fill_floats(batch, list(range(len(schema))), expected)
    plan = plan_of(schema)
    for _ in range(2):
        times = bytes(9 * rows + -rows % 8)
        answer = Answer(plan, [bytes(encoded) + times], rows)
        np.testing.assert_array_equal(answer.to_numpy(), expected)


@pytest.mark.parametrize("rows", [1, 3, 8, 100, 1_500])
@pytest.mark.parametrize("kinds", [NUMBERS, PLAIN, ALL, ["string", "float64"], ["float64"]])
def test_arrays_equal_those_decoded_one_by_one(kinds: list[str], rows: int) -> None:
    for seed in range(4):
        schema, encoded = random_rows(seed, kinds, 1 + seed * 7, rows)
        batch, end = decode_batch(encoded, schema)
        plan = plan_of(schema)
        parts = batch_end(encoded, rows)
        for _ in range(2):
            answer = Answer(plan, [parts], rows)
            arrays = answer.arrays()
            assert list(arrays) == [field.name for field in schema]
            for field, column in zip(schema, batch.columns):
                same(arrays[field.name], to_numpy(column))
                same(answer.column(field.name), to_numpy(column))
                valid = column.is_valid()
                expected = np.where(valid, "present", "null")
                assert answer.statuses(field.name).tolist() == expected.tolist()
            assert answer.to_arrow().num_rows == rows


def batch_end(encoded: bytes, rows: int) -> bytes:
    """With one part behind it: every row is there, of event time 7."""
    return encoded + np.full(rows, 7, "<i8").tobytes() + bytes(rows + -rows % 8)


def test_two_pieces_are_one_answer() -> None:
    schema = fields("a:float64 b:string c:int64")
    one = answer_bytes(schema, [[1.0, "x", 1], [2.0, None, 2]], [([5, 6], [0, 0])])
    two = answer_bytes(schema, [[None, "z", None]], [([7], [3])])
    answer = Answer(plan_of(schema), [one, two], 3, 4)
    arrays = answer.arrays()
    np.testing.assert_array_equal(arrays["a"], [1, 2, np.nan])
    assert arrays["b"].tolist() == ["x", None, "z"] and answer.model_version == 4
    assert answer.statuses("a").tolist() == ["present", "present", "expired"]
    assert answer.event_times("c").astype("i8").tolist() == [5, 6, 7]
    assert answer.status_counts("b") == {"present": 1, "null": 1, "notFound": 0, "expired": 1}
    assert answer.to_pandas(statuses=True)["c__status"].tolist() == [
        "present",
        "present",
        "expired",
    ]


def test_an_answer_of_no_rows_has_its_columns() -> None:
    schema = fields("a:float64 b:string")
    answer = Answer(plan_of(schema), [answer_bytes(schema, [], [([], [])])], 0)
    assert [len(array) for array in answer.arrays().values()] == [0, 0]
    assert answer.status_counts() == {"present": 0, "null": 0, "notFound": 0, "expired": 0}
    assert answer.expired_share() == 0 and answer.to_arrow().num_rows == 0


def test_the_truth_about_age() -> None:
    schema = fields("a:float64 b:int64 amount:float64")
    data = answer_bytes(
        schema, [[1.0, 1, 9.0], [None, None, 9.0], [None, None, None], [2.0, None, 9.0]],
        [([1_000_000, 2_000_000, 0, 3_000_000], [0, 3, 2, 0])],
    )  # fmt: skip
    answer = Answer(plan_of(schema, columns=2), [data], 4)
    assert answer.status_counts() == {"present": 3, "null": 1, "notFound": 2, "expired": 2}
    assert answer.expired_share() == 0.25 and answer.expired_share("amount") == 0.0
    ages = answer.ages("a", datetime.datetime(1970, 1, 1, 0, 0, 5))
    assert ages.astype("i8").tolist()[:2] == [4_000_000, 3_000_000]
    assert np.isnat(ages[2]) and np.isnat(answer.ages("amount")).all()
    assert (answer.ages("a")[[0, 1, 3]] > np.timedelta64(365, "D")).all()
    table = answer.to_arrow(statuses=True, event_times=True)
    assert table.column_names == [
        "a", "b", "amount", "a__status", "a__event_time", "b__status", "b__event_time",
    ]  # fmt: skip
    assert table["b__status"].to_pylist() == ["present", "expired", "notFound", "null"]
    assert table["a__event_time"].to_pylist()[2] is None


def test_arrays_without_nulls_are_views_that_cannot_be_written() -> None:
    schema = fields("a:float64 b:float64")
    data = answer_bytes(schema, [[1.0, 2.0]], [([1], [0])])
    array = Answer(plan_of(schema), [data], 1).arrays()["b"]
    assert array.base is not None
    with pytest.raises(ValueError):
        array[0] = 3


@pytest.mark.parametrize("kinds", [NUMBERS, PLAIN, ALL])
def test_an_answer_cut_anywhere_is_data_loss(kinds: list[str]) -> None:
    schema, encoded = random_rows(5, kinds, 6, 3)
    whole = batch_end(encoded, 3)
    plan = plan_of(schema)
    for size in range(len(whole) - 5):  # the last five are padding
        with pytest.raises(alula.errors.DataLoss):
            answer = Answer(plan, [whole[:size]], 3)
            answer.arrays()
            answer.statuses("c0")
            answer.to_arrow()


@pytest.mark.parametrize("kinds", [PLAIN, ALL])
def test_a_changed_byte_never_does_worse_than_raise(kinds: list[str]) -> None:
    schema, encoded = random_rows(6, kinds, 5, 3)
    whole = bytearray(batch_end(encoded, 3))
    plan = plan_of(schema)
    for place in range(len(whole)):
        for bit in (1, 16, 128):
            whole[place] ^= bit
            try:
                answer = Answer(plan, [bytes(whole)], 3)
                answer.arrays()
                answer.status_counts()
                answer.event_times("c0")
            except alula.errors.DataLoss:
                pass
            whole[place] ^= bit


def test_another_number_of_rows_than_asked_for_is_data_loss() -> None:
    schema = fields("a:float64")
    data = answer_bytes(schema, [[1.0]], [([1], [0])])
    with pytest.raises(alula.errors.DataLoss, match="number of rows"):
        Answer(plan_of(schema), [data], 2)
