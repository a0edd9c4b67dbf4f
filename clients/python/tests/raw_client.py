"""A client of sockets and bytes that keeps no rule it is not told to keep."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alula._frames import HEADER, PREFACE, Kind, Op
from alula._proto import common_pb2, features_pb2, server_pb2

LIMIT = 20.0  # seconds for anything that is to happen at once, on a machine that does much else
TYPES = {
    "bool": 1,
    "int32": 2,
    "int64": 3,
    "float32": 4,
    "float64": 5,
    "string": 6,
    "bytes": 7,
    "timestamp": 8,
}
WIDTHS = {"int32": "<i4", "int64": "<i8", "float32": "<f4", "float64": "<f8", "timestamp": "<i8"}


@dataclass
class Frame:
    kind: int
    operation: int
    call: int
    control: bytes
    data: bytes

    @property
    def failure(self) -> Any:
        assert self.kind == Kind.ERROR, Kind(self.kind)
        return common_pb2.Failure.FromString(self.control)


def frame(
    kind: int, operation: int, call: int, control: bytes = b"", data: bytes = b"", flags: int = 0
) -> bytes:
    payload = control + (bytes(-len(control) % 8) + data if data else b"")
    return HEADER.pack(len(payload), kind, flags, operation, call, len(control)) + payload


def head(project: str = "abuse", request_id: bytes | None = None, timeout_ms: int = 0) -> Any:
    """The head of a request; a new request id where none is given."""
    chosen = os.urandom(16) if request_id is None else request_id
    return common_pb2.CallHead(project=project, request_id=chosen, timeout_ms=timeout_ms)


def schema(types: dict[str, str]) -> Any:
    fields = [
        common_pb2.Field(name=name, type=common_pb2.ValueType(scalar=TYPES[type]))
        for name, type in types.items()
    ]
    return common_pb2.Schema(fields=fields)


def batch(types: dict[str, str], columns: dict[str, Sequence[Any]]) -> bytes:
    """Columns without nulls as a record batch of alignment 8."""
    rows = len(next(iter(columns.values())))
    out = bytearray(struct.pack("<IHH", rows, len(types), 0) + bytes((len(types) + 7) // 8))
    for name, type in types.items():
        if type in WIDTHS:
            buffers = [np.asarray(columns[name], WIDTHS[type]).tobytes()]
        else:
            items = [
                value if isinstance(value, bytes) else value.encode() for value in columns[name]
            ]
            ends = np.cumsum([0] + [len(item) for item in items]).astype("<i4")
            buffers = [ends.tobytes(), b"".join(items)]
        for buffer in buffers:
            out += bytes(-len(out) % 8) + buffer
    return bytes(out + bytes(-len(out) % 8))


class Raw:
    """One connection."""

    def __init__(self, port: int, preface: bytes = PREFACE, limit: float = LIMIT) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), limit)
        self.calls = 0
        if preface == PREFACE:
            self.socket.sendall(preface)
            assert self.exactly(8) == b"ALUL\x01\0\0\0"
        elif preface:
            self.socket.sendall(preface)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def exactly(self, count: int) -> bytes:
        out = bytearray()
        while len(out) < count:
            piece = self.socket.recv(min(count - len(out), 1 << 20))
            if not piece:
                raise EOFError(f"the server closed after {len(out)} of {count} bytes")
            out += piece
        return bytes(out)

    def send(self, *args: Any, **options: Any) -> None:
        self.socket.sendall(frame(*args, **options))

    def request(
        self, operation: int, message: Any = b"", data: bytes = b"", more: bool = False
    ) -> int:
        """Opens a call; its number."""
        self.calls += 1
        control = message if isinstance(message, bytes) else message.SerializeToString()
        self.send(Kind.REQUEST, operation, self.calls, control, data, flags=int(more))
        return self.calls

    def receive(self) -> Frame:
        header = HEADER.unpack(self.exactly(HEADER.size))
        payload = self.exactly(header[0])
        control = header[5]
        return Frame(
            header[1], header[3], header[4], payload[:control], payload[control + -control % 8 :]
        )

    def last(self, call: int) -> Frame:
        """The last frame of a call; its items are granted again and dropped."""
        while True:
            got = self.receive()
            if got.kind == Kind.ITEM:
                window = common_pb2.Window(bytes=len(got.control) + len(got.data) + 8)
                self.send(Kind.WINDOW, got.operation, got.call, window.SerializeToString())
            elif got.call in (call, 0) and got.kind in (Kind.RESPONSE, Kind.ERROR):
                return got

    def ask(self, operation: int, message: Any = b"", data: bytes = b"") -> Frame:
        return self.last(self.request(operation, message, data))

    def closed(self) -> bool:
        """Waits for the server to close; what it still sends is dropped."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return True

    def reset(self) -> None:
        """Closes so that the server sees a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def is_alive(self) -> bool:
        got = self.ask(Op.STATUS, common_pb2.HeadOnly(head=common_pb2.CallHead()))
        return bool(server_pb2.StatusResponse.FromString(got.control).version)


DEFINITIONS = """
project: abuse
entities:
  - {name: e, keys: {k: string, n: int64}}
views:
  - {name: v, entity: e, features: {x: float64, i: int32, s: string}}
services:
  - {name: s, features: ["v:*"]}
"""
"""What the requests here are about."""
KEY_TYPES = {"k": "string", "n": "int64"}
ROW_TYPES = {**KEY_TYPES, "@event_time": "timestamp", "x": "float64", "i": "int32", "s": "string"}


def rows_of(keys: Sequence[str], s: str = "text") -> bytes:
    count = len(keys)
    columns: dict[str, Sequence[Any]] = {
        "k": keys, "n": [1] * count, "@event_time": [1_700_000_000_000_000] * count, "x": [0.5] * count,
        "i": [7] * count, "s": [s] * count,
    }  # fmt: skip
    return batch(ROW_TYPES, columns)


def push_request(
    request_id: bytes | None = None, types: dict[str, str] = ROW_TYPES, view: str = "v"
) -> Any:
    return features_pb2.PushRequest(
        head=head(request_id=request_id), view=view, schema=schema(types)
    )


def read_request(service: str = "s", types: dict[str, str] = KEY_TYPES) -> Any:
    return features_pb2.ReadRequest(
        head=head(request_id=b""), service=service, schema=schema(types)
    )


def keys_of(keys: Sequence[str]) -> bytes:
    return batch(KEY_TYPES, {"k": keys, "n": [1] * len(keys)})
