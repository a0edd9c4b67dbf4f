"""The way to one server from event loops: connects again, and repeats reads."""

from __future__ import annotations

import asyncio
import os
import random
import weakref
from collections.abc import AsyncGenerator

from .._endpoint import Endpoint
from .._frames import Bytes
from .._line import ConnectionLost, Reply, too_late
from .._pool import closed
from ..errors import Unavailable
from ._connection import Connection

_ATTEMPTS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


class AsyncTransport:
    """One connection for each event loop that reads; a forked child makes its own."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint, self.timeout = endpoint, timeout
        self.is_closed = False
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._connections: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Connection] = (
            weakref.WeakKeyDictionary()
        )
        self._opening: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            weakref.WeakKeyDictionary()
        )

    async def connection(self) -> Connection:
        """The connection of the running loop, or a new one."""
        if self._pid != os.getpid():
            self._begin()
        loop = asyncio.get_running_loop()
        connection = self._connections.get(loop)
        if connection is not None and connection.failure is None and not self.is_closed:
            return connection
        async with self._opening.setdefault(loop, asyncio.Lock()):
            if self.is_closed:
                raise closed()
            connection = self._connections.get(loop)
            if connection is None or connection.failure is not None:
                connection = await Connection.open(self._endpoint, self.timeout)
                self._connections[loop] = connection
            return connection

    async def unary(self, operation: int, control: bytes, data: Bytes, seconds: float) -> Reply:
        """One request, one response and the items before it; repeated after a lost connection.

        ``seconds`` holds for all attempts together.
        """
        try:
            return await asyncio.wait_for(self._repeating(operation, control, data), seconds)
        except asyncio.TimeoutError:
            raise too_late() from None

    async def _repeating(self, operation: int, control: bytes, data: Bytes) -> Reply:
        pause = 0.0
        for number in range(_ATTEMPTS):
            try:
                connection = await self.connection()
                return await connection.unary(operation, control, data)
            except Unavailable as error:
                if number == _ATTEMPTS - 1:
                    raise
                # The first failure of a connection that was there may be a restart: at once.
                if number or not isinstance(error, ConnectionLost):
                    pause = min(2 * pause or _FIRST_PAUSE, _LONGEST_PAUSE)
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))
        raise AssertionError("every attempt returns or raises")

    async def items(
        self, operation: int, control: bytes, data: Bytes
    ) -> AsyncGenerator[tuple[Bytes, Bytes], None]:
        """The items of an answer as they come, and last its response where that has data."""
        connection = await self.connection()
        call = await connection.begin(operation, control, data)
        try:
            while (item := await connection.next_item(call)) is not None:
                yield item
            last = connection.result(call)
            if len(last[1]):
                yield last
        finally:
            connection.end(call)

    async def close(self) -> None:
        """Ends the connections."""
        self.is_closed = True
        loop = asyncio.get_running_loop()
        for owner, connection in list(self._connections.items()):
            if owner is loop:
                await connection.close()
            elif not owner.is_closed():
                owner.call_soon_threadsafe(connection.fail, closed())
