"""Hashes batches as they arrive, on a thread of its own where they are many."""

from __future__ import annotations

import queue
import threading
from typing import Any

from ._batch import Batch
from ._digest import ColumnsDigest
from ._types import Schema
from .errors import DataLoss

_THREAD_FROM_BYTES = 4 << 20
_MOST_WAITING = 16


class Verifier:
    """The digest of batches given in order; SHA-256 lets other threads run meanwhile."""

    def __init__(self, schema: Schema) -> None:
        self._digest = ColumnsDigest(schema)
        self._seen = 0
        self._queue: queue.Queue[Batch | None] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def add(self, batch: Batch, size: int) -> None:
        """Takes the next batch, of so many bytes; may wait for those before it."""
        self._seen += size
        if self._thread is None and self._seen < _THREAD_FROM_BYTES:
            self._digest.add(batch)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="alula-digest", daemon=True)
            self._thread.start()
        self._queue.put(batch)

    def hexdigest(self) -> str:
        """The digest of all batches, once they are hashed."""
        self.close()
        if self._failure is not None:
            raise self._failure
        return self._digest.hexdigest()

    def finish(self, message: Any) -> None:
        """Returns when all is hashed; raises DataLoss where that is not what the server says it
        made. A set that lost history since cannot be what it was, and is not compared.
        """
        found = self.hexdigest()
        if found != message.digest and not message.losses and not message.blanked_rows:
            raise DataLoss(
                f"training set {message.id} arrived with digest {found[:16]}…, "
                f"the server made {message.digest[:16]}…",
                "get it again; if it stays so, look for damage with: alula verify",
            )

    def close(self) -> None:
        """Ends the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _work(self) -> None:
        while (batch := self._queue.get()) is not None:
            if self._failure is None:
                try:
                    self._digest.add(batch)
                except BaseException as error:
                    self._failure = error
