"""Requests to one project of one server: heads, request ids, streams."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from google.protobuf.message import Message

from ._frames import Bytes
from ._proto import common_pb2
from ._transport import Transport

Response = TypeVar("Response", bound=Message)
Result = TypeVar("Result")
Item = tuple[Bytes, Bytes]


class Session:
    """A transport and the project that calls are about."""

    def __init__(self, transport: Transport, project: str) -> None:
        self.transport = transport
        self.project = project

    def prepare(self, request: Any, write: bool, timeout: float | None) -> bytes:
        """Fills in the head of a request; the bytes may be sent again, with the same request id."""
        milliseconds = 0 if timeout is None else max(1, int(timeout * 1000))
        request.head.CopyFrom(
            common_pb2.CallHead(
                project=self.project,
                request_id=os.urandom(16) if write else b"",
                timeout_ms=milliseconds,
            )
        )
        control: bytes = request.SerializeToString()
        return control

    def call(
        self,
        operation: int,
        request: Any,
        response: type[Response],
        data: Bytes = b"",
        write: bool = False,
        timeout: float | None = None,
    ) -> tuple[Response, Bytes]:
        """One request, one response: its message and its data."""
        seconds = self.transport.timeout if timeout is None else timeout
        control = self.prepare(request, write, seconds)
        answer, rows, _ = self.transport.unary(operation, control, data, seconds)
        message: Response = response.FromString(bytes(answer))
        return message, rows

    def stream(
        self,
        operation: int,
        request: Any,
        response: type[Response],
        attempt: Callable[[], tuple[Iterable[Item], Callable[[Bytes, Bytes], None]]],
        data: Bytes = b"",
        upload: bool = False,
        write: bool = False,
        timeout: float | None = None,
    ) -> Response:
        """A call that carries items one way or both; begun again after a lost connection.

        ``attempt`` gives, for each try, the items to send and what takes the items that come.
        """
        control = self.prepare(request, write, timeout)

        def once() -> Response:
            items, take = attempt()
            answer = self._exchange(operation, control, data, items, take, upload, timeout)
            message: Response = response.FromString(bytes(answer))
            return message

        return self.transport.retrying(once, within=timeout)

    def _exchange(
        self,
        operation: int,
        control: bytes,
        data: Bytes,
        items: Iterable[Item],
        take: Callable[[Bytes, Bytes], None],
        upload: bool,
        timeout: float | None,
    ) -> Bytes:
        call = self.transport.connection().open(operation, control, data, timeout, more=upload)
        try:
            if upload:
                for item_control, item_data in items:
                    if not call.send(bytes(item_control), item_data, take):
                        break
                call.finish()
            while (item := call.next_item()) is not None:
                take(*item)
            return call.result()[0]
        finally:
            call.close()


def ignore(control: Bytes, data: Bytes) -> None:
    """Takes items of which nothing is wanted."""
