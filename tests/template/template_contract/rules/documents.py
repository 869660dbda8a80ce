"""Documents that list what the code has: that they have all of it, and nothing else."""

import re
from pathlib import Path

from . import rule

GUIDE = "docs/metrics.md"
README = "README.md"
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


# Lambda's own, read by the functions' logs and set by nobody else.
OF_LAMBDA = {"AWS_LAMBDA_LOG_LEVEL", "AWS_LAMBDA_LOG_FORMAT"}


@rule("variables-guide")
def the_readme_has_every_variable(deployment, code):
    text = Path(code.workspace, README).read_text(encoding="utf-8")
    section = text.partition("\n## Configuration\n")[2].partition("\n## ")[0]
    cells = [row.split("|")[1:4] for row in section.splitlines() if row.startswith("| `")]
    named = {name: defaults for names, _, defaults in cells for name in re.findall(r"`([A-Z_]+)`", names)}
    known = {name: variable for function in code.functions for name, variable in code.variables(function).items()}
    for name in sorted(set(known) - set(named)):
        yield f"{README}, Configuration, lacks {name}"
    for name in sorted(set(named) - set(known) - OF_LAMBDA):
        yield f"{README}, Configuration, has {name}, which no function reads"
    for name in sorted(set(known) & set(named)):
        default = "required" if known[name].is_required else known[name].default
        if default not in named[name]:
            yield f"{README}, Configuration: the default of {name} is {default}"
