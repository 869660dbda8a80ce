"""The names that the Rust code uses, read from its sources: where the template must agree, nothing is typed twice."""

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

# What the configuration's types open: the folder of the port beside them in fraud-aws.
PORTS = {
    "ProfileSource": "profiles",
    "AlertLedgerTarget": "ledger",
    "AlertSinkTarget": "alerts",
    "DeadLettersTarget": "dead_letters",
    "AggregatesTarget": "aggregates",
    "AggregateSinkTarget": "aggregate_sink",
}
# Of the ports' methods, those that only tools call.
CALLED_BY_TOOLS = {"aggregates": ["recent", "all", "row", "check_rule"], "ledger": ["get"]}
# Of the ports' files, those that only tools use.
FILES_OF_TOOLS = {"dead_letters": ["queue.rs"], "ledger": ["browse.rs"]}
# Where the action that permits a call has another name. (Service authorization reference.)
ACTIONS = {"sns:PublishBatch": "sns:Publish"}
SERVICES = {"aws_sdk_dynamodb": "dynamodb", "aws_sdk_sns": "sns", "aws_sdk_sqs": "sqs", "aws_sdk_kinesis": "kinesis"}


class NotFound(Exception):
    """The code no longer has the form that is looked for. Its text names the file and what was looked for."""


@dataclass
class Variable:
    """An environment variable and what its value may begin with; no schemes: it is no port."""

    name: str
    schemes: set = field(default_factory=set)
    is_required: bool = False


@dataclass
class Table:
    """A DynamoDB table: name and type of partition key, sort key, and the attribute of its expiry."""

    keys: list
    ttl: str | None


