"""The mistakes: what is done, how, and the rule that must notice it."""

import json
import re

from .mistakes_in_code import MISTAKES_IN_CODE
from .rules import load


def at(*path):
    """The way to a place in a resource's properties; numbers are places in lists."""

    def find(template):
        name, *rest = path
        node = template["Resources"][name]["Properties"]
        for step in rest:
            node = node[step]
        return node

    return find


def put(*path, to):
    *way, last = path

    def change(template):
        at(*way)(template)[last] = to

    return change


def drop(*path):
    *way, last = path

    def change(template):
        del at(*way)(template)[last]

    return change


def attribute(resource, name, to):
    """Sets what is beside Properties, such as DeletionPolicy."""

    def change(template):
        template["Resources"][resource][name] = to

    return change


def without(resource):
    def change(template):
        del template["Resources"][resource]

    return change


def parameter(name, key, to):
    def change(template):
        template["Parameters"][name][key] = to

    return change


def unruled(name):
    """Drops one of the template's Rules."""

    def change(template):
        del template["Rules"][name]

    return change


def condition(name, to):
    def change(template):
        template["Conditions"][name] = to

    return change


def retention(hours, key, to):
    def change(template):
        template["Mappings"]["ByRetention"][hours][key] = to

    return change


def in_role(role, wanted, change_statement):
    """Changes the first statement of a role that permits an action."""

    def change(template):
        statements = template["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        for number, statement in enumerate(statements):
            if wanted in json.dumps(statement.get("Action", "")):
                changed = change_statement(statement)
                if changed is None:
                    del statements[number]
                else:
                    statements[number] = changed
                return
        raise ValueError(f"{role} does not permit {wanted}")

    return change


def in_text(*path, old, new):
    """Changes a text, also one inside Fn::Sub."""
    *way, last = path

    def change(template):
        node = at(*way)(template)
        text = json.dumps(node[last])
        if json.dumps(old)[1:-1] not in text:
            raise ValueError(f"{'.'.join(map(str, path))} does not contain {old}")
        node[last] = json.loads(text.replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1], 1))

    return change


def column(name, **changes):
    def change(template):
        columns = at("LakeTable", "TableInput", "StorageDescriptor", "Columns")(template)
        next(column for column in columns if column["Name"] == name).update(changes)

    return change


LAKE = ("LakeDelivery", "ExtendedS3DestinationConfiguration")
TABLE = ("LakeTable", "TableInput")
PROCESSOR = (*LAKE, "ProcessingConfiguration", "Processors", 0, "Parameters")
BODY = ("Dashboard", "DashboardBody")


def _variables(function):
    return (function, "Environment", "Variables")


def _widen(statement):
    return statement | {"Resource": "*"}


