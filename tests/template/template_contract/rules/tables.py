"""DynamoDB's tables, the ledger's and the aggregates' memory."""

import re

from ..functions_of import functions_with_code
from . import rule

HOUR = 3600
DAY = 24 * HOUR


def _tables_by_use(deployment, code):
    """Each table that a function's variable names, with what the code expects of it."""
    for function in functions_with_code(deployment, code):
        for variable, table in code.tables_by_variable.items():
            name = deployment.referred(str(function.variables.get(variable, "")).removeprefix("dynamodb:"))
            if deployment.type_of(name or "") == "AWS::DynamoDB::Table":
                yield variable, name, deployment.properties(name), table


@rule("table-keys")
def tables_have_the_keys_that_the_code_uses(deployment, code):
    for variable, name, properties, table in _tables_by_use(deployment, code):
        types = {a["AttributeName"]: a["AttributeType"] for a in properties.get("AttributeDefinitions", [])}
        order = {"HASH": 0, "RANGE": 1}
        schema = sorted(properties.get("KeySchema", []), key=lambda key: order[key["KeyType"]])
        keys = [(key["AttributeName"], types.get(key["AttributeName"])) for key in schema]
        if keys != table.keys:
            yield f"{name} ({variable}) has the key {keys}; the code's is {table.keys}"


@rule("table-ttl")
def rows_expire_by_the_attribute_that_the_code_writes(deployment, code):
    for variable, name, properties, table in _tables_by_use(deployment, code):
        ttl = properties.get("TimeToLiveSpecification", {})
        attribute = ttl.get("AttributeName") if ttl.get("Enabled") else None
        if attribute != table.ttl:
            yield f"{name} ({variable}) expires by {attribute or 'nothing'}; the code writes {table.ttl or 'no expiry'}"


@rule("labels-table")
def labels_are_kept_as_the_tool_keeps_them(deployment, code):
    properties = deployment.properties("LabelsTable")
    types = {a["AttributeName"]: a["AttributeType"] for a in properties.get("AttributeDefinitions", [])}
    keys = [(key["AttributeName"], types.get(key["AttributeName"])) for key in properties.get("KeySchema", [])]
    ttl = properties.get("TimeToLiveSpecification", {})
    attribute = ttl.get("AttributeName") if ttl.get("Enabled") else None
    if keys != code.labels.keys:
        yield f"LabelsTable has the key {keys}; the code's is {code.labels.keys}"
    if attribute != code.labels.ttl:
        yield f"LabelsTable expires by {attribute or 'nothing'}; the code writes {code.labels.ttl}"


@rule("label-delay")
def both_functions_wait_for_labels_as_long(deployment, code):
    parameter = deployment.parameters.get("LabelDelayDays", {})
    wanted = deployment.values.get("LabelDelayDays", parameter.get("Default"))
    for function in functions_with_code(deployment, code):
        variable = code.variables(function.binary).get("LABEL_DELAY_DAYS")
        if not variable:
            continue
        if str(function.variables.get("LABEL_DELAY_DAYS")) != str(wanted):
            yield f"{function.name}: LABEL_DELAY_DAYS must be the parameter LabelDelayDays, {wanted}"
        if str(parameter.get("Default")) != str(variable.default):
            yield f"LabelDelayDays is {parameter.get('Default')} by default, the code's LABEL_DELAY_DAYS {variable.default}"
        least, most = map(int, re.search(r"(\d+) to (\d+)$", variable.accepts).groups())
        if (parameter.get("MinValue"), parameter.get("MaxValue")) != (least, most):
            yield f"LabelDelayDays is from {parameter.get('MinValue')} to {parameter.get('MaxValue')}; the code accepts {variable.accepts}"


@rule("table-billing")
def tables_scale_by_themselves(deployment, code):
    for name, properties in deployment.of_type("AWS::DynamoDB::Table"):
        if properties.get("BillingMode") == "PAY_PER_REQUEST":
            if "ProvisionedThroughput" in properties:
                yield f"{name}: a table on demand cannot have a ProvisionedThroughput"
            continue
        if "OnDemandThroughput" in properties:
            yield f"{name}: only a table on demand can have an OnDemandThroughput"
        for capacity in ("ReadCapacityUnits", "WriteCapacityUnits"):
            if capacity not in _scaled(deployment, name):
                yield f"{name}: BillingMode must be PAY_PER_REQUEST, or its {capacity} must be scaled (ScalableTarget, ScalingPolicy)"


def _scaled(deployment, table):
    """The capacities of a table that a target tracking policy scales."""
    followed = {
        deployment.referred(policy.get("ScalingTargetId"))
        for _, policy in deployment.of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
        if policy.get("PolicyType") == "TargetTrackingScaling"
    }
    for name, target in deployment.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        if name in followed and target.get("ResourceId") == f"table/${{{table}}}":
            yield target.get("ScalableDimension", "").removeprefix("dynamodb:table:")


# What a new table on demand takes at once; less cannot be asked for. (Amazon DynamoDB developer guide, "Warm throughput".)
WARM = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}


@rule("table-warm-throughput")
def tables_are_warmed_only_beyond_what_they_have(deployment, code):
    for name, properties in deployment.of_type("AWS::DynamoDB::Table"):
        for units, asked in properties.get("WarmThroughput", {}).items():
            if int(asked) < WARM[units]:
                yield f"{name}: WarmThroughput, {units} is {asked}; a new table has {WARM[units]}, and it cannot be lowered"


