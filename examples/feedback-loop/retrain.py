"""What `alula on monitor.firing` runs: trains on what was really served, hands the version in.

At least once means that it may run again for an event: it looks first whether its work is done.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import tempfile

import numpy as np
from world import Model, auc

import alula

MODEL = "loans"
#: So far back goes what it trains on: the world as it is now, not as it was.
SPAN = dt.timedelta(seconds=float(os.environ.get("STORY_SPAN", "6")))


def say(text: str) -> None:
    print(f"retrain: {text}", file=sys.stderr, flush=True)


def main() -> None:
    event = json.load(sys.stdin)
    if event["subject"] != "quality":
        say(f"{event['event']} of {event['subject']} is no reason yet: answers may still be right")
        return
    store = alula.connect()
    if any(version.tags.get("event") == str(event["id"]) for version in store.versions(MODEL)):
        say("this event has its version already")
        return
    since = dt.datetime.fromisoformat(event["time"].replace("Z", "+00:00")) - SPAN
    train = store.training_set_from_log(MODEL, since=since)
    x, y = np.asarray(train.X, dtype=float), np.asarray(train.y, dtype=float)
    held_out = np.arange(len(y)) % 5 == 0
    model = Model.fit(x[~held_out], y[~held_out])
    measured = auc(y[held_out], model.predict(x[held_out]))
    with (
        tempfile.TemporaryDirectory() as directory,
        store.run(
            "loans", training_set=train, code_revision="story", params={"rows": len(y)}
        ) as run,
    ):
        run.log_metric("auc", measured, data_set="holdout")
        version = run.register(
            MODEL, [model.save(directory)], tags={"event": event["id"]},
            description=f"after {event['subject']} fired",
        )  # fmt: skip
    say(f"version {int(version)} is trained on {len(y)} served loans, AUC {measured:.2f} held out")
    rollout = store.start_rollout(MODEL, int(version), reason=f"{event['subject']} fired")
    say(f"the gate passes version {int(version)}; rollout {rollout.plan.name} begins")


if __name__ == "__main__":
    main()
