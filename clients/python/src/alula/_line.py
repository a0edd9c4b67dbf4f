"""A line: a connection for one short call at a time, read by the thread that makes the call.

A thread takes a line for itself, so that sending is one system call and receiving mostly another.
The socket blocks; its own timeout (SO_RCVTIMEO) keeps the deadline.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time

import numpy as np

from ._endpoint import FIRST_CALL, Endpoint
from ._frames import (
    HEADER,
    HEADER_BYTES,
    PREFACE_BYTES,
    Bytes,
    Header,
    Kind,
    check_preface,
    decode_header,
    encode_frame,
)
from ._proto import common_pb2 as pb
from ._secure import open_line
from .errors import AlulaError, DeadlineExceeded, Unavailable, error_of

_CHUNK, _MOST_AT_ONCE = 64 << 10, 1 << 20
_GRANT_FROM = 1 << 20
_SEND_SECONDS = 60
_FOREVER = 1 << 30
_TIMEVAL = struct.Struct("@ll")

#: Control and data of a response, and of the items before it.
Reply = tuple[Bytes, Bytes, list[tuple[Bytes, Bytes]]]


class _TimeIsUp(Exception):
    """The deadline has passed on this side."""


class ConnectionLost(Unavailable):
    """The connection ended under a call, which may be sent again on another."""


def too_late() -> DeadlineExceeded:
    """The deadline of a call has passed."""
    return DeadlineExceeded(
        "the server did not answer in time",
        "a write may have happened: look before repeating it; timeout= gives more time",
    )


def failure_of(control: Bytes) -> AlulaError:
    """The error of an error frame."""
    failure = pb.Failure.FromString(bytes(control))
    return error_of(
        failure.code, failure.message, failure.help, list(failure.details), failure.retry
    )


class Line:
    """Used by one thread at a time; ends with its first failure, which ``is_open`` tells."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self.is_open = True
        #: Calls made on it: the first failure of a line that has served may be a restart.
        self.calls = 0
        self._socket = open_line(endpoint, timeout)
        self._socket.settimeout(None)
        limit = _TIMEVAL.pack(_SEND_SECONDS, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._limit = 0.0
        self._number = FIRST_CALL
        #: Calls given up whose last frame has not come: two, and the line is not used again.
        self._unanswered = 0
        self._chunk = _CHUNK
        self._rest: Bytes = b""
        self._greeted = False
        self._send(endpoint.greeting)

    def unary(self, operation: int, control: bytes, data: Bytes, seconds: float | None) -> Reply:
        """One request, and its answer: control and data of the response, the items before it."""
        give_up = None if seconds is None else time.monotonic() + seconds
        self.calls += 1
        self._number = number = self._number + 1
        if seconds != self._limit:
            self._set_limit(seconds)
        try:
            self._send(encode_frame(Kind.REQUEST, 0, operation, number, control, data))
            reply: Reply | AlulaError | None = None
            if self._greeted and not self._rest:
                reply = self._reply_at_once(number)
            if reply is None:
                reply = self._reply(operation, number, give_up)
        except _TimeIsUp:
            self._cancel(operation, number)
            raise too_late() from None
        except BaseException:
            self.close()  # lost, or interrupted with a frame half taken
            raise
        if isinstance(reply, AlulaError):
            raise reply
        return reply

    def _reply_at_once(self, number: int) -> Reply | None:
        """The response, where it comes whole in one piece; else what came is kept for later."""
        try:
            chunk = self._socket.recv(self._chunk)
        except (BlockingIOError, TimeoutError):
            raise _TimeIsUp from None
        except OSError as error:
            raise _lost(error) from None
        size = len(chunk)
        if size >= HEADER_BYTES:
            payload, kind, _, _, call, length = HEADER.unpack_from(chunk)
            if kind == 2 and call == number and payload + HEADER_BYTES == size:
                if length <= payload:
                    end = HEADER_BYTES + length
                    control = bytes(chunk[HEADER_BYTES:end])
                    return control, memoryview(chunk)[end + -length % 8 :], []
        elif size == 0:
            raise ConnectionLost("the server closed the connection")
        self._rest = chunk
        return None

    def _reply(self, operation: int, number: int, give_up: float | None) -> Reply | AlulaError:
        items: list[tuple[Bytes, Bytes]] = []
        owed = 0
        while True:
            header, payload = self._frame(give_up)
            control = bytes(payload[: header.control])
            if header.kind == Kind.ERROR and header.call == 0:
                self.close()
                return failure_of(control)
            if header.call != number:
                if header.kind in (Kind.RESPONSE, Kind.ERROR):
                    self._unanswered = max(0, self._unanswered - 1)
                continue
            if header.kind == Kind.ERROR:
                return failure_of(control)
            data = payload[header.control + -header.control % 8 :]
            if header.kind == Kind.RESPONSE:
                return control, data, items
            if header.kind == Kind.ITEM:
                items.append((control, data))
                owed += header.payload
                if owed >= _GRANT_FROM:
                    window = pb.Window(bytes=owed).SerializeToString()
                    self._send(encode_frame(Kind.WINDOW, 0, operation, number, window))
                    owed = 0

    def _head(self, give_up: float | None) -> Header:
        """The head of the next frame, which stays."""
        if not self._greeted:
            self._fill(PREFACE_BYTES, give_up)
            check_preface(self._rest)
            self._rest, self._greeted = self._rest[PREFACE_BYTES:], True
        self._fill(HEADER_BYTES, give_up)
        return decode_header(self._rest)

    def _frame(self, give_up: float | None) -> tuple[Header, Bytes]:
        """The next frame; a wait that runs out of time keeps what has come of it."""
        header = self._head(give_up)
        whole = HEADER_BYTES + header.payload
        self._chunk = min(max(_CHUNK, whole + whole // 8), _MOST_AT_ONCE + _CHUNK)
        self._fill(whole, give_up)
        rest = self._rest
        # What is behind is copied, so that payloads begin at multiples of 8 in memory.
        self._rest = bytes(rest[whole:]) if len(rest) > whole else b""
        return header, memoryview(rest)[HEADER_BYTES:whole]

    def _fill(self, size: int, give_up: float | None) -> None:
        """Receives until ``_rest`` has so many bytes."""
        have = len(self._rest)
        if have >= size:
            return
        memory = np.empty(max(size, _CHUNK), np.uint8).data
        memory[:have] = self._rest
        try:
            while have < size:
                if give_up is not None:
                    remaining = give_up - time.monotonic()
                    if remaining <= 0:
                        raise _TimeIsUp
                    self._set_limit(remaining)
                have += self._receive(memory[have:])
        finally:
            self._rest = memory[:have]

    def _receive(self, memory: memoryview) -> int:
        """How many bytes came; none where the socket's own time was up."""
        try:
            count = self._socket.recv_into(memory)
        except (BlockingIOError, TimeoutError):
            return 0
        except OSError as error:
            raise _lost(error) from None
        if count == 0:
            raise ConnectionLost("the server closed the connection")
        return count

    def _set_limit(self, seconds: float | None) -> None:
        """How long one receiving system call may take."""
        self._limit = -1.0 if seconds is None else seconds
        micros = 0 if seconds is None else max(1, int(min(seconds, _FOREVER) * 1e6))
        limit = _TIMEVAL.pack(*divmod(micros, 1_000_000))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        except OSError as error:
            raise _lost(error) from None

    def _send(self, frame: Bytes) -> None:
        try:
            while (sent := self._socket.send(frame)) < len(frame):
                frame = memoryview(frame)[sent:]
        except (BlockingIOError, TimeoutError):
            raise ConnectionLost("the server takes no more bytes") from None
        except OSError as error:
            raise _lost(error) from None

    def _cancel(self, operation: int, number: int) -> None:
        """Tells that a late call is given up, and keeps the line unless it seems dead."""
        self._unanswered += 1
        if self._unanswered > 1:
            self.close()
            return
        try:
            self._send(encode_frame(Kind.CANCEL, 0, operation, number, b""))
        except Unavailable:
            self.close()

    def wake(self) -> None:
        """From another thread: ends a call that waits on the line."""
        self.is_open = False
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends the line. Of a socket shared with a parent process only the child's end closes."""
        self.is_open = False
        self._socket.close()

    def __del__(self) -> None:
        if hasattr(self, "_socket"):
            self._socket.close()


def _lost(error: OSError) -> ConnectionLost:
    return ConnectionLost(f"the connection to the server was lost: {error.strerror or error}")
