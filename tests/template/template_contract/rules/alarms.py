"""Alarms: what must be watched, that it exists, and that somebody is told."""

import re
from pathlib import Path

from ..metric_names import faults
from . import rule

GUIDE = "docs/operations.md"
# What must be watched: namespace, metric, and the resource or function it is watched for.
WATCHED = [
    ("own", "DetectionLatency", "kinesis-alerts"),
    ("own", "EnrichmentUnavailable", "kinesis-alerts"),
    ("own", "EnrichmentUnavailable", "firehose-transform"),
    ("own", "EntitiesUnavailable", "kinesis-alerts"),
    ("own", "EntitiesUnavailable", "firehose-transform"),
    ("own", "RecordsFailed", "firehose-transform"),
    ("own", "InvalidProfiles", "kinesis-alerts"),
    ("own", "EventTimesUnreadable", "kinesis-alerts"),
    ("own", "EventTimesOutOfBounds", "kinesis-alerts"),
    ("own", "RecordsWithoutCustomer", "kinesis-alerts"),
    ("own", "TransactionIdsReused", "customer-analytics"),
    ("own", "TransactionIdsReused", "kinesis-alerts"),
    ("AWS/Lambda", "IteratorAge", "${KinesisAlerts}"),
    ("AWS/Lambda", "IteratorAge", "${CustomerAnalytics}"),
    ("AWS/Lambda", "Errors", "${FirehoseTransform}"),
    ("AWS/Lambda", "Errors", "${KinesisAlerts}"),
    ("AWS/Lambda", "Errors", "${CustomerAnalytics}"),
    ("AWS/Lambda", "Throttles", "${FirehoseTransform}"),
    ("AWS/Lambda", "Throttles", "${KinesisAlerts}"),
    ("AWS/Lambda", "Throttles", "${CustomerAnalytics}"),
    ("AWS/Lambda", "OnFailureDestinationDeliveredEventCount", "${AlertsMapping}"),
    ("AWS/Lambda", "OnFailureDestinationDeliveredEventCount", "${AnalyticsMapping}"),
    ("own", "MerchantCountsAge", "kinesis-alerts"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "${DeadLettersQueue.QueueName}"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "${UnalertedLettersQueue.QueueName}"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "${UndeliveredNotificationsQueue.QueueName}"),
    ("AWS/SNS", "NumberOfNotificationsDelivered", "${AlertsTopic.TopicName}"),
    ("AWS/SNS", "NumberOfNotificationsFailed", "${AlertsTopic.TopicName}"),
    ("AWS/Firehose", "DeliveryToS3.DataFreshness", "${LakeDelivery}"),
    ("AWS/Firehose", "BackupToS3.DataFreshness", "${LakeDelivery}"),
    ("AWS/Firehose", "FailedConversion.Records", "${LakeDelivery}"),
    ("AWS/Firehose", "DeliveryToS3.DataFreshness", "${AlertArchive}"),
    ("AWS/Kinesis", "WriteProvisionedThroughputExceeded", "${TransactionsStream}"),
    ("AWS/DynamoDB", "WriteThrottleEvents", "${AlertLedgerTable}"),
    ("AWS/DynamoDB", "WriteThrottleEvents", "${AggregatesTable}"),
]
# What must be watched beside it if there is a history; `history` stands for its table.
WATCHED_WITH_HISTORY = [
    ("own", "HistoryInvalid", "kinesis-alerts"),
    ("own", "HistoryLagging", "firehose-transform"),
    ("own", "HistoryUnavailable", "firehose-transform"),
    ("AWS/DynamoDB", "WriteThrottleEvents", "history"),
]


def _alarms(deployment):
    return deployment.of_type("AWS::CloudWatch::Alarm")


def _metrics(alarm):
    """Namespace, name and dimensions of an alarm's metrics."""
    metrics = [alarm] if "MetricName" in alarm else [m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m]
    for metric in metrics:
        dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions", [])}
        yield metric.get("Namespace"), metric.get("MetricName"), dimensions


