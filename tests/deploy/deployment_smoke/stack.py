"""The template as ministack can deploy it."""

import io
import json
import zipfile
from pathlib import Path

STACK = "fraud-stream"
ARTIFACTS = "artifacts"


def deployable(expanded):
    """The expanded template, changed if ministack cannot do what AWS does."""
    # A transform that calls AWS hangs when ministack invokes it for a stream: this delivery stream is fed directly.
    delivery = expanded["Resources"]["LakeDelivery"]["Properties"]
    delivery["DeliveryStreamType"] = "DirectPut"
    delivery.pop("KinesisStreamSourceConfiguration")
    # It is reached without TLS, which the policies forbid.
    policies = ("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy")
    expanded["Resources"] = {name: resource for name, resource in expanded["Resources"].items() if resource["Type"] not in policies}
    for name, resource in expanded["Resources"].items():
        # It knows no metric math: such an alarm watches the first of its metrics.
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            metrics = resource["Properties"].pop("Metrics")
            first = next(metric["MetricStat"] for metric in metrics if "MetricStat" in metric)
            resource["Properties"] |= first["Metric"] | {"Statistic": first["Stat"], "Period": first["Period"]}
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = {"S3Bucket": ARTIFACTS, "S3Key": f"{name}.zip"}
        # It asks for sns:PublishBatch, an action that AWS does not have: sns:Publish permits the call there.
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"]["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    if statement.get("Action") == "sns:Publish":
                        statement["Action"] = ["sns:Publish", "sns:PublishBatch"]
    return expanded


def upload(s3, folder, template):
    """Puts each function's bootstrap, which `sam build` left at `<folder>/<resource>/bootstrap`, where the template looks."""
    s3.create_bucket(Bucket=ARTIFACTS)
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        path = Path(folder, name, "bootstrap")
        if not path.exists():
            raise SystemExit(f"{path} is missing: make package makes it")
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w", zipfile.ZIP_STORED) as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, path.read_bytes())
        s3.put_object(Bucket=ARTIFACTS, Key=f"{name}.zip", Body=body.getvalue())


def deploy(emulator, template, parameters):
    """Creates the stack and gives its outputs and the physical names of its resources."""
    cloudformation = emulator.client("cloudformation")
    s3 = emulator.client("s3")
    s3.put_object(Bucket=ARTIFACTS, Key="template.json", Body=json.dumps(template, default=str).encode())
    cloudformation.create_stack(
        StackName=STACK,
        TemplateURL=f"{emulator.endpoint}/{ARTIFACTS}/template.json",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    except Exception as error:
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        failed = [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in events if "FAILED" in e["ResourceStatus"]]
        raise SystemExit("the stack does not come up:\n" + "\n".join(failed)) from error
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    resources = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    return outputs, {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
