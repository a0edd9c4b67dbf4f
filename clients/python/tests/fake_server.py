"""A small server that speaks the protocol: what it answers, and how badly, each test says."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alula._proto import common_pb2

HEADER = struct.Struct("<IBBHII")
REQUEST, RESPONSE, ITEM, END, ERROR, CANCEL, WINDOW = range(1, 8)


@dataclass
class Frame:
    kind: int
    flags: int
    operation: int
    call: int
    control: bytes
    data: bytes

    @property
    def size(self) -> int:
        return len(self.control) + (-len(self.control) % 8 if self.data else 0) + len(self.data)


def frame_bytes(
    kind: int, operation: int, call: int, control: bytes = b"", data: bytes = b"", flags: int = 0
) -> bytes:
    padding = bytes(-len(control) % 8) if data else b""
    payload = control + padding + data
    return HEADER.pack(len(payload), kind, flags, operation, call, len(control)) + payload


class Peer:
    """One connection, seen from the server."""

    def __init__(self, server: FakeServer, connection: socket.socket) -> None:
        self.server, self.socket = server, connection
        self.lock = threading.Lock()

    def receive(self, count: int) -> bytes:
        parts = b""
        while len(parts) < count:
            part = self.socket.recv(count - len(parts))
            if not part:
                raise ConnectionError
            parts += part
        return parts

    def next_frame(self) -> Frame:
        length, kind, flags, operation, call, control = HEADER.unpack(self.receive(16))
        payload = self.receive(length)
        frame = Frame(
            kind, flags, operation, call, payload[:control], payload[control + -control % 8 :]
        )
        self.server.frames.append(frame)
        return frame

    def send(self, raw: bytes) -> None:
        with self.lock:
            self.socket.sendall(raw)

    def respond(self, frame: Frame, message: Any = None, data: bytes = b"") -> None:
        control = b"" if message is None else message.SerializeToString()
        self.send(frame_bytes(RESPONSE, frame.operation, frame.call, control, data))

    def item(self, frame: Frame, message: Any = None, data: bytes = b"") -> None:
        control = b"" if message is None else message.SerializeToString()
        self.send(frame_bytes(ITEM, frame.operation, frame.call, control, data))

    def fail(self, frame: Frame, code: int, message: str, **more: Any) -> None:
        failure = common_pb2.Failure(code=code, message=message, **more)
        self.send(frame_bytes(ERROR, frame.operation, frame.call, failure.SerializeToString()))

    def hang_up(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        raise ConnectionError


Handler = Callable[[Peer, Frame], None]


class FakeServer:
    """Listens until closed; ``handler`` gets every frame, ``frames`` keeps them all."""

    def __init__(
        self,
        handler: Handler,
        preface: bytes = b"ALUL\x01\x00\x00\x00",
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.handler, self.preface, self.tls = handler, preface, tls
        self.frames: list[Frame] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", port))
        self._peers: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"alula://127.0.0.1:{self._listener.getsockname()[1]}"

    def requests(self, operation: int) -> list[Frame]:
        return [f for f in self.frames if f.kind == REQUEST and f.operation == operation]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # which wakes the thread that accepts
        self._listener.close()
        for peer in self._peers:
            peer.close()

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._peers.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        if self.tls is not None:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:
                return
        peer = Peer(self, connection)
        try:
            assert peer.receive(8) == b"ALUL\x01\x01\x00\x00"
            peer.send(self.preface)
            while True:
                self.handler(peer, peer.next_frame())
        except (ConnectionError, OSError):
            return
        finally:
            connection.close()
