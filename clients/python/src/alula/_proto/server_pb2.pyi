from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StatusResponse(_message.Message):
    __slots__ = ("version", "started_us", "data_directory", "log_last", "offline_applied", "catalog_revision", "registry_revision", "projects", "views", "disk_free_bytes", "connections", "cache", "not_ready")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STARTED_US_FIELD_NUMBER: _ClassVar[int]
    DATA_DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    LOG_LAST_FIELD_NUMBER: _ClassVar[int]
    OFFLINE_APPLIED_FIELD_NUMBER: _ClassVar[int]
    CATALOG_REVISION_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_REVISION_FIELD_NUMBER: _ClassVar[int]
    PROJECTS_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    DISK_FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    NOT_READY_FIELD_NUMBER: _ClassVar[int]
    version: str
    started_us: int
    data_directory: str
    log_last: int
    offline_applied: int
    catalog_revision: int
    registry_revision: int
    projects: _containers.RepeatedScalarFieldContainer[str]
    views: _containers.RepeatedCompositeFieldContainer[ViewStatus]
    disk_free_bytes: int
    connections: int
    cache: CacheStatus
    not_ready: str
    def __init__(self, version: _Optional[str] = ..., started_us: _Optional[int] = ..., data_directory: _Optional[str] = ..., log_last: _Optional[int] = ..., offline_applied: _Optional[int] = ..., catalog_revision: _Optional[int] = ..., registry_revision: _Optional[int] = ..., projects: _Optional[_Iterable[str]] = ..., views: _Optional[_Iterable[_Union[ViewStatus, _Mapping]]] = ..., disk_free_bytes: _Optional[int] = ..., connections: _Optional[int] = ..., cache: _Optional[_Union[CacheStatus, _Mapping]] = ..., not_ready: _Optional[str] = ...) -> None: ...

class CacheStatus(_message.Message):
    __slots__ = ("budget_bytes", "bytes", "entries", "absences", "hits", "absent_hits", "misses", "evictions")
    BUDGET_BYTES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    ABSENCES_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    ABSENT_HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    EVICTIONS_FIELD_NUMBER: _ClassVar[int]
    budget_bytes: int
    bytes: int
    entries: int
    absences: int
    hits: int
    absent_hits: int
    misses: int
    evictions: int
    def __init__(self, budget_bytes: _Optional[int] = ..., bytes: _Optional[int] = ..., entries: _Optional[int] = ..., absences: _Optional[int] = ..., hits: _Optional[int] = ..., absent_hits: _Optional[int] = ..., misses: _Optional[int] = ..., evictions: _Optional[int] = ...) -> None: ...

class ViewStatus(_message.Message):
    __slots__ = ("project", "name", "offline_rows", "segments", "newest_event_us", "online_rows", "online_newest_event_us")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFLINE_ROWS_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    NEWEST_EVENT_US_FIELD_NUMBER: _ClassVar[int]
    ONLINE_ROWS_FIELD_NUMBER: _ClassVar[int]
    ONLINE_NEWEST_EVENT_US_FIELD_NUMBER: _ClassVar[int]
    project: str
    name: str
    offline_rows: int
    segments: int
    newest_event_us: int
    online_rows: int
    online_newest_event_us: int
    def __init__(self, project: _Optional[str] = ..., name: _Optional[str] = ..., offline_rows: _Optional[int] = ..., segments: _Optional[int] = ..., newest_event_us: _Optional[int] = ..., online_rows: _Optional[int] = ..., online_newest_event_us: _Optional[int] = ...) -> None: ...
