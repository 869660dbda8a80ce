"""The sets of parameter values under which the rules are held against the template."""

from .model import Deployment

# Everything that the defaults leave out.
EVERYTHING = {
    "AlertConsumer": "standard",
    "AlertEmail": "fraud@example.com",
    "OperationsEmail": "operations@example.com",
    "FraudPolicy": "file:/opt/policies/strict.toml",
    "PolicyLayerArn": "arn:aws:lambda:us-east-1:123456789012:layer:policies:1",
    "PublishAggregates": "true",
    "RawBackupLockDays": 30,
    "StreamMode": "PROVISIONED",
}


def deployments(expanded):
    """As it is by default, with everything on, and with every retention."""
    yield Deployment("by default", expanded, {})
    yield Deployment("with everything on", expanded, EVERYTHING)
    for hours in expanded["Parameters"]["StreamRetentionHours"].get("AllowedValues", []):
        yield Deployment(f"with {hours} hours of retention", expanded, {"StreamRetentionHours": hours})
