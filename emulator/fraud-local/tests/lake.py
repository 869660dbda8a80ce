"""Queries the lake that `fraud-local` wrote: python lake.py <out folder> <the run's report as JSON>"""

import json
import pathlib
import sys

import duckdb

# The columns of the lake's table.
COLUMNS = {
    "transaction_id": "VARCHAR",
    "customer_id": "VARCHAR",
    "amount": "DOUBLE",
    "event_time": "VARCHAR",
    "customer_segment": "VARCHAR",
    "customer_lifetime_value": "DOUBLE",
    "customer_risk_score": "DOUBLE",
    "fraud_score": "DOUBLE",
    "fraud_reasons": "VARCHAR[]",
    "fraud_policy": "VARCHAR",
    "decision_id": "VARCHAR",
    "enrichment": "VARCHAR",
    "ingested_at": "TIMESTAMP",
}

out, report = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
files = str(out / "scored" / "year=*" / "month=*" / "day=*" / "hour=*" / "*")
lake = duckdb.connect()
lake.execute("SET TimeZone = 'UTC'")
lake.execute(
    f"CREATE VIEW scored AS SELECT * FROM read_json('{files}', format = 'newline_delimited', columns = {COLUMNS}, "
    "hive_partitioning = true, hive_types = {'year': VARCHAR, 'month': VARCHAR, 'day': VARCHAR, 'hour': VARCHAR})"
)


def count(where: str) -> int:
    return lake.execute(f"SELECT count(*) FROM scored WHERE {where}").fetchone()[0]


def expect(what: str, found, expected) -> None:
    if found != expected:
        sys.exit(f"{what}: {found}, expected {expected}")


rows = count("true")
expect("rows", rows, report["landed"])
expect("distinct decisions", lake.execute("SELECT count(DISTINCT decision_id) FROM scored").fetchone()[0], rows)
expect("high scores", count("fraud_score > 0.8"), report["high_scores"])
expect("rows without what every row has", count("amount IS NULL OR fraud_score IS NULL OR fraud_reasons IS NULL "
       "OR fraud_policy IS NULL OR enrichment IS NULL OR ingested_at IS NULL"), 0)
expect("rows outside the partition of their event hour", count(
    "strftime(event_time::TIMESTAMPTZ, '%Y-%m-%d-%H') <> year || '-' || month || '-' || day || '-' || hour"), 0)
expect("reasons that are no factor", count(
    "len(list_filter(fraud_reasons, lambda reason: reason NOT IN ('amount', 'customer_risk', 'time_of_day'))) > 0"), 0)
expect("rows with a profile and no segment", count("enrichment = 'profile' AND customer_segment IS NULL"), 0)
print(f"{rows} rows as the table declares them")
