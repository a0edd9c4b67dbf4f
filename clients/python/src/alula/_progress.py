"""Progress for people: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO, Union

#: None: by where standard error goes; False: silent; a function is called with (done, total).
ProgressOption = Union[None, bool, Callable[[int, "int | None"], None]]

_EVERY_TTY, _EVERY_LINE = 0.1, 5.0
_WIDTH = 24


class Progress:
    """Tells how far one piece of work is."""

    def __init__(self, title: str, unit: str, total: int | None, option: ProgressOption) -> None:
        self._title, self._unit, self.total = title, unit, total
        self._call = option if callable(option) else None
        self._silent = option is False or self._call is not None
        self._out: TextIO = sys.stderr
        self._is_terminal = not self._silent and self._out.isatty()
        self._begun = self._told = time.monotonic()
        self._drawn = False
        self._before = 0

    def begin(self, title: str, total: int | None) -> None:
        """What is done from here on, and how much; the same again changes nothing."""
        if (title, total) != (self._title, self.total):
            if title != self._title:
                self._begun = time.monotonic()
            self._title, self.total = title, total

    def start_from(self, done: int) -> None:
        """So much was done before: rates do not count it."""
        self._before = done

    def update(self, done: int) -> None:
        """So much is done."""
        if self._call is not None:
            self._call(done, self.total)
        if self._silent:
            return
        now = time.monotonic()
        if now - self._told < (_EVERY_TTY if self._is_terminal else _EVERY_LINE):
            return
        self._told = now
        if self._is_terminal:
            self._out.write("\r" + self._line(done) + "\x1b[K")
            self._drawn = True
        else:
            self._out.write(self._line(done) + "\n")
        self._out.flush()

    def finish(self, text: str) -> None:
        """All is done; ``text`` says what."""
        if self._silent:
            return
        seconds = time.monotonic() - self._begun
        start = "\r" if self._drawn else ""
        end = "\x1b[K\n" if self._drawn else "\n"
        self._out.write(f"{start}{self._title}: {text} in {seconds:.1f} s{end}")
        self._out.flush()

    def _line(self, done: int) -> str:
        rate = (done - self._before) / max(time.monotonic() - self._begun, 1e-6)
        if not self.total:
            return f"{self._title}: {done:,} {self._unit}, {rate:,.0f}/s"
        share = min(1.0, done / self.total)
        filled = int(share * _WIDTH)
        bar = "#" * filled + "-" * (_WIDTH - filled)
        counts = f"{done:,} of {self.total:,} {self._unit}, {rate:,.0f}/s"
        left = f", {_span((self.total - done) / rate)} left" if rate > 0 and share < 1 else ""
        return f"{self._title} [{bar}] {share:4.0%} {counts}{left}"


def _span(seconds: float) -> str:
    """``5 s``, ``2 min 5 s``, ``3 h 20 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
