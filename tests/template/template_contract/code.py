"""What the code says of itself: the JSON of `cargo run --workspace --bin describe`, so that nothing is typed twice."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


class NotFound(Exception):
    """The description lacks something. Its text names the description and what was looked for."""


@dataclass
class Variable:
    """An environment variable, what it accepts in words, and what its value may begin with; no schemes: its value has
    another form."""

    name: str
    schemes: set
    is_required: bool
    default: str | None
    accepts: str


@dataclass
class Table:
    """A DynamoDB table: names and types of its partition key and sort key, and the attribute of its expiry."""

    keys: list
    ttl: str | None


class Code:
    """A workspace, by its description."""

    def __init__(self, workspace, description):
        self.workspace = Path(workspace)
        self.description = description

    @classmethod
    def read(cls, workspace, path):
        """The workspace whose description is in a file."""
        try:
            text = Path(path).read_text(encoding="utf-8")
            return cls(workspace, json.loads(text))
        except (OSError, ValueError) as error:
            raise NotFound(f"{path} cannot be read: {error}; `make description` writes it") from error

    def _get(self, *path):
        node = self.description
        for step in path:
            try:
                node = node[step]
            except (KeyError, TypeError) as error:
                raise NotFound(f"the description of the code has no {'.'.join(path)}") from error
        return node

    # Functions

    @cached_property
    def functions(self):
        described = set(self._get("functions"))
        built = {path.parent.name for path in self.workspace.glob("functions/*/Cargo.toml")}
        if described != built:
            raise NotFound(f"tests/harness/description.rs describes {sorted(described)}; the functions are {sorted(built)}")
        return sorted(described)

    def ports(self, function):
        """The ports that a function opens: name, variable, and the IAM actions of its calls."""
        return self._get("functions", function, "ports")

    def variables(self, function):
        """The environment variables that a function reads, by name."""
        variables = self._get("functions", function, "variables")
        return {v["name"]: Variable(v["name"], set(v["schemes"]), v["required"], v["default"], v["accepts"]) for v in variables}

    # Tables

    @cached_property
    def tables_by_variable(self):
        """The table that a port reads or writes, by the port's variable."""
        ports = {port["name"]: port["variable"] for function in self.functions for port in self.ports(function)}
        return {ports[name]: self._table(name) for name in self._get("tables") if name in ports}

    @cached_property
    def labels(self):
        """The table of labels, which no function opens."""
        return self._table("labels")

    def _table(self, name):
        keys = [(key["name"], key["type"]) for key in self._get("tables", name, "keys")]
        return Table(keys, self._get("tables", name, "time_to_live"))

    # Limits

    @property
    def max_letter_bytes(self):
        """The most bytes of a dead letter."""
        return self._get("limits", "dead_letter_bytes")

    @property
    def transform_answer(self):
        """Bytes: of the transform's largest answer, of the smallest record, and of the most that it takes in an answer."""
        names = ("transform_response_bytes", "smallest_record_bytes", "smallest_records_answer_bytes")
        return [self._get("limits", name) for name in names]

    # Metrics

    @property
    def metrics_dimension(self):
        return self._get("metrics", "dimension")

    @property
    def metrics_namespace(self):
        return self._get("metrics", "namespace")

    def metrics(self, function):
        """The names of a function's metrics, and those that are counted by reason: `<name>.<reason>`."""
        metrics = self._get("functions", function, "metrics")
        return {m["name"] for m in metrics}, {m["name"] for m in metrics if m["by_reason"]}

    def metric_rows(self):
        """Each metric with its unit, its meaning and the functions that write it, in the order of their descriptions."""
        rows = {}
        for function in self.functions:
            for metric in self._get("functions", function, "metrics"):
                rows.setdefault(metric["name"], (metric, []))[1].append(function)
        return [(metric, functions) for metric, functions in rows.values()]

    def metrics_function(self, function):
        """What a function calls itself in metrics."""
        return self._get("functions", function, "name_in_metrics")

    # The lake

    @property
    def lake_columns(self):
        """The transaction's fields that are read, then the fields that are written."""
        return self._get("lake", "fields_read") + self._get("lake", "fields_written")

    @property
    def partition_keys(self):
        """Each partition key and the digits that it is written with."""
        return [(key["name"], key["digits"]) for key in self._get("lake", "partition_keys")]
