"""Watching the registry from an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from .._closing import AsyncClosing
from .._frames import Op
from .._line import too_late
from .._session import Session
from ..errors import DeadlineExceeded, Unavailable
from ..releases import Event
from ..watching import SILENCE, Position
from ._connection import Call, Connection
from ._transport import AsyncTransport

if TYPE_CHECKING:
    from typing_extensions import Self


class AsyncWatch(AsyncClosing):
    """An endless iterator of events; see ``alula.Watch``. It shares the connection of its loop."""

    def __init__(
        self, session: Session, transport: AsyncTransport, model: str, after: int | None
    ) -> None:
        self._session, self._transport = session, transport
        self._position = Position(model, after)
        self._events: deque[Event] = deque()
        self._open: tuple[Connection, Call] | None = None
        self.is_closed = False

    @staticmethod
    async def begin(
        session: Session, transport: AsyncTransport, model: str, after: int | None
    ) -> AsyncWatch:
        """A watch of which the server has said where it begins."""
        watch = AsyncWatch(session, transport, model, after)
        try:
            await asyncio.wait_for(watch._receive(), transport.timeout)
        except asyncio.TimeoutError:
            raise too_late() from None
        return watch

    @property
    def revision(self) -> int:
        """Everything up to it has come."""
        if self._events:
            return self._events[0].revision - 1
        return self._position.revision or 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self.is_closed:
                raise StopAsyncIteration
            await self._receive()
        return self._events.popleft()

    async def close(self) -> None:
        """Ends the watch."""
        self.is_closed = True
        self._events.clear()
        self._drop()

    async def _receive(self) -> None:
        """Takes the next item, connecting as often as need be."""
        while not self.is_closed:
            try:
                events = await self._next_events()
                if events is not None:
                    self._events += events
                    return
                self._drop()
            except (Unavailable, DeadlineExceeded):
                self._drop()
                await asyncio.sleep(self._position.pause())
            except BaseException:
                self._drop()
                raise

    async def _next_events(self) -> list[Event] | None:
        if self._open is None:
            connection = await self._transport.connection()
            control = self._session.prepare(self._position.request(), False, None)
            self._open = connection, await connection.begin(Op.WATCH, control, b"")
        connection, call = self._open
        try:
            item = await asyncio.wait_for(connection.next_item(call), SILENCE)
        except asyncio.TimeoutError:
            connection.fail(Unavailable("the server has said nothing for a while"))
            raise too_late() from None
        if item is None:
            connection.result(call)
            raise Unavailable("the server ended the watch")
        return self._position.take(item[0])

    def _drop(self) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            opened[0].end(opened[1])
