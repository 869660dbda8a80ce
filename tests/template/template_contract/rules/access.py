"""Who may do what."""

import re

from ..functions_of import functions, functions_with_code
from ..model import as_list
from . import rule
from .archive import lake_deliveries

# What Lambda itself does in a function's name.
READING_A_STREAM = {"kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"}
READING_A_CONSUMER = {"kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"}
LOGGING = {"logs:CreateLogStream", "logs:PutLogEvents"}
KEEPING_FAILURES = {"s3:PutObject", "s3:ListBucket"}
# Calls of a port that are on another port's table: the history asks the ledger for claims (crates/fraud-aws/src/history.rs).
ON_ANOTHER_TABLE = {("history", "dynamodb:GetItem"): "ALERT_LEDGER"}
# What an action needs of the key that encrypts its resource.
READS = {"dynamodb", "kinesis", "s3", "sns", "sqs"}
WRITES = {"kinesis:PutRecords": "kinesis", "sns:Publish": "sns", "sqs:SendMessage": "sqs", "s3:PutObject": "s3"}


def _roles(deployment):
    return deployment.of_type("AWS::IAM::Role")


def _statements(properties):
    for policy in properties.get("Policies", []):
        yield from policy.get("PolicyDocument", {}).get("Statement", [])


def _grants(properties):
    """Every permitted action with the resource that it is permitted on."""
    for statement in _statements(properties):
        if statement.get("Effect") == "Allow":
            for action in as_list(statement.get("Action")):
                for resource in as_list(statement.get("Resource")):
                    yield action, resource


def _resource(text):
    """The resource that an ARN text names."""
    match = re.match(r"\$\{(\w+)|arn:.*:table/([\w.-]+)$", str(text))
    return match.group(1) or match.group(2) if match else str(text)


def _needed(deployment, code, function):
    """The actions that a function's code and Lambda need in its name, with their resources."""
    for port in code.ports(function.binary):
        scheme, _, rest = str(function.variables.get(port["variable"], "")).partition(":")
        if scheme in ("dynamodb", "sns", "sqs", "kinesis"):
            for action in port["actions"]:
                variable = ON_ANOTHER_TABLE.get((port["name"], action))
                other = str(function.variables.get(variable, "")).partition(":")[2]
                yield action, _resource(other if variable else rest)
    group = function.properties.get("LoggingConfig", {}).get("LogGroup")
    yield from ((action, _resource(group)) for action in LOGGING)
    for _, mapping in deployment.of_type("AWS::Lambda::EventSourceMapping"):
        if deployment.referred(mapping.get("FunctionName")) != function.name:
            continue
        source = _resource(mapping.get("EventSourceArn"))
        if deployment.type_of(source) == "AWS::Kinesis::StreamConsumer":
            yield from ((action, source) for action in READING_A_CONSUMER)
            source = _resource(deployment.properties(source).get("StreamARN"))
        yield from ((action, source) for action in READING_A_STREAM)
        kept = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if kept:
            yield from ((action, _resource(kept)) for action in KEEPING_FAILURES)


@rule("access-needed")
def functions_may_do_what_their_code_does(deployment, code):
    for function in functions_with_code(deployment, code):
        role = deployment.properties(deployment.referred(function.role) or "")
        granted = {(action, _resource(resource)) for action, resource in _grants(role)}
        for action, resource in sorted(set(_needed(deployment, code, function)) - granted):
            yield f"{function.name} needs {action} on {resource}, and its role does not permit it"


@rule("access-least")
def functions_may_do_nothing_else(deployment, code):
    for function in functions_with_code(deployment, code):
        role = deployment.properties(deployment.referred(function.role) or "")
        granted = {(action, _resource(resource)) for action, resource in _grants(role) if not action.startswith("kms:")}
        for action, resource in sorted(granted - set(_needed(deployment, code, function))):
            yield f"{function.name} may {action} on {resource}, which neither its code nor Lambda needs"


@rule("access-key")
def functions_may_use_the_key_as_their_services_need_it(deployment, code):
    for function in functions_with_code(deployment, code):
        role = deployment.properties(deployment.referred(function.role) or "")
        actions = {action for action, _ in _needed(deployment, code, function)}
        services = {action.partition(":")[0] for action in actions}
        expected = {
            "kms:Decrypt": services & READS,
            "kms:GenerateDataKey": {WRITES[action] for action in actions & set(WRITES)},
        }
        # A second stream may be switched off; the permission to encrypt for it does no harm.
        optional = {"kms:GenerateDataKey": {"kinesis"}} if "AGGREGATE_SINK" in function.variables else {}
        for action, needed in expected.items():
            via = _via(role, action)
            for service in sorted(needed - via):
                yield f"{function.name} needs {action} by way of {service} (kms:ViaService)"
            for service in sorted(via - needed - optional.get(action, set())):
                yield f"{function.name} may {action} by way of {service}, which it does not need"


