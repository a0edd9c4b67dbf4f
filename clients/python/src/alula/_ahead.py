"""A thread that works ahead of whoever takes its results."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

_LOOK_EVERY = 0.1


class Ahead(Generic[Item]):
    """What ``source`` yields, made on a thread of its own, at most ``depth`` items ahead.

    An exception of the source is raised here, in its place. Closing ends the thread.
    """

    def __init__(self, source: Iterator[Item], depth: int) -> None:
        self._source = source
        self._queue: queue.Queue[Item | None] = queue.Queue(depth)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="alula-ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Item]:
        try:
            while (item := self._queue.get()) is not None:
                yield item
            if self._failure is not None:
                raise self._failure
        finally:
            self.close()

    def close(self) -> None:
        """Ends the thread, whatever is left."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            for item in self._source:
                if not self._put(item):
                    return
        except BaseException as error:
            self._failure = error
        self._put(None)

    def _put(self, item: Item | None) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_LOOK_EVERY)
                return True
            except queue.Full:
                continue
        return False
