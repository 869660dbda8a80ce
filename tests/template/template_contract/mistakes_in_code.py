"""The mistakes that are made in the description of the code: a name that changes there and not in the template."""


def _function(description, name):
    return description["functions"][name]


def metric(function, name, to):
    """Renames a function's metric."""

    def change(description):
        metrics = _function(description, function)["metrics"]
        next(metric for metric in metrics if metric["name"] == name)["name"] = to

    return change


def uncounted_by_reason(function, name):
    def change(description):
        metrics = _function(description, function)["metrics"]
        next(metric for metric in metrics if metric["name"] == name)["by_reason"] = False

    return change


def variable(function, called, **changes):
    def change(description):
        variables = _function(description, function)["variables"]
        next(variable for variable in variables if variable["name"] == called).update(changes)

    return change


def port(function, called, **changes):
    def change(description):
        ports = _function(description, function)["ports"]
        next(port for port in ports if port["name"] == called).update(changes)

    return change


def table(name, **changes):
    def change(description):
        description["tables"][name].update(changes)

    return change


def key(of, place, **changes):
    """Changes a table's key; 0 is the partition key, 1 the sort key."""

    def change(description):
        description["tables"][of]["keys"][place].update(changes)

    return change


def lake(part, place, to):
    def change(description):
        description["lake"][part][place] = to

    return change


def put(part, name, to):
    def change(description):
        description[part][name] = to

    return change


MISTAKES_IN_CODE = [
    ("the ledger's key renamed", key("ledger", 0, name="alertId"), "table-keys"),
    ("the profiles' key renamed", key("profiles", 0, name="customer"), "table-keys"),
    ("the entities' key renamed", key("entities", 0, name="id"), "table-keys"),
    ("the history's key renamed", key("history", 0, name="customer"), "table-keys"),
    ("a history that does not expire", table("history", time_to_live=None), "table-ttl"),
    ("a transform that writes the history", port("firehose-transform", "history", actions=["dynamodb:BatchGetItem", "dynamodb:PutItem"]), "access-needed"),
    ("a history that does not ask the ledger", port("kinesis-alerts", "history", actions=["dynamodb:BatchGetItem", "dynamodb:PutItem"]), "access-least"),
    ("the policies' key renamed", key("policies", 0, name="id"), "table-keys"),
    ("a function that publishes policies", port("kinesis-alerts", "policies", actions=["dynamodb:GetItem", "dynamodb:PutItem"]), "access-needed"),
    ("the aggregates' sort key renamed", key("aggregates", 1, name="window"), "table-keys"),
    ("the aggregates' sort key as text", key("aggregates", 1, type="S"), "table-keys"),
    ("the ledger's expiry renamed", table("ledger", time_to_live="expires_at"), "table-ttl"),
    ("profiles that expire", table("profiles", time_to_live="ttl"), "table-ttl"),
    ("a metric of an alarm renamed", metric("kinesis-alerts", "DetectionLatency", "Latency"), "alarm-metrics"),
    ("a metric of the dashboard renamed", metric("customer-analytics", "WindowWrites", "Writes"), "dashboard-metrics"),
    ("no failures by reason", uncounted_by_reason("firehose-transform", "RecordsFailed"), "dashboard-searches"),
    ("a metric that the guide calls otherwise", metric("firehose-transform", "RecordsOk", "RecordsScored"), "metrics-guide"),
    ("a function that calls itself otherwise", lambda d: _function(d, "kinesis-alerts").update(name_in_metrics="alerts"), "alarm-metrics"),
    ("another dimension", put("metrics", "dimension", "Function"), "alarm-metrics"),
    ("a column that is written under another name", lake("fields_written", 3, "score"), "glue-columns"),
    ("a column that is read under another name", lake("fields_read", 2, "value"), "glue-columns"),
    ("a partition key renamed", lake("partition_keys", 3, {"name": "minute", "digits": 2}), "glue-partition-keys"),
    ("hours of one digit", lake("partition_keys", 3, {"name": "hour", "digits": 1}), "glue-projection"),
    ("a variable renamed", variable("kinesis-alerts", "ALERT_LEDGER", name="LEDGER"), "function-variables"),
    ("a variable that must be set", variable("kinesis-alerts", "PROFILE_CACHE_MEGABYTES", required=True), "function-variables"),
    ("a default that the README tells otherwise", variable("customer-analytics", "AGGREGATE_DAYS", default="9"), "variables-guide"),
    ("a variable that the README lacks", variable("firehose-transform", "PROFILE_CACHE_ENTRIES", name="CACHE_ENTRIES"), "variables-guide"),
    ("a scheme less", variable("kinesis-alerts", "ALERT_SINK", schemes=["stdout"]), "function-variable-values"),
    ("a call more", port("firehose-transform", "profiles", actions=["dynamodb:BatchGetItem", "dynamodb:Query"]), "access-needed"),
    ("a call less", port("kinesis-alerts", "ledger", actions=["dynamodb:PutItem"]), "access-least"),
    ("larger letters", put("limits", "dead_letter_bytes", 2_000_000), "letters-fit"),
    ("a smaller response", put("limits", "transform_response_bytes", 3_000_000), "transform-buffer"),
    ("a function that is not described", lambda d: d["functions"].pop("customer-analytics"), "function-code"),
    ("no tables", lambda d: d.pop("tables"), "table-keys"),
]
