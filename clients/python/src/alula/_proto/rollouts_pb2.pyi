from . import common_pb2 as _common_pb2
from . import registry_pb2 as _registry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StageHoldersRequest(_message.Message):
    __slots__ = ("head", "model", "stage")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    stage: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., stage: _Optional[str] = ...) -> None: ...

class StageHolders(_message.Message):
    __slots__ = ("holders", "shadow", "revision")
    HOLDERS_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    holders: _containers.RepeatedCompositeFieldContainer[HeldVersion]
    shadow: _registry_pb2.ModelVersion
    revision: int
    def __init__(self, holders: _Optional[_Iterable[_Union[HeldVersion, _Mapping]]] = ..., shadow: _Optional[_Union[_registry_pb2.ModelVersion, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class HeldVersion(_message.Message):
    __slots__ = ("version", "share", "since_us")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    version: _registry_pb2.ModelVersion
    share: int
    since_us: int
    def __init__(self, version: _Optional[_Union[_registry_pb2.ModelVersion, _Mapping]] = ..., share: _Optional[int] = ..., since_us: _Optional[int] = ...) -> None: ...

class StartRolloutRequest(_message.Message):
    __slots__ = ("head", "model", "version", "plan", "reason")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    version: int
    plan: str
    reason: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., version: _Optional[int] = ..., plan: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelRolloutRequest(_message.Message):
    __slots__ = ("head", "model", "reason", "back")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BACK_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    reason: str
    back: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., reason: _Optional[str] = ..., back: bool = ...) -> None: ...

class ListRolloutsRequest(_message.Message):
    __slots__ = ("head", "model", "limit")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    limit: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class Rollouts(_message.Message):
    __slots__ = ("rollouts", "plans")
    ROLLOUTS_FIELD_NUMBER: _ClassVar[int]
    PLANS_FIELD_NUMBER: _ClassVar[int]
    rollouts: _containers.RepeatedCompositeFieldContainer[Rollout]
    plans: _containers.RepeatedCompositeFieldContainer[RolloutPlan]
    def __init__(self, rollouts: _Optional[_Iterable[_Union[Rollout, _Mapping]]] = ..., plans: _Optional[_Iterable[_Union[RolloutPlan, _Mapping]]] = ...) -> None: ...

class RolloutPlan(_message.Message):
    __slots__ = ("name", "version", "model", "stage", "steps", "rules")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    model: str
    stage: str
    steps: _containers.RepeatedCompositeFieldContainer[RolloutStep]
    rules: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., model: _Optional[str] = ..., stage: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[RolloutStep, _Mapping]]] = ..., rules: _Optional[_Iterable[str]] = ...) -> None: ...

class RolloutStep(_message.Message):
    __slots__ = ("share", "hold_us")
    SHARE_FIELD_NUMBER: _ClassVar[int]
    HOLD_US_FIELD_NUMBER: _ClassVar[int]
    share: int
    hold_us: int
    def __init__(self, share: _Optional[int] = ..., hold_us: _Optional[int] = ...) -> None: ...

class Rollout(_message.Message):
    __slots__ = ("number", "model", "version", "plan", "state", "step", "since_us", "started_us", "ended_us", "actor", "reason", "evaluated_us", "figures", "gate")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    STARTED_US_FIELD_NUMBER: _ClassVar[int]
    ENDED_US_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVALUATED_US_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    GATE_FIELD_NUMBER: _ClassVar[int]
    number: int
    model: str
    version: int
    plan: RolloutPlan
    state: str
    step: int
    since_us: int
    started_us: int
    ended_us: int
    actor: str
    reason: str
    evaluated_us: int
    figures: _containers.RepeatedCompositeFieldContainer[RolloutFigure]
    gate: _containers.RepeatedCompositeFieldContainer[_registry_pb2.RuleVerdict]
    def __init__(self, number: _Optional[int] = ..., model: _Optional[str] = ..., version: _Optional[int] = ..., plan: _Optional[_Union[RolloutPlan, _Mapping]] = ..., state: _Optional[str] = ..., step: _Optional[int] = ..., since_us: _Optional[int] = ..., started_us: _Optional[int] = ..., ended_us: _Optional[int] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., evaluated_us: _Optional[int] = ..., figures: _Optional[_Iterable[_Union[RolloutFigure, _Mapping]]] = ..., gate: _Optional[_Iterable[_Union[_registry_pb2.RuleVerdict, _Mapping]]] = ...) -> None: ...

class RolloutFigure(_message.Message):
    __slots__ = ("rule", "outcome", "value", "threshold", "rows", "reason")
    RULE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    rule: str
    outcome: str
    value: float
    threshold: float
    rows: int
    reason: str
    def __init__(self, rule: _Optional[str] = ..., outcome: _Optional[str] = ..., value: _Optional[float] = ..., threshold: _Optional[float] = ..., rows: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...
