"""The stream, its consumer and the event-source mappings."""

from ..functions_of import functions
from ..model import as_list
from . import rule

SOURCE = "TransactionsStream"


def _mappings(deployment):
    return deployment.of_type("AWS::Lambda::EventSourceMapping")


@rule("stream-mode")
def shards_are_counted_only_where_they_are_provisioned(deployment, code):
    for name, properties in deployment.of_type("AWS::Kinesis::Stream"):
        mode = properties.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
        if (mode == "PROVISIONED") != ("ShardCount" in properties):
            yield f"{name}: a {mode} stream {'needs' if mode == 'PROVISIONED' else 'cannot have'} a ShardCount"
        if mode == "PROVISIONED" and "WarmThroughputMiBps" in properties:
            yield f"{name}: WarmThroughputMiBps is for a stream on demand"
        elif name == SOURCE and int(properties.get("WarmThroughputMiBps", 0)) != int(deployment.values.get("StreamWarmMiBps", 0)):
            yield f"{name}: WarmThroughputMiBps must be what StreamWarmMiBps says, and absent if that is 0"


@rule("stream-retention")
def retention_is_what_kinesis_offers(deployment, code):
    for name, properties in deployment.of_type("AWS::Kinesis::Stream"):
        hours = int(properties.get("RetentionPeriodHours", 24))
        if not 24 <= hours <= 8760:
            yield f"{name}: RetentionPeriodHours is {hours}; Kinesis keeps records for 24 to 8760"


@rule("stream-record-size")
def streams_take_no_record_that_an_event_cannot_carry(deployment, code):
    for name, properties in deployment.of_type("AWS::Kinesis::Stream"):
        size = properties.get("MaxRecordSizeInKiB")
        if size != 1024:
            yield f"{name}: MaxRecordSizeInKiB is {size or 'not set'}; it must be 1024: no event carries a record of more than some 4.4 MiB, and a mapping would stop at it"


@rule("stream-metrics")
def the_stream_has_metrics_of_its_shards(deployment, code):
    metrics = deployment.properties(SOURCE).get("DesiredShardLevelMetrics", [])
    if len(metrics) > 7:
        yield f"{SOURCE}: DesiredShardLevelMetrics has {len(metrics)} entries; Kinesis takes at most 7"
    for needed in ("IteratorAgeMilliseconds", "WriteProvisionedThroughputExceeded"):
        if needed not in metrics:
            yield f"{SOURCE}: {needed} of each shard is missing (DesiredShardLevelMetrics)"


@rule("enhanced-fan-out")
def alerts_are_read_by_enhanced_fan_out_where_it_is_chosen(deployment, code):
    wanted = deployment.values.get("AlertConsumer") == "enhanced-fan-out"
    for name, properties in _mappings(deployment):
        function = deployment.referred(properties.get("FunctionName"))
        binary = next((f.binary for f in functions(deployment) if f.name == function), "")
        source = deployment.referred(properties.get("EventSourceArn"))
        expected = "AWS::Kinesis::StreamConsumer" if wanted and binary == "kinesis-alerts" else "AWS::Kinesis::Stream"
        if deployment.type_of(source or "") != expected:
            yield f"{name} must read an {expected}, and reads {properties.get('EventSourceArn')}"
    for name, properties in deployment.of_type("AWS::Kinesis::StreamConsumer"):
        if deployment.referred(properties.get("StreamARN")) != SOURCE:
            yield f"{name} is not a consumer of {SOURCE}"


@rule("mapping-start")
def mappings_begin_at_the_oldest_record(deployment, code):
    for name, properties in _mappings(deployment):
        if properties.get("StartingPosition") != "TRIM_HORIZON":
            yield f"{name}: StartingPosition must be TRIM_HORIZON, or what came before the mapping is never looked at"
        # Only alerts may wait for the history to be filled.
        wanted = deployment.values.get("AlertsEnabled", "true") if name == "AlertsMapping" else "true"
        enabled = str(properties.get("Enabled", True)).lower()
        if enabled != wanted:
            yield f"{name} is {'enabled' if enabled == 'true' else 'disabled'}"
    if deployment.parameters.get("AlertsEnabled", {}).get("Default") != "true":
        yield "AlertsEnabled must be true by default: a deployment that does not name it would stop the alerts"


