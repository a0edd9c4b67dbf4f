"""Large artifacts: in parts, several at once, gone on with after an interruption."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from ._bulk import BulkLine
from ._frames import Op
from ._proto import artifacts_pb2, uploads_pb2
from ._session import Session
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
#: Hashed at once, in memory that stays near the processor.
_BLOCK = 256 << 10
_ATTEMPTS = 6


class _Stopped(Exception):
    """Another worker has failed, or all is there already."""


class _Workers:
    """Threads that take numbers one after the other, each with a line of its own."""

    def __init__(self, session: Session, todo: list[int]) -> None:
        self._session = session
        self._todo = iter(todo)
        self._lock = threading.Lock()
        self._lines: dict[int, BulkLine] = {}
        self.stop = threading.Event()
        self.failure: BaseException | None = None

    def run(self, work: Callable[[BulkLine, int], None]) -> None:
        """Returns when all is done, or when it was stopped; raises what failed first. No thread
        works on after it.
        """
        threads = [
            threading.Thread(target=self._each, args=(work, place), name="alula-parts", daemon=True)
            for place in range(WORKERS)
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:
            # Interrupted: what waits for the server is woken.
            self.stop.set()
            with self._lock:
                for line in self._lines.values():
                    line.wake()
            for thread in threads:
                thread.join()
            raise
        if self.failure is not None:
            raise self.failure

    def check(self) -> None:
        """Raises where the others have stopped."""
        if self.stop.is_set():
            raise _Stopped

    def _each(self, work: Callable[[BulkLine, int], None], place: int) -> None:
        try:
            while not self.stop.is_set():
                with self._lock:
                    number = next(self._todo, None)
                if number is None:
                    return
                for attempt in range(_ATTEMPTS):
                    try:
                        work(self._line(place), number)
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
            with self._lock:
                line = self._lines.pop(place, None)
            if line is not None:
                line.close()

    def _line(self, place: int) -> BulkLine:
        """The line of a thread; another where it has ended."""
        line = self._lines.get(place)
        if line is None or not line.is_open:
            line = self._session.transport.bulk_line()
            with self._lock:
                self._lines[place] = line
            self.check()
        return line


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
        with source.open("rb") as file:
            workers.run(
                lambda line, part: _send_part(session, line, file.fileno(), upload, part, workers)
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
    line: BulkLine,
    file: int,
    upload: uploads_pb2.Upload,
    part: int,
    workers: _Workers,
) -> None:
    request = uploads_pb2.PutPartRequest(upload=upload.upload, part=part)
    offset = part * upload.part_bytes
    length = min(upload.part_bytes, os.fstat(file).st_size - offset)
    control = session.prepare(request, True, None)
    line.send_file(Op.PUT_PART, control, file, (offset, length), workers.check)


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
            block = memoryview(bytearray(_BLOCK))
            with self._source.open("rb", buffering=0) as file:
                while count := file.readinto(block):
                    if self._stop.is_set():
                        return  # another thread has failed, which is what is raised
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
            workers.run(lambda line, number: _get_range(session, line, digest, work, number))
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
    session: Session, line: BulkLine, digest: str, work: _PartialFile, number: int
) -> None:
    # What an attempt before has brought stays: it is hashed already perhaps.
    begin, end = work.reached(number), min((number + 1) * RANGE_BYTES, work.size)
    if begin == end > 0:  # all came, and only the end of the answer was lost
        work.note(number)
        return
    position = begin

    def take(data: memoryview) -> None:
        nonlocal position
        if position + len(data) > end:
            raise DataLoss(f"artifact {digest[:16]}… is sent beyond the {end:,} bytes asked for")
        while data:
            written = os.pwrite(work.handle, data, position)
            position, data = position + written, data[written:]
        work.reach(number, position)

    request = artifacts_pb2.ArtifactRequest(digest=digest, offset=begin, length=end - begin)
    line.receive(Op.GET_ARTIFACT, session.prepare(request, False, None), take)
    if position != end:
        raise DataLoss(f"artifact {digest[:16]}… ended after {position:,} bytes of {work.size:,}")
    work.note(number)


class _PartialFile:
    """A file that is being filled, and which of its ranges are there."""

    def __init__(self, target: Path, digest: str, size: int) -> None:
        self.size = size
        self.done: set[int] = set()
        self._reached: dict[int, int] = {}
        self._changed = threading.Condition()
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

    def reached(self, number: int) -> int:
        """Where the bytes of a range end that are there."""
        if number in self.done:
            return min((number + 1) * RANGE_BYTES, self.size)
        return self._reached.get(number, number * RANGE_BYTES)

    def reach(self, number: int, position: int) -> None:
        """The bytes of a range are there up to this place."""
        with self._changed:
            self._reached[number] = position
            self._changed.notify_all()

    def wait(self, position: int, stop: threading.Event) -> int:
        """The end of the bytes that are there from a place on; waits for some. The place itself
        once stopped.
        """
        with self._changed:
            while (end := self.reached(position // RANGE_BYTES)) <= position:
                if stop.is_set():
                    return position
                self._changed.wait(0.1)
            return end

    def note(self, number: int) -> None:
        """All of a range is there, for a later attempt too."""
        with self._changed:
            self.done.add(number)
            self._changed.notify_all()
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
            block = memoryview(bytearray(_BLOCK))
            position = 0
            while position < work.size:
                end = work.wait(position, self._stop)
                if end == position:
                    return
                while position < end:
                    count = os.preadv(work.handle, [block[: end - position]], position)
                    if count == 0:
                        return
                    found.update(block[:count])
                    position += count
            self.found = found.hexdigest()
        except BaseException as error:
            self._failure = error
            self._stop.set()
