from . import common_pb2 as _common_pb2
from . import registry_pb2 as _registry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Protection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROTECTION_AS_IT_IS: _ClassVar[Protection]
    PROTECTION_ON: _ClassVar[Protection]
    PROTECTION_OFF: _ClassVar[Protection]
PROTECTION_AS_IT_IS: Protection
PROTECTION_ON: Protection
PROTECTION_OFF: Protection

class SetAliasRequest(_message.Message):
    __slots__ = ("head", "model", "alias", "version", "protection", "expected_revision")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PROTECTION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    alias: str
    version: int
    protection: Protection
    expected_revision: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., alias: _Optional[str] = ..., version: _Optional[int] = ..., protection: _Optional[_Union[Protection, str]] = ..., expected_revision: _Optional[int] = ...) -> None: ...

class DeleteAliasRequest(_message.Message):
    __slots__ = ("head", "model", "alias")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    alias: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., alias: _Optional[str] = ...) -> None: ...

class ListAliasesRequest(_message.Message):
    __slots__ = ("head", "model")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ...) -> None: ...

class ModelAliases(_message.Message):
    __slots__ = ("aliases",)
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    aliases: _containers.RepeatedCompositeFieldContainer[_registry_pb2.ModelAlias]
    def __init__(self, aliases: _Optional[_Iterable[_Union[_registry_pb2.ModelAlias, _Mapping]]] = ...) -> None: ...

class ApproveRequest(_message.Message):
    __slots__ = ("head", "model", "version", "stage", "reason")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    version: int
    stage: str
    reason: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., version: _Optional[int] = ..., stage: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Approval(_message.Message):
    __slots__ = ("model", "version", "stage", "actor", "roles", "time_us", "reason")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: int
    stage: str
    actor: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    time_us: int
    reason: str
    def __init__(self, model: _Optional[str] = ..., version: _Optional[int] = ..., stage: _Optional[str] = ..., actor: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., time_us: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class ListApprovalsRequest(_message.Message):
    __slots__ = ("head", "model", "version")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    version: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class Approvals(_message.Message):
    __slots__ = ("approvals",)
    APPROVALS_FIELD_NUMBER: _ClassVar[int]
    approvals: _containers.RepeatedCompositeFieldContainer[Approval]
    def __init__(self, approvals: _Optional[_Iterable[_Union[Approval, _Mapping]]] = ...) -> None: ...

class ListGatesRequest(_message.Message):
    __slots__ = ("head", "model", "history")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    history: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., history: bool = ...) -> None: ...

class Gates(_message.Message):
    __slots__ = ("gates",)
    GATES_FIELD_NUMBER: _ClassVar[int]
    gates: _containers.RepeatedCompositeFieldContainer[GateRules]
    def __init__(self, gates: _Optional[_Iterable[_Union[GateRules, _Mapping]]] = ...) -> None: ...

class GateRules(_message.Message):
    __slots__ = ("model", "to", "rules", "rollback", "version", "removed")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    model: str
    to: str
    rules: _containers.RepeatedScalarFieldContainer[str]
    rollback: _containers.RepeatedScalarFieldContainer[str]
    version: int
    removed: bool
    def __init__(self, model: _Optional[str] = ..., to: _Optional[str] = ..., rules: _Optional[_Iterable[str]] = ..., rollback: _Optional[_Iterable[str]] = ..., version: _Optional[int] = ..., removed: bool = ..., **kwargs) -> None: ...

class StagesAtRequest(_message.Message):
    __slots__ = ("head", "model", "time_us", "stage")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    time_us: int
    stage: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., time_us: _Optional[int] = ..., stage: _Optional[str] = ...) -> None: ...

class StageTenures(_message.Message):
    __slots__ = ("tenures",)
    TENURES_FIELD_NUMBER: _ClassVar[int]
    tenures: _containers.RepeatedCompositeFieldContainer[StageTenure]
    def __init__(self, tenures: _Optional[_Iterable[_Union[StageTenure, _Mapping]]] = ...) -> None: ...

class StageTenure(_message.Message):
    __slots__ = ("stage", "version", "since_us", "until_us", "holds", "share")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    stage: str
    version: int
    since_us: int
    until_us: int
    holds: bool
    share: int
    def __init__(self, stage: _Optional[str] = ..., version: _Optional[int] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ..., holds: bool = ..., share: _Optional[int] = ...) -> None: ...

class ReproduceRequest(_message.Message):
    __slots__ = ("head", "model", "version")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    version: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class ReproduceResponse(_message.Message):
    __slots__ = ("training_set", "state", "recorded_digest", "digest", "log_entry", "time_us", "differences")
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    training_set: str
    state: str
    recorded_digest: str
    digest: str
    log_entry: int
    time_us: int
    differences: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, training_set: _Optional[str] = ..., state: _Optional[str] = ..., recorded_digest: _Optional[str] = ..., digest: _Optional[str] = ..., log_entry: _Optional[int] = ..., time_us: _Optional[int] = ..., differences: _Optional[_Iterable[str]] = ...) -> None: ...

class VerifyAuditRequest(_message.Message):
    __slots__ = ("head", "head_kept")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    HEAD_KEPT_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    head_kept: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., head_kept: _Optional[str] = ...) -> None: ...

class VerifyAuditResponse(_message.Message):
    __slots__ = ("entries", "head_now", "head_kept_online", "problems", "problem_count", "key_outside")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    HEAD_NOW_FIELD_NUMBER: _ClassVar[int]
    HEAD_KEPT_ONLINE_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    KEY_OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    entries: int
    head_now: str
    head_kept_online: str
    problems: _containers.RepeatedScalarFieldContainer[str]
    problem_count: int
    key_outside: bool
    def __init__(self, entries: _Optional[int] = ..., head_now: _Optional[str] = ..., head_kept_online: _Optional[str] = ..., problems: _Optional[_Iterable[str]] = ..., problem_count: _Optional[int] = ..., key_outside: bool = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("head", "model", "after", "from_now")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    FROM_NOW_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    after: int
    from_now: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., after: _Optional[int] = ..., from_now: bool = ...) -> None: ...

class RegistryEvents(_message.Message):
    __slots__ = ("events", "revision", "missed")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[RegistryEvent]
    revision: int
    missed: int
    def __init__(self, events: _Optional[_Iterable[_Union[RegistryEvent, _Mapping]]] = ..., revision: _Optional[int] = ..., missed: _Optional[int] = ...) -> None: ...

class RegistryEvent(_message.Message):
    __slots__ = ("revision", "time_us", "kind", "model", "version", "stage", "other", "alias", "actor", "name", "view", "subject", "detail")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    revision: int
    time_us: int
    kind: str
    model: str
    version: int
    stage: str
    other: str
    alias: str
    actor: str
    name: str
    view: str
    subject: str
    detail: str
    def __init__(self, revision: _Optional[int] = ..., time_us: _Optional[int] = ..., kind: _Optional[str] = ..., model: _Optional[str] = ..., version: _Optional[int] = ..., stage: _Optional[str] = ..., other: _Optional[str] = ..., alias: _Optional[str] = ..., actor: _Optional[str] = ..., name: _Optional[str] = ..., view: _Optional[str] = ..., subject: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...
