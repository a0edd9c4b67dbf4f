"""The real data through a real server, against pandas."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow as pa
from server_process import DATA, Server, needs_data, needs_server

pytestmark = needs_server
UTC = dt.timezone.utc

CREDIT = """
project: credit
entities:
  - {name: person, keys: {dob_ssn: string}}
  - {name: place, keys: {zipcode: int64}}
views:
  - name: credit_history
    entity: person
    features:
      {credit_card_due: int64, mortgage_due: int64, student_loan_due: int64, vehicle_loan_due: int64,
       hard_pulls: int64, missed_payments_2y: int64, missed_payments_1y: int64,
       missed_payments_6m: int64, bankruptcies: int64}
    columns: {event_time: event_timestamp, created_time: created_timestamp}
  - name: zipcodes
    entity: place
    features:
      {city: string, state: string, location_type: string, tax_returns_filed: int64,
       population: int64, total_wages: int64}
    columns: {event_time: event_timestamp, created_time: created_timestamp}
services:
  - name: credit
    features: ["credit_history:*", "zipcodes:*"]
    request: {loan_amnt: int64}
"""


def as_of_join(
    loans: pd.DataFrame, view: pd.DataFrame, key: str, features: list[str]
) -> pd.DataFrame:
    """The features for every loan in its order, by pandas."""
    left = (
        loans[[key, "event_timestamp"]].reset_index().sort_values("event_timestamp", kind="stable")
    )
    right = view[[key, "event_timestamp", *features]].sort_values("event_timestamp", kind="stable")
    joined = pd.merge_asof(left, right, on="event_timestamp", by=key)
    return joined.set_index("index").sort_index()[features]


@needs_data
def test_credit_equals_merge_asof_and_online_equals_offline(server: Server) -> None:
    store = server.connect("credit")
    store.apply(CREDIT)
    loaded = store.load("credit_history", DATA / "credit" / "credit_history.csv", progress=False)
    assert loaded.rows == 1_000 and loaded.materialized == 1_000
    assert (
        store.load("zipcodes", DATA / "credit" / "zipcodes.parquet", progress=False).rows == 28_844
    )
    path = DATA / "credit" / "loans.parquet"
    train = store.training_set("credit", path, event_time="event_timestamp", label="loan_status")
    loans = pd.read_parquet(path)
    people = pd.read_csv(DATA / "credit" / "credit_history.csv", parse_dates=["event_timestamp"])
    people["event_timestamp"] = (
        people["event_timestamp"].dt.tz_localize("UTC").astype("datetime64[us, UTC]")
    )
    places = pd.read_parquet(DATA / "credit" / "zipcodes.parquet")
    history = [
        f.name for f in next(v for v in store.views() if v.name == "credit_history").features
    ]
    place = ["city", "state", "location_type", "tax_returns_filed", "population", "total_wages"]
    expected = pd.concat(
        [
            loans,
            as_of_join(loans, people, "dob_ssn", history),
            as_of_join(loans, places, "zipcode", place),
        ],
        axis=1,
    )
    got = train.to_pandas()
    assert len(got) == 28_638 and got.columns.tolist() == expected.columns.tolist()
    pd.testing.assert_frame_equal(got, expected, check_dtype=False)
    table = train.to_arrow()
    assert table.schema.field("population").type == pa.int64()
    assert table.schema.field("city").type == pa.string()
    assert table["mortgage_due"].null_count == int(expected["mortgage_due"].isna().sum()) > 27_000
    assert train.y.tolist() == loans["loan_status"].tolist()
    assert store.training_set(
        "credit", loans, event_time="event_timestamp", label="loan_status"
    ).digest == (train.digest)
    assert store.get_training_set(train.id).digest == train.digest

    now = loans.assign(event_timestamp=pd.Timestamp.now("UTC").as_unit("us"))
    offline = store.training_set("credit", now, event_time="event_timestamp").to_arrow()
    answer = store.read(
        "credit",
        {"dob_ssn": loans["dob_ssn"], "zipcode": loans["zipcode"]},
        {"loan_amnt": loans["loan_amnt"]},
    )
    assert answer.columns == train.feature_columns
    assert answer.to_arrow().equals(offline.select(answer.columns))


DRIVERS = """
project: drivers
entities:
  - {name: driver, keys: {driver_id: int64}}
views:
  - name: stats
    entity: driver
    features: {conv_rate: float32, acc_rate: float32, avg_daily_trips: int32}
    columns: {event_time: event_timestamp, created_time: created}
services:
  - {name: d, features: ["stats:*"]}
"""


@needs_data
def test_the_three_rows_of_one_driver_and_hour_resolve_by_created_time(server: Server) -> None:
    store = server.connect("drivers")
    store.apply(DRIVERS)
    path = DATA / "drivers" / "driver_stats.parquet"
    assert store.load("stats", path, progress=False).rows == 1_807
    rows = pd.read_parquet(path)
    counts = rows.groupby(["driver_id", "event_timestamp"]).size()
    driver, hour = counts[counts == 3].index[0]
    features = ["conv_rate", "acc_rate", "avg_daily_trips"]
    three = rows[(rows.driver_id == driver) & (rows.event_timestamp == hour)]
    newest = three.loc[three["created"].idxmax()]
    train = store.training_set("d", {"driver_id": [driver], "event_timestamp": [hour]})
    assert train.to_arrow().select(features).to_pylist() == [{n: newest[n] for n in features}]
    history = store.history("stats", {"driver_id": driver})
    assert (history["@event_time"] == hour).sum() == 3
    spine = (
        rows[["driver_id", "event_timestamp"]].sample(frac=1, random_state=3).reset_index(drop=True)
    )
    best = rows.sort_values(["event_timestamp", "created"], kind="stable").drop_duplicates(
        ["driver_id", "event_timestamp"], keep="last"
    )
    expected = spine.merge(best, on=["driver_id", "event_timestamp"], how="left")[features]
    got = store.training_set("d", spine).to_pandas()[features]
    pd.testing.assert_frame_equal(got, expected, check_dtype=True)
