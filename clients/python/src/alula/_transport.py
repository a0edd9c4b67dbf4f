"""Calls that survive a lost connection: connects again, and repeats what may be repeated.

Reads are repeated as they are, and so are writes: they carry a request id, and the server answers a
repeat with its first answer.
"""

from __future__ import annotations

import os
import random
import threading
import time
import weakref
from collections.abc import Callable
from typing import TypeVar

from ._bulk import BulkLine
from ._connection import Connection
from ._endpoint import Endpoint
from ._frames import Bytes
from ._line import ConnectionLost, Reply
from ._pool import Pool, closed
from .errors import InvalidArgument, Unavailable

Result = TypeVar("Result")

#: Most connections of one store for short calls; a call that finds them all taken waits.
CONNECTIONS = 32
_ATTEMPTS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_transports: weakref.WeakSet[Transport] = weakref.WeakSet()


class Transport:
    """The way to one server, shared by all threads and left behind by a fork.

    Short calls take a line of the pool; streams share one connection beside it, which is made when
    the first of them begins.
    """

    def __init__(
        self, endpoint: Endpoint | str, timeout: float, connections: int = CONNECTIONS
    ) -> None:
        self.endpoint = Endpoint.of(endpoint) if isinstance(endpoint, str) else endpoint
        if connections < 1:
            raise InvalidArgument("connections: expected 1 or more")
        self.timeout = timeout
        self._connections = connections
        self._reset()
        _transports.add(self)
        self._pool.give(self._pool.take(timeout))

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._pool = Pool(self.endpoint, self.timeout, self._connections)
        self._owned: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._bulk: weakref.WeakSet[BulkLine] = weakref.WeakSet()

    @property
    def open_connections(self) -> int:
        """How many there are now."""
        connection = self._connection
        return len(self._pool) + (connection is not None and connection.failure is None)

    def connection(self) -> Connection:
        """The connection of streams."""
        self._notice_fork()
        connection = self._connection
        if connection is not None and connection.failure is None:
            return connection
        with self._lock:
            if self._pool.is_closed:
                raise closed()
            if self._connection is None or self._connection.failure is not None:
                self._connection = Connection(self.endpoint, self.timeout)
            return self._connection

    def connection_of_its_own(self) -> Connection:
        """For a stream that lasts, such as a watch; its owner closes it, or the store does."""
        self._notice_fork()
        connection = Connection(self.endpoint, self.timeout)
        with self._lock:
            if self._pool.is_closed:
                connection.close()
                raise closed()
            self._owned.add(connection)
        return connection

    def bulk_line(self) -> BulkLine:
        """For files; its owner closes it, or the store does."""
        self._notice_fork()
        line = BulkLine(self.endpoint, self.timeout)
        with self._lock:
            if self._pool.is_closed:
                line.close()
                raise closed()
            self._bulk.add(line)
        return line

    def unary(
        self, operation: int, control: bytes, data: Bytes = b"", timeout: float | None = None
    ) -> Reply:
        """One request, one response and the items before it; repeated after a lost connection.

        ``timeout`` None is the usual one; it holds for all attempts together.
        """
        seconds = self.timeout if timeout is None else timeout
        if self._pid != os.getpid():
            self.after_fork()
        pool = self._pool
        has_served = False
        try:
            line = pool.take(seconds)
            try:
                return line.unary(operation, control, data, seconds)
            finally:
                pool.give(line)
                has_served = line.calls > 1
        except Unavailable as error:
            failure = error
        # A line that has served and is lost: the server was started again, perhaps is there.
        at_once = has_served and isinstance(failure, ConnectionLost)
        if at_once:
            pool.forget_free()
        return self._again(operation, control, data, seconds, failure, at_once)

    def _again(
        self,
        operation: int,
        control: bytes,
        data: Bytes,
        seconds: float,
        failure: Unavailable,
        at_once: bool,
    ) -> Reply:
        give_up = time.monotonic() + seconds

        def attempt() -> Reply:
            remaining = max(give_up - time.monotonic(), 0.001)
            pool = self._pool
            line = pool.take(remaining)
            try:
                return line.unary(operation, control, data, remaining)
            finally:
                pool.give(line)

        if at_once:
            try:
                return attempt()
            except Unavailable as error:
                failure = error
        return self.retrying(attempt, failure, seconds)

    def retrying(
        self,
        attempt: Callable[[], Result],
        error: Unavailable | None = None,
        within: float | None = None,
    ) -> Result:
        """Runs ``attempt`` until it succeeds, fails for good, or has failed eight times.

        ``error`` is a first failure already seen; no attempt begins later than ``within`` seconds.
        """
        give_up = None if within is None else time.monotonic() + within
        pause = _FIRST_PAUSE
        for number in range(0 if error is None else 1, _ATTEMPTS):
            if number:
                wait = pause * random.uniform(0.5, 1.0)
                pause = min(2 * pause, _LONGEST_PAUSE)
                if give_up is not None and time.monotonic() + wait > give_up:
                    break
                time.sleep(wait)
            if self._pool.is_closed:
                raise closed()
            try:
                return attempt()
            except Unavailable as failure:
                error = failure
        assert error is not None
        raise error

    def close(self) -> None:
        """Ends every connection; calls in flight fail."""
        self._notice_fork()
        with self._lock:
            self._pool.close()
            for connection in [self._connection, *self._owned]:
                if connection is not None:
                    connection.close()
            for line in self._bulk:
                line.wake()

    def _notice_fork(self) -> None:
        if self._pid != os.getpid():
            self.after_fork()

    def after_fork(self) -> None:
        """In a child process: leaves the parent's connections alone and makes others."""
        if self._pid == os.getpid():
            return
        was_closed, pool = self._pool.is_closed, self._pool
        for connection in [self._connection, *self._owned]:
            if connection is not None:
                connection.abandon()
        for line in self._bulk:
            line.close()  # this process's end of it only
        pool.abandon()
        self._reset()
        self._pool.is_closed = was_closed


def _after_fork() -> None:
    for transport in list(_transports):
        transport.after_fork()


os.register_at_fork(after_in_child=_after_fork)
