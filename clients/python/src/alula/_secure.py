"""Sockets of streams: TLS that one thread may read while another writes."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from typing import Any

from ._endpoint import Endpoint


class SecureSocket:
    """A TLS socket that never blocks. TLS has one state for both directions, hence the lock.

    What would block raises BlockingIOError, as a socket without TLS does.
    """

    def __init__(self, connected: ssl.SSLSocket) -> None:
        self.raw = connected
        self._lock = threading.RLock()

    def send(self, data: Any) -> int:
        with self._lock:
            try:
                return self.raw.send(data)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise BlockingIOError from None

    def sendmsg(self, parts: Sequence[Any]) -> int:
        """TLS makes records of its own: the parts are put together."""
        return self.send(b"".join(parts))

    def recv(self, size: int) -> bytes:
        with self._lock:
            try:
                return self.raw.recv(size)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise BlockingIOError from None

    def recv_into(self, buffer: Any) -> int:
        with self._lock:
            try:
                return self.raw.recv_into(buffer)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise BlockingIOError from None

    def pending(self) -> int:
        """Bytes that have been taken from the network and not yet been read."""
        with self._lock:
            return self.raw.pending()

    def fileno(self) -> int:
        return self.raw.fileno()

    def close(self) -> None:
        self.raw.close()


def open_stream(endpoint: Endpoint, timeout: float) -> socket.socket | SecureSocket:
    """A connected socket that never blocks."""
    connected = endpoint.open(timeout)
    connected.setblocking(False)
    return SecureSocket(connected) if isinstance(connected, ssl.SSLSocket) else connected
