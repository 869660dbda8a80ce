"""Runs docs/queries.md's view and its queries for reused ids and merchants' counts over a few transactions: python queries.py <queries.md>"""

import pathlib
import re
import sys

import duckdb

TEXT = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")


def sql(heading: str, number: int = 0) -> str:
    """A section's SQL, the first of it if not another is asked for."""
    section = re.search(rf"^## {heading}$(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    return re.findall(r"```sql\n(.*?)```", section.group(1), re.DOTALL)[number]


def expect(what: str, found, expected) -> None:
    if found != expected:
        sys.exit(f"{what}: {found}, expected {expected}")


# What a transaction is called here, its identity, content, day of the partition, and second of arrival; and what it lacks.
MORNING, EVENING = "2026-01-15T03:00:00Z", "2026-01-15T20:00:00Z"
TRANSACTIONS = [
    ("first", "C1/T1", 10_001, MORNING, "M1", 15, 1),
    ("copy", "C1/T1", 10_001, MORNING, "M1", 15, 9),
    ("other amount", "C1/T1", 999_999_999, MORNING, "M1", 15, 2),
    ("its copy", "C1/T1", 999_999_999, MORNING, "M1", 15, 3),
    ("other time", "C1/T1", 10_001, EVENING, "M1", 15, 4),
    ("other merchant", "C1/T1", 10_001, MORNING, "M2", 15, 5),
    ("no merchant", "C1/T1", 10_001, MORNING, None, 15, 6),
    ("its copy", "C1/T1", 10_001, MORNING, None, 15, 7),
    ("another day", "C2/T1", 5, MORNING, None, 14, 1),
    ("a day later", "C2/T1", 6, MORNING, None, 15, 1),
    ("nothing but copies", "C3/T1", 7, None, "M1", 15, 1),
    ("its copy", "C3/T1", 7, None, "M1", 15, 2),
    ("no identity", None, 8, None, None, 15, 1),
    ("no identity", None, 8, None, None, 15, 1),
    ("long ago", "C3/T1", 8, None, "M1", 1, 1),
    ("a copy without a profile", "C4/T1", 9, None, None, 15, 1, "unavailable"),
    ("delivered again with it", "C4/T1", 9, None, None, 15, 2),
    ("alone without a profile", "C4/T2", 9, None, None, 15, 1, "unavailable"),
    ("a copy before its customer's row was written", "C6/T1", 9, None, None, 15, 1, "profile", "{}", "lagging"),
    ("delivered again with the row", "C6/T1", 9, None, None, 15, 2, "profile", "{}", "used"),
    ("alone before its customer's row was written", "C6/T2", 9, None, None, 15, 1, "profile", "{}", "lagging"),
    ("without a customer", "/T3", 9, None, None, 15, 1, "profile", "{}", "none"),
    ("its copy", "/T3", 9, None, None, 15, 2, "profile", "{}", "none"),
]
# Lines that a replay wrote: they arrived when the first did.
REPLAYED = [
    ("its copy", "C1/T1", 10_001, MORNING, "M1", 15, 9),
    ("mended", "C4/T2", 9, None, None, 15, 1),
    ("mended, too", "C5/T1", 9, None, None, 15, 1),
    ("mended with the row", "C6/T2", 9, None, None, 15, 1, "profile", "{}", "used"),
]
LACKING_A_DEVICE = ("its copy", "C5/T1", 9, None, None, 15, 1, "profile", '{"amount":9,"device":"unavailable"}')
lake = duckdb.connect()
lake.execute("CREATE SCHEMA fraud_stream")


def fill(table: str, rows: list) -> None:
    lake.execute(
        f"CREATE TABLE fraud_stream.{table} (name VARCHAR, decision_id VARCHAR, amount DOUBLE, event_time VARCHAR, "
        "merchant_id VARCHAR, day INTEGER, ingested_at INTEGER, enrichment VARCHAR, fraud_inputs VARCHAR, "
        "history VARCHAR, year INTEGER DEFAULT 2026, month INTEGER DEFAULT 1, fraud_score DOUBLE DEFAULT 0.9)"
    )
    for row in rows:
        lake.execute(
            f"INSERT INTO fraud_stream.{table} (name, decision_id, amount, event_time, merchant_id, day, ingested_at, "
            "enrichment, fraud_inputs, history) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, *("profile", None, None)[len(row) - 7 :]),
        )


def names() -> list:
    return sorted(name for (name,) in lake.execute("SELECT name FROM fraud_stream.transactions_once").fetchall())


fill("transactions", TRANSACTIONS)
lake.execute(sql("Copies"))
expect("the view", names(), sorted(name for name, *_ in TRANSACTIONS if "copy" not in name))

reused = lake.execute(sql("Reused ids")).fetchall()
expect("reused ids", reused, [("C1/T1", 5, 1, 6, 10_001, 999_999_999, 2, 0.9), ("C2/T1", 2, 1, 1, 5, 6, 0, 0.9)])

# Athena's format() is called printf() here.
counts = lake.execute(sql("Merchants' transactions").replace("format(", "printf(")).fetchall()
expect("merchants' transactions", sorted(counts), [("M1", "2026-01-01", 1), ("M1", "2026-01-15", 4), ("M2", "2026-01-15", 1)])

lake.execute("DROP TABLE fraud_stream.transactions CASCADE")
fill("transactions", [*TRANSACTIONS, LACKING_A_DEVICE])
fill("transactions_replayed", REPLAYED)
lake.execute(sql("Copies", 1))
mended = [name for name, *_ in TRANSACTIONS + REPLAYED if "copy" not in name and "alone" not in name]
expect("the view with what was replayed", names(), sorted(mended))
print("copies and reuses are told apart")
