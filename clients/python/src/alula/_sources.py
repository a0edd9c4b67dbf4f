"""Where history comes from: files read piece by piece, and tables in memory."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ._columns import check_unique, to_table
from ._types import MAX_BATCH_ROWS, ValueType
from .errors import InvalidArgument, NotFound
from .records import Problem

_BATCH_BYTES, _READ_BYTES = 16 << 20, 1 << 20
_ARROW_MAGIC, _PARQUET_MAGIC = b"ARROW1", b"PAR1"


@dataclass
class Piece:
    """Some rows of a source: the number of the first, and the columns asked for."""

    first_row: int
    table: pa.Table


class Source(Protocol):
    """Rows that can be read more than once, in one order."""

    #: For people: the file's name, or what was given.
    name: str
    columns: list[str]
    #: Rows, where they are known beforehand.
    rows: int | None
    #: Whether values are text to be read (CSV).
    is_text: bool

    @property
    def digest(self) -> bytes | None:
        """SHA-256 of the file's bytes; None where the rows themselves are to be hashed."""

    def pieces(
        self, columns: Sequence[str], on_problem: Callable[[Problem], None] | None
    ) -> Iterator[Piece]:
        """The rows, some thousands at a time. ``on_problem`` takes rows that cannot be read at all;
        without it they raise."""
        ...


def open_source(source: Any, wanted: Mapping[str, ValueType] | None = None) -> Source:
    """A file's path, or data in memory, as a source; raises InvalidArgument or NotFound."""
    if isinstance(source, (str, os.PathLike)):
        return _open_file(Path(source))
    return TableSource(source, wanted or {})


def _open_file(path: Path) -> Source:
    if not path.exists():
        raise NotFound(f"there is no file {path}")
    if path.is_dir():
        raise InvalidArgument(f"{path} is a directory: give one file")
    with path.open("rb") as file:
        magic = file.read(6)
    if not magic:
        raise InvalidArgument(f"{path} is empty")
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq") or magic.startswith(_PARQUET_MAGIC):
        return ParquetSource(path)
    if suffix in (".arrow", ".feather", ".ipc", ".arrows") or magic == _ARROW_MAGIC:
        return ArrowSource(path)
    if suffix in (".csv", ".tsv", ".txt"):
        return CSVSource(path)
    if suffix in (".ndjson", ".jsonl", ".json"):
        raise InvalidArgument(
            f"{path}: JSON is read by the command line", "run: alula import VIEW FILE"
        )
    raise InvalidArgument(f"{path}: expected a .parquet, .csv, .tsv or .arrow file")


