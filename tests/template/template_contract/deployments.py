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
    "History": "on",
    "HistoryCapacity": "PROVISIONED",
    "HistoryWarmReads": "20000",
    "HistoryWarmWrites": "10000",
    "TransactionSchema": "file:/opt/schemas/eventbridge.toml",
    "PolicyLayerArn": "arn:aws:lambda:us-east-1:123456789012:layer:policies:1",
    "ProfileWarmReads": "33333",
    "PublishAggregates": "true",
    "RawBackupLockDays": 30,
    "AlertArchiveLockDays": 2555,
    "AlertArchiveLockMode": "COMPLIANCE",
    "StreamMode": "PROVISIONED",
    "TransformBufferMB": 1,
}

PUBLISHED = {"PublishedPolicy": "card@0123456789ab"}
SHADOW = {"ShadowPolicy": "store:next@0123456789ab"}
LAYER = {"PolicyLayerArn": EVERYTHING["PolicyLayerArn"]}

# What the template's Rules refuse before anything is deployed.
REFUSED = {
    "a policy's file without its layer": {"FraudPolicy": "file:/opt/policies/strict.toml"},
    "a policy's file beside a published policy": {"FraudPolicy": "file:/opt/policies/strict.toml"} | LAYER | PUBLISHED,
    "a schema's file without its layer": {"TransactionSchema": "file:/opt/schemas/eventbridge.toml"},
    "a provisioned stream that is warmed": {"StreamMode": "PROVISIONED", "StreamWarmMiBps": 50},
    "provisioned aggregates with a limit": {"AggregatesCapacity": "PROVISIONED", "AggregateMaxWriteUnits": 2000},
    "a history for the built-in policy": {"History": "on"},
    "a history for built-in policies": {"History": "on", "ShadowPolicy": "builtin:default"},
    "a history's table without a history": {"HistoryTableName": "customer-history"},
    "capacity for a history's table that exists": {"History": "on", "HistoryTableName": "customer-history", "HistoryCapacity": "PROVISIONED"} | PUBLISHED,
    "warm writes for a history's table that exists": {"History": "on", "HistoryTableName": "customer-history", "HistoryWarmWrites": "10000"} | PUBLISHED,
}


def parameter_sets(expanded):
    """Name and values of each: the defaults, everything on, what excludes it, and every retention."""
    yield "by default", {}
    yield "with everything on", EVERYTHING
    yield "with On-demand Advantage", {"StreamWarmMiBps": 50}
    yield "with a limit of what aggregates cost", {"AggregateMaxWriteUnits": 2000, "AggregateRemembered": 20000}
    yield "with a published policy", PUBLISHED
    yield "with a policy in the shadow", SHADOW
    yield "with a history for a policy in the shadow", {"History": "on"} | SHADOW
    yield "with a history that waits for its backfill", {"History": "on", "AlertsEnabled": "false"} | PUBLISHED
    yield "with a history that is warmed for reads alone", {"History": "on", "HistoryWarmReads": "20000"} | PUBLISHED
    yield "with a history in a table that exists", {"History": "on", "HistoryTableName": "customer-history"} | PUBLISHED
    yield "as it is first created", {"DeletionProtection": "false"}
    for hours in expanded.get("Parameters", {}).get("StreamRetentionHours", {}).get("AllowedValues", []):
        yield f"with {hours} hours of retention", {"StreamRetentionHours": hours}
