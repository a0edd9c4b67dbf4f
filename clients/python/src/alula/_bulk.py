"""Large content on a line of its own: files go to the socket and come from it without copies that
need not be.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable

from ._endpoint import Endpoint
from ._frames import FLAG_MORE, HEADER_BYTES, Bytes, Header, Kind, encode_frame, frame_head
from ._line import ConnectionLost, Line, failure_of
from ._proto import common_pb2 as pb
from ._secure import SecureLine
from .errors import InvalidArgument

CALL_WINDOW = 4 << 20
_GRANT_FROM = 1 << 20
#: Data of one item that is sent.
_ITEM = 512 << 10
#: Received at once, into memory that stays near the processor.
_PIECE = 256 << 10
_MORE_FOLLOWS = getattr(socket, "MSG_MORE", 0)
#: Of file systems that cannot send a file by themselves.
_NO_SENDFILE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
#: What only the file that is read can fail with.
_OF_THE_FILE = (errno.EIO, errno.ESTALE)

Taker = Callable[[memoryview], None]


class BulkLine(Line):
    """A line whose calls carry the bytes of files; one thread's. It ends with any error."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        super().__init__(endpoint, timeout)
        self._memory = memoryview(bytearray(_PIECE))
        self._set_limit(None)

    def receive(self, operation: int, control: bytes, take: Taker) -> Bytes:
        """Hands the data of the answer's items to ``take``, piece by piece, in memory that is used
        again for the next. Returns the response's control message.
        """
        try:
            number = self._begin(operation, control, 0)
            owed = 0
            while True:
                header = self._head(None)
                if header.kind != Kind.ITEM or header.call != number:
                    answer = self._answer(number)
                    if answer is not None:
                        return answer
                    continue
                self._take_item(header, take)
                owed += header.payload
                if owed >= _GRANT_FROM:
                    window = pb.Window(bytes=owed).SerializeToString()
                    self._send(encode_frame(Kind.WINDOW, 0, operation, number, window))
                    owed = 0
        except BaseException:
            self.close()
            raise

    def send_file(
        self,
        operation: int,
        control: bytes,
        file: int,
        place: tuple[int, int],
        check: Callable[[], None],
    ) -> Bytes:
        """Uploads what an open file has in ``place``, an offset and a length, as items; ``check``
        is called between them and may raise. Returns the response's control message, perhaps
        before all is sent.
        """
        try:
            number = self._begin(operation, control, FLAG_MORE)
            self._credit = CALL_WINDOW
            offset, left = place
            while left > 0:
                check()
                size = min(_ITEM, left)
                while self._credit < size:
                    answer = self._answer(number)
                    if answer is not None:
                        return answer
                self._send_item(frame_head(Kind.ITEM, operation, number, size), file, offset, size)
                self._credit -= size
                offset += size
                left -= size
            self._send(encode_frame(Kind.END, 0, operation, number, b""))
            while (answer := self._answer(number)) is None:
                pass
            return answer
        except BaseException:
            self.close()
            raise

    def _begin(self, operation: int, control: bytes, flags: int) -> int:
        self.calls += 1
        self._number = number = self._number + 1
        self._send(encode_frame(Kind.REQUEST, flags, operation, number, control))
        return number

    def _answer(self, number: int) -> Bytes | None:
        """Takes the next frame, which is no item: the response's control message, or None."""
        header, payload = self._frame(None)
        control = bytes(payload[: header.control])
        if header.kind == Kind.ERROR and header.call in (0, number):
            raise failure_of(control)
        if header.call != number:
            return None
        if header.kind == Kind.WINDOW:
            self._credit += pb.Window.FromString(control).bytes
        return control if header.kind == Kind.RESPONSE else None

    def _take_item(self, header: Header, take: Taker) -> None:
        skip = HEADER_BYTES + header.control + -header.control % 8
        whole = HEADER_BYTES + header.payload
        self._fill(min(skip, whole), None)
        came = memoryview(self._rest)[skip:whole]
        self._rest = self._rest[min(whole, len(self._rest)) :]
        if came:
            take(came)
        left = whole - skip - len(came)
        while left > 0:
            wanted, have = min(left, _PIECE), 0
            while have < wanted:
                have += self._receive(self._memory[have:wanted])
            take(self._memory[:wanted])
            left -= wanted

    def _send_item(self, head: bytes, file: int, offset: int, size: int) -> None:
        line = self._socket
        if isinstance(line, SecureLine) or not hasattr(os, "sendfile"):
            block = os.pread(file, size, offset)
            if len(block) < size:
                raise _shorter()
            self._send(head)
            self._send(block)
            return
        try:
            line.sendall(head, _MORE_FOLLOWS)
            end = offset + size
            while offset < end:
                try:
                    count = os.sendfile(line.fileno(), file, offset, end - offset)
                except OSError as error:
                    if error.errno not in _NO_SENDFILE:
                        raise
                    block = os.pread(file, end - offset, offset)
                    line.sendall(block)
                    count = len(block)
                if count == 0:
                    raise _shorter()
                offset += count
        except (BlockingIOError, TimeoutError):
            raise ConnectionLost("the server takes no more bytes") from None
        except OSError as error:
            if error.errno in _OF_THE_FILE:
                raise
            raise ConnectionLost(
                f"the connection to the server was lost: {error.strerror or error}"
            ) from None


def _shorter() -> InvalidArgument:
    return InvalidArgument(
        "the file became shorter while it was uploaded", "upload it when nobody writes to it"
    )
