"""Requests to one project of one server: heads, request ids, streams."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from google.protobuf.message import Message

from ._connection import Call
from ._frames import Bytes, Data, Op
from ._proto import common_pb2
from ._transport import Transport

Response = TypeVar("Response", bound=Message)
Result = TypeVar("Result")
Item = tuple[Bytes, Bytes]
#: An item to be sent: its data may be in parts.
Upload = tuple[Bytes, Data]

#: Operations whose answers are large: the server may be further ahead of the client in them.
_WIDE = (Op.MAKE_TRAINING_SET, Op.GET_TRAINING_SET, Op.EXPORT)
_WIDE_WINDOW = 12 << 20


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
        attempt: Callable[[], tuple[Iterable[Upload], Callable[[Bytes, Bytes], None]]],
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

    def begin(
        self,
        operation: int,
        request: Any,
        items: Callable[[], Iterable[Upload]] | None = None,
        data: Bytes = b"",
        write: bool = False,
        timeout: float | None = None,
    ) -> tuple[Call, list[Item]]:
        """Opens a call whose answer is read by whoever asked, once all ``items`` are sent.

        Returns the call, which is to be closed, and the items of the answer that came meanwhile.
        """
        control = self.prepare(request, write, timeout)

        def once() -> tuple[Call, list[Item]]:
            early: list[Item] = []
            call = self._open(operation, control, data, timeout, items is not None)
            try:
                if items is not None:
                    upload_items(call, items(), lambda *item: early.append(item))
                return call, early
            except BaseException:
                call.close()
                raise

        return self.transport.retrying(once, within=timeout)

    def _exchange(
        self,
        operation: int,
        control: bytes,
        data: Bytes,
        items: Iterable[Upload],
        take: Callable[[Bytes, Bytes], None],
        upload: bool,
        timeout: float | None,
    ) -> Bytes:
        call = self._open(operation, control, data, timeout, upload)
        try:
            if upload:
                upload_items(call, items, take)
            while (item := call.next_item()) is not None:
                take(*item)
            return call.result()[0]
        finally:
            call.close()

    def _open(
        self, operation: int, control: bytes, data: Bytes, timeout: float | None, more: bool
    ) -> Call:
        call = self.transport.connection().open(operation, control, data, timeout, more=more)
        try:
            if operation in _WIDE:
                call.grant(_WIDE_WINDOW)
        except BaseException:
            call.close()
            raise
        return call


def upload_items(call: Call, items: Iterable[Upload], take: Callable[[Bytes, Bytes], None]) -> None:
    """Sends all items, as long as the call goes on; what comes meanwhile goes to ``take``."""
    for control, data in items:
        if not call.send(bytes(control), data, take):
            break
    call.finish()


def ignore(control: Bytes, data: Bytes) -> None:
    """Takes items of which nothing is wanted."""
