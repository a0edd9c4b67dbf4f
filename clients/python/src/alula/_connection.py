"""One connection: many calls in flight, credit both ways, deadlines.

There is no thread of its own. Whoever waits for an answer reads the socket, and hands frames of
other calls to those who wait for them; so the common case, one caller, costs no switch between
threads.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from ._endpoint import FIRST_CALL, Endpoint
from ._frames import (
    FLAG_MORE,
    HEADER_BYTES,
    Bytes,
    Data,
    Header,
    Kind,
    encode_frame,
    frame_parts,
    split_payload,
)
from ._line import ConnectionLost, failure_of, too_late
from ._proto import common_pb2 as pb
from ._reader import FrameReader
from ._secure import SecureSocket, open_stream
from .errors import AlulaError, Cancelled, DataLoss, Unavailable

CALL_WINDOW = 4 << 20
_GRANT_FROM = 1 << 20
_MAX_CALLS = 256
_SEND_TIMEOUT = 60.0
#: Parts in one system call; Linux takes at most 1,024.
_MOST_PARTS = 512


Taker = Callable[[Bytes, Bytes], None]


class Call:
    """One call in flight, owned by the thread that opened it."""

    __slots__ = (
        "connection",
        "number",
        "operation",
        "items",
        "final",
        "credit",
        "_owed",
        "deadline",
    )

    def __init__(
        self, connection: Connection, number: int, operation: int, deadline: float | None
    ) -> None:
        self.connection, self.number, self.operation = connection, number, operation
        self.deadline = deadline
        self.items: deque[tuple[Bytes, Bytes, int]] = deque()
        self.final: tuple[Bytes, Bytes] | AlulaError | None = None
        self.credit = CALL_WINDOW
        self._owed = 0

    def send(self, control: bytes, data: Data, take: Taker) -> bool:
        """Sends one item of the upload as soon as there is credit; False where the call has ended.

        Items of the answer that come meanwhile go to ``take``: the server may wait for credit
        itself.
        """
        frame = frame_parts(Kind.ITEM, 0, self.operation, self.number, control, data)
        size = sum(map(len, frame)) - HEADER_BYTES
        while self.items or self.credit < size:
            self.connection.wait(
                self, lambda: bool(self.items) or self.credit >= size or self.final is not None
            )
            while (item := self.next_item(wait=False)) is not None:
                take(*item)
            if self.final is not None:
                break
        if self.final is not None:
            return False
        self.connection.spend(self, size)
        self.connection.send(*frame)
        return True

    def finish(self) -> None:
        """Says that the upload is complete."""
        if self.final is None:
            self.connection.send(encode_frame(Kind.END, 0, self.operation, self.number, b""))

    def next_item(self, wait: bool = True) -> tuple[Bytes, Bytes] | None:
        """The next item of the answer; None when the call has ended, or none is there to be had
        now.
        """
        if wait:
            self.connection.wait(self, lambda: bool(self.items) or self.final is not None)
        if not self.items:
            return None
        control, data, size = self.items.popleft()
        self._owed += size
        if self._owed >= _GRANT_FROM:
            self.grant(self._owed)
            self._owed = 0
        return control, data

    def grant(self, size: int) -> None:
        """Lets the server send so many bytes of items more."""
        if self.final is None:
            window = pb.Window(bytes=size).SerializeToString()
            self.connection.send(encode_frame(Kind.WINDOW, 0, self.operation, self.number, window))

    def result(self) -> tuple[Bytes, Bytes]:
        """Control and data of the response; raises the error the call failed with."""
        if self.final is None:
            self.connection.wait(self, lambda: self.final is not None)
        if isinstance(self.final, AlulaError):
            raise self.final
        assert self.final is not None
        return self.final

    def close(self) -> None:
        """Forgets the call; cancels it where it still runs."""
        self.connection.close_call(self)


class Connection:
    """A socket to a server, safe to share between threads. Ends with its first failure."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._socket = open_stream(endpoint, timeout)
        self._raw = self._socket.raw if isinstance(self._socket, SecureSocket) else self._socket
        self._reader = FrameReader(self._socket)
        self._state = threading.Condition(threading.RLock())
        self._sending = threading.RLock()
        self._sender = 0
        self._reading = False
        self._waiting = 0
        self._calls: dict[int, Call] = {}
        self._next = FIRST_CALL + 1
        self.failure: AlulaError | None = None
        self.send(endpoint.greeting)

    def open(
        self, operation: int, control: bytes, data: Bytes, timeout: float | None, more: bool = False
    ) -> Call:
        """Begins a call; its deadline is ``timeout`` seconds from now, None for ever."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._state:
            if self.failure is not None:
                raise ConnectionLost(str(self.failure))
            while len(self._calls) >= _MAX_CALLS:
                self._pause(1.0)
            number = self._next
            self._next = number + 1 if number < 0xFFFF_FFFF else FIRST_CALL + 1
            call = self._calls[number] = Call(self, number, operation, deadline)
        try:
            flags = FLAG_MORE if more else 0
            self.send(encode_frame(Kind.REQUEST, flags, operation, number, control, data))
        except BaseException:
            with self._state:
                self._calls.pop(number, None)
            raise
        return call

    def wait(self, call: Call, ready: Callable[[], bool]) -> None:
        """Returns when ``ready``; until then reads for everybody, or waits while another thread
        does.
        """
        while True:
            with self._state:
                while True:
                    if ready():
                        return
                    if self.failure is not None:
                        raise self._lost()
                    if not self._reading:
                        self._reading = True
                        break
                    self._pause(self._remaining(call))
            self._lead(call, ready)

    def _pause(self, seconds: float | None) -> None:
        self._waiting += 1
        try:
            self._state.wait(seconds)
        finally:
            self._waiting -= 1

    def _lead(self, call: Call, ready: Callable[[], bool]) -> None:
        reader = self._reader
        try:
            while not ready() and self.failure is None:
                remaining = self._remaining(call)
                frame = reader.next_frame(None if remaining is None else int(remaining * 1000) + 1)
                if frame is not None:
                    self._dispatch(*frame)
        except (Unavailable, DataLoss) as error:
            self.fail(error)
        except BaseException:
            if reader.torn:
                self.fail(Cancelled("interrupted while reading"))
            raise
        finally:
            self._stop_reading()

    def _stop_reading(self) -> None:
        with self._state:
            self._reading = False
            if self.failure is not None:
                self._socket.close()
            if self._waiting:
                self._state.notify_all()

    def _remaining(self, call: Call) -> float | None:
        if call.deadline is None:
            return None
        remaining = call.deadline - time.monotonic()
        if remaining <= 0:
            raise too_late()
        return remaining

    def _dispatch(self, header: Header, payload: Bytes) -> None:
        control, data = split_payload(payload, header.control)
        if header.kind == Kind.ERROR and header.call == 0:
            self.fail(failure_of(control))
            return
        with self._state:
            call = self._calls.get(header.call)
            if call is None:
                return
            if header.kind == Kind.ITEM:
                call.items.append((control, data, header.payload))
            elif header.kind == Kind.WINDOW:
                call.credit += pb.Window.FromString(bytes(control)).bytes
            elif header.kind == Kind.RESPONSE:
                del self._calls[header.call]
                call.final = (control, data)
            elif header.kind == Kind.ERROR:
                del self._calls[header.call]
                call.final = failure_of(control)
            if self._waiting:
                self._state.notify_all()

    def spend(self, call: Call, size: int) -> None:
        with self._state:
            call.credit -= size

    def send(self, *frame: Bytes) -> None:
        """Sends a whole frame, given in parts. While the server takes nothing, reads what it
        sends.
        """
        with self._sending:
            if self.failure is not None:
                raise self._lost()
            self._sender = threading.get_ident()
            try:
                self._send_parts(frame)
            except OSError as error:
                self.fail(Unavailable(f"the connection to the server was lost: {error.strerror}"))
                raise self._lost() from None
            except AlulaError as error:
                self.fail(error)
                raise self._lost() from None
            except BaseException:
                self.fail(Cancelled("interrupted while sending"))
                raise
            finally:
                self._sender = 0

    def _send_parts(self, parts: Sequence[Bytes]) -> None:
        try:
            parts = _behind(parts, self._write(parts))
        except BlockingIOError:
            pass
        if parts:
            self._send_rest(parts)

    def _write(self, parts: Sequence[Bytes]) -> int:
        """How many bytes were taken at once."""
        if len(parts) == 1:
            return self._socket.send(parts[0])
        return self._socket.sendmsg(parts[:_MOST_PARTS])

    def _send_rest(self, rest: Sequence[Bytes]) -> None:
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLOUT | select.POLLIN)
        give_up = time.monotonic() + _SEND_TIMEOUT
        while rest:
            events = poll.poll(1000)
            if time.monotonic() > give_up:
                raise Unavailable("the server takes no more bytes")
            for _, event in events:
                if event & select.POLLOUT:
                    try:
                        rest = _behind(rest, self._write(rest))
                    except BlockingIOError:
                        continue
                    give_up = time.monotonic() + _SEND_TIMEOUT
                elif not self._drain():
                    time.sleep(0.001)

    def _drain(self) -> bool:
        """Reads what is there; False where another thread reads."""
        with self._state:
            if self._reading:
                return False
            self._reading = True
        try:
            frame = self._reader.next_frame(0)
            if frame is not None:
                self._dispatch(*frame)
        finally:
            self._stop_reading()
        return True

    def close_call(self, call: Call) -> None:
        with self._state:
            open_still = self._calls.pop(call.number, None) is not None
            if open_still and call.final is None:
                call.final = Cancelled("the call was cancelled")
            if self._waiting:
                self._state.notify_all()
        call.items.clear()
        # A finaliser may run while its thread is in the middle of a frame: nothing goes between.
        if open_still and self.failure is None and self._sender != threading.get_ident():
            try:
                self.send(encode_frame(Kind.CANCEL, 0, call.operation, call.number, b""))
            except AlulaError:
                return  # the connection is gone, and the call with it

    def fail(self, error: AlulaError) -> None:
        """Ends the connection and every call on it."""
        with self._state:
            if self.failure is None:
                self.failure = error
                self._calls.clear()
                if self._reading:
                    # Whoever reads is woken by it, and closes the socket.
                    with contextlib.suppress(OSError):
                        socket.socket.shutdown(self._raw, socket.SHUT_RDWR)
                else:
                    self._socket.close()
            self._state.notify_all()

    def abandon(self) -> None:
        """In a child process: the socket is the parent's, nothing is sent on it."""
        self._state = threading.Condition(threading.RLock())
        self._sending = threading.RLock()
        self.failure = Unavailable("the connection belongs to the parent process")
        self._calls.clear()
        self._socket.close()  # this process's end of it only

    def close(self) -> None:
        self.fail(Unavailable("the connection was closed"))

    def __del__(self) -> None:
        if hasattr(self, "_socket"):
            self._socket.close()

    def _lost(self) -> AlulaError:
        failure = self.failure
        assert failure is not None
        if isinstance(failure, (Unavailable, Cancelled)):
            return ConnectionLost(failure.message, failure.help)
        return failure


def _behind(parts: Sequence[Bytes], sent: int) -> Sequence[Bytes]:
    """What is left of ``parts`` behind their first ``sent`` bytes."""
    for index, part in enumerate(parts):
        if sent < len(part):
            return [memoryview(part)[sent:], *parts[index + 1 :]]
        sent -= len(part)
    return ()
