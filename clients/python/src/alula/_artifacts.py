"""Artifacts: files by their SHA-256, streamed both ways and verified at both ends."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ._frames import Bytes, Op
from ._proto import artifacts_pb2
from ._session import Session, ignore
from ._sources import file_digest
from .errors import DataLoss, InvalidArgument
from .registry import Artifact

_CHUNK = 1 << 19


def put_file(session: Session, path: str | os.PathLike[str]) -> Artifact:
    """Uploads a file, unless the server has it; the server checks the digest."""
    source = Path(path)
    if not source.is_file():
        raise InvalidArgument(f"artifact {source} is not a file")
    digest, size = file_digest(source).hex(), source.stat().st_size

    def chunks() -> Iterator[tuple[bytes, Bytes]]:
        with source.open("rb") as file:
            while block := file.read(_CHUNK):
                yield b"", block

    session.stream(
        Op.PUT_ARTIFACT,
        artifacts_pb2.PutArtifactRequest(digest=digest, bytes=size),
        artifacts_pb2.Artifact,
        lambda: (chunks(), ignore),
        upload=True,
        write=True,
    )
    return Artifact(source.name, digest, size)


class _Download:
    """Writes what arrives and hashes it; begun again after a lost connection."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.found = hashlib.sha256()

    def restart(self) -> Callable[[Bytes, Bytes], None]:
        self.found = hashlib.sha256()
        self._file.seek(0)
        self._file.truncate()
        return self._take

    def _take(self, control: Bytes, data: Bytes) -> None:
        self.found.update(data)
        self._file.write(data)


def get_file(session: Session, digest: str, path: str | os.PathLike[str]) -> Path:
    """Downloads an artifact to a path; the file appears whole and verified, or not at all."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            download = _Download(file)
            session.stream(
                Op.GET_ARTIFACT,
                artifacts_pb2.ArtifactRequest(digest=digest),
                artifacts_pb2.Artifact,
                lambda: ((), download.restart()),
            )
        found = download.found.hexdigest()
        if found != digest.lower():
            raise DataLoss(
                f"artifact {digest[:16]}… arrived with digest {found[:16]}…",
                "get it again; if it stays so, the stored file is damaged",
            )
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        if os.path.exists(name):
            os.unlink(name)
        raise
    return target
