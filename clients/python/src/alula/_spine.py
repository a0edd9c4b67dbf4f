"""Spines: the rows to be labelled, brought to the types that a service joins on."""

from __future__ import annotations

import datetime
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ._arrow import infer_type
from ._batch import Batch, batch_parts, split_rows
from ._columns import check_unique, to_table
from ._definitions import near
from ._encode import BadValues, encode_array
from ._frames import Bytes
from ._sources import ArrowSource, CSVSource, ParquetSource, open_source
from ._types import MAX_BATCH_ROWS, MAX_FRAME_BYTES, Field, Scalar, Schema, ValueType
from .errors import InvalidArgument, Unavailable, counted, listed
from .records import Service

_TIME = ValueType(Scalar.TIMESTAMP)
_USUAL_EVENT_TIMES = ("event_time", "event_timestamp")
_PIECE_BYTES = 16 << 20


@dataclass
class _Rows:
    """Rows of a spine before they are brought to its types: all at once, or piece by piece."""

    name: str
    schema: pa.Schema
    pieces: Callable[[], Iterator[pa.Table]]
    is_text: bool = False


class Spine:
    """Rows with keys, event times, request fields and whatever they carry, in their order."""

    def __init__(self, source: Any, service: Service, event_time: str | None) -> None:
        typed = (*service.key_columns, *service.request_fields)
        wanted = {field.name: field.type for field in typed}
        self._rows = _open(source, wanted, event_time)
        self.name = self._rows.name
        names = self._rows.schema.names
        check_unique(names)
        missing = [str(field) for field in typed if field.name not in names]
        if missing:
            raise InvalidArgument(
                f"the spine lacks {counted(len(missing), 'column')} of service {service.reference}",
                "found are: " + listed(names) if names else "the spine has no columns",
                missing,
            )
        self.event_time = self._event_time(event_time)
        self._keys = {field.name for field in service.key_columns}
        wanted[self.event_time] = _TIME
        self.schema: Schema = tuple(
            Field(field.name, wanted.get(field.name) or infer_type(field.name, field.type))
            for field in self._rows.schema
        )
        #: Rows sent so far in the present try.
        self.rows_sent = 0
        self._text = {self.event_time, *wanted} if self._rows.is_text else set()

    def _event_time(self, named: str | None) -> str:
        names = self._rows.schema.names
        if named is not None:
            if named not in names:
                raise InvalidArgument(
                    f'the spine has no event time column "{named}"{near(named, names)}',
                    "found are: " + listed(names),
                )
            return named
        for usual in _USUAL_EVENT_TIMES:
            if usual in names:
                return usual
        times = [
            field.name
            for field in self._rows.schema
            if pa.types.is_timestamp(field.type) or pa.types.is_date(field.type)
        ]
        if len(times) != 1:
            raise InvalidArgument(
                "which column of the spine holds the event time cannot be told",
                "say event_time=COLUMN; found are: " + listed(names),
            )
        return str(times[0])

    def items(self) -> Iterator[tuple[bytes, list[Bytes]]]:
        """The rows in frames of less than 1 MiB."""
        first = self.rows_sent = 0
        for table in self._rows.pieces():
            for start in range(0, table.num_rows, MAX_BATCH_ROWS):
                batch = self._batch(table.slice(start, MAX_BATCH_ROWS), first)
                cuts = split_rows(batch, MAX_FRAME_BYTES - 1_024, first)
                for begin, end in zip(cuts, cuts[1:]):
                    piece = batch.slice(begin, end)
                    yield b"", batch_parts(piece.columns, piece.rows)
                first += batch.rows
                self.rows_sent = first

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


def _open(source: Any, wanted: dict[str, ValueType], event_time: str | None) -> _Rows:
    times = (event_time,) if event_time else _USUAL_EVENT_TIMES
    if isinstance(source, (str, os.PathLike)):
        return _open_file(Path(source), wanted, times)
    if isinstance(source, pa.RecordBatchReader):
        return _Rows("", source.schema, _once(source))
    if isinstance(source, Iterator):
        first = next(source, None)
        if not isinstance(first, (pa.RecordBatch, pa.Table)):
            raise InvalidArgument(
                "an iterator given as a spine yields Arrow record batches, at least one of them",
                "or give a DataFrame, an Arrow table, a dict of columns or a file's path",
            )
        return _Rows("", first.schema, _once(itertools.chain([first], source)))
    types = dict(wanted)
    for name in times:
        types.setdefault(name, _TIME)
    table = to_table(source, types)
    return _Rows("", table.schema, lambda: iter([table]))


def _open_file(path: Path, wanted: dict[str, ValueType], times: Sequence[str]) -> _Rows:
    opened = open_source(path)
    if isinstance(opened, CSVSource):
        exact = {n: pa.binary() for n in opened.columns if n in wanted or n in times}
        table = _read_csv(path, exact)
        return _Rows(path.name, table.schema, lambda: iter([table]), is_text=True)
    assert isinstance(opened, (ParquetSource, ArrowSource))
    columns = opened.columns
    return _Rows(path.name, opened.schema, lambda: (p.table for p in opened.pieces(columns, None)))


def _once(batches: Iterable[pa.RecordBatch | pa.Table]) -> Callable[[], Iterator[pa.Table]]:
    """Batches that can be read once, some at a time."""
    left: list[Iterable[pa.RecordBatch | pa.Table]] = [batches]

    def pieces() -> Iterator[pa.Table]:
        if not left:
            raise Unavailable(
                "the connection was lost under a spine that can be read only once",
                "begin again with a new reader, or give a file's path",
                retry=0,
            )
        waiting: list[pa.RecordBatch] = []
        rows = 0
        schema: pa.Schema | None = None
        for item in left.pop():
            table = pa.Table.from_batches([item]) if isinstance(item, pa.RecordBatch) else item
            schema = schema or table.schema
            if not table.schema.equals(schema):
                raise InvalidArgument("the record batches of the spine have different schemas")
            waiting.append(table)
            rows += table.num_rows
            if rows >= MAX_BATCH_ROWS or sum(t.nbytes for t in waiting) >= _PIECE_BYTES:
                yield pa.concat_tables(waiting)
                waiting, rows = [], 0
        if waiting:
            yield pa.concat_tables(waiting)

    return pieces


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
        return {"time_us": microseconds("as_of", as_of)}
    raise InvalidArgument("as_of is a log entry (int), a time, or a training set or its id")


def microseconds(name: str, moment: Any) -> int:
    """A time (a datetime, or ISO 8601 as text) as microseconds since 1970; no zone means UTC."""
    if not isinstance(moment, (str, datetime.date, np.datetime64)):
        raise InvalidArgument(f"{name} is a time: a datetime, or text in ISO 8601")
    column = to_table({name: [moment]}).column(0)
    try:
        encoded = encode_array(column, Field(name, _TIME), "down")
    except BadValues as bad:
        raise InvalidArgument(f"{name}: {bad.reason}") from None
    if encoded.validity is not None:
        raise InvalidArgument(f"{name} is not a time")
    return int(encoded.values[0])
