"""Alula: a feature store and a model registry in one server.

```python
import alula

store = alula.connect()                       # alula://127.0.0.1:7461
store.apply("definitions.yaml")
store.load("credit_history", "history.parquet")
train = store.training_set("credit", spine=loans, event_time="event_timestamp", label="loan_status")
with store.run("credit", training_set=train) as run:
    run.log_metric("auc", 0.71)
    version = run.register("credit", artifacts=["model.onnx"])
store.promote("credit", version, "staging")
model = store.model("credit", stage="staging")
model.read({"dob_ssn": ["19530219_5179"], "zipcode": [76104]}).to_numpy()
```
"""

from .answer import Answer, SplitAnswer
from .errors import (
    Aborted,
    AlreadyExists,
    AlulaError,
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    Incomplete,
    InternalError,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    Refused,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from .models import Model
from .monitoring import Drift, Profile
from .registry import ModelVersion
from .runs import Run
from .served import Logged, PredictionLog, Skew
from .store import Store, connect
from .stream import TrainingSetStream
from .training import TrainingSet, TrainingSetRecord
from .watching import Watch

__version__ = "0.1.0"

__all__ = [
    "Aborted",
    "AlreadyExists",
    "AlulaError",
    "Answer",
    "Cancelled",
    "DataLoss",
    "DeadlineExceeded",
    "Drift",
    "Incomplete",
    "InternalError",
    "InvalidArgument",
    "Logged",
    "Model",
    "ModelVersion",
    "NotFound",
    "OutOfRange",
    "PermissionDenied",
    "PredictionLog",
    "Profile",
    "Refused",
    "ResourceExhausted",
    "Run",
    "Skew",
    "SplitAnswer",
    "Store",
    "TrainingSet",
    "TrainingSetRecord",
    "TrainingSetStream",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "Watch",
    "connect",
]
