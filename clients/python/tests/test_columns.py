"""Everything that comes in becomes exactly the column wanted, or is refused by column and row."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import alula
from alula._arrow import infer_type, to_arrow
from alula._batch import Batch, decode_batch, encode_batch, split_rows
from alula._columns import to_array, to_table
from alula._encode import BadValues, encode_array
from alula._numpy import to_numpy
from alula._types import Field, ValueType

T = dt.datetime(2024, 1, 2, 3, 4, 5, 678901)
UTC = dt.timezone.utc


def encode(values: Any, type: str, rounding: Any = "up", **options: Any) -> list[Any]:
    """The values as they come back from the wire."""
    field = Field("x", ValueType.parse(type))
    column = encode_array(to_array("x", values, field.type), field, rounding, **options)
    raw = encode_batch([column], column.count)
    batch, end = decode_batch(raw, (field,))
    assert end == len(raw)
    array = to_arrow(batch.columns[0])
    array.validate(full=True)
    return array.to_pylist()


NAN = math.nan
# Arrow has text views from version 16 on.
TEXT_VIEW = pa.string_view() if hasattr(pa, "string_view") else pa.large_string()
ACCEPTED = [
    # what                        values                                              type        result
    ("ints", [1, None, -3], "int64", [1, None, -3]),
    ("int8", pa.array([1, None], pa.int8()), "int32", [1, None]),
    ("uint32", pa.array([2**32 - 1], pa.uint32()), "int64", [2**32 - 1]),
    ("uint64", pa.array([2**63 - 1], pa.uint64()), "int64", [2**63 - 1]),
    ("narrowed", pa.array([2**31 - 1, -(2**31)], pa.int64()), "int32", [2**31 - 1, -(2**31)]),
    ("integral floats", [1.0, None, -2.0], "int64", [1, None, -2]),
    ("pandas ints with nulls", pd.Series([1, None, 3]), "int32", [1, None, 3]),
    ("pandas nullable", pd.Series([1, None], dtype="Int64"), "int64", [1, None]),
    ("float16", np.array([0.5, NAN], np.float16), "float32", [0.5, NAN]),
    ("float16 to 64", pa.array([np.float16(0.5), None]), "float64", [0.5, None]),
    ("ints as floats", [1, None], "float64", [1.0, None]),
    ("numpy NaN is a value", np.array([1.0, NAN]), "float64", [1.0, NAN]),
    ("arrow NaN is a value", pa.array([NAN, None]), "float64", [NAN, None]),
    ("list NaN is a value", [NAN, None], "float64", [NAN, None]),
    ("pandas NaN is null", pd.Series([1.0, NAN]), "float64", [1.0, None]),
    ("pandas Arrow NaN is null", pd.Series([1.0, NAN], dtype=pd.ArrowDtype(pa.float64())), "float64",
     [1.0, None]),
    ("pandas object NaN is null", pd.Series([1.0, NAN, None], dtype=object), "float64", [1.0, None, None]),
    ("bools", [True, None, False], "bool", [True, None, False]),
    ("pandas bools", pd.Series([True, None], dtype="boolean"), "bool", [True, None]),
    ("text", ["a", None, "", "ż"], "string", ["a", None, "", "ż"]),
    ("large text", pa.array(["a", None], pa.large_string()), "string", ["a", None]),
    ("text view", pa.array(["a" * 20, None], TEXT_VIEW), "string", ["a" * 20, None]),
    ("categories", pd.Series(["a", None, "a"], dtype="category"), "string", ["a", None, "a"]),
    ("dictionary", pa.array(["a", None, "a"]).dictionary_encode(), "string", ["a", None, "a"]),
    ("run ends", pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"]), "string", ["a", "a", "b"]),
    ("object text with NaN", pd.Series(["a", NAN, pd.NA, None], dtype=object), "string",
     ["a", None, None, None]),
    ("numpy text", np.array(["a", "bc"]), "string", ["a", "bc"]),
    ("bytes", [b"\x00", None, b""], "bytes", [b"\x00", None, b""]),
    ("fixed bytes", pa.array([b"ab", None], pa.binary(2)), "bytes", [b"ab", None]),
    ("all null", [None, None], "string", [None, None]),
    ("all null int", [None], "int32", [None]),
    ("nothing", [], "float64", []),
    ("chunks", pa.chunked_array([[1], [2, None]]), "int64", [1, 2, None]),
    ("no chunks", pa.chunked_array([], pa.int64()), "int64", []),
    ("a slice", pa.array([9, 1, None, 2, 9]).slice(1, 3), "int64", [1, None, 2]),
    ("a slice of bools", pa.array([True] * 5 + [None, False, True, None]).slice(3), "bool",
     [True, True, None, False, True, None]),
    ("a slice of text", pa.array(["no", "a", None, "b"]).slice(1), "string", ["a", None, "b"]),
    ("lists", [[1, 2], None, []], "int64[]", [[1, 2], None, []]),
    ("tuples and arrays", [(1.0,), np.array([2.0, 3.0])], "float64[]", [[1.0], [2.0, 3.0]]),
    ("lists of text", [["a", ""], None, ["b"]], "string[]", [["a", ""], None, ["b"]]),
    ("lists of bools", [[True], None, [False] * 9], "bool[]", [[True], None, [False] * 9]),
    ("NaN in a list of pandas", pd.Series([np.array([1.0, NAN]), None]), "float64[]", [[1.0, NAN], None]),
    ("embedding", np.arange(6, dtype=np.float32).reshape(2, 3), "float32[3]",
     [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]),
    ("embedding of doubles", np.ones((1, 2)), "float32[2]", [[1.0, 1.0]]),
    ("embedding with nulls", [[1.0, 2.0], None], "float64[2]", [[1.0, 2.0], None]),
    ("fixed text", [["a", "b"], None, ["", "c"]], "string[2]", [["a", "b"], None, ["", "c"]]),
    ("fixed bools", [None, [True, False]], "bool[2]", [None, [True, False]]),
    ("fixed list of Arrow", pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)), "int64[2]",
     [[1, 2], None, [3, 4]]),
    ("slice of lists", pa.array([[0], [1, 2], None, [3]]).slice(1), "int64[]", [[1, 2], None, [3]]),
    ("large lists", pa.array([[1], None], pa.large_list(pa.int8())), "int32[]", [[1], None]),
    ("categories in lists", pa.array([["a"], ["a", "b"]], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
     "string[]", [["a"], ["a", "b"]]),
    ("naive is UTC", [T, None], "timestamp", [T.replace(tzinfo=UTC), None]),
    ("zones", [dt.datetime(2024, 1, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2)))], "timestamp",
     [dt.datetime(2024, 1, 1, tzinfo=UTC)]),
    ("zones mixed", [dt.datetime(2024, 1, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2))),
                     dt.datetime(2024, 1, 1)], "timestamp", [dt.datetime(2024, 1, 1, tzinfo=UTC)] * 2),
    ("pandas zone", pd.Series(pd.to_datetime(["2024-01-01", None]).tz_localize("Asia/Tokyo")), "timestamp",
     [dt.datetime(2023, 12, 31, 15, tzinfo=UTC), None]),
    ("dates", [dt.date(2024, 1, 1), None], "timestamp", [dt.datetime(2024, 1, 1, tzinfo=UTC), None]),
    ("date64", pa.array([dt.date(2024, 1, 1)], pa.date64()), "timestamp",
     [dt.datetime(2024, 1, 1, tzinfo=UTC)]),
    ("seconds", pa.array([1], pa.timestamp("s")), "timestamp", [dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)]),
    ("numpy days", np.array(["2024-01-01", "NaT"], "datetime64[D]"), "timestamp",
     [dt.datetime(2024, 1, 1, tzinfo=UTC), None]),
    ("far times", [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)], "timestamp",
     [dt.datetime(1, 1, 1, tzinfo=UTC), dt.datetime(9999, 12, 31, tzinfo=UTC)]),
    ("NaT", [pd.NaT, pd.Timestamp(T)], "timestamp", [None, T.replace(tzinfo=UTC)]),
    ("texts", ["2024-01-01", "2024-01-01T02:00:00+02:00", None, "2024-01-01 00:00:00.25Z"], "timestamp",
     [dt.datetime(2024, 1, 1, tzinfo=UTC)] * 2 + [None, dt.datetime(2024, 1, 1, 0, 0, 0, 250000, tzinfo=UTC)]),
]  # fmt: skip


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return bool(left == right) and type(left) is type(right)


@pytest.mark.parametrize(
    "values, type, expected", [pytest.param(*c[1:], id=c[0]) for c in ACCEPTED]
)
def test_taken(values: Any, type: str, expected: list[Any]) -> None:
    assert equal(encode(values, type), expected)


REFUSED = [
    # what                  values                                     type         row    said
    ("int32 overflow", [1, 2**31, 3], "int32", 1, "does not fit int32"),
    ("int32 underflow", [-(2**31) - 1], "int32", 0, "does not fit int32"),
    ("uint64 overflow", pa.array([1, 2**63], pa.uint64()), "int64", 1, "does not fit int64"),
    ("uint64 to int32", pa.array([2**63], pa.uint64()), "int32", 0, "does not fit int32"),
    ("a fraction", [1.0, 1.5], "int64", 1, "a fraction"),
    ("NaN as int", np.array([1.0, NAN]), "int64", 1, "found NaN"),
    ("inf as int", [1.0, math.inf], "int32", 1, "does not fit"),
    ("float to int64", [2.0**53], "int64", 0, "does not fit"),
    ("int to float64", [2**53 + 1], "float64", 0, "no exact float64"),
    ("int to float32", [2**24 + 1], "float32", 0, "no exact float32"),
    ("float32 overflow", [1.0, 1e39], "float32", 1, "does not fit float32"),
    ("huge int", [1, 2**70], "int64", 1, "does not fit int64"),
    ("mixed", ["a", 1], "string", 1, "found int among str"),
    ("mixed again", [1, "a"], "int64", 1, "found str among int"),
    ("surrogate", ["a", "\ud800"], "string", 1, "not valid UTF-8"),
    ("null in a list", [[1], [1, None]], "int64[]", 1, "null in it"),
    ("wrong length", [[1, 2], [1]], "int64[2]", 1, "a list of 2 items"),
    ("overflow in a list", [[], [1], [2, 2**31]], "int32[]", 2, "does not fit int32"),
    ("not a list", [[1], 2], "int64[]", 1, "found int among lists"),
    ("a long text", ["", "x" * (256 * 1024 + 1)], "string", 1, "over the limit"),
    ("a long list", [np.zeros(65_537, np.int8)], "int32[]", 0, "more than 65536 items"),
    ("a bad time", ["2024-01-01", "yesterday"], "timestamp", 1, "ISO 8601"),
    ("no such day", ["2024-02-30"], "timestamp", 0, "ISO 8601"),
    ("time overflow", pa.array([2**62], pa.timestamp("s")), "timestamp", 0, "out of range"),
]


@pytest.mark.parametrize(
    "values, type, row, said", [pytest.param(*c[1:], id=c[0]) for c in REFUSED]
)
def test_refused_with_column_and_row(values: Any, type: str, row: int, said: str) -> None:
    with pytest.raises((BadValues, alula.InvalidArgument)) as caught:
        encode(values, type)
    error = caught.value.error() if isinstance(caught.value, BadValues) else caught.value
    assert f'column "x", row {row}' in error.message and said in error.message


WRONG = [
    (["1"], "int64"), ([True], "int64"), ([1], "string"), (["a"], "bytes"), ([1], "bool"),
    ([1], "timestamp"), ([[1]], "int64"), ([1], "int64[]"), ([decimal.Decimal("1.5")], "float64"),
    ([{"a": 1}], "string"), ([dt.timedelta(1)], "int64"), (np.zeros((2, 2, 2)), "float64[2]"),
    (["a"], "float64"),
]  # fmt: skip


@pytest.mark.parametrize("values, type", WRONG)
def test_a_wrong_type_is_refused_by_column(values: Any, type: str) -> None:
    with pytest.raises(alula.InvalidArgument, match='column "x"'):
        encode(values, type)


def test_a_decimal_is_told_what_to_do() -> None:
    with pytest.raises(alula.InvalidArgument) as caught:
        encode([decimal.Decimal("1.5")], "float64")
    assert "cast it to float64" in caught.value.help


def test_no_message_prints_a_value() -> None:
    for values, type in (
        (["hunter2", 1], "string"),
        ([1, "hunter2"], "int64"),
        (["hunter2"], "timestamp"),
    ):
        with pytest.raises((BadValues, alula.InvalidArgument)) as caught:
            encode(values, type)
        assert "hunter2" not in str(caught.value)


def test_invalid_utf8_in_arrow_is_refused() -> None:
    raw = pa.array([b"ok", b"\xff\xfe", b"\xc5"]).view(pa.string())
    with pytest.raises(BadValues) as caught:
        encode(raw, "string")
    assert caught.value.rows.tolist() == [1, 2]


def test_a_character_cut_in_two_is_refused() -> None:
    raw = pa.array([b"\xc5", b"\xbc"]).view(pa.string())
    with pytest.raises(BadValues):
        encode(raw, "string")


@pytest.mark.parametrize("rounding, micros", [("up", 1), ("down", 0)])
def test_times_finer_than_a_microsecond_never_leak(rounding: Any, micros: int) -> None:
    base = dt.datetime(2024, 1, 1, tzinfo=UTC)
    expected = [base + dt.timedelta(microseconds=micros), base, None]
    stamp = pd.Timestamp("2024-01-01 00:00:00.000000001")
    for values in (
        np.array(["2024-01-01T00:00:00.000000001", "2024-01-01", "NaT"], "datetime64[ns]"),
        [stamp, pd.Timestamp("2024-01-01"), None],
        pd.Series([stamp, pd.Timestamp("2024-01-01"), pd.NaT]),
        ["2024-01-01T00:00:00.000000001Z", "2024-01-01T00:00:00.000000000Z", None],
    ):
        assert encode(values, "timestamp", rounding) == expected


def test_times_before_1970_round_the_same_way() -> None:
    values = pa.array([-1, -1000, -1001], pa.timestamp("ns"))
    epoch = dt.datetime(1970, 1, 1, tzinfo=UTC)
    micro = dt.timedelta(microseconds=1)
    assert encode(values, "timestamp", "up") == [epoch, epoch - micro, epoch - micro]
    assert encode(values, "timestamp", "down") == [epoch - micro, epoch - micro, epoch - 2 * micro]


def test_keys_of_a_spine_take_NaN_as_null() -> None:
    assert encode(np.array([1.0, NAN]), "int64", "down", nan_is_null=True) == [1, None]
    assert encode(["a", NAN, None, pd.NA], "string", "down", nan_is_null=True) == [
        "a",
        None,
        None,
        None,
    ]


def test_nulls_with_something_behind_them_are_sent_empty() -> None:
    offsets = pa.py_buffer(np.array([0, 2, 4], "<i4"))
    array = pa.Array.from_buffers(
        pa.string(), 2, [pa.py_buffer(b"\x02"), offsets, pa.py_buffer(b"abcd")]
    )
    column = encode_array(array, Field("x", ValueType.parse("string")), "up")
    assert column.values.tobytes() == b"cd" and column.offsets is not None
    assert column.offsets.tolist() == [0, 0, 2]


@pytest.mark.parametrize(
    "found, text",
    [
        (pa.int8(), "int32"), (pa.uint16(), "int32"), (pa.uint32(), "int64"), (pa.uint64(), "int64"),
        (pa.float16(), "float32"), (pa.float64(), "float64"), (pa.null(), "float64"),
        (pa.large_string(), "string"), (TEXT_VIEW, "string"), (pa.binary(3), "bytes"),
        (pa.date32(), "timestamp"), (pa.timestamp("ns", "Asia/Tokyo"), "timestamp"), (pa.bool_(), "bool"),
        (pa.dictionary(pa.int8(), pa.string()), "string"), (pa.list_(pa.float32(), 4), "float32[4]"),
        (pa.large_list(pa.string()), "string[]"),
    ],
)  # fmt: skip
def test_carried_columns_keep_their_kind(found: pa.DataType, text: str) -> None:
    assert str(infer_type("x", found)) == text


@pytest.mark.parametrize(
    "found",
    [pa.decimal128(10, 2), pa.struct([("a", pa.int8())]), pa.time64("us"), pa.duration("s"),
     pa.list_(pa.list_(pa.int8())), pa.map_(pa.string(), pa.int8())],
)  # fmt: skip
def test_other_kinds_are_refused_by_column(found: pa.DataType) -> None:
    with pytest.raises(alula.InvalidArgument, match='column "x"'):
        infer_type("x", found)


def test_tables_of_every_kind() -> None:
    expected = {"a": [1, 2], "b": ["x", None]}
    frame = pd.DataFrame(expected)
    for source in (
        expected, frame, pa.table(expected), pa.table(expected).to_batches()[0],
        [{"a": 1, "b": "x"}, {"a": 2}], {"a": np.array([1, 2]), "b": pd.Series(["x", None])},
        pd.DataFrame({"a": [9, 1, 2], "b": [None, "x", None]}).iloc[1:],
    ):  # fmt: skip
        assert to_table(source).to_pydict() == expected


def test_tables_that_are_none() -> None:
    for source, said in (
        ({"a": [1], "b": [1, 2]}, "has 2 rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "several columns"),
        (pa.table([[1], [2]], ["a", "a"]), "several columns"),
        (7, "int is not data"), ([1, 2], "list is not data"), ({"a": "text"}, "a list or an array"),
    ):  # fmt: skip
        with pytest.raises(alula.InvalidArgument, match=said):
            to_table(source)


def test_numpy_comes_back() -> None:
    def back(values: Any, type: str) -> Any:
        field = Field("x", ValueType.parse(type))
        return to_numpy(encode_array(to_array("x", values, field.type), field, "up"))

    assert back([1, 2], "int32").dtype == np.int32
    assert back([1, None], "int32").tolist()[0] == 1.0 and np.isnan(back([1, None], "int32")[1])
    assert back([0.5, None], "float32").dtype == np.float32
    assert back([True, None], "bool").tolist() == [True, None]
    assert back([True, False], "bool").dtype == np.bool_
    assert back(["a", None], "string").tolist() == ["a", None]
    assert back(np.ones((2, 3), np.float32), "float32[3]").shape == (2, 3)
    assert np.isnan(back([[1.0, 2.0], None], "float64[2]")[1]).all()
    assert back([T, None], "timestamp").tolist() == [T, None]
    assert [None if v is None else list(v) for v in back([[1], None], "int64[]")] == [[1], None]


def random_batch(seed: int, rows: int) -> Batch:
    random = np.random.default_rng(seed)
    types = ["int32", "float64", "bool", "string", "bytes", "timestamp", "int64[]", "string[]",
             "bool[3]", "float32[5]", "string[2]"]  # fmt: skip

    def item(scalar: str) -> Any:
        return {
            "int32": lambda: int(random.integers(-5, 5)), "int64": lambda: int(random.integers(-5, 5)),
            "float64": random.random, "float32": lambda: 0.5, "bool": lambda: bool(random.integers(2)),
            "string": lambda: "ż" * int(random.integers(4)), "bytes": lambda: b"\xff" * int(random.integers(4)),
            "timestamp": lambda: T,
        }[scalar]()  # fmt: skip

    schema, columns = [], []
    for text in types:
        type = ValueType.parse(text)
        values: list[Any] = []
        for _ in range(rows):
            if random.random() < 0.2:
                values.append(None)
            elif type.is_list:
                count = type.length or int(random.integers(4))
                values.append([item(type.scalar.text) for _ in range(count)])
            else:
                values.append(item(type.scalar.text))
        field = Field(text, type)
        schema.append(field)
        columns.append(encode_array(to_array(text, values, type), field, "up"))
    return Batch(tuple(schema), columns, rows)


@pytest.mark.parametrize("seed", range(5))
def test_slices_of_a_batch_are_its_rows(seed: int) -> None:
    batch = random_batch(seed, 40)
    whole = [to_arrow(column).to_pylist() for column in batch.columns]
    for start, stop in ((0, 40), (0, 0), (3, 17), (8, 16), (39, 40), (13, 13)):
        part = batch.slice(start, stop)
        raw = encode_batch(part.columns, part.rows)
        again, _ = decode_batch(raw, batch.schema)
        assert [to_arrow(c).to_pylist() for c in again.columns] == [v[start:stop] for v in whole], (
            seed
        )


@pytest.mark.parametrize("limit", [700, 1_500, 4_000, 100_000])
@pytest.mark.parametrize("seed", range(3))
def test_pieces_are_under_the_limit_and_lose_no_row(seed: int, limit: int) -> None:
    batch = random_batch(seed, 300)
    cuts = split_rows(batch, limit)
    assert (cuts[0], cuts[-1]) == (0, 300)
    for start, stop in zip(cuts, cuts[1:]):
        part = batch.slice(start, stop)
        assert part.rows > 0 and len(encode_batch(part.columns, part.rows)) <= limit, seed


def test_wide_rows_are_cut_to_frames_of_less_than_a_mebibyte() -> None:
    for shape in ((4_000, 64), (70_000, 1), (20, 30_000), (3, 65_536), (100_000, 2)):
        field = Field("x", ValueType.parse(f"float32[{shape[1]}]"))
        values = np.zeros(shape, np.float32)
        batch = Batch((field,), [encode_array(to_array("x", values), field, "up")], shape[0])
        cuts = split_rows(batch, 1 << 20)
        sizes = [
            len(encode_batch(batch.slice(a, b).columns, b - a)) for a, b in zip(cuts, cuts[1:])
        ]
        assert max(sizes) <= 1 << 20 and cuts[-1] == shape[0]
        assert max(b - a for a, b in zip(cuts, cuts[1:])) <= 65_536
        assert len(sizes) <= sum(sizes) // (700 << 10) + 2 or shape[1] > 1_000


def test_a_row_over_the_limit_is_named() -> None:
    field = Field("x", ValueType.parse("float64[65536]"))
    values = np.zeros((2, 65_536))
    batch = Batch((field,), [encode_array(to_array("x", values), field, "up")], 2)
    with pytest.raises(alula.InvalidArgument, match="row 10 is too large"):
        split_rows(batch, 500_000, first_row=10)


def test_many_columns_in_one_row() -> None:
    field = Field("x", ValueType.parse("string"))
    column = encode_array(to_array("x", ["ab", None]), field, "up")
    batch = Batch((field,) * 4096, [column] * 4096, 2)
    cuts = split_rows(batch, 1 << 20)
    assert cuts == [0, 2]
    assert len(encode_batch(batch.columns, 2)) <= 1 << 20
