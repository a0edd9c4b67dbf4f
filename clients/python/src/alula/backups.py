"""What backups are, as plain records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .records import moment


@dataclass(frozen=True)
class Backup:
    """All that the server had at one position.

    ``new_bytes`` are those that earlier backups did not have; writes were held up for ``paused``;
    ``audit_head`` is the end of the audit log then, for ``Store.verify_audit``. ``problem`` says
    what is wrong with a backup whose manifest cannot be read; all else is empty then.
    """

    name: str
    taken: datetime
    log_entry: int
    applied_entry: int
    audit_head: str
    size: int
    new_bytes: int
    files: int
    paused: timedelta
    deletions: int
    version: str
    data_format: int
    audit_key_inside: bool
    problem: str

    @staticmethod
    def of(message: Any) -> Backup:
        return Backup(
            message.name, moment(message.taken_us), message.log_entry, message.applied_entry,
            message.audit_head, message.bytes, message.new_bytes, message.files,
            timedelta(microseconds=message.paused_us), message.deletions, message.version,
            message.data_format, message.audit_key_inside, message.problem,
        )  # fmt: skip

    def __bool__(self) -> bool:
        return not self.problem
