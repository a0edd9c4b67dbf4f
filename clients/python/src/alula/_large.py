"""Large artifacts: in parts, several at once, gone on with after an interruption."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from ._connection import Connection
from ._frames import Bytes, Op
from ._proto import artifacts_pb2, uploads_pb2
from ._session import Item, Session, ignore, upload_items
from .errors import (
    Aborted,
    AlulaError,
    DataLoss,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unavailable,
)

#: Files above this come in parts.
PART_BYTES = 64 << 20
#: What one call downloads.
RANGE_BYTES = 16 << 20
WORKERS = 2
_BLOCK = 1 << 19
_ATTEMPTS = 6


class _Stopped(Exception):
    """Another worker has failed, or all is there already."""


class _Workers:
    """Threads that take numbers one after the other, each with a connection of its own."""

    def __init__(self, session: Session, todo: list[int]) -> None:
        self._session = session
        self._todo = iter(todo)
        self._lock = threading.Lock()
        self.stop = threading.Event()
        self.failure: BaseException | None = None

    def run(self, work: Callable[[Connection, int], None]) -> None:
        """Returns when all is done, or when it was stopped; raises what failed first."""
        threads = [
            threading.Thread(target=self._each, args=(work,), name="alula-parts", daemon=True)
            for _ in range(WORKERS)
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:
            self.stop.set()
            raise
        if self.failure is not None:
            raise self.failure

    def _each(self, work: Callable[[Connection, int], None]) -> None:
        connection: Connection | None = None
        try:
            while not self.stop.is_set():
                with self._lock:
                    number = next(self._todo, None)
                if number is None:
                    return
                for attempt in range(_ATTEMPTS):
                    try:
                        if connection is None or connection.failure is not None:
                            connection = self._session.transport.connection_of_its_own()
                        work(connection, number)
                        break
                    except (Unavailable, Aborted):
                        if attempt == _ATTEMPTS - 1 or self.stop.wait(0.1 * 2**attempt):
                            raise
        except _Stopped:
            pass
        except BaseException as error:
            if self.failure is None:
                self.failure = error
            self.stop.set()
        finally:
            if connection is not None:
                connection.close()


def _exchange(
    session: Session,
    connection: Connection,
    operation: int,
    request: object,
    items: Iterator[Item] | None,
    take: Callable[[Bytes, Bytes], None],
) -> Bytes:
    control = session.prepare(request, True, None)
    call = connection.open(operation, control, b"", None, more=items is not None)
    try:
        if items is not None:
            upload_items(call, items, take)
        while (item := call.next_item()) is not None:
            take(*item)
        return call.result()[0]
    finally:
        call.close()


# Uploads


def put_large(session: Session, source: Path, size: int) -> str:
    """Uploads a large file and returns its digest; parts that the server has are not sent again."""
    note = _UploadNote(session, source)
    upload, _ = session.call(
        Op.BEGIN_UPLOAD,
        uploads_pb2.BeginUploadRequest(bytes=size, upload=note.read()),
        uploads_pb2.Upload,
        write=True,
    )
    note.write(upload.upload)
    held = set(upload.held)
    workers = _Workers(session, [part for part in range(upload.parts) if part not in held])
    hashing = _Hashing(session, source, workers.stop)
    try:
        workers.run(
            lambda connection, part: _send_part(session, connection, source, upload, part, workers)
        )
    except BaseException:
        workers.stop.set()
        raise
    finally:
        hashing.join()
    try:
        session.call(
            Op.FINISH_UPLOAD,
            uploads_pb2.FinishUploadRequest(upload=upload.upload, digest=hashing.digest),
            artifacts_pb2.Artifact,
            write=True,
            timeout=3_600,
        )
    except (NotFound, InvalidArgument):
        note.forget()
        raise
    except AlulaError:
        # Where the server has it, an upload left unfinished is swept in time.
        if not hashing.is_there:
            raise
    note.forget()
    return hashing.digest


def _send_part(
    session: Session,
    connection: Connection,
    source: Path,
    upload: uploads_pb2.Upload,
    part: int,
    workers: _Workers,
) -> None:
    def blocks() -> Iterator[Item]:
        left = upload.part_bytes
        with source.open("rb", buffering=0) as file:
            file.seek(part * upload.part_bytes)
            while left > 0 and (block := file.read(min(_BLOCK, left))):
                if workers.stop.is_set():
                    raise _Stopped
                left -= len(block)
                yield b"", block

    request = uploads_pb2.PutPartRequest(upload=upload.upload, part=part)
    _exchange(session, connection, Op.PUT_PART, request, blocks(), ignore)


class _Hashing:
    """Hashes a file beside its upload, which stops where the server turns out to have it."""

    def __init__(self, session: Session, source: Path, stop: threading.Event) -> None:
        self.digest = ""
        self.is_there = False
        self._failure: BaseException | None = None
        self._session, self._source, self._stop = session, source, stop
        self._thread = threading.Thread(target=self._work, name="alula-digest", daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        try:
            found = hashlib.sha256()
            block = memoryview(bytearray(1 << 20))
            with self._source.open("rb", buffering=0) as file:
                while count := file.readinto(block):
                    found.update(block[:count])
            self.digest = found.hexdigest()
            # A scope hides also what is there.
            with contextlib.suppress(NotFound, PermissionDenied):
                self._session.call(
                    Op.STAT_ARTIFACT,
                    artifacts_pb2.ArtifactRequest(digest=self.digest),
                    artifacts_pb2.Artifact,
                )
                self.is_there = True
                self._stop.set()
        except BaseException as error:
            self._failure = error
            self._stop.set()


class _UploadNote:
    """Remembers the upload of a file, so that another process goes on with it."""

    def __init__(self, session: Session, source: Path) -> None:
        status = source.stat()
        parts = (
            session.transport.endpoint.host, session.transport.endpoint.port, session.project,
            str(source.resolve()),
            status.st_size, status.st_mtime_ns,
        )  # fmt: skip
        name = hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
        self._path = cache_directory() / "uploads" / name

    def read(self) -> str:
        try:
            return self._path.read_text("ascii")[:32]
        except (OSError, UnicodeDecodeError):
            return ""

    def write(self, upload: str) -> None:
        # Without it an interrupted upload begins anew, and that is all.
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(upload, "ascii")

    def forget(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink()


def cache_directory() -> Path:
    """ALULA_CACHE, else ``alula`` where caches go: what may be lost, but is better kept."""
    if named := os.environ.get("ALULA_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "alula"


# Downloads


def get_large(session: Session, digest: str, target: Path, size: int) -> Path:
    """Downloads a large file in ranges; those that an earlier attempt has got are not got again."""
    work = _PartialFile(target, digest, size)
    try:
        todo = [number for number in range(-(-size // RANGE_BYTES)) if number not in work.done]
        workers = _Workers(session, todo)
        hashing = _FollowingHash(work, workers.stop)
        try:
            workers.run(
                lambda connection, number: _get_range(session, connection, digest, work, number)
            )
        except BaseException:
            workers.stop.set()
            raise
        finally:
            hashing.join()
        if hashing.found != digest:
            work.discard()
            raise DataLoss(
                f"artifact {digest[:16]}… arrived with digest {hashing.found[:16]}…",
                "get it again; if it stays so, the stored file is damaged",
            )
        work.become(target)
    finally:
        work.close()
    return target


def _get_range(
    session: Session, connection: Connection, digest: str, work: _PartialFile, number: int
) -> None:
    offset = number * RANGE_BYTES
    length = min(RANGE_BYTES, work.size - offset)
    position = offset

    def take(control: Bytes, data: Bytes) -> None:
        nonlocal position
        position += os.pwrite(work.handle, data, position)

    request = artifacts_pb2.ArtifactRequest(digest=digest, offset=offset, length=length)
    _exchange(session, connection, Op.GET_ARTIFACT, request, None, take)
    if position != offset + length:
        raise DataLoss(f"artifact {digest[:16]}… ended after {position:,} bytes of {work.size:,}")
    work.note(number)


class _PartialFile:
    """A file that is being filled, and which of its ranges are there."""

    def __init__(self, target: Path, digest: str, size: int) -> None:
        self.size = size
        self.done: set[int] = set()
        self.changed = threading.Condition()
        self._path = target.with_name(f".{target.name}.{digest[:16]}.part")
        self._notes = self._path.with_suffix(".ranges")
        self.handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read_notes()
        except BlockingIOError:
            # Another process downloads it too: this one for itself, from the beginning.
            os.close(self.handle)
            self.handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            self._path = Path(name)
            self._notes = self._path.with_suffix(".ranges")
        os.ftruncate(self.handle, size)

    def _read_notes(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            if os.fstat(self.handle).st_size == self.size:
                self.done = {int(line) for line in self._notes.read_text("ascii").split()}

    def note(self, number: int) -> None:
        with self.changed:
            self.done.add(number)
            self.changed.notify_all()
            with self._notes.open("a", encoding="ascii") as notes:
                notes.write(f"{number}\n")

    def become(self, target: Path) -> None:
        os.fchmod(self.handle, 0o644)
        os.replace(self._path, target)
        self._notes.unlink(missing_ok=True)

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def close(self) -> None:
        os.close(self.handle)


class _FollowingHash:
    """Hashes the ranges of a file in their order, as they come to be there."""

    def __init__(self, work: _PartialFile, stop: threading.Event) -> None:
        self.found = ""
        self._work, self._stop = work, stop
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._follow, name="alula-digest", daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _follow(self) -> None:
        work = self._work
        try:
            found = hashlib.sha256()
            for number in range(-(-work.size // RANGE_BYTES)):
                with work.changed:
                    while number not in work.done:
                        if self._stop.is_set():
                            return
                        work.changed.wait(0.1)
                offset = number * RANGE_BYTES
                end = min(offset + RANGE_BYTES, work.size)
                while offset < end:
                    block = os.pread(work.handle, min(1 << 20, end - offset), offset)
                    if not block:
                        return
                    found.update(block)
                    offset += len(block)
            self.found = found.hexdigest()
        except BaseException as error:
            self._failure = error
