"""The rows of a training set with ``async for``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from .._closing import AsyncClosing
from ..stream import TrainingSetStream
from ..training import TrainingSetRecord
from ._offload import Threads

if TYPE_CHECKING:
    import pyarrow as pa


class AsyncTrainingSetStream(AsyncClosing):
    """The rows of a training set in order, as Arrow record batches; see
    ``alula.TrainingSetStream``.
    """

    def __init__(self, stream: TrainingSetStream, threads: Threads) -> None:
        self._sync, self._threads = stream, threads

    async def schema(self) -> pa.Schema:
        """The Arrow schema of every batch; waits for the first one."""
        return await self._threads.run(lambda: self._sync.schema)

    @property
    def record(self) -> TrainingSetRecord:
        """Id, digest and report, once all batches are read."""
        return self._sync.record

    async def __aiter__(self) -> AsyncIterator[pa.RecordBatch]:
        batches = iter(self._sync)
        try:
            async for batch in self._threads.each(batches):
                yield batch
        finally:
            self._sync.close()

    async def write_parquet(self, path: str | os.PathLike[str]) -> TrainingSetRecord:
        """As ``TrainingSetStream.write_parquet``."""
        return await self._threads.run(self._sync.write_parquet, path)

    async def close(self) -> None:
        """Cancels what is still to come."""
        await self._threads.run(self._sync.close)
