"""Measures back-tests: transactions a second on one and two cores, beside features computed with pandas, and memory.

Usage: backtest.py FRAUDCTL FOLDER [--days N] [--rounds N]
Generates into FOLDER what is not there, prints two tables, and writes all figures to FOLDER/bench-backtest.json.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# No other packages here: the most memory of a child is at least what its parent has when it forks.
HERE = Path(__file__).parent
POLICY = HERE.parent.parent / "policies/examples/card-simulated.toml"
CUSTOMERS, MERCHANTS, SEED = 5000, 5000, 1


def run(command, cores):
    """Runs a command on this many cores. Gives its output, seconds, processor seconds and most resident memory in MiB."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=out,
            stderr=err,
            preexec_fn=lambda: os.sched_setaffinity(0, allowed),
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        out.seek(0), err.seek(0)
        if os.waitstatus_to_exitcode(status) != 0:
            sys.exit(f"{command} failed:\n{err.read().decode()}")
        output = json.load(out)
    return output, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def generate(fraudctl, folder, days):
    """Transactions, labels and profiles of so many days, and the transactions as Parquet."""
    folder = folder / f"{days}-days"
    paths = {name: folder / name for name in ("tx.ndjson", "labels.ndjson", "profiles.json", "tx.parquet")}
    if not paths["tx.parquet"].exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [fraudctl, "generate", "--days", str(days), "--customers", str(CUSTOMERS), "--merchants", str(MERCHANTS)]
            + ["--seed", str(SEED), "--transactions", paths["tx.ndjson"], "--labels", paths["labels.ndjson"]]
            + ["--profiles", paths["profiles.json"]],
            check=True,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        unfinished = folder / "unfinished.parquet"
        subprocess.run([sys.executable, HERE / "to_parquet.py", paths["tx.ndjson"], unfinished], check=True)
        unfinished.rename(paths["tx.parquet"])
    for path in paths.values():
        # Into the page cache: what is measured is not the disk.
        with open(path, "rb") as file, open(os.devnull, "wb") as nowhere:
            shutil.copyfileobj(file, nowhere)
    return paths


def backtest(fraudctl, paths, file, policy, cores):
    command = [fraudctl, "backtest", paths[file], "--profiles", paths["profiles.json"], "--threads", cores, "--json"]
    if policy:
        command += ["--policy", policy, "--labels", paths["labels.ndjson"]]
    return command


def table(columns, rows):
    texts = [[str(cell) for cell in row] for row in [columns, *rows]]
    widths = [max(len(row[place]) for row in texts) for place in range(len(columns))]
    line = lambda row: "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
    return "\n".join([line(texts[0]), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, texts[1:])])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("fraudctl", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=198)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    fraudctl = arguments.fraudctl.resolve()
    once, twice = (generate(fraudctl, arguments.folder, arguments.days * times) for times in (1, 2))

    policies = [("default policy", None), ("history, labels and merchants", POLICY)]
    runs = {}
    for name, policy in policies:
        for file in ("tx.ndjson", "tx.parquet"):
            for cores in (1, 2):
                runs[name, file, cores] = backtest(fraudctl, once, file, policy, cores)
    for file in ("tx.ndjson", "tx.parquet"):
        runs["pandas, features alone", file, 1] = [
            sys.executable, HERE / "backtest_features.py", once[file], once["labels.ndjson"]
        ]
    measured = {key: [] for key in runs}
    # Round by round, so that whatever else the machine does falls on all of them.
    for _ in range(arguments.rounds):
        for key, command in runs.items():
            measured[key].append(run(command, key[2]))

    count = measured["default policy", "tx.ndjson", 1][0][0]["read"]["entries"]
    figures, rows = [], []
    for key, rounds in measured.items():
        seconds = statistics.median(seconds for _, seconds, _, _ in rounds)
        processor = statistics.median(processor for _, _, processor, _ in rounds)
        memory = max(memory for *_, memory in rounds)
        name, file, cores = key
        figures.append(
            {"name": name, "file": file, "cores": cores, "seconds": seconds, "processor_seconds": processor, "peak_mib": memory}
        )
        per_second = f"{count / seconds:,.0f} ({count / max(r[1] for r in rounds):,.0f}-{count / min(r[1] for r in rounds):,.0f})"
        rows.append([name, file.removeprefix("tx."), cores, per_second, f"{1e6 * processor / count:.2f}", f"{memory:,.0f}"])
    columns = ["", "file", "cores", "transactions a second", "processor time, us each", "peak, MiB"]
    print(f"{count:,} transactions of {CUSTOMERS:,} customers and {MERCHANTS:,} merchants; median of {arguments.rounds} rounds")
    print(table(columns, rows), end="\n\n")

    rows = []
    for name, policy in policies:
        peaks = [run(backtest(fraudctl, paths, "tx.ndjson", policy, 2), 2) for paths in (once, twice)]
        counts, peaks = [output["read"]["entries"] for output, *_ in peaks], [peak for *_, peak in peaks]
        figures.append({"name": name, "transactions": counts, "peak_mib": peaks})
        rows.append([name, *(f"{peak:,.0f}" for peak in peaks), f"{peaks[1] / peaks[0]:.3f}"])
    print(table(["peak, MiB", f"{counts[0]:,}", f"{counts[1]:,}", "ratio"], rows))
    (arguments.folder / "bench-backtest.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
