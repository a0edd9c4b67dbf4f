"""The verbs of backups."""

from __future__ import annotations

from ._frames import Bytes, Op
from ._progress import Progress, ProgressOption
from ._proto import backups_pb2, common_pb2
from ._session import Session
from .backups import Backup


class BackupVerbs:
    """What a store does for its backups; restoring one is ``alula restore``."""

    _session: Session

    def backup(
        self, name: str = "", bytes_per_second: int = 0, progress: ProgressOption = None
    ) -> Backup:
        """Backs up all that the server has, of all projects, at one position; checks every byte.

        Reads and writes go on. It lies where the server was told with ``serve --backups``; without
        a name it is named for its time. ``bytes_per_second`` slows it down.
        """
        bar = Progress("backup", "bytes", None, progress)

        def take(control: Bytes, _: Bytes) -> None:
            step = backups_pb2.BackupProgress.FromString(bytes(control))
            bar.begin(f"backup: {step.step}", step.total or None)
            bar.update(step.done)

        done = self._session.stream(
            Op.BACKUP,
            backups_pb2.BackupRequest(name=name, bytes_per_second=bytes_per_second),
            backups_pb2.Backup,
            lambda: ((), take),
            write=True,
        )
        bar.finish(f"{done.name}: {done.bytes:,} bytes, {done.new_bytes:,} of them new")
        return Backup.of(done)

    def backups(self) -> list[Backup]:
        """The backups that the server keeps, the oldest first; false where one is damaged."""
        found, _ = self._session.call(Op.LIST_BACKUPS, common_pb2.HeadOnly(), backups_pb2.Backups)
        return [Backup.of(backup) for backup in found.backups]