class Code:
    """A workspace."""

    def __init__(self, workspace):
        self.workspace = Path(workspace)

    @lru_cache(maxsize=None)
    def _read(self, path):
        try:
            return (self.workspace / path).read_text(encoding="utf-8")
        except OSError as error:
            raise NotFound(f"{path} cannot be read: {error.strerror}") from error

    def _find(self, path, pattern, what):
        found = re.search(pattern, self._read(path))
        if not found:
            raise NotFound(f"{path} does not show {what}")
        return found

    @lru_cache(maxsize=None)
    def _sources(self, folder, without=()):
        """A module's sources, without its tests and these files."""
        root = self.workspace / folder
        paths = sorted(path for path in root.rglob("*.rs") if path.name not in without)
        return "\n".join(
            self._read(str(path.relative_to(self.workspace))) for path in paths if "test" not in str(path.relative_to(root))
        )

    # Functions

    @cached_property
    def functions(self):
        return sorted(path.parent.name for path in self.workspace.glob("functions/*/Cargo.toml"))

    @lru_cache(maxsize=None)
    def ports(self, function):
        """The ports that a function opens."""
        used = re.findall(r"(\w+)::from_environment", self._read(f"functions/{function}/src/config.rs"))
        return [PORTS[name] for name in used if name in PORTS]

    @lru_cache(maxsize=None)
    def variables(self, function):
        """The environment variables that a function reads, by name."""
        blocks = self._configuration
        todo = set(re.findall(r"(\w+)(?:::from_environment)?\(environment\)", self._read(f"functions/{function}/src/config.rs")))
        done, found = set(), {}
        while todo:
            name = todo.pop()
            done.add(name)
            block = blocks.get(name, "")
            todo |= set(re.findall(r"\b(\w+)\(environment\)", block)) - done
            found |= {variable.name: variable for variable in _variables(block)}
        if not found:
            raise NotFound(f"functions/{function}/src/config.rs does not show the variables that it reads")
        return found

    @cached_property
    def _configuration(self):
        """The configuration's types and functions, by name."""
        text = self._sources("crates/fraud-aws/src/config")
        parts = re.split(r"^(?=impl |pub fn |fn )", text, flags=re.MULTILINE)
        named = ((re.match(r"(?:impl|pub fn|fn) (\w+)", part), part) for part in parts)
        return {match.group(1): part for match, part in named if match}

    # Tables and calls

    @cached_property
    def profiles_table(self):
        path = "crates/fraud-aws/src/profiles/dynamodb.rs"
        key = self._find(path, r'const KEY: &str = "(\w+)"', "the table's key").group(1)
        kind = self._find(path, r"KEY\.to_owned\(\), AttributeValue::(\w)\(", "the key's type").group(1)
        return Table([(key, kind)], None)

    @lru_cache(maxsize=None)
    def written_table(self, port):
        """A table that a port writes."""
        path = f"crates/fraud-aws/src/{port}/dynamodb.rs"
        kinds = {"text": "S", "number": "N"}
        calls = re.findall(r'\.key\("(\w+)", (?:AttributeValue::)?(\w+)\(', self._read(path))
        keys = list(dict.fromkeys((name, kinds.get(kind, kind)) for name, kind in calls))
        if not keys:
            raise NotFound(f"{path} does not show the table's key")
        ttl = self._find(path, r'expression_attribute_names\("#ttl", "(\w+)"\)', "the attribute of the expiry").group(1)
        return Table(keys, ttl)

    @lru_cache(maxsize=None)
    def actions(self, port):
        """The IAM actions of the calls that a function makes through a port."""
        text = self._sources(f"crates/fraud-aws/src/{port}", tuple(FILES_OF_TOOLS.get(port, ())))
        for method in CALLED_BY_TOOLS.get(port, []):
            text = re.sub(rf"(?ms)^    (?:pub(?:\(\w+\))? )?async fn {method}\(.*?^    }}$", "", text)
        service = next((name for crate, name in SERVICES.items() if crate in text), None)
        calls = set(re.findall(r"\bclient\s*\.(\w+)\(\)", text)) - {"clone"}
        if not service or not calls:
            raise NotFound(f"crates/fraud-aws/src/{port} does not show the calls that it makes")
        actions = {f"{service}:{''.join(word.title() for word in call.split('_'))}" for call in calls}
        return {ACTIONS.get(action, action) for action in actions}

    @cached_property
    def max_letter_bytes(self):
        """The most bytes of a dead letter."""
        text = self._sources("crates/fraud-aws/src/dead_letters") + self._read("crates/fraud-aws/src/dead_letters.rs")
        found = re.search(r"MAX_BODY_BYTES: usize = ([\d_ *]+);", text)
        if not found:
            raise NotFound("crates/fraud-aws/src/dead_letters.rs does not show MAX_BODY_BYTES")
        product = 1
        for factor in found.group(1).replace("_", "").split("*"):
            product *= int(factor)
        return product

    @cached_property
    def transform_answer(self):
        """Bytes: of the transform's largest answer, of the smallest record, and of the most that it takes in an answer."""
        path = "functions/firehose-transform/src/response.rs"
        names = ("MAX_RESPONSE_BYTES", "SMALLEST_RECORD_BYTES", "SMALLEST_RECORDS_ANSWER_BYTES")
        found = (self._find(path, rf"pub const {name}: usize = ([\d_]+);", name) for name in names)
        return [int(match.group(1).replace("_", "")) for match in found]

    # Metrics

    @cached_property
    def metrics_dimension(self):
        return self._find("crates/fraud-aws/src/telemetry/emf.rs", r'"Dimensions": \[\["(\w+)"\]\]', "the dimension").group(1)

    @cached_property
    def metrics_namespace(self):
        path = "crates/fraud-aws/src/config/common.rs"
        return self._find(path, r'"METRICS_NAMESPACE"\)\.unwrap_or_else\(\|\| "(\w+)"', "the namespace").group(1)

    @lru_cache(maxsize=None)
    def metrics(self, function):
        """The names of a function's metrics, and those that are only the beginning of a name."""
        path = f"functions/{function}/src/metrics.rs"
        names = set(re.findall(r'(?:count|milliseconds|milliseconds_each)\("(\w+)"', self._read(path)))
        for method, body in re.findall(r"(?ms)^    pub fn (\w+)\(&mut self(.*?)^    }$", self._read("crates/fraud-aws/src/telemetry/counts.rs")):
            if re.search(rf"\.{method}\(&self\.", self._read(path)):
                names |= set(re.findall(r'count\("(\w+)"', body))
        names |= set(re.findall(r'metrics\.milliseconds\("(\w+)"', self._read("crates/fraud-aws/src/invocation.rs")))
        beginnings = set(re.findall(r'format!\("(\w+)\.\{reason\}"\)', self._read(path)))
        return names, beginnings

    @lru_cache(maxsize=None)
    def metrics_function(self, function):
        """What a function calls itself in metrics."""
        text = self._sources(f"functions/{function}/src")
        found = re.search(r'const FUNCTION: &str = "([\w-]+)"', text)
        if not found:
            raise NotFound(f"functions/{function}/src does not show FUNCTION")
        return found.group(1)

    # The lake

    @cached_property
    def lake_columns(self):
        """The transaction's fields that are read, then the fields that are written."""
        path = "crates/fraud-core/src/transaction.rs"
        read = re.findall(r'Some\("(\w+)"\) => Field::', self._read(path))
        path = "crates/fraud-core/src/fields.rs"
        names = dict(re.findall(r'pub const (\w+): &str = "(\w+)";', self._read(path)))
        written = self._find(path, r"(?s)pub const ALL: [^=]*= \[(.*?)\];", "ALL").group(1)
        return read + [names[name] for name in re.findall(r"\w+", written)]

    @cached_property
    def partition_keys(self):
        """Each partition key and the digits that it is written with."""
        text = self._read("functions/firehose-transform/src/response.rs")
        start = text.find("partitionKeys")
        keys = re.findall(r'\\"(\w+)\\":\\"\{\w+:0(\d)\}\\"', text[start:])
        keys = [(key.removeprefix("partitionKeys"), int(digits)) for key, digits in keys]
        if start < 0 or not keys:
            raise NotFound("functions/firehose-transform/src/response.rs does not show the partition keys")
        return keys


def _variables(block):
    """The variables that one of the configuration's types or functions reads."""
    constant = re.search(r'VARIABLE: &str = "(\w+)"', block)
    names = set(re.findall(r'"([A-Z][A-Z0-9_]+)"', block))
    ported = re.search(r'\.port\(\s*(?:"(\w+)"|VARIABLE)', block)
    port = ported and (ported.group(1) or constant.group(1))
    schemes = set(re.findall(r'^\s*\(?"([a-z]+)"(?:,[^=\n]*\)| if [^=]*)?(?: if [^\n]*)? =>', block, re.MULTILINE))
    for name in names:
        if name == port:
            yield Variable(name, schemes, is_required="is_none()" not in block)
        else:
            yield Variable(name)
