"""What a newcomer is asked and told."""

from . import rule


@rule("parameters")
def parameters_say_what_they_are_and_take(deployment, code):
    groups = deployment.template.get("Metadata", {}).get("AWS::CloudFormation::Interface", {}).get("ParameterGroups", [])
    grouped = {name for group in groups for name in group.get("Parameters", [])}
    for name, parameter in deployment.parameters.items():
        if not parameter.get("Description"):
            yield f"{name} has no Description"
        if "Default" not in parameter:
            yield f"{name} has no Default"
        if not {"AllowedValues", "AllowedPattern", "MinValue", "MaxValue"} & set(parameter):
            yield f"{name} takes anything: give it AllowedValues, AllowedPattern, MinValue or MaxValue"
        if name not in grouped:
            yield f"{name} is in no group of AWS::CloudFormation::Interface"
    for name in sorted(grouped - set(deployment.parameters)):
        yield f"AWS::CloudFormation::Interface names {name}, which is not a parameter"


@rule("outputs")
def outputs_say_what_they_are(deployment, code):
    outputs = deployment.template.get("Outputs", {})
    for name, output in outputs.items():
        if not output.get("Description"):
            yield f"the output {name} has no Description"
    for name in ("TransactionsStreamName", "ProfilesTableName", "AlertsTopicArn", "DeadLettersQueueUrl", "UnalertedLettersQueueUrl", "DashboardUrl"):
        if name not in outputs:
            yield f"there is no output {name}"
