"""The made-up world of the quickstart: people, their history and loans that were or were not paid back.

Everything follows from one seed. The data has what real data has: several rows of one person at one
moment, of which the one created last is right; rows that arrive after the fact; nulls; people nobody knows.
"""
from __future__ import annotations

import numpy as np
import pandas as pd

DAY = np.timedelta64(1, "D")
START = np.datetime64("2023-01-01T00:00:00", "us")
END = np.datetime64("2026-01-01T00:00:00", "us")


def _moments(rng: np.random.Generator, n: int) -> np.ndarray:
    span = int((END - START) / np.timedelta64(1, "us"))
    return START + rng.integers(0, span, n).astype("timedelta64[us]")


def make(seed: int = 7, people: int = 20_000, history: int = 180_000, labels: int = 50_000, places: int = 4_000):
    """Returns (credit_history, bank_account, place_stats, loans) as data frames."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=people)  # what the model should find out
    names = np.array([f"p{i:06d}" for i in range(people)], dtype=object)

    who = rng.integers(0, people, history)
    reported = _moments(rng, history)
    credit = pd.DataFrame(
        {
            "person_id": names[who],
            "reported_at": reported,
            "received_at": reported + rng.integers(0, 3 * 86_400, history).astype("timedelta64[s]"),
            "credit_card_due": np.round(np.exp(7 + 0.6 * risk[who] + rng.normal(0, 0.5, history)), 2),
            "mortgage_due": np.round(np.exp(11 + rng.normal(0, 0.7, history)), 2),
            "missed_payments_1y": rng.poisson(np.exp(np.clip(risk[who] - 0.5, -4, 2))).astype("int32"),
            "open_accounts": rng.integers(1, 12, history).astype("int32"),
        }
    )
    credit.loc[rng.random(history) < 0.05, "mortgage_due"] = np.nan  # who rents has none
    # Corrections: the same person and moment again, received later, with another figure.
    fixed = credit.sample(frac=0.04, random_state=seed).copy()
    fixed["received_at"] += pd.Timedelta(days=9)
    fixed["credit_card_due"] = np.round(fixed["credit_card_due"] * 1.1, 2)
    credit = pd.concat([credit, fixed]).sample(frac=1.0, random_state=seed).reset_index(drop=True)

    n = history // 3
    holder = rng.integers(0, people, n)
    bank = pd.DataFrame(
        {
            "person_id": names[holder],
            "day": _moments(rng, n).astype("datetime64[D]").astype("datetime64[us]"),
            "balance": np.round(2_000 - 900 * risk[holder] + rng.normal(0, 1_500, n), 2),
            "overdrafts_90d": rng.poisson(np.exp(np.clip(0.8 * risk[holder] - 1, -4, 2))).astype("int32"),
            "salary_account": rng.random(n) < 0.7,
        }
    ).drop_duplicates(["person_id", "day"])

    place = pd.DataFrame(
        {
            "zipcode": np.arange(10_000, 10_000 + places),
            "as_of": START - 30 * DAY,
            "population": rng.integers(200, 90_000, places),
            "median_wage": np.round(rng.normal(42_000, 9_000, places), 2),
        }
    )

    applicant = rng.integers(0, people, labels)
    amount = np.round(np.exp(9 + rng.normal(0, 0.6, labels)), 2)
    chance = 1 / (1 + np.exp(-(1.6 * risk[applicant] + 0.4 * (np.log(amount) - 9) - 1.2)))
    loans = pd.DataFrame(
        {
            "loan_id": np.arange(labels),
            "person_id": names[applicant],
            "zipcode": rng.integers(10_000, 10_000 + places + 40, labels),  # some are not known
            "applied_at": _moments(rng, labels),
            "loan_amount": amount,
            "defaulted": rng.random(labels) < chance,
        }
    )
    loans.loc[rng.random(labels) < 0.002, "person_id"] = "somebody new"
    return credit, bank, place, loans