def _via(role, action):
    services = set()
    for statement in _statements(role):
        if action in as_list(statement.get("Action")):
            for service in as_list(statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService")):
                services.add(service.partition(".")[0])
    return services


@rule("access-no-wildcards")
def nothing_is_permitted_on_everything(deployment, code):
    for name, properties in _roles(deployment):
        for action, resource in _grants(properties):
            if "*" in action:
                yield f"{name} permits {action}: name the actions"
            # A bucket's objects under a prefix and a function's versions are as narrow as can be.
            if resource == "*" or re.fullmatch(r"arn:[^/]*:\*", str(resource)):
                yield f"{name} permits {action} on {resource}: name the resource"


@rule("access-key-conditions")
def the_key_is_used_only_through_services(deployment, code):
    for name, properties in _roles(deployment):
        for statement in _statements(properties):
            uses_key = any(action.startswith("kms:") for action in as_list(statement.get("Action")))
            if uses_key and not statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService"):
                yield f"{name} permits the use of the key without kms:ViaService"


@rule("access-roles")
def every_function_has_a_role_of_its_own(deployment, code):
    users = {}
    for function in functions(deployment):
        role = deployment.referred(function.role)
        if deployment.type_of(role or "") != "AWS::IAM::Role":
            yield f"{function.name} has no role of this template"
            continue
        users.setdefault(role, []).append(function.name)
    for role, names in users.items():
        if len(names) > 1:
            yield f"{' and '.join(names)} share {role}"
    for name, properties in _roles(deployment):
        if properties.get("ManagedPolicyArns"):
            yield f"{name} attaches managed policies; they permit more than is needed"


@rule("access-trust")
def roles_are_taken_by_one_service(deployment, code):
    for name, properties in _roles(deployment):
        for statement in properties.get("AssumeRolePolicyDocument", {}).get("Statement", []):
            services = as_list(statement.get("Principal", {}).get("Service")) if isinstance(statement.get("Principal"), dict) else []
            if len(services) != 1 or set(statement["Principal"]) != {"Service"}:
                yield f"{name} may be taken by {statement.get('Principal')}; it must be one service"
            elif services == ["firehose.amazonaws.com"] and "aws:SourceAccount" not in statement.get("Condition", {}).get("StringEquals", {}):
                yield f"{name}: Firehose could be made to take it for another account (aws:SourceAccount)"


@rule("access-delivery")
def firehose_may_do_what_the_delivery_stream_asks(deployment, code):
    for name, properties in lake_deliveries(deployment):
        destination = properties.get("ExtendedS3DestinationConfiguration", {})
        role = deployment.properties(deployment.referred(destination.get("RoleARN")) or "")
        granted = set(_grants(role))
        narrow = {(action, _resource(resource)) for action, resource in granted}
        lake, raw = _resource(destination.get("BucketARN")), _resource(destination.get("S3BackupConfiguration", {}).get("BucketARN"))
        stream = _resource(properties.get("KinesisStreamSourceConfiguration", {}).get("KinesisStreamARN"))
        needed = {("kinesis:GetRecords", stream), ("kinesis:GetShardIterator", stream), ("kinesis:DescribeStream", stream), ("kinesis:ListShards", stream)}
        needed |= {(action, bucket) for bucket in (lake, raw) for action in ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads")}
        needed |= {("logs:PutLogEvents", _resource(destination.get("CloudWatchLoggingOptions", {}).get("LogGroupName")))}
        for action, resource in sorted(needed - narrow):
            yield f"{name} needs {action} on {resource}"
        if not any(action == "lambda:InvokeFunction" for action, _ in granted):
            yield f"{name} needs lambda:InvokeFunction on the transform"
        tables = [resource for action, resource in granted if action == "glue:GetTableVersions"]
        if len(tables) < 3 or not any(":catalog" in t for t in tables) or not any("${LakeTable}" in t for t in tables):
            yield f"{name} needs glue:GetTableVersions on the catalog, the database and the table"
        for prefix in ("Prefix", "ErrorOutputPrefix"):
            for bucket, part in ((lake, destination), (raw, destination.get("S3BackupConfiguration", {}))):
                folder = part.get(prefix, "").split("/")[0]
                if ("s3:PutObject", f"${{{bucket}.Arn}}/{folder}/*") not in granted:
                    yield f"{name} needs s3:PutObject on {bucket}/{folder}/*, for {prefix}"
        for action, services in (("kms:Decrypt", {"kinesis", "s3"}), ("kms:GenerateDataKey", {"s3"})):
            for service in sorted(services - _via(role, action)):
                yield f"{name} needs {action} by way of {service} (kms:ViaService)"
