"""Watching the registry: what was registered, promoted, approved, as it happens."""

from __future__ import annotations

import random
import time
from collections import deque
from typing import TYPE_CHECKING

from ._closing import Closing
from ._connection import Call, Connection
from ._frames import Bytes, Op
from ._proto import releases_pb2
from ._session import Session
from .errors import DeadlineExceeded, Unavailable
from .releases import Event

if TYPE_CHECKING:
    from typing_extensions import Self

#: The server says every five seconds that it lives; after so many the connection counts as lost.
SILENCE = 20.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0


class Position:
    """How far a watch is: what to ask for, and what of an item is new. Does no I/O."""

    def __init__(self, model: str, after: int | None) -> None:
        self.model = model
        #: Everything up to this revision was told; None until the server has said where now is.
        self.revision = after
        self._pause = 0.0

    def request(self) -> releases_pb2.WatchRequest:
        """What to ask for, to go on without a gap."""
        return releases_pb2.WatchRequest(
            model=self.model, after=self.revision or 0, from_now=self.revision is None
        )

    def take(self, control: Bytes) -> list[Event] | None:
        """The events of an item; None where the server left some out: ask again, and they come."""
        item = releases_pb2.RegistryEvents.FromString(bytes(control))
        self._pause = 0.0
        if item.missed and self.revision is not None:
            return None
        last = -1 if self.revision is None else self.revision
        self.revision = max(last, item.revision)
        return [Event.of(event) for event in item.events if event.revision > last]

    def pause(self) -> float:
        """Seconds to wait before connecting again: at once first, then longer and longer."""
        now, self._pause = self._pause, min(2 * self._pause or _FIRST_PAUSE, _LONGEST_PAUSE)
        return now * random.uniform(0.5, 1.0)


class Watch(Closing):
    """An endless iterator of events, in order, none of them twice and none left out; on a
    connection of its own.

    ``next`` waits. After a lost connection or a restart of the server it goes on behind
    ``revision``, which may also be kept, and given as ``after=`` another day.
    """

    def __init__(self, session: Session, model: str, after: int | None) -> None:
        self._session = session
        self._position = Position(model, after)
        self._events: deque[Event] = deque()
        self._connection: Connection | None = None
        self._call: Call | None = None
        self.is_closed = False
        self._receive(within=session.transport.timeout)

    @property
    def revision(self) -> int:
        """Everything up to it has come."""
        if self._events:
            return self._events[0].revision - 1
        return self._position.revision or 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        while not self._events:
            if self.is_closed:
                raise StopIteration
            self._receive()
        return self._events.popleft()

    def close(self) -> None:
        """Ends the watch and its connection."""
        self.is_closed = True
        self._events.clear()
        self._drop()

    def _receive(self, within: float | None = None) -> None:
        """Takes the next item, connecting as often as need be: for ever, or until ``within``."""
        give_up = None if within is None else time.monotonic() + within
        while not self.is_closed:
            try:
                call = self._opened()
                call.deadline = time.monotonic() + SILENCE
                item = call.next_item()
                if item is None:
                    call.result()
                    raise Unavailable("the server ended the watch")
                events = self._position.take(item[0])
                if events is not None:
                    self._events += events
                    return
                self._drop()
            except (Unavailable, DeadlineExceeded):
                self._drop()
                if give_up is not None and time.monotonic() > give_up:
                    raise
                time.sleep(self._position.pause())
            except BaseException:
                self._drop()
                raise

    def _opened(self) -> Call:
        if self._connection is None or self._connection.failure is not None:
            self._connection = self._session.transport.connection_of_its_own()
            self._call = None
        if self._call is None:
            control = self._session.prepare(self._position.request(), False, None)
            self._call = self._connection.open(Op.WATCH, control, b"", None)
        return self._call

    def _drop(self) -> None:
        connection, self._connection, self._call = self._connection, None, None
        if connection is not None and connection.failure is None:
            connection.close()
