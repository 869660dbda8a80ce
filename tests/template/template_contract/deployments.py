"""The sets of parameter values under which the rules are checked."""

# Everything that the defaults leave out.
EVERYTHING = {
    "AlertConsumer": "standard",
    "AggregatesCapacity": "PROVISIONED",
    "AggregateWarmWrites": "70000",
    "AlertEmail": "fraud@example.com",
    "AlertReservedConcurrency": 20,
    "LedgerWarmWrites": "4000",
    "OperationsEmail": "operations@example.com",
    "FraudPolicy": "file:/opt/policies/strict.toml",
    "TransactionSchema": "file:/opt/schemas/eventbridge.toml",
    "PolicyLayerArn": "arn:aws:lambda:us-east-1:123456789012:layer:policies:1",
    "ProfileWarmReads": "33333",
    "PublishAggregates": "true",
    "RawBackupLockDays": 30,
    "StreamMode": "PROVISIONED",
    "TransformBufferMB": 1,
}


def parameter_sets(expanded):
    """Name and values of each: the defaults, everything on, what excludes it, and every retention."""
    yield "by default", {}
    yield "with everything on", EVERYTHING
    yield "with On-demand Advantage", {"StreamWarmMiBps": 50}
    yield "with a limit of what aggregates cost", {"AggregateMaxWriteUnits": 2000, "AggregateRemembered": 20000}
    yield "with a published policy", {"PublishedPolicy": "card@0123456789ab"}
    yield "as it is first created", {"DeletionProtection": "false"}
    for hours in expanded.get("Parameters", {}).get("StreamRetentionHours", {}).get("AllowedValues", []):
        yield f"with {hours} hours of retention", {"StreamRetentionHours": hours}
