"""The delivery stream and the lake's table."""

import re

from . import rule
from .archive import lake_deliveries

# Types by column; a column that is not here has none that is agreed on.
TYPES = {
    "transaction_id": "string",
    "customer_id": "string",
    "amount": "double",
    "event_time": "string",
    "transaction_schema": "string",
    "customer_segment": "string",
    "customer_lifetime_value": "double",
    "customer_risk_score": "double",
    "fraud_score": "double",
    "fraud_reasons": "array<string>",
    "fraud_policy": "string",
    "decision_id": "string",
    "enrichment": "string",
    "ingested_at": "timestamp",
    "event_time_fault": "string",
    "fraud_inputs": "string",
    "history": "string",
    "position": "string",
    "engine": "string",
    "shadow_score": "double",
    "shadow_policy": "string",
    "shadow_customer_risk": "double",
}
# Fields of the producers that the code passes on without a look, and the lake keeps.
PASSED_ON = ("merchant_id", "merchant_category", "channel", "currency", "country", "device_id", "card_id", "ip")
TYPES |= {column: "string" for column in PASSED_ON}
RANGES = {"month": "1,12", "day": "1,31", "hour": "0,23"}


def _deliveries(deployment):
    for name, properties in lake_deliveries(deployment):
        yield name, properties, properties.get("ExtendedS3DestinationConfiguration", {})


def _buffering(destination):
    hints = destination.get("BufferingHints", {})
    return int(hints.get("SizeInMBs", 5)), int(hints.get("IntervalInSeconds", 300))


def _tables(deployment):
    for name, properties in deployment.of_type("AWS::Glue::Table"):
        yield name, properties.get("TableInput", {})


@rule("firehose-source")
def the_delivery_stream_reads_the_stream(deployment, code):
    for name, properties, _ in _deliveries(deployment):
        if properties.get("DeliveryStreamType") != "KinesisStreamAsSource":
            yield f"{name}: DeliveryStreamType must be KinesisStreamAsSource"
        source = properties.get("KinesisStreamSourceConfiguration", {}).get("KinesisStreamARN")
        if deployment.referred(source) != "TransactionsStream":
            yield f"{name} does not read TransactionsStream (KinesisStreamSourceConfiguration)"


@rule("firehose-parquet")
def the_lake_is_parquet(deployment, code):
    for name, _, destination in _deliveries(deployment):
        conversion = destination.get("DataFormatConversionConfiguration", {})
        serializer = conversion.get("OutputFormatConfiguration", {}).get("Serializer", {})
        if not conversion.get("Enabled") or "ParquetSerDe" not in serializer:
            yield f"{name}: conversion to Parquet must be enabled"
        if destination.get("CompressionFormat", "UNCOMPRESSED") != "UNCOMPRESSED":
            yield f"{name}: with Parquet CompressionFormat must be UNCOMPRESSED; it compresses inside its files (ParquetSerDe)"


@rule("firehose-buffer")
def buffers_are_large_enough(deployment, code):
    for name, _, destination in _deliveries(deployment):
        size, seconds = _buffering(destination)
        if not 64 <= size <= 128:
            yield f"{name}: SizeInMBs is {size}; Parquet and dynamic partitioning take 64 to 128"
        if not 60 <= seconds <= 900:
            yield f"{name}: IntervalInSeconds is {seconds}; dynamic partitioning takes 60 to 900"
    parameter = deployment.parameters.get("LakeBufferSeconds", {})
    if int(parameter.get("MinValue", 0)) < 60 or int(parameter.get("MaxValue", 10**9)) > 900:
        yield "LakeBufferSeconds must be bounded by 60 and 900 (MinValue, MaxValue)"


