"""The archive of alerts: every message of the topic, in a bucket that is locked."""

from ..model import as_list
from . import rule

TOPIC = "${AlertsTopic}"
WRITES = ("s3:AbortMultipartUpload", "s3:PutObject")
LOOKS = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")


def _subscriptions(deployment):
    for name, properties in deployment.of_type("AWS::SNS::Subscription"):
        if properties.get("Protocol") == "firehose":
            yield name, properties, deployment.referred(properties.get("Endpoint"))


def lake_deliveries(deployment):
    """The delivery streams that a topic does not write into."""
    archives = {stream for _, _, stream in _subscriptions(deployment)}
    for name, properties in deployment.of_type("AWS::KinesisFirehose::DeliveryStream"):
        if name not in archives:
            yield name, properties


def _granted(deployment, role):
    for policy in deployment.properties(deployment.referred(role) or "").get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            for action in as_list(statement.get("Action")):
                yield from ((action, resource) for resource in as_list(statement.get("Resource")))


@rule("alert-archive")
def every_alert_is_archived_as_it_was_published(deployment, code):
    of_alerts = [found for found in _subscriptions(deployment) if found[1].get("TopicArn") == TOPIC]
    if len(of_alerts) != 1:
        yield f"AlertsTopic must have one subscription of Firehose, and has {len(of_alerts)}"
    for name, properties, stream in of_alerts:
        if properties.get("RawMessageDelivery") is not True:
            yield f"{name}: RawMessageDelivery must be true: the archive keeps the message, not SNS's envelope"
        if "FilterPolicy" in properties:
            yield f"{name}: a filter policy would keep alerts from the archive"
        granted = set(_granted(deployment, properties.get("SubscriptionRoleArn")))
        for action in ("firehose:DescribeDeliveryStream", "firehose:ListTagsForDeliveryStream", "firehose:PutRecord", "firehose:PutRecordBatch"):
            if (action, f"${{{stream}.Arn}}") not in granted:
                yield f"{name} needs {action} on {stream} (SubscriptionRoleArn)"
        delivery = deployment.properties(stream or "")
        destination = delivery.get("ExtendedS3DestinationConfiguration", {})
        if delivery.get("DeliveryStreamType") != "DirectPut":
            yield f"{stream}: DeliveryStreamType must be DirectPut: SNS writes into it"
        if "!{firehose:error-output-type}" not in destination.get("ErrorOutputPrefix", ""):
            yield f"{stream}: ErrorOutputPrefix must contain !{{firehose:error-output-type}}"
        yield from _access(deployment, stream, destination)


def _access(deployment, stream, destination):
    granted = set(_granted(deployment, destination.get("RoleARN")))
    bucket = deployment.referred(destination.get("BucketARN"))
    folders = [destination.get(prefix, "").split("/")[0] for prefix in ("Prefix", "ErrorOutputPrefix")]
    needed = {(action, f"${{{bucket}.Arn}}/{folder}/*") for action in WRITES for folder in folders}
    needed |= {(action, f"${{{bucket}.Arn}}") for action in LOOKS}
    for action, resource in sorted(needed - granted):
        yield f"{stream} needs {action} on {resource}"
    if not any(action == "kms:GenerateDataKey" for action, _ in granted):
        yield f"{stream} needs kms:GenerateDataKey"


@rule("archive-lock")
def what_is_archived_is_locked(deployment, code):
    wanted = (deployment.values.get("AlertArchiveLockMode"), int(deployment.values.get("AlertArchiveLockDays", 0)))
    for _, _, stream in _subscriptions(deployment):
        destination = deployment.properties(stream or "").get("ExtendedS3DestinationConfiguration", {})
        name = deployment.referred(destination.get("BucketARN"))
        bucket = deployment.properties(name or "")
        retention = bucket.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
        if bucket.get("ObjectLockEnabled") is not True:
            yield f"{name}: ObjectLockEnabled must be true: it can be only when the bucket is made"
        if (retention.get("Mode"), int(retention.get("Days", 0))) != wanted:
            yield f"{name} is locked by {retention}; AlertArchiveLockMode and AlertArchiveLockDays say {wanted}"
        others = [other for other, properties in lake_deliveries(deployment) if f"${{{name}.Arn}}" in str(properties)]
        if others:
            yield f"{name} is also written by {', '.join(others)}: a lock is of a whole bucket"