def file_digest(path: Path) -> bytes:
    """SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    block = memoryview(bytearray(1 << 20))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            digest.update(block[:count])
    return digest.digest()


class TableSource:
    """pandas, Arrow, or a dict of columns."""

    is_text = False
    digest = None

    def __init__(self, source: Any, wanted: Mapping[str, ValueType]) -> None:
        self.name = f"{type(source).__module__.split('.')[0]}.{type(source).__name__}"
        self._source, self._wanted = source, wanted
        if isinstance(source, pd.DataFrame):
            self.columns = [str(name) for name in source.columns]
            to_table(source.iloc[:0])
            self.rows: int | None = len(source)
        else:
            self._source = to_table(source, wanted)
            self.columns, self.rows = self._source.column_names, self._source.num_rows

    def pieces(
        self, columns: Sequence[str], on_problem: Callable[[Problem], None] | None
    ) -> Iterator[Piece]:
        total = self.rows or 0
        size = MAX_BATCH_ROWS
        start = 0
        while start < total:
            stop = min(total, start + size)
            if isinstance(self._source, pd.DataFrame):
                frame = self._source.iloc[start:stop]
                frame = frame[[name for name in frame.columns if str(name) in columns]]
                table = to_table(frame, self._wanted)
            else:
                table = self._source.slice(start, stop - start).select(columns)
            yield Piece(start, table)
            # Rows of many or large values are taken fewer at a time.
            size = _rows_for(table.nbytes, table.num_rows)
            start = stop


class ParquetSource:
    """A Parquet file, by row groups."""

    is_text = False

    def __init__(self, path: Path) -> None:
        self.name, self._path = path.name, path
        with _readable(path, "a Parquet file"):
            file = pq.ParquetFile(path)
            self.schema: pa.Schema = file.schema_arrow
            self.columns = list(self.schema.names)
            self.rows: int | None = file.metadata.num_rows
            groups = range(file.metadata.num_row_groups)
            size = sum(file.metadata.row_group(group).total_byte_size for group in groups)
        check_unique(self.columns)
        self._batch_rows = _rows_for(size, self.rows or 0)

    @cached_property
    def digest(self) -> bytes | None:
        return file_digest(self._path)

    def pieces(
        self, columns: Sequence[str], on_problem: Callable[[Problem], None] | None
    ) -> Iterator[Piece]:
        first = 0
        with _readable(self._path, "a Parquet file"):
            # Else pyarrow keeps all that it has read of the file until its end.
            file = pq.ParquetFile(self._path, pre_buffer=False, buffer_size=_READ_BYTES)
            for batch in file.iter_batches(self._batch_rows, columns=list(columns)):
                yield Piece(first, pa.Table.from_batches([batch]))
                first += batch.num_rows


class ArrowSource:
    """An Arrow file or stream."""

    is_text = False

    def __init__(self, path: Path) -> None:
        self.name, self._path = path.name, path
        self.rows: int | None = None
        with _readable(path, "an Arrow file"), pa.memory_map(str(path)) as file:
            self.schema: pa.Schema = self._open(file).schema
            self.columns = list(self.schema.names)

    @cached_property
    def digest(self) -> bytes | None:
        return file_digest(self._path)

    def _open(self, file: Any) -> Any:
        magic = file.read(6)
        file.seek(0)
        return pa.ipc.open_file(file) if magic == _ARROW_MAGIC else pa.ipc.open_stream(file)

    def pieces(
        self, columns: Sequence[str], on_problem: Callable[[Problem], None] | None
    ) -> Iterator[Piece]:
        first = 0
        with _readable(self._path, "an Arrow file"), pa.memory_map(str(self._path)) as file:
            reader = self._open(file)
            if isinstance(reader, pa.RecordBatchFileReader):
                batches: Any = (reader.get_batch(i) for i in range(reader.num_record_batches))
            else:
                batches = iter(reader)
            for batch in batches:
                step = _rows_for(batch.nbytes, batch.num_rows)
                for start in range(0, batch.num_rows, step):
                    part = pa.Table.from_batches([batch.slice(start, step)]).select(list(columns))
                    yield Piece(first + start, part)
                first += batch.num_rows


class CSVSource:
    """A CSV file with a header; values stay text, an empty field that is not quoted is null."""

    is_text = True

    def __init__(self, path: Path) -> None:
        self.name, self._path = path.name, path
        self.rows: int | None = None
        self._delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
        try:
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                self.columns = next(csv.reader(file, delimiter=self._delimiter), [])
            "".join(self.columns).encode()
        except (UnicodeError, csv.Error):
            raise InvalidArgument(
                f"{path.name}: the header is not UTF-8 text: is this a CSV file?"
            ) from None
        check_unique(self.columns)

    @cached_property
    def digest(self) -> bytes | None:
        return file_digest(self._path)

    def pieces(
        self, columns: Sequence[str], on_problem: Callable[[Problem], None] | None
    ) -> Iterator[Piece]:
        odd: list[Problem] = []

        def refuse(row: Any) -> str:
            number = -1 if row.number is None else row.number - 2
            problem = Problem(
                number, f"expected {row.expected_columns} fields, found {row.actual_columns}"
            )
            if on_problem is None:
                odd.append(problem)
                return "error"
            on_problem(problem)
            return "skip"

        first = 0
        try:
            reader = pacsv.open_csv(
                self._path,
                pacsv.ReadOptions(use_threads=False, block_size=4 << 20),
                pacsv.ParseOptions(
                    delimiter=self._delimiter, newlines_in_values=True, invalid_row_handler=refuse
                ),
                pacsv.ConvertOptions(
                    include_columns=list(columns),
                    column_types={name: pa.binary() for name in columns},
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
            for batch in reader:
                for start in range(0, batch.num_rows, MAX_BATCH_ROWS):
                    part = batch.slice(start, MAX_BATCH_ROWS)
                    yield Piece(first + start, pa.Table.from_batches([part]))
                first += batch.num_rows
        except pa.ArrowException as error:
            if odd:
                raise InvalidArgument(f"{self.name}, row {odd[0].row}: {odd[0].reason}") from None
            text = str(error)
            if "Empty CSV" in text or "no data" in text.lower():
                return
            raise InvalidArgument(
                f"{self.name} is not a readable CSV file after row {first}"
            ) from None


def _rows_for(size: int, rows: int) -> int:
    """Rows to take at a time so that some 16 MiB are in memory."""
    if size <= 0 or rows <= 0:
        return MAX_BATCH_ROWS
    return max(64, min(MAX_BATCH_ROWS, _BATCH_BYTES * rows // size))


class _readable:
    """Turns Arrow's own errors into one sentence about the file."""

    def __init__(self, path: Path, what: str) -> None:
        self._path, self._what = path, what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (pa.ArrowException, OSError)):
            raise InvalidArgument(
                f"{self._path} is not {self._what}, or it is cut short",
                "write it again, or copy it again from where it came",
            ) from None