@rule("firehose-partitioning")
def files_lie_in_the_transforms_partitions(deployment, code):
    keys = [key for key, _ in code.partition_keys]
    for name, _, destination in _deliveries(deployment):
        if not destination.get("DynamicPartitioningConfiguration", {}).get("Enabled"):
            yield f"{name}: DynamicPartitioningConfiguration must be enabled; it cannot be later on"
        prefix = destination.get("Prefix", "")
        if not prefix.endswith("/"):
            yield f"{name}: Prefix `{prefix}` does not end in a slash"
        if not prefix.startswith("transactions/"):
            yield f"{name}: Prefix does not begin with transactions/, where the table looks"
        found = re.findall(r"(\w+)=!\{partitionKeyFromLambda:(\w+)\}", prefix)
        if found != [(key, key) for key in keys]:
            yield f"{name}: Prefix must have each of the transform's partition keys once, in this order: {', '.join(keys)}"
        if "partitionKeyFromQuery" in prefix:
            yield f"{name}: Prefix uses partitionKeyFromQuery, but the keys are the transform's (partitionKeyFromLambda)"


@rule("firehose-errors")
def errors_have_a_place_of_their_own(deployment, code):
    for name, _, destination in _deliveries(deployment):
        for what, prefix in (
            ("ErrorOutputPrefix", destination.get("ErrorOutputPrefix", "")),
            ("S3BackupConfiguration, ErrorOutputPrefix", destination.get("S3BackupConfiguration", {}).get("ErrorOutputPrefix", "")),
        ):
            if "!{firehose:error-output-type}" not in prefix:
                yield f"{name}: {what} must contain !{{firehose:error-output-type}}"
            if "partitionKeyFrom" in prefix:
                yield f"{name}: {what} cannot contain partition keys: a record that failed has none"
        if destination.get("ErrorOutputPrefix", "").startswith("transactions/"):
            yield f"{name}: ErrorOutputPrefix is inside the table"


@rule("firehose-transform")
def records_are_scored_on_their_way(deployment, code):
    for name, _, destination in _deliveries(deployment):
        processing = destination.get("ProcessingConfiguration", {})
        processors = [p for p in processing.get("Processors", []) if p.get("Type") == "Lambda"]
        if not processing.get("Enabled") or len(processors) != 1:
            yield f"{name}: ProcessingConfiguration must have the transform, and must be enabled"
            continue
        parameters = {p["ParameterName"]: str(p["ParameterValue"]) for p in processors[0].get("Parameters", [])}
        arn = parameters.get("LambdaArn", "")
        function = re.match(r"\$\{(\w+)\.Arn\}", arn)
        build = deployment.resources.get(function.group(1), {}) if function else {}
        if build.get("Metadata", {}).get("BuildProperties", {}).get("Binary") != "firehose-transform":
            yield f"{name}: LambdaArn is {arn}, and not firehose-transform's"
        if not 0 <= int(parameters.get("BufferIntervalInSeconds", 60)) <= 900:
            yield f"{name}: BufferIntervalInSeconds must be between 0 and 900"


@rule("firehose-backup")
def every_record_is_kept_as_it_came(deployment, code):
    for name, _, destination in _deliveries(deployment):
        backup = destination.get("S3BackupConfiguration", {})
        if destination.get("S3BackupMode") != "Enabled":
            yield f"{name}: S3BackupMode must be Enabled: the lake's columns are not all that a record holds"
        bucket = deployment.referred(backup.get("BucketARN"))
        if bucket is None or bucket == deployment.referred(destination.get("BucketARN")):
            yield f"{name}: the raw backup needs another bucket than the lake; Object Lock applies to whole buckets"


@rule("firehose-logging")
def deliveries_log_what_goes_wrong(deployment, code):
    for name, _, destination in _deliveries(deployment):
        for what, part in (("the lake", destination), ("the raw backup", destination.get("S3BackupConfiguration", {}))):
            options = part.get("CloudWatchLoggingOptions", {})
            stream = deployment.properties(deployment.referred(options.get("LogStreamName")) or "")
            if not options.get("Enabled") or stream.get("LogGroupName") != options.get("LogGroupName"):
                yield f"{name}: errors of {what} are not logged into a log stream of this template (CloudWatchLoggingOptions)"


@rule("firehose-deserializer")
def the_deserializer_reads_what_the_transform_writes(deployment, code):
    for name, _, destination in _deliveries(deployment):
        conversion = destination.get("DataFormatConversionConfiguration", {})
        openx = conversion.get("InputFormatConfiguration", {}).get("Deserializer", {}).get("OpenXJsonSerDe")
        if openx is None:
            yield f"{name}: only OpenXJsonSerDe reads ingested_at, RFC 3339 with Z, as a timestamp"
        elif openx.get("CaseInsensitive", True):
            yield f"{name}: CaseInsensitive must be false: a producer's `Amount` would be the lake's amount, but not the one scored"
        elif openx.get("ConvertDotsInJsonKeysToUnderscores"):
            yield f"{name}: ConvertDotsInJsonKeysToUnderscores would make `fraud.score` of a producer our fraud_score"


