"""The same words with ``await``, for servers on asyncio.

```python
from alula import aio

async with await aio.connect() as store:
    model = await store.model("credit", stage="production")
    answer = await model.read({"dob_ssn": [...], "zipcode": [...]}, request={"loan_amnt": [...]})
```

Reads, of services and of models, run on the event loop: one connection for each loop, many calls in
flight. Every other word runs in one of a few threads, which ``close()`` ends; cancelling the task
that awaits one lets go of it, and the thread finishes by itself.
"""

from ._models import AsyncModel
from ._runs import AsyncRun
from ._store import AsyncStore, connect
from ._stream import AsyncTrainingSetStream
from ._watching import AsyncWatch

__all__ = [
    "AsyncModel",
    "AsyncRun",
    "AsyncStore",
    "AsyncTrainingSetStream",
    "AsyncWatch",
    "connect",
]
