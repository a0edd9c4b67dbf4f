"""What went wrong, as exceptions: a code for programs, a sentence for people, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_NEVER, _SAME_REQUEST, _AFTER_READING = 0, 1, 2


class AlulaError(Exception):
    """Any refusal or failure, of the server or of the client.

    ``code`` is one of gRPC's words ("notFound"), ``message`` one sentence, ``help`` what to do
    about it, ``details`` every reason where there are several, ``retry`` 0 never, 1 the same
    request again, 2 read the present state first.
    """

    code: str = "unknown"
    number: int = 2

    def __init__(
        self, message: str, help: str = "", details: Sequence[str] = (), retry: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.details = list(details)
        if retry is None:
            retry = {4: _SAME_REQUEST, 8: _SAME_REQUEST, 14: _SAME_REQUEST, 10: _AFTER_READING}.get(
                self.number, _NEVER
            )
        self.retry = retry

    def __str__(self) -> str:
        lines = [self.message, *(f"  - {detail}" for detail in self.details)]
        if self.help:
            lines.append(f"  {self.help}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.message, self.help, self.details, self.retry))


class Cancelled(AlulaError):
    """The call was cancelled."""

    code, number = "cancelled", 1


class UnknownError(AlulaError):
    """The server failed without a code."""

    code, number = "unknown", 2


class InvalidArgument(AlulaError):
    """A request or its data is wrong: a type, a name, a null key. The same request fails again."""

    code, number = "invalidArgument", 3


class DeadlineExceeded(AlulaError):
    """No answer within the timeout. A write may still have happened."""

    code, number = "deadlineExceeded", 4


class NotFound(AlulaError):
    """There is no such view, service, model, version or training set."""

    code, number = "notFound", 5


class AlreadyExists(AlulaError):
    """What was to be made is there already."""

    code, number = "alreadyExists", 6


class PermissionDenied(AlulaError):
    """Whoever calls may not do this."""

    code, number = "permissionDenied", 7


class ResourceExhausted(AlulaError):
    """A limit is reached; it may pass."""

    code, number = "resourceExhausted", 8


class Refused(AlulaError):
    """The present state does not allow it (failedPrecondition); ``details``: every reason."""

    code, number = "failedPrecondition", 9


class Aborted(AlulaError):
    """Something else changed first: read the present state and try again."""

    code, number = "aborted", 10


class OutOfRange(AlulaError):
    """A number is outside of what there is."""

    code, number = "outOfRange", 11


class Unimplemented(AlulaError):
    """This server does not know the operation."""

    code, number = "unimplemented", 12


class InternalError(AlulaError):
    """The server broke one of its own rules."""

    code, number = "internal", 13


class Unavailable(AlulaError):
    """The server cannot be reached, or not now."""

    code, number = "unavailable", 14


class DataLoss(AlulaError):
    """Bytes are not what was written: a digest or a frame does not fit."""

    code, number = "dataLoss", 15


class Incomplete(DataLoss):
    """A training set cannot be made as it was: history behind it was deleted or retired since.

    ``losses``: for each view part that lost something a ``ViewLoss``; ``blanked_rows``: rows of the
    spine that were blanked; ``details`` says it in words. ``get_training_set(id, incomplete=True)``
    takes what is left.
    """

    losses: Sequence[Any] = ()
    blanked_rows: int = 0

    def __reduce__(self) -> tuple[object, ...]:
        state = {"losses": self.losses, "blanked_rows": self.blanked_rows}
        return (*super().__reduce__()[:2], state)


class Unauthenticated(AlulaError):
    """The server does not know who calls."""

    code, number = "unauthenticated", 16


_BY_NUMBER: dict[int, type[AlulaError]] = {
    kind.number: kind
    for kind in (
        Cancelled, UnknownError, InvalidArgument, DeadlineExceeded, NotFound, AlreadyExists,
        PermissionDenied, ResourceExhausted, Refused, Aborted, OutOfRange, Unimplemented,
        InternalError, Unavailable, DataLoss, Unauthenticated,
    )
}  # fmt: skip


def error_of(
    number: int, message: str, help: str = "", details: Sequence[str] = (), retry: int | None = None
) -> AlulaError:
    """The exception of a code on the wire."""
    return _BY_NUMBER.get(number, UnknownError)(message, help, details, retry)


def counted(count: int, noun: str) -> str:
    """``1 row``, ``28,638 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str], most: int = 50) -> str:
    """``a, b, c``; of many the first, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
