"""Training sets larger than memory: their rows one batch after the other."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING

import pyarrow as pa

from ._arrow import arrow_schema, to_record_batch
from ._batch import BatchDecoder
from ._closing import Closing
from ._connection import Call
from ._parquet import write_parquet
from ._proto import training_pb2
from ._session import Item
from ._types import Field, from_proto
from ._verifying import Verifier
from .errors import DataLoss, InvalidArgument, Unavailable
from .training import TrainingSetRecord, incomplete_of

if TYPE_CHECKING:
    pass


class TrainingSetStream(Closing):
    """The rows of a training set in order, as Arrow record batches of at most 1 MiB or so.

    Read once, with ``for batch in stream``; some batches ahead at most are in memory. The digest is
    computed on the way: at the end ``record`` is there, or DataLoss is raised. Leaving the loop,
    ``close()`` and the end of a ``with`` cancel the call at once.
    """

    def __init__(self, call: Call, early: list[Item]) -> None:
        self._call = call
        self._early = early[::-1]
        self._verifier: Verifier | None = None
        self._decoder: BatchDecoder | None = None
        self._schema: pa.Schema | None = None
        self._record: TrainingSetRecord | None = None
        self._begun = False

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of every batch; waits for the first one."""
        if self._schema is None:
            item = self._next_item()
            if item is None:
                self._finish()
            else:
                self._early.append(item)
                fields = training_pb2.BatchItem.FromString(bytes(item[0])).schema.fields
                self._begin(from_proto(fields))
        return self._schema

    @property
    def record(self) -> TrainingSetRecord:
        """Id, digest and report, once all batches are read. InvalidArgument before that."""
        if self._record is None:
            raise InvalidArgument(
                "the record of a training set is known when all of its batches are read"
            )
        return self._record

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if self._begun:
            raise InvalidArgument("a stream is read once", "ask for the training set again")
        self._begun = True
        return self._batches()

    def reader(self) -> pa.RecordBatchReader:
        """The batches for whoever takes Arrow's readers, such as DuckDB and Polars."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def write_parquet(self, path: str | PathLike[str]) -> TrainingSetRecord:
        """Writes all rows to a Parquet file with bounded memory. The file is there when its digest
        has proved right; otherwise nothing is.
        """
        write_parquet(path, self.schema, iter(self))
        return self.record

    def close(self) -> None:
        """Cancels what is still to come."""
        self._call.close()
        self._early.clear()
        if self._verifier is not None:
            self._verifier.close()

    def __del__(self) -> None:
        if self._record is None:
            self.close()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            schema = self.schema
            while (item := self._next_item()) is not None:
                assert self._decoder is not None and self._verifier is not None
                batch = self._decoder.decode(item[1])
                self._verifier.add(batch, len(item[1]))
                yield to_record_batch(batch, schema)
            if self._record is None:
                self._finish()
        except Unavailable as error:
            raise Unavailable(
                error.message,
                "rows were handed out already: ask for the training set again",
                retry=0,
            ) from None
        finally:
            self.close()

    def _next_item(self) -> Item | None:
        return self._early.pop() if self._early else self._call.next_item()

    def _begin(self, fields: tuple[Field, ...]) -> None:
        self._decoder, self._verifier = BatchDecoder(fields), Verifier(fields)
        self._schema = arrow_schema(fields)

    def _finish(self) -> None:
        try:
            answer, _ = self._call.result()
        except DataLoss as error:
            raise incomplete_of(error) from None
        message = training_pb2.TrainingSet.FromString(bytes(answer))
        if self._verifier is None:
            self._begin(from_proto(message.schema.fields))
        assert self._verifier is not None
        self._verifier.finish(message)
        self._record = TrainingSetRecord(message)
