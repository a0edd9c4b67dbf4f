"""Rollouts: what moves the shares of a stage by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .records import moment
from .registry import RuleVerdict


@dataclass(frozen=True)
class RolloutStep:
    """A share of the stage (0.1 is a tenth), and the least time that it stands."""

    share: float
    hold: timedelta


@dataclass(frozen=True)
class RolloutPlan:
    """How a version takes over a stage; ``model`` is empty where it is for any."""

    name: str
    version: int
    model: str
    stage: str
    steps: list[RolloutStep]
    #: In words.
    rules: list[str]

    @staticmethod
    def of(message: Any) -> RolloutPlan:
        steps = [
            RolloutStep(step.share / 10_000, timedelta(microseconds=step.hold_us))
            for step in message.steps
        ]
        return RolloutPlan(
            message.name, message.version, message.model, message.stage, steps,
            list(message.rules),
        )  # fmt: skip


@dataclass(frozen=True)
class RolloutFigure:
    """What a look at one rule found: ``outcome`` is passed, failed or cannot tell."""

    rule: str
    outcome: str
    value: float | None
    threshold: float | None
    rows: int
    reason: str

    @staticmethod
    def of(message: Any) -> RolloutFigure:
        return RolloutFigure(
            message.rule, message.outcome,
            message.value if message.HasField("value") else None,
            message.threshold if message.HasField("threshold") else None,
            message.rows, message.reason,
        )  # fmt: skip


@dataclass(frozen=True)
class Rollout:
    """Where a rollout stands; true while it runs.

    ``state``: running, done, stepped_back or cancelled. ``step``: from 1; ``since``: when it, or
    the end, came. ``reason``: what it waits for, or why it ended. ``figures``: of the last look at
    its rules.
    """

    number: int
    model: str
    version: int
    plan: RolloutPlan
    state: str
    step: int
    since: datetime
    started: datetime
    ended: datetime | None
    actor: str
    reason: str
    evaluated: datetime | None
    figures: list[RolloutFigure]

    @staticmethod
    def of(message: Any) -> Rollout:
        return Rollout(
            message.number, message.model, message.version, RolloutPlan.of(message.plan),
            message.state, message.step, moment(message.since_us), moment(message.started_us),
            moment(message.ended_us) if message.ended_us else None, message.actor,
            message.reason, moment(message.evaluated_us) if message.evaluated_us else None,
            [RolloutFigure.of(figure) for figure in message.figures],
        )  # fmt: skip

    @property
    def share(self) -> float:
        """Of its step: 0.1 is a tenth."""
        return self.plan.steps[self.step - 1].share

    def __bool__(self) -> bool:
        return self.state == "running"


def gate_of(message: Any) -> list[RuleVerdict]:
    """What the gate said to a rollout that was to start."""
    return [RuleVerdict(rule.rule, rule.outcome, rule.reason) for rule in message.gate]
