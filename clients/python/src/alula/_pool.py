"""A bounded pool of lines: each short call takes one for itself, the one used last first."""

from __future__ import annotations

import threading
import time
from collections import deque

from ._endpoint import Endpoint
from ._line import Line
from .errors import DeadlineExceeded, InvalidArgument


class Pool:
    """At most ``limit`` lines to one server; who finds them all taken waits for one.

    Taking and giving back a line that is free needs no lock: a deque's own operations are whole.
    """

    def __init__(self, endpoint: Endpoint, timeout: float, limit: int) -> None:
        self._endpoint, self._timeout = endpoint, timeout
        self._limit = limit
        self._free: deque[Line] = deque()
        self._lines: set[Line] = set()
        self._opening = 0
        self._waiting = 0
        self._changed = threading.Condition(threading.Lock())
        self.is_closed = False

    def __len__(self) -> int:
        """Lines that are open now."""
        return len(self._lines)

    def take(self, seconds: float | None) -> Line:
        """A free line, or a new one; raises DeadlineExceeded where none becomes free in time."""
        try:
            return self._free.pop()
        except IndexError:
            return self._take_slowly(seconds)

    def give(self, line: Line) -> None:
        """Takes a line back; one that has ended makes room for another."""
        if line.is_open:
            self._free.append(line)
            if self._waiting or self.is_closed:
                self._wake()
        else:
            with self._changed:
                self._lines.discard(line)
                self._changed.notify()

    def forget_free(self) -> None:
        """Ends the lines nobody uses: what ended one of them, such as a restart, ended them all."""
        while self._free:
            try:
                line = self._free.pop()
            except IndexError:
                return
            line.close()
            self.give(line)

    def close(self) -> None:
        """Ends every line; calls in flight fail."""
        with self._changed:
            self.is_closed = True
            lines = list(self._lines)
            self._changed.notify_all()
        self.forget_free()
        for line in lines:
            line.wake()

    def abandon(self) -> None:
        """In a child process: the lines are the parent's; only this process's ends are closed."""
        for line in self._lines:
            line.close()

    def _take_slowly(self, seconds: float | None) -> Line:
        give_up = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            # Counted before looking: who gives back looks at the count after appending.
            self._waiting += 1
            try:
                while True:
                    if self.is_closed:
                        raise closed()
                    if self._free:
                        try:
                            return self._free.pop()
                        except IndexError:
                            pass
                    if len(self._lines) + self._opening < self._limit:
                        break
                    remaining = None if give_up is None else give_up - time.monotonic()
                    if remaining is not None and remaining <= 0:
                        raise DeadlineExceeded(
                            f"all {self._limit} connections are taken by calls of other threads",
                            "connect(connections=) sets how many there may be",
                        )
                    self._changed.wait(remaining)
            finally:
                self._waiting -= 1
            self._opening += 1
        return self._open(seconds)

    def _open(self, seconds: float | None) -> Line:
        line = None
        try:
            patience = self._timeout if seconds is None else min(self._timeout, seconds)
            line = Line(self._endpoint, max(patience, 0.001))
            return line
        finally:
            with self._changed:
                self._opening -= 1
                if line is None:
                    self._changed.notify()
                else:
                    self._lines.add(line)
                    if self.is_closed:
                        line.wake()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()
        if self.is_closed:
            self.forget_free()


def closed() -> InvalidArgument:
    """The store was closed by its owner."""
    return InvalidArgument("the store is closed", "connect again: alula.connect()")