@rule("alarm-metrics")
def alarms_watch_metrics_that_exist(deployment, code):
    for name, alarm in _alarms(deployment):
        for metric in _metrics(alarm):
            for fault in faults(deployment, code, *metric):
                yield f"{name}: {fault}"


@rule("alarm-actions")
def alarms_tell_the_operations_topic(deployment, code):
    for name, alarm in _alarms(deployment):
        if alarm.get("ActionsEnabled", True) not in (True, "true") or alarm.get("AlarmActions") != ["${OperationsTopic}"]:
            yield f"{name} does not tell the operations topic that it goes off (AlarmActions)"
        if alarm.get("OKActions") != ["${OperationsTopic}"]:
            yield f"{name} does not tell the operations topic that it is over (OKActions)"
        if "TreatMissingData" not in alarm:
            yield f"{name} does not say what missing data mean (TreatMissingData)"


@rule("alarm-set")
def everything_that_matters_is_watched(deployment, code):
    own = deployment.values.get("MetricsNamespace", code.metrics_namespace)
    watched = {(namespace, metric, value) for _, alarm in _alarms(deployment) for namespace, metric, dimensions in _metrics(alarm) for value in dimensions.values()}
    history = deployment.values.get("HistoryTableName") or "${HistoryTable}"
    needed = WATCHED + (WATCHED_WITH_HISTORY if deployment.values.get("History") == "on" else [])
    for namespace, metric, value in needed:
        value = history if value == "history" else value
        if (own if namespace == "own" else namespace, metric, value) not in watched:
            yield f"no alarm watches {metric} of {value}"


@rule("alarm-latency")
def detection_latency_is_watched_at_the_99th_percentile(deployment, code):
    for name, alarm in _alarms(deployment):
        if alarm.get("MetricName") == "DetectionLatency" and alarm.get("ExtendedStatistic") != "p99":
            yield f"{name} must watch p99 of DetectionLatency (ExtendedStatistic)"


# Counts that say something as a share of the records alone: a few of them are in any traffic.
SHARES = {"InvalidProfiles", "EventTimesUnreadable", "EventTimesOutOfBounds", "RecordsWithoutCustomer"}


@rule("alarm-share")
def shares_are_of_the_records_and_of_enough_of_them(deployment, code):
    least = deployment.values.get("ShareMinimumRecords")
    for name, alarm in _alarms(deployment):
        metrics = {metric: dimensions for _, metric, dimensions in _metrics(alarm)}
        counted = SHARES & set(metrics)
        if not counted:
            continue
        if "RecordsIn" not in metrics or any(metrics[metric] != metrics["RecordsIn"] for metric in counted):
            yield f"{name} must watch a share of RecordsIn of the same function"
            continue
        ids = {m["MetricStat"]["Metric"]["MetricName"]: m["Id"] for m in alarm["Metrics"] if "MetricStat" in m}
        (expression,) = [m["Expression"] for m in alarm["Metrics"] if "Expression" in m]
        records = ids["RecordsIn"]
        if not re.fullmatch(rf"IF\(FILL\({records}, 0\) >= {least}, 100 \* .+ / {records}, 0\)", expression):
            yield f"{name}: {expression} is not a share in percent of at least ShareMinimumRecords records"
        for metric in sorted(counted):
            if f"FILL({ids[metric]}, 0)" not in expression:
                yield f"{name}: {expression} does not count {metric}"


@rule("alarm-guide")
def every_alarm_is_explained(deployment, code):
    guide = Path(code.workspace, GUIDE)
    headings = [line.lstrip("# ").strip() for line in guide.read_text(encoding="utf-8").splitlines() if line.startswith("###")] if guide.exists() else []
    explained = {name for heading in headings for name in heading.replace(",", " ").split()}
    for name, alarm in _alarms(deployment):
        if name not in explained:
            yield f"{name} has no heading in {GUIDE}"
        if name not in alarm.get("AlarmDescription", ""):
            yield f"{name}: its description does not say under which heading of {GUIDE} to look"
