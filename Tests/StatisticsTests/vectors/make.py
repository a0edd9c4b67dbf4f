"""Writes drift.json and performance.json: what SciPy, Evidently and scikit-learn say.

    pip install numpy "pandas<3" scipy scikit-learn evidently
    python Tests/StatisticsTests/vectors/make.py

The samples are drawn here and stand in the files, so that the tests need none of these packages.
"""

import json
import pathlib
import warnings

import numpy as np
import pandas as pd
from evidently.legacy.calculations import stattests
from evidently.legacy.calculations.stattests.registry import get_stattest
from evidently.legacy.core import ColumnType
from scipy import stats
from sklearn import metrics
from sklearn.calibration import calibration_curve

HERE = pathlib.Path(__file__).parent
NAMES = {
    "ks": "ks",
    "chisquare": "chi-squared",
    "z": "z",
    "wasserstein": "wasserstein",
    "jensenshannon": "jensen-shannon",
    "psi": "psi",
}
TESTS = {
    "ks": stattests.ks_stat_test,
    "chi-squared": stattests.chi_stat_test,
    "z": stattests.z_stat_test,
    "wasserstein": stattests.wasserstein_stat_test,
    "jensen-shannon": stattests.jensenshannon_stat_test,
    "psi": stattests.psi_stat_test,
}
rng = np.random.default_rng(20261121)


def case(name, reference, current, kind, tests):
    reference, current = pd.Series(reference), pd.Series(current)
    usual = get_stattest(reference, current, kind, None)
    entry = {
        "name": name,
        "numbers": kind == ColumnType.Numerical,
        "integers": bool(pd.api.types.is_integer_dtype(reference.dtype)),
        "reference": reference.tolist(),
        "current": current.tolist(),
        "usual": NAMES[usual.name],
        "drifted": bool(usual(reference, current, kind, None).drifted),
        "scores": {t: float(TESTS[t](reference, current, kind, None).drift_score) for t in tests},
    }
    if kind == ColumnType.Numerical:
        entry["statistic"] = float(stats.ks_2samp(reference, current).statistic)
    return entry


def drift():
    number, category = ColumnType.Numerical, ColumnType.Categorical
    every = ["ks", "wasserstein", "jensen-shannon", "psi"]
    normal, cases = rng.normal, []

    def numbers(name, reference, current, tests=every):
        cases.append(case(name, np.round(reference, 6), np.round(current, 6), number, tests))

    numbers("two small samples", normal(size=7), normal(size=5))
    numbers("equal sizes, no drift", normal(size=200), normal(size=200))
    numbers("equal sizes, shifted", normal(size=200), normal(0.5, 1, 200))
    numbers("a thousand against 700", normal(size=1000), normal(0.1, 1, 700))
    numbers("nothing in common", normal(size=60), normal(50, 1, 40))
    numbers("the same values", np.arange(50.0), np.arange(50.0))
    numbers("many ties", rng.integers(0, 30, 400) / 4, rng.integers(0, 28, 300) / 4)
    numbers("small scale", normal(0, 1e-5, 90).astype(float), normal(0, 1e-5, 80))
    numbers("more than a thousand", rng.gamma(2, 2, 1500), rng.gamma(2.3, 2, 1200))
    numbers("skewed and far", rng.lognormal(0, 2, 1400), rng.lognormal(0.2, 2, 1300))
    numbers("one far value", np.append(normal(size=1200), 1e6), normal(size=800))
    few = ["chi-squared", "jensen-shannon", "psi"]
    cases.append(
        case("few integers", rng.integers(0, 4, 300), rng.integers(0, 4, 200), number, few)
    )
    cases.append(
        case("many integers", rng.integers(0, 40, 900), rng.integers(3, 44, 800), number, every)
    )
    cases.append(
        case("few of many", rng.integers(0, 4, 1300), rng.integers(0, 5, 700), number, few)
    )
    cases.append(case("two integers", rng.integers(0, 2, 300), [0, 1, 1] * 60, number, ["z"]))

    def texts(name, reference, current, tests):
        cases.append(case(name, reference, current, category, tests))

    letters = np.array(list("abcdefgh"))
    texts("letters", rng.choice(letters, 400), rng.choice(letters[:6], 300), few)
    texts("a new category", rng.choice(letters[:3], 400), rng.choice(letters[:4], 300), few)
    texts("many letters", rng.choice(letters, 1400), rng.choice(letters, 1100), few)
    texts("yes or no", rng.choice(["no", "yes"], 500), rng.choice(["no", "yes"], 400), ["z"])
    texts("only yes", ["yes"] * 50, ["yes"] * 40, ["z"])
    return cases


