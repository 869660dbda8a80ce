"""Runs the queries of a document in DuckDB over a folder's `out/`, in the order of the document.

    run.py DOCUMENT FOLDER [--json]

The first block of SQL makes the table. Of each other one it prints the heading above it and its rows; of a view the number of
rows that it has. `--json` prints a list of {heading, columns, rows} instead: numbers as numbers, times as text.
"""

import json
import os
import pathlib
import re
import sys

import duckdb

BLOCK = re.compile(r"^(?:## (?P<heading>[^\n]*)|```(?P<language>\w*)\n(?P<text>.*?)^```)$", re.MULTILINE | re.DOTALL)
VIEW = re.compile(r"CREATE OR REPLACE VIEW (\S+)")


def queries(document):
    """Each block of SQL with the heading above it."""
    heading = ""
    for block in BLOCK.finditer(document):
        if block["heading"]:
            heading = block["heading"]
        elif block["language"] == "sql":
            yield heading, block["text"]


def main(document, folder, *options):
    (_, table), *rest = queries(pathlib.Path(document).read_text(encoding="utf-8"))
    os.chdir(folder)
    connection = duckdb.connect()
    connection.execute(table)
    results = []
    for heading, text in rest:
        answer = connection.sql(text)
        if view := VIEW.search(text):
            answer = connection.sql(f"SELECT count(*) AS transactions FROM {view[1]}")
        if "--json" in options:
            results.append({"heading": heading, "columns": answer.columns, "rows": answer.fetchall()})
        else:
            print(f"\n{heading}")
            answer.show(max_rows=20)
    if "--json" in options:
        json.dump(results, sys.stdout, default=str)


if __name__ == "__main__":
    main(*sys.argv[1:])