@rule("table-write-limit")
def the_aggregates_cost_no_more_than_they_are_told_to(deployment, code):
    wanted = int(deployment.values.get("AggregateMaxWriteUnits", 0))
    for name, properties in deployment.of_type("AWS::DynamoDB::Table"):
        limits = properties.get("OnDemandThroughput", {})
        expected = {"MaxWriteRequestUnits": wanted} if name == "AggregatesTable" and wanted else {}
        if {units: int(limit) for units, limit in limits.items()} != expected:
            yield f"{name}: OnDemandThroughput is {limits}; it must be {expected} (the parameter AggregateMaxWriteUnits; 0: no limit)"


@rule("aggregates-remembered")
def windows_remember_as_much_as_the_code_takes(deployment, code):
    parameter = deployment.parameters.get("AggregateRemembered", {})
    for function in functions_with_code(deployment, code):
        variable = code.variables(function.binary).get("AGGREGATE_REMEMBERED")
        if not variable:
            continue
        least, most = map(int, re.search(r"(\d+) to (\d+)$", variable.accepts).groups())
        bounds = (parameter.get("MinValue"), parameter.get("MaxValue"))
        if bounds != (least, most):
            yield f"AggregateRemembered is from {bounds[0]} to {bounds[1]}; the code accepts {variable.accepts}"
        wanted = deployment.values.get("AggregateRemembered", parameter.get("Default"))
        if str(function.variables.get("AGGREGATE_REMEMBERED")) != str(wanted):
            yield f"{function.name}: AGGREGATE_REMEMBERED must be the parameter AggregateRemembered, {wanted}"
        if str(parameter.get("Default")) != str(variable.default):
            yield f"AggregateRemembered is {parameter.get('Default')} by default, the code's AGGREGATE_REMEMBERED {variable.default}"


@rule("table-recovery")
def tables_can_be_recovered(deployment, code):
    for name, properties in deployment.of_type("AWS::DynamoDB::Table"):
        if not properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
            yield f"{name}: point-in-time recovery must be enabled"


@rule("table-protection")
def tables_are_protected_but_while_the_stack_is_made(deployment, code):
    # RetainExceptOnCreate cannot delete a protected table: a failed creation would end in ROLLBACK_FAILED.
    if str(deployment.parameters.get("DeletionProtection", {}).get("Default")).lower() != "true":
        yield "DeletionProtection must be true by default: an update that does not name it would unprotect the tables"
    wanted = "false" if deployment.values.get("DeletionProtection") == "false" else "true"
    for name, properties in deployment.of_type("AWS::DynamoDB::Table"):
        if str(properties.get("DeletionProtectionEnabled", "false")).lower() != wanted:
            yield f"{name}: DeletionProtectionEnabled must be {wanted} (the parameter DeletionProtection, by default true)"


def _retention(deployment):
    return int(deployment.properties("TransactionsStream").get("RetentionPeriodHours", 24)) * HOUR


@rule("ledger-outlives-stream")
def the_ledger_remembers_longer_than_the_stream(deployment, code):
    least = deployment.parameters.get("AlertLedgerDays", {}).get("MinValue", 1)
    for name, properties in deployment.of_type("AWS::Lambda::Function"):
        days = properties.get("Environment", {}).get("Variables", {}).get("ALERT_LEDGER_DAYS")
        if days is None:
            continue
        if min(int(days), int(least)) * DAY <= _retention(deployment):
            yield f"{name}: ALERT_LEDGER_DAYS may be {min(int(days), int(least))}, no longer than the stream's {_retention(deployment) // HOUR} hours: a replay would alert again"


@rule("aggregates-outlive-stream")
def rows_outlive_the_stream_and_late_events(deployment, code):
    late = int(deployment.parameters.get("EventTimeMaxAgeHours", {}).get("MaxValue", 10**6)) * HOUR
    for name, properties in deployment.of_type("AWS::Lambda::Function"):
        variables = properties.get("Environment", {}).get("Variables", {})
        if "AGGREGATES" not in variables:
            continue
        days = int(variables.get("AGGREGATE_DAYS", 400))
        if days * DAY <= _retention(deployment) + late:
            yield f"{name}: AGGREGATE_DAYS is {days}; the stream's retention and the latest event times make {(_retention(deployment) + late) // DAY}"


@rule("event-time-bounds")
def partition_and_window_use_the_same_bounds(deployment, code):
    names = ("EVENT_TIME_MAX_AGE_HOURS", "EVENT_TIME_MAX_AHEAD_HOURS")
    found = {}
    for function in functions_with_code(deployment, code):
        known = code.variables(function.binary)
        for name in names:
            if name in known:
                found.setdefault(name, {})[function.name] = function.variables.get(name)
    for name, values in found.items():
        if len(set(map(str, values.values()))) > 1:
            yield f"{name} differs between {', '.join(values)}: partition and window would disagree"


@rule("letters-fit")
def the_queue_takes_the_largest_letter(deployment, code):
    for name, properties in deployment.of_type("AWS::SQS::Queue"):
        most = int(properties.get("MaximumMessageSize", 1_048_576))
        if most < code.max_letter_bytes:
            yield f"{name}: MaximumMessageSize is {most}; a dead letter has up to {code.max_letter_bytes} bytes"
        if int(properties.get("MessageRetentionPeriod", 345_600)) < 14 * DAY:
            yield f"{name}: MessageRetentionPeriod must be 1209600, two weeks"


@rule("retention-values")
def what_follows_from_retention_is_said_for_every_retention(deployment, code):
    allowed = deployment.parameters.get("StreamRetentionHours", {}).get("AllowedValues", [])
    rows = deployment.template.get("Mappings", {}).get("ByRetention", {})
    if not allowed:
        yield "StreamRetentionHours must list its values: what follows from each is in the mapping ByRetention"
    for value in allowed:
        if str(value) not in rows or not re.fullmatch(r"\d+", str(value)):
            yield f"ByRetention has no row for {value} hours, which StreamRetentionHours allows"
