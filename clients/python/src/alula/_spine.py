"""Spines: the rows to be labelled, brought to the types that a service joins on."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ._arrow import infer_type
from ._batch import Batch, encode_batch, split_rows
from ._columns import check_unique, to_table
from ._definitions import near
from ._encode import BadValues, encode_array
from ._frames import Bytes
from ._sources import ArrowSource, CSVSource, ParquetSource, open_source
from ._types import MAX_BATCH_ROWS, MAX_FRAME_BYTES, Field, Scalar, Schema, ValueType
from .errors import InvalidArgument
from .records import Service

_TIME = ValueType(Scalar.TIMESTAMP)
_USUAL_EVENT_TIMES = ("event_time", "event_timestamp")


class Spine:
    """Rows with keys, event times, request fields and whatever they carry, in their order."""

    def __init__(self, source: Any, service: Service, event_time: str | None) -> None:
        typed = (*service.key_columns, *service.request_fields)
        wanted = {field.name: field.type for field in typed}
        self.name, self.table = _read(source, wanted, event_time)
        names = self.table.column_names
        check_unique(names)
        missing = [str(field) for field in typed if field.name not in names]
        if missing:
            raise InvalidArgument(
                f"the spine lacks {len(missing)} columns that service {service.reference} needs",
                "found are: " + ", ".join(names),
                missing,
            )
        self.event_time = self._event_time(event_time)
        self._keys = {field.name for field in service.key_columns}
        wanted[self.event_time] = _TIME
        self.schema: Schema = tuple(
            Field(name, wanted.get(name) or infer_type(name, self.table.schema.field(name).type))
            for name in names
        )
        self._text = {self.event_time, *wanted} if isinstance(source, (str, os.PathLike)) else set()

    def _event_time(self, named: str | None) -> str:
        names = self.table.column_names
        if named is not None:
            if named not in names:
                raise InvalidArgument(
                    f'the spine has no event time column "{named}"{near(named, names)}',
                    "found are: " + ", ".join(names),
                )
            return named
        for usual in _USUAL_EVENT_TIMES:
            if usual in names:
                return usual
        times = [
            field.name
            for field in self.table.schema
            if pa.types.is_timestamp(field.type) or pa.types.is_date(field.type)
        ]
        if len(times) != 1:
            raise InvalidArgument(
                "which column of the spine holds the event time cannot be told",
                "say event_time=COLUMN; found are: " + ", ".join(names),
            )
        return str(times[0])

    def items(self) -> Iterator[tuple[bytes, Bytes]]:
        """The rows in frames of less than 1 MiB."""
        for first in range(0, self.table.num_rows, MAX_BATCH_ROWS):
            batch = self._batch(self.table.slice(first, MAX_BATCH_ROWS), first)
            cuts = split_rows(batch, MAX_FRAME_BYTES - 1_024, first)
            for start, stop in zip(cuts, cuts[1:]):
                piece = batch.slice(start, stop)
                yield b"", encode_batch(piece.columns, piece.rows)

    def _batch(self, rows: pa.Table, first: int) -> Batch:
        columns = []
        for field in self.schema:
            array = rows.column(field.name)
            try:
                is_key = field.name in self._keys
                is_text = field.name in self._text and pa.types.is_binary(array.type)
                columns.append(encode_array(array, field, "down", is_key, is_text))
            except BadValues as bad:
                raise bad.error(first) from None
        return Batch(self.schema, columns, rows.num_rows)


def _read(
    source: Any, wanted: dict[str, ValueType], event_time: str | None
) -> tuple[str, pa.Table]:
    if not isinstance(source, (str, os.PathLike)):
        types = dict(wanted)
        for name in (event_time,) if event_time else _USUAL_EVENT_TIMES:
            types.setdefault(name, _TIME)
        return "", to_table(source, types)
    path = Path(source)
    opened = open_source(path)
    if isinstance(opened, CSVSource):
        times = (event_time,) if event_time else _USUAL_EVENT_TIMES
        exact = {n: pa.binary() for n in opened.columns if n in wanted or n in times}
        return path.name, _read_csv(path, exact)
    assert isinstance(opened, (ParquetSource, ArrowSource))
    pieces = [piece.table for piece in opened.pieces(opened.columns, None)]
    if not pieces:
        return path.name, pq.read_table(path) if isinstance(opened, ParquetSource) else pa.table({})
    return path.name, pa.concat_tables(pieces)


def _read_csv(path: Path, exact: dict[str, pa.DataType]) -> pa.Table:
    """The file with the types that Arrow finds, but numbers that would lose a digit stay text."""
    table = _parse_csv(path, exact)
    numbers = [
        field.name
        for field in table.schema
        if field.name not in exact
        and (pa.types.is_integer(field.type) or pa.types.is_floating(field.type))
    ]
    if not numbers:
        return table
    texts = _parse_csv(path, {name: pa.string() for name in numbers}, numbers)
    for name in numbers:
        place = table.column_names.index(name)
        if _loses_digits(texts.column(name), table.schema.field(place).type):
            table = table.set_column(place, name, texts.column(name))
    return table


def _loses_digits(texts: pa.ChunkedArray, found: pa.DataType) -> bool:
    if pc.any(pc.match_substring_regex(texts, r"^[+-]?0[0-9]")).as_py():
        return True
    if pa.types.is_integer(found):
        return False
    long = texts.filter(pc.match_substring_regex(texts, r"^[+-]?[0-9]{16,}$"))
    return any(int(text) != int(float(text)) for text in long.to_pylist())


def _parse_csv(
    path: Path, exact: dict[str, pa.DataType], columns: list[str] | None = None
) -> pa.Table:
    try:
        return pacsv.read_csv(
            path,
            parse_options=pacsv.ParseOptions(
                delimiter="\t" if path.suffix.lower() == ".tsv" else ",", newlines_in_values=True
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=exact,
                include_columns=columns,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowException:
        raise InvalidArgument(
            f"{path} is not a readable CSV file", "look for rows with too few or too many fields"
        ) from None


def as_of_point(as_of: Any) -> dict[str, Any]:
    """A log entry, a time or a training set as the fields of an ``AsOf`` message."""
    if as_of is None:
        return {}
    if isinstance(as_of, bool):
        raise InvalidArgument("as_of is a log entry, a time or a training set")
    if isinstance(as_of, int):
        if not 0 <= as_of < 2**64:
            raise InvalidArgument(f"as_of: log entries are counted from 1, found {as_of}")
        return {"log_entry": as_of}
    if hasattr(as_of, "id"):
        return {"training_set": as_of.id}
    if isinstance(as_of, str) and as_of.startswith("ts-"):
        return {"training_set": as_of}
    if isinstance(as_of, (str, datetime.date)):
        column = to_table({"as_of": [as_of]}).column(0)
        try:
            encoded = encode_array(column, Field("as_of", _TIME), "down")
        except BadValues as bad:
            raise InvalidArgument(f"as_of: {bad.reason}") from None
        return {"time_us": int(encoded.values[0])}
    raise InvalidArgument("as_of is a log entry (int), a time, or a training set or its id")