@rule("mapping-partial-failures")
def mappings_take_partial_failures(deployment, code):
    for name, properties in _mappings(deployment):
        if "ReportBatchItemFailures" not in as_list(properties.get("FunctionResponseTypes")):
            yield f"{name}: without FunctionResponseTypes [ReportBatchItemFailures] records that must be retried are lost"


@rule("mapping-bisect")
def mappings_split_batches_that_fail(deployment, code):
    for name, properties in _mappings(deployment):
        if properties.get("BisectBatchOnFunctionError") not in (True, "true"):
            yield f"{name}: BisectBatchOnFunctionError must be true"


@rule("mapping-retries")
def retries_are_bounded_by_age_alone(deployment, code):
    for name, properties in _mappings(deployment):
        if int(properties.get("MaximumRetryAttempts", -1)) != -1:
            yield f"{name}: MaximumRetryAttempts must be -1: an outage would discard good records"


@rule("mapping-record-age")
def records_are_given_up_before_the_stream_forgets_them(deployment, code):
    retention = int(deployment.properties(SOURCE).get("RetentionPeriodHours", 24)) * 3600
    for name, properties in _mappings(deployment):
        age = int(properties.get("MaximumRecordAgeInSeconds", -1))
        if not 60 <= age <= 604_800:
            yield f"{name}: MaximumRecordAgeInSeconds is {age}; Lambda takes 60 to 604800, and without it no record is ever given up"
        elif age >= retention:
            yield f"{name}: MaximumRecordAgeInSeconds is {age}, but the stream forgets records after {retention} s: they would be lost unseen"


@rule("mapping-batches")
def batches_are_what_lambda_offers(deployment, code):
    for name, properties in _mappings(deployment):
        for key, least, most, default in (
            ("BatchSize", 1, 10_000, 100),
            ("MaximumBatchingWindowInSeconds", 0, 300, 0),
            ("ParallelizationFactor", 1, 10, 1),
        ):
            value = int(properties.get(key, default))
            if not least <= value <= most:
                yield f"{name}: {key} is {value}; Lambda takes {least} to {most}"
    for name in ("AlertParallelization", "AnalyticsParallelization"):
        most = deployment.parameters.get(name, {}).get("MaxValue")
        if most is None or int(most) > 10:
            yield f"{name} allows {most or 'any number'}; Lambda takes at most 10 (MaxValue)"


@rule("mapping-no-tumbling-window")
def windows_are_no_tumbling_windows(deployment, code):
    for name, properties in _mappings(deployment):
        if properties.get("TumblingWindowInSeconds", 0):
            yield f"{name}: a tumbling window holds 1 MB of state, does not outlive resharding, and the functions do not answer to it"


@rule("mapping-detection-window")
def alerts_are_not_gathered(deployment, code):
    window = deployment.properties("AlertsMapping").get("MaximumBatchingWindowInSeconds", 0)
    if int(window) > 0:
        yield f"AlertsMapping: MaximumBatchingWindowInSeconds is {window}; alerting within a second leaves no time to gather"


@rule("mapping-on-failure")
def what_is_given_up_is_kept_with_its_bytes(deployment, code):
    for name, properties in _mappings(deployment):
        destination = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if deployment.type_of(deployment.referred(destination) or "") != "AWS::S3::Bucket":
            yield f"{name}: its on-failure destination must be a bucket: elsewhere only positions are kept, not the records"
        if properties.get("MetricsConfig", {}).get("Metrics") != ["EventCount"]:
            yield f"{name}: without MetricsConfig EventCount nobody is told of records that are given up"
