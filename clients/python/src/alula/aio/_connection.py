"""A connection on an event loop: many calls in flight, each awaited by a task of its own."""

from __future__ import annotations

import asyncio
from collections import deque

from .._connection import CALL_WINDOW
from .._endpoint import FIRST_CALL, Endpoint, set_options
from .._frames import (
    HEADER_BYTES,
    PREFACE_BYTES,
    Bytes,
    Header,
    Kind,
    check_preface,
    decode_header,
    encode_frame,
    split_payload,
)
from .._line import ConnectionLost, Reply, failure_of
from .._proto import common_pb2 as pb
from ..errors import AlulaError, Unavailable

_GRANT_FROM = CALL_WINDOW // 4
_MAX_CALLS = 256


class Call:
    """One call in flight; its items wait here, of which the server sends no more than granted."""

    __slots__ = ("number", "operation", "items", "final", "_owed", "_waiter")

    def __init__(self, number: int, operation: int) -> None:
        self.number, self.operation = number, operation
        self.items: deque[tuple[Bytes, Bytes, int]] = deque()
        self.final: tuple[Bytes, Bytes] | AlulaError | None = None
        self._owed = 0
        self._waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> None:
        """Returns when there is something to take."""
        while not self.items and self.final is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def owed_after(self, size: int) -> int:
        """What to grant the server after so many bytes more have been taken; 0: nothing yet."""
        self._owed += size
        if self._owed < _GRANT_FROM:
            return 0
        owed, self._owed = self._owed, 0
        return owed


class Connection(asyncio.Protocol):
    """Belongs to one event loop; ends with its first failure."""

    def __init__(self, greeting: bytes) -> None:
        self._greeting = greeting
        self.failure: AlulaError | None = None
        self._transport: asyncio.Transport | None = None
        self._calls: dict[int, Call] = {}
        self._next = FIRST_CALL + 1
        self._rest: Bytes = b""
        self._parts: list[Bytes] = []
        self._missing = PREFACE_BYTES
        self._greeted = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._free = asyncio.Semaphore(_MAX_CALLS)
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @staticmethod
    async def open(endpoint: Endpoint, seconds: float) -> Connection:
        """Connects; raises Unavailable, with what to do, where nobody answers."""
        loop = asyncio.get_running_loop()
        context = endpoint.tls
        opening = loop.create_connection(
            lambda: Connection(endpoint.greeting),
            endpoint.host,
            endpoint.port,
            ssl=context,
            server_hostname=None if context is None else endpoint.host,
        )
        try:
            _, connection = await asyncio.wait_for(opening, seconds)
        except asyncio.TimeoutError:
            raise endpoint.failure(OSError(0, "timed out")) from None
        except OSError as error:
            raise endpoint.failure(error) from None
        return connection

    async def unary(self, operation: int, control: bytes, data: Bytes) -> Reply:
        """One request, and its answer: control and data of the response, the items before it."""
        items = []
        call = await self.begin(operation, control, data)
        try:
            while (item := await self.next_item(call)) is not None:
                items.append(item)
            return (*self.result(call), items)
        finally:
            self.end(call)

    async def begin(self, operation: int, control: bytes, data: Bytes) -> Call:
        """Opens a call, which is to be ended; waits while too many are in flight."""
        await self._free.acquire()
        try:
            await self._writable.wait()
            if self.failure is not None or self._transport is None:
                raise self._lost()
            number = self._next
            self._next = number + 1 if number < 0xFFFF_FFFF else FIRST_CALL + 1
            frame = encode_frame(Kind.REQUEST, 0, operation, number, control, data)
        except BaseException:
            self._free.release()
            raise
        call = self._calls[number] = Call(number, operation)
        self._transport.write(frame)
        return call

    async def next_item(self, call: Call) -> tuple[Bytes, Bytes] | None:
        """The next item; None when the call has ended."""
        if not call.items and call.final is None:
            await call.wait()
        if not call.items:
            return None
        control, data, size = call.items.popleft()
        if (owed := call.owed_after(size)) and call.final is None:
            window = pb.Window(bytes=owed).SerializeToString()
            self._send(encode_frame(Kind.WINDOW, 0, call.operation, call.number, window))
        return control, data

    def result(self, call: Call) -> tuple[Bytes, Bytes]:
        """Control and data of the response of a call that has ended; raises what it failed with."""
        if isinstance(call.final, AlulaError):
            raise call.final
        assert call.final is not None
        return call.final

    def end(self, call: Call) -> None:
        """Forgets a call, once; cancels it where it still runs."""
        self._free.release()
        if self._calls.pop(call.number, None) is not None:
            self._send(encode_frame(Kind.CANCEL, 0, call.operation, call.number, b""))

    async def close(self) -> None:
        """Ends the connection and every call on it."""
        self.fail(Unavailable("the connection was closed"))
        if self._transport is not None:
            await asyncio.wait({self._closed}, timeout=1)

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if (connected := transport.get_extra_info("socket")) is not None:
            set_options(connected)
        transport.write(self._greeting)

    def connection_lost(self, error: Exception | None) -> None:
        reason = f"the connection to the server was lost: {error}" if error else None
        self.fail(Unavailable(reason or "the server closed the connection"))
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        if self._parts or len(data) < self._missing:
            self._parts.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = b"".join(self._parts)
            self._parts = []
        try:
            rest = self._frames(data)
        except AlulaError as error:
            self.fail(error)
            return
        if rest:
            self._parts = [data[len(data) - rest :]]

    def _frames(self, data: bytes) -> int:
        """Takes every whole frame; returns how many bytes are left over."""
        view, position, size = memoryview(data), 0, len(data)
        if not self._greeted:
            check_preface(view[:PREFACE_BYTES])
            position, self._greeted = PREFACE_BYTES, True
        while True:
            left = size - position
            if left < HEADER_BYTES:
                self._missing = HEADER_BYTES - left
                return left
            header = decode_header(view, position)
            whole = HEADER_BYTES + header.payload
            if left < whole:
                self._missing = whole - left
                return left
            payload: Bytes = view[position + HEADER_BYTES : position + whole]
            if position % 8 or left > whole:
                payload = bytes(payload)  # of its own, so that a small answer keeps no large one
            self._dispatch(header, payload)
            position += whole

    def _dispatch(self, header: Header, payload: Bytes) -> None:
        control, data = split_payload(payload, header.control)
        if header.kind == Kind.ERROR and header.call == 0:
            raise failure_of(control)
        call = self._calls.get(header.call)
        if call is None:
            return
        if header.kind == Kind.ITEM:
            call.items.append((bytes(control), memoryview(data), header.payload))
        elif header.kind == Kind.RESPONSE:
            call.final = bytes(control), memoryview(data)
        elif header.kind == Kind.ERROR:
            call.final = failure_of(control)
        else:
            return
        if call.final is not None:
            del self._calls[header.call]
        call.wake()

    def _send(self, frame: bytes) -> None:
        if self.failure is None and self._transport is not None:
            self._transport.write(frame)

    def fail(self, error: AlulaError) -> None:
        """Ends the connection and every call on it."""
        if self.failure is None:
            self.failure = error
            calls, self._calls = list(self._calls.values()), {}
            for call in calls:
                call.final = self._lost()
                call.wake()
            self._writable.set()
            if self._transport is not None:
                self._transport.abort()

    def _lost(self) -> AlulaError:
        failure = self.failure or Unavailable("the connection is not open")
        if isinstance(failure, Unavailable):
            return ConnectionLost(failure.message, failure.help)
        return failure
