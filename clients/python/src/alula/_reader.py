"""Reads frames from a socket: small ones from one buffer, large ones into memory of their own.

When large frames come one behind the other, as in a stream of rows, they are received into slabs
that hold several: fewer calls, and memory in huge pages.
"""

from __future__ import annotations

import select
import socket

import numpy as np

from ._frames import HEADER_BYTES, PREFACE_BYTES, Bytes, Header, check_preface, decode_header
from ._secure import SecureSocket
from .errors import Unavailable

_CHUNK = 64 << 10
_LARGE = _CHUNK // 2
_SLAB = 8 << 20
_ALIGNMENT = 64
#: Large frames in a row after which they go into slabs.
_STREAM_FROM = 2


class FrameReader:
    """Turns what arrives into frames; keeps its place when a wait runs out of time.

    Used by one thread at a time. Payloads are views of memory that nothing else writes to.
    """

    def __init__(self, connection: socket.socket | SecureSocket) -> None:
        self._socket = connection
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)
        # What was received lies from _position to _end; a slab is received into behind that.
        self._buffer: memoryview = memoryview(b"")
        self._position = self._end = 0
        self._header: Header | None = None
        self._large_in_a_row = 0
        self._greeted = False
        #: True while bytes may be taken but not yet kept: an interrupt there breaks the connection.
        self.torn = False

    def next_frame(self, timeout_ms: int | None) -> tuple[Header, Bytes] | None:
        """The next frame, or None when none is complete in time.

        ``timeout_ms`` None waits for ever. Raises Unavailable when the connection ends.
        """
        while True:
            frame = self._take()
            if frame is not None:
                return frame
            at_once = self._large_in_a_row >= _STREAM_FROM or self._has_more()
            if not at_once or not self._receive():
                if not self._poll.poll(timeout_ms):
                    return None
                self._receive()

    def _has_more(self) -> bool:
        """Whether there are bytes that a poll does not know of: TLS has taken them."""
        return isinstance(self._socket, SecureSocket) and self._socket.pending() > 0

    def _receive(self) -> bool:
        """Receives what is there; False where nothing is."""
        self.torn = True
        try:
            if not self._buffer.readonly and self._end < len(self._buffer):
                count = self._socket.recv_into(self._buffer[self._end :])
            else:
                chunk = self._socket.recv(_CHUNK)
                count = len(chunk)
                rest = self._buffer[self._position : self._end]
                self._buffer = memoryview(bytes(rest) + chunk if len(rest) else chunk)
                self._position, self._end = 0, len(rest)
            self._end += count
        except BlockingIOError:
            self.torn = False
            return False
        except OSError as error:
            raise Unavailable(f"the connection to the server was lost: {error.strerror}") from None
        self.torn = False
        if count == 0:
            raise Unavailable("the server closed the connection")
        return True

    def _take(self) -> tuple[Header, Bytes] | None:
        if not self._greeted and not self._read_preface():
            return None
        header = self._header
        if header is None:
            if self._end - self._position < HEADER_BYTES:
                return None
            header = decode_header(self._buffer, self._position)
            self._position += HEADER_BYTES
            large = header.payload > _LARGE
            self._large_in_a_row = self._large_in_a_row + 1 if large else 0
        start, stop = self._position, self._position + header.payload
        if stop > self._end:
            self._header = header
            if header.payload > _LARGE and stop > len(self._buffer):
                self._make_room(header.payload)
            return None
        payload: Bytes = self._buffer[start:stop]
        if not self._buffer.readonly and header.payload <= _LARGE:
            payload = bytes(payload)  # so that a small answer does not keep a slab
        elif start % 8 and header.payload > _LARGE:
            self._make_room(header.payload)
            payload = self._buffer[: header.payload]
            stop = header.payload
        self._position = stop
        self._header = None
        return header, payload

    def _make_room(self, payload: int) -> None:
        """New memory for a large payload and, in a stream, for those behind it."""
        rest = self._buffer[self._position : self._end]
        size = max(payload, len(rest))
        if self._large_in_a_row >= _STREAM_FROM:
            size = max(size, _SLAB)
        memory = np.empty(size + _ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % _ALIGNMENT
        self._buffer = memory[start : start + size].data
        self._buffer[: len(rest)] = rest
        self._position, self._end = 0, len(rest)

    def _read_preface(self) -> bool:
        if self._end - self._position < PREFACE_BYTES:
            return False
        check_preface(self._buffer[self._position : self._position + PREFACE_BYTES])
        self._position += PREFACE_BYTES
        self._greeted = True
        return True
