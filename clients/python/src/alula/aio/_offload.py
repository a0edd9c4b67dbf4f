"""Blocking words in threads of their own."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

Words = ParamSpec("Words")
Owner = TypeVar("Owner")
Twin = TypeVar("Twin", covariant=True)
Result = TypeVar("Result")

THREADS = 8


class Threads:
    """A few threads for blocking calls, made as they are needed; a forked child makes its own."""

    def __init__(self, most: int = THREADS) -> None:
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._executor = ThreadPoolExecutor(self._most, "alula-aio")

    async def run(
        self, work: Callable[Words, Result], *args: Words.args, **kwargs: Words.kwargs
    ) -> Result:
        """What ``work`` returns or raises, from a thread."""
        if self._pid != os.getpid():
            self._begin()
        context = contextvars.copy_context()
        call = functools.partial(context.run, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    async def each(self, items: Iterator[Result]) -> AsyncIterator[Result]:
        """An iterator whose steps block, one step at a time."""
        end: Any = object()
        while (item := await self.run(next, items, end)) is not end:
            yield item

    async def close(self) -> None:
        """Ends the threads, when what they do is done."""
        executor = self._executor
        await asyncio.get_running_loop().run_in_executor(None, executor.shutdown)


class Offloading(Protocol[Twin]):
    """Something that has a blocking twin, and threads to run it in."""

    @property
    def _sync(self) -> Twin: ...

    @property
    def _threads(self) -> Threads: ...


def offload(
    word: Callable[Concatenate[Owner, Words], Result],
) -> Callable[Concatenate[Offloading[Owner], Words], Coroutine[Any, Any, Result]]:
    """The same word with ``await``: its twin's, run in a thread."""

    async def awaited(
        self: Offloading[Owner], /, *args: Words.args, **kwargs: Words.kwargs
    ) -> Result:
        return await self._threads.run(word, self._sync, *args, **kwargs)

    functools.update_wrapper(awaited, word)
    return awaited
