"""Artifacts: files and directories by their SHA-256, streamed and verified at both ends."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from ._directory import FileOfDirectory, manifest_of, read_manifest
from ._frames import Bytes, Op
from ._large import PART_BYTES, get_large, put_large
from ._proto import artifacts_pb2
from ._session import Session, ignore
from ._sources import file_digest
from .errors import DataLoss, InvalidArgument
from .registry import Artifact

_CHUNK = 1 << 19
_AT_ONCE = 4


def put(session: Session, path: str | os.PathLike[str]) -> Artifact:
    """Uploads a file, or a directory with all its files, as far as the server has it not."""
    source = Path(path)
    return put_directory(session, source) if source.is_dir() else put_file(session, source)


def put_file(session: Session, path: str | os.PathLike[str]) -> Artifact:
    """Uploads a file, unless the server has it; the server checks the digest."""
    source = Path(path)
    if not source.is_file():
        raise InvalidArgument(f"artifact {source} is not a file")
    size = source.stat().st_size
    if size > PART_BYTES:
        return Artifact(source.name, put_large(session, source, size), size)
    digest = file_digest(source).hex()

    def chunks() -> Iterator[tuple[bytes, Bytes]]:
        with source.open("rb") as file:
            while block := file.read(_CHUNK):
                yield b"", block

    _put(session, digest, size, chunks)
    return Artifact(source.name, digest, size)


def put_directory(session: Session, path: str | os.PathLike[str]) -> Artifact:
    """Uploads every file of a directory and what names them, its manifest."""
    source = Path(path)

    def refuse(error: OSError) -> None:
        raise InvalidArgument(f"cannot list {error.filename}: {error.strerror}")

    paths: list[Path] = []
    for place, directories, names in os.walk(source, onerror=refuse):
        for name in directories:
            if os.path.islink(os.path.join(place, name)):
                raise InvalidArgument(
                    f"{Path(place) / name} is a link to a directory", "put a copy in its place"
                )
        paths += (Path(place) / name for name in names)
    paths.sort()
    for file in paths:
        if not stat.S_ISREG(file.stat().st_mode):
            raise InvalidArgument(f"{file} is not a file: it cannot be part of an artifact")

    def one(file: Path) -> FileOfDirectory:
        stored = put_file(session, file)
        return FileOfDirectory(file.relative_to(source).as_posix(), stored.digest, stored.bytes)

    with ThreadPoolExecutor(_AT_ONCE, "alula-files") as threads:
        manifest = manifest_of(list(threads.map(one, paths)))
    digest = hashlib.sha256(manifest).hexdigest()

    def chunks() -> Iterator[tuple[bytes, Bytes]]:
        for start in range(0, len(manifest), _CHUNK):
            yield b"", manifest[start : start + _CHUNK]

    _put(session, digest, len(manifest), chunks)
    return Artifact(source.resolve().name, digest, len(manifest), True)


def _put(
    session: Session, digest: str, size: int, chunks: Callable[[], Iterator[tuple[bytes, Bytes]]]
) -> None:
    session.stream(
        Op.PUT_ARTIFACT,
        artifacts_pb2.PutArtifactRequest(digest=digest, bytes=size),
        artifacts_pb2.Artifact,
        lambda: (chunks(), ignore),
        upload=True,
        write=True,
    )


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


def get_file(
    session: Session, digest: str, path: str | os.PathLike[str], size: int | None = None
) -> Path:
    """Downloads an artifact to a path; the file appears whole and verified, or not at all.

    ``size``: its bytes, where they are known; large files come in parts, several at once, and an
    interrupted download is gone on with by the next.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if size is not None and size > PART_BYTES:
        return get_large(session, digest.lower(), target, size)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            download = _Download(file)
            whole = session.stream(
                Op.GET_ARTIFACT,
                artifacts_pb2.ArtifactRequest(digest=digest, length=PART_BYTES),
                artifacts_pb2.Artifact,
                lambda: ((), download.restart()),
            ).bytes
        if whole > PART_BYTES:
            return get_large(session, digest.lower(), target, whole)
        found = download.found.hexdigest()
        if found != digest.lower():
            raise wrong_digest(digest, found)
        os.chmod(name, 0o644)
        os.replace(name, target)
    finally:
        if os.path.exists(name):
            os.unlink(name)
    return target


def wrong_digest(digest: str, found: str) -> DataLoss:
    """What arrived is not what was asked for."""
    return DataLoss(
        f"artifact {digest[:16]}… arrived with digest {found[:16]}…",
        "get it again; if it stays so, the stored file is damaged",
    )


def get_directory(session: Session, digest: str, path: str | os.PathLike[str]) -> Path:
    """Downloads a directory; it appears whole and verified, or not at all.

    Nothing is written outside of it, whatever its manifest says. It must not be there yet, or be
    empty.
    """
    target = Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InvalidArgument(
            f"{target} is there already", "name a directory that is not, or empty"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        files = read_manifest(get_file(session, digest, work / "manifest").read_bytes())
        base = work / "files"
        base.mkdir()

        def one(file: FileOfDirectory) -> None:
            get_file(session, file.digest, base / file.path, file.bytes)

        with ThreadPoolExecutor(_AT_ONCE, "alula-files") as threads:
            for _ in threads.map(one, files):
                pass
        if target.exists():
            target.rmdir()
        base.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target
