"""The guide's table of metrics: that it has each metric of the code, and no other."""

import re
from pathlib import Path

from . import rule

GUIDE = "docs/metrics.md"
UNITS = {"Count": "count", "Milliseconds": "ms"}


def _row(metric, functions):
    name = f"`{metric['name']}`" + (", `.<reason>`" if metric["by_reason"] else "")
    return f"| {name} | {UNITS.get(metric['unit'], metric['unit'])} | {', '.join(functions)} | {metric['meaning']} |"


@rule("metrics-guide")
def the_guide_has_every_metric(deployment, code):
    guide = Path(code.workspace, GUIDE)
    text = guide.read_text(encoding="utf-8") if guide.exists() else ""
    rows = re.findall(r"^\| `[A-Z].*\|$", text, re.MULTILINE)
    expected = [_row(metric, functions) for metric, functions in code.metric_rows()]
    for row in expected:
        if row not in rows:
            yield f"{GUIDE} lacks the row {row}"
    for row in rows:
        if row not in expected:
            yield f"{GUIDE} has a row that the code does not: {row}"
