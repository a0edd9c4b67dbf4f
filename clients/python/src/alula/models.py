"""A version of a model as a model server holds it: its files, and its features."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ._artifacts import get_file
from ._session import Session
from .answer import Answer
from .errors import InvalidArgument, Refused
from .registry import Artifact, ModelVersion

Read = Callable[[str, Mapping[str, Any], "Mapping[str, Any] | None", "float | None"], Answer]


class Model:
    """One version, pinned: it stays the same when another is promoted."""

    def __init__(self, session: Session, read: Read, version: ModelVersion) -> None:
        self._session, self._read = session, read
        #: The version: its number, with what it is made of as attributes.
        self.version = version

    @property
    def name(self) -> str:
        """The model's name."""
        return self.version.model

    @property
    def service(self) -> str:
        """The service version it was trained on: ``credit@2``."""
        return self.version.service

    @property
    def artifacts(self) -> list[Artifact]:
        """Its files."""
        return self.version.artifacts

    def download(self, directory: str | os.PathLike[str]) -> dict[str, Path]:
        """Writes its files into a directory, made if need be; each is verified by its SHA-256.

        Returns the path of each by name.
        """
        base = Path(directory)
        base.mkdir(parents=True, exist_ok=True)
        paths = {}
        for artifact in self.artifacts:
            if artifact.name in ("", ".", "..") or Path(artifact.name).name != artifact.name:
                raise InvalidArgument(f'"{artifact.name}" is not a file name: it is not written')
            paths[artifact.name] = get_file(self._session, artifact.digest, base / artifact.name)
        return paths

    def read(
        self,
        keys: Mapping[str, Any],
        request: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """The features of these entities, of the version's own service, in the order it was trained
        on.
        """
        if not self.version.service:
            raise Refused(f"{self!r} names no service: it was registered without a training set")
        return self._read(self.version.service, keys, request, timeout)

    def __repr__(self) -> str:
        return f"Model({self.name} {int(self.version)}, {self.version.stage})"
