"""Encryption, retention of what holds data, and what must never be public."""

from ..model import as_list
from . import rule

HOLDS_DATA = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
}
# The property by which each of them would have a fixed name.
NAME = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SQS::Queue": "QueueName",
}
KEY = "${DataKey.Arn}"


@rule("retained")
def what_holds_data_is_retained(deployment, code):
    for name, resource in deployment.resources.items():
        if resource["Type"] in HOLDS_DATA:
            for policy, needed in (("DeletionPolicy", "RetainExceptOnCreate"), ("UpdateReplacePolicy", "Retain")):
                if resource.get(policy) != needed:
                    yield f"{name} holds data: {policy} must be {needed}"


@rule("no-fixed-names")
def what_is_retained_has_no_fixed_name(deployment, code):
    for name, resource in deployment.resources.items():
        fixed = NAME.get(resource["Type"])
        if fixed and fixed in (resource.get("Properties") or {}):
            yield f"{name} has a fixed {fixed}: it could not be created beside the one that was retained"


@rule("encrypted")
def everything_is_encrypted_with_the_key(deployment, code):
    def keys(name, properties, resource_type):
        match resource_type:
            case "AWS::Kinesis::Stream":
                encryption = properties.get("StreamEncryption", {})
                return [encryption.get("KeyId") if encryption.get("EncryptionType") == "KMS" else None]
            case "AWS::DynamoDB::Table":
                encryption = properties.get("SSESpecification", {})
                return [encryption.get("KMSMasterKeyId") if encryption.get("SSEEnabled") and encryption.get("SSEType") == "KMS" else None]
            case "AWS::SNS::Topic" | "AWS::SQS::Queue":
                return [properties.get("KmsMasterKeyId")]
            case "AWS::Logs::LogGroup":
                return [properties.get("KmsKeyId")]
            case "AWS::S3::Bucket":
                rules = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [{}])
                return [rule.get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID") for rule in rules]
            case "AWS::KinesisFirehose::DeliveryStream":
                lake = properties.get("ExtendedS3DestinationConfiguration", {})
                parts = [part for part in (lake, lake.get("S3BackupConfiguration")) if part is not None]
                return [part.get("EncryptionConfiguration", {}).get("KMSEncryptionConfig", {}).get("AWSKMSKeyARN") for part in parts]
            case "AWS::Athena::WorkGroup":
                result = properties.get("WorkGroupConfiguration", {}).get("ResultConfiguration", {})
                return [result.get("EncryptionConfiguration", {}).get("KmsKey")]
        return []

    for name, resource in deployment.resources.items():
        for key in keys(name, resource.get("Properties") or {}, resource["Type"]):
            if key != KEY:
                yield f"{name} is not encrypted with DataKey"


@rule("key-rotation")
def there_is_one_key_and_it_rotates(deployment, code):
    keys = deployment.of_type("AWS::KMS::Key")
    if len(keys) != 1:
        yield f"there must be one key, and there are {len(keys)}"
    for name, properties in keys:
        if not properties.get("EnableKeyRotation"):
            yield f"{name}: EnableKeyRotation must be true"


@rule("key-policy")
def the_keys_policy_is_tight(deployment, code):
    for name, properties in deployment.of_type("AWS::KMS::Key"):
        for statement in properties.get("KeyPolicy", {}).get("Statement", []):
            actions = as_list(statement.get("Action"))
            principal = statement.get("Principal")
            conditions = statement.get("Condition", {})
            if "kms:*" in actions or "*" in actions:
                yield f"{name}: {statement.get('Sid')} permits every action"
            if principal == "*" or principal == {"AWS": "*"}:
                yield f"{name}: {statement.get('Sid')} permits everybody"
            uses = any(action.startswith(("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncrypt", "kms:CreateGrant")) for action in actions)
            if uses and not conditions:
                yield f"{name}: {statement.get('Sid')} permits the use of the key without a condition"
    services = [str(s.get("Principal", {}).get("Service", "")) for _, p in deployment.of_type("AWS::KMS::Key") for s in p.get("KeyPolicy", {}).get("Statement", []) if isinstance(s.get("Principal"), dict)]
    for needed, why in (("cloudwatch.amazonaws.com", "alarms cannot publish to the encrypted topic"), ("logs.", "log groups cannot be encrypted"), ("sns.amazonaws.com", "what SNS cannot deliver is lost")):
        if not any(service.startswith(needed) for service in services):
            yield f"the key's policy does not permit {needed}: {why}"


@rule("operations-topic-policy")
def alarms_may_publish(deployment, code):
    for _, properties in deployment.of_type("AWS::SNS::TopicPolicy"):
        if "${OperationsTopic}" in properties.get("Topics", []):
            statements = properties.get("PolicyDocument", {}).get("Statement", [])
            if any(s.get("Effect") == "Allow" and s.get("Principal") == {"Service": "cloudwatch.amazonaws.com"} and "aws:SourceAccount" in str(s.get("Condition")) for s in statements):
                return
    yield "OperationsTopic has a policy that lets this account's alarms publish, and none else"


@rule("subscriptions")
def what_a_subscriber_does_not_take_is_kept(deployment, code):
    for name, properties in deployment.of_type("AWS::SNS::Subscription"):
        kept = deployment.referred(properties.get("RedrivePolicy", {}).get("deadLetterTargetArn"))
        if deployment.type_of(kept or "") != "AWS::SQS::Queue":
            yield f"{name} has no queue for what its subscriber does not take (RedrivePolicy, deadLetterTargetArn)"
        elif properties.get("TopicArn") not in _topics_that_may_send(deployment, kept):
            yield f"{name}: SNS may not send {properties.get('TopicArn')}'s messages to {kept} (the queue's policy)"


def _topics_that_may_send(deployment, queue):
    for _, properties in deployment.of_type("AWS::SQS::QueuePolicy"):
        if f"${{{queue}}}" in properties.get("Queues", []):
            for statement in properties.get("PolicyDocument", {}).get("Statement", []):
                if statement.get("Effect") == "Allow" and statement.get("Principal") == {"Service": "sns.amazonaws.com"}:
                    yield from as_list(statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn"))


@rule("bucket-private")
def no_bucket_is_public(deployment, code):
    for name, properties in deployment.of_type("AWS::S3::Bucket"):
        block = properties.get("PublicAccessBlockConfiguration", {})
        for setting in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"):
            if block.get(setting) is not True:
                yield f"{name}: {setting} must be true"
        if properties.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            yield f"{name}: versioning must be enabled"


@rule("in-transit")
def nothing_travels_in_the_clear(deployment, code):
    guarded = set()
    for resource_type, target in (("AWS::S3::BucketPolicy", "Bucket"), ("AWS::SNS::TopicPolicy", "Topics"), ("AWS::SQS::QueuePolicy", "Queues")):
        for _, properties in deployment.of_type(resource_type):
            for statement in properties.get("PolicyDocument", {}).get("Statement", []):
                if statement.get("Effect") == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}:
                    guarded |= {deployment.referred(item) for item in as_list(properties.get(target))}
    for resource_type in ("AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue"):
        for name, _ in deployment.of_type(resource_type):
            if name not in guarded:
                yield f"{name} may be used without TLS (Deny, aws:SecureTransport)"


@rule("object-lock")
def the_lock_is_governance_on_the_raw_backup(deployment, code):
    days = int(deployment.values.get("RawBackupLockDays", 0) or 0)
    bucket = deployment.properties("RawBackupBucket")
    retention = bucket.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
    if days == 0:
        if bucket.get("ObjectLockEnabled"):
            yield "RawBackupBucket is locked although RawBackupLockDays is 0"
    elif not bucket.get("ObjectLockEnabled"):
        yield "RawBackupBucket is not locked although RawBackupLockDays says so (ObjectLockEnabled)"
    elif retention.get("Mode") != "GOVERNANCE" or int(retention.get("Days", 0)) != days:
        yield "RawBackupBucket must be locked in GOVERNANCE mode for RawBackupLockDays"


@rule("stack-deletable")
def the_stack_can_be_deleted(deployment, code):
    for name, properties in deployment.of_type("AWS::Athena::WorkGroup"):
        if properties.get("RecursiveDeleteOption") is not True:
            yield f"{name}: RecursiveDeleteOption must be true: a workgroup with queries in its history is not deleted without it"


@rule("log-retention")
def logs_are_kept_for_a_bounded_time(deployment, code):
    for name, properties in deployment.of_type("AWS::Logs::LogGroup"):
        if not properties.get("RetentionInDays"):
            yield f"{name} keeps its logs for ever (RetentionInDays)"
