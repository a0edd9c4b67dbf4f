"""What a run logs, sent behind it: many points at a time, in their order, each exactly once."""

from __future__ import annotations

import os
import queue
import threading
import time
import warnings
from typing import Any, Union

from ._frames import Op
from ._proto import registry_pb2
from ._session import Session
from ._spool import NOT_NOW, PASSING, Spool, header_of, spool_directory
from .errors import AlulaError, DeadlineExceeded, ResourceExhausted

MOST_WAITING = 100_000
_MOST_AT_ONCE = 1_000
_IDLE_SECONDS = 0.5
#: The server may be away so long before what waits goes to a file.
SPOOL_AFTER = 5.0

_Call = tuple[int, bytes]
_Entry = Union[registry_pb2.Metric, _Call]


class Sender:
    """Points and calls of one run, on their way.

    While the server is away they wait in memory, then in a file; when it is back they are sent from
    there. The thread that sends ends when nothing waits, unless it has heartbeats to send. A forked
    child may log too; what waited in the parent is the parent's to send.
    """

    def __init__(self, session: Session, run: str, heartbeat: float) -> None:
        self._session, self._run, self._heartbeat = session, run, heartbeat
        self._dropped = 0
        self._begin()
        if heartbeat > 0:
            self._need_thread()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._queue: queue.Queue[_Entry] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self.thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._error: AlulaError | None = None
        # A forked child has a file of its own.
        path = spool_directory() / f"{self._run}-{self._pid}.spool"
        self._spool = Spool(path, header_of(self._session, self._run))
        self._next_try = 0.0
        self._pause = 0.1
        self._heard = time.monotonic()

    def notice_fork(self) -> None:
        """In a child process: begins anew."""
        if self._pid != os.getpid():
            self._begin()

    @property
    def is_away(self) -> bool:
        """Whether the server is away, so that calls wait in the file."""
        return self._spool.waiting > 0

    @property
    def is_waiting(self) -> bool:
        """Whether something is not stored yet."""
        return self._queue.unfinished_tasks > 0 or self._spool.waiting > 0

    def add(self, entry: _Entry) -> None:
        """Puts a point, or a call made ready, behind what waits; returns at once.

        Where too much waits a point is lost, which the next flush raises; a call waits for room.
        """
        self.notice_fork()
        try:
            self._queue.put_nowait(entry)
        except queue.Full:
            self._need_thread()
            if isinstance(entry, tuple):
                self._queue.put(entry)
                return
            if self._dropped == 0:
                warnings.warn(
                    f"run {self._run}: {MOST_WAITING:,} metrics wait; further ones are lost",
                    stacklevel=3,
                )
            self._dropped += 1
        self._need_thread()

    def add_call(self, operation: int, request: Any) -> None:
        """Likewise, a call."""
        control = self._session.prepare(request, True, self._session.transport.timeout)
        self.add((operation, control))

    def _need_thread(self) -> None:
        with self._lock:
            if self.thread is None and not self._stop.is_set():
                self.thread = threading.Thread(target=self._work, name="alula-metrics", daemon=True)
                self.thread.start()

    def flush(self, seconds: float) -> None:
        """Returns when all that waits is stored; raises what keeps it from it."""
        self.notice_fork()
        give_up = time.monotonic() + seconds
        while self._queue.unfinished_tasks or self._spool.waiting:
            if self._error is not None:
                break
            if time.monotonic() > give_up:
                where = f", in {self._spool.path}" if self._spool.waiting else ""
                raise DeadlineExceeded(
                    f"run {self._run}: not everything that it logged is stored yet{where}"
                )
            with self._queue.all_tasks_done:
                if self._queue.unfinished_tasks and not self._spool.waiting:
                    self._queue.all_tasks_done.wait(0.1)
                    continue
            time.sleep(0.02)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self._dropped:
            lost, self._dropped = self._dropped, 0
            raise ResourceExhausted(
                f"run {self._run}: {lost:,} points are lost: {MOST_WAITING:,} waited already",
                "log fewer points, or less often",
            )

    def close(self) -> int:
        """Ends the thread, which sends what it can and leaves the rest in the file.

        Returns how many calls wait there.
        """
        self.notice_fork()
        self._stop.set()
        thread = self.thread
        if thread is None and self._queue.unfinished_tasks:
            # What was put while the last thread ended.
            thread = threading.Thread(target=self._work, name="alula-metrics", daemon=True)
            self.thread = thread
            thread.start()
        if thread is not None:
            thread.join()
        self.thread = None
        waiting = self._spool.waiting
        self._spool.close()
        return waiting

    @property
    def path(self) -> str:
        """Where calls wait that could not be sent."""
        return str(self._spool.path)

    # The thread

    def _work(self) -> None:
        held: _Entry | None = None
        while True:
            if held is None:
                try:
                    entry = self._queue.get(timeout=self._wait())
                except queue.Empty:
                    if self._rest():
                        return
                    continue
            else:
                entry, held = held, None
            count = 1
            if isinstance(entry, tuple):
                operation, control = entry
            else:
                points = [entry]
                while len(points) < _MOST_AT_ONCE:
                    try:
                        more = self._queue.get_nowait()
                    except queue.Empty:
                        break
                    if isinstance(more, tuple):
                        held = more
                        break
                    points.append(more)
                operation, count = Op.LOG_RUN, len(points)
                request = registry_pb2.LogRunRequest(run=self._run, metrics=points)
                control = self._session.prepare(request, True, self._session.transport.timeout)
            self._deliver(operation, control)
            for _ in range(count):
                self._queue.task_done()

    def _wait(self) -> float:
        if self._stop.is_set():
            return 0.01
        if self._spool.waiting:
            return min(_IDLE_SECONDS, max(self._next_try - time.monotonic(), 0.01))
        if self._heartbeat > 0:
            left = self._heard + self._heartbeat - time.monotonic()
            return min(_IDLE_SECONDS, max(left, 0.01))
        return _IDLE_SECONDS

    def _rest(self) -> bool:
        """Does what there is to do while nothing comes; True where the thread may end."""
        if self._spool.waiting:
            self._replay()
            return self._stop.is_set() and self._queue.empty()
        if self._stop.is_set():
            return self._queue.empty()
        if self._heartbeat > 0:
            self._beat()
            return False
        with self._lock:
            # A point put before is seen; one put later finds no thread, and starts one.
            if self._queue.empty():
                self.thread = None
                return True
        return False

    def _beat(self) -> None:
        if time.monotonic() < self._heard + self._heartbeat:
            return
        self._heard = time.monotonic()
        request = registry_pb2.BeatRunRequest(run=self._run)
        try:
            self._session.transport.unary(
                Op.BEAT_RUN, self._session.prepare(request, True, 10.0), timeout=10.0
            )
        except AlulaError:
            return  # the next one may come through; without any the run is lost, as it is

    def _deliver(self, operation: int, control: bytes) -> None:
        if self._spool.waiting:
            self._append(operation, control)
            self._replay()
            return
        since = time.monotonic()
        while True:
            try:
                self._session.transport.unary(operation, control)
                self._heard = time.monotonic()
                self._pause = 0.1
                return
            except PASSING as error:
                away = time.monotonic() - since
                is_full = self._queue.qsize() > MOST_WAITING // 2
                if away >= SPOOL_AFTER or is_full or self._stop.is_set():
                    self._append(operation, control, error)
                    self._later()
                    return
                self._stop.wait(self._pause)
                self._pause = min(2 * self._pause, 5.0)
            except NOT_NOW as error:
                # With a better token, or a mended server, store.deliver() sends it.
                self._error = self._error or error
                self._append(operation, control)
                self._later()
                return
            except AlulaError as error:
                self._error = self._error or error
                return

    def _append(self, operation: int, control: bytes, reason: AlulaError | None = None) -> None:
        try:
            self._spool.append(operation, control)
        except OSError as error:
            failure = DeadlineExceeded(
                f"run {self._run}: what it logged is lost: the server is away, and "
                f"{self._spool.path} cannot be written: {error.strerror}"
            )
            self._error = self._error or failure
            return
        if reason is not None:
            warnings.warn(
                f"run {self._run}: the server is away ({reason.message}); what is logged goes to "
                f"{self._spool.path}",
                stacklevel=2,
            )

    def _later(self) -> None:
        self._next_try = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, 5.0)

    def _replay(self) -> None:
        """Sends from the file, in order, as long as the server takes it."""
        if time.monotonic() < self._next_try and not self._stop.is_set():
            return
        while (found := self._spool.first()) is not None:
            try:
                self._session.transport.unary(*found)
                self._heard = time.monotonic()
            except PASSING:
                self._later()
                return
            except NOT_NOW as error:
                self._error = self._error or error
                self._later()
                return
            except AlulaError as error:
                self._error = self._error or error
            self._spool.sent()
        self._pause = 0.1
