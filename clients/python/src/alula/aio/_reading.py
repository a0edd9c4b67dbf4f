"""Reads on the event loop: what is sent and what answers mean is the blocking client's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from .._frames import Op
from .._inputs import Keys
from .._reading import Batches, Key, Reader, Reading
from .._taking import Taking, whole
from ..answer import Answer
from ..errors import InvalidArgument, NotFound, Unavailable
from ._offload import Threads
from ._transport import AsyncTransport


class AsyncReading:
    """Reads of all services and models of a store."""

    def __init__(self, reading: Reading, transport: AsyncTransport, threads: Threads) -> None:
        self._reading, self._transport, self._threads = reading, transport, threads
        #: First looks under way, one for all the tasks of a loop that wait for it.
        self._looks: dict[tuple[asyncio.AbstractEventLoop, Key], asyncio.Task[Reader]] = {}

    async def read(
        self,
        key: Key,
        keys: Keys,
        request: Mapping[str, Any] | None,
        timeout: float | None,
    ) -> Answer:
        """As ``Reading.read``."""
        reader = self._reading.known(key)
        if reader is None:
            return await self._read(await self._open(key), keys, request, timeout)
        try:
            return await self._read(reader, keys, request, timeout)
        except (InvalidArgument, NotFound):
            newer = await self._open(key, fresh=True)
            if newer.services == reader.services:
                raise
        return await self._read(newer, keys, request, timeout)

    async def read_batches(
        self,
        key: Key,
        keys: Keys,
        request: Mapping[str, Any] | None,
        timeout: float | None,
    ) -> AsyncGenerator[Answer, None]:
        """As ``Reading.read_batches``."""
        batches = Batches(await self._open(key, fresh=True), keys, request)
        while (data := batches.next_request()) is not None:
            control = batches.reader.control(self._reading.session, timeout)
            try:
                async with aclosing(self._transport.items(Op.READ, control, data)) as items:
                    async for item in items:
                        if (answer := batches.take(*item)) is not None:
                            yield answer
                if (answer := batches.finish(b"", b"")) is not None:
                    yield answer
            except Unavailable as error:
                await asyncio.sleep(batches.pause_after(error))

    async def _open(self, key: Key, fresh: bool = False) -> Reader:
        if fresh:
            return await self._threads.run(self._reading.open, key, fresh)
        loop = asyncio.get_running_loop()
        look = self._looks.get((loop, key))
        if look is None:
            look = loop.create_task(self._threads.run(self._reading.open, key, False))
            self._looks[loop, key] = look
            look.add_done_callback(lambda _: self._looks.pop((loop, key), None))
        return await asyncio.shield(look)

    async def _read(
        self,
        reader: Reader,
        keys: Keys,
        request: Mapping[str, Any] | None,
        timeout: float | None,
    ) -> Answer:
        fitting = reader.fitting(keys, request)
        rows, requests = fitting.inputs.encode(keys, request)
        seconds = self._transport.timeout if timeout is None else timeout
        taking = Taking(fitting, len(requests) > 1)
        for data in requests:
            control = taking.reader.control(self._reading.session, seconds)
            reply = await self._transport.unary(Op.READ, control, data, seconds)
            if len(requests) == 1 and (found := whole(fitting, reply, rows)) is not None:
                self._reading.learn(reader, found[1])
                return found[0]
            taking.take(reply)
            self._reading.learn(reader, taking.plan)
        return taking.answer(rows)