def _conditional(template, role, wanted):
    """The statements of a role, and the place of the first under a condition that says what is wanted."""
    statements = template["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return statements, next(n for n, statement in enumerate(statements) if "Fn::If" in statement and re.search(wanted, json.dumps(statement)))


def _drop_conditional(template, role, wanted):
    statements, place = _conditional(template, role, wanted)
    del statements[place]


def _in_conditional(role, wanted, change_statement):
    """Changes a statement under a condition."""

    def change(template):
        statements, place = _conditional(template, role, wanted)
        statements[place]["Fn::If"][1] = change_statement(statements[place]["Fn::If"][1])

    return change


def _always(role, wanted):
    """Takes the condition of a statement away."""

    def change(template):
        statements, place = _conditional(template, role, wanted)
        statements[place] = statements[place]["Fn::If"][1]

    return change


MISTAKES = [
    # Firehose
    ("gzip around Parquet", put(*LAKE, "CompressionFormat", to="GZIP"), "firehose-parquet"),
    ("no conversion", put(*LAKE, "DataFormatConversionConfiguration", "Enabled", to=False), "firehose-parquet"),
    ("a buffer of 5 MiB", put(*LAKE, "BufferingHints", "SizeInMBs", to=5), "firehose-buffer"),
    ("a buffer of 30 seconds", put(*LAKE, "BufferingHints", "IntervalInSeconds", to=30), "firehose-buffer"),
    ("a parameter that allows a buffer of 10 seconds", parameter("LakeBufferSeconds", "MinValue", 10), "firehose-buffer"),
    ("direct put", put("LakeDelivery", "DeliveryStreamType", to="DirectPut"), "firehose-source"),
    ("no source", drop("LakeDelivery", "KinesisStreamSourceConfiguration"), "firehose-source"),
    ("no dynamic partitioning", put(*LAKE, "DynamicPartitioningConfiguration", "Enabled", to=False), "firehose-partitioning"),
    ("a partition key by query", in_text(*LAKE, "Prefix", old="!{partitionKeyFromLambda:hour}", new="!{partitionKeyFromQuery:hour}"), "firehose-partitioning"),
    ("the partition's minute", in_text(*LAKE, "Prefix", old="!{partitionKeyFromLambda:hour}", new="!{partitionKeyFromLambda:minute}"), "firehose-partitioning"),
    ("errors without their type", put(*LAKE, "ErrorOutputPrefix", to="errors/"), "firehose-errors"),
    ("errors by partition key", put(*LAKE, "ErrorOutputPrefix", to="errors/!{firehose:error-output-type}/!{partitionKeyFromLambda:year}/"), "firehose-errors"),
    ("errors inside the table", put(*LAKE, "ErrorOutputPrefix", to="transactions/!{firehose:error-output-type}/"), "firehose-errors"),
    ("no raw backup", put(*LAKE, "S3BackupMode", to="Disabled"), "firehose-backup"),
    ("raw backup into the lake's bucket", put(*LAKE, "S3BackupConfiguration", "BucketARN", to={"Fn::GetAtt": "LakeBucket.Arn"}), "firehose-backup"),
    ("a buffer hint of 3 MB, whose answer does not fit", put(*PROCESSOR, 3, "ParameterValue", to="3"), "transform-buffer"),
    ("a buffer whose answer does not fit small records", parameter("TransformBufferMB", "Default", 0.35), "transform-buffer"),
    ("a buffer smaller than need be", parameter("TransformBufferMB", "Default", 0.2), "transform-buffer"),
    ("a parameter that allows a buffer of 4 MB", parameter("TransformBufferMB", "MaxValue", 4), "transform-buffer"),
    ("another function as the transform", put(*PROCESSOR, 0, "ParameterValue", to={"Fn::GetAtt": "KinesisAlerts.Arn"}), "firehose-transform"),
    ("no transform", put(*LAKE, "ProcessingConfiguration", "Enabled", to=False), "firehose-transform"),
    ("case folded by the deserializer", put(*LAKE, "DataFormatConversionConfiguration", "InputFormatConfiguration", "Deserializer", "OpenXJsonSerDe", "CaseInsensitive", to=True), "firehose-deserializer"),
    ("the other deserializer", put(*LAKE, "DataFormatConversionConfiguration", "InputFormatConfiguration", "Deserializer", to={"HiveJsonSerDe": {}}), "firehose-deserializer"),
    ("no logging of deliveries", put(*LAKE, "CloudWatchLoggingOptions", "Enabled", to=False), "firehose-logging"),
    ("a schema of another database", put(*LAKE, "DataFormatConversionConfiguration", "SchemaConfiguration", "DatabaseName", to="default"), "firehose-schema"),
    # Glue
    ("a column less", lambda template: at(*TABLE, "StorageDescriptor", "Columns")(template).pop(), "glue-columns"),
    ("a merchant that the lake drops", lambda template: _drop_column(template, "merchant_id"), "glue-columns"),
    ("a country as a number", column("country", Type="int"), "glue-columns"),
    ("a column misspelt", column("fraud_score", Name="fraudScore"), "glue-columns"),
    ("reasons as one text", column("fraud_reasons", Type="string"), "glue-columns"),
    ("amount as a decimal", column("amount", Type="decimal(38,2)"), "glue-columns"),
    ("a partition key less", lambda template: at(*TABLE, "PartitionKeys")(template).pop(), "glue-partition-keys"),
    ("a partition key that is a column too", lambda template: at(*TABLE, "StorageDescriptor", "Columns")(template).append({"Name": "hour", "Type": "int"}), "glue-partition-keys"),
    ("hours without their zero", drop(*TABLE, "Parameters", "projection.hour.digits"), "glue-projection"),
    ("months from zero", put(*TABLE, "Parameters", "projection.month.range", to="0,11"), "glue-projection"),
    ("no projection", drop(*TABLE, "Parameters", "projection.enabled"), "glue-projection"),
    # Stream and mappings
    ("a shard count on demand", put("TransactionsStream", "ShardCount", to=2), "stream-mode"),
    ("a warm stream that is provisioned", put("TransactionsStream", "WarmThroughputMiBps", to=10), "stream-mode"),
    ("no metrics of shards", drop("TransactionsStream", "DesiredShardLevelMetrics"), "stream-metrics"),
    ("an hour of retention", put("TransactionsStream", "RetentionPeriodHours", to=1), "stream-retention"),
    ("alerts by a standard consumer", put("AlertsMapping", "EventSourceArn", to={"Fn::GetAtt": "TransactionsStream.Arn"}), "enhanced-fan-out"),
    ("from the latest record", put("AlertsMapping", "StartingPosition", to="LATEST"), "mapping-start"),
    ("a mapping switched off", put("AnalyticsMapping", "Enabled", to=False), "mapping-start"),
    ("alerts switched off with a parameter that says on", put("AlertsMapping", "Enabled", to="false"), "mapping-start"),
    ("alerts that do not wait for the backfill", drop("AlertsMapping", "Enabled"), "mapping-start"),
    ("alerts that wait unless they are told not to", parameter("AlertsEnabled", "Default", "false"), "mapping-start"),
    ("no partial failures", drop("AlertsMapping", "FunctionResponseTypes"), "mapping-partial-failures"),
    ("no bisect", put("AlertsMapping", "BisectBatchOnFunctionError", to=False), "mapping-bisect"),
    ("three retries", put("AnalyticsMapping", "MaximumRetryAttempts", to=3), "mapping-retries"),
    ("no record age", drop("AlertsMapping", "MaximumRecordAgeInSeconds"), "mapping-record-age"),
    ("a record age beyond the stream's retention", retention("24", "RecordAgeSeconds", 172800), "mapping-record-age"),
    ("a record age beyond a week", retention("8760", "RecordAgeSeconds", 864000), "mapping-record-age"),
    ("eleven batches of a shard at a time", put("AlertsMapping", "ParallelizationFactor", to=11), "mapping-batches"),
    ("a parameter that allows eleven", parameter("AlertParallelization", "MaxValue", 11), "mapping-batches"),
    ("a batch of 20,000", put("AnalyticsMapping", "BatchSize", to=20000), "mapping-batches"),
    ("a batching window of 301 seconds", put("AnalyticsMapping", "MaximumBatchingWindowInSeconds", to=301), "mapping-batches"),
    ("a tumbling window", put("AnalyticsMapping", "TumblingWindowInSeconds", to=300), "mapping-no-tumbling-window"),
    ("alerts gathered for five seconds", put("AlertsMapping", "MaximumBatchingWindowInSeconds", to=5), "mapping-detection-window"),
    ("given-up records into a queue", put("AlertsMapping", "DestinationConfig", "OnFailure", "Destination", to={"Fn::GetAtt": "DeadLettersQueue.Arn"}), "mapping-on-failure"),
    ("given-up records nowhere", drop("AnalyticsMapping", "DestinationConfig"), "mapping-on-failure"),
    ("records of 10 MiB", put("TransactionsStream", "MaxRecordSizeInKiB", to=10240), "stream-record-size"),
    ("records as large as the account's default", drop("TransactionsStream", "MaxRecordSizeInKiB"), "stream-record-size"),
    # Functions
    ("a binary that there is not", attribute("KinesisAlerts", "Metadata", {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": "kinesis-alert"}}), "function-code"),
    ("a function less", lambda template: [template["Resources"].pop(name) for name in ("CustomerAnalytics", "AnalyticsMapping")], "function-code"),
    ("another runtime", put("KinesisAlerts", "Runtime", to="python3.12"), "function-runtime"),
    ("a variable less", drop(*_variables("KinesisAlerts"), "ALERT_LEDGER"), "function-variables"),
    ("a variable misspelt", put(*_variables("CustomerAnalytics"), "AGGREGATE_STREAM", to="none:"), "function-variables"),
    ("alerts to standard output", put(*_variables("KinesisAlerts"), "ALERT_SINK", to="stdout:"), "function-variable-values"),
    ("a table without its scheme", put(*_variables("FirehoseTransform"), "PROFILE_SOURCE", to={"Ref": "ProfilesTable"}), "function-variable-values"),
    ("a table's ARN for its name", put(*_variables("KinesisAlerts"), "ALERT_LEDGER", to={"Fn::Sub": "dynamodb:${AlertLedgerTable.Arn}"}), "function-variable-values"),
    ("a queue's ARN for its URL", put(*_variables("KinesisAlerts"), "DEAD_LETTERS", to={"Fn::Sub": "sqs:${DeadLettersQueue.Arn}"}), "function-variable-values"),
    ("high scores among all letters", put(*_variables("KinesisAlerts"), "UNALERTED_LETTERS", to={"Fn::Sub": "sqs:${DeadLettersQueue}"}), "unalerted-letters"),
    ("no queue for high scores", drop(*_variables("KinesisAlerts"), "UNALERTED_LETTERS"), "unalerted-letters"),
    ("entities of the ledger", put(*_variables("KinesisAlerts"), "ENTITY_SOURCE", to={"Fn::Sub": "dynamodb:${AlertLedgerTable}"}), "table-keys"),
    ("entities from a file", put(*_variables("FirehoseTransform"), "ENTITY_SOURCE", to="file:/opt/entities.json"), "function-variable-values"),
    ("a published policy that one function ignores", put(*_variables("KinesisAlerts"), "FRAUD_POLICY", to={"Ref": "FraudPolicy"}), "published-policy"),
    ("a policy in the shadow of one function alone", drop(*_variables("FirehoseTransform"), "SHADOW_POLICY"), "shadow-policy"),
    ("another policy in the shadow of alerts", put(*_variables("KinesisAlerts"), "SHADOW_POLICY", to="builtin:default"), "shadow-policy"),
    ("a function that publishes policies", in_role("KinesisAlertsRole", "dynamodb:GetItem", lambda s: s | {"Action": ["dynamodb:GetItem", "dynamodb:PutItem"]}), "policy-writers"),
    ("a function that cannot read the policy", in_role("FirehoseTransformRole", "dynamodb:GetItem", lambda s: None), "access-needed"),
    ("a function that changes lists", in_role("FirehoseTransformRole", "dynamodb:BatchGetItem", lambda s: s | {"Action": ["dynamodb:BatchGetItem", "dynamodb:UpdateItem"]}), "access-least"),
    ("a function without the history", drop(*_variables("FirehoseTransform"), "HISTORY"), "history"),
    ("a history that one function keeps though it is off", put(*_variables("KinesisAlerts"), "HISTORY", to={"Fn::Sub": "dynamodb:${AlertLedgerTable}"}), "history"),
    ("a history of development", put(*_variables("KinesisAlerts"), "HISTORY", to="memory:"), "function-variable-values"),
    ("a history's table beside the one that is named", condition("MakesHistoryTable", {"Condition": "KeepsHistory"}), "history"),
    ("a history in the ledger's table", put(*_variables("KinesisAlerts"), "HISTORY", "Fn::If", 1, to={"Fn::Sub": "dynamodb:${AlertLedgerTable}"}), "table-keys"),
    ("a transform that cannot read the history", lambda template: _drop_conditional(template, "FirehoseTransformRole", "KeepsHistory"), "access-needed"),
    ("alerts that cannot write the history", lambda template: _drop_conditional(template, "KinesisAlertsRole", "dynamodb:PutItem"), "access-needed"),
    ("alerts that cannot ask the ledger for what the history forgot", lambda template: _drop_conditional(template, "KinesisAlertsRole", "dynamodb:GetItem"), "access-needed"),
    ("a transform that writes the history", _in_conditional("FirehoseTransformRole", "KeepsHistory", lambda s: s | {"Action": ["dynamodb:BatchGetItem", "dynamodb:PutItem"]}), "access-least"),
    ("alerts that delete histories", _in_conditional("KinesisAlertsRole", "dynamodb:PutItem", lambda s: s | {"Action": ["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem"]}), "access-least"),
    ("permissions of a history that is off", _always("KinesisAlertsRole", "dynamodb:PutItem"), "access-least"),
    ("permissions on every table in place of the one that is named", _in_conditional("FirehoseTransformRole", "KeepsHistory", lambda s: s | {"Resource": {"Fn::Sub": "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/*"}}), "access-needed"),
    ("a history for the built-in policy", unruled("HistoryIsForAPolicyOfYours"), "refused"),
    ("a history's table without a history", unruled("AHistoryTableIsForAHistory"), "refused"),
    ("a policy's file without its layer, before it is deployed", unruled("APolicyFileNeedsItsLayer"), "refused"),
    ("two policies", unruled("OnePolicyScores"), "refused"),
    ("a schema's file without its layer, before it is deployed", unruled("ASchemaFileNeedsItsLayer"), "refused"),
    ("a provisioned stream that is warmed, before it is deployed", unruled("OnlyAStreamOnDemandIsWarmed"), "refused"),
    ("provisioned aggregates with a limit, before they are deployed", unruled("OnlyAggregatesOnDemandAreLimited"), "refused"),
    ("a policy's file without its layer", drop("KinesisAlerts", "Layers"), "policy-layer"),
    ("a schema's file without its layer", drop("CustomerAnalytics", "Layers"), "policy-layer"),
    ("a function without the schema", drop("CustomerAnalytics", "Environment", "Variables", "TRANSACTION_SCHEMA"), "transaction-schema"),
    (
        "a function with another schema",
        put("KinesisAlerts", "Environment", "Variables", "TRANSACTION_SCHEMA", to="file:/opt/schemas/other.toml"),
        "transaction-schema",
    ),
    ("alerts without a single execution", put("KinesisAlerts", "ReservedConcurrentExecutions", to=0), "function-concurrency"),
    ("executions reserved for the aggregates", put("CustomerAnalytics", "ReservedConcurrentExecutions", to=10), "function-concurrency"),
    ("a transform of six minutes", put("FirehoseTransform", "Timeout", to=360), "function-timeout"),
    ("three seconds for alerts", put("KinesisAlerts", "Timeout", to=3), "function-timeout"),
    ("a level that drops metrics", parameter("LogLevel", "AllowedValues", ["DEBUG", "INFO", "WARN"]), "function-logs"),
    ("a shared log group", put("KinesisAlerts", "LoggingConfig", "LogGroup", to={"Ref": "FirehoseTransformLogs"}), "function-logs"),
    # Tables and memory
    ("the aggregates without a sort key", put("AggregatesTable", "KeySchema", to=[{"AttributeName": "customer_id", "KeyType": "HASH"}]), "table-keys"),
    ("a window's start as text", put("AggregatesTable", "AttributeDefinitions", 1, "AttributeType", to="S"), "table-keys"),
    ("the ledger by alertId", lambda template: [put("AlertLedgerTable", "KeySchema", 0, "AttributeName", to="alertId")(template), put("AlertLedgerTable", "AttributeDefinitions", 0, "AttributeName", to="alertId")(template)], "table-keys"),
    ("the labels by another key", lambda template: [put("LabelsTable", "KeySchema", 0, "AttributeName", to="transaction")(template), put("LabelsTable", "AttributeDefinitions", 0, "AttributeName", to="transaction")(template)], "labels-table"),
    ("labels that never expire", drop("LabelsTable", "TimeToLiveSpecification"), "labels-table"),
    ("labels without recovery", drop("LabelsTable", "PointInTimeRecoverySpecification"), "table-recovery"),
    ("labels in the clear", drop("LabelsTable", "SSESpecification"), "encrypted"),
    ("labels that go with the stack", attribute("LabelsTable", "DeletionPolicy", "Delete"), "retained"),
    ("a function that waits for labels for another time", put(*_variables("FirehoseTransform"), "LABEL_DELAY_DAYS", to="3"), "label-delay"),
    ("a function that is not told of the labels' delay", drop(*_variables("KinesisAlerts"), "LABEL_DELAY_DAYS"), "label-delay"),
    ("a delay that the code does not take", parameter("LabelDelayDays", "MaxValue", 365), "label-delay"),
    ("a function that applies labels", in_role("KinesisAlertsRole", "dynamodb:BatchGetItem", lambda s: s | {"Action": ["dynamodb:BatchGetItem", "dynamodb:UpdateItem"]}), "access-least"),
    ("the history by another key", lambda template: [put("HistoryTable", "KeySchema", 0, "AttributeName", to="customer")(template), put("HistoryTable", "AttributeDefinitions", 0, "AttributeName", to="customer")(template)], "table-keys"),
    ("a history that never expires", drop("HistoryTable", "TimeToLiveSpecification"), "table-ttl"),
    ("a history without recovery", drop("HistoryTable", "PointInTimeRecoverySpecification"), "table-recovery"),
    ("a history in the clear", drop("HistoryTable", "SSESpecification"), "encrypted"),
    ("a history that anybody may delete", drop("HistoryTable", "DeletionProtectionEnabled"), "table-protection"),
    ("a history that goes with the stack", attribute("HistoryTable", "DeletionPolicy", "Delete"), "retained"),
    ("a provisioned history that is not scaled", without("HistoryReadsScaling"), "table-billing"),
    ("a history warmed below what it has", parameter("HistoryWarmReads", "Default", "100"), "table-warm-throughput"),
    ("expiry by another attribute", put("AlertLedgerTable", "TimeToLiveSpecification", "AttributeName", to="expires_at"), "table-ttl"),
    ("no expiry", drop("AggregatesTable", "TimeToLiveSpecification"), "table-ttl"),
    ("tables that anybody may delete", parameter("DeletionProtection", "Default", "false"), "table-protection"),
    ("a table that is protected while the stack is made", put("AggregatesTable", "DeletionProtectionEnabled", to=True), "table-protection"),
    ("no recovery", drop("AlertLedgerTable", "PointInTimeRecoverySpecification"), "table-recovery"),
    ("provisioned throughput", lambda template: at("ProfilesTable")(template).update(BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}), "table-billing"),
    ("provisioned aggregates that nothing scales", without("AggregateWritesScaling"), "table-billing"),
    ("provisioned aggregates with a limit on demand", put("AggregatesTable", "OnDemandThroughput", to={"MaxWriteRequestUnits": 2000}), "table-billing"),
    ("aggregates that cost what they like", drop("AggregatesTable", "OnDemandThroughput"), "table-write-limit"),
    ("a limit that is always there", put("AggregatesTable", "OnDemandThroughput", to={"MaxWriteRequestUnits": {"Ref": "AggregateMaxWriteUnits"}}), "table-write-limit"),
    ("a limit of reads", lambda template: at("AggregatesTable", "OnDemandThroughput")(template)["Fn::If"].__setitem__(1, {"MaxReadRequestUnits": 2000}), "table-write-limit"),
    ("windows that remember a fixed number", put(*_variables("CustomerAnalytics"), "AGGREGATE_REMEMBERED", to=3000), "aggregates-remembered"),
    ("windows that remember more than a row holds", parameter("AggregateRemembered", "MaxValue", 50000), "aggregates-remembered"),
    ("windows that remember another number by default", parameter("AggregateRemembered", "Default", 1000), "aggregates-remembered"),
    ("a table colder than a new one", put("AggregatesTable", "WarmThroughput", to={"WriteUnitsPerSecond": 1000}), "table-warm-throughput"),
    ("a ledger that forgets in a month", parameter("AlertLedgerDays", "MinValue", 30), "ledger-outlives-stream"),
    ("a ledger of a week", put(*_variables("KinesisAlerts"), "ALERT_LEDGER_DAYS", to=7), "ledger-outlives-stream"),
    ("aggregates that expire with the stream", retention("168", "AggregateDays", 7), "aggregates-outlive-stream"),
    ("event times of a month", parameter("EventTimeMaxAgeHours", "MaxValue", 720), "aggregates-outlive-stream"),
    ("windows with other bounds than partitions", put(*_variables("CustomerAnalytics"), "EVENT_TIME_MAX_AGE_HOURS", to=24), "event-time-bounds"),
    ("alerts that know other bounds than the lake", put(*_variables("KinesisAlerts"), "EVENT_TIME_MAX_AHEAD_HOURS", to=6), "event-time-bounds"),
    ("a retention that nothing is said of", parameter("StreamRetentionHours", "AllowedValues", ["24", "48"]), "retention-values"),
    ("high scores kept for four days", drop("UnalertedLettersQueue", "MessageRetentionPeriod"), "letters-fit"),
    ("letters of 64 KiB", put("DeadLettersQueue", "MaximumMessageSize", to=65536), "letters-fit"),
    # Access
    ("no UpdateItem on the ledger", in_role("KinesisAlertsRole", "dynamodb:UpdateItem", lambda s: s | {"Action": ["dynamodb:PutItem"]}), "access-needed"),
    ("a ledger whose rows may be deleted", in_role("KinesisAlertsRole", "dynamodb:UpdateItem", lambda s: s | {"Action": ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]}), "access-least"),
    ("no right to publish", in_role("KinesisAlertsRole", "sns:Publish", lambda s: None), "access-needed"),
    ("no right to keep a high score", in_role("KinesisAlertsRole", "sqs:SendMessage", lambda s: s | {"Resource": s["Resource"][:1]}), "access-needed"),
    ("no right to subscribe to shards", lambda template: _drop_conditional(template, "KinesisAlertsRole", "SubscribeToShard"), "access-needed"),
    ("a scan of the profiles", in_role("FirehoseTransformRole", "dynamodb:BatchGetItem", lambda s: s | {"Action": ["dynamodb:BatchGetItem", "dynamodb:Scan"]}), "access-least"),
    ("analytics may read profiles", in_role("CustomerAnalyticsRole", "sqs:SendMessage", lambda s: s | {"Action": ["sqs:SendMessage", "sqs:DeleteMessage"]}), "access-least"),
    ("all tables", in_role("FirehoseTransformRole", "dynamodb:BatchGetItem", _widen), "access-no-wildcards"),
    ("all of DynamoDB", in_role("CustomerAnalyticsRole", "dynamodb:UpdateItem", lambda s: s | {"Action": "dynamodb:*"}), "access-no-wildcards"),
    ("a key for everything", in_role("KinesisAlertsRole", "kms:GenerateDataKey", lambda s: {k: v for k, v in s.items() if k != "Condition"}), "access-key-conditions"),
    ("no key to encrypt alerts", in_role("KinesisAlertsRole", "kms:GenerateDataKey", lambda s: None), "access-key"),
    ("a managed policy", put("KinesisAlertsRole", "ManagedPolicyArns", to=["arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole"]), "access-roles"),
    ("a shared role", put("CustomerAnalytics", "Role", to={"Fn::GetAtt": "KinesisAlertsRole.Arn"}), "access-roles"),
    ("a role for anybody", put("DeliveryRole", "AssumeRolePolicyDocument", "Statement", 0, "Principal", to={"AWS": "*"}), "access-trust"),
    ("Firehose for other accounts", drop("DeliveryRole", "AssumeRolePolicyDocument", "Statement", 0, "Condition"), "access-trust"),
    ("Firehose may not invoke", in_role("DeliveryRole", "lambda:InvokeFunction", lambda s: None), "access-delivery"),
    ("Firehose may not write errors", in_role("DeliveryRole", "s3:PutObject", lambda s: s | {"Resource": s["Resource"][:1]}), "access-delivery"),
    ("Firehose may not read the table", in_role("DeliveryRole", "glue:GetTableVersions", lambda s: s | {"Resource": s["Resource"][2:]}), "access-delivery"),
    # Protection
    ("a stream that goes with the stack", attribute("TransactionsStream", "DeletionPolicy", "Delete"), "retained"),
    ("a stream that outlives a deployment that failed", attribute("TransactionsStream", "DeletionPolicy", "Retain"), "retained"),
    ("a workgroup that keeps the stack", drop("LakeWorkGroup", "RecursiveDeleteOption"), "stack-deletable"),
    ("a bucket that goes when it is replaced", lambda template: template["Resources"]["RawBackupBucket"].pop("UpdateReplacePolicy"), "retained"),
    ("a table with a fixed name", put("ProfilesTable", "TableName", to="customer_profiles"), "no-fixed-names"),
    ("an alert topic in the clear", drop("AlertsTopic", "KmsMasterKeyId"), "encrypted"),
    ("a stream under AWS's key", put("TransactionsStream", "StreamEncryption", "KeyId", to="alias/aws/kinesis"), "encrypted"),
    ("logs in the clear", drop("KinesisAlertsLogs", "KmsKeyId"), "encrypted"),
    ("raw backup in the clear", drop(*LAKE, "S3BackupConfiguration", "EncryptionConfiguration"), "encrypted"),
    ("a key that does not rotate", put("DataKey", "EnableKeyRotation", to=False), "key-rotation"),
    ("a key for the whole account", put("DataKey", "KeyPolicy", "Statement", 1, "Action", to="kms:*"), "key-policy"),
    ("a key without its condition", drop("DataKey", "KeyPolicy", "Statement", 1, "Condition"), "key-policy"),
    ("a key that alarms cannot use", lambda template: at("DataKey", "KeyPolicy", "Statement")(template).pop(3), "key-policy"),
    ("a key that SNS cannot use", lambda template: at("DataKey", "KeyPolicy", "Statement")(template).pop(5), "key-policy"),
    ("alerts that nobody took, gone", drop("AlertsSubscription", "RedrivePolicy"), "subscriptions"),
    ("a queue that SNS may not fill", lambda template: at("UndeliveredNotificationsQueuePolicy", "PolicyDocument", "Statement")(template).pop(0), "subscriptions"),
    ("a queue that is not the alerts'", put("UndeliveredNotificationsQueuePolicy", "PolicyDocument", "Statement", 0, "Condition", "ArnEquals", "aws:SourceArn", to={"Ref": "OperationsTopic"}), "subscriptions"),
    ("an operations topic that alarms cannot reach", without("OperationsTopicPolicy"), "operations-topic-policy"),
    ("a public bucket", put("LakeBucket", "PublicAccessBlockConfiguration", "BlockPublicPolicy", to=False), "bucket-private"),
    ("high scores without TLS", without("UnalertedLettersQueuePolicy"), "in-transit"),
    ("high scores in the clear", drop("UnalertedLettersQueue", "KmsMasterKeyId"), "encrypted"),
    ("a bucket without TLS", without("UndeliveredBucketPolicy"), "in-transit"),
    ("a lock that nobody can lift", in_text("RawBackupBucket", "ObjectLockConfiguration", old="GOVERNANCE", new="COMPLIANCE"), "object-lock"),
    ("no lock", drop("RawBackupBucket", "ObjectLockEnabled"), "object-lock"),
    ("alerts that are not archived", without("AlertArchiveSubscription"), "alert-archive"),
    ("alerts in SNS's envelope", drop("AlertArchiveSubscription", "RawMessageDelivery"), "alert-archive"),
    ("only some alerts archived", put("AlertArchiveSubscription", "FilterPolicy", to={"customer_segment": ["gold"]}), "alert-archive"),
    ("SNS may not write into the archive", in_role("ArchiveSubscriptionRole", "firehose:PutRecord", lambda s: None), "alert-archive"),
    ("Firehose may not write the archive", in_role("ArchiveDeliveryRole", "s3:PutObject", lambda s: None), "alert-archive"),
    ("an archive that reads a stream", put("AlertArchive", "DeliveryStreamType", to="KinesisStreamAsSource"), "alert-archive"),
    ("an archive in the lake's bucket", put("AlertArchive", "ExtendedS3DestinationConfiguration", "BucketARN", to={"Fn::GetAtt": "LakeBucket.Arn"}), "archive-lock"),
    ("an archive without its lock", drop("AlertArchiveBucket", "ObjectLockEnabled"), "archive-lock"),
    ("an archive whose lock ignores its mode", put("AlertArchiveBucket", "ObjectLockConfiguration", "Rule", "DefaultRetention", "Mode", to="GOVERNANCE"), "archive-lock"),
    ("an archive in the clear", drop("AlertArchive", "ExtendedS3DestinationConfiguration", "EncryptionConfiguration"), "encrypted"),
    ("no alarm for the archive", without("AlertArchiveStale"), "alarm-set"),
    ("logs for ever", drop("DeliveryLogs", "RetentionInDays"), "log-retention"),
    # Alarms and dashboard
    ("latency at the median", put("DetectionSlow", "ExtendedStatistic", to="p50"), "alarm-latency"),
    ("a metric misspelt", put("DetectionSlow", "MetricName", to="DetectionLatencyMs"), "alarm-metrics"),
    ("a dimension misspelt", put("TransformFailing", "Dimensions", 0, "Name", to="Function"), "alarm-metrics"),
    ("a function's logical name in our dimension", put("AlertsWithoutProfiles", "Dimensions", 0, "Value", to={"Ref": "KinesisAlerts"}), "alarm-metrics"),
    ("a queue's URL in its dimension", put("DeadLettersWaiting", "Dimensions", 0, "Value", to={"Ref": "DeadLettersQueue"}), "alarm-metrics"),
    ("another namespace", put("TransformWithoutProfiles", "Namespace", to="FraudStreams"), "alarm-metrics"),
    ("an alarm that tells nobody", drop("AlertsLagging", "AlarmActions"), "alarm-actions"),
    ("an alarm that tells fraud's receivers", put("AlertsErrors", "AlarmActions", to=[{"Ref": "AlertsTopic"}]), "alarm-actions"),
    ("no alarm for dead letters", without("DeadLettersWaiting"), "alarm-set"),
    ("no alarm for merchants that are not counted", without("MerchantCountsStale"), "alarm-set"),
    ("an alarm of merchants' counts that the dashboard lacks", in_text(*BODY, old='"${MerchantCountsStale.Arn}",', new=""), "dashboard-alarms"),
    ("no alarm for entities that do not answer", without("AlertsWithoutEntities"), "alarm-set"),
    ("no alarm for lines without history", without("HistoryLagging"), "alarm-set"),
    ("no alarm for a history that cannot be read", without("HistoryInvalid"), "alarm-set"),
    ("no alarm for a history that does not answer", without("TransformWithoutHistory"), "alarm-set"),
    ("an alarm for another history's throttling", put("HistoryWritesThrottled", "Dimensions", 0, "Value", to={"Ref": "AggregatesTable"}), "alarm-set"),
    ("an alarm for a table that nobody keeps", put("HistoryWritesThrottled", "Dimensions", 0, "Value", to="history"), "alarm-metrics"),
    ("no alarm for reused ids", without("TransactionIdsReused"), "alarm-set"),
    ("an alarm for reused ids that alerts do not set off", lambda template: at("TransactionIdsReused", "Metrics")(template).pop(2), "alarm-set"),
    ("no alarm for high scores that nobody was alerted of", without("HighScoresUnalerted"), "alarm-set"),
    ("no alarm for event times", without("EventTimesUnusable"), "alarm-set"),
    ("a share of few records", in_text("ProfilesInvalid", "Metrics", old="${ShareMinimumRecords}", new="1"), "alarm-share"),
    ("a share that leaves out a count", in_text("EventTimesUnusable", "Metrics", old=" + FILL(outside, 0)", new=""), "alarm-share"),
    ("a share of another function's records", put("CustomersMissing", "Metrics", 1, "MetricStat", "Metric", "Dimensions", 0, "Value", to="customer-analytics"), "alarm-share"),
    ("no alarm for alerts that reach nobody", without("AlertsReachNobody"), "alarm-set"),
    ("an alarm that nobody explains", lambda template: template["Resources"].update(Unexplained=template["Resources"]["LakeStale"]), "alarm-guide"),
    ("a dashboard that is not JSON", in_text(*BODY, old='"widgets": [', new='"widgets": ['  + "[,"), "dashboard-body"),
    ("a widget over another", in_text(*BODY, old='"x": 12, "y": 7', new='"x": 6, "y": 7'), "dashboard-layout"),
    ("a widget of a metric that there is not", in_text(*BODY, old='"AlertsSuppressed"', new='"AlertsSupressed"'), "dashboard-metrics"),
    ("a widget of another dimension", in_text(*BODY, old='"HighScores", "function"', new='"HighScores", "FunctionName"'), "dashboard-metrics"),
    ("a search that finds nothing", in_text(*BODY, old="RecordsDeadLettered'", new="DeadLetters'"), "dashboard-searches"),
    ("an alarm of the history that the dashboard lacks", in_text(*BODY, old='"${HistoryInvalid.Arn}", ', new=""), "dashboard-alarms"),
    ("a dashboard that cannot do without a history", in_text(*BODY, old=', [ "AWS/DynamoDB", "ReadThrottleEvents", "TableName", "${Table}"', new=' [ "AWS/DynamoDB", "ReadThrottleEvents", "TableName", "${Table}"'), "dashboard-body"),
    ("an alarm that the dashboard lacks", in_text(*BODY, old='"${LakeStale.Arn}",', new=""), "dashboard-alarms"),
    # Parameters
    ("a mapping without a row", lambda template: template["Mappings"]["ByRetention"].pop("720"), "deployable"),
    ("a parameter that takes anything", lambda template: template["Parameters"]["AlertEmail"].pop("AllowedPattern"), "parameters"),
    ("a parameter that nobody explains", lambda template: template["Parameters"]["StreamMode"].pop("Description"), "parameters"),
    ("an output that nobody explains", lambda template: template["Outputs"]["DashboardUrl"].pop("Description"), "outputs"),
]


def _drop_column(template, name):
    columns = at(*TABLE, "StorageDescriptor", "Columns")(template)
    columns.remove(next(column for column in columns if column["Name"] == name))


def _check_list():
    """Every rule must have a mistake that it notices, and every name must be a rule's."""
    rules, named = {*load(), "deployable", "refused"}, {expected for _, _, expected in MISTAKES + MISTAKES_IN_CODE}
    if rules != named:
        raise ValueError(f"rules without a mistake: {sorted(rules - named)}; mistakes for rules that there are not: {sorted(named - rules)}")


_check_list()
