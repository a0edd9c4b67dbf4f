"""A model with ``await``: reads on the event loop, its files in a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from .._inputs import Keys
from ..answer import Answer
from ..models import Model
from ..registry import Artifact, HeldVersion, ModelVersion
from ._offload import Threads, offload
from ._reading import AsyncReading


class AsyncModel:
    """The versions that hold a stage, or one version, pinned; see ``alula.Model``."""

    def __init__(self, model: Model, threads: Threads, reading: AsyncReading) -> None:
        self._sync, self._threads, self._reading = model, threads, reading

    @property
    def version(self) -> ModelVersion:
        """The version with the greatest share."""
        return self._sync.version

    @property
    def versions(self) -> list[ModelVersion]:
        """All that answer, the greatest share first."""
        return self._sync.versions

    @property
    def holders(self) -> list[HeldVersion]:
        """Likewise, with their shares."""
        return self._sync.holders

    @property
    def shadow(self) -> ModelVersion | None:
        """Read and logged beside them, never an answer."""
        return self._sync.shadow

    def of(self, version: int) -> AsyncModel:
        """One of the versions by itself, or the shadow."""
        return AsyncModel(self._sync.of(version), self._threads, self._reading)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._sync.name

    @property
    def service(self) -> str:
        """The service version it was trained on: ``credit@2``."""
        return self._sync.service

    @property
    def artifacts(self) -> list[Artifact]:
        """Its files."""
        return self._sync.artifacts

    refresh = offload(Model.refresh)
    download = offload(Model.download)
    log = offload(Model.log)
    log_failures = offload(Model.log_failures)

    async def read(
        self,
        keys: Keys,
        request: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        log: bool = False,
        shadow: bool = False,
    ) -> Answer:
        """As ``Model.read``, on the event loop."""
        return await self._reading.read(self._sync.reads(log, shadow), keys, request, timeout)

    def read_batches(
        self,
        keys: Keys,
        request: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        log: bool = False,
        shadow: bool = False,
    ) -> AsyncIterator[Answer]:
        """As ``Model.read_batches``."""
        key = self._sync.reads(log, shadow)
        return self._reading.read_batches(key, keys, request, timeout)

    def __repr__(self) -> str:
        return f"Async{self._sync!r}"