@rule("firehose-schema")
def the_schema_is_the_lakes_table(deployment, code):
    for name, _, destination in _deliveries(deployment):
        schema = destination.get("DataFormatConversionConfiguration", {}).get("SchemaConfiguration", {})
        table = deployment.referred(schema.get("TableName"))
        if deployment.type_of(table or "") != "AWS::Glue::Table":
            yield f"{name}: SchemaConfiguration, TableName must be a Ref of the lake's table"
        elif schema.get("DatabaseName") != deployment.properties(table).get("DatabaseName"):
            yield f"{name}: SchemaConfiguration names another database than {table}"
        location = deployment.properties(table or "").get("TableInput", {}).get("StorageDescriptor", {}).get("Location", "")
        bucket = deployment.referred(destination.get("BucketARN"))
        if location != f"s3://${{{bucket}}}/transactions/":
            yield f"{name}: {table} is at {location}, but files go to ${{{bucket}}}/transactions/"


@rule("glue-columns")
def columns_are_the_fields_that_the_code_knows(deployment, code):
    for name, table in _tables(deployment):
        columns = {column["Name"]: column["Type"] for column in table.get("StorageDescriptor", {}).get("Columns", [])}
        for column in sorted(set(code.lake_columns) - set(columns)):
            yield f"{name} lacks the column {column}, which the transform writes"
        for column in sorted(set(PASSED_ON) - set(columns)):
            yield f"{name} lacks the column {column}, which producers send"
        for column in sorted(set(columns) - set(code.lake_columns) - set(PASSED_ON)):
            yield f"{name} has the column {column}, which the code neither reads, nor writes, nor is known to pass on"
        for column, kind in columns.items():
            if column in TYPES and kind != TYPES[column]:
                yield f"{name}: {column} is {kind}; it must be {TYPES[column]}"
            if column != column.lower():
                yield f"{name}: the column {column} is not in lower case"


@rule("glue-partition-keys")
def partition_keys_are_the_transforms(deployment, code):
    expected = [key for key, _ in code.partition_keys]
    for name, table in _tables(deployment):
        keys = [key["Name"] for key in table.get("PartitionKeys", [])]
        if keys != expected:
            yield f"{name}: the partition keys are {', '.join(keys)}; the transform's are {', '.join(expected)}"
        columns = {column["Name"] for column in table.get("StorageDescriptor", {}).get("Columns", [])}
        for key in sorted(columns & set(keys)):
            yield f"{name}: {key} is a partition key and cannot be a column as well"


@rule("glue-projection")
def athena_works_out_the_partitions_that_exist(deployment, code):
    for name, table in _tables(deployment):
        parameters = table.get("Parameters", {})
        if parameters.get("projection.enabled") != "true":
            yield f"{name}: projection.enabled must be \"true\", or Athena sees no partition"
        template = parameters.get("storage.location.template", "")
        path = "/".join(f"{key}=${{{key}}}" for key, _ in code.partition_keys)
        if template != table.get("StorageDescriptor", {}).get("Location", "") + path:
            yield f"{name}: storage.location.template must be the table's location and {path}"
        for key, digits in code.partition_keys:
            if parameters.get(f"projection.{key}.type") != "integer":
                yield f"{name}: projection.{key}.type must be integer"
            if digits != 4 and parameters.get(f"projection.{key}.digits") != str(digits):
                yield f"{name}: projection.{key}.digits must be {digits}, as the transform writes it"
            if key in RANGES and parameters.get(f"projection.{key}.range") != RANGES[key]:
                yield f"{name}: projection.{key}.range must be {RANGES[key]}"
            if key == "year" and not re.fullmatch(r"\d{4},\d{4}", parameters.get("projection.year.range", "")):
                yield f"{name}: projection.year.range must be two years"
