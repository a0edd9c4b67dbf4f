"""Reads frames from a socket: small ones from one buffer, large ones into memory of their own."""

from __future__ import annotations

import select
import socket

from ._frames import HEADER_BYTES, PREFACE, PREFACE_BYTES, Bytes, Header, decode_header
from .errors import DataLoss, Unavailable

_CHUNK = 64 << 10


class FrameReader:
    """Turns what arrives into frames; keeps its place when a wait runs out of time.

    Used by one thread at a time. Payloads are views of memory that nothing else writes to.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)
        self._buffer: Bytes = b""
        self._position = 0
        self._header: Header | None = None
        self._large: bytearray | None = None
        self._filled = 0
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
            if not self._poll.poll(timeout_ms):
                return None
            self._receive()

    def _receive(self) -> None:
        self.torn = True
        try:
            if self._large is not None:
                count = self._socket.recv_into(memoryview(self._large)[self._filled :])
                self._filled += count
            else:
                chunk = self._socket.recv(_CHUNK)
                count = len(chunk)
                rest = self._buffer[self._position :]
                self._buffer = bytes(rest) + chunk if len(rest) else chunk
                self._position = 0
        except BlockingIOError:
            count = 1
        except OSError as error:
            raise Unavailable(f"the connection to the server was lost: {error.strerror}") from None
        self.torn = False
        if count == 0:
            raise Unavailable("the server closed the connection")

    def _take(self) -> tuple[Header, Bytes] | None:
        if not self._greeted and not self._read_preface():
            return None
        header = self._header
        if header is None:
            if len(self._buffer) - self._position < HEADER_BYTES:
                return None
            header = decode_header(self._buffer, self._position)
            self._position += HEADER_BYTES
        start = self._position
        if self._large is not None:
            if self._filled < header.payload:
                self._header = header
                return None
            payload: Bytes = self._large
            self._large = None
        elif len(self._buffer) - start >= header.payload:
            payload = memoryview(self._buffer)[start : start + header.payload]
            self._position = start + header.payload
        else:
            self._header = header
            if header.payload > _CHUNK // 2:
                self._large = bytearray(header.payload)
                rest = self._buffer[start:]
                self._filled = len(rest)
                self._large[: self._filled] = rest
                self._buffer, self._position = b"", 0
            return None
        self._header = None
        return header, payload

    def _read_preface(self) -> bool:
        if len(self._buffer) - self._position < PREFACE_BYTES:
            return False
        preface = bytes(self._buffer[self._position : self._position + PREFACE_BYTES])
        if preface[:4] != PREFACE[:4]:
            raise DataLoss("what listens there does not speak Alula's protocol", "check the port")
        if preface[4] == 0:
            raise DataLoss(
                "client and server share no protocol version", "upgrade the older of the two"
            )
        self._position += PREFACE_BYTES
        self._greeted = True
        return True
