from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Shadow(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHADOW_NO: _ClassVar[Shadow]
    SHADOW_ON: _ClassVar[Shadow]
    SHADOW_OFF: _ClassVar[Shadow]
SHADOW_NO: Shadow
SHADOW_ON: Shadow
SHADOW_OFF: Shadow

class KeyValue(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class Metric(_message.Message):
    __slots__ = ("name", "value", "step", "time_us", "data_set")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    DATA_SET_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    step: int
    time_us: int
    data_set: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., step: _Optional[int] = ..., time_us: _Optional[int] = ..., data_set: _Optional[str] = ...) -> None: ...

class StartRunRequest(_message.Message):
    __slots__ = ("head", "experiment", "name", "params", "tags", "training_set", "code_revision", "heartbeat_seconds", "environment", "inputs")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    CODE_REVISION_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    experiment: str
    name: str
    params: _containers.RepeatedCompositeFieldContainer[KeyValue]
    tags: _containers.RepeatedCompositeFieldContainer[KeyValue]
    training_set: str
    code_revision: str
    heartbeat_seconds: int
    environment: _containers.RepeatedCompositeFieldContainer[KeyValue]
    inputs: _containers.RepeatedCompositeFieldContainer[RunItem]
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., experiment: _Optional[str] = ..., name: _Optional[str] = ..., params: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., tags: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., training_set: _Optional[str] = ..., code_revision: _Optional[str] = ..., heartbeat_seconds: _Optional[int] = ..., environment: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., inputs: _Optional[_Iterable[_Union[RunItem, _Mapping]]] = ...) -> None: ...

class RunItem(_message.Message):
    __slots__ = ("kind", "target", "name", "bytes")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    target: str
    name: str
    bytes: int
    def __init__(self, kind: _Optional[str] = ..., target: _Optional[str] = ..., name: _Optional[str] = ..., bytes: _Optional[int] = ...) -> None: ...

class BeatRunRequest(_message.Message):
    __slots__ = ("head", "run")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    run: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., run: _Optional[str] = ...) -> None: ...

class LogRunRequest(_message.Message):
    __slots__ = ("head", "run", "params", "metrics", "tags", "inputs", "outputs")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    run: str
    params: _containers.RepeatedCompositeFieldContainer[KeyValue]
    metrics: _containers.RepeatedCompositeFieldContainer[Metric]
    tags: _containers.RepeatedCompositeFieldContainer[KeyValue]
    inputs: _containers.RepeatedCompositeFieldContainer[RunItem]
    outputs: _containers.RepeatedCompositeFieldContainer[RunItem]
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., run: _Optional[str] = ..., params: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., metrics: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ..., tags: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., inputs: _Optional[_Iterable[_Union[RunItem, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[RunItem, _Mapping]]] = ...) -> None: ...

class EndRunRequest(_message.Message):
    __slots__ = ("head", "run", "status")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    run: str
    status: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., run: _Optional[str] = ..., status: _Optional[str] = ...) -> None: ...

class GetRunRequest(_message.Message):
    __slots__ = ("head", "run", "history")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    run: str
    history: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., run: _Optional[str] = ..., history: bool = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("id", "experiment", "name", "status", "started_us", "ended_us", "params", "metrics", "tags", "training_set", "code_revision", "actor", "environment", "heartbeat_seconds", "inputs", "outputs")
    ID_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    STARTED_US_FIELD_NUMBER: _ClassVar[int]
    ENDED_US_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    CODE_REVISION_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    experiment: str
    name: str
    status: str
    started_us: int
    ended_us: int
    params: _containers.RepeatedCompositeFieldContainer[KeyValue]
    metrics: _containers.RepeatedCompositeFieldContainer[Metric]
    tags: _containers.RepeatedCompositeFieldContainer[KeyValue]
    training_set: str
    code_revision: str
    actor: str
    environment: _containers.RepeatedCompositeFieldContainer[KeyValue]
    heartbeat_seconds: int
    inputs: _containers.RepeatedCompositeFieldContainer[RunItem]
    outputs: _containers.RepeatedCompositeFieldContainer[RunItem]
    def __init__(self, id: _Optional[str] = ..., experiment: _Optional[str] = ..., name: _Optional[str] = ..., status: _Optional[str] = ..., started_us: _Optional[int] = ..., ended_us: _Optional[int] = ..., params: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., metrics: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ..., tags: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., training_set: _Optional[str] = ..., code_revision: _Optional[str] = ..., actor: _Optional[str] = ..., environment: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., heartbeat_seconds: _Optional[int] = ..., inputs: _Optional[_Iterable[_Union[RunItem, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[RunItem, _Mapping]]] = ...) -> None: ...

class ListRunsRequest(_message.Message):
    __slots__ = ("head", "experiment", "limit", "page_token")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    experiment: str
    limit: int
    page_token: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., experiment: _Optional[str] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Runs(_message.Message):
    __slots__ = ("runs", "next_page_token")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    next_page_token: str
    def __init__(self, runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RegisterVersionRequest(_message.Message):
    __slots__ = ("head", "model", "run", "artifacts", "service", "training_set", "description", "tags")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    run: str
    artifacts: _containers.RepeatedCompositeFieldContainer[VersionArtifact]
    service: str
    training_set: str
    description: str
    tags: _containers.RepeatedCompositeFieldContainer[KeyValue]
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., run: _Optional[str] = ..., artifacts: _Optional[_Iterable[_Union[VersionArtifact, _Mapping]]] = ..., service: _Optional[str] = ..., training_set: _Optional[str] = ..., description: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ...) -> None: ...

class VersionArtifact(_message.Message):
    __slots__ = ("name", "digest", "bytes", "directory")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    bytes: int
    directory: bool
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., bytes: _Optional[int] = ..., directory: bool = ...) -> None: ...

