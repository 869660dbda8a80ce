"""From SAM to CloudFormation, without an account: what `sam deploy` would send."""

import copy
import logging
import os

# The translator asks boto for a region and nothing else.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.model.exceptions import InvalidDocumentException  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


# It warns of usage figures that it would send if it were told where.
logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)


class NotExpandable(Exception):
    """The file is not a SAM template. Its text says why, and where."""


class _NoManagedPolicies:
    def load(self):
        return {}


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            template = yaml_parse(file.read())
    except Exception as error:
        raise NotExpandable(f"{path} cannot be read: {error}") from error
    if not isinstance(template, dict) or "Resources" not in template:
        raise NotExpandable(f"{path} is not a template: it has no Resources")
    return template


def defaults(template):
    return {name: parameter.get("Default", "") for name, parameter in template.get("Parameters", {}).items()}


def expand(template):
    """The template as CloudFormation gets it. Code that is yet to be uploaded is an object in a bucket."""
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        if resource.get("Type") == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://artifacts/code.zip"
    try:
        return transform(template, defaults(template), _NoManagedPolicies())
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise NotExpandable(f"SAM does not accept the template: {causes}") from error
