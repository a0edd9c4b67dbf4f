"""Training sets: a spine joined point in time with the features of a service."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ._arrow import arrow_schema, to_record_batch
from ._batch import Array, Batch, BatchDecoder
from ._frames import Bytes
from ._numpy import empty, fill_floats, to_numpy
from ._parquet import write_parquet
from ._proto import training_pb2
from ._types import Schema, from_proto
from ._verifying import Verifier
from .errors import DataLoss, Incomplete, InvalidArgument, counted
from .monitoring import Profile
from .records import ViewLoss, ViewReport, moment


class TrainingSetRecord:
    """What the server keeps of a training set: enough to make it again and to prove it the same."""

    def __init__(self, message: Any) -> None:
        self.id: str = message.id
        self.service: str = message.service
        #: Every row up to this log entry was seen, and none after it.
        self.log_entry: int = message.log_entry
        #: Hex SHA-256 over the canonical form of all columns.
        self.digest: str = message.digest
        self.spine_digest: str = message.spine_digest
        self.rows: int = message.rows
        self.schema: Schema = from_proto(message.schema.fields)
        self.event_time: str = message.event_time
        self.label: str = message.label
        self.made = moment(message.made_us)
        self.as_known: bool = message.as_known
        self.keep_unknown: bool = message.keep_unknown
        self.report = [ViewReport.of(report) for report in message.reports]
        #: The vector: features in order, then request fields.
        self.feature_columns: list[str] = list(message.feature_columns)
        self.spine_name: str = message.spine_name
        self.actor: str = message.actor
        #: By view part, what deleted or retired history has taken; empty where nothing is missing.
        self.losses = [ViewLoss.of(loss) for loss in message.losses]
        #: Rows of the spine that were blanked because their entity was forgotten.
        self.blanked_rows: int = message.blanked_rows
        self._profiles: Callable[[str], Profile] | None = None

    def profile(self) -> Profile:
        """How its columns are distributed: as ``Store.profile``."""
        if self._profiles is None:
            raise InvalidArgument(f"ask the store: store.profile({self.id!r})")
        return self._profiles(self.id)

    @property
    def is_incomplete(self) -> bool:
        """Whether history behind it was deleted or retired; ``digest`` is that of the whole set."""
        return bool(self.losses or self.blanked_rows)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id}: {self.service}, {counted(self.rows, 'row')})"


class TrainingSet(TrainingSetRecord):
    """Every row of the spine, in its order, with the features behind it.

    The columns are those of the spine, then the features. The digest is the server's, over what it
    sent; ``verify()`` computes it again over what arrived.
    """

    def __init__(self, message: Any, batches: list[Batch]) -> None:
        super().__init__(message)
        self._message = message
        self._batches = batches
        if not self.schema and batches:
            self.schema = batches[0].schema

    def __len__(self) -> int:
        return self.rows

    def verify(self) -> None:
        """Hashes the columns as they arrived (SHA-256, about 1 GB/s); raises DataLoss where they
        are not what the server made. A set that ``is_incomplete`` is not compared.
        """
        verifier = Verifier(self.schema)
        for batch in self._batches:
            verifier.add(batch, 0)
        verifier.finish(self._message)

    @property
    def columns(self) -> list[str]:
        """Names of all columns."""
        return [field.name for field in self.schema]

    @cached_property
    def X(self) -> Any:
        """The service's vector: float64 (rows, features) with NaN for null, or a DataFrame of the
        same columns where one of them is a string, bytes, a list or a time.
        """
        fields = {field.name: field for field in self.schema}
        chosen = [fields[name].type for name in self.feature_columns]
        if any(not type.is_number or type.scalar.name == "TIMESTAMP" for type in chosen):
            return self.to_arrow().select(self.feature_columns).to_pandas()
        places = [self.columns.index(name) for name in self.feature_columns]
        out = np.empty((self.rows, len(places)))
        start = 0
        for batch in self._batches:
            fill_floats(batch, places, out[start : start + batch.rows])
            start += batch.rows
        return out

    @cached_property
    def y(self) -> Array:
        """The label column, (rows,). Raises InvalidArgument where none was named."""
        if not self.label:
            raise InvalidArgument("this training set has no label", "make it with label=COLUMN")
        return self.column(self.label)

    def column(self, name: str) -> Array:
        """One column: (rows,), or (rows, n) for an embedding; NaN, NaT or None for null."""
        if name not in self.columns:
            raise InvalidArgument(f'there is no column "{name}"', details=[", ".join(self.columns)])
        place = self.columns.index(name)
        if not self._batches:
            return empty(self.schema[place].type)
        arrays = [to_numpy(batch.columns[place]) for batch in self._batches]
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)

    def to_arrow(self) -> pa.Table:
        """All columns as an Arrow table over the bytes as they came."""
        schema = arrow_schema(self.schema)
        batches = [to_record_batch(batch, schema) for batch in self._batches]
        return pa.Table.from_batches(batches, schema=schema)

    def to_pandas(self) -> pd.DataFrame:
        """All columns as a DataFrame; integers with nulls become float64 with NaN."""
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows piece by piece, in order."""
        schema = arrow_schema(self.schema)
        for batch in self._batches:
            yield to_record_batch(batch, schema)

    def write_parquet(self, path: str | PathLike[str]) -> None:
        """Writes all columns to a Parquet file, which is there when all of it is."""
        write_parquet(path, arrow_schema(self.schema), self.batches())


class Collector:
    """Takes the batches of an answer in order."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self._decoder: BatchDecoder | None = None

    def take(self, control: Bytes, data: Bytes) -> None:
        if self._decoder is None:
            item = training_pb2.BatchItem.FromString(bytes(control))
            self._decoder = BatchDecoder(from_proto(item.schema.fields))
        self.batches.append(self._decoder.decode(data))

    def finish(self, message: Any) -> TrainingSet:
        """The training set; raises DataLoss where rows are missing."""
        rows = sum(batch.rows for batch in self.batches)
        if rows != message.rows:
            raise DataLoss(
                f"training set {message.id} arrived with {rows:,} of {message.rows:,} rows",
                "get it again",
            )
        return TrainingSet(message, self.batches)


_BLANKED = re.compile(r"spine: ([0-9,]+) of [0-9,]+ rows are blanked")
_LOSS = re.compile(r"(.+): ([0-9,]+) values? lost(?: at log entr(?:y|ies))? ?([0-9, ]*)")


def incomplete_of(error: DataLoss) -> DataLoss:
    """The error as Incomplete, where it says that history was deleted or retired since."""
    if "incomplete" not in error.message:
        return error
    found = Incomplete(error.message, error.help, error.details, error.retry)
    found.losses = [
        ViewLoss(
            match[1], int(match[2].replace(",", "")), [int(e) for e in re.findall(r"\d+", match[3])]
        )
        for match in map(_LOSS.fullmatch, error.details)
        if match is not None
    ]
    for match in filter(None, map(_BLANKED.fullmatch, error.details)):
        found.blanked_rows = int(match[1].replace(",", ""))
    return found
