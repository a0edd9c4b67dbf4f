"""TLS: for streams, which one thread may read while another writes, and for short calls."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._endpoint import Endpoint
from ._frames import Bytes


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


#: What is taken from the network at once.
_TAKEN = 128 << 10


class SecureLine:
    """A TLS socket of one thread, which blocks as long as the system lets it (SO_RCVTIMEO).

    Python's own takes two system calls a record and a poll before the first; here one takes what is
    there, and the records in it are opened from memory.
    """

    def __init__(self, connected: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._socket = connected
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)
        self._taken = memoryview(bytearray(_TAKEN))
        self.setsockopt, self.settimeout = connected.setsockopt, connected.settimeout
        self.shutdown, self.close = connected.shutdown, connected.close

    def shake_hands(self) -> None:
        """Makes sure who the server is; raises ssl.SSLError where it is not who it should be."""
        patience = self._socket.gettimeout()
        end = None if patience is None else time.monotonic() + patience
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._leave()
                if end is not None:
                    left = end - time.monotonic()
                    if left <= 0:
                        raise TimeoutError("the TLS handshake took too long") from None
                    self._socket.settimeout(left)
                self._take()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._leave()  # why, which the server may log
                raise
        self._leave()

    def send(self, data: Any) -> int:
        """Sends all of it."""
        size = self._tls.write(data)
        while size < len(data):
            size += self._tls.write(memoryview(data)[size:])
        self._leave()
        return size

    def recv(self, size: int) -> Bytes:
        memory = np.empty(size, np.uint8).data
        count = self.recv_into(memory)
        taken = memory[:count]
        return taken if 2 * count > size else bytes(taken)  # little does not keep much memory

    def recv_into(self, memory: memoryview) -> int:
        """All that has come, as far as there is room; waits where nothing has. 0 at the end."""
        size, have = len(memory), 0
        while have < size:
            if not self._arrived.pending and not self._tls.pending():
                if have or not self._take():
                    break
            try:
                count: int = self._tls.read(size - have, memory[have:])  # type: ignore
            except ssl.SSLWantReadError:
                continue  # a part of a record
            if not count:
                break
            have += count
        if self._leaving.pending:
            self._leave()  # TLS has answered for itself
        return have

    def _take(self) -> bool:
        """Takes what is there; False at the end, without which TLS notices by itself."""
        count = self._socket.recv_into(self._taken)
        if not count:
            self._arrived.write_eof()
            return False
        self._arrived.write(self._taken[:count])
        return True

    def _leave(self) -> None:
        if self._leaving.pending:
            self._socket.sendall(self._leaving.read())


def open_line(endpoint: Endpoint, timeout: float) -> socket.socket | SecureLine:
    """A connected socket for short calls."""
    context = endpoint.tls
    connected = endpoint.connect(timeout)
    if context is None:
        return connected
    line = SecureLine(connected, context, endpoint.host)
    try:
        line.shake_hands()
    except OSError as error:
        line.close()
        raise endpoint.failure(error) from None
    except BaseException:
        line.close()
        raise
    return line