class ModelVersion(_message.Message):
    __slots__ = ("model", "version", "stage", "run", "training_set", "service", "artifacts", "params", "metrics", "code_revision", "description", "tags", "registered_us", "actor", "training_digest", "log_entry")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    CODE_REVISION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_US_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    TRAINING_DIGEST_FIELD_NUMBER: _ClassVar[int]
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    model: str
    version: int
    stage: str
    run: str
    training_set: str
    service: str
    artifacts: _containers.RepeatedCompositeFieldContainer[VersionArtifact]
    params: _containers.RepeatedCompositeFieldContainer[KeyValue]
    metrics: _containers.RepeatedCompositeFieldContainer[Metric]
    code_revision: str
    description: str
    tags: _containers.RepeatedCompositeFieldContainer[KeyValue]
    registered_us: int
    actor: str
    training_digest: str
    log_entry: int
    def __init__(self, model: _Optional[str] = ..., version: _Optional[int] = ..., stage: _Optional[str] = ..., run: _Optional[str] = ..., training_set: _Optional[str] = ..., service: _Optional[str] = ..., artifacts: _Optional[_Iterable[_Union[VersionArtifact, _Mapping]]] = ..., params: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., metrics: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ..., code_revision: _Optional[str] = ..., description: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ..., registered_us: _Optional[int] = ..., actor: _Optional[str] = ..., training_digest: _Optional[str] = ..., log_entry: _Optional[int] = ...) -> None: ...

class Models(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[RegisteredModel]
    def __init__(self, models: _Optional[_Iterable[_Union[RegisteredModel, _Mapping]]] = ...) -> None: ...

class RegisteredModel(_message.Message):
    __slots__ = ("name", "revision", "newest_version", "holders", "aliases", "stages", "shadows")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    NEWEST_VERSION_FIELD_NUMBER: _ClassVar[int]
    HOLDERS_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    SHADOWS_FIELD_NUMBER: _ClassVar[int]
    name: str
    revision: int
    newest_version: int
    holders: _containers.RepeatedCompositeFieldContainer[StageHolder]
    aliases: _containers.RepeatedCompositeFieldContainer[ModelAlias]
    stages: _containers.RepeatedCompositeFieldContainer[StageDefinition]
    shadows: _containers.RepeatedCompositeFieldContainer[StageHolder]
    def __init__(self, name: _Optional[str] = ..., revision: _Optional[int] = ..., newest_version: _Optional[int] = ..., holders: _Optional[_Iterable[_Union[StageHolder, _Mapping]]] = ..., aliases: _Optional[_Iterable[_Union[ModelAlias, _Mapping]]] = ..., stages: _Optional[_Iterable[_Union[StageDefinition, _Mapping]]] = ..., shadows: _Optional[_Iterable[_Union[StageHolder, _Mapping]]] = ...) -> None: ...

class ModelAlias(_message.Message):
    __slots__ = ("name", "version", "protected", "since_us", "actor")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PROTECTED_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    protected: bool
    since_us: int
    actor: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., protected: bool = ..., since_us: _Optional[int] = ..., actor: _Optional[str] = ...) -> None: ...

class StageDefinition(_message.Message):
    __slots__ = ("name", "holders")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOLDERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    holders: int
    def __init__(self, name: _Optional[str] = ..., holders: _Optional[int] = ...) -> None: ...

class StageHolder(_message.Message):
    __slots__ = ("stage", "version", "since_us", "previous", "share")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    stage: str
    version: int
    since_us: int
    previous: int
    share: int
    def __init__(self, stage: _Optional[str] = ..., version: _Optional[int] = ..., since_us: _Optional[int] = ..., previous: _Optional[int] = ..., share: _Optional[int] = ...) -> None: ...

