"""A town that asks a bank for loans; and a model that guesses who will not pay back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
PEOPLE = 2_000


def logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


class World:
    """Who asks for how much, and what comes of it. After `prices_rise` people ask for three times
    as much, and those who ask for most are those who can afford it."""

    def __init__(self, seed: int) -> None:
        own = np.random.default_rng(0)
        self.income = own.normal(3.0, 1.0, PEOPLE)
        self.debt = own.normal(10.0, 4.0, PEOPLE)
        self.is_dear = False
        self._random = np.random.default_rng(seed)

    def prices_rise(self) -> None:
        self.is_dear = True

    def applications(self, count: int) -> tuple[npt.NDArray[np.int64], Numbers]:
        """Who asks, and for how much."""
        people = self._random.integers(0, PEOPLE, count)
        usual = (15.0, 3.0) if self.is_dear else (5.0, 2.0)
        return people, self._random.normal(*usual, count)

    def outcomes(self, people: npt.NDArray[np.int64], amounts: Numbers) -> Numbers:
        """1 where a loan was not paid back."""
        income, debt = self.income[people] - 3, (self.debt[people] - 10) / 4
        if self.is_dear:
            risk = 0.6 * debt - 0.4 * income - 2.4 * (amounts - 15) / 3
        else:
            risk = 1.6 * debt - 1.0 * income + 1.2 * (amounts - 5) / 2
        return (self._random.random(len(people)) < logistic(risk)).astype(float)


@dataclass(frozen=True)
class Model:
    """A logistic regression: the last weight is the constant."""

    mean: list[float]
    scale: list[float]
    weights: list[float]

    @staticmethod
    def fit(x: Numbers, y: Numbers) -> Model:
        mean, scale = x.mean(axis=0), x.std(axis=0)
        design = np.column_stack([(x - mean) / scale, np.ones(len(x))])
        weights = np.zeros(design.shape[1])
        for _ in range(20):  # Newton's steps
            p = logistic(design @ weights)
            slope = design.T @ (p - y) + 1e-3 * weights
            curvature = (design.T * (p * (1 - p))) @ design + 1e-3 * np.eye(len(weights))
            weights -= np.linalg.solve(curvature, slope)
        return Model(mean.tolist(), scale.tolist(), weights.tolist())

    def predict(self, x: Numbers) -> Numbers:
        standard = (x - np.array(self.mean)) / np.array(self.scale)
        scores: Numbers = logistic(standard @ np.array(self.weights[:-1]) + self.weights[-1])
        return scores

    def save(self, directory: str | Path) -> Path:
        file = Path(directory, "weights.json")
        file.write_text(json.dumps(asdict(self)))
        return file

    @staticmethod
    def load(file: Path) -> Model:
        return Model(**json.loads(file.read_text()))


def auc(outcomes: Numbers, scores: Numbers) -> float:
    """How often one that came true has the higher score than one that did not."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores)] = np.arange(1, len(scores) + 1)
    true = outcomes == 1
    count = int(true.sum())
    return float((ranks[true].sum() - count * (count + 1) / 2) / (count * (len(scores) - count)))