def kolmogorov():
    points = []
    for n in [1, 2, 5, 20, 100, 140, 141, 300, 1000, 5000, 20000, 100000, 150000]:
        for scaled in [0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.3, 1.48, 1.6, 1.99, 2.1, 3.0, 5.0]:
            x = scaled / np.sqrt(n)
            if x < 1:
                points.append([n, float(x), float(stats.kstwo.sf(x, n))])
    return points


def chi2():
    return [
        [df, x, float(stats.chi2.sf(x, df))]
        for df in [1, 2, 3, 7, 30, 255]
        for x in [0.001, 0.5, 1.0, 4.0, 12.0, 60.0, 300.0]
    ]


def asymptotic():
    """Samples as arithmetic, so that they need not be written out."""
    found = []
    for m, n, shift in [(12000, 500, 0.02), (10001, 40, 0.1), (15000, 14000, 0.004)]:
        first = np.arange(m) / m
        second = np.arange(n) / n + shift
        outcome = stats.ks_2samp(first, second)
        found.append([m, n, shift, float(outcome.statistic), float(outcome.pvalue)])
    return found


def binary(name, labels, scores):
    predicted = (scores >= 0.5).astype(int)
    shares, means = calibration_curve(labels, scores, n_bins=10)
    return {
        "name": name,
        "labels": labels.tolist(),
        "scores": scores.tolist(),
        "accuracy": metrics.accuracy_score(labels, predicted),
        "precision": metrics.precision_score(labels, predicted, zero_division=0),
        "recall": metrics.recall_score(labels, predicted, zero_division=0),
        "f1": metrics.f1_score(labels, predicted, zero_division=0),
        "auc": metrics.roc_auc_score(labels, scores),
        "log_loss": metrics.log_loss(labels, scores),
        "brier": metrics.brier_score_loss(labels, scores),
        "calibration": [[float(m), float(s)] for m, s in zip(means, shares)],
    }


def performance():
    found = {"binary": [], "regression": [], "classes": []}
    scores = np.round(rng.uniform(size=400), 4)
    found["binary"].append(binary("well calibrated", (rng.uniform(size=400) < scores) * 1, scores))
    found["binary"].append(binary("random", rng.integers(0, 2, 300), np.round(rng.uniform(size=300), 4)))
    tied = rng.integers(0, 11, 500) / 10
    found["binary"].append(binary("tied", (rng.uniform(size=500) < tied**2) * 1, tied))
    found["binary"].append(
        binary("never above a half", np.array([0, 1] * 20), np.round(rng.uniform(0, 0.49, 40), 4))
    )
    sure = np.array([0.0, 1.0, 1.0, 0.0, 0.3, 0.8])
    found["binary"].append(binary("sure and wrong", np.array([0, 1, 0, 1, 0, 1]), sure))
    for name, size, noise in [("close", 300, 0.1), ("far", 200, 3.0), ("two", 2, 1.0)]:
        actual = np.round(rng.normal(5, 2, size), 6)
        predicted = np.round(actual + rng.normal(0.05, noise, size), 6)
        found["regression"].append(
            {
                "name": name,
                "actual": actual.tolist(),
                "predicted": predicted.tolist(),
                "mae": metrics.mean_absolute_error(actual, predicted),
                "rmse": metrics.root_mean_squared_error(actual, predicted),
                "r2": metrics.r2_score(actual, predicted),
            }
        )
    actual = rng.choice(["red", "green", "blue"], 200)
    predicted = np.where(rng.uniform(size=200) < 0.6, actual, rng.choice(["red", "pink"], 200))
    macro = {"average": "macro", "zero_division": 0}
    found["classes"].append(
        {
            "actual": actual.tolist(),
            "predicted": predicted.tolist(),
            "accuracy": metrics.accuracy_score(actual, predicted),
            "precision": metrics.precision_score(actual, predicted, **macro),
            "recall": metrics.recall_score(actual, predicted, **macro),
            "f1": metrics.f1_score(actual, predicted, **macro),
        }
    )
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    found = {
        "cases": drift(),
        "kolmogorov": kolmogorov(),
        "chi2": chi2(),
        "asymptotic": asymptotic(),
    }
    (HERE / "drift.json").write_text(json.dumps(found) + "\n")
    (HERE / "performance.json").write_text(json.dumps(performance()) + "\n")