class ListVersionsRequest(_message.Message):
    __slots__ = ("head", "model", "limit", "page_token")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    limit: int
    page_token: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Versions(_message.Message):
    __slots__ = ("versions", "next_page_token")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[ModelVersion]
    next_page_token: str
    def __init__(self, versions: _Optional[_Iterable[_Union[ModelVersion, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ResolveVersionRequest(_message.Message):
    __slots__ = ("head", "model", "version", "stage", "alias")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    version: int
    stage: str
    alias: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., version: _Optional[int] = ..., stage: _Optional[str] = ..., alias: _Optional[str] = ...) -> None: ...

class PromoteRequest(_message.Message):
    __slots__ = ("head", "model", "version", "stage", "reason", "dry_run", "expected_revision", "share", "shadow")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    version: int
    stage: str
    reason: str
    dry_run: bool
    expected_revision: int
    share: int
    shadow: Shadow
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., version: _Optional[int] = ..., stage: _Optional[str] = ..., reason: _Optional[str] = ..., dry_run: bool = ..., expected_revision: _Optional[int] = ..., share: _Optional[int] = ..., shadow: _Optional[_Union[Shadow, str]] = ...) -> None: ...

class PromoteResponse(_message.Message):
    __slots__ = ("passed", "rules", "revision", "stage", "version", "previous", "gate_version", "shares", "shadow")
    PASSED_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    GATE_VERSION_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    passed: bool
    rules: _containers.RepeatedCompositeFieldContainer[RuleVerdict]
    revision: int
    stage: str
    version: int
    previous: int
    gate_version: int
    shares: _containers.RepeatedCompositeFieldContainer[VersionShare]
    shadow: int
    def __init__(self, passed: bool = ..., rules: _Optional[_Iterable[_Union[RuleVerdict, _Mapping]]] = ..., revision: _Optional[int] = ..., stage: _Optional[str] = ..., version: _Optional[int] = ..., previous: _Optional[int] = ..., gate_version: _Optional[int] = ..., shares: _Optional[_Iterable[_Union[VersionShare, _Mapping]]] = ..., shadow: _Optional[int] = ..., **kwargs) -> None: ...

class VersionShare(_message.Message):
    __slots__ = ("version", "share")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    version: int
    share: int
    def __init__(self, version: _Optional[int] = ..., share: _Optional[int] = ...) -> None: ...

class RuleVerdict(_message.Message):
    __slots__ = ("rule", "outcome", "reason")
    RULE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    rule: str
    outcome: str
    reason: str
    def __init__(self, rule: _Optional[str] = ..., outcome: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RollbackRequest(_message.Message):
    __slots__ = ("head", "model", "stage", "reason", "expected_revision")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    stage: str
    reason: str
    expected_revision: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., stage: _Optional[str] = ..., reason: _Optional[str] = ..., expected_revision: _Optional[int] = ...) -> None: ...

class LineageRequest(_message.Message):
    __slots__ = ("head", "model", "version", "run")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    version: int
    run: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., version: _Optional[int] = ..., run: _Optional[str] = ...) -> None: ...

class Lineage(_message.Message):
    __slots__ = ("nodes", "edges")
    NODES_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[LineageNode]
    edges: _containers.RepeatedCompositeFieldContainer[LineageEdge]
    def __init__(self, nodes: _Optional[_Iterable[_Union[LineageNode, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[LineageEdge, _Mapping]]] = ...) -> None: ...

class LineageNode(_message.Message):
    __slots__ = ("id", "kind", "title", "facts")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    title: str
    facts: _containers.RepeatedCompositeFieldContainer[KeyValue]
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., title: _Optional[str] = ..., facts: _Optional[_Iterable[_Union[KeyValue, _Mapping]]] = ...) -> None: ...

class LineageEdge(_message.Message):
    __slots__ = ("to",)
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    to: str
    def __init__(self, to: _Optional[str] = ..., **kwargs) -> None: ...

class ListAuditRequest(_message.Message):
    __slots__ = ("head", "after", "limit", "object", "actor", "act", "since_us", "until_us")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ACT_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    after: int
    limit: int
    object: str
    actor: str
    act: str
    since_us: int
    until_us: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., after: _Optional[int] = ..., limit: _Optional[int] = ..., object: _Optional[str] = ..., actor: _Optional[str] = ..., act: _Optional[str] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ...) -> None: ...

class AuditEntries(_message.Message):
    __slots__ = ("entries", "next")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[AuditEntry]
    next: int
    def __init__(self, entries: _Optional[_Iterable[_Union[AuditEntry, _Mapping]]] = ..., next: _Optional[int] = ...) -> None: ...

class AuditEntry(_message.Message):
    __slots__ = ("number", "time_us", "actor", "verified", "act", "object", "detail", "request_id", "project", "before", "after", "verdict", "hash")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    ACT_FIELD_NUMBER: _ClassVar[int]
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    number: int
    time_us: int
    actor: str
    verified: bool
    act: str
    object: str
    detail: str
    request_id: str
    project: str
    before: str
    after: str
    verdict: str
    hash: str
    def __init__(self, number: _Optional[int] = ..., time_us: _Optional[int] = ..., actor: _Optional[str] = ..., verified: bool = ..., act: _Optional[str] = ..., object: _Optional[str] = ..., detail: _Optional[str] = ..., request_id: _Optional[str] = ..., project: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ..., verdict: _Optional[str] = ..., hash: _Optional[str] = ...) -> None: ...
