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
from urllib.parse import urlsplit

from ._connection import Connection
from ._frames import Bytes
from .errors import InvalidArgument, Unavailable

Result = TypeVar("Result")

DEFAULT_ADDRESS = "alula://127.0.0.1:7461"
_ATTEMPTS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_transports: weakref.WeakSet[Transport] = weakref.WeakSet()


def parse_address(address: str) -> tuple[str, int]:
    """Host and port of ``alula://HOST:PORT``."""
    text = address if "://" in address else f"alula://{address}"
    try:
        parts = urlsplit(text)
        port = parts.port or 7461
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "alula" or not parts.hostname or parts.path not in ("", "/"):
        raise InvalidArgument(f'"{address}" is not an address: expected {DEFAULT_ADDRESS}')
    return parts.hostname, port


class Transport:
    """The way to one server, shared by all threads."""

    def __init__(self, address: str, timeout: float) -> None:
        self.host, self.port = parse_address(address)
        self.timeout = timeout
        self._reset()
        _transports.add(self)
        self.connection()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._closed = False

    def connection(self) -> Connection:
        """The present connection, or a new one."""
        connection = self._connection
        if connection is not None and connection.failure is None:
            return connection
        with self._lock:
            if self._closed:
                raise InvalidArgument("the store is closed", "connect again: alula.connect()")
            if self._connection is None or self._connection.failure is not None:
                self._connection = Connection(self.host, self.port, self.timeout)
            return self._connection

    def unary(
        self, operation: int, control: bytes, data: Bytes = b"", timeout: float | None = None
    ) -> tuple[Bytes, Bytes, list[tuple[Bytes, Bytes]]]:
        """One request, one response and the items before it; repeated after a lost connection.

        ``timeout`` None is the usual one.
        """
        seconds = self.timeout if timeout is None else timeout
        try:
            return self.connection().unary(operation, control, data, seconds)
        except Unavailable as error:
            return self.retrying(
                lambda: self.connection().unary(operation, control, data, seconds), error, seconds
            )

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
                time.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(2 * pause, _LONGEST_PAUSE)
                if give_up is not None and time.monotonic() > give_up:
                    break
            try:
                return attempt()
            except Unavailable as failure:
                error = failure
        assert error is not None
        raise error

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.close()

    def after_fork(self) -> None:
        """In a child process: leave the parent's connection alone and make another."""
        closed, connection = self._closed, self._connection
        if connection is not None:
            connection.abandon()
        self._reset()
        self._closed = closed


def _after_fork() -> None:
    for transport in list(_transports):
        transport.after_fork()


os.register_at_fork(after_in_child=_after_fork)
